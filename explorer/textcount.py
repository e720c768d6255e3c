"""Lines, words and paragraphs of many texts from one look at their bytes.

The definitions are `explorer.units.MEASURES`. White space gives the words line by line, and lines give the paragraphs.
Several times as fast as a regex for each (`tests/benchmarks/index_pass.py`), and equal to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_STEP_BYTES = 1 << 21  # of text at a time, so that no text needs more memory than this
_PIECE_BYTES = 1 << 16  # stays in the cache, and too small for the allocator to map anew each time
_NEWLINE = 0x0A
_LAST_CONTINUATION = -65  # 0xBF as a signed byte


@dataclass(frozen=True)
class Lines:
    """Lines of texts laid end to end, in order (arrays of length n_lines). Their newlines are not theirs."""

    data: Bytes
    text: Ints  # number of the text
    begin: Ints  # first byte, in `data`
    end: Ints
    start: Ints  # first character, in the text
    n_chars: Ints
    n_words: Ints


@dataclass(frozen=True)
class TextCounts:
    """Per text (arrays of length n_texts)."""

    n_words: Ints
    n_lines: Ints
    n_paragraphs: Ints


def count_texts(data: Bytes, offsets: Ints, take: Callable[[Lines], None] = lambda lines: None) -> TextCounts:
    """Count texts laid end to end: text i is the UTF-8 in `data[offsets[i]:offsets[i + 1]]` (n_texts + 1 offsets).

    `take` gets all their lines on the way, some megabytes of text at a time; an empty text has none.
    """
    counts = TextCounts(*(np.zeros(len(offsets) - 1, dtype=np.int64) for _ in range(3)))
    for lines in _lines(data, offsets):
        if not len(lines.text):
            continue
        first, last = int(lines.text[0]), int(lines.text[-1]) + 1
        own = lines.text - first
        counts.n_words[first:last] += np.bincount(own, lines.n_words).astype(np.int64)
        counts.n_lines[first:last] += np.bincount(own)
        counts.n_paragraphs[first:last] += np.bincount(own, lines.n_words > 0).astype(np.int64)
        take(lines)
    return counts


def _lines(data: Bytes, offsets: Ints) -> Iterator[Lines]:
    bounds, texts = stretches_of(data, offsets, _STEP_BYTES, _line_after)
    steps = np.searchsorted(bounds[:-1], np.arange(offsets[0], offsets[-1], _STEP_BYTES))
    steps = np.unique(np.concatenate([[0], steps, [len(texts)]]))
    origins = np.zeros(len(offsets) - 1, dtype=np.int64)  # of each text: characters before it
    n_chars_before = 0
    for low, high in pairwise(steps.tolist()):
        first, last = int(bounds[low]), int(bounds[high])
        step = data[first:last]
        stretches = bounds[low : high + 1] - first
        newlines = _newlines(step)
        begins = np.sort(np.concatenate([stretches[:-1], newlines + 1]), kind="stable")
        ends = np.sort(np.concatenate([newlines, stretches[1:]]), kind="stable")
        first_lines = np.arange(high - low) + np.searchsorted(newlines, stretches[:-1])
        owners = np.repeat(texts[low:high], np.diff(first_lines, append=len(begins)))
        n_words, n_more = _count_lines(step, stretches, begins)
        chars = begins - (np.cumsum(n_more) - n_more) + n_chars_before  # before each line
        is_first = np.diff(texts[low:high], prepend=texts[low - 1] if low else -1) > 0
        origins[texts[low:high][is_first]] = chars[first_lines[is_first]]
        n_chars_before += len(step) - int(n_more.sum())
        filled = offsets[owners] < offsets[owners + 1]
        chosen = slice(None) if filled.all() else filled
        yield Lines(
            step,
            owners[chosen],
            begins[chosen],
            ends[chosen],
            (chars - origins[owners])[chosen],
            (ends - begins - n_more)[chosen],
            n_words[chosen],
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


def white_space(data: Bytes) -> npt.NDArray[np.bool_]:
    """Which bytes belong to white space: U+0009 to 000D, 0020, 0085, 00A0, 1680, 2000 to 200A, 2028, 2029, 202F, 205F
    and 3000."""
    # comparisons take many bytes at once: several times as fast as a table of classes
    is_space: npt.NDArray[np.bool_] = data - np.uint8(0x09) <= 0x0D - 0x09
    is_space |= data == 0x20
    if not len(data) or data.view(np.int8).min() >= 0:
        return is_space
    # the first byte of all the others; never among the last bytes of valid UTF-8, but slices may end there
    leads = np.flatnonzero((data == 0xC2) | (data - np.uint8(0xE1) <= 0xE3 - 0xE1))
    leads = leads[leads + 1 < len(data)]
    lead, second = data[leads], data[leads + 1]
    two = leads[(lead == 0xC2) & ((second == 0x85) | (second == 0xA0))]
    is_space[two] = True
    is_space[two + 1] = True
    leads = leads[(lead != 0xC2) & ((second == 0x80) | (second == 0x81) | (second == 0x9A))]
    leads = leads[leads + 2 < len(data)]
    lead, second, third = data[leads], data[leads + 1], data[leads + 2]
    general = (
        (lead == 0xE2) & (second == 0x80) & ((third <= 0x8A) | (third == 0xA8) | (third == 0xA9) | (third == 0xAF))
    )
    mathematical = (lead == 0xE2) & (second == 0x81) & (third == 0x9F)
    ogham = (lead == 0xE1) & (second == 0x9A) & (third == 0x80)
    ideographic = (lead == 0xE3) & (second == 0x80) & (third == 0x80)
    three = leads[general | mathematical | ogham | ideographic]
    for place in range(3):
        is_space[three + place] = True
    return is_space
