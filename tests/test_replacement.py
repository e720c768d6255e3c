"""Span replacement without the toolkit: the lengths against the texts, the segments against their definition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import UsageError
from explorer.impact.replacement import Spans, covered_segments, n_chars_after, replaced, rewritten

Row = tuple[int, int, int, int]  # document, start, end, rule
REPLACEMENTS = ["", "_", "<{}>", "{}{}{", " |||é||| ", "{}"]
TEXTS = st.text(st.sampled_from("ab é\n\u2003😀{}"), max_size=12)


def spans_of(rows: Sequence[Row]) -> Spans:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Spans(*columns)


def in_order(rows: Sequence[Row], doc: int) -> list[tuple[int, int, str]]:
    return [(start, end, REPLACEMENTS[rule]) for d, start, end, rule in rows if d == doc]


def offsets(low: int, high: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(low, high), st.sampled_from([low, high, 2**53]))


@st.composite
def corpora(draw: st.DrawFn, regular: bool = False) -> tuple[list[str], list[Row]]:
    """Texts and spans of them, in order of rules as the mixer has them; the `regular` have characters."""
    texts = draw(st.lists(TEXTS, min_size=1, max_size=6))
    rows = []
    for doc, rule in draw(st.lists(st.tuples(st.integers(0, len(texts) - 1), st.integers(0, 5)), max_size=24)):
        n = len(texts[doc])
        if regular and not n:
            continue
        start = draw(st.integers(0, n - 1) if regular else offsets(-2, n + 2))
        rows.append((doc, start, draw(st.integers(start + 1, n + 3) if regular else offsets(-2, n + 3)), rule))
    return texts, sorted(rows, key=lambda row: row[3])


@settings(max_examples=400, deadline=None)
@given(st.one_of(corpora(), corpora(regular=True)))
def test_the_length_after_needs_no_text(corpus: tuple[list[str], list[Row]]) -> None:
    texts, rows = corpus
    n_chars = np.array([len(text) for text in texts])
    found = n_chars_after(n_chars, spans_of(rows), REPLACEMENTS)
    assert found.tolist() == [len(replaced(text, in_order(rows, doc))) for doc, text in enumerate(texts)]
    assert n_chars.tolist() == [len(text) for text in texts]  # the input is left alone


@pytest.mark.parametrize("seed", range(5))
def test_the_length_after_of_many_spans_that_overlap(seed: int) -> None:
    random = np.random.default_rng(seed)
    n_chars = random.integers(0, 400, 300)
    docs = random.integers(0, 300, 6000)
    starts = random.integers(0, 400, 6000)
    ends = starts + random.integers(1, 60, 6000)
    inside = starts < n_chars[docs]
    if seed:  # else with those that begin after their text
        docs, starts, ends = docs[inside], starts[inside], ends[inside]
    rules = np.sort(random.integers(0, 6, len(docs)))
    spans = Spans(docs, starts, ends, rules)
    rows = list(zip(docs.tolist(), starts.tolist(), ends.tolist(), rules.tolist(), strict=True))
    expected = [len(replaced("x" * int(n), in_order(rows, doc))) for doc, n in enumerate(n_chars)]
    assert n_chars_after(n_chars, spans, REPLACEMENTS).tolist() == expected


def test_no_spans_change_nothing() -> None:
    n_chars = np.array([3, 0, 7])
    assert n_chars_after(n_chars, spans_of([]), []).tolist() == [3, 0, 7]
    assert covered_segments(n_chars, spans_of([]), 0).n_chars.tolist() == []
    assert replaced("abc", []) == "abc"


def test_negative_offsets_on_which_the_mixer_loses_the_shard_count_as_0() -> None:
    assert replaced("abcdef", [(-1, 3, "_")]) == "_def"


@settings(max_examples=400, deadline=None)
@given(corpora())
def test_segments_are_those_of_the_definition(corpus: tuple[list[str], list[Row]]) -> None:
    texts, rows = corpus
    n_chars = np.array([len(text) for text in texts])
    found = covered_segments(n_chars, spans_of(rows), len(REPLACEMENTS))
    expected = []
    for doc, text in enumerate(texts):
        runs: list[list[int]] = []  # mask, characters
        for place in range(len(text)):
            covering = {rule for d, start, end, rule in rows if d == doc and start <= place < end}
            mask = sum(1 << rule for rule in covering)
            if runs and runs[-1][0] == mask:
                runs[-1][1] += 1
            else:
                runs.append([mask, 1])
        expected += [(doc, mask, n) for mask, n in runs if mask]
    rows_found = list(zip(found.docs.tolist(), found.masks.tolist(), found.n_chars.tolist(), strict=True))
    assert rows_found == expected


def test_sixty_four_rules_have_a_bit_each_and_more_are_refused() -> None:
    rows = [(0, rule, 64, rule) for rule in range(64)]
    found = covered_segments(np.array([64]), spans_of(rows), 64)
    assert found.masks.tolist() == [2 ** (n + 1) - 1 for n in range(64)]
    with pytest.raises(UsageError, match="65 span rules"):
        covered_segments(np.array([64]), spans_of(rows), 65)


def test_characters_taken_by_hand() -> None:
    # 0123456789: rule 0 takes 0-5, rule 1 takes 3-8 in two spans that overlap, of the others all in spans that touch
    rows = [(2, 0, 3, 0), (0, 0, 5, 0), (2, 3, 5, 0), (0, 3, 7, 1), (0, 5, 8, 1), (1, 0, 66, 1)]
    found = covered_segments(np.array([10, 2, 5]), spans_of(rows), 2)
    assert found.docs.tolist() == [0, 0, 0, 1, 2]
    assert found.masks.tolist() == [1, 3, 2, 2, 1]
    assert found.n_chars.tolist() == [3, 2, 3, 2, 5]


@settings(max_examples=100, deadline=None)
@given(corpora())
def test_rewritten_texts_are_measured_by_the_usual_definitions(corpus: tuple[list[str], list[Row]]) -> None:
    texts, rows = corpus
    frame = pl.DataFrame({"doc": list(range(len(texts))), "text": texts}, schema={"doc": pl.Int32, "text": pl.String})
    found = rewritten(frame.reverse(), spans_of(rows), REPLACEMENTS, count=lambda batch: [len(t) * 2 for t in batch])
    expected = []
    for doc, text in reversed(list(enumerate(texts))):
        after = replaced(text, in_order(rows, doc))
        n_trimmed = len(after.strip().encode())
        expected.append((doc, len(after), len(after.encode()), n_trimmed, len(after.split()), 2 * len(after)))
    assert found.rows() == expected
    assert found.columns == [
        "doc", "n_chars_after", "n_bytes_after", "n_bytes_trimmed_after", "n_words_after", "n_tokens_after",
    ]  # fmt: skip


def test_trimming_is_that_of_unicode_white_space() -> None:
    frame = pl.DataFrame({"doc": [7], "text": ["xx\u00a0 a\u200bb\u0085\x1c"]})
    found = rewritten(frame, spans_of([(7, 0, 2, 0), (8, 0, 9, 0)]), [""])
    assert found.rows() == [(7, 7, 11, 8, 2)]  # U+200B and U+001C are no white space; the latter is a word
    assert found.columns[-1] == "n_words_after"
