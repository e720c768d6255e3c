"""The EU's public summary: the template's headings, its limits at their borders, three-state answers, gaps."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import explorer
from explorer.catalogue import add_statistic
from explorer.config import CorpusConfig, SourceNote, toml_string
from explorer.datasheet.bundle import read_sheet
from explorer.datasheet.declared import Card, Declared, Origin, Provider
from explorer.datasheet.eu import render
from explorer.datasheet.eu_domains import OWN_DOMAINS, domain_tables
from explorer.datasheet.eu_facts import SIZES, is_url, size_class
from explorer.datasheet.eu_template import EU_LANGUAGES, FIELDS, eu_language
from explorer.datasheet.sheet import Sheet
from explorer.partials import connect
from explorer.statistic import find_statistic
from tests.corpora import MEMORY, build_corpus, write_dolma

HEADINGS = [
    "1. General information",
    "1.1. Provider identification",
    "1.2. Model identification",
    "1.3. Modalities, overall training data size and other characteristics",
    "2. List of data sources",
    "2.1. Publicly available datasets",
    "2.2. Private non-publicly available datasets obtained from third parties",
    "2.2.1. Datasets commercially licensed by rightsholders or their representatives",
    "2.2.2. Private datasets obtained from other third parties",
    "2.3. Data crawled and scraped from online sources",
    "2.4. User data",
    "2.5. Synthetic data",
    "2.6. Other sources of data",
    "3. Data processing aspects",
    "3.1. Respect of reservation of rights from text and data mining exception or limitation",
    "3.2. Removal of illegal content",
    "3.3. Other information (optional)",
]
TBP = "TO BE PROVIDED"
HOSTILE = 'crawl | <script>alert(1)</script>\n# `x` "y" \u202e[z](https://evil.example)'


def statistic(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(rows[0]) if rows else []
    return {
        "sql_hash": "0",
        "parameters": {},
        "is_exact": True,
        "error": None,
        "columns": [{"name": name} for name in names],
        "rows": [[row[name] for name in names] for row in rows],
    }


def make_sheet(
    sizes: Mapping[str, int],
    declared: Declared | None = None,
    *,
    n_tokens: int | None = None,
    n_uncounted: int = 0,
    config: CorpusConfig | None = None,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    more: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> Sheet:
    """A sheet of sources of so many bytes, one document each, in English."""
    n = len(sizes)
    totals = {"n_docs": n, "n_bytes": sum(sizes.values()), "n_words": 7, "n_tokens": n_tokens, "tokenizer": "t"}
    rows: dict[str, Sequence[Mapping[str, Any]]] = {
        "totals": [totals],
        "composition": [{"source": s, "n_docs": 1, "n_bytes": b, "n_tokens": None} for s, b in sizes.items()],
        "checks": [{"check_name": "missing token counts", "n_found": n_uncounted}],
        "languages_by_source": [{"source": s, "language": "en", "n_docs": 1, "n_bytes": b} for s, b in sizes.items()],
        "date_range": [{"source": s, "first_added": None, "last_added": None} for s in sizes],
        "date_coverage": [{"source": s, "n_added": 0} for s in sizes],
        "url_coverage": [{"source": s, "n_without_url": 0, "n_without_host": 0} for s in sizes],
        **(more or {}),
    }
    stats = {
        "corpus": {"name": "corpus", "fingerprint": "f00"},
        "statistics": {name: statistic(found) for name, found in rows.items()},
    }
    return Sheet(stats, config or CorpusConfig(), declared or Declared(), tables=tables or {OWN_DOMAINS: ()})


def summary(sheet: Sheet) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(render(sheet)["eu/public_summary.json"])
    return data


def fields(sheet: Sheet) -> dict[str, dict[str, Any]]:
    return {field["id"]: field for section in summary(sheet)["sections"] for field in section["fields"]}


def origins(**classes: str) -> Declared:
    return Declared(origins={name: Origin(origin_class=origin_class) for name, origin_class in classes.items()})


# ---- the template


def test_headings_are_the_templates_in_its_order() -> None:
    for sheet in (make_sheet({"web": 10}), everything()):
        lines = render(sheet)["eu/public_summary.md"].splitlines()
        assert [line.lstrip("# ") for line in lines if re.match("#{2,} ", line)] == HEADINGS
        assert sum(line.startswith("# ") for line in lines) == 1


def test_the_version_of_the_template_and_the_disclaimer_stand_in_both_files() -> None:
    files = render(make_sheet({"web": 10}))
    for name in ("eu/public_summary.md", "eu/public_summary.json"):
        assert "C(2025) 8311" in files[name]
        assert "not legal advice" in files[name]


# ---- three states


def test_nothing_declared_is_a_draft_in_which_nothing_is_no() -> None:
    sheet = make_sheet({"web": 10, "books": 5})
    data, found = summary(sheet), fields(sheet)
    assert data["is_draft"]
    assert "**DRAFT.**" in render(sheet)["eu/public_summary.md"].split("\n\n")[1]
    questions = {field["id"]: field["value"] for field in found.values() if field["kind"] == "yes_no"}
    assert questions.pop("eu_1_3_text") == "Yes"
    assert set(questions.values()) == {TBP}
    assert "No" not in {field["value"] for field in found.values()}
    assert "☒ No" not in render(sheet)["eu/public_summary.md"]
    missing = {id for id, field in found.items() if field["status"] == "missing" and not field["is_optional"]}
    assert {id for id in missing if found[id]["value"] != TBP} == set()
    assert {gap["id"] for gap in data["gaps"]} == {*missing, "eu_2_origins"}
    assert missing == FIELDS.keys() - {"eu_1_3_text", "eu_1_3_languages"} - {
        f.id for f in FIELDS.values() if f.is_optional
    }
    assert all(gap["reason"] for gap in data["gaps"])


def test_an_empty_corpus_is_filled_in_without_a_number() -> None:
    found = fields(make_sheet({}))
    assert (found["eu_1_3_text"]["value"], found["eu_1_3_size"]["value"]) == (TBP, TBP)
    assert found["eu_1_3_languages"]["value"] == TBP


def test_every_status_is_one_of_three_and_every_number_has_its_source() -> None:
    for sheet in (make_sheet({"web": 10}), everything()):
        for field in fields(sheet).values():
            assert field["status"] in ("measured", "declared", "missing")
            assert (field["value"] in ("", TBP)) == (field["status"] == "missing"), field["id"]
            assert field["sources"] or field["status"] == "missing"
            if field["status"] == "measured":
                assert any("sql_hash" in source for source in field["sources"])


def test_no_is_what_somebody_said() -> None:
    sheet = make_sheet({"web": 10}, Declared(provider=Provider(uses_licensed_data="no", code_of_practice="no")))
    found = fields(sheet)
    assert (found["eu_2_2_1_used"]["value"], found["eu_2_2_1_used"]["status"]) == ("No", "declared")
    assert found["eu_2_2_1_modalities"]["value"] == "Not applicable"
    assert found["eu_3_1_signatory"]["value"] == "No"
    assert found["eu_2_1_used"]["value"] == TBP


def test_the_origin_of_a_source_says_yes() -> None:
    found = fields(make_sheet({"web": 10}, origins(web="licensed")))
    assert (found["eu_2_2_1_used"]["value"], found["eu_2_2_1_modalities"]["value"]) == ("Yes", "Text")
    assert found["eu_2_2_2_used"]["value"] == TBP


@pytest.mark.parametrize("by_answer", [False, True])
def test_a_no_against_the_sources_is_a_gap(by_answer: bool) -> None:
    declared = dataclasses.replace(
        origins(web="own_crawl"),
        provider=Provider(uses_own_crawl="" if by_answer else "no"),
        answers={"eu_2_3_used": "no"} if by_answer else {},
    )
    found = fields(make_sheet({"web": 10}, declared))["eu_2_3_used"]
    assert (found["value"], found["status"]) == (TBP, "missing")
    assert "says no" in found["lacks"][0]


def test_user_data_asks_which() -> None:
    declared = Declared(provider=Provider(uses_user_data="yes"))
    found = fields(make_sheet({"web": 10}, declared))
    assert found["eu_2_4_prompts"]["value"] == found["eu_2_4_services"]["value"] == TBP
    answers = {"eu_2_4_prompts": "no", "eu_2_4_services": "Yes"}
    found = fields(make_sheet({"web": 10}, dataclasses.replace(declared, answers=answers)))
    assert (found["eu_2_4_prompts"]["value"], found["eu_2_4_services"]["value"]) == ("No", "Yes")
    both = dataclasses.replace(declared, answers={"eu_2_4_prompts": "no", "eu_2_4_services": "no"})
    assert fields(make_sheet({"web": 10}, both))["eu_2_4_prompts"]["value"] == TBP
    neither = fields(make_sheet({"web": 10}, Declared(provider=Provider(uses_user_data="no"))))
    assert neither["eu_2_4_prompts"]["value"] == neither["eu_2_4_services"]["value"] == "No"
    assert neither["eu_2_4_description"]["value"] == neither["eu_2_4_modalities"]["value"] == "Not applicable"


def test_an_answer_that_is_neither_yes_nor_no_is_a_gap() -> None:
    found = fields(make_sheet({"web": 10}, Declared(answers={"eu_2_1_used": "perhaps"})))
    assert found["eu_2_1_used"]["value"] == TBP


def test_an_answer_wins_and_what_is_measured_stands_beside_it() -> None:
    declared = Declared(answers={"eu_1_3_size": SIZES[2]})
    field = fields(make_sheet({"web": 10}, declared, n_tokens=5))["eu_1_3_size"]
    assert (field["value"], field["status"]) == (SIZES[2], "declared")
    assert field["notes"][0] == f"Of this corpus: {SIZES[0]}"


def everything() -> Sheet:
    """A sheet for which every field is answered, of one source of each class and two that crawl."""
    classes = {
        "large": "public_dataset",
        "small": "public_dataset",
        "bought": "licensed",
        "given": "private_third_party",
        "crawl": "own_crawl",
        "crawl-2": "own_crawl",
        "users": "user_data",
        "made": "synthetic",
        "scans": "other",
    }
    declared_origins = {
        name: Origin(
            origin_class=origin_class,
            url=f"https://{name}.example/",
            provider="Somebody",
            collected_from="2023-01",
            collected_to=f"2024-0{number}-15",
            selection="all",
            crawler=f"bot of {name}",
            crawl_behaviour="robots.txt is respected",
            generator="a model",
        )
        for number, (name, origin_class) in enumerate(classes.items(), 1)
    }
    keys = [field.name for field in dataclasses.fields(Provider)]
    provider = Provider(**{key: "yes" if key.startswith("uses_") else f"the {key}" for key in keys})
    provider = dataclasses.replace(provider, is_sme="no", code_of_practice="yes")
    answers = {
        "eu_version": "1",
        "eu_updated": "09/03/25",
        "eu_1_3_continuous": "It is not.",
        "eu_2_3_purposes": "Text for training",
        "eu_2_4_prompts": "no",
        "eu_2_4_services": "yes",
        "eu_2_5_other_models": "none",
    }
    domain = {"place": 1, "domain": "a.org", "n_docs": 1, "n_bytes": 9, "n_tokens": 3, "byte_share": 0.5}
    return make_sheet(
        {name: 1000 if name == "large" else 10 for name in classes},
        Declared(Card(date="2025-03-09"), declared_origins, answers, provider),
        n_tokens=5,
        config=CorpusConfig(
            version="2", sources={name: SourceNote(title=name.title(), document_type="web pages") for name in classes}
        ),
        tables={OWN_DOMAINS: [{**domain, "cumulative_byte_share": 0.5, "n_domains": 10, "n_listed": 1}]},
    )


def test_everything_declared_is_no_draft() -> None:
    data, files = summary(everything()), render(everything())
    assert data["gaps"] == []
    assert not data["is_draft"]
    assert "DRAFT" not in files["eu/public_summary.md"]
    assert TBP not in files["eu/public_summary.md"]
    found = fields(everything())
    assert (found["eu_version"]["value"], found["eu_updated"]["value"]) == ("1", "09/03/25")
    assert (found["eu_2_4_prompts"]["value"], found["eu_2_4_modalities"]["value"]) == ("No", "Text")
    assert found["eu_1_3_latest_date"]["value"] == "09/2024"
    assert found["eu_2_3_period"]["value"] == "From 01/2023 to 06/2024"
    assert found["eu_2_3_crawlers"]["tables"][0]["rows"] == [["crawl", "bot of crawl"], ["crawl-2", "bot of crawl-2"]]
    assert found["eu_2_3_behaviour"]["value"] == "robots.txt is respected"
    assert [row[0] for row in found["eu_2_1_large"]["tables"][0]["rows"]] == ["Large"]
    assert [row[0] for row in found["eu_2_1_others"]["tables"][0]["rows"]] == ["Small"]
    assert "| <https://large.example/> |" in files["eu/public_summary.md"]


@pytest.mark.parametrize(
    ("key", "gap"),
    [
        ("selection", "eu_2_1_large"),
        ("crawler", "eu_2_3_crawlers"),
        ("collected_to", "eu_1_3_latest_date"),
        ("origin_class", "eu_2_origins"),
    ],
)
def test_one_thing_less_is_one_gap_and_a_draft(key: str, gap: str) -> None:
    sheet = everything()
    name = {"eu_2_1_large": "large", "eu_2_3_crawlers": "crawl"}.get(gap, "small")
    less = {**sheet.declared.origins, name: dataclasses.replace(sheet.declared.origins[name], **{key: ""})}
    data = summary(dataclasses.replace(sheet, declared=dataclasses.replace(sheet.declared, origins=less)))
    assert data["is_draft"]
    assert [one["id"] for one in data["gaps"]] == [gap]
    assert name in data["gaps"][0]["reason"]


def test_how_much_was_taken_is_no_description_of_the_content() -> None:
    sheet = everything()
    notes = {**sheet.config.sources, "small": SourceNote(document_type="")}
    less = dataclasses.replace(sheet, config=dataclasses.replace(sheet.config, sources=notes))
    assert [gap["id"] for gap in summary(less)["gaps"]] == ["eu_1_3_content", "eu_2_1_others"]


# ---- limits


@pytest.mark.parametrize(
    ("n_tokens", "size"),
    [(0, 0), (10**9 - 1, 0), (10**9, 1), (10**13, 1), (10**13 + 1, 2)],
)
def test_ranges_of_tokens_at_their_borders(n_tokens: int, size: int) -> None:
    assert size_class(n_tokens) == SIZES[size]
    field = fields(make_sheet({"web": 10}, n_tokens=n_tokens))["eu_1_3_size"]
    assert (field["value"], field["status"]) == (SIZES[size], "measured")
    boxes = next(
        line
        for line in render(make_sheet({"web": 10}, n_tokens=n_tokens))["eu/public_summary.md"].splitlines()
        if "☒ " in line and "tokens" in line
    )
    assert f"☒ {SIZES[size]}" in boxes
    assert boxes.count("☒") == 1


def test_without_tokens_words_are_a_hint_and_no_answer() -> None:
    field = fields(make_sheet({"web": 10}))["eu_1_3_size"]
    assert field["value"] == TBP
    assert field["notes"] == ["The corpus has 7 words."]


def test_documents_without_a_count_leave_the_range_open() -> None:
    assert fields(make_sheet({"web": 10}, n_tokens=10**9, n_uncounted=1))["eu_1_3_size"]["value"] == TBP
    assert fields(make_sheet({"web": 10}, n_tokens=10**13, n_uncounted=1))["eu_1_3_size"]["value"] == TBP
    assert fields(make_sheet({"web": 10}, n_tokens=10**13 + 1, n_uncounted=1))["eu_1_3_size"]["value"] == SIZES[2]


def large(sizes: Mapping[str, int], **urls: str) -> list[str]:
    declared = Declared(origins={name: Origin("public_dataset", url=urls.get(name, "")) for name in sizes})
    tables = fields(make_sheet(sizes, declared))["eu_2_1_large"]["tables"]
    return [row[0] for table in tables for row in table["rows"]]


def test_exactly_three_percent_is_not_large() -> None:
    assert large({"a": 9700, "b": 300}) == ["a"]
    assert large({"a": 9700, "b": 301}) == ["a", "b"]
    assert large({"a": 9_699_999_999_999_999_999, "b": 300_000_000_000_000_000}) == ["a", "b"]


def test_a_dataset_is_not_split() -> None:
    sizes = {"a": 9000, "b": 200, "c": 200, "d": 200}
    assert large(sizes) == ["a"]
    assert large(sizes, b="https://x.org/d", c="https://x.org/d/", d="https://y.org/") == ["a", "b, c"]


def test_only_public_datasets_count_for_the_three_percent() -> None:
    sheet = make_sheet(
        {"big": 10**6, "a": 97, "b": 4}, origins(big="own_crawl", a="public_dataset", b="public_dataset")
    )
    rows = fields(sheet)["eu_2_1_large"]["tables"][0]["rows"]
    assert [row[0] for row in rows] == ["a", "b"]


@pytest.mark.parametrize(
    ("n", "top_10_percent", "sme"),
    [(1, 1, 1), (10, 1, 1), (11, 2, 1), (19, 2, 1), (20, 2, 1), (21, 3, 2), (19_981, 1999, 1000), (20_001, 2001, 1000)],
)
def test_lengths_of_the_list_of_domains(n: int, top_10_percent: int, sme: int) -> None:
    with connect(MEMORY) as connection:
        connection.execute("create schema merged").fetchall()
        connection.execute(
            "create table merged.domains as select 'web' as source, 'd' || range || '.org' as domain, "
            "1::bigint as n_docs, range as n_bytes, null::bigint as n_tokens from range($n)",
            {"n": n},
        ).fetchall()
        for name in ("domain_list", "domain_list_sizes"):
            add_statistic(connection, find_statistic(name))
        listed = (
            "select count(*), min(place), max(place), max(n_listed), max(n_domains) "
            "from domain_list(list_rule := $rule, top_n := 5000000)"
        )
        for rule, expected in (("top_10_percent", top_10_percent), ("sme", sme)):
            rows = connection.execute(listed, {"rule": rule}).fetchall()
            assert rows == [(expected, 1, expected, expected, n)]
            sizes = "select n_domains, n_listed from domain_list_sizes() where source is null and listed_by = $rule"
            assert connection.execute(sizes, {"rule": rule}).fetchall() == [(n, expected)]
        # the largest are listed
        first = connection.execute("select domain from domain_list() limit 1").fetchall()
        assert first == [(f"d{n - 1}.org",)]


def test_a_list_that_was_cut_is_a_gap() -> None:
    sheet = everything()
    rows = [{**row, "n_listed": 2} for row in sheet.tables[OWN_DOMAINS]]
    assert [gap["id"] for gap in summary(dataclasses.replace(sheet, tables={OWN_DOMAINS: rows}))["gaps"]] == [
        "eu_2_3_domains"
    ]
    without = summary(dataclasses.replace(sheet, tables={}))
    assert [gap["id"] for gap in without["gaps"]] == ["eu_2_3_domains"]


# ---- languages


def test_labels_of_languages() -> None:
    assert len(EU_LANGUAGES) == len(set(EU_LANGUAGES)) == 24
    for label in ("de", "DE", "deu", "ger", "deu_Latn", "de-AT", "German", " de "):
        assert eu_language(label) == "German"
    for label in ("deutsch", "ru", "", "und", "ent"):
        assert eu_language(label) is None


@pytest.mark.parametrize("n_added", [0, 1])
def test_dates_of_some_documents_are_no_date_of_a_source(n_added: int) -> None:
    more: dict[str, list[dict[str, Any]]] = {
        "date_range": [{"source": "web", "first_added": "2024-02-03T00:00:00", "last_added": "2024-06-01T00:00:00"}],
        "date_coverage": [{"source": "web", "n_added": n_added}],
    }
    found = fields(make_sheet({"web": 10}, origins(web="own_crawl"), more=more))
    assert found["eu_1_3_latest_date"]["value"] == ("06/2024" if n_added else TBP)
    assert found["eu_2_3_period"]["value"] == ("From 02/2024 to 06/2024" if n_added else TBP)


def test_the_24_languages_are_always_listed() -> None:
    rows = [
        {"source": "web", "language": language, "n_docs": 1, "n_bytes": n_bytes}
        for language, n_bytes in (
            ("deu_Latn", 30),
            ("de", 30),
            ("ru", 20),
            (None, 20),
            *((f"x{i:02}", 0) for i in range(25)),
        )
    ]
    field = fields(make_sheet({"web": 100}, more={"languages_by_source": rows}))["eu_1_3_languages"]
    official, others = field["tables"]
    assert [row[0] for row in official["rows"]] == list(EU_LANGUAGES)
    assert next(row for row in official["rows"] if row[0] == "German") == ["German", 2, 60, 0.6]
    assert sum(row[1] for row in official["rows"]) == 2
    assert [row[0] for row in others["rows"]] == ["ru", *(f"x{i:02}" for i in range(19)), "6 more", "(not stated)"]
    assert field["status"] == "measured"


# ---- from shards to files


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    urls = [
        "https://news.example.co.uk/1",
        "http://www.example.co.uk:8080/2",
        "https://192.0.2.7:81/",
        "https://MÜNCHEN.de/",
        "https://xn--mnchen-3ya.de/2",
        "https://[2001:db8::1]:443/",
        "http://localhost:8000/",
        None,
        "not a url",
        "https:///no-host",
        *(f"https://d{n}.org/" for n in range(20)),
    ]
    crawled: list[dict[str, Any]] = [
        {"id": f"c{n}", "source": HOSTILE, "url": url, "text": "x " * (60 - n)} for n, url in enumerate(urls)
    ]
    public: list[dict[str, Any]] = [
        {"id": f"p{n}", "source": "dump", "url": f"https://p{n}.net/", "text": "y"} for n in range(3)
    ]
    return [{**row, "added": "2024-05-01", "language": "de"} for row in [*crawled, *public]]


CORPUS_TOML = f"""
[corpus]
name = "<b>corpus</b> | x"

