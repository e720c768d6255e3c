"""Arithmetic on a document's spans, vectorised: first score, maximum, number, characters covered.

A span is `[start, end, score]`: character offsets, end exclusive (the Dolma toolkit's `Span`). Real files hold
ends past the text (the toolkit's deduper writes byte lengths), so coverage clips to the text and counts the overshoot.
A fractional offset is cut to the whole character below it and one that is no number is taken for 0; both are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """Per list of spans (all arrays of length n_lists); `first` and `maximum` are NaN where a list is empty."""

    n: Ints
    first: Floats
    maximum: Floats
    n_chars: Ints  # characters in the union of the clipped spans
    n_outside: Ints  # spans that leave the text, run backwards or have offsets that are not whole numbers


def summarise(counts: Ints, starts: Floats, ends: Floats, scores: Floats, text_lengths: Ints) -> Summary:
    """Summaries of n_lists lists of spans laid end to end.

    `counts` (n_lists) says how many spans each list has; `starts`, `ends`, `scores` (sum of counts) are the spans;
    `text_lengths` (n_lists) is each list's text in characters.
    """
    n_lists = len(counts)
    owner = np.repeat(np.arange(n_lists), counts)
    filled = counts > 0
    offsets = np.concatenate([[0], np.cumsum(counts)])[:-1]
    first = np.full(n_lists, np.nan)
    maximum = np.full(n_lists, np.nan)
    if len(scores):
        first[filled] = scores[offsets[filled]]
        maximum[filled] = np.fmax.reduceat(scores, offsets[filled])
    length = text_lengths[owner].astype(np.float64)
    is_whole = (np.floor(starts) == starts) & (np.floor(ends) == ends)
    outside = (starts < 0) | (ends > length) | (ends < starts) | ~is_whole
    n_outside = np.bincount(owner[outside], minlength=n_lists).astype(np.int64)
    low, high = (_clipped(offsets, length) for offsets in (starts, ends))
    high = np.maximum(high, low)
    return Summary(counts, first, maximum, _union(owner, low, high, counts), n_outside)


def _clipped(offsets: Floats, length: Floats) -> Ints:
    return np.clip(np.where(np.isnan(offsets), 0, offsets), 0, length).astype(np.int64)


def _union(owner: Ints, low: Ints, high: Ints, counts: Ints) -> Ints:
    """Covered characters per list. Overlaps count once."""
    n_lists = len(counts)
    covered = np.zeros(n_lists, dtype=np.int64)
    single = counts == 1
    lone = single[owner]
    covered[owner[lone]] = (high - low)[lone]
    owner, low, high = owner[~lone], low[~lone], high[~lone]
    if len(owner):
        order = np.lexsort((low, owner))
        owner, low, high = owner[order], low[order], high[order]
        # Shifting each list beyond the one before lets one running maximum serve all lists.
        shift = owner * (int(high.max()) + 1)
        reached = np.maximum.accumulate(high + shift)
        before = np.concatenate([[0], reached[:-1]])
        gain = np.maximum(high + shift - np.maximum(low + shift, before), 0)
        np.add.at(covered, owner, gain)
    return covered
