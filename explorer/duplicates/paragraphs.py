"""The paragraphs of a part: a row for each time that one occurs, sorted by key.

A paragraph is a piece between line feeds that holds more than White_Space (the Dolma toolkit's), its bytes as they
stand: not trimmed, a carriage return included. Its key is a hash, so what two documents share is found without text.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.textcount import Lines
from explorer.workspace import replacing

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

PARAGRAPH_SCHEMA = pa.schema([
    ("key", pa.uint64()),  # xxh3_64 of the UTF-8 bytes
    ("doc", pa.int32()),  # 0-based within the part
    ("start", pa.int64()),  # of its first character, in characters
    ("n_bytes", pa.int32()),
    ("n_chars", pa.int32()),
    ("n_words", pa.int32()),
])  # fmt: skip
GROUP_ROWS = 131_072
RUN_ROWS = 8 * GROUP_ROWS
# Half the size of zstd's and a third of its time: keys are sorted, and the other numbers are small.
_ENCODING = dict.fromkeys(PARAGRAPH_SCHEMA.names, "DELTA_BINARY_PACKED")


@dataclass(frozen=True)
class Paragraphs:
    """Columns of `PARAGRAPH_SCHEMA` (arrays of length n_paragraphs)."""

    key: npt.NDArray[np.uint64]
    doc: npt.NDArray[np.int32]
    start: Ints
    n_bytes: npt.NDArray[np.int32]
    n_chars: npt.NDArray[np.int32]
    n_words: npt.NDArray[np.int32]


def paragraphs_of(lines: Lines, min_chars: int) -> Paragraphs:
    """The paragraphs among some lines, in order; documents are numbered as the texts are.

    Those of fewer than `min_chars` characters are left out.
    """
    kept = np.flatnonzero((lines.n_words > 0) & (lines.n_chars >= min_chars))
    begin, end = lines.begin[kept], lines.end[kept]
    return Paragraphs(
        key=hash_pieces(lines.data, begin, end),
        doc=lines.text[kept].astype(np.int32),
        start=lines.start[kept],
        n_bytes=(end - begin).astype(np.int32),
        n_chars=lines.n_chars[kept].astype(np.int32),
        n_words=lines.n_words[kept].astype(np.int32),
    )


def hash_pieces(data: Bytes, starts: Ints, ends: Ints) -> npt.NDArray[np.uint64]:
    """xxh3_64 of pieces that do not overlap, in order: number i is `data[starts[i]:ends[i]]`."""
    offsets = np.empty(2 * len(starts) + 1, dtype=np.int64)  # every second one is what lies between two pieces
    offsets[0], offsets[1::2], offsets[2::2] = 0, starts, ends
    array = pa.LargeStringArray.from_buffers(2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(data))
    pieces = pl.DataFrame({"piece": pl.Series(array).gather_every(2, 1)}).lazy()
    hashes: npt.NDArray[np.uint64] = (
        pieces.select(plh.col("piece").nchash.xxh3_64()).collect(engine="in-memory").to_series().to_numpy()
    )
    return hashes


class ParagraphWriter:
    """A file of paragraphs as a sequence of runs of `RUN_ROWS`, each sorted by (key, doc, start)."""

    def __init__(self, stack: ExitStack, target: Path) -> None:
        temporary = stack.enter_context(replacing(target))
        self._writer = stack.enter_context(
            pq.ParquetWriter(
                temporary, PARAGRAPH_SCHEMA, compression="none", use_dictionary=False, column_encoding=_ENCODING
            )
        )
        self._rows = {field.name: np.empty(RUN_ROWS, field.type.to_pandas_dtype()) for field in PARAGRAPH_SCHEMA}
        self._n_rows = 0

    def write(self, found: Paragraphs, first_doc: int) -> None:
        """Take some paragraphs, of no earlier documents than those before; their text i is document `first_doc + i`."""
        taken = 0
        while taken < len(found.key):
            n = min(RUN_ROWS - self._n_rows, len(found.key) - taken)
            for name, column in self._rows.items():
                column[self._n_rows : self._n_rows + n] = getattr(found, name)[taken : taken + n]
            self._rows["doc"][self._n_rows : self._n_rows + n] += np.int32(first_doc)
            taken += n
            self._n_rows += n
            if self._n_rows == RUN_ROWS:
                self.flush()

    def flush(self) -> None:
        """Write what is held as a run."""
        order = sorting_order(self._rows["key"][: self._n_rows])
        for low in range(0, self._n_rows, GROUP_ROWS):
            group = order[low : low + GROUP_ROWS]
            columns = {name: column[group] for name, column in self._rows.items()}
            self._writer.write_table(pa.table(columns, schema=PARAGRAPH_SCHEMA))
        self._n_rows = 0


def sorting_order(keys: npt.NDArray[np.uint64]) -> Ints:
    """The places of keys in ascending order, equal ones as they stand."""
    return sorted_keys(keys)[0]


def sorted_keys(keys: npt.NDArray[np.uint64]) -> tuple[Ints, npt.NDArray[np.uint64]]:
    """The places of keys in ascending order, equal ones as they stand; and the keys in that order."""
    # Sorting numbers is several times as fast as sorting their places, so each carries its place in its lower bits.
    n_bits = np.uint64(len(keys).bit_length())
    packed = (keys >> n_bits << n_bits) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    packed &= (np.uint64(1) << n_bits) - np.uint64(1)
    order = packed.view(np.int64)
    found = keys[order]
    # two keys may differ in the lower bits alone: about once in 60 runs of a million
    if not np.all(found[:-1] <= found[1:]):
        order = np.argsort(keys, kind="stable")
        found = keys[order]
    return order, found
