"""`build --tag`: attributes made in the same reading are those that `tag` writes; kept, changed, dropped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import explorer
from explorer.errors import ExplorerError, UsageError
from explorer.taggers import registry
from explorer.taggers.checked import taggers_of
from explorer.taggers.corpus import tag
from tests.corpora import attribute_rows, build_corpus, document, documents, write_dolma, write_jsonl, write_parquet

SPECS = ["gopher_v2", "c4_v2,pii_regex_with_counts_fast_v2"]
HOSTILE = [
    "",
    "\n",
    "one",
    "中文 文",
    "a@b.c \n 123 456 7890 1.2.3.4\n",
    "the the the\nthe the the\n{",
    "x " * 5000,
    "\x00\u0130",
]


def corpus(root: Path) -> Path:
    rows = documents(40, "web") + [document(100 + i, "odd", text=text) for i, text in enumerate(HOSTILE)]
    write_jsonl(root / "documents" / "web" / "0.jsonl.gz", rows[:30])
    write_jsonl(root / "documents" / "web" / "1.jsonl.gz", rows[30:])
    return root


def values(workspace: Path, attribute_set: str = "tags") -> pl.DataFrame:
    with explorer.open(workspace) as opened:
        return opened.sql(
            "select d.source, d.id, v.* exclude (doc) from attribute_values as v join documents as d using (doc) "
            f"where v.attribute_set = '{attribute_set}' order by all"
        )


def fingerprint(workspace: Path, attribute_set: str = "tags") -> Any:
    with explorer.open(workspace) as opened:
        return opened.facts.get(f"fingerprint of {attribute_set}")


def test_equals_the_attributes_that_the_command_writes(tmp_path: Path) -> None:
    source = corpus(tmp_path / "corpus")
    build_corpus(source, tmp_path / "made", tag=SPECS)
    tag([str(source)], source, registry.parse_specs(SPECS), "tags", "dolma", workers=1)
    build_corpus(source, tmp_path / "read")
    made = values(tmp_path / "made")
    assert made.height > 1000
    assert made.equals(values(tmp_path / "read"))
    assert fingerprint(tmp_path / "made") == fingerprint(tmp_path / "read") is not None


def test_the_cut_changes_nothing(tmp_path: Path) -> None:
    rows = documents(300, "web") + [document(1000 + i, "odd", text=text) for i, text in enumerate(HOSTILE)]
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    write_parquet(whole, rows)
    write_parquet(cut, rows[::-1], row_group_size=7)
    build_corpus(whole, tmp_path / "a", tag=SPECS)
    build_corpus(cut, tmp_path / "b", tag=SPECS, part_bytes=1 << 12, workers=2)
    assert values(tmp_path / "a").equals(values(tmp_path / "b"))
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


def test_a_plain_rebuild_keeps_the_tags_and_reads_nothing(tmp_path: Path) -> None:
    source, workspace = corpus(tmp_path / "corpus"), tmp_path / "workspace"
    build_corpus(source, workspace, tag=["gopher_v2"], tag_set="mine")
    before = values(workspace, "mine")
    report = build_corpus(source, workspace)
    assert report.is_unchanged
    assert report.n_bytes_read == 0
    assert values(workspace, "mine").equals(before)

    report = build_corpus(source, workspace, tag=["c4_v2"])
    assert report.n_bytes_read > 0
    assert set(values(workspace, "mine")["key"].str.split("__").list.get(1)) == {"c4_v2"}

    build_corpus(source, workspace, tag=[])
    assert values(workspace, "mine").is_empty()
    build_corpus(source, workspace)
    assert fingerprint(workspace, "mine") is None
    build_corpus(source, workspace)  # two generations on, nothing is left
    assert not list((workspace / "index" / "tags").iterdir())


def test_a_set_of_that_name_is_refused(tmp_path: Path) -> None:
    rows = documents(5)
    source = write_dolma(tmp_path / "corpus", {"web/0.jsonl": rows}, {"tags": {"web/0.jsonl": attribute_rows(rows)}})
    with pytest.raises(UsageError, match=r"0\.jsonl: has an attribute set tags already; give another --tag-set"):
        build_corpus(source, tmp_path / "workspace", tag=["gopher_v2"])
    build_corpus(source, tmp_path / "workspace", tag=["gopher_v2"], tag_set="more")
    assert values(tmp_path / "workspace", "more").height > 0
    tag([str(source)], tmp_path / "tagged", ["gopher_v2"], "more", "parquet", workers=1)
    with pytest.raises(UsageError, match=r"0\.parquet: has an attribute set more already"):
        build_corpus(tmp_path / "tagged", tmp_path / "other", tag=["gopher_v2"], tag_set="more")


def test_wrong_requests_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = corpus(tmp_path / "corpus")
    with pytest.raises(UsageError, match="gopher_v3: there is no such tagger; is it gopher_v"):
        build_corpus(source, tmp_path / "w", tag=["gopher_v3"])
    for specs in (["none", "gopher_v2"], ["gopher_v2,none"]):
        with pytest.raises(UsageError, match="--tag none makes no attributes and excludes other taggers"):
            build_corpus(source, tmp_path / "w", tag=specs)
    with pytest.raises(UsageError, match="--tag-set names the set"):
        build_corpus(source, tmp_path / "w", tag_set="mine")
    with pytest.raises(UsageError, match="a/b"):
        build_corpus(source, tmp_path / "w", tag=["gopher_v2"], tag_set="a/b")
    assert not (tmp_path / "w" / "manifest.json").exists()


_PACKAGE = """
from explorer.taggers.model import Tagger, TagType

