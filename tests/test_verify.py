"""`verify`: the same corpus verifies as the same wherever it lies and however it is cut; every edit is found."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import explorer
from explorer.cli import cli
from explorer.datasheet.bundle import read_sheet, write_bundle
from explorer.datasheet.compare import NO_ROW, Difference, differences, line_differences
from explorer.datasheet.conditions import FILE_COLUMNS, FILE_STATISTICS
from explorer.datasheet.published import read_published
from explorer.datasheet.recompute import SHARD_LIKE
from explorer.datasheet.verify import CHANGED, MISSING, SAME, UNCHECKED, UNKNOWN, Finding, verify
from explorer.errors import ExplorerError
from explorer.ingest.shards import file_kind
from explorer.statistic import load_statistics
from tests.corpora import build_corpus
from tests.generate import cuts, generated, write_cut, write_recipe

N = 90
CONFIG = """
[corpus]
name = "Odd | <corpus>"
[columns]
language = "metadata.language"
licence = "metadata.license"
n_tokens = "n_tokens"
[sources.tiny]
title = "Tiny"
licence = "CC0-1.0"
origin_class = "synthetic"
"""
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus (in/), its workspace (w/), its bundle (card/), and the same documents cut otherwise (again/)."""
    root = tmp_path_factory.mktemp("verify")
    documents, cut = generated(N), cuts(N)
    write_cut(root / "in", documents, cut["uneven"])
    write_cut(root / "again" / "elsewhere", documents, cut["shuffled"])
    (root / "corpus.toml").write_text(CONFIG, encoding="utf-8")
    build_corpus(
        root / "in", root / "w", config_path=root / "corpus.toml", near=0.7, min_paragraph=3,
        recipes=[str(write_recipe(root))], tag=["gopher_v2"], tag_set="made",
    )  # fmt: skip
    with explorer.open(root / "w") as corpus:
        write_bundle(read_sheet(corpus), root / "card")
    return root


@pytest.fixture
def card(home: Path, tmp_path: Path) -> Path:
    """A copy of the bundle, to be edited."""
    return Path(shutil.copytree(home / "card", tmp_path / "card"))


def against(card: Path, workspace: Path) -> list[Finding]:
    with explorer.open(workspace) as corpus:
        return verify(read_published(card), card, corpus)


def edit(card: Path, change: Edit) -> None:
    path = card / "stats.json"
    stats = json.loads(path.read_text(encoding="utf-8"))
    change(stats)
    path.write_text(json.dumps(stats), encoding="utf-8")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def changed(findings: list[Finding], kind: str = "statistic") -> list[Finding]:
    return [one for one in findings if one.state == CHANGED and one.kind == kind]


