"""The bundle: byte-stable, written whole, over nobody's files; stats.json against its schema."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from click.testing import CliRunner

import explorer
from explorer.cli import cli
from explorer.datasheet.bundle import read_sheet, render_bundle, write_bundle
from explorer.datasheet.published import read_published, sheet_of
from explorer.datasheet.schema import faults, schema
from explorer.errors import ExplorerError, UsageError, WorkspaceError
from tests.corpora import build_corpus, documents, write_jsonl, write_parquet
from tests.generate import cuts, generated, write_cut, write_recipe

CONFIG = """
[corpus]
name = "Odd | <corpus>"
version = "2"
[card]
purpose = "To be | read."
date = "2026-01-31"
[answers]
M1 = "For tests."
[sources.web]
title = "Web"
origin_class = "own_crawl"
[sources.tiny]
licence = "CC0-1.0"
"""


def make(root: Path, *, shuffled: bool = False, **options: Any) -> dict[str, bytes]:
    """The bundle of a generated corpus; `shuffled` writes the rows of every file in another order."""
    cut = [list(numbers) for numbers in cuts(80)["uneven"]]
    if shuffled:
        for numbers in cut:
            random.Random(1).shuffle(numbers)
    write_cut(root / "in", generated(80), cut)
    (root / "corpus.toml").write_text(CONFIG, encoding="utf-8")
    inputs = [root / "in" / "documents" / "generated" / f"part-{n}.jsonl" for n in range(3)]
    build_corpus(
        inputs[::-1] if shuffled else inputs, root / "w", config_path=root / "corpus.toml",
        recipes=[str(write_recipe(root))], tag=["c4_v2"], near=0.7, **options,
    )  # fmt: skip
    with explorer.open(root / "w") as corpus:
        return render_bundle(read_sheet(corpus))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    root = tmp_path_factory.mktemp("bundle")
    return root, make(root)


@pytest.fixture(scope="module")
def stats(made: tuple[Path, dict[str, bytes]]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made[1]["stats.json"])
    return found


def test_two_runs_give_the_same_bytes(made: tuple[Path, dict[str, bytes]]) -> None:
    root, files = made
    with explorer.open(root / "w") as corpus:
        assert render_bundle(read_sheet(corpus)) == files


def test_order_place_and_workers_change_no_byte(made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    """Rows of the shards in another order, the shards given in another order, another folder, four workers."""
    other = make(tmp_path, shuffled=True, workers=4, memory=1 << 30)
    assert other.keys() == made[1].keys()
    assert [name for name, content in other.items() if content != made[1][name]] == []


def test_no_path_of_this_machine_is_published(made: tuple[Path, dict[str, bytes]]) -> None:
    root, files = made
    for name, content in files.items():
        assert str(root).encode() not in content, name


def test_all_files_are_rendered_from_stats_json_alone(made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    """But for the lists of domains, which it leaves out, and what says how long they are."""
    files = made[1]
    (tmp_path / "stats.json").write_bytes(files["stats.json"])
    again = render_bundle(read_published(tmp_path))
    assert again.keys() == files.keys()
    assert all(name.startswith("eu/") for name, content in files.items() if again[name] != content)


def test_what_was_declared_and_asked_for_is_stated(stats: dict[str, Any]) -> None:
    assert stats["declared"]["card"]["purpose"] == "To be | read."
    assert stats["declared"]["answers"] == {"M1": "For tests."}
    assert stats["declared"]["origins"]["web"]["origin_class"] == "own_crawl"
    assert stats["config"]["corpus"]["version"] == "2"
    options = stats["options"]
    assert (options["near_threshold"], options["min_paragraph"], options["tokenizer"]) == (0.7, 1, "")
    assert options["tags"]["taggers"] == ["c4_v2"]
    assert options["source_order"] == ["web", "tiny"]
    assert list(options["recipes"]) == ["generated"]
    assert stats["versions"].keys() == {"corpus-explorer", "duckdb", "polars", "public suffix list"}


def test_every_statistic_has_its_provenance(stats: dict[str, Any]) -> None:
    for name, entry in stats["statistics"].items():
        assert len(entry["sql_hash"]) == 16, name
        assert entry["is_exact"] == (entry["error"] is None), name
    assert not stats["statistics"]["length_quantiles"]["is_exact"]
    # a minimum length after span replacement: what the recipe keeps is an estimate, and so is all of its section
    assert not stats["statistics"]["filter_totals"]["is_exact"]


def test_a_row_stands_on_a_line(made: tuple[Path, dict[str, bytes]], stats: dict[str, Any]) -> None:
    lines = made[1]["stats.json"].decode().splitlines()
    for row in stats["statistics"]["composition"]["rows"]:
        assert sum(line.strip().rstrip(",") == json.dumps(row) for line in lines) == 1


def test_fingerprints_of_shards(tmp_path: Path) -> None:
    """Those of all shards add up; a file has one however it was cut, in whatever order and format its rows lie."""
    rows = documents(60, metadata={"n": "x" * 400})
    write_parquet(tmp_path / "in" / "a.parquet", rows, row_group_size=7)
    write_jsonl(tmp_path / "in" / "b.jsonl", documents(9, "other"))
    write_jsonl(tmp_path / "again" / "deep" / "a.jsonl", rows[::-1])
    build_corpus(tmp_path / "in", tmp_path / "whole")
    build_corpus(tmp_path / "in", tmp_path / "cut", part_bytes=2_000)
    build_corpus(tmp_path / "again", tmp_path / "else")
    stated = []
    for name in ("whole", "cut", "else"):
        with explorer.open(tmp_path / name) as corpus:
            n_pieces = corpus.sql("select count(*) from shards where name = 'a.parquet'").item()
            stated.append((n_pieces, read_sheet(corpus).stats))
    (whole, a), (pieces, b), (_, c) = stated
    assert (whole, pieces > 3) == (1, True)
    assert a["shards"] == b["shards"]
    assert [shard["n_rows"] for shard in a["shards"]] == [60, 9]
    assert c["shards"][0]["fingerprint"] == a["shards"][0]["fingerprint"] != a["shards"][1]["fingerprint"]
    total = sum(int(shard["fingerprint"], 16) for shard in a["shards"]) % 2**128
    assert f"{total:032x}" == a["fingerprint"] == b["fingerprint"]


def test_taggers_that_read_a_file_publish_no_folder(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(3))
    (tmp_path / "list.txt").write_text("example1.org\n", encoding="utf-8")
    build_corpus(tmp_path / "in", tmp_path / "w", tag=[f"domain_blocklist:bad={tmp_path / 'list.txt'}"])
    with explorer.open(tmp_path / "w") as corpus:
        sheet = read_sheet(corpus)
    assert sheet.stats["options"]["tags"]["taggers"] == ["domain_blocklist:bad=list.txt"]
    assert str(tmp_path) not in json.dumps(sheet.stats)


class TestSchema:
    def test_it_is_a_schema_and_holds(self, stats: dict[str, Any], made: tuple[Path, dict[str, bytes]]) -> None:
        assert json.loads(made[1]["stats.schema.json"]) == json.loads(json.dumps(schema()))
        jsonschema.Draft202012Validator.check_schema(schema())
        jsonschema.Draft202012Validator(schema()).validate(stats)
        assert list(faults(stats, schema())) == []

    @pytest.mark.parametrize(
        "break_it",
        [
            lambda s: s.pop("fingerprint"),
            lambda s: s.update(more=1),
            lambda s: s.update(format=3),
            lambda s: s.update(format=True),
            lambda s: s.update(tool="other"),
            lambda s: s.update(fingerprint="xyz"),
            lambda s: s.update(shards={}),
            lambda s: s["shards"][0].update(n_rows=-1),
            lambda s: s["shards"][0].update(n_rows=1.5),
            lambda s: s["shards"][0].update(n_rows=True),
            lambda s: s["shards"][0].pop("fingerprint"),
            lambda s: s["versions"].update(duckdb=2),
            lambda s: s["attribute_fingerprints"].update(x="short"),
            lambda s: s["options"].update(near_threshold=1.5),
            lambda s: s["options"].update(min_paragraph=0),
            lambda s: s["options"].update(tags={"attribute_set": "x"}),
            lambda s: s["options"]["columns"].update(colour="x"),
            lambda s: s["declared"]["answers"].update(M99="x"),
            lambda s: s["declared"]["card"].update(colour="x"),
            lambda s: s["declared"]["origins"].update(web={}),
            lambda s: s["declared"]["purposes"].update(rule="fun"),
            lambda s: s["config"]["sources"]["web"].pop("title"),
            lambda s: s["bundle"].update(order="random"),
            lambda s: s["bundle"]["files"].append({"path": "x"}),
            lambda s: s["statistics"].update({"Not a name": s["statistics"]["totals"]}),
            lambda s: s["statistics"]["totals"].update(is_exact="yes"),
            lambda s: s["statistics"]["totals"].update(is_exact=False),
            lambda s: s["statistics"]["totals"].update(error="some"),
            lambda s: s["statistics"]["totals"].update(sql_hash="0"),
            lambda s: s["statistics"]["totals"]["parameters"].update(x=[]),
            lambda s: s["statistics"]["totals"]["rows"].append({}),
            lambda s: s["statistics"]["totals"]["columns"][0].update(unit="ells"),
        ],
    )
    def test_what_it_refuses(self, stats: dict[str, Any], break_it: Callable[[dict[str, Any]], object]) -> None:
        """Our own check, which needs no other package, refuses just what the reference does."""
        broken = copy.deepcopy(stats)
        break_it(broken)
        assert list(jsonschema.Draft202012Validator(schema()).iter_errors(broken))
        assert list(faults(broken, schema()))


class TestWriting:
    def test_command_writes_all_files_and_names_them(self, made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
        root, files = made
        result = CliRunner().invoke(cli, ["datasheet", str(root / "w"), "--out", str(tmp_path / "card")])
        assert result.exit_code == 0, result.output
        written = {str(p.relative_to(tmp_path / "card")): p.read_bytes() for p in (tmp_path / "card").rglob("*.*")}
        assert written == files
        assert result.stdout.splitlines() == [str(tmp_path / "card" / name) for name in files]

    def test_order_and_data_are_stated(self, tmp_path: Path) -> None:
        frame = pl.DataFrame(documents(5)).drop("metadata")
        (tmp_path / "card" / "data").mkdir(parents=True)
        frame.write_parquet(tmp_path / "card" / "data" / "a.parquet")
        build_corpus(tmp_path / "card" / "data", tmp_path / "w")
        arguments = ["datasheet", tmp_path / "w", "--out", tmp_path / "card", "--data", tmp_path / "card" / "data"]
        result = CliRunner().invoke(cli, [*map(str, arguments), "--order", "dolma"])
        assert result.exit_code == 0, result.output
        sheet = read_published(tmp_path / "card")
        assert sheet.order == "dolma"
        assert [(file.path, file.n_rows) for file in sheet.files] == [("data/a.parquet", 5)]
        with explorer.open(tmp_path / "w") as corpus:
            plain = read_sheet(corpus)
        written = (tmp_path / "card" / "DATASHEET.md").read_bytes()
        assert written == render_bundle(sheet)["DATASHEET.md"] != render_bundle(plain)["DATASHEET.md"]

    @pytest.mark.parametrize("name", ["README.md", "croissant.json", "stats.json", "datasheet.html", "shards.csv"])
    def test_files_of_others_stay(self, made: tuple[Path, dict[str, bytes]], tmp_path: Path, name: str) -> None:
        path = tmp_path / "card" / name
        path.parent.mkdir()
        path.write_text("{}", encoding="utf-8")
        result = CliRunner().invoke(cli, ["datasheet", str(made[0] / "w"), "--out", str(path.parent)])
        assert isinstance(result.exception, UsageError)
        assert name in str(result.exception)
        assert [(p.name, p.read_text()) for p in path.parent.iterdir()] == [(name, "{}")]

    def test_a_link_to_nothing_is_not_followed(self, made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
        (tmp_path / "README.md").symlink_to(tmp_path / "nowhere")
        with explorer.open(made[0] / "w") as corpus, pytest.raises(UsageError, match=r"README\.md"):
            write_bundle(read_sheet(corpus), tmp_path)

    def test_our_own_are_replaced_and_what_else_lies_there_stays(
        self, made: tuple[Path, dict[str, bytes]], tmp_path: Path
    ) -> None:
        files = made[1]
        (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
        sheet = sheet_of(json.loads(files["stats.json"]))
        write_bundle(sheet, tmp_path)
        (tmp_path / "README.md").write_text("edited", encoding="utf-8")
        write_bundle(sheet, tmp_path)
        assert (tmp_path / "README.md").read_bytes() == files["README.md"]
        assert (tmp_path / "notes.txt").read_text() == "mine"
        assert not list(tmp_path.rglob("*.writing*"))

    def test_a_bundle_of_the_first_format_is_ours(self, made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
        old = '{"format": 1, "corpus": {}, "statistics": {}}'
        (tmp_path / "stats.json").write_text(old, encoding="utf-8")
        (tmp_path / "DATASHEET.md").write_text("# Datasheet", encoding="utf-8")
        write_bundle(sheet_of(json.loads(made[1]["stats.json"])), tmp_path)
        assert (tmp_path / "DATASHEET.md").read_bytes() == made[1]["DATASHEET.md"]

    def test_a_folder_in_the_way(self, made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
        (tmp_path / "stats.json").write_bytes(made[1]["stats.json"])
        (tmp_path / "eu").write_text("", encoding="utf-8")
        with pytest.raises(ExplorerError, match="eu"):
            write_bundle(sheet_of(json.loads(made[1]["stats.json"])), tmp_path)

    def test_a_workspace_of_an_older_version(self, made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
        import duckdb

        shutil.copytree(made[0] / "w", tmp_path / "w")
        with duckdb.connect(str(tmp_path / "w" / "corpus.duckdb")) as connection:
            connection.execute("drop table build_options").fetchall()
        with explorer.open(tmp_path / "w") as corpus, pytest.raises(WorkspaceError, match="build again"):
            read_sheet(corpus)
