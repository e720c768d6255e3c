"""Bad input: every fault ends in a clear message or in a counted, visible exclusion, and the rest goes on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

import explorer
from explorer.corpus import Corpus
from explorer.errors import InputError, UsageError, WorkspaceError
from tests.corpora import (
    build_corpus,
    document,
    documents,
    read_all,
    write_bytes,
    write_jsonl,
    write_lines,
    write_parquet,
)

GOOD = documents(300)
LINES = [json.dumps(row).encode() for row in GOOD]
MANY = documents(3000)  # more than one block of either compression


def _utf8_damaged(table: pa.Table, column: str, row: int) -> pa.Table:
    """The table with bytes that are no UTF-8 in one cell, as careless writers leave them."""
    values = [value.encode() for value in table[column].to_pylist()]
    values[row] = b"caf\xe9 " + values[row]
    raw = pa.array(values, pa.binary())
    damaged = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    return table.set_column(table.schema.get_field_index(column), column, damaged)


def _parquet_bytes(path: Path, rows: list[dict[str, Any]], **options: Any) -> bytes:
    return write_parquet(path, rows, **options).read_bytes()


def _bad_folder(root: Path) -> None:
    """One file of every kind of fault beside a good one."""
    small = GOOD[:3]
    write_jsonl(root / "good.jsonl", small)
    many = b"\n".join(json.dumps(row).encode() for row in MANY)
    (root / "cut.jsonl.gz").write_bytes(gzip.compress(many)[:-40])
    (root / "cut.jsonl.zst").write_bytes(zstandard.compress(many)[:-40])
    (root / "no_gzip.jsonl.gz").write_bytes(b"\n".join(LINES))
    (root / "no_zstd.jsonl.zst").write_bytes(b"\n".join(LINES))
    (root / "header_only.jsonl.gz").write_bytes(gzip.compress(b"\n".join(LINES))[:6])
    (root / "empty.jsonl").write_bytes(b"")
    (root / "empty.jsonl.gz").write_bytes(b"")
    write_lines(root / "blank.jsonl", [b"", b"  ", b""])
    write_lines(root / "not_json.jsonl", [LINES[0], b'{"id": "x", "text": "cut off', LINES[1], b"\x00\x00"])
    write_lines(root / "no_object.jsonl", [LINES[0], b"[1, 2]", b'"text"', b"null"])
    write_lines(root / "nan.jsonl", [LINES[0], b'{"id": "n", "text": "t", "score": NaN}'])
    write_jsonl(root / "no_id.jsonl", [GOOD[0], {"text": "t"}, {"id": None, "text": "t"}, {"id": "", "text": "t"}])
    write_jsonl(root / "no_text.jsonl", [GOOD[0], {"id": "1"}, {"id": "2", "text": None}, {"id": "3", "text": 5}])
    write_lines(root / "invalid_utf8.jsonl", [LINES[0], b'{"id": "1", "text": "caf\xe9"}'])
    write_lines(root / "surrogate.jsonl", [LINES[0], b'{"id": "1", "text": "a \\ud83d b"}'])
    deep = b"[" * 300 + b"]" * 300
    write_lines(root / "too_deep.jsonl", [LINES[0], b'{"id": "1", "text": "t", "metadata": {"a": ' + deep + b"}}"])
    write_jsonl(root / "no_text_at_all.jsonl", [{"id": "1", "title": "a"}])
    write_parquet(root / "no_text_at_all.parquet", [{"id": "1", "title": "a"}])
    write_parquet(root / "no_rows.parquet", pa.table({"text": pa.array([], pa.string())}))
    rows = [{"id": "1", "text": "t"}, {"id": "2", "text": None}, {"id": None, "text": "t"}]
    write_parquet(root / "null_text.parquet", rows)
    (root / "cut.parquet").write_bytes(_parquet_bytes(root / "cut.parquet", small)[:-30])
    (root / "no_parquet.parquet").write_bytes(b"PAR1 is how it begins")
    write_parquet(root / "invalid_utf8.parquet", _utf8_damaged(pa.Table.from_pylist(small), "text", 1))
    write_parquet(root / "invalid_source.parquet", _utf8_damaged(pa.Table.from_pylist(small), "source", 2))
    data = bytearray(_parquet_bytes(root / "rotten.parquet", GOOD, row_group_size=100))
    second = pq.read_metadata(root / "rotten.parquet").row_group(1)
    start = second.column(0).dictionary_page_offset or second.column(0).data_page_offset
    data[start : start + 400] = b"\xff" * 400
    (root / "rotten.parquet").write_bytes(bytes(data))
    (root / "gone.jsonl").symlink_to(root / "nowhere.jsonl")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    root = tmp_path_factory.mktemp("bad")
    (root / "in").mkdir()
    _bad_folder(root / "in")
    report = build_corpus(root / "in", root / "ws")
    with explorer.open(root / "ws") as corpus:
        rejected = corpus.sql("select coalesce(sum(n_rejected), 0)::bigint from shards").item()
        assert report.n_rejected == rejected
        assert (
            sorted(report.faults)
            == corpus.sql("select fault from shards where fault is not null order by 1")["fault"].to_list()
        )
        yield corpus


# File: documents taken, and {reason: (rows, first row from 1)} of what was left out.
COUNTED: dict[str, tuple[int, dict[str, tuple[int, int | None]]]] = {
    "good.jsonl": (3, {}),
    "empty.jsonl": (0, {}),
    "blank.jsonl": (0, {}),
    "not_json.jsonl": (2, {"not_json": (2, 2)}),
    "no_object.jsonl": (1, {"not_an_object": (3, 2)}),
    "nan.jsonl": (1, {"not_json": (1, 2)}),
    "no_id.jsonl": (1, {"no_id": (3, 2)}),
    "no_text.jsonl": (1, {"no_text": (3, 2)}),
    "invalid_utf8.jsonl": (1, {"invalid_utf8": (1, 2)}),
    "surrogate.jsonl": (1, {"lone_surrogate": (1, 2)}),
    "too_deep.jsonl": (1, {"too_deep": (1, 2)}),
    "no_rows.parquet": (0, {}),
    "null_text.parquet": (1, {"no_text": (1, 2), "no_id": (1, 3)}),
    "invalid_utf8.parquet": (2, {"invalid_utf8": (1, 2)}),
    "invalid_source.parquet": (2, {"invalid_utf8": (1, 3)}),
    "rotten.parquet": (100, {"damaged": (1, 101)}),
}


@pytest.mark.parametrize("name", COUNTED)
def test_rows_left_out_are_counted_with_their_reason(bad: Corpus, name: str) -> None:
    n_docs, reasons = COUNTED[name]
    shard = bad.sql(f"select n_docs, n_rejected, fault from shards where name = '{name}'").row(0)
    assert shard == (n_docs, sum(n for n, _ in reasons.values()), None)
    found = bad.sql(f"select reason, n_rows, first_row from rejects where name = '{name}' order by reason")
    assert {reason: (n, first) for reason, n, first in found.rows()} == reasons
    documents = bad.sql(f"select count(*) from documents join shards using (shard) where name = '{name}'").item()
    assert documents == n_docs


# File: what its message must say.
UNUSABLE = {
    "no_gzip.jsonl.gz": "not a readable gzip file",
    "no_zstd.jsonl.zst": "not a readable zstd file",
    "header_only.jsonl.gz": "not a readable gzip file",
    "no_text_at_all.jsonl": 'their fields: id, title; name one in corpus.toml: [columns] text = "..."',
    "no_text_at_all.parquet": 'no text column; its columns: id, title; name one in corpus.toml: [columns] text = "..."',
    "cut.parquet": "not a readable Parquet file",
    "no_parquet.parquet": "not a readable Parquet file",
    "gone.jsonl": "No such file or directory",
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_files_left_out_say_why_and_what_to_do(bad: Corpus, name: str) -> None:
    n_docs, fault = bad.sql(f"select n_docs, fault from shards where name = '{name}'").row(0)
    assert n_docs == 0
    assert name in fault
    assert UNUSABLE[name] in fault
    assert "\n" not in fault
    assert "write it again" in fault or "corpus.toml" in fault
    rejects = bad.sql(f"select reason, detail from rejects where name = '{name}'")
    assert rejects.rows() == [("unreadable_file", fault)]


@pytest.mark.parametrize("name", ["cut.jsonl.gz", "cut.jsonl.zst"])
def test_a_cut_file_gives_its_whole_rows_and_says_where_it_ends(bad: Corpus, name: str) -> None:
    n_docs = bad.sql(f"select n_docs from shards where name = '{name}'").item()
    assert 0.3 * len(MANY) < n_docs < len(MANY)
    (reject,) = bad.sql(f"select reason, n_rows, first_row from rejects where name = '{name}'").rows()
    assert reject == ("truncated", 1, n_docs + 1)
    texts = bad.sql(f"select d.id, d.n_chars from documents d join shards s using (shard) where s.name = '{name}'")
    assert sorted(texts.rows()) == sorted((row["id"], len(row["text"])) for row in MANY[:n_docs])


def test_a_file_of_no_bytes_is_no_gzip(bad: Corpus) -> None:
    fault = bad.sql("select fault from shards where name = 'empty.jsonl.gz'").item()
    assert "an empty file is no compressed stream" in fault
    assert bad.sql("select n_docs, n_rejected, fault from shards where name = 'empty.jsonl'").row(0) == (0, 0, None)


def test_a_line_that_never_ends_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.ingest.lines.MAX_LINE", 5_000_000)
    lines = [json.dumps(GOOD[0]).encode(), b" " * 12_000_000, json.dumps(GOOD[1]).encode()]
    write_bytes(tmp_path / "in" / "a.jsonl.gz", b"\n".join(lines))
    build_corpus(tmp_path / "in", tmp_path / "w")
    with explorer.open(tmp_path / "w") as corpus:
        assert corpus.sql("select id from documents order by id")["id"].to_list() == [GOOD[0]["id"], GOOD[1]["id"]]
        assert corpus.sql("select reason, n_rows, first_row from rejects").rows() == [("too_long", 1, 2)]


def test_every_reason_is_explained(bad: Corpus) -> None:
    assert bad.sql("select * from rejects where meaning = '' or meaning is null").height == 0
    assert bad.sql("select count(*) from shards where n_docs = 0 and n_rejected = 0 and fault is null").item() == 3


def test_the_documents_are_those_of_the_good_rows_alone(bad: Corpus, tmp_path: Path) -> None:
    """No fault leaves a trace in a number: the same documents in one clean file give the same composition."""
    n_docs = dict(bad.sql("select name, n_docs from shards").rows())
    rows = [*GOOD[:3], GOOD[0], GOOD[1]]  # good.jsonl, not_json.jsonl
    rows += [GOOD[0]] * sum(n for name, n in n_docs.items() if n == 1 and name.endswith(".jsonl"))
    rows += [row for name in ("cut.jsonl.gz", "cut.jsonl.zst") for row in MANY[: n_docs[name]]]
    rows += [GOOD[0], GOOD[2], GOOD[0], GOOD[1], *GOOD[:100]]  # the three damaged Parquet files
    write_jsonl(tmp_path / "clean.jsonl", rows)
    write_jsonl(tmp_path / "in2.jsonl", [{"id": "1", "source": "in", "text": "t"}])
    build_corpus([tmp_path / "clean.jsonl", tmp_path / "in2.jsonl"], tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as clean:
        query = "select source, n_docs, n_bytes, n_chars, n_words, n_lines from composition order by source"
        assert bad.sql(query).rows() == clean.sql(query).rows()
        assert bad.fingerprint == clean.fingerprint


# --- nothing to read at all --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b"", "the files hold no rows"),
        ("a.jsonl", b"\n\n", "the files hold no rows"),
        ("a.jsonl", b"nonsense\n", "a.jsonl, row 1: not json"),
        ("a.json.gz", b"plain text", "a.json.gz: not a readable gzip file"),
        ("a.parquet", b"PAR1", "a.parquet: not a readable Parquet file"),
    ],
)
def test_a_build_of_nothing_readable_says_so_and_leaves_no_workspace(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        build_corpus(tmp_path / name, tmp_path / "ws")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(WorkspaceError, match="not a workspace"):
        explorer.open(tmp_path / "ws")


def test_a_failed_rebuild_leaves_the_last_workspace(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", GOOD[:2])
    build_corpus(source, tmp_path / "ws")
    source.write_bytes(b"nonsense")
    with pytest.raises(InputError):
        build_corpus(source, tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as corpus:
        assert corpus.sql("select count(*) from documents").item() == 2


def test_an_empty_folder_and_a_foreign_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: no shard found; looked for \.parquet, \.jsonl"):
        build_corpus(tmp_path / "empty", tmp_path / "ws")
    assert not (tmp_path / "ws").exists()
    source = write_jsonl(tmp_path / "a.jsonl", GOOD[:1])
    write_bytes(tmp_path / "mine" / "notes.txt", b"x")
    with pytest.raises(WorkspaceError, match="is not empty and not a workspace; name another --out"):
        build_corpus(source, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_wrong_options_write_nothing(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", GOOD[:1])
    config = write_bytes(tmp_path / "c.toml", b"[columns]\ntxt = 'x'\n")
    for options in ({"config_path": config}, {"tokenizer": "gpt9"}, {"workers": -1}, {"memory": 1}):
        with pytest.raises(UsageError):
            build_corpus(source, tmp_path / "ws", **options)
    assert not (tmp_path / "ws").exists()


# --- single faults, read directly --------------------------------------------------------------------------------


def test_a_large_document_is_one_document(tmp_path: Path) -> None:
    text = "word \u00e9\n" * (50 * 2**20 // 8)
    rows = [{"id": "big", "text": text}, {"id": "small", "text": "x"}]
    for path in (write_jsonl(tmp_path / "a.jsonl.gz", rows), write_parquet(tmp_path / "a.parquet", rows)):
        frame, rejects = read_all(path)
        assert rejects == []
        assert frame["text"].str.len_bytes().to_list() == [50 * 2**20, 1]


def test_a_hundred_thousand_bad_rows_are_counted_in_batches(tmp_path: Path) -> None:
    _, rejects = read_all(write_lines(tmp_path / "a.jsonl", [LINES[0], *([b"x"] * 100_000)]))
    assert len(rejects) == 100_000
    assert {reject.reason for reject in rejects} == {"not_json"}


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_invalid_utf8_is_found_in_every_kind_of_column(tmp_path: Path, kind: pa.DataType) -> None:
    raw = pa.array([b"ok", b"\xff\xfe", b"ok"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    column = text.dictionary_encode() if pa.types.is_dictionary(kind) else text
    struct = pa.StructArray.from_arrays([text], names=["inner"])
    plain = pa.array(["a", "b", "c"])
    for name, table in {
        "text": pa.table({"text": column}),
        "url": pa.table({"text": plain, "url": column}),
        "metadata": pa.table({"text": plain, "metadata": struct}),
    }.items():
        frame, rejects = read_all(write_parquet(tmp_path / f"{name}.parquet", table))
        assert (frame["row"].to_list(), [(r.row, r.reason) for r in rejects]) == ([0, 2], [(1, "invalid_utf8")]), name


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    with pytest.raises(InputError, match=r"a\.parquet: two columns are called 'text'"):
        read_all(write_parquet(tmp_path / "a.parquet", table))


# --- hostile values that are good documents ----------------------------------------------------------------------

SOURCES = [
    'say "hi"',
    "a|b",
    "<script>alert(1)</script>",
    "two\nlines",
    "x'; drop table documents; --",
    "\u202eflip",
    "nul\0",
]


def test_source_names_hold_anything(tmp_path: Path) -> None:
    rows = [document(i, source) for i, source in enumerate(SOURCES)]
    for form, path in {
        "jsonl": write_jsonl(tmp_path / "in1" / "a.jsonl", rows),
        "parquet": write_parquet(tmp_path / "in2" / "a.parquet", rows),
    }.items():
        build_corpus(path, tmp_path / form)
        with explorer.open(tmp_path / form) as corpus:
            assert sorted(corpus.show("composition")["source"]) == sorted(SOURCES)
            assert corpus.sql("select sum(n_docs)::bigint from composition").item() == len(SOURCES)
    with explorer.open(tmp_path / "jsonl") as a, explorer.open(tmp_path / "parquet") as b:
        assert a.fingerprint == b.fingerprint


def test_a_folder_name_that_is_a_source_holds_anything(tmp_path: Path) -> None:
    name = "we|ird 'n\" <b>\n"
    write_jsonl(tmp_path / "in" / "documents" / name / "a.jsonl", [{"id": "1", "text": "t"}])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as corpus:
        assert corpus.sql("select source from documents").item() == name
        assert corpus.sql("select name from shards").item() == f"documents/{name}/a.jsonl"


def test_the_same_key_joins_of_hostile_ids_do_not_collide(tmp_path: Path) -> None:
    """Fields with NUL bytes in them must not run into each other in the fingerprint."""
    for i, (source, name) in enumerate([("a\0b", "c"), ("a", "b\0c")]):
        write_jsonl(tmp_path / f"{i}.jsonl", [{"id": name, "source": source, "text": "t"}])
        build_corpus(tmp_path / f"{i}.jsonl", tmp_path / f"ws{i}")
    with explorer.open(tmp_path / "ws0") as a, explorer.open(tmp_path / "ws1") as b:
        assert a.fingerprint != b.fingerprint


def test_bad_dates_are_counted_not_guessed(tmp_path: Path) -> None:
    dates = ["2020-02-30", "soon", "24-01-01", "2020-02-29", 1582934400, None]
    write_jsonl(tmp_path / "a.jsonl", [{**document(i), "created": date} for i, date in enumerate(dates)])
    build_corpus(tmp_path / "a.jsonl", tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as corpus:
        found = corpus.sql("select created::date::varchar, is_created_unreadable from documents order by doc")
        unreadable, good = (None, True), ("2020-02-29", False)
        assert found.rows() == [unreadable, unreadable, unreadable, good, good, (None, False)]
