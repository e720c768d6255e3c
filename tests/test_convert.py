"""Converting to tagged Parquet loses nothing: a workspace of the result equals one of the original."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import explorer
from explorer.convert import convert
from explorer.errors import InputError, UsageError
from tests.corpora import attribute_rows, build_corpus, documents, write_bytes, write_dolma, write_jsonl

FACTS = "select name, value from corpus where name like 'fingerprint%' or name = 'n_spans_outside' order by name"
COUNTS = (
    "select source, id, n_bytes, n_words, url, created, language, n_tokens, is_id_given from documents "
    "order by source, id"
)
VALUES = (
    "select d.source, d.id, v.* exclude (doc) from attribute_values as v join documents as d using (doc) order by all"
)
SETS = (
    "select attribute_set, sum(n_present), sum(n_misaligned + n_missing) from attribute_files group by all order by all"
)


def same(first: Path, second: Path, *queries: str) -> None:
    with explorer.open(first) as a, explorer.open(second) as b:
        for query in queries:
            assert a.sql(query).rows() == b.sql(query).rows(), query


def test_dolma_with_attributes_of_every_shape(tmp_path: Path) -> None:
    web, books = documents(6), documents(3, "books", metadata={"lang": "de", "year": 1900, "deep": {"x": [1]}})
    marks = attribute_rows(
        web,
        spans=[[0, 4, 0.5], [2, 9, 1.0]],
        empty=[],
        whole=lambda row: [[0, len(row["text"]), 3.0]],
        outside=[[0, 10_000, 1.0]],
        half=[[0.5, 2, 1.0]],
        number=0.7,
        flag=True,
        word="yes",
        nothing=None,
        pii={"email": [[0, 3, 0.8]], "too_much": True},
        odd=[1, "x"],
    )
    write_dolma(
        tmp_path / "in",
        {"web/a.jsonl.gz": web, "books/b.jsonl.zst": books},
        {"marks": {"web/a.jsonl.gz": marks}, "part": {"books/b.jsonl.zst": attribute_rows(books[:2], k=[[0, 1, 1.0]])}},
    )
    report = convert([str(tmp_path / "in")], tmp_path / "out")
    assert (report.n_docs, report.n_files) == (9, 2)
    assert any("1 documents missing" in note for note in report.notes)
    build_corpus(tmp_path / "in", tmp_path / "w1")
    build_corpus(tmp_path / "out", tmp_path / "w2")
    same(tmp_path / "w1", tmp_path / "w2", FACTS, COUNTS, VALUES, SETS)


def test_misaligned_attributes_are_joined_by_id(tmp_path: Path) -> None:
    rows = documents(5)
    marks = attribute_rows(rows, k=lambda row: [[0, 1, float(row["id"][-1])]])
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"s": {"a.jsonl": marks[::-1]}})
    report = convert([str(tmp_path / "in")], tmp_path / "out")
    assert any("misaligned" in note for note in report.notes)
    build_corpus(tmp_path / "in", tmp_path / "w1")
    build_corpus(tmp_path / "out", tmp_path / "w2")
    same(tmp_path / "w1", tmp_path / "w2", COUNTS, VALUES)


def test_inline_attributes_flat_columns_and_rows_without_ids(tmp_path: Path) -> None:
    rows = [
        {
            "text": "one",
            "url": "https://a.example.org/1",
            "language": "en",
            "token_count": 3,
            "language_score": 0.9,
            "int_score": 4,
        },
        {
            "text": "two",
            "url": "https://a.example.org/2",
            "language": "en",
            "token_count": 5,
            "attributes": {"k": [[0, 3, 1.0]]},
        },
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    convert([str(tmp_path / "in")], tmp_path / "out")
    build_corpus(tmp_path / "in", tmp_path / "w1")
    build_corpus(tmp_path / "out", tmp_path / "w2")
    same(tmp_path / "w1", tmp_path / "w2", FACTS, COUNTS, VALUES, SETS)
    with explorer.open(tmp_path / "w2") as corpus:
        assert corpus.sql("select sum(n_tokens)::bigint from documents").item() == 8


def test_the_columns_that_are_promised(tmp_path: Path) -> None:
    write_dolma(
        tmp_path / "in", {"a.jsonl": documents(2)}, {"s": {"a.jsonl": attribute_rows(documents(2), k=[[0, 1, 1.0]])}}
    )
    convert([str(tmp_path / "in")], tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "documents" / "a.parquet")
    assert table.column_names[:6] == ["id", "source", "text", "url", "created", "added"]
    assert table["attributes"][0].as_py() == {"s": [("k", [{"start": 0, "end": 1, "score": 1.0}])]}
    assert pq.read_metadata(tmp_path / "out" / "documents" / "a.parquet").row_group(0).column(0).compression == "ZSTD"


def test_refusals(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(2))
    convert([str(tmp_path / "in")], tmp_path / "out")
    with pytest.raises(UsageError, match=r"a\.parquet: exists already"):
        convert([str(tmp_path / "in")], tmp_path / "out")
    write_bytes(tmp_path / "bad" / "b.jsonl", b"no json\n")
    with pytest.raises(InputError, match=r"b\.jsonl: no document"):
        convert([str(tmp_path / "bad")], tmp_path / "out2")
    assert not list((tmp_path / "out2").rglob("*.parquet*"))


def test_mini_dolma_keeps_its_fingerprints(mini_dolma: Path, tmp_path: Path) -> None:
    convert([str(mini_dolma)], tmp_path / "out")
    build_corpus(mini_dolma, tmp_path / "w1", memory=1 << 30)
    build_corpus(tmp_path / "out", tmp_path / "w2", memory=1 << 30)
    same(tmp_path / "w1", tmp_path / "w2", FACTS)