[sources.{toml_string(HOSTILE)}]
origin_class = "own_crawl"
document_type = "web | <i>pages</i>"
crawler = "# bot\\n- <img src=x>\\n1. | `x`"

[sources.dump]
origin_class = "public_dataset"
url = "https://dump.example/a|b<script>"

[provider]
opt_out_measures = "We <b>read</b> robots.txt"

[purposes]
"long | <b>" = "opt_out"
"never there" = "opt_out"
"""
RECIPE = '[[rules]]\nname = "long | <b>"\nexclude = "n_words > 58"\n'


@pytest.fixture(scope="module")
def built(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> list[Sheet]:
    """The sheet twice: of one shard, and of two with the rows in another order."""
    sheets = []
    cuts: list[dict[str, list[dict[str, Any]]]] = [
        {"a.jsonl": rows},
        {"a.jsonl": rows[20::-1], "b.jsonl": rows[:20:-1]},
    ]
    for cut in cuts:
        root = tmp_path_factory.mktemp("eu")
        write_dolma(root / "in", cut)
        (root / "corpus.toml").write_text(CORPUS_TOML, encoding="utf-8")
        (root / "rules.toml").write_text(RECIPE, encoding="utf-8")
        build_corpus(
            root / "in",
            root / "out",
            config_path=root / "corpus.toml",
            recipes=[str(root / "rules.toml")],
            part_bytes=1,
        )
        with explorer.open(root / "out") as corpus:
            sheets.append(read_sheet(corpus))
    return sheets


def domains(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_list_of_domains_is_that_of_the_own_crawl(built: list[Sheet]) -> None:
    files = render(built[0])
    listed = domains(files["eu/top_domains.csv"])
    # 25 domains: co.uk, the address, the IDN (twice, one name), IPv6, localhost, d0 to d19
    assert [row["domain"] for row in listed] == ["example.co.uk", "xn--mnchen-3ya.de", "192.0.2.7"]
    assert [row["rank"] for row in listed] == ["1", "2", "3"]
    assert [row["n_docs"] for row in listed] == ["2", "2", "1"]
    total = sum(2 * (60 - n) for n in (*range(7), *range(10, 30)))
    sizes = [2 * (60 + 59), 2 * (57 + 56), 2 * 58]
    assert [int(row["n_bytes"]) for row in listed] == sizes
    assert [float(row["byte_share"]) for row in listed] == pytest.approx([size / total for size in sizes])
    assert float(listed[2]["cumulative_byte_share"]) == pytest.approx(sum(sizes) / total)
    assert [row["n_tokens"] for row in listed] == ["", "", ""]
    assert [row["domain"] for row in domains(files["eu/other_domains.csv"])] == ["p0.net"]
    field = fields(built[0])["eu_2_3_domains"]
    assert field["value"].startswith("3 of 25 domain names")
    assert any(note.startswith("3 documents of the own crawl have no URL") for note in field["notes"])
    assert field["sources"][0]["parameters"]["only_sources"] == json.dumps([HOSTILE])


def test_a_small_enterprise_lists_fewer(built: list[Sheet], rows: list[dict[str, Any]], tmp_path: Path) -> None:
    write_dolma(tmp_path / "in", {"a.jsonl": rows})
    build_corpus(tmp_path / "in", tmp_path / "out")
    with explorer.open(tmp_path / "out") as corpus:
        declared = dataclasses.replace(built[0].declared, provider=Provider(is_sme="yes"))
        tables = domain_tables(corpus, declared)
        assert [row["domain"] for row in tables[OWN_DOMAINS]] == ["example.co.uk", "xn--mnchen-3ya.de"]
        nobody = domain_tables(corpus, Declared())
        assert len(nobody[OWN_DOMAINS]) == 0
    field = fields(dataclasses.replace(built[0], declared=declared, tables=tables))["eu_2_3_domains"]
    assert field["value"].startswith("2 of 25 domain names: the top 5 %")


def test_measured_dates_and_rules(built: list[Sheet]) -> None:
    found = fields(built[0])
    assert (found["eu_1_3_latest_date"]["value"], found["eu_1_3_latest_date"]["status"]) == ("05/2024", "measured")
    assert found["eu_2_3_period"]["value"] == "From 05/2024 to 05/2024"
    measures = found["eu_3_1_measures"]
    assert measures["value"] == "We <b>read</b> robots.txt"
    assert measures["tables"][0]["rows"] == [["rules", "long | <b>", 2, 2, 2 * (60 + 59), None]]
    assert "In [purposes] but in no recipe of the workspace: never there." in measures["notes"]
    assert found["eu_3_2_measures"]["value"] == TBP


def test_rules_alone_are_an_answer(built: list[Sheet]) -> None:
    declared = dataclasses.replace(built[0].declared, provider=Provider())
    measures = fields(dataclasses.replace(built[0], declared=declared))["eu_3_1_measures"]
    assert measures["status"] == "measured"
    assert "remove 2 documents" in measures["value"]
    for name in ("never there", "(all documents)"):  # the second is what the waterfall calls its beginning
        unknown = dataclasses.replace(declared, purposes={name: "opt_out"})
        assert fields(dataclasses.replace(built[0], declared=unknown))["eu_3_1_measures"]["value"] == TBP


def test_the_same_bytes_for_other_cuts_and_orders(built: list[Sheet]) -> None:
    assert render(built[0]) == render(built[1])


def test_hostile_names_stay_text(built: list[Sheet]) -> None:
    text = render(built[0])["eu/public_summary.md"]
    assert "\u202e" not in text
    assert not re.search(r"<(?!https?://)", text), "HTML out of data"
    assert not re.search(r"(?<!\\)\]\(", text), "a link out of data"
    lines = text.splitlines()
    assert [line.lstrip("# ") for line in lines if re.match("#{2,} ", line)] == HEADINGS
    assert r"\# bot" in lines
    assert r"\- &lt;img src=x&gt;" in lines
    assert r"1\. \| \`x\`" in lines
    width = 0
    for line in lines:
        n_cells = len(re.findall(r"(?<!\\)\|", line))
        if line.startswith("|"):
            assert n_cells == (width or n_cells), line
            width = n_cells
        else:
            assert n_cells == 0, line
            width = 0
    assert "<https://dump.example" not in text, "a link with a pipe would end the cell"


def test_links() -> None:
    assert is_url("https://example.org/a?b=c&d#e")
    for text in (
        "javascript:alert(1)",
        "https://a.org/ b",
        "https://a.org/<x>",
        "https://a|b",
        "a https://b.org",
        "https://a\nb",
    ):
        assert not is_url(text), text
