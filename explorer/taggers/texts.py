"""Texts laid end to end, and what taggers need of them: words, lines and places in characters, each found once.

Words are those of Python's `str.split` (so U+001C to U+001F separate them too, which `explorer.units` does not say of
the corpus' word counts): the toolkit's taggers, RedPajama's and DataTrove's are defined by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from explorer.textcount import white_space

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

STEP_BYTES = 3 << 19  # of text at a time: its arrays stay near the processor, and calls are few
_PADDING = 16  # bytes behind the texts, so that eight can be read at any place
_PIECE_BYTES = 1 << 16  # stays in the cache
_NEWLINE = 0x0A
_LAST_CONTINUATION = -65  # 0xBF as a signed byte
_SPARSE = 0.05  # share of bytes within characters, up to which they are looked up rather than summed
_LOADED_BYTES = 128  # of a piece; longer ones are few
MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)  # of the first n of eight bytes
_M1, _M2, _M3 = (np.uint64(m) for m in (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9))  # odd


@dataclass(frozen=True)
class Pieces:
    """Words or lines of all texts, in order (arrays of length n_pieces): bytes `data[begin:end]` of text `text`."""

    begin: Ints
    end: Ints
    text: Ints
    bounds: Ints  # (n_texts + 1) number of each text's first

    @property
    def counts(self) -> Ints:
        """How many each text has (n_texts)."""
        return np.diff(self.bounds)


class Texts:
    """Some documents: their frame (`id`, `source`, `text`, `url`, `metadata`) and the bytes of their texts.

    Text i is the UTF-8 in `data[offsets[i]:ends[i]]`; a newline that is not its own follows each, and some bytes more
    follow all.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.memo: dict[str, Any] = {}  # what several taggers compute from it, by name
        joined = (frame["text"] + "\n").to_arrow().cast(pa.large_string())
        buffers = joined.buffers()
        self.offsets: Ints = np.frombuffer(buffers[1], dtype=np.int64)[joined.offset : joined.offset + len(joined) + 1]
        first, last = int(self.offsets[0]), int(self.offsets[-1])
        self.offsets = self.offsets - first
        self.n_bytes = last - first
        self.data: Bytes = np.zeros(self.n_bytes + _PADDING, dtype=np.uint8)
        if last > first:
            self.data[: self.n_bytes] = np.frombuffer(buffers[2], dtype=np.uint8)[first:last]

    @property
    def n_texts(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def strings(self) -> list[str]:
        return self.frame["text"].to_list()

    @cached_property
    def ends(self) -> Ints:
        """Past the last byte of each text (n_texts)."""
        return self.offsets[1:] - 1

    @cached_property
    def is_ascii(self) -> bool:
        return not len(self.data) or bool(self.data.view(np.int8).min() >= 0)

    @cached_property
    def continuations(self) -> Ints:
        """The bytes that do not begin a character (their places)."""
        if self.is_ascii:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.data[: self.n_bytes].view(np.int8) <= _LAST_CONTINUATION)

    @cached_property
    def _n_continuations(self) -> npt.NDArray[np.int32]:
        """How many of them come before each place."""
        return running_total(self.data.view(np.int8) <= _LAST_CONTINUATION)

    def chars_between(self, begin: Ints, end: Ints) -> Ints:
        """Characters between places (in bytes) that begin characters."""
        n_bytes = end - begin
        if not len(self.continuations):
            return n_bytes
        if len(self.continuations) > _SPARSE * self.n_bytes:
            return n_bytes - (self._n_continuations[end] - self._n_continuations[begin])
        return n_bytes - (np.searchsorted(self.continuations, end) - np.searchsorted(self.continuations, begin))

    @cached_property
    def n_chars(self) -> Ints:
        """Characters of each text (n_texts)."""
        return self.chars_between(self.offsets[:-1], self.ends)

    def char_of(self, places: Ints, texts: Ints) -> Ints:
        """Places (in bytes) as characters of their own texts."""
        return self.chars_between(self.offsets[texts], places)

    @cached_property
    def is_space(self) -> Bools:
        """Which bytes belong to what `str.split` takes for white space."""
        found = np.empty(self.n_bytes, dtype=bool)
        for low in range(0, self.n_bytes, _PIECE_BYTES):
            # characters of several bytes may lie across the border of two pieces
            first, last = max(0, low - 2), min(low + _PIECE_BYTES + 2, self.n_bytes)
            piece = self.data[first:last]
            spaces = white_space(piece)
            spaces |= piece - np.uint8(0x1C) <= 0x1F - 0x1C
            high = min(low + _PIECE_BYTES, self.n_bytes)
            found[low:high] = spaces[low - first : high - first]
        return found

    @cached_property
    def words(self) -> Pieces:
        edges = np.flatnonzero(self.is_space[1:] != self.is_space[:-1]) + 1
        if self.n_bytes and not self.is_space[0]:
            edges = np.concatenate([[0], edges])
        begin, end = edges[::2], edges[1::2]  # a newline follows the last text, so that every word ends
        bounds = np.searchsorted(begin, self.offsets)
        return Pieces(begin, end, np.repeat(np.arange(self.n_texts), np.diff(bounds)), bounds)

    @cached_property
    def word_chars(self) -> Ints:
        """Characters of each word (n_words)."""
        words, inner = self.words, self.continuations
        if not len(inner) or len(inner) > _SPARSE * self.n_bytes:
            return self.chars_between(words.begin, words.end)
        inner = inner[~self.is_space[inner]]
        owners = np.searchsorted(words.begin, inner, side="right") - 1
        return words.end - words.begin - np.bincount(owners, minlength=len(words.begin))

    @cached_property
    def word_heads(self) -> Hashes:
        """The first eight bytes of each word, shorter ones filled with zeros (n_words)."""
        return self._heads(self.words.begin, self.words.end)

    @cached_property
    def word_keys(self) -> Hashes:
        """64-bit hashes of the words (n_words)."""
        return self._keys(self.words.begin, self.words.end, self.word_heads)

    @cached_property
    def lines(self) -> Pieces:
        """The pieces between line feeds, empty ones too; an empty text is one empty line."""
        newlines = np.flatnonzero(self.data[: self.n_bytes] == _NEWLINE)
        bounds = np.searchsorted(newlines, self.offsets)
        begin = np.concatenate([np.zeros(min(1, len(newlines)), dtype=np.int64), newlines[:-1] + 1])
        return Pieces(begin, newlines, np.repeat(np.arange(self.n_texts), np.diff(bounds)), bounds)

    def places_of(self, character: str) -> Ints:
        """Where a character of two or more bytes stands (its first bytes)."""
        pattern = character.encode()
        leads = self.continuations[self.data[self.continuations] == pattern[1]] - 1
        for i, byte in enumerate(pattern):
            leads = leads[self.data[leads + i] == byte]
        found: Ints = leads
        return found

    def load(self, places: Ints) -> Hashes:
        """The eight bytes from each place on, as a little-endian number."""
        view: Hashes = np.ndarray((len(self.data) - 7,), dtype="<u8", buffer=self.data, strides=(1,))
        found: Hashes = view[places]
        return found

    def keys_of(self, begin: Ints, end: Ints) -> Hashes:
        """64-bit hashes of pieces."""
        return self._keys(begin, end, self._heads(begin, end))

    def _heads(self, begin: Ints, end: Ints) -> Hashes:
        found: Hashes = self.load(begin) & MASKS[np.minimum(end - begin, 8)]
        return found

    def _keys(self, begin: Ints, end: Ints, heads: Hashes) -> Hashes:
        n_bytes = end - begin
        keys = heads * _M1
        keys ^= keys >> np.uint64(32)
        keys += n_bytes.view(np.uint64)
        rest = np.flatnonzero(n_bytes > 8)
        keys[rest] += self.load(end[rest] - 8) * _M2
        at = 8
        rest = rest[n_bytes[rest] > 16]
        long = rest[n_bytes[rest] > _LOADED_BYTES]
        rest = rest[n_bytes[rest] <= _LOADED_BYTES]
        while len(rest):
            mixed = (keys[rest] ^ self.load(begin[rest] + at)) * _M1
            keys[rest] = mixed ^ (mixed >> np.uint64(31))
            at += 8
            rest = rest[n_bytes[rest] > at + 8]
        for i in long.tolist():
            digest = hashlib.blake2b(self.data[begin[i] : end[i]].tobytes(), digest_size=8).digest()
            keys[i] = int.from_bytes(digest, "little")
        keys *= _M3
        keys ^= keys >> np.uint64(29)
        return keys

    def bytes_of(self, begin: Ints, end: Ints) -> Bytes:
        """The bytes of some pieces, laid end to end."""
        n_bytes = end - begin
        starts = np.cumsum(n_bytes) - n_bytes
        return self.data[np.repeat(begin - starts, n_bytes) + np.arange(int(n_bytes.sum()))]

    def any_char(self, begin: Ints, end: Ints, members: Bools) -> Bools:
        """Whether any character of each of some pieces (none is empty) is in a class of code points (`class_of`)."""
        points = np.frombuffer(self.bytes_of(begin, end).tobytes().decode().encode("utf-32-le"), dtype=np.uint32)
        n_chars = self.chars_between(begin, end)
        found: Bools = np.logical_or.reduceat(members[points], np.cumsum(n_chars) - n_chars)
        return found

    def decode(self, begin: int, end: int) -> str:
        return self.data[begin:end].tobytes().decode()