def rows(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_own_workspace_is_the_same_throughout(home: Path) -> None:
    found = against(home / "card", home / "w")
    assert {one.state for one in found} == {SAME}
    assert {one.name for one in found if one.kind == "statistic"} == set(load_statistics())
    assert {one.name for one in found if one.kind == "file"} >= {"README.md", "DATASHEET.md", "croissant.json"}


def test_estimates_are_among_what_is_the_same(home: Path) -> None:
    stats = read_published(home / "card").stats["statistics"]
    assert {name for name, entry in stats.items() if not entry["is_exact"]} >= {"length_quantiles", "near_search"}


def test_other_cut_on_another_path_is_the_same_corpus(home: Path) -> None:
    """Recipe, near-duplicates and tags are made again as stats.json records them."""
    result = run("verify", home / "card", "--against", home / "again", "--workers", "1", "--format", "json")
    assert result.exit_code == 0, result.output
    states = {row["name"]: row["state"] for row in rows(result) if row["kind"] != "file"}
    of_files = {name for name, state in states.items() if state == UNKNOWN}
    assert of_files <= {"shards", *FILE_STATISTICS, *(name for name, _ in FILE_COLUMNS)}
    assert {"shards", "shard_report"} <= of_files
    assert {states[name] for name in states.keys() - of_files} == {SAME}
    assert "statistics: " in result.stderr


def test_statistics_of_files_exist() -> None:
    columns = {(name, column.name) for name, one in load_statistics().items() for column in one.columns}
    assert load_statistics().keys() >= FILE_STATISTICS
    assert columns >= FILE_COLUMNS


def test_edited_number_is_found_with_its_row_and_column(card: Path, home: Path) -> None:
    def more(stats: dict[str, Any]) -> None:
        entry = stats["statistics"]["composition"]
        row = next(row for row in entry["rows"] if row[0] == "web")
        row[[c["name"] for c in entry["columns"]].index("n_docs")] += 1

    edit(card, more)
    found = against(card, home / "w")
    (one,) = changed(found)
    assert (one.name, one.row, one.column) == ("composition", 'source = "web"', "n_docs")
    assert int(one.published) == int(one.now) + 1
    assert "README.md" in {each.name for each in changed(found, "file")}  # says the old number still
    result = run("verify", card, "--against", home / "w")
    assert isinstance(result.exception, ExplorerError)
    assert result.exception.exit_code == 1
    assert "composition" in result.stdout


def test_number_edited_in_the_card_is_found_with_its_line(card: Path, home: Path) -> None:
    path = card / "README.md"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if line.startswith("|") and any(c.isdigit() for c in line))
    edited = lines[number].translate(str.maketrans("0123456789", "1234567890"))
    path.write_text("".join([*lines[:number], edited, *lines[number + 1 :]]), encoding="utf-8")
    (one,) = (each for each in against(card, home / "w") if each.state != SAME)
    assert (one.kind, one.name, one.state, one.row) == ("file", "README.md", CHANGED, f"line {number + 1}")
    assert one.published != one.now


def test_missing_file_fails(card: Path, home: Path) -> None:
    (card / "README.md").unlink()
    assert [one.name for one in against(card, home / "w") if one.state == MISSING] == ["README.md"]
    result = run("verify", card, "--against", home / "w")
    assert isinstance(result.exception, ExplorerError)
    assert "lacks README.md" in str(result.exception)
    assert run("verify", card, "--against", home / "w", "--numbers-only").exit_code == 0


def test_other_version_is_said_loudly(card: Path, home: Path) -> None:
    """A sheet that says another version wrote it hides no edited file."""
    edit(card, lambda stats: stats["versions"].update({"corpus-explorer": "0.0.9"}))
    (card / "README.md").write_text("All is well.", encoding="utf-8")
    found = {one.name: one for one in against(card, home / "w") if one.kind == "file"}
    assert (found["README.md"].state, "written by corpus-explorer 0.0.9" in found["README.md"].reason) == (
        UNCHECKED,
        True,
    )
    assert SAME in {one.state for one in found.values()}
    result = run("verify", card, "--against", home / "w")
    assert isinstance(result.exception, ExplorerError)
    assert "FILES WERE NOT CHECKED: written by corpus-explorer 0.0.9" in result.stderr
    assert run("verify", card, "--against", home / "w", "--numbers-only").exit_code == 0


@pytest.mark.parametrize("version", [explorer.__version__, "0.0.9"])
def test_statistics_that_were_taken_out(card: Path, home: Path, version: str) -> None:
    def taken_out(stats: dict[str, Any]) -> None:
        stats["statistics"] = {"totals": stats["statistics"]["totals"]}
        stats["versions"]["corpus-explorer"] = version

    edit(card, taken_out)
    found = against(card, home / "w")
    gone = {one.name for one in found if one.state == MISSING and one.kind == "statistic"}
    assert gone == load_statistics().keys() - {"totals"}
    for options in ([], ["--numbers-only"]):
        result = run("verify", card, "--against", home / "w", *options)
        assert isinstance(result.exception, ExplorerError)
        assert "lacks " in str(result.exception)
        assert ("NO FILE WAS CHECKED" in result.stderr) is (options == [])


