"""Samples of texts beside clusters and paragraphs: the same in every cut, and null where they cannot be read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import explorer
from explorer.duplicates.samples import SAMPLE_CHARS, Place, read_samples
from explorer.render import render, units_of
from explorer.statistic import load_statistics
from explorer.workspace import Workspace
from tests.corpora import Row, build_corpus, write_jsonl, write_parquet

LISTS = ("largest_clusters", "repeated_paragraphs")
HOSTILE = "| a\n```\x1b[31m<b>\u202e'\"\\\x00\r\n[x](http://evil.example)\u2028=1+1"


def row(name: str, source: str, text: str, url: str | None = None) -> dict[str, Any]:
    return {"id": name, "source": source, "text": text, **({"url": url} if url else {})}


def shown(workspace: Path, name: str, **params: object) -> pl.DataFrame:
    with explorer.open(workspace) as corpus:
        return corpus.show(name, **params)


def sample_file(workspace: Path) -> Path:
    (path,) = (workspace / "index" / "duplicates").glob("*-samples.parquet")
    return path


def write_plain(path: Path, rows: Sequence[Row]) -> None:
    """Parquet in which a text of the same length takes the same space, whatever it says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([dict(one) for one in rows])
    pq.write_table(table, path, compression="none", use_dictionary=False, write_statistics=False)


def replace_unnoticed(path: Path, rows: Sequence[Row]) -> None:
    """Other texts under the same size and time, which a build takes for the same file."""
    before = path.stat()
    write_plain(path, rows)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


ROWS = [
    row("a", "s1", "é😀" * 150, "https://x.org/1"),
    row("b", "s2", "é😀" * 150, "https://x.org/1"),
    row("c", "s2", f"own\n{'ü' * 300}\nend", "https://x.org/1"),
    row("d", "s1", f"{'ü' * 300}\nother", "https://x.org/2"),
    row("e", "s3", f"{'ü' * 300}\n{'ü' * 300}", "https://x.org/3"),
    row("f", "s3", "brevissimum", "https://x.org/3"),
    row("g", "s3", "brevissimum"),
    row("h", "s1", f"{'é😀' * 150}\nend"),
]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_samples_do_not_depend_on_the_cut(tmp_path: Path, form: str) -> None:
    write = write_jsonl if form == "jsonl" else write_parquet
    cuts: dict[str, list[Sequence[int]]] = {
        "whole": [range(8)],
        "uneven": [range(3), range(3, 8)],
        "apart": [[n] for n in (5, 1, 4, 0, 7, 2, 6, 3)],
    }
    found = {}
    for name, cut in cuts.items():
        for number, numbers in enumerate(cut):
            write(tmp_path / name / "in" / f"{number}.{form}", [ROWS[n] for n in numbers])
        report = build_corpus(tmp_path / name / "in", tmp_path / name / "ws", part_bytes=1)
        assert report.n_parts == len(cut)
        found[name] = [
            shown(tmp_path / name / "ws", "largest_clusters", kind="text"),
            shown(tmp_path / name / "ws", "largest_clusters", kind="url"),
            shown(tmp_path / name / "ws", "repeated_paragraphs"),
        ]
    texts, urls, paragraphs = found["whole"]
    assert texts.sort("id").select("id", "url", "sample").rows() == [
        ("a", "https://x.org/1", ("é😀" * 150)[:SAMPLE_CHARS]),
        ("f", "https://x.org/3", "brevissimum"),
    ]
    assert urls.select("n_copies", "id", "sample").rows() == [
        (3, "a", ("é😀" * 150)[:SAMPLE_CHARS]),
        (2, "e", "ü" * SAMPLE_CHARS),
    ]
    assert paragraphs["sample"].to_list()[:2] == ["ü" * SAMPLE_CHARS, ("é😀" * 150)[:SAMPLE_CHARS]]
    assert paragraphs["examples"].to_list()[:2] == ["s1: d, s2: c, s3: e", "s1: a, s1: h, s2: b"]
    for other in ("uneven", "apart"):
        for frame, whole in zip(found[other], found["whole"], strict=True):
            assert frame.rows() == whole.rows(), other


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_workspace_without_texts_has_no_samples(tmp_path: Path, form: str) -> None:
    write = write_jsonl if form == "jsonl" else write_parquet
    write(tmp_path / "in" / f"a.{form}", ROWS)
    build_corpus(tmp_path / "in", tmp_path / "with")
    build_corpus(tmp_path / "in", tmp_path / "without", keep_text=False)
    for name in LISTS:
        kept, frame = (shown(tmp_path / ws, name) for ws in ("with", "without"))
        assert kept["sample"].null_count() == 0
        assert frame["sample"].null_count() == frame.height > 0
        assert frame.drop("sample").rows() == kept.drop("sample").rows()
    for path in (tmp_path / "without").rglob("*"):
        assert path.is_dir() or b"brevissimum" not in path.read_bytes(), f"{path} holds text"


def test_a_shard_that_changed_unnoticed_has_no_samples_until_it_is_back(tmp_path: Path) -> None:
    first = [row("a", "s", "first text"), row("b", "s", "first text")]
    second = [row("c", "s", "second one"), row("d", "s", "second one")]
    write_plain(tmp_path / "in" / "1.parquet", first)
    write_plain(tmp_path / "in" / "2.parquet", second)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    for path in (tmp_path / "ws" / "index" / "duplicates").glob("*-samples.*"):
        path.unlink()
    replace_unnoticed(tmp_path / "in" / "1.parquet", [{**one, "text": "FIRST TEXT"} for one in first])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    for name in LISTS:
        assert set(shown(tmp_path / "ws", name)["sample"]) == {None, "second one"}
    replace_unnoticed(tmp_path / "in" / "1.parquet", first)
    build_corpus(tmp_path / "in", tmp_path / "ws")  # nothing that a build looks at has changed
    for name in LISTS:
        assert set(shown(tmp_path / "ws", name)["sample"]) == {"first text", "second one"}


