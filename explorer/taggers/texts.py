"""Texts laid end to end, and what taggers need of them: words, lines and places in characters, each found once.

Words are those of Python's `str.split` (so U+001C to U+001F separate them too, which `explorer.units` does not say of
the corpus' word counts): the toolkit's taggers, RedPajama's and DataTrove's are defined by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from explorer.taggers.arrays import (
    M1,
    M2,
    M3,
    MASKS,
    Bools,
    Bytes,
    Hashes,
    Ints,
    code_points,
    eight_bytes,
    flags_before,
    totals_between,
)
from explorer.textcount import white_space

STEP_BYTES = 3 << 19  # of text at a time: its arrays stay near the processor, and calls are few
PADDING = 16  # bytes behind the texts, so that eight can be read at any place
_PIECE_BYTES = 1 << 16  # stays in the cache
ELLIPSIS = "\u2026"
_NEWLINE, _DOT = b"\n."
_LAST_CONTINUATION = -65  # 0xBF as a signed byte
_SPARSE = 0.05  # share of bytes within characters, up to which they are looked up rather than summed
_LOADED_BYTES = 128  # of a piece; longer ones are few


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

    def only(self, kept: Ints) -> Pieces:
        """Some of them (numbers, ascending)."""
        return Pieces(self.begin[kept], self.end[kept], self.text[kept], np.searchsorted(kept, self.bounds))


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
        self.data: Bytes = np.zeros(self.n_bytes + PADDING, dtype=np.uint8)
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
        return flags_before(self.data.view(np.int8) <= _LAST_CONTINUATION)

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

    def owners(self, places: Ints) -> Ints:
        """The texts that some bytes belong to (their places)."""
        found: Ints = np.searchsorted(self.offsets, places, side="right") - 1
        return found

    def count(self, places: Ints) -> Ints:
        """How many of some places (ascending) lie in each text (n_texts)."""
        return np.diff(np.searchsorted(places, self.offsets))

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
        """The pieces between white space, as `str.split` finds them."""
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
        """Where a character of two or more bytes stands (its first bytes, ascending)."""
        pattern = character.encode()
        found: Ints = self.continuations[self.data[self.continuations] == pattern[1]] - 1
        for i, byte in enumerate(pattern):
            found = found[self.data[found + i] == byte]
        return found

    def load(self, places: Ints) -> Hashes:
        """The eight bytes from each place on, as a little-endian number."""
        return eight_bytes(self.data, places)

    def keys_of(self, begin: Ints, end: Ints) -> Hashes:
        """64-bit hashes of pieces."""
        return self._keys(begin, end, self._heads(begin, end))

    def _heads(self, begin: Ints, end: Ints) -> Hashes:
        found: Hashes = self.load(begin) & MASKS[np.minimum(end - begin, 8)]
        return found

    def _keys(self, begin: Ints, end: Ints, heads: Hashes) -> Hashes:
        n_bytes = end - begin
        keys = heads * M1
        keys ^= keys >> np.uint64(32)
        keys += n_bytes.view(np.uint64)
        rest = np.flatnonzero(n_bytes > 8)
        keys[rest] += self.load(end[rest] - 8) * M2
        at = 8
        rest = rest[n_bytes[rest] > 16]
        long = rest[n_bytes[rest] > _LOADED_BYTES]
        rest = rest[n_bytes[rest] <= _LOADED_BYTES]
        while len(rest):
            mixed = (keys[rest] ^ self.load(begin[rest] + at)) * M1
            keys[rest] = mixed ^ (mixed >> np.uint64(31))
            at += 8
            rest = rest[n_bytes[rest] > at + 8]
        for i in long.tolist():
            digest = hashlib.blake2b(self.data[begin[i] : end[i]].tobytes(), digest_size=8).digest()
            keys[i] = int.from_bytes(digest, "little")
        keys *= M3
        keys ^= keys >> np.uint64(29)
        return keys

    def bytes_of(self, begin: Ints, end: Ints) -> Bytes:
        """The bytes of some pieces, laid end to end."""
        n_bytes = end - begin
        starts = np.cumsum(n_bytes) - n_bytes
        return self.data[np.repeat(begin - starts, n_bytes) + np.arange(int(n_bytes.sum()))]

    def any_char(self, begin: Ints, end: Ints, members: Bools) -> Bools:
        """Whether any character of each of some pieces (none is empty) is in a class of code points (`class_of`)."""
        points = code_points(self.bytes_of(begin, end))
        n_chars = self.chars_between(begin, end)
        found: Bools = np.logical_or.reduceat(members[points], np.cumsum(n_chars) - n_chars)
        return found

    def decode(self, begin: int, end: int) -> str:
        """The text of a piece."""
        return self.data[begin:end].tobytes().decode()


def texts_of(frame: pl.DataFrame, step_bytes: int = STEP_BYTES) -> Iterator[Texts]:
    """The documents of a frame, about `step_bytes` of text at a time; a longer text stands alone."""
    sizes = frame["text"].str.len_bytes().to_numpy()
    ends = np.cumsum(sizes)
    first = 0
    while first < frame.height:
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + step_bytes, side="right")))
        yield Texts(frame.slice(first, last - first))
        first = last


def n_ellipses(texts: Texts) -> Ints:
    """Of each text, the ellipses (U+2026) and the three dots in a row, each dot taken once (n_texts)."""
    dots = np.flatnonzero(texts.data[: texts.n_bytes] == _DOT)
    firsts = np.flatnonzero(np.diff(dots, prepend=-2) > 1)
    n_threes = np.diff(firsts, append=len(dots)) // 3  # of each run of dots
    found = totals_between(n_threes, np.searchsorted(dots[firsts], texts.offsets))
    return found + texts.count(texts.places_of(ELLIPSIS))


@lru_cache
def word_keys(words: tuple[str, ...]) -> Hashes:
    """The keys that some words have in `Texts.word_keys`, in order."""
    return Texts(pl.DataFrame({"text": words}, schema={"text": pl.String})).word_keys