def test_lists_of_domains_of_other_tokens(home: Path, tmp_path: Path) -> None:
    build_corpus(home / "in", tmp_path / "w", tokenizer="cl100k_base", near=0.7, tag=["gopher_v2"], tag_set="made")
    build_corpus(home / "in", tmp_path / "w2")
    for one, other in (("w", "w2"), ("w2", "w")):
        with explorer.open(tmp_path / one) as corpus:
            write_bundle(read_sheet(corpus), tmp_path / "of" / one)
        found = against(tmp_path / "of" / one, tmp_path / other)
        assert not [each for each in found if each.state == CHANGED]
        reasons = {each.name: each.reason for each in found if each.kind == "file" and each.state == UNKNOWN}
        assert "eu/other_domains.csv" in reasons
        assert reasons.keys() <= {"eu/other_domains.csv", "eu/public_summary.md"}
        assert all("tokens were counted with" in reason for reason in reasons.values())


@pytest.mark.parametrize("inside", ["", "card"])
def test_published_folder_is_no_shard_of_itself(home: Path, tmp_path: Path, inside: str) -> None:
    """Card and data in one folder, given as what to verify against; and the folder above."""
    folder = tmp_path / "data" / inside
    shutil.copytree(home / "in" / "documents", tmp_path / "shards")
    build_corpus(tmp_path / "shards", tmp_path / "w")
    with explorer.open(tmp_path / "w") as corpus:
        write_bundle(read_sheet(corpus), folder)
    shutil.copytree(tmp_path / "shards", folder / "shards")
    shutil.rmtree(tmp_path / "shards")
    shard_like = {path for path in names_below(folder) if file_kind(Path(path)) and not path.startswith("shards/")}
    assert shard_like == set(SHARD_LIKE)
    result = run("verify", folder, "--against", tmp_path / "data", "--workers", "1", "--format", "json")
    assert result.exit_code == 0, result.output
    assert {row["state"] for row in rows(result)} == {SAME}


def names_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_only_the_bundle_is_no_corpus(card: Path) -> None:
    result = run("verify", card, "--against", card, "--workers", "1")
    assert isinstance(result.exception, ExplorerError)
    assert "holds no shard besides the files of" in str(result.exception)


def test_other_folder_above_the_files_is_the_same(home: Path) -> None:
    result = run("verify", home / "card", "--against", home / "in" / "documents", "--workers", "1", "--format", "json")
    assert result.exit_code == 0, result.output
    assert {row["state"] for row in rows(result)} == {SAME}


def test_stats_json_alone(card: Path, home: Path) -> None:
    result = run("verify", card / "stats.json", "--against", home / "w", "--format", "json")
    assert result.exit_code == 0
    assert {row["kind"] for row in rows(result)} == {"statistic", "fact"}


def test_document_that_is_gone_changes_numbers_and_names_its_file(card: Path, home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "in", tmp_path / "in")
    path = tmp_path / "in" / "documents" / "generated" / "part-2.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]), encoding="utf-8")
    result = run("verify", card, "--against", tmp_path / "in", "--workers", "1", "--format", "json")
    assert isinstance(result.exception, ExplorerError)
    told = [row for row in rows(result) if row["state"] == CHANGED]
    assert {"fingerprint", "totals", "composition"} <= {row["name"] for row in told}
    shards = {row["row"] for row in told if row["name"] == "shards"}
    assert shards == {'name = "documents/generated/part-2.jsonl"'}


