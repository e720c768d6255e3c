"""Texts read again: those that were indexed, from any input; what is gone or has changed since is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import UsageError, WorkspaceError
from explorer.texts import TEXTS_SCHEMA, iter_texts, read_texts
from explorer.workspace import Workspace
from tests.corpora import Row, build_corpus, document, documents, write_jsonl, write_parquet


def parts_of(workspace: Path) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = Workspace(workspace).read_manifest()["parts"]
    return parts


def all_texts(workspace: Path) -> dict[tuple[str, str], str]:
    """Every text of a workspace by source and id."""
    found: dict[tuple[str, str], str] = {}
    for part in parts_of(workspace):
        frame = read_texts(workspace, part, range(part["n_docs"]))
        assert frame.schema == dict(TEXTS_SCHEMA)
        assert frame["doc"].to_list() == list(range(part["n_docs"]))
        found |= {(source, name): text for _, name, source, text in frame.iter_rows()}
    return found


def expected(rows: Sequence[Row], text: str = "text") -> dict[tuple[str, str], str]:
    return {(row["source"], row["id"]): row[text] for row in rows}


def various(n: int, source: str = "web") -> list[dict[str, Any]]:
    """Documents whose texts are empty, short, long, and not ASCII."""
    texts = ["", "é\u2003😀\n", "x" * 5000, "plain"]
    return [document(i, source, text=f"{texts[i % 4]}{i if i % 4 else ''}") for i in range(n)]


@pytest.mark.parametrize("name", ["0.jsonl", "0.jsonl.gz", "0.parquet"])
def test_texts_of_one_file(tmp_path: Path, name: str) -> None:
    rows = various(300)
    path = tmp_path / "in" / name
    if name.endswith("parquet"):
        write_parquet(path, rows, row_group_size=7)
    else:
        write_jsonl(path, rows)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    assert all_texts(tmp_path / "ws") == expected(rows)


def test_texts_of_parts_that_mix_formats_and_row_groups(tmp_path: Path) -> None:
    rows = {name: various(200, name) for name in "abcd"}
    write_jsonl(tmp_path / "in" / "a.jsonl.gz", rows["a"])
    write_parquet(tmp_path / "in" / "b.parquet", rows["b"], row_group_size=9)
    write_jsonl(tmp_path / "in" / "c.jsonl", rows["c"])
    write_parquet(tmp_path / "in" / "d.parquet", rows["d"], row_group_size=50)
    everything = [row for group in rows.values() for row in group]
    for part_bytes in (None, 60_000):
        workspace = tmp_path / f"ws{part_bytes}"
        build_corpus(tmp_path / "in", workspace, part_bytes=part_bytes)
        assert (len(parts_of(workspace)) > 1) == (part_bytes is not None)
        assert all_texts(workspace) == expected(everything)


def test_rows_that_were_left_out_are_passed_over(tmp_path: Path) -> None:
    rows = [document(i, text=None if i % 3 == 0 else f"text {i}") for i in range(60)]
    write_parquet(tmp_path / "in" / "a.parquet", rows, row_group_size=8)
    write_jsonl(tmp_path / "in" / "b.jsonl", [document(i, "b", text=5 if i % 2 else f"b{i}") for i in range(20)])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    kept = [row for row in rows if row["text"] is not None]
    kept += [document(i, "b", text=f"b{i}") for i in range(0, 20, 2)]
    assert all_texts(tmp_path / "ws") == expected(kept)


@pytest.mark.parametrize("column", ["body", "metadata.body"])
@pytest.mark.parametrize("as_text", [False, True])
def test_the_text_column_is_that_of_corpus_toml(tmp_path: Path, column: str, as_text: bool) -> None:
    rows = various(40)
    told = [{**row, "body": f"body of {row['id']}"} for row in rows]
    for row in told:
        metadata = {**row["metadata"], "body": row["body"]}
        row["metadata"] = json.dumps(metadata) if as_text else metadata
    write_parquet(tmp_path / "in" / "a.parquet", told, row_group_size=6)
    (tmp_path / "corpus.toml").write_text(f'[columns]\ntext = "{column}"\n')
    build_corpus(tmp_path / "in", tmp_path / "ws", config_path=tmp_path / "corpus.toml")
    assert all_texts(tmp_path / "ws") == expected(told, "body")


def test_the_first_column_that_a_row_fills_is_its_text(tmp_path: Path) -> None:
    rows = [{"id": str(i), "source": "s", "text": ["one", None, ""][i % 3], "content": "two"} for i in range(30)]
    write_parquet(tmp_path / "in" / "a.parquet", rows, row_group_size=4)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    texts = all_texts(tmp_path / "ws")
    assert [texts["s", str(i)] for i in range(3)] == ["one", "two", ""]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_text_columns_of_other_types(tmp_path: Path, kind: pa.DataType) -> None:
    rows = various(40)
    table = pa.Table.from_pylist(rows)
    number = table.schema.get_field_index("text")
    write_parquet(tmp_path / "in" / "a.parquet", table.set_column(number, "text", table["text"].cast(kind)))
    build_corpus(tmp_path / "in", tmp_path / "ws")
    assert all_texts(tmp_path / "ws") == expected(rows)


def test_documents_without_ids_are_named_as_in_the_index(tmp_path: Path) -> None:
    write_parquet(tmp_path / "in" / "a.parquet", [{"text": "abc"}, {"text": "é"}])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    found = read_texts(tmp_path / "ws", parts_of(tmp_path / "ws")[0], [1])
    known = hashlib.md5("é".encode(), usedforsecurity=False).hexdigest()
    assert found.rows() == [(1, f"md5:{known}", "in", "é")]


@settings(max_examples=25, deadline=None)
@given(docs=st.lists(st.integers(0, 399), max_size=30), batch_bytes=st.sampled_from([1, 2000, 1 << 20]))
def test_any_choice_of_documents(
    mixed_corpus: tuple[Path, dict[str, Any], dict[int, str]], docs: list[int], batch_bytes: int
) -> None:
    workspace, part, texts = mixed_corpus
    frames = list(iter_texts(workspace, part, iter(docs), batch_bytes))
    found = [(doc, text) for frame in frames for doc, text in frame.select("doc", "text").iter_rows()]
    assert found == [(doc, texts[doc]) for doc in sorted(set(docs))]
    if batch_bytes == 1:  # a frame ends with the text that fills it
        assert all(frame.height <= 16 for frame in frames)


@pytest.fixture(scope="module")
def mixed_corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[int, str]]:
    """A workspace of one part with 200 documents from JSONL and 200 from Parquet, and its texts by number."""
    folder = tmp_path_factory.mktemp("mixed")
    write_jsonl(folder / "in" / "a.jsonl", various(100, "a"))
    write_parquet(folder / "in" / "b.parquet", various(200, "b"), row_group_size=11)
    write_jsonl(folder / "in" / "c.jsonl", various(100, "c"))
    build_corpus(folder / "in", folder / "ws")
    (part,) = parts_of(folder / "ws")
    texts = [row["text"] for row in [*various(100, "a"), *various(200, "b"), *various(100, "c")]]
    return folder / "ws", part, dict(enumerate(texts))


def test_no_documents_are_an_empty_frame(mixed_corpus: tuple[Path, dict[str, Any], dict[int, str]]) -> None:
    workspace, part, _ = mixed_corpus
    assert read_texts(workspace, part, []).schema == dict(TEXTS_SCHEMA)
    assert list(iter_texts(workspace, part, np.array([], dtype=np.int64))) == []


@pytest.mark.parametrize("doc", [-1, 400])
def test_a_number_that_the_part_does_not_have(
    mixed_corpus: tuple[Path, dict[str, Any], dict[int, str]], doc: int
) -> None:
    workspace, part, _ = mixed_corpus
    with pytest.raises(UsageError, match=f"has 400 documents; there is no number {doc}"):
        read_texts(workspace, part, [3, doc])


def test_only_the_row_groups_that_hold_the_documents_are_read(tmp_path: Path) -> None:
    rows = various(100)
    path = write_parquet(tmp_path / "in" / "a.parquet", rows, row_group_size=10)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    (part,) = parts_of(tmp_path / "ws")
    # every other row group is destroyed, and so are the other columns of the one that is wanted
    group = pq.read_metadata(path).row_group(4)
    kept = next(group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == "text")
    first = kept.dictionary_page_offset or kept.data_page_offset
    data = bytearray(path.read_bytes())
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for place in range(4, footer):
        if not first <= place < first + kept.total_compressed_size:
            data[place] = 0xFF
    path.write_bytes(data)
    found = read_texts(tmp_path / "ws", part, [42, 49])
    assert found["text"].to_list() == [rows[42]["text"], rows[49]["text"]]
    with pytest.raises(WorkspaceError, match=r"a\.parquet: can no longer be read .*build again"):
        read_texts(tmp_path / "ws", part, [42, 50])


def parquet_workspace(tmp_path: Path) -> tuple[Path, Path, dict[str, Any]]:
    """(the shard, the workspace, its part)"""
    path = write_parquet(tmp_path / "in" / "a.parquet", documents(30), row_group_size=10)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    return path, tmp_path / "ws", parts_of(tmp_path / "ws")[0]


def test_a_shard_that_is_gone_is_named(tmp_path: Path) -> None:
    path, workspace, part = parquet_workspace(tmp_path)
    path.unlink()
    with pytest.raises(WorkspaceError, match=r"a\.parquet: (is gone since the build|not a readable)"):
        read_texts(workspace, part, [0])


def test_a_shard_whose_texts_changed_is_refused(tmp_path: Path) -> None:
    path, workspace, part = parquet_workspace(tmp_path)
    changed = [{**row, "text": row["text"] + "!"} if i == 7 else row for i, row in enumerate(documents(30))]
    write_parquet(path, changed, row_group_size=10)
    assert read_texts(workspace, part, [6, 8]).height == 2  # these are as they were
    with pytest.raises(WorkspaceError, match=r"a\.parquet: its texts are no longer those that were indexed; build aga"):
        read_texts(workspace, part, [6, 7])


@pytest.mark.parametrize("n", [0, 20])
def test_a_shard_that_lost_rows_is_refused(tmp_path: Path, n: int) -> None:
    path, workspace, part = parquet_workspace(tmp_path)
    write_parquet(path, pa.Table.from_pylist(documents(30)).slice(0, n), row_group_size=10)
    with pytest.raises(WorkspaceError, match=r"a\.parquet: its texts are no longer those"):
        read_texts(workspace, part, [5, 25])


def test_a_shard_that_lost_its_text_column_is_refused(tmp_path: Path) -> None:
    path, workspace, part = parquet_workspace(tmp_path)
    write_parquet(path, [{"id": "x", "words": "a"}])
    with pytest.raises(WorkspaceError, match=r"a\.parquet: no text column.*build again"):
        read_texts(workspace, part, [5])


def test_a_shard_written_again_with_other_row_groups_is_still_the_same(tmp_path: Path) -> None:
    path, workspace, part = parquet_workspace(tmp_path)
    write_parquet(path, documents(30), row_group_size=4)
    assert read_texts(workspace, part, range(30))["text"].to_list() == [row["text"] for row in documents(30)]


def test_texts_of_jsonl_outlive_their_shard(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "in" / "a.jsonl.gz", documents(5))
    build_corpus(tmp_path / "in", tmp_path / "ws")
    path.write_bytes(gzip.compress(b""))
    assert all_texts(tmp_path / "ws") == expected(documents(5))


def test_a_copy_that_is_gone_is_named(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(5))
    build_corpus(tmp_path / "in", tmp_path / "ws")
    (part,) = parts_of(tmp_path / "ws")
    Workspace(tmp_path / "ws").shard(part["key"]).unlink()
    with pytest.raises(WorkspaceError, match=r"shards/.*: is gone since the build; put it back or build again"):
        read_texts(tmp_path / "ws", part, [0])


def test_a_workspace_without_texts_says_so(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(5))
    write_parquet(tmp_path / "in" / "b.parquet", documents(5, "b"))
    build_corpus(tmp_path / "in", tmp_path / "ws", keep_text=False)
    (part,) = parts_of(tmp_path / "ws")
    with pytest.raises(WorkspaceError, match=r"was built with --no-text, so it has no texts to read"):
        read_texts(tmp_path / "ws", part, [0])
    assert read_texts(tmp_path / "ws", part, [5, 9]).height == 2  # the user's own Parquet has them


def test_a_workspace_that_moved_still_reads(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(5))
    build_corpus(tmp_path / "in", tmp_path / "ws")
    (tmp_path / "ws").rename(tmp_path / "elsewhere")
    assert all_texts(tmp_path / "elsewhere") == expected(documents(5))


def test_texts_of_mini_dolma(mini_dolma: Path, tmp_path: Path) -> None:
    shard = mini_dolma / "documents" / "multilingual"
    build_corpus(shard, tmp_path / "ws")
    with gzip.open(next(shard.glob("*.gz")), "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert all_texts(tmp_path / "ws") == expected(rows)
