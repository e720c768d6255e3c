"""Spans: the vectorised summary against the definition written out in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.spans import summarise

Span = tuple[float, float, float]


def summary(lists: list[list[Span]], lengths: list[int]) -> list[tuple[int, float | None, float | None, int, int]]:
    """`summarise` for lists of spans as rows (n, first, maximum, n_chars, n_outside)."""
    flat = np.array([span for spans in lists for span in spans], dtype=np.float64).reshape(-1, 3)
    counts = np.array([len(spans) for spans in lists], dtype=np.int64)
    found = summarise(counts, flat[:, 0], flat[:, 1], flat[:, 2], np.array(lengths, dtype=np.int64))
    rows = zip(found.n, found.first, found.maximum, found.n_chars, found.n_outside, strict=True)
    return [
        (int(n), None if math.isnan(first) else float(first), None if math.isnan(top) else float(top), int(c), int(o))
        for n, first, top, c, o in rows
    ]


def expected(spans: list[Span], length: int) -> tuple[int, float | None, float | None, int, int]:
    """The same by definition: the union as a set of characters."""
    covered: set[int] = set()
    n_outside = 0
    for start, end, _ in spans:
        if start < 0 or end > length or end < start or start != int(start) or end != int(end):
            n_outside += 1
        covered |= set(range(int(min(max(start, 0), length)), int(min(max(end, 0), length))))
    scores = [score for _, _, score in spans]
    return len(spans), scores[0] if scores else None, max(scores) if scores else None, len(covered), n_outside


offsets = st.one_of(st.integers(-5, 25), st.sampled_from([0.5, 3.25, 7.75, -1e300, 1e300, 2.0**53]))
spans_of_one = st.lists(st.tuples(offsets, offsets, st.sampled_from([-1.0, 0.0, 0.5, 1.0])), max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(spans_of_one, st.integers(0, 20)), max_size=8))
def test_summaries_are_those_of_the_definition(cases: list[tuple[list[Span], int]]) -> None:
    found = summary([spans for spans, _ in cases], [length for _, length in cases])
    assert found == [expected(spans, length) for spans, length in cases]


@pytest.mark.parametrize(
    ("spans", "n_chars", "n_outside"),
    [
        ([], 0, 0),
        ([(0, 10, 1.0)], 10, 0),
        ([(0, 4, 1.0), (2, 6, 0.5), (8, 9, 0.1)], 7, 0),  # overlap counts once
        ([(2, 6, 1.0), (2, 6, 1.0)], 4, 0),
        ([(0, 66, 1.0)], 10, 1),  # a byte length, as the toolkit's deduper writes it
        ([(-3, 4, 1.0)], 4, 1),
        ([(20, 30, 1.0)], 0, 1),
        ([(8, 2, 1.0)], 0, 1),  # reversed
        ([(1.5, 3.5, 1.0)], 2, 1),  # cut to whole characters
        ([(math.nan, 5, 1.0)], 5, 1),
        ([(0, math.inf, 1.0)], 10, 1),
        ([(5, 5, 1.0)], 0, 0),  # empty, and within the text
    ],
)
def test_spans_that_leave_the_text_are_clipped_and_counted(spans: list[Span], n_chars: int, n_outside: int) -> None:
    ((_, _, _, found, outside),) = summary([spans], [10])
    assert (found, outside) == (n_chars, n_outside)


def test_a_score_that_is_no_number_hides_no_other() -> None:
    assert summary([[(0, 1, math.nan), (1, 2, 0.5)]], [10])[0][1:3] == (None, 0.5)