class OwnError(Exception): pass

def fail(texts):
    if "中文 文" in texts.strings:
        {failure}
    return []

tagger = Tagger("broken_v1", "Fails.", "here", (TagType("x", "document", "flag", "nothing"),), fail)
"""
_FAILURES = {
    "raise ValueError('not in my language')": "ValueError: not in my language",
    "import no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
    "open('/no/such/model.bin')": "FileNotFoundError: .* '/no/such/model.bin'",
    "raise OwnError('mine')": "OwnError: mine",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Installs a package with one tagger, of the code that is put in and with an entry point to it."""

    def install(failure: str, entry: str) -> None:
        folder = tmp_path / "site"
        (folder / "brokenness-1.0.dist-info").mkdir(parents=True)
        (folder / "brokenness.py").write_text(_PACKAGE.format(failure=failure), encoding="utf-8")
        metadata = "Metadata-Version: 2.1\nName: brokenness\nVersion: 1.0\n"
        (folder / "brokenness-1.0.dist-info" / "METADATA").write_text(metadata, encoding="utf-8")
        entries = f"[corpus_explorer.taggers]\nbroken = {entry}\n"
        (folder / "brokenness-1.0.dist-info" / "entry_points.txt").write_text(entries, encoding="utf-8")
        monkeypatch.syspath_prepend(str(folder))
        _forget()

    yield install
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    registry.other_taggers.cache_clear()
    taggers_of.cache_clear()
    sys.modules.pop("brokenness", None)


@pytest.mark.parametrize(("failure", "said"), _FAILURES.items())
def test_a_tagger_that_fails_names_the_document(
    tmp_path: Path, package: Callable[[str, str], None], failure: str, said: str
) -> None:
    package(failure, "brokenness:tagger")
    source = corpus(tmp_path / "corpus")
    place = rf"1\.jsonl\.gz, row 14 \(id 'odd-103'\): the tagger broken_v1 fails: {said}"
    with pytest.raises(ExplorerError, match=place):
        build_corpus(source, tmp_path / "workspace", tag=["broken_v1"], workers=1)
    with pytest.raises(ExplorerError, match=place):
        tag([str(source)], tmp_path / "out", ["broken_v1"], "tags", "dolma", workers=1)


@pytest.mark.parametrize("entry", ["no_such_module:tagger", "brokenness:fail", "brokenness:nothing"])
def test_a_broken_entry_point_is_named_and_takes_nothing_away(
    tmp_path: Path, package: Callable[[str, str], None], entry: str
) -> None:
    package("pass", entry)
    source = corpus(tmp_path / "corpus")
    build_corpus(source, tmp_path / "workspace", tag=["gopher_v2"])
    with pytest.raises(UsageError, match=f"the package brokenness: its tagger broken = {entry} "):
        build_corpus(source, tmp_path / "workspace", tag=["broken_v1"])
