"""DATASHEET.md, STATISTICS.md and the alerts on top: each question once, nothing guessed, hostile names harmless."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import explorer
from explorer.config import CorpusConfig
from explorer.datasheet.alerts import alerts_markdown
from explorer.datasheet.blocks import quoted
from explorer.datasheet.bundle import read_sheet
from explorer.datasheet.declared import Card, Declared, Origin
from explorer.datasheet.questionnaire import ORDERS, QUESTIONS, SECTIONS
from explorer.datasheet.questions import FINDERS, STATUSES, UNKNOWN, answer, render_questions
from explorer.datasheet.sheet import Sheet
from explorer.datasheet.statistics import render_statistics
from explorer.statistic import load_statistics
from tests.corpora import build_corpus, documents, write_dolma, write_jsonl

NASTY = ("a|b", "<script>alert(1)</script>", "two\nlines", "tick`tick``", '"quoted"', "\u202edna", "# head")
RECIPE = """
title = "r"

[[rules]]
name = "<b>|never`"
exclude = "nothing__t__here > 0"

[[rules]]
name = "mail"
exclude = "t__pii_v1__EMAIL > 0"
"""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    """A corpus with hostile sources, copies, near-duplicates, personal data, missing dates and a dead rule."""
    root = tmp_path_factory.mktemp("questions")
    long = " ".join(f"w{n}" for n in range(80))
    shards: dict[str, list[dict[str, object]]] = {
        f"{n}.jsonl": documents(3, source, created=None if n else "2021-05-01", language="en" if n % 2 else None)
        for n, source in enumerate(NASTY)
    }
    shards["near.jsonl"] = [
        {"id": "n1", "source": "near", "text": long, "licence": "MIT | x"},
        {"id": "n2", "source": "near", "text": f"{long} more", "licence": "MIT | x"},
        {"id": "n3", "source": "near", "text": long},
    ]
    found = {"n1": [[0, 3, 1.0]]}
    tags = [
        {"id": id, "attributes": {"t__pii_v1__EMAIL": found.get(id, []), "t__pii_v1__doc_count": [[0, 9, 1.0]]}}
        for id in ("n1", "n2", "n3")
    ]
    write_dolma(root / "in", shards, {"<i>tags": {"near.jsonl": tags}})
    recipe = root / "r.toml"
    recipe.write_text(f'attributes = ["<i>tags"]\n{RECIPE}', encoding="utf-8")
    build_corpus(root / "in", root / "w", near=0.7, recipes=[str(recipe)])
    with explorer.open(root / "w") as corpus:
        return read_sheet(corpus)


SAID = Declared(
    card=Card(purpose="# why\n- not a list\n\n<b>x</b>", creators="|us|", biases="some", date="2026-01-31"),
    origins={source: Origin(origin_class="own_crawl", crawler=source) for source in NASTY},
    answers={
        "C13": "Not applicable: no people",
        "N3": "Unknown to the authors.",
        "N5": "unknown",
        "K4": "`<u>me</u>`",
        "K9": "not applicable",
    },
    purposes={"mail": "opt_out"},
)


def bare(sheet: Sheet) -> Sheet:
    return replace(sheet, declared=Declared(), config=CorpusConfig())


def blocks(text: str) -> Mapping[str, str]:
    """Id of each question to what stands below its heading."""
    parts = re.split(r"^### ([A-Z]\d+)\. .*$", text, flags=re.MULTILINE)[1:]
    assert len(parts[::2]) == len(set(parts[::2]))
    return {id: body.split("\n## ")[0].strip() for id, body in zip(parts[::2], parts[1::2], strict=True)}


def datasheet(sheet: Sheet) -> str:
    return render_questions(sheet)["DATASHEET.md"]


def statuses(sheet: Sheet) -> dict[str, str]:
    return {id: re.match(r"Status: \*\*(.*)\*\*", body)[1] for id, body in blocks(datasheet(sheet)).items()}  # type: ignore[index]


@pytest.mark.parametrize("order", ORDERS)
def test_every_question_stands_there_once_in_the_order_asked_for(sheet: Sheet, order: str) -> None:
    text = datasheet(replace(sheet, order=order, declared=SAID))
    headings = re.findall(r"^(?:## (.*)|### ([A-Z]\d+)\. .*)$", text, re.MULTILINE)
    expected = [("Alerts", ""), ("The corpus", ""), ("Answers", "")]
    for section, questions in ORDERS[order].items():
        expected += [(section.replace("&", "&amp;"), ""), *(("", question.id) for question in questions)]
    assert headings == expected
    assert set(blocks(text)) == set(QUESTIONS)


def test_another_order_changes_no_answer(sheet: Sheet) -> None:
    told = replace(sheet, declared=SAID)
    assert blocks(datasheet(told)) == blocks(datasheet(replace(told, order="dolma")))


def test_what_nobody_declared_is_measured_or_unknown(sheet: Sheet) -> None:
    found = statuses(bare(sheet))
    assert set(found.values()) == {"measured", "unknown"}
    asides = {"C3", "C11", "C12", "C14", "C16", "K8", "K10"}  # nothing to be measured here, or beside the question
    assert {id for id, status in found.items() if status == "measured"} == set(FINDERS) - asides
    for id, body in blocks(datasheet(bare(sheet))).items():
        if found[id] == UNKNOWN:
            assert "Unknown to the authors." in body
            assert "Measured by" not in body or "though no answer" in body
        assert "Declared:" not in body


def test_what_people_said_is_declared(sheet: Sheet) -> None:
    found, body = statuses(replace(sheet, declared=SAID)), blocks(datasheet(replace(sheet, declared=SAID)))
    assert {id: found[id] for id in ("M1", "M2", "C13", "K2", "K4", "K8", "K9", "N3", "N5", "U4", "D3", "K10")} == {
        "M1": "declared",
        "M2": "declared",
        "C13": "not applicable",
        "K2": "declared",
        "K4": "declared",
        "K8": "measured and declared",
        "K9": "not applicable",
        "N3": "unknown",
        "N5": "unknown",
        "U4": "measured and declared",
        "D3": "declared",
        "K10": "unknown",  # what an opt-out rule takes is no consent
    }
    assert body["M1"].endswith("> \\# why\\\n> \\- not a list\n>\n> &lt;b&gt;x&lt;/b&gt;")
    assert body["D3"].endswith("Published on:\n\n> 2026-01-31")
    assert "EMAIL" in body["C13"]  # said to be out of the question, and measured all the same
    assert "though no answer: Rules that corpus.toml" in body["K10"]


@pytest.mark.parametrize("key", fields(Card), ids=lambda key: key.name)
def test_a_text_of_the_card_answers_the_questions_that_it_says(sheet: Sheet, key: Field[str]) -> None:
    said = Declared(card=Card(**{key.name: "2026-01-31"}))
    found = statuses(replace(bare(sheet), declared=said))
    named = re.findall(r"\b[MCKPUDN]\d+\b", key.metadata["doc"])
    assert {id for id, status in found.items() if "declared" in status} == set(named)


def test_the_table_on_top_counts_the_statuses(sheet: Sheet) -> None:
    told = replace(sheet, declared=SAID)
    text, found = datasheet(told), statuses(told)
    for section, questions in SECTIONS.items():
        counted = Counter(found[question.id] for question in questions)
        cells = [section, *(str(counted[status]) for status in STATUSES), str(len(questions))]
        assert f"| {' | '.join(cells)} |" in text
    whole = Counter(found.values())
    assert f"| {' | '.join(['All', *(str(whole[status]) for status in STATUSES), '52'])} |" in text
    unknown = [id for id in QUESTIONS if found[id] == UNKNOWN]
    assert f"Unknown to the authors: {', '.join(unknown)}." in text


def test_every_number_names_its_statistic_and_the_hash_of_its_sql(sheet: Sheet) -> None:
    for id, body in blocks(datasheet(bare(sheet))).items():
        named = re.findall(r"`(\w+)`, SQL `(\w+)`", body)
        assert bool(named) == any(finder(bare(sheet)) for finder in FINDERS.get(id, ())), id
        for name, sql_hash in named:
            assert load_statistics()[name].sql_hash == sql_hash


def test_numbers_are_those_of_the_corpus(sheet: Sheet) -> None:
    body = blocks(datasheet(bare(sheet)))
    assert body["C2"].partition("Status: **measured**\n\n")[2].startswith("24 documents, ")
    assert "\n- a URL: 3 (12.50 %)\n- a date of creation: 21 (87.50 %)\n" in body["C6"]
    assert "\n- a licence: 22 (91.67 %)\n" in body["C6"]
    assert "attribute set `<i>tags`: 21 (87.50 %)" in body["C6"]
    assert re.search(r"pii_v1.*EMAIL \| 1 \| 33.33 % \|", body["C15"])
    assert "doc_count" not in body["C15"]
    assert "| mail | 1 | 1 | 1 | 100.00 % |" in body["P1"].replace("| r | 2 | mail", "| mail")


def test_an_estimate_says_so_with_its_bound(sheet: Sheet) -> None:
    body = blocks(datasheet(sheet))
    for id in ("C7", "C9"):
        assert "| text, nearly (estimated) |" in body[id]
        bound = sheet.entry("near_search")["error"].rstrip(".")
        assert f"`near_search`, SQL `{sheet.entry('near_search')['sql_hash']}`, estimated ({bound})" in body[id]


def test_a_sheet_without_statistics_measures_nothing(sheet: Sheet) -> None:
    emptied = {name: {**entry, "rows": []} for name, entry in sheet.stats["statistics"].items()}
    empty = replace(bare(sheet), stats={**sheet.stats, "statistics": emptied})
    assert set(statuses(empty).values()) == {"unknown"}
    older = replace(bare(sheet), stats={**sheet.stats, "statistics": {"alerts": emptied["alerts"]}})
    assert set(statuses(older).values()) == {"unknown"}


def rendered(sheet: Sheet) -> Iterator[str]:
    hostile = replace(
        sheet,
        declared=replace(SAID, card=Card(**{**dict.fromkeys(Card.__dataclass_fields__, "\n".join(NASTY)), "date": ""})),
        config=CorpusConfig(name=NASTY[1], licence=NASTY[0], homepage="https://x.org/|<u>"),
    )
    yield datasheet(hostile)
    yield render_statistics(hostile)["STATISTICS.md"]


def test_hostile_names_stay_text(sheet: Sheet) -> None:
    markup = MarkdownIt("commonmark").enable("table")
    for text in rendered(sheet):
        assert "\u202e" not in text
        tokens = markup.parse(text)
        inline = [child for token in tokens for child in token.children or ()]
        kinds = {token.type for token in (*tokens, *inline)}
        assert not kinds & {"html_block", "html_inline", "link_open", "image", "hr", "ordered_list_open"}
        assert {token.markup for token in tokens if token.type == "fence"} <= {"```"}
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, block
        n_tables = len(re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE))
        assert sum(token.type == "table_open" for token in tokens) == n_tables
        shown = "".join(child.content for child in inline if child.type in ("text", "code_inline"))
        assert all(name in shown for name in ("a|b", "<script>alert(1)</script>", "two\\nlines", "\\u202edna"))


@pytest.mark.parametrize(
    "line", ["# x", "- x", "+ x", "* x", "1. x", "12) x", "> x", "---", "===", "    code", "```", "~~~", "| a | b |"]
)
def test_a_quoted_line_is_a_paragraph(line: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(quoted(f"before\n{line}\n\n{line}\n| - | - |\nafter"))
    kinds = [token.type for token in tokens]
    paragraph = ["paragraph_open", "inline", "paragraph_close"]
    assert kinds == ["blockquote_open", *paragraph, *paragraph, "blockquote_close"]
    said = "".join(child.content for token in tokens for child in token.children or () if child.type == "text")
    assert said.count(line.strip()) == 2


def test_the_same_sheet_gives_the_same_bytes(sheet: Sheet) -> None:
    again = Sheet(json.loads(json.dumps(sheet.stats)), sheet.config, sheet.declared, sheet.files)
    assert datasheet(again) == datasheet(sheet)
    assert render_statistics(again) == render_statistics(sheet)


def test_statistics_has_every_statistic_with_its_provenance(sheet: Sheet) -> None:
    text = render_statistics(sheet)["STATISTICS.md"]
    entries = sheet.stats["statistics"]
    assert set(entries) == set(load_statistics())
    assert text.count("\nProvenance: ") == len(re.findall(r"^### ", text, re.MULTILINE))
    for name, entry in entries.items():
        if any(other["rows"] for other in entries.values() if other["section"] == entry["section"]):
            assert len(re.findall(rf"^Provenance: `from {name}\(.*SQL `{entry['sql_hash']}`", text, re.MULTILINE)) == 1
    assert "\nProvenance: `from near_search()` on `corpus.duckdb` · SQL" in text
    assert re.search(r"`from near_search\(\)`.* · estimated\n", text)
    assert re.search(r"`from totals\(\)`.* · exact\n", text)


def test_a_section_in_which_nothing_was_counted_is_a_sentence(sheet: Sheet) -> None:
    emptied = {
        name: {**entry, "rows": []} if entry["section"] == "filters" else entry
        for name, entry in sheet.stats["statistics"].items()
    }
    text = render_statistics(replace(sheet, stats={**sheet.stats, "statistics": emptied}))["STATISTICS.md"]
    assert "## Filters\n\nThe workspace has no recipe of filters (`build --recipe` adds one): `filter_warnings`" in text


def test_long_tables_are_cut_and_say_so(sheet: Sheet) -> None:
    rows = [[f"lang{n:03}", 1, 1, 10, 2, None, 0.01, 0.01, 0.01, None] for n in range(120)]
    entries = {**sheet.stats["statistics"]}
    entries["languages"] = {**entries["languages"], "rows": rows}
    long = replace(sheet, stats={**sheet.stats, "statistics": entries})
    text = render_statistics(long)["STATISTICS.md"]
    assert "The first 50 of 120 rows; `stats.json` has them all." in text
    assert "lang049" in text
    assert "lang050" not in text
    assert "The first 20 of 120; `stats.json` has all." in blocks(datasheet(long))["C2"]


def test_alerts_stand_on_top_with_their_thresholds(sheet: Sheet) -> None:
    text = alerts_markdown(sheet)
    alerts = sheet.rows("alerts")
    assert len(alerts) <= 7
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(lines) == len(alerts)
    for line, alert in zip(lines, alerts, strict=True):
        assert line.startswith(f"- **{alert['severity']}** ")
        assert re.search(r"Found [0-9.,]+( %)?, threshold [0-9.,]+( %)?\.$", line)
    kinds = {alert["kind"] for alert in alerts}
    assert {"dead rules", "attribute coverage", "near-duplicates", "personal data", "dates"} <= kinds
    assert "&lt;b&gt;\\|never\\`" in text
    assert "Near-duplicates are found by estimate" in text
    assert datasheet(sheet).index(text) < datasheet(sheet).index("## Answers")


def test_alerts_that_are_not_listed_are_counted(sheet: Sheet) -> None:
    entries = {**sheet.stats["statistics"]}
    alerts = entries["alerts"]
    place = [column["name"] for column in alerts["columns"]].index("n_alerts")
    rows = [[*row[:place], len(alerts["rows"]) + 2, *row[place + 1 :]] for row in alerts["rows"]]
    more = replace(sheet, stats={**sheet.stats, "statistics": {**entries, "alerts": {**alerts, "rows": rows}}})
    assert "2 more of less weight are not listed." in alerts_markdown(more)
    none = replace(sheet, stats={**sheet.stats, "statistics": {**entries, "alerts": {**alerts, "rows": []}}})
    assert alerts_markdown(none).startswith("None: nothing that was measured is beyond its threshold.")


def test_a_corpus_of_one_empty_text_has_no_number_that_is_none(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": "a", "text": ""}])
    build_corpus(tmp_path / "in", tmp_path / "w")
    with explorer.open(tmp_path / "w") as corpus:
        small = read_sheet(corpus)
    text = datasheet(small)
    assert set(blocks(text)) == set(QUESTIONS)
    assert not re.search(r"\b(nan|inf|None)\b", text.replace("None is unknown", ""))
    assert answer(small, QUESTIONS["M1"]).status == UNKNOWN
