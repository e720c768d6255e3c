"""Finding shards, and reading every shape of good input: what the field's tools write is read as it is."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import os
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest.read import read_documents
from explorer.ingest.shards import Shard, find_shards, split_row_groups
from tests.corpora import (
    attribute_rows,
    documents,
    read_all,
    write_bytes,
    write_dolma,
    write_jsonl,
    write_parquet,
)

ROWS = documents(5)


def names(*inputs: Path | str) -> list[str]:
    return [shard.name for shard in find_shards([str(path) for path in inputs])]


# --- which files -------------------------------------------------------------------------------------------------


def test_a_folder_holds_every_kind_of_shard(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.json.gz", "c/d.jsonl.zst", "e.JSONL.GZ", "f.ndjson"):
        write_jsonl(tmp_path / name, ROWS)
    write_parquet(tmp_path / "g.parquet", [{"text": "x"}])
    write_bytes(tmp_path / "README.md", b"# not a shard")
    write_jsonl(tmp_path / ".hidden" / "h.jsonl", ROWS)
    write_jsonl(tmp_path / "_temporary" / "i.jsonl", ROWS)
    assert names(tmp_path) == ["a.jsonl", "b.json.gz", "c/d.jsonl.zst", "e.JSONL.GZ", "f.ndjson", "g.parquet"]


def test_dolma_layout_takes_documents_and_pairs_their_attributes(tmp_path: Path) -> None:
    rows = documents(2)
    write_dolma(
        tmp_path,
        {"web/0.json.gz": rows, "web/1.json.gz": rows},
        {
            "tags": {"web/0.json.gz": attribute_rows(rows, x=1), "web/1.jsonl.zst": attribute_rows(rows, x=1)},
            "half": {},
        },
    )
    (tmp_path / "attributes" / "half").mkdir()
    shards = find_shards([str(tmp_path)])
    assert [(s.name, s.folder_source) for s in shards] == [
        ("documents/web/0.json.gz", "web"),
        ("documents/web/1.json.gz", "web"),
    ]
    sides = {(s.name, side.attribute_set): Path(side.path).name for s in shards for side in s.sides}
    assert sides == {
        ("documents/web/0.json.gz", "half"): "",
        ("documents/web/0.json.gz", "tags"): "0.json.gz",
        ("documents/web/1.json.gz", "half"): "",
        ("documents/web/1.json.gz", "tags"): "1.jsonl.zst",  # the same name with another compression
    }
    # The folder of documents itself, one of its files and a glob find the same attributes.
    for given in ("documents", "documents/web/0.json.gz", "documents/*/0.json.gz"):
        found = find_shards([str(tmp_path / given)])[0]
        assert [side.attribute_set for side in found.sides] == ["half", "tags"], given


def test_a_home_folder_called_documents_is_no_dolma_layout(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "documents" / "corpus" / "0.jsonl", ROWS)
    (shard,) = find_shards([str(tmp_path / "documents" / "corpus")])
    assert (shard.name, shard.folder_source, shard.sides) == ("0.jsonl", "corpus", ())


def test_globs_files_and_folders_together_count_a_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/0.jsonl", "a/1.jsonl", "b/0.jsonl"):
        write_jsonl(tmp_path / name, ROWS)
    assert names(tmp_path / "*" / "0.jsonl") == ["a/0.jsonl", "b/0.jsonl"]
    assert names(tmp_path / "**" / "*.jsonl") == ["a/0.jsonl", "a/1.jsonl", "b/0.jsonl"]
    assert names(tmp_path / "a" / "0.jsonl", tmp_path / "a" / "0.jsonl") == ["0.jsonl"]
    assert sorted(names(tmp_path, tmp_path / "a", tmp_path / "a" / "0.jsonl")) == ["0.jsonl", "1.jsonl", "b/0.jsonl"]
    assert names(tmp_path / "a", tmp_path / "b") == ["1.jsonl", "a/0.jsonl", "b/0.jsonl"]  # equal names told apart
    monkeypatch.chdir(tmp_path / "a")
    assert names("../b/../a") == names(".") == ["0.jsonl", "1.jsonl"]
    assert find_shards(["."])[0].folder_source == "a"


def test_links_are_followed_by_the_name_of_the_link(tmp_path: Path) -> None:
    """A download cache keeps files under hashes and links to them by name; disks are joined by linked folders."""
    blob = write_jsonl(tmp_path / "blobs" / "0123abcd", ROWS)
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "train.jsonl").symlink_to(blob)
    (snapshot / "again.jsonl").symlink_to(blob)
    assert names(snapshot) == ["again.jsonl"]
    assert names(snapshot / "train.jsonl") == ["train.jsonl"]
    assert names(snapshot / "t*.jsonl") == ["train.jsonl"]
    write_jsonl(tmp_path / "disk2" / "x.jsonl", ROWS)
    (snapshot / "more").symlink_to(tmp_path / "disk2")
    (tmp_path / "disk2" / "loop").symlink_to(snapshot)
    assert names(snapshot) == ["again.jsonl", "more/x.jsonl"]


def test_linked_documents_folder_keeps_its_attributes(tmp_path: Path) -> None:
    rows = documents(2)
    write_jsonl(tmp_path / "disk" / "w" / "0.jsonl", rows)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "documents").symlink_to(tmp_path / "disk")
    write_jsonl(tmp_path / "corpus" / "attributes" / "s" / "w" / "0.jsonl", attribute_rows(rows, x=1))
    (shard,) = find_shards([str(tmp_path / "corpus")])
    assert (shard.folder_source, [side.attribute_set for side in shard.sides]) == ("w", ["s"])


@pytest.mark.parametrize("given", ["missing", "missing/*.jsonl", "notes.txt", "empty", "a**/b.jsonl"])
def test_an_input_without_shards_is_named(tmp_path: Path, given: str) -> None:
    (tmp_path / "empty").mkdir()
    write_bytes(tmp_path / "notes.txt", b"x")
    with pytest.raises(InputError) as caught:
        find_shards([str(tmp_path / given)])
    assert str(tmp_path / given) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_name_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/caf\xe9.jsonl")).write_text("{}")
    with pytest.raises(InputError, match=r"caf\ufffd.jsonl: its name is not UTF-8; rename it"):
        find_shards([str(tmp_path / "in")])


def test_row_groups_are_cut_without_those_that_are_taken(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", [{"text": "x" * 1000 + str(i)} for i in range(8)], row_group_size=1)
    (shard,) = find_shards([str(path)])
    assert split_row_groups(shard, 1 << 20) == [shard]
    one = pq.read_metadata(path).row_group(0).total_byte_size
    cut = split_row_groups(shard, 2 * one + 1)
    assert [piece.row_groups for piece in cut] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert sum(piece.n_bytes for piece in cut) == pytest.approx(shard.size, abs=8)
    assert [piece.row_groups for piece in split_row_groups(shard, 1 << 20, {2, 3})] == [(0, 1, 4, 5, 6, 7)]


# --- compressed text ---------------------------------------------------------------------------------------------


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plain.jsonl", _lines(ROWS)),
        ("no_last_newline.jsonl", _lines(ROWS).rstrip()),
        ("crlf.jsonl", _lines(ROWS).replace(b"\n", b"\r\n")),
        ("byte_order_mark.jsonl", b"\xef\xbb\xbf" + _lines(ROWS)),
        ("blank_lines.jsonl", b"\n\n" + _lines(ROWS).replace(b"\n", b"\n \n")),
        ("one.jsonl.gz", gzip.compress(_lines(ROWS))),
        ("members.jsonl.gz", gzip.compress(_lines(ROWS[:2])) + gzip.compress(_lines(ROWS[2:]))),
        ("padded.jsonl.gz", gzip.compress(_lines(ROWS)) + b"\0" * 512),
        ("one.jsonl.zst", zstandard.compress(_lines(ROWS))),
        ("frames.jsonl.zst", zstandard.compress(_lines(ROWS[:2])) + zstandard.compress(_lines(ROWS[2:]))),
        (
            "skippable.jsonl.zst",  # what parallel compressors put between frames
            b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.compress(_lines(ROWS)),
        ),
    ],
)
def test_every_framing_gives_the_same_documents(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    frame, rejects = read_all(path)
    assert rejects == []
    assert frame["id"].to_list() == [row["id"] for row in ROWS]
    assert frame["text"].to_list() == [row["text"] for row in ROWS]


# --- the field's shapes ------------------------------------------------------------------------------------------


def test_c4_rows_have_no_id(tmp_path: Path) -> None:
    rows = [{"text": "One.", "timestamp": "2019-04-25T12:57:54Z", "url": "https://a.example/1"}]
    frame, rejects = read_all(write_jsonl(tmp_path / "c4-train.00000.json.gz", rows))
    assert rejects == []
    assert frame.select("id", "is_id_given", "source", "text", "url", "created").row(0) == (
        None, False, tmp_path.name, "One.", "https://a.example/1", "2019-04-25T12:57:54Z",
    )  # fmt: skip


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_fineweb_rows(tmp_path: Path, form: str) -> None:
    row = {
        "text": "Fine.", "id": "<urn:uuid:1>", "dump": "CC-MAIN-2013-20", "url": "http://fine.example/",
        "date": "2013-05-18T05:48:54Z", "file_path": "s3://x", "language": "en", "language_score": 0.98,
        "token_count": 2, "int_score": 3,
    }  # fmt: skip
    path = tmp_path / f"f.{form}"
    frame, rejects = read_all(write_jsonl(path, [row]) if form == "jsonl" else write_parquet(path, [row]))
    assert rejects == []
    assert frame.select("id", "url", "created", "language", "n_tokens").row(0) == (
        "<urn:uuid:1>", "http://fine.example/", "2013-05-18T05:48:54Z", "en", 2,
    )  # fmt: skip
    assert json.loads(frame["metadata"][0]) == {"dump": "CC-MAIN-2013-20", "file_path": "s3://x"}
    if form == "jsonl":  # Parquet keeps them in their columns
        assert json.loads(frame["columns"][0]) == {"language_score": 0.98, "int_score": 3}


def test_datatrove_rows(tmp_path: Path) -> None:
    row = {"text": "D.", "id": "d/0", "metadata": {"url": "https://d.example/", "date": "2024-01-01", "token_count": 7}}
    for path in (write_jsonl(tmp_path / "a.jsonl.gz", [row]), write_parquet(tmp_path / "a.parquet", [row])):
        frame, _ = read_all(path)
        assert frame.select("id", "url", "created", "n_tokens").row(0) == ("d/0", "https://d.example/", "2024-01-01", 7)


def test_jsonl_after_a_mix_keeps_its_attributes(tmp_path: Path) -> None:
    row = {**ROWS[0], "attributes": {"a__b__c": [[0, 8, 0.5]]}}
    frame, _ = read_all(write_jsonl(tmp_path / "a.jsonl", [row]))
    assert json.loads(frame["attributes"][0]) == row["attributes"]


def test_the_url_is_the_id_where_that_is_one(tmp_path: Path) -> None:
    rows = [{"id": "https://a.example/x", "text": "t"}, {"id": "urn:x", "text": "t", "url": ""}]
    for path in (write_jsonl(tmp_path / "a.jsonl", rows), write_parquet(tmp_path / "a.parquet", rows)):
        assert read_all(path)[0]["url"].to_list() == ["https://a.example/x", None]


def test_a_field_that_stands_in_for_none_stays_in_the_metadata(tmp_path: Path) -> None:
    row = {"id": "1", "text": "t", "created": "2020-01-01", "timestamp": 5, "metadata": {"timestamp": "m"}}
    frame, _ = read_all(write_jsonl(tmp_path / "a.jsonl", [{**row, "metadata": {}}]))
    assert frame["created"].to_list() == ["2020-01-01"]
    assert json.loads(frame["metadata"][0]) == {"timestamp": 5}
    assert frame["columns"].to_list() == [None]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_column_mapping(tmp_path: Path, form: str) -> None:
    rows = [{"doc": "The text.", "key": 7, "metadata": {"subset": "news", "len": 3.0, "when": "2021"}, "text": "no"}]
    path = tmp_path / f"a.{form}"
    path = write_jsonl(path, rows) if form == "jsonl" else write_parquet(path, rows)
    columns = {
        "text": "doc",
        "id": "key",
        "source": "metadata.subset",
        "n_tokens": "metadata.len",
        "created": "metadata.when",
    }
    frame, rejects = read_all(path, columns)
    assert rejects == []
    assert frame.select("id", "source", "text", "created", "n_tokens").row(0) == ("7", "news", "The text.", "2021", 3)


def test_a_mapped_text_may_lie_in_the_metadata_of_any_type(tmp_path: Path) -> None:
    content = {"body": "Inner.", "a b": "c"}
    kinds = {
        "struct": pa.array([content]),
        "text": pa.array([json.dumps(content)]),
        "map": pa.array([list(content.items())], pa.map_(pa.string(), pa.string())),
        "json": pa.array([json.dumps(content)], pa.json_()),
        "dictionary": pa.array([json.dumps(content)]).dictionary_encode(),
    }
    for kind, column in kinds.items():
        path = write_parquet(tmp_path / f"{kind}.parquet", pa.table({"id": ["1"], "metadata": column}))
        frame, rejects = read_all(path, {"text": "metadata.body", "source": "metadata.a b"})
        assert (frame["text"].to_list(), frame["source"].to_list(), rejects) == (["Inner."], ["c"], []), kind
        assert json.loads(frame["metadata"][0]) == content, kind


# --- Parquet types -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_every_string_type_is_text(tmp_path: Path, kind: pa.DataType) -> None:
    texts = pa.array(["é\u2028", "", None, "b"])
    texts = texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts.cast(kind)
    table = pa.table({"text": texts, "source": texts, "id": [1, 2, 3, 4]})
    frame, rejects = read_all(write_parquet(tmp_path / "in" / "a.parquet", table))
    assert frame["text"].to_list() == ["é\u2028", "", "b"]
    assert frame["id"].to_list() == ["1", "2", "4"]
    assert frame["source"].to_list() == ["é\u2028", "in", "b"]
    assert [(r.row, r.reason) for r in rejects] == [(2, "no_text")]


def test_timestamps_of_any_zone_are_utc(tmp_path: Path) -> None:
    moment = dt.datetime(2024, 3, 1, 12, 30, 15, 250000, tzinfo=dt.UTC)
    kinds = [pa.timestamp(unit, zone) for unit in ("ms", "us", "ns") for zone in ("UTC", "+09:00", "America/New_York")]
    for kind in kinds:
        table = pa.table({"text": ["x"], "created": pa.array([moment], kind), "date": ["1999"]})
        frame, _ = read_all(write_parquet(tmp_path / "a.parquet", table))
        assert frame["created"].to_list() == ["2024-03-01T12:30:15.250000"], kind
    days = pa.table({"text": ["x"], "date": pa.array([moment.date()])})
    assert read_all(write_parquet(tmp_path / "b.parquet", days))[0]["created"].to_list() == ["2024-03-01"]


def test_columns_of_other_types_become_metadata_or_are_left_out(tmp_path: Path) -> None:
    table = pa.table({
        "text": ["x"],
        "source": pa.array([{"name": "s"}]),  # no source: a struct
        "price": pa.array([Decimal("1.50")]),
        "when": pa.array([1], pa.timestamp("ns")),
        "uid": pa.array([uuid.UUID(int=1).bytes], pa.uuid()),
        "nothing": pa.nulls(1),
        "embedding": [[0.1, 0.2]],
        "blob": [b"\xff\xfe"],
    })  # fmt: skip
    frame, rejects = read_all(write_parquet(tmp_path / "in" / "a.parquet", table))
    assert rejects == []
    assert frame["source"].to_list() == ["in"]
    assert json.loads(frame["metadata"][0]) == {
        "source": {"name": "s"}, "when": "1970-01-01T00:00:00", "uid": str(uuid.UUID(int=1)),
    }  # fmt: skip


def test_struct_metadata_may_hold_what_json_does_not(tmp_path: Path) -> None:
    content = {"at": dt.datetime(2024, 1, 2), "raw": b"\xff", "n": None, "list": [1, 2], "deep": {"a": 1}}
    frame, _ = read_all(write_parquet(tmp_path / "a.parquet", [{"text": "x", "metadata": content}]))
    assert json.loads(frame["metadata"][0]) == {
        "at": "2024-01-02T00:00:00", "raw": "b'\\xff'", "list": [1, 2], "deep": {"a": 1},
    }  # fmt: skip


def test_metadata_text_that_is_no_object_is_kept_as_it_is(tmp_path: Path) -> None:
    rows = [{"text": "x", "metadata": value} for value in ("not json", "[1]", '{"a": 1}', None)]
    frame, rejects = read_all(write_parquet(tmp_path / "a.parquet", rows))
    assert rejects == []
    assert [value and json.loads(value) for value in frame["metadata"]] == [
        {"metadata": "not json"},
        {"metadata": [1]},
        {"a": 1},
        None,
    ]


def test_token_counts_are_whole_and_not_negative(tmp_path: Path) -> None:
    values = [3, 3.0, 2.5, -1, None]
    rows = [{"id": str(i), "text": "x", "token_count": value} for i, value in enumerate(values)]
    expected = [3, 3, None, None, None]
    assert read_all(write_jsonl(tmp_path / "a.jsonl", rows))[0]["n_tokens"].to_list() == expected
    table = pa.table({"text": ["x"] * 5, "token_count": pa.array(values, pa.float64())})
    assert read_all(write_parquet(tmp_path / "a.parquet", table))[0]["n_tokens"].to_list() == expected


def test_batches_are_bounded_by_text(tmp_path: Path) -> None:
    rows = [{"id": str(i), "text": "x" * 10_000} for i in range(100)]
    for path in (write_jsonl(tmp_path / "a.jsonl", rows), write_parquet(tmp_path / "a.parquet", rows)):
        (shard,) = find_shards([str(path)])

        sizes = [b.frame["text"].str.len_bytes().sum() for b in read_documents(shard, CorpusConfig(), 200_000)]
        assert sum(sizes) == 1_000_000
        assert max(sizes) <= 210_000


def test_rows_are_numbered_within_the_file(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", [{"text": str(i)} for i in range(7)], row_group_size=3)
    assert read_all(path)[0]["row"].to_list() == list(range(7))
    (shard,) = find_shards([str(path)])
    frame = pl.concat([read_all_piece(piece) for piece in split_row_groups(shard, 1)])
    assert frame.select("row", "text").rows() == [(i, str(i)) for i in range(7)]


def read_all_piece(shard: Shard) -> pl.DataFrame:

    return pl.concat([batch.frame for batch in read_documents(shard, CorpusConfig(), 1 << 20)])


def test_padding_between_members_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(_lines(ROWS[:2])) + b"\0" * 300_000 + gzip.compress(_lines(ROWS[2:])))
    frame, rejects = read_all(path)
    assert (frame["id"].to_list(), rejects) == ([row["id"] for row in ROWS], [])


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    rows = [{"id": str(i), "text": hashlib.sha256(str(i).encode()).hexdigest()} for i in range(5000)]
    data = bytearray(gzip.compress(_lines(rows)))
    data[-8] ^= 0xFF
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(bytes(data))
    frame, rejects = read_all(path)
    assert 0 < frame.height < 5000
    assert [(r.row, r.reason) for r in rejects] == [(frame.height, "damaged")]
