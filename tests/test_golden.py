"""Outputs that are compared byte by byte: the diff of a golden file is what a reviewer reads.

`CORPUS_EXPLORER_UPDATE_GOLDEN=1` rewrites them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import explorer
from explorer.datasheet.bundle import read_sheet, render_bundle
from explorer.render import render, units_of
from explorer.sheet import collect
from explorer.statistic import find_statistic
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma

GOLDEN = Path(__file__).parent / "golden"
CONFIG = """
[corpus]
name = "Golden | <corpus>"
version = "1"
licence = "CC0-1.0"

[sources.web]
title = "Pages of the *web*"
document_type = "web pages"
licence = "CC0-1.0"
"""


RECIPE = """
title = "Golden | <recipe>"

[[rules]]
name = "low *score*"
exclude = "marks__t__score < 0.45"

[[rules]]
name = "long"
exclude = "n_chars > 44"

[[rules]]
name = "dead"
exclude = "marks__t__scare > 0"

[[spans]]
span = "marks__t__score"
min_score = 0.9
"""


def make(root: Path, workers: int = 1, *, reverse: bool = False) -> Path:
    """A corpus with something for every section; `reverse` writes its files with other names and in another order."""
    web, odd = (
        documents(12, created="2021-05-01"),
        documents(5, "a|b <script>`x`", created=None, metadata={"lang": "de"}),
    )
    names = ("z.jsonl", "a.jsonl.gz") if reverse else ("web.jsonl", "odd.jsonl.gz")
    rows = (web[::-1], odd[::-1]) if reverse else (web, odd)
    marks = attribute_rows(rows[0], marks__t__score=lambda row: [[0, 4, int(row["id"][4:]) / 10]], marks__t__none=[])
    write_dolma(root / "in", dict(zip(names, rows, strict=True)), {"marks": {names[0]: marks}})
    (root / "corpus.toml").write_text(CONFIG, encoding="utf-8")
    (root / "golden.toml").write_text(RECIPE, encoding="utf-8")
    recipes = [str(root / "golden.toml")]
    build_corpus(root / "in", root / "w", config_path=root / "corpus.toml", recipes=recipes, workers=workers)
    return root / "w"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("golden"))


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("CORPUS_EXPLORER_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{path.name} differs; look at the diff"


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
def test_formats(workspace: Path, form: str) -> None:
    statistic = find_statistic("composition")
    with explorer.open(workspace) as corpus:
        frame = corpus.run(statistic, {})
    compare(f"composition.{form}.txt", render(frame, form, units_of(frame, statistic)).decode())


def bundle(workspace: Path) -> dict[str, bytes]:
    with explorer.open(workspace) as corpus:
        return render_bundle(read_sheet(corpus))


def test_bundle(workspace: Path) -> None:
    """Every file but the PNGs, which are the SVGs beside them. Versions change without any number changing."""
    with explorer.open(workspace) as corpus:
        versions = {corpus.facts[name] for name in ("duckdb_version", "suffix_list", "explorer_version")}
    files = bundle(workspace)
    texts = {name: content.decode() for name, content in files.items() if not name.endswith(".png")}
    assert {name.removesuffix(".png") for name in files if name.endswith(".png")} == {
        name.removesuffix(".svg") for name in files if name.endswith(".svg")
    }
    for name, text in texts.items():
        for version in sorted(versions, key=len, reverse=True):
            text = text.replace(version, "VERSION")
        compare(f"bundle/{name}", text)
    kept = {path.relative_to(GOLDEN / "bundle").as_posix() for path in (GOLDEN / "bundle").rglob("*") if path.is_file()}
    assert kept == texts.keys()


def test_same_corpus_same_bytes(workspace: Path, tmp_path: Path) -> None:
    """Other file names, the other order, two workers: the same numbers. File names and states of files may differ."""
    other = make(tmp_path, workers=2, reverse=True)
    with explorer.open(workspace) as a, explorer.open(other) as b:
        assert a.facts == b.facts
        for entry in collect(a):
            if entry.statistic.name != "shard_report":
                assert entry.frame.equals(b.run(entry.statistic, {})), entry.statistic.name


def test_rendering_twice_gives_the_same_bytes(workspace: Path) -> None:
    assert bundle(workspace) == bundle(workspace)


def test_every_statistic_is_in_the_bundle(workspace: Path) -> None:
    with explorer.open(workspace) as corpus:
        entries = collect(corpus)
    sheet = bundle(workspace)["STATISTICS.md"].decode()
    for entry in entries:
        assert f"`from {entry.statistic.name}(" in sheet
        assert f"`{entry.statistic.sql_hash}`" in sheet


def test_no_markup_of_the_corpus_is_in_any_file(workspace: Path) -> None:
    """One of its sources is called like a script, in a table's cell, with backticks."""
    for name, content in bundle(workspace).items():
        if name.endswith((".md", ".html", ".svg")):
            assert b"<script" not in content, name
            assert b"alert(1)" not in content, name
