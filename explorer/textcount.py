"""Words, lines and paragraphs of many texts from one look at their bytes.

The definitions are `explorer.units.MEASURES`. One table look-up a byte finds white space; its positions serve all
three counts. About three times as fast as a regex for each (`tests/benchmarks/index_pass.py`), and equal to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_PIECE_BYTES = 1 << 17
_PLAIN, _SPACE, _LEAD = 0, 1, 2
# Unicode White_Space: U+0009 to 000D and 0020 take one byte; 0085 and 00A0 two; 1680, 2000 to 200A, 2028, 2029, 202F,
# 205F and 3000 three.
_CLASS = np.zeros(256, dtype=np.uint8)
_CLASS[[0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20]] = _SPACE
_CLASS[[0xC2, 0xE1, 0xE2, 0xE3]] = _LEAD  # the first byte of all the others
_NEWLINE = 0x0A


@dataclass(frozen=True)
class TextCounts:
    """Per text (arrays of length n_texts)."""

    n_words: Ints
    n_lines: Ints
    n_paragraphs: Ints


def count_texts(data: Bytes, offsets: Ints) -> TextCounts:
    """Count texts laid end to end: text i is the UTF-8 in `data[offsets[i]:offsets[i + 1]]` (n_texts + 1 offsets)."""
    # in pieces that stay in the processor's cache: each look at the bytes is then several times as fast
    cuts = np.unique(np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], _PIECE_BYTES)))
    cuts = np.concatenate([cuts[cuts < len(offsets) - 1], [len(offsets) - 1]])
    pieces = [_count(data, offsets[a : b + 1]) for a, b in pairwise(np.concatenate([[0], cuts]).tolist()) if a < b]
    return TextCounts(*(np.concatenate([p[i] for p in pieces]) if pieces else np.zeros(0, np.int64) for i in range(3)))


def _count(data: Bytes, offsets: Ints) -> tuple[Ints, Ints, Ints]:
    first, last = int(offsets[0]), int(offsets[-1])
    data = data[first:last]
    offsets = offsets - first
    starts, ends = offsets[:-1], offsets[1:]
    is_space = _white_space(data)
    begins = ~is_space
    begins[1:] &= is_space[:-1]
    # the first byte of a text begins a word even where the text before it ended without a space
    heads = starts[starts < ends]
    begins[heads] = ~is_space[heads]
    words = np.flatnonzero(begins)
    newlines = np.flatnonzero(data == _NEWLINE)
    n_newlines = np.searchsorted(newlines, ends) - np.searchsorted(newlines, starts)
    n_words = np.searchsorted(words, ends) - np.searchsorted(words, starts)
    return n_words, np.where(starts < ends, n_newlines + 1, 0), _paragraphs(words, newlines, starts, ends)


def _white_space(data: Bytes) -> npt.NDArray[np.bool_]:
    """Which bytes belong to white space."""
    classes = _CLASS[data]
    is_space: npt.NDArray[np.bool_] = classes == _SPACE
    leads = np.flatnonzero(classes == _LEAD)
    if len(leads):
        # a lead byte is never among the last bytes of valid UTF-8, but slices of a shared buffer may end there
        leads = leads[leads + 1 < len(data)]
        second = data[leads + 1]
        third = data[np.minimum(leads + 2, len(data) - 1)]
        lead = data[leads]
        two = (lead == 0xC2) & ((second == 0x85) | (second == 0xA0))
        general = (
            (lead == 0xE2) & (second == 0x80) & ((third <= 0x8A) | (third == 0xA8) | (third == 0xA9) | (third == 0xAF))
        )
        mathematical = (lead == 0xE2) & (second == 0x81) & (third == 0x9F)
        ogham = (lead == 0xE1) & (second == 0x9A) & (third == 0x80)
        ideographic = (lead == 0xE3) & (second == 0x80) & (third == 0x80)
        three = general | mathematical | ogham | ideographic
        wide = leads[two | three]
        is_space[wide] = True
        is_space[wide + 1] = True
        is_space[leads[three] + 2] = True
    return is_space


def _paragraphs(words: Ints, newlines: Ints, starts: Ints, ends: Ints) -> Ints:
    """Lines in which a word begins. A line begins at its text's start or after a line feed."""
    bounds = np.sort(np.concatenate([starts, newlines + 1, ends[-1:]]), kind="stable")
    filled = np.diff(np.searchsorted(words, bounds)) > 0
    total = np.concatenate([[0], np.cumsum(filled)])
    counted: Ints = total[np.searchsorted(bounds, ends)] - total[np.searchsorted(bounds, starts)]
    return counted