def pieces_of(frame: pl.DataFrame, step_bytes: int = STEP_BYTES) -> Iterator[Texts]:
    """The documents of a frame, about `step_bytes` of text at a time; a longer text stands alone."""
    sizes = frame["text"].str.len_bytes().to_numpy()
    ends = np.cumsum(sizes)
    first = 0
    while first < frame.height:
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + step_bytes, side="right")))
        yield Texts(frame.slice(first, last - first))
        first = last


def running_total(flags: Bools) -> npt.NDArray[np.int32]:
    """How many are set before each, and in all (n_flags + 1)."""
    totals = np.zeros(len(flags) + 1, dtype=np.int32)
    np.cumsum(flags, dtype=np.int32, out=totals[1:])
    return totals


def totals_between(values: Ints | Bools, bounds: Ints) -> Ints:
    """The sums (n_bounds - 1) of `values[bounds[i]:bounds[i + 1]]`, empty ones too."""
    return np.diff(totals_before(values)[bounds])


def totals_before(values: Ints | Bools) -> Ints:
    """The sum of the values before each, and of all (n_values + 1)."""
    totals = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=totals[1:])
    return totals


@lru_cache
def class_of(method: Callable[[str], bool]) -> Bools:
    """Of all code points, which are of a class: `class_of(str.isalpha)` (0x110000)."""
    return np.fromiter((method(chr(point)) for point in range(0x110000)), dtype=bool, count=0x110000)


@lru_cache
def word_keys(words: tuple[str, ...]) -> Hashes:
    """The keys that some words have in `Texts.word_keys`, in order."""
    return Texts(pl.DataFrame({"text": words}, schema={"text": pl.String})).word_keys
