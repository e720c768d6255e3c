"""The paragraphs of a part: a row for each time that one occurs, sorted by key.

A paragraph is a piece between line feeds that holds more than White_Space (the Dolma toolkit's), its bytes as they
stand: not trimmed, a carriage return included. Its key is a hash, so what two documents share is found without text.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.measures import text_buffers
from explorer.textcount import count_texts
from explorer.workspace import replacing

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


def paragraph_rows(texts: pl.Series, first_doc: int, min_chars: int = 1) -> pl.DataFrame:
    """The paragraphs (`PARAGRAPH_SCHEMA`) of a batch of texts, in order; `first_doc` numbers the first text.

    Those of fewer than `min_chars` characters are left out.
    """
    lines = pl.DataFrame({"doc": np.arange(first_doc, first_doc + len(texts), dtype=np.int32), "text": texts})
    lines = lines.with_columns(pl.col("text").str.split("\n")).explode("text")
    data, offsets = text_buffers(lines["text"])
    n_words = count_texts(np.frombuffer(data, dtype=np.uint8), offsets).n_words
    n_chars = lines["text"].str.len_chars().cast(pl.Int64).to_numpy()
    ends = np.cumsum(n_chars + 1)
    first = np.flatnonzero(np.diff(lines["doc"].to_numpy(), prepend=-1))
    starts = ends - n_chars - 1
    starts = starts - np.repeat(starts[first], np.diff(first, append=len(starts)))
    kept = np.flatnonzero((n_words > 0) & (n_chars >= min_chars))
    found = lines.with_columns(start=starts, n_chars=n_chars.astype(np.int32), n_words=n_words.astype(np.int32))[kept]
    return found.select(
        plh.col("text").nchash.xxh3_64().alias("key"),
        "doc",
        "start",
        pl.col("text").str.len_bytes().cast(pl.Int32).alias("n_bytes"),
        "n_chars",
        "n_words",
    )


class ParagraphWriter:
    """A file of paragraphs as a sequence of runs, each sorted by (key, doc, start)."""

    def __init__(self, stack: ExitStack, target: Path, min_chars: int) -> None:
        temporary = stack.enter_context(replacing(target))
        self._writer = stack.enter_context(pq.ParquetWriter(temporary, PARAGRAPH_SCHEMA, compression="zstd"))
        self._min_chars = min_chars
        self._pending: list[pl.DataFrame] = []
        self._n_pending = 0

    def write(self, texts: pl.Series, first_doc: int) -> None:
        rows = paragraph_rows(texts, first_doc, self._min_chars)
        self._pending.append(rows)
        self._n_pending += rows.height
        if self._n_pending >= RUN_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is held as a run."""
        if self._n_pending:
            run = pl.concat(self._pending).sort("key", "doc", "start").to_arrow().cast(PARAGRAPH_SCHEMA)
            self._writer.write_table(run, row_group_size=GROUP_ROWS)
        self._pending, self._n_pending = [], 0
