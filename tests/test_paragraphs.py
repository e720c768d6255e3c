"""Paragraph rows against their definition in plain Python, on text that is hard to cut; runs of a file."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer import textcount
from explorer.duplicates import paragraphs
from explorer.duplicates.paragraphs import PARAGRAPH_SCHEMA, Paragraphs, ParagraphWriter, paragraphs_of, sorting_order
from explorer.measures import text_buffers
from explorer.textcount import count_texts
from tests.test_measures import NASTY, WHITE, texts

_WORD = re.compile(f"[^{WHITE}]+")
Row = tuple[int, ...]


def buffers(found: list[str]) -> tuple[Any, Any]:
    data, offsets = text_buffers(pl.Series("text", found, dtype=pl.String))
    return np.frombuffer(data, dtype=np.uint8), offsets


def find(data: Any, offsets: Any, min_chars: int) -> list[Paragraphs]:
    pieces: list[Paragraphs] = []
    count_texts(data, offsets, lambda lines: pieces.append(paragraphs_of(lines, min_chars)))
    return pieces


def rows(found: list[str], first_doc: int = 0, min_chars: int = 1) -> list[Row]:
    pieces = find(*buffers(found), min_chars)
    columns = [np.concatenate([getattr(p, name) for p in pieces] or [[]]) for name in PARAGRAPH_SCHEMA.names]
    columns[1] = columns[1] + first_doc
    return list(zip(*(column.tolist() for column in columns), strict=True))


def keys(found: list[str]) -> list[int]:
    frame = pl.DataFrame({"p": found}, schema={"p": pl.String})
    return frame.select(plh.col("p").nchash.xxh3_64()).to_series().to_list()


def defined(found: list[str], min_chars: int = 1) -> list[Row]:
    wanted, pieces = [], []
    for doc, text in enumerate(found):
        start = 0
        for line in text.split("\n"):
            if line.strip(WHITE) and len(line) >= min_chars:
                wanted.append((doc, start, len(line.encode()), len(line), len(_WORD.findall(line))))
                pieces.append(line)
            start += len(line) + 1
    return [(key, *row) for key, row in zip(keys(pieces), wanted, strict=True)]


@settings(max_examples=200, deadline=None)
@given(st.lists(texts, max_size=6), st.integers(1, 4))
@example(["", "\n", "a\n", "\nb", "", "c\u2028d\x85e\r\nf", "\u3000\n \t", "g", "h", "a\n\n\n  a \n"], 1)
@example([], 1)
def test_paragraphs_are_those_of_the_definition(found: list[str], min_chars: int) -> None:
    assert rows(found, min_chars=min_chars) == defined(found, min_chars)


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6))
def test_words_add_up_to_those_of_the_document(found: list[str]) -> None:
    total = [0] * len(found)
    for row in rows(found):
        total[row[1]] += row[-1]
    counts = count_texts(*buffers(found))
    assert total == counts.n_words.tolist() == [len(_WORD.findall(text)) for text in found]
    assert counts.n_lines.tolist() == [text.count("\n") + 1 if text else 0 for text in found]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(texts, st.lists(st.sampled_from(NASTY), max_size=120).map("".join)), max_size=5), st.data())
def test_steps_and_pieces_change_nothing(found: list[str], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textcount, "_STEP_BYTES", data.draw(st.integers(1, 40)))
        patch.setattr(textcount, "_PIECE_BYTES", data.draw(st.integers(4, 20)))
        assert rows(found) == defined(found)


@settings(max_examples=50, deadline=None)
@given(st.lists(texts, min_size=1, max_size=8), st.integers(0, 8), st.integers(0, 1 << 20))
def test_batches_change_nothing(found: list[str], cut: int, first_doc: int) -> None:
    whole = rows(found, first_doc)
    assert rows(found[:cut], first_doc) + rows(found[cut:], first_doc + len(found[:cut])) == whole
    assert [row[1] - first_doc for row in whole] == [row[1] for row in rows(found)]


def test_a_slice_of_a_batch_starts_anywhere_in_its_buffer() -> None:
    data, offsets = buffers(["x\ny", "caf\u00e9\n\nz", "", "w"])
    (found,) = find(data, offsets[1:], 1)
    assert list(zip(found.doc.tolist(), found.start.tolist(), strict=True)) == [(0, 0), (0, 6), (2, 0)]


def test_keys_are_xxh3() -> None:
    # The empty input's hash is in XXH3's own test vectors; the others were made with the reference library.
    assert keys([""]) == [0x2D06800538D394C2]
    made = [0xE6C632B61E964E1F, 0x0DF8ECBF822B36B4, 0xC2D12C5729084172]
    assert [row[0] for row in rows(["a", "caf\u00e9\r\n" + "b" * 300])] == made


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1)), max_size=60))
def test_sorting_keeps_the_order_of_equal_keys(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.uint64)
    assert sorting_order(array).tolist() == np.argsort(array, kind="stable").tolist()


def write(path: Path, batches: list[list[str]], min_chars: int = 1) -> None:
    with ExitStack() as stack:
        writer = ParagraphWriter(stack, path)
        first_doc = 0
        for batch in batches:
            for found in find(*buffers(batch), min_chars):
                writer.write(found, first_doc)
            first_doc += len(batch)
        writer.flush()


def test_a_file_is_sorted_runs_in_small_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paragraphs, "RUN_ROWS", 40)
    monkeypatch.setattr(paragraphs, "GROUP_ROWS", 16)
    batches = [[f"{i % 7}\nsame\n{i}" for i in range(n)] for n in (13, 0, 1, 60)]
    write(tmp_path / "p.parquet", batches)
    file = pq.ParquetFile(tmp_path / "p.parquet")
    assert file.schema_arrow.equals(PARAGRAPH_SCHEMA)
    table = file.read()
    found = list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    documents = [text for batch in batches for text in batch]
    assert sorted(found) == sorted(defined(documents))
    for low in range(0, len(found), 40):
        assert found[low : low + 40] == sorted(found[low : low + 40])
    sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert sizes == [16, 16, 8] * 5 + [16, 6]
    statistics = file.metadata.row_group(1).column(0).statistics
    assert (statistics.min, statistics.max) == (found[16][0], found[31][0])


def test_batching_changes_no_byte_of_a_file(tmp_path: Path) -> None:
    documents = [f"one\n\ntwo {i}\u00e9\n{i % 3}" for i in range(100)]
    write(tmp_path / "a.parquet", [documents])
    write(tmp_path / "b.parquet", [documents[:1], [], documents[1:50], documents[50:]])
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_part_without_paragraphs_has_an_empty_file(tmp_path: Path) -> None:
    write(tmp_path / "p.parquet", [["", " \n\t"], ["short"]], min_chars=6)
    assert pq.read_table(tmp_path / "p.parquet").equals(PARAGRAPH_SCHEMA.empty_table())