@pytest.mark.parametrize(
    ("change", "name", "column"),
    [
        (lambda s: s["statistics"]["near_search"].update(is_exact=True, error=None), "near_search", "(is_exact)"),
        (lambda s: s["statistics"]["length_quantiles"].update(error="None at all."), "length_quantiles", "(error)"),
        (lambda s: s["statistics"]["totals"]["rows"].clear(), "totals", ""),
        (lambda s: s["statistics"]["domains"]["rows"].reverse(), "domains", ""),
    ],
    ids=["estimate called exact", "bound", "rows gone", "order"],
)
def test_other_edits(card: Path, home: Path, change: Edit, name: str, column: str) -> None:
    edit(card, change)
    assert (name, column) in {(one.name, one.column) for one in changed(against(card, home / "w"))}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda s: s.update(fingerprint="0" * 32), "fingerprint"),
        (lambda s: s["corpus"].update(fingerprint="0" * 32), "fingerprint"),
        (lambda s: s["attribute_fingerprints"].update(rules="0" * 16), "fingerprint of rules"),
        (lambda s: s["corpus"].update(n_spans_outside="0"), "n_spans_outside"),
        (lambda s: s["shards"][0].update(n_rows=10**6), "shards"),
    ],
)
def test_edited_facts(card: Path, home: Path, change: Edit, name: str) -> None:
    edit(card, change)
    assert [one.name for one in changed(against(card, home / "w"), "fact")] == [name]


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        (lambda s: s["statistics"].update(news=s["statistics"]["totals"]), "news", "no such statistic"),
        (lambda s: s["statistics"]["totals"].update(sql_hash="0" * 16), "totals", "SQL is another one"),
        (lambda s: s["statistics"]["domains"]["parameters"].update(top_n=0), "domains", "below 1"),
        (lambda s: s["statistics"]["domains"]["parameters"].update(depth=1), "domains", "no parameter 'depth'"),
        (lambda s: s["statistics"]["totals"]["columns"][0].update(name="sources"), "totals", "its columns are not"),
    ],
)
def test_what_cannot_be_computed_says_why(card: Path, home: Path, change: Edit, name: str, reason: str) -> None:
    edit(card, change)
    found = against(card, home / "w")
    assert [one.name for one in found if one.state == UNKNOWN and one.kind == "statistic"] == [name]
    assert reason in next(one.reason for one in found if one.name == name)
    assert not changed(found)


def test_workspace_built_otherwise(home: Path, tmp_path: Path) -> None:
    """What hangs on tags, near-duplicates, the recipe is excused with the reason; all else is the same."""
    build_corpus(home / "in", tmp_path / "w", config_path=home / "corpus.toml")
    found = against(home / "card", tmp_path / "w")
    assert not changed(found)
    assert not changed(found, "fact")
    reasons = {one.name: one.reason for one in found if one.state == UNKNOWN}
    assert "the attribute set made is not there" in reasons["attribute_list"]
    assert "near-duplicates from: published 0.7, here not looked for" in reasons["duplicates"]
    assert "the recipe generated is not there" in reasons["filter_totals"]
    assert {one.name for one in found if one.state == SAME} >= {"fingerprint", "totals", "composition", "domains"}


def test_tokens_of_another_tokenizer(home: Path, tmp_path: Path) -> None:
    build_corpus(home / "in", tmp_path / "w", tokenizer="cl100k_base")
    with explorer.open(tmp_path / "w") as corpus:
        write_bundle(read_sheet(corpus), tmp_path / "card")
    edit(tmp_path / "card", lambda stats: stats["options"].update(tokenizer="house-made"))
    build_corpus(home / "in", tmp_path / "w2", tokenizer="")
    found = against(tmp_path / "card", tmp_path / "w2")
    assert not changed(found)
    reasons = {one.name: one.reason for one in found if one.state == UNKNOWN}
    assert "the tokenizer house-made is not available" in reasons["composition"]
    assert "domain_sharing" not in reasons


