"""`diff`: two datasheets side by side, by hand-counted corpora."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import explorer
from explorer.cli import cli
from explorer.datasheet.bundle import read_sheet
from explorer.datasheet.difference import Pair, compare_sheets, difference_frame, remarks
from explorer.datasheet.sheet import Sheet
from explorer.errors import InputError
from explorer.sheet import dump_stats
from tests.corpora import build_corpus, document, write_jsonl

ODD = "a|b <script>`x`"
Make = Callable[..., Sheet]


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sheet, Sheet]:
    """Old: 3 texts of 10 bytes on the web, 2 of 5 odd ones. New: 4 on the web, no odd ones, 1 of 100 in books."""

    def text(number: int, source: str, n: int, language: str) -> dict[str, Any]:
        return document(
            number, source, text="x" * n, metadata={"url": f"https://{source[0]}.org/", "language": language}
        )

    old = [text(n, "web", 10, "en") for n in range(3)] + [text(n, ODD, 5, "de") for n in range(2)]
    new = [text(n, "web", 10, "en") for n in range(4)] + [text(1, "books", 100, "fr")]
    root = tmp_path_factory.mktemp("diff")
    found = []
    for name, rows in (("old", old), ("new", new)):
        write_jsonl(root / name / "a.jsonl", rows)
        build_corpus(root / name, root / f"{name}-w", min_paragraph=1 if name == "old" else 2)
        with explorer.open(root / f"{name}-w") as corpus:
            found.append(read_sheet(corpus))
    return found[0], found[1]


@pytest.fixture
def paths(sheets: tuple[Sheet, Sheet], tmp_path: Path) -> tuple[Path, Path]:
    found = []
    for name, sheet in zip(("old", "new"), sheets, strict=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stats.json").write_text(dump_stats(sheet.stats), encoding="utf-8")
        found.append(tmp_path / name)
    return found[0], found[1]


def changed(sheet: Sheet, change: Callable[[dict[str, Any]], object]) -> Sheet:
    stats = json.loads(json.dumps(sheet.stats))
    change(stats)
    return replace(sheet, stats=stats)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["diff", *map(str, arguments)])


def states(pairs: list[Pair], kind: str) -> dict[str, str]:
    return {pair.name: pair.state for pair in pairs if pair.kind == kind}


def test_what_grew_and_what_went(sheets: tuple[Sheet, Sheet]) -> None:
    pairs = compare_sheets(*sheets)
    assert states(pairs, "total") == {"all documents": "grew"}
    assert states(pairs, "source") == {"books": "new", "web": "grew", ODD: "gone"}
    assert states(pairs, "language") == {"fr": "new", "en": "grew", "de": "gone"}
    assert states(pairs, "domain") == {"b.org": "new", "w.org": "grew", "a.org": "gone"}
    back = compare_sheets(sheets[1], sheets[0])
    assert states(back, "source") == {"books": "gone", "web": "shrank", ODD: "new"}


def test_numbers(sheets: tuple[Sheet, Sheet]) -> None:
    frame = difference_frame(*sheets, compare_sheets(*sheets))
    found = {(row["kind"], row["name"]): row for row in frame.iter_rows(named=True)}
    web, odd, books = (found["source", name] for name in ("web", ODD, "books"))
    assert (web["docs_old"], web["docs_new"], web["docs_change"]) == (3, 4, 1)
    assert web["docs_change_share"] == pytest.approx(1 / 3)
    assert (web["bytes_old_share"], web["bytes_new_share"]) == (30 / 40, 40 / 140)
    assert (odd["bytes_old"], odd["bytes_new"], odd["bytes_change"], odd["bytes_change_share"]) == (10, None, -10, -1.0)
    assert (books["docs_old"], books["docs_change"], books["docs_change_share"]) == (None, 1, None)
    assert web["tokens_change"] is None
    total = found["total", "all documents"]
    assert (total["bytes_old"], total["bytes_new"], total["bytes_change"]) == (40, 140, 100)


def test_changes_of_sources_add_up_to_the_total(sheets: tuple[Sheet, Sheet]) -> None:
    frame = difference_frame(*sheets, compare_sheets(*sheets))
    for kind in ("source", "language", "domain"):
        assert frame.filter(kind=kind)["bytes_change"].sum() == frame.filter(kind="total")["bytes_change"].item()


def test_the_same_has_no_changes(sheets: tuple[Sheet, Sheet]) -> None:
    old = sheets[0]
    assert {pair.state for pair in compare_sheets(old, old)} == {"same"}
    assert remarks(old, old) == ["Both are of the same documents."]


def test_same_sizes_of_other_content(sheets: tuple[Sheet, Sheet]) -> None:
    other = changed(sheets[0], lambda stats: stats.update(fingerprint="0" * 32))
    pairs = compare_sheets(sheets[0], other)
    (total,) = (pair for pair in pairs if pair.kind == "total")
    assert (total.state, "other content" in total.note) == ("changed", True)
    assert set(states(pairs, "source").values()) == {"same"}
    (said,) = remarks(sheets[0], other)
    assert said.startswith("The sizes are the same and the content differs")
    assert "content differs" not in "".join(remarks(*sheets))


@pytest.mark.parametrize("key", ["tokenizer", "column"])
def test_tokens_that_only_one_counted_change_no_row(sheets: tuple[Sheet, Sheet], key: str) -> None:
    def count(stats: dict[str, Any]) -> None:
        for name in ("totals", "composition", "domains"):
            entry = stats["statistics"][name]
            place = [c["name"] for c in entry["columns"]].index("n_tokens")
            for row in entry["rows"]:
                row[place] = 7

    def said(stats: dict[str, Any]) -> None:
        count(stats)
        if key == "tokenizer":
            stats["corpus"]["tokenizer"] = "qwen3"
        else:
            stats["options"]["columns"]["n_tokens"] = "n"

    assert {pair.state for pair in compare_sheets(sheets[0], changed(sheets[0], said))} == {"same"}
    assert "Tokens are not comparable" in "".join(remarks(sheets[0], changed(sheets[0], said)))
    # counted alike, another number of tokens is a change
    assert "changed" in {pair.state for pair in compare_sheets(sheets[0], changed(sheets[0], count))}


def test_what_a_cut_list_lacks_is_not_gone(sheets: tuple[Sheet, Sheet]) -> None:
    def cut(stats: dict[str, Any]) -> None:
        stats["statistics"]["domains"]["parameters"]["top_n"] = 1
        del stats["statistics"]["domains"]["rows"][1:]

    pairs = compare_sheets(changed(sheets[0], cut), sheets[1])
    assert states(pairs, "domain") == {"b.org": "not listed in one", "w.org": "grew"}
    (note,) = (pair.note for pair in pairs if pair.name == "b.org")
    assert note == "not among the 1 that the old one lists"
    frame = difference_frame(*sheets, pairs).filter(kind="domain", name="b.org")
    assert (frame["bytes_new"].item(), frame["bytes_change"].item()) == (100, None)


def test_other_definitions_are_not_compared(sheets: tuple[Sheet, Sheet]) -> None:
    def other(stats: dict[str, Any]) -> None:
        stats["statistics"]["composition"]["sql_hash"] = "0" * 16
        del stats["statistics"]["languages"]

    new = changed(sheets[1], other)
    pairs = compare_sheets(sheets[0], new)
    assert set(states(pairs, "source").values()) == {"not comparable"}
    assert states(pairs, "language") == {}
    assert states(pairs, "statistic") == {"composition": "not comparable", "languages": "only in the old"}
    assert states(compare_sheets(new, sheets[0]), "statistic")["languages"] == "only in the new"
    assert difference_frame(sheets[0], new, pairs).filter(kind="source")["bytes_change"].null_count() == 3


def test_remarks(sheets: tuple[Sheet, Sheet]) -> None:
    assert remarks(*sheets) == [
        "Duplicates are not comparable: the shortest paragraph: 1 in the old, 2 in the new one."
    ]
    tokens = changed(sheets[0], lambda stats: stats["corpus"].update(tokenizer="qwen3"))
    sets = changed(tokens, lambda stats: stats["attribute_fingerprints"].update(marks="0" * 16))
    assert remarks(sheets[0], sets)[1:] == [
        "Tokens are not comparable: the tokenizers are none and qwen3.",
        "Attribute sets of the new one only: marks.",
    ]


def test_formats(paths: tuple[Path, Path]) -> None:
    table, md, js, csv = (run(*paths, "--format", form) for form in ("table", "md", "json", "csv"))
    assert [result.exit_code for result in (table, md, js, csv)] == [0, 0, 0, 0]
    assert table.stdout.splitlines()[0].startswith("Duplicates are not comparable")
    assert f"{ODD}" in table.stdout
    assert "<script>" not in md.stdout
    assert "| a\\|b &lt;script&gt;\\`x\\` | gone |" in md.stdout
    assert {row["kind"] for row in json.loads(js.stdout)} == {"total", "source", "language", "domain"}
    assert len(csv.stdout.splitlines()) == 1 + len(json.loads(js.stdout))


def test_top(paths: tuple[Path, Path]) -> None:
    text = run(*paths, "--top", "1").stdout
    assert "books" in text
    assert ODD not in text
    assert "2 more with smaller changes in bytes" in text
    assert len(json.loads(run(*paths, "--top", "1", "--format", "json").stdout)) == 10


def test_terminal_is_safe_from_names(sheets: tuple[Sheet, Sheet], tmp_path: Path) -> None:
    hostile = "\x1b[31m\u202ered\n|"

    def named(stats: dict[str, Any]) -> None:
        stats["statistics"]["composition"]["rows"][0][0] = hostile
        stats["corpus"]["tokenizer"] = hostile

    (tmp_path / "stats.json").write_text(dump_stats(changed(sheets[0], named).stats), encoding="utf-8")
    for form in ("table", "md"):
        text = run(tmp_path, tmp_path, "--format", form).stdout + run(tmp_path, tmp_path, "--format", form).stderr
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_what_is_no_datasheet(paths: tuple[Path, Path], tmp_path: Path) -> None:
    result = run(paths[0], tmp_path / "nothing")
    assert isinstance(result.exception, InputError)
    assert str(tmp_path / "nothing") in str(result.exception)
