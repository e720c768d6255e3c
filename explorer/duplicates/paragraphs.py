"""The paragraphs of a part: a row for each time that one occurs, sorted by key.

A paragraph is a piece between line feeds that holds more than White_Space (the Dolma toolkit's), its bytes as they
stand: not trimmed, a carriage return included. Its key is a hash, so what two documents share is found without text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.textcount import _white_space as white_space
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

_STEP_BYTES = 1 << 21  # of text at a time, so that no text needs more memory than this
_PIECE_BYTES = 1 << 16  # stays in the cache, and too small for the allocator to map anew each time
_NEWLINE = 0x0A
_LAST_CONTINUATION = -65  # 0xBF as a signed byte


@dataclass(frozen=True)
class Paragraphs:
    """Columns of `PARAGRAPH_SCHEMA` (arrays of length n_paragraphs)."""

    key: npt.NDArray[np.uint64]
    doc: npt.NDArray[np.int32]
    start: Ints
    n_bytes: npt.NDArray[np.int32]
    n_chars: npt.NDArray[np.int32]
    n_words: npt.NDArray[np.int32]


def find_paragraphs(data: Bytes, offsets: Ints, first_doc: int, min_chars: int) -> Iterator[Paragraphs]:
    """The paragraphs of texts laid end to end, in order, some megabytes of text at a time.

    Text i is document `first_doc + i`, the UTF-8 in `data[offsets[i]:offsets[i + 1]]` (n_texts + 1 offsets).
    Paragraphs of fewer than `min_chars` characters are left out.
    """
    bounds, texts = stretches_of(data, offsets, _STEP_BYTES, _line_after)
    steps = np.searchsorted(bounds[:-1], np.arange(offsets[0], offsets[-1], _STEP_BYTES))
    steps = np.unique(np.concatenate([[0], steps, [len(texts)]]))
    origins = np.zeros(len(offsets) - 1, dtype=np.int64)  # of each text: characters before it
    n_chars_before = 0
    for low, high in pairwise(steps.tolist()):
        begin, end = int(bounds[low]), int(bounds[high])
        step = data[begin:end]
        stretches = bounds[low : high + 1] - begin
        newlines = _newlines(step)
        starts = np.sort(np.concatenate([stretches[:-1], newlines + 1]), kind="stable")
        ends = np.sort(np.concatenate([newlines, stretches[1:]]), kind="stable")
        first_lines = np.arange(high - low) + np.searchsorted(newlines, stretches[:-1])
        owners = np.repeat(texts[low:high], np.diff(first_lines, append=len(starts)))
        n_words, n_more = _count_lines(step, stretches, starts)
        chars = starts - (np.cumsum(n_more) - n_more) + n_chars_before  # before each line
        is_first = np.diff(texts[low:high], prepend=texts[low - 1] if low else -1) > 0
        origins[texts[low:high][is_first]] = chars[first_lines[is_first]]
        n_chars_before += len(step) - int(n_more.sum())
        n_chars = ends - starts - n_more
        kept = np.flatnonzero((n_words > 0) & (n_chars >= min_chars))
        owners = owners[kept]
        yield Paragraphs(
            key=hash_pieces(step, starts[kept], ends[kept]),
            doc=(owners + first_doc).astype(np.int32),
            start=chars[kept] - origins[owners],
            n_bytes=(ends - starts)[kept].astype(np.int32),
            n_chars=n_chars[kept].astype(np.int32),
            n_words=n_words[kept].astype(np.int32),
        )


def stretches_of(
    data: Bytes, offsets: Ints, step_bytes: int, find_cut: Callable[[Bytes, int, int], int]
) -> tuple[Ints, Ints]:
    """Bounds (n_stretches + 1) of whole texts, or of pieces of a long one; and the text of each (n_stretches).

    A text of more than `step_bytes` is cut at the first place after so many where it may be: `find_cut(data, position,
    end)` finds that, or `end`.
    """
    n_cuts = np.zeros(len(offsets) - 1, dtype=np.int64)
    cuts = []
    for text in np.flatnonzero(np.diff(offsets) > step_bytes).tolist():
        end = int(offsets[text + 1])
        at = find_cut(data, int(offsets[text]) + step_bytes, end)
        while at < end:
            cuts.append(at)
            n_cuts[text] += 1
            at = find_cut(data, at + step_bytes, end)
    bounds = np.sort(np.concatenate([offsets, np.array(cuts, dtype=np.int64)]), kind="stable")
    return bounds, np.repeat(np.arange(len(n_cuts)), n_cuts + 1)


def _line_after(data: Bytes, position: int, end: int) -> int:
    """The first start of a line after a position, or `end`."""
    for low in range(position, end, _PIECE_BYTES):
        found = np.flatnonzero(data[low : min(low + _PIECE_BYTES, end)] == _NEWLINE)
        if len(found):
            return low + int(found[0]) + 1
    return end


def _newlines(data: Bytes) -> Ints:
    pieces = range(0, len(data), _PIECE_BYTES)
    found = [np.flatnonzero(data[low : low + _PIECE_BYTES] == _NEWLINE) + low for low in pieces]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _count_lines(data: Bytes, stretches: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """Of lines laid end to end, each with its newline: words, and bytes that do not begin a character."""
    words = np.zeros(len(starts) + 1, dtype=np.int64)  # before each line, and in all
    more = np.zeros(len(starts) + 1, dtype=np.int64)
    n_words = n_more = line = 0
    ends_in_space = True
    begin = 0
    while begin < len(data):
        end = whole_chars(data, min(begin + _PIECE_BYTES, len(data)))
        piece = data[begin:end]
        is_space = white_space(piece)
        begins = ~is_space
        begins[1:] &= is_space[:-1]
        begins[0] &= ends_in_space
        # the first byte of a text begins a word even where the text before it ended without a space
        heads = stretches[np.searchsorted(stretches, begin) : np.searchsorted(stretches, end)] - begin
        begins[heads] = ~is_space[heads]
        next_line = int(np.searchsorted(starts, end))
        places = starts[line:next_line] - begin
        totals = _running_total(begins)
        words[line:next_line] = totals[places] + n_words
        n_words += int(totals[-1])
        signed = piece.view(np.int8)
        if signed.min() < 0:
            totals = _running_total(signed <= _LAST_CONTINUATION)
            more[line:next_line] = totals[places] + n_more
            n_more += int(totals[-1])
        else:
            more[line:next_line] = n_more
        line, begin, ends_in_space = next_line, end, bool(is_space[-1])
    words[line:], more[line:] = n_words, n_more
    return np.diff(words), np.diff(more)


def whole_chars(data: Bytes, position: int) -> int:
    """The last place up to a position that is not within a character."""
    while position < len(data) and data[position] & 0xC0 == 0x80:
        position -= 1
    return position


def _running_total(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """How many are set before each, and in all (n_flags + 1)."""
    totals = np.zeros(len(flags) + 1, dtype=np.int32)
    np.cumsum(flags, dtype=np.int32, out=totals[1:])
    return totals


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

    def __init__(self, stack: ExitStack, target: Path, min_chars: int) -> None:
        temporary = stack.enter_context(replacing(target))
        self._writer = stack.enter_context(
            pq.ParquetWriter(
                temporary, PARAGRAPH_SCHEMA, compression="none", use_dictionary=False, column_encoding=_ENCODING
            )
        )
        self._min_chars = min_chars
        self._rows = {field.name: np.empty(RUN_ROWS, field.type.to_pandas_dtype()) for field in PARAGRAPH_SCHEMA}
        self._n_rows = 0

    def write(self, data: Bytes, offsets: Ints, first_doc: int) -> None:
        """Take the paragraphs of a batch of texts, which must be later documents than those before."""
        for found in find_paragraphs(data, offsets, first_doc, self._min_chars):
            taken = 0
            while taken < len(found.key):
                n = min(RUN_ROWS - self._n_rows, len(found.key) - taken)
                for name, column in self._rows.items():
                    column[self._n_rows : self._n_rows + n] = getattr(found, name)[taken : taken + n]
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
    # Sorting numbers is several times as fast as sorting their places, so each carries its place in its lower bits.
    n_bits = np.uint64(len(keys).bit_length())
    packed = (keys >> n_bits << n_bits) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    order = (packed & ((np.uint64(1) << n_bits) - np.uint64(1))).astype(np.int64)
    found = keys[order]
    # two keys may differ in the lower bits alone: about once in 60 runs of a million
    return order if np.all(found[:-1] <= found[1:]) else np.argsort(keys, kind="stable")