def test_a_shard_that_is_gone_takes_only_its_own_samples(tmp_path: Path) -> None:
    for number in range(3):
        write_plain(tmp_path / "in" / f"{number}.parquet", [row(str(number), "s", f"text of {number}")])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    (part,) = Workspace(tmp_path / "ws").read_manifest()["parts"]
    (tmp_path / "in" / "1.parquet").unlink()
    places = [
        (("text", str(number)), Place(False, 0, number, number, 1, 4, ((0, str(number)),))) for number in range(3)
    ]
    assert read_samples(tmp_path / "ws", part, places, lambda done: None) == {
        ("text", "0"): "ext ",
        ("text", "2"): "ext ",
    }


def test_a_paragraph_is_read_where_the_document_is_not_huge(tmp_path: Path) -> None:
    huge = [row("a", "s", f"said twice\n{'x' * 1_000_000}")]
    write_plain(tmp_path / "in" / "1.parquet", huge)
    write_plain(tmp_path / "in" / "2.parquet", [row("b", "s", "y\nsaid twice")])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    assert shown(tmp_path / "ws", "repeated_paragraphs").select("examples", "sample").rows() == [
        ("s: a, s: b", "said twice")
    ]
    sample_file(tmp_path / "ws").unlink()
    replace_unnoticed(tmp_path / "in" / "1.parquet", [{**huge[0], "text": huge[0]["text"].upper()}])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    assert shown(tmp_path / "ws", "repeated_paragraphs")["sample"].to_list() == ["said twice"]


def test_hostile_texts_are_values_and_never_markup(tmp_path: Path) -> None:
    rows = [
        row("a", "s", HOSTILE),
        row("b", "it's | <i>", HOSTILE, "https://x.org/|<b>"),
        row("c", "s", "\x1b]0;owned\x07\n\x1b]0;owned\x07"),
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    clusters, paragraphs = (shown(tmp_path / "ws", name) for name in LISTS)
    assert clusters["sample"].to_list() == [HOSTILE]
    assert set(paragraphs["sample"]) == {*HOSTILE.split("\n"), "\x1b]0;owned\x07"}
    for name, frame in zip(LISTS, (clusters, paragraphs), strict=True):
        units = units_of(frame, load_statistics()[name])
        for form in ("table", "md"):
            text = render(frame, form, units, width=None).decode()
            n_head = 1 if form == "table" else 2
            assert len(text.split("\n")) == n_head + frame.height + 1
            assert all(char.isprintable() or char == "\n" for char in text)
        markdown = render(frame, "md", units, width=None).decode()
        assert "<" not in markdown
        assert "[x]" not in markdown
        bars = [line.replace("\\|", "").count("|") for line in markdown.splitlines()]
        assert set(bars) == {frame.width + 1}
        assert json.loads(render(frame, "json", units, width=None))[0]["sample"] == frame["sample"][0]


def test_what_an_earlier_build_read_is_not_read_again(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", ROWS)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    before = sample_file(tmp_path / "ws")
    written = before.stat().st_mtime_ns
    build_corpus(tmp_path / "in", tmp_path / "ws")
    assert sample_file(tmp_path / "ws").stat().st_mtime_ns == written
    write_jsonl(tmp_path / "in" / "b.jsonl", [row("z", "s4", "brevissimum")])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    by_id = shown(tmp_path / "ws", "largest_clusters").filter(pl.col("id") == "f")
    assert by_id.select("n_copies", "in_sources", "sample").rows() == [(3, "s3, s4", "brevissimum")]
    build_corpus(tmp_path / "in", tmp_path / "ws")
    assert sample_file(tmp_path / "ws") != before, "of no use any more, and not removed"


def test_without_looking_for_duplicates_there_is_nothing_to_show(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", [*ROWS, ROWS[0]])
    build_corpus(tmp_path / "in", tmp_path / "ws", duplicates=False)
    with explorer.open(tmp_path / "ws") as corpus:
        for name in (*LISTS, "deduplicated_mix", "duplicate_waterfall"):
            for params in ({}, {"kind": "url"}) if name in ("largest_clusters", "deduplicated_mix") else ({},):
                assert corpus.show(name, **params).height == 0
        assert corpus.sql("from duplicate_samples").height == 0


def test_near_clusters_have_samples(tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(200))
    rows = [row("a", "s", f"{words} tail"), row("b", "s", f"{words} end"), row("c", "s", "nothing like it at all")]
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    build_corpus(tmp_path / "in", tmp_path / "ws", near=0.7)
    frame = shown(tmp_path / "ws", "largest_clusters", kind="near")
    assert frame.select("id", "n_copies", "n_texts", "sample").rows() == [("a", 2, 2, words[:SAMPLE_CHARS])]
    mix = shown(tmp_path / "ws", "deduplicated_mix", kind="near", keep="longest")
    assert mix.select("n_docs", "n_kept_docs", "n_kept_bytes").rows()[0] == (3, 2, len(words) + 5 + 22)