def test_temporary_workspace_goes_away(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run("verify", home / "card", "--against", home / "in", "--workers", "1").exit_code == 0
    assert not list(tmp_path.iterdir())


def edits(stats: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Hostile or broken files: a name and the content."""
    text = json.dumps(stats)
    yield from {
        "empty": "", "no JSON": "{", "list": "[]", "null": "null", "nothing in it": "{}", "deep": "[" * 100_000,
        "NaN": text.replace('"format": 2', '"format": NaN'),
        "infinite": re.sub(r'"n_rows": \d+', '"n_rows": 1e999', text, count=1),
        "digits": "1" * 5000, "twice": '{"tool": "a", "tool": "corpus-explorer"}', "half a pair": '{"tool": "\\ud800"}',
        "old format": text.replace('"format": 2', '"format": 1'),
        "other tool": text.replace('"corpus-explorer"', '"x"', 1),
    }.items()  # fmt: skip

    def without(*path: str) -> Any:
        copy = json.loads(text)
        inner = copy
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        return copy

    def having(value: Any, *path: str | int) -> Any:
        copy = json.loads(text)
        inner = copy
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        return copy

    for key in stats:
        yield f"without {key}", without(key)
    for path in (("options", "recipes"), ("statistics", "totals", "rows"), ("config", "columns"), ("declared", "card")):
        yield f"without {'.'.join(path)}", without(*path)
        for value in (None, 3, "x", [1], {"x": 1}):
            yield f"{value!r} as {'.'.join(path)}", having(value, *path)
    yield "short row", having([1], "statistics", "totals", "rows", 0)
    yield "text as a count", having("many", "statistics", "totals", "rows", 0, 1)
    yield "flag as a count", having(True, "statistics", "totals", "rows", 0, 1)
    yield "object as a name", having({"a": 1}, "statistics", "composition", "rows", 0, 0)
    yield "huge count", having(10**30, "statistics", "totals", "rows", 0, 1)
    yield "unknown unit", having("ells", "statistics", "totals", "columns", 0, "unit")
    yield "two columns of a name", having("n_docs", "statistics", "totals", "columns", 0, "name")
    yield "question", having({"M99": "x"}, "declared", "answers")
    yield "date", having("soon", "declared", "card", "date")
    yield "role", having({"language": "attribute:x"}, "config", "columns")
    yield "known to nobody", having(1, "statistics", "totals", "more")


def test_hostile_and_broken_files_end_in_one_line(home: Path, tmp_path: Path) -> None:
    stats = json.loads((home / "card" / "stats.json").read_text(encoding="utf-8"))
    for name, content in edits(stats):
        path = tmp_path / "stats.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        result = run("verify", path, "--against", home / "w")
        assert isinstance(result.exception, ExplorerError), (name, result.exception)
        assert str(path) in str(result.exception), name
        assert "\n" not in str(result.exception), name


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".x", "x" * 300, "a\0b"])
def test_hostile_recipe_names(card: Path, home: Path, name: str) -> None:
    edit(card, lambda stats: stats["options"].update(recipes={name: 'exclude = "n_words < 3"'}))
    result = run("verify", card, "--against", home / "in", "--workers", "1")
    assert isinstance(result.exception, ExplorerError)
    assert "is not the name of a recipe" in str(result.exception)


def test_files_that_cannot_be_rendered(card: Path, home: Path) -> None:
    """A sheet of the right shape whose numbers make no sense is verified all the same."""

    def emptied(stats: dict[str, Any]) -> None:
        for entry in stats["statistics"].values():
            entry["rows"] = [[None] * len(entry["columns"])]

    edit(card, emptied)
    found = against(card, home / "w")
    assert changed(found)
    assert any(one.kind == "file" and one.state != SAME for one in found)


def test_differences_by_key() -> None:
    columns: list[Mapping[str, str]] = [{"name": "a", "unit": "name"}, {"name": "n", "unit": "docs"}]
    assert list(differences(columns, [["x", 1], ["y", 2]], [["x", 1], ["y", 2.0]])) == []
    (one,) = differences(columns, [["x", 1], ["y", 2]], [["x", 1], ["y", 3]])
    assert (one.row, one.column, one.published, one.now) == ('a = "y"', "n", "2", "3")
    (one,) = differences(columns, [["x", 1]], [["x", 1], ["y", 3]])
    assert (one.row, one.published, one.now) == ('a = "y"', NO_ROW, '["y", 3]')
    (one,) = differences(columns, [["x", 1], ["y", 2]], [["y", 2], ["x", 1]])
    assert one == Difference("place 1", "", 'a = "x"', 'a = "y"')
    found = differences(columns, [["x", 1], ["x", 1]], [["x", 1], ["x", 2]])
    assert [(one.row, one.column) for one in found] == [("row 2", "n")]


def test_lines() -> None:
    assert list(line_differences("a\nb\nc\n", "a\nB\nc\n")) == [(2, "b", "B")]
    assert list(line_differences("a\nc\n", "a\nb\nc\n")) == [(2, "", "b")]
    assert list(line_differences("a\nb\nc\n", "a\nc\n")) == [(2, "b", "")]
    ((number, there, due),) = line_differences("x" * 500 + "1" + "y" * 500, "x" * 500 + "2" + "y" * 500)
    assert (number, len(there), len(due)) == (1, 126, 126)
    assert (there[63], due[63]) == ("1", "2")
