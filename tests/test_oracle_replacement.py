"""Span replacement against the Dolma toolkit's own mixer.

Each name of a test of a single case says what the toolkit does; where that surprises, its docstring says so.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.impact.replacement import Spans, replaced, rewritten
from tests.oracles.client import Inline, Mixer, Outcome

Span = tuple[int, int, float]
RULES: list[dict[str, Any]] = [
    {"span": "$.attributes.K", "min_score": 0.5, "replacement": "<{}>"},
    {"span": "$.attributes.L", "min_score": 0.25, "max_score": 0.75, "replacement": ""},
    {"span": "$.attributes.pii.email", "max_score": 0.5, "replacement": " |||é||| "},
    {"span": "$.attributes.K", "max_score": 0.5, "replacement": "{}{}{"},
    {"span": ".attributes.L", "syntax": "jq", "min_score": 0.75, "replacement": "_"},
]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
SCORES = st.sampled_from([0, 0.0, 0.25, 0.3, 0.49999, 0.5, 0.74999, 0.75, 1, 1.0, 7])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, list[Span]]]:
    """A text and the spans of each key: every order, overlap and overshoot; one in four has none without characters."""
    text = draw(TEXTS)
    n = len(text)
    is_regular = draw(st.integers(0, 3)) > 0 and n > 0

    def spans() -> list[Span]:
        found = []
        for _ in range(draw(st.integers(0, 5))):
            start = draw(st.integers(0, n - 1 if is_regular else n + 2))
            end = draw(st.integers(start + 1, n + 3) if is_regular else st.integers(0, n + 3))
            found.append((start, end, draw(SCORES)))
        return found

    return text, {"K": spans(), "L": spans(), "email": spans()}


def passed(spans: dict[str, list[Span]]) -> list[tuple[int, int, str]]:
    """The spans that `RULES` take, in the mixer's order."""
    found = []
    for rule in RULES:
        key = rule["span"].rpartition(".")[2]
        low, high = rule.get("min_score", float("-inf")), rule.get("max_score", float("inf"))
        found += [(start, end, rule["replacement"]) for start, end, score in spans[key] if low <= score < high]
    return found


def compare(mixer: Mixer, corpus: Sequence[tuple[str, dict[str, list[Span]]]]) -> None:
    rows = [{"id": str(i), "source": "s", "text": text} for i, (text, _) in enumerate(corpus)]
    attributes = [
        {"id": str(i), "attributes": {"K": spans["K"], "L": spans["L"], "pii": {"email": spans["email"]}}}
        for i, (_, spans) in enumerate(corpus)
    ]
    outcome = mixer.mix_one(Inline(rows, {"span_replacement": RULES}, {"set": attributes}))
    assert outcome.error is None
    assert outcome.texts() == {str(i): replaced(text, passed(spans)) for i, (text, spans) in enumerate(corpus)}


@settings(max_examples=50, deadline=None)
@given(st.lists(documents(), min_size=1, max_size=50))
def test_texts_are_those_of_the_mixer(mixer: Mixer, corpus: list[tuple[str, dict[str, list[Span]]]]) -> None:
    compare(mixer, corpus)


@pytest.mark.parametrize("is_regular", [True, False])
def test_thousands_of_texts_are_those_of_the_mixer(mixer: Mixer, is_regular: bool) -> None:
    draw = random.Random(1)
    corpus = []
    for _ in range(5000):
        text = "".join(draw.choices("ab é\n\u2003😀{}$", k=draw.randint(1, 40)))
        n = len(text)
        keys: dict[str, list[Span]] = {"K": [], "L": [], "email": []}
        for spans in keys.values():
            for _ in range(draw.randint(0, 6)):
                start = draw.randint(0, n - 1 if is_regular else n + 1)
                end = start + draw.randint(1, 12) if is_regular else draw.randint(0, n + 2)
                spans.append((start, end, draw.choice([0, 0.3, 0.5, 0.75, 1])))
        corpus.append((text, keys))
    compare(mixer, corpus)


TEXT = "abcdefghij"
MARK = {"span": "$.attributes.K", "min_score": 0.5, "replacement": "<{}>"}


def mixed(mixer: Mixer, value: Any, rule: dict[str, Any] = MARK, text: str = TEXT, **output: Any) -> Outcome:
    """What the mixer does to one text whose attribute K is `value`; no K where that is `...`."""
    attributes = {} if value is ... else {"K": value}
    rows = [{"id": "a", "attributes": attributes}]
    stream = {"span_replacement": [rule], "output": output}
    return mixer.mix_one(Inline([{"id": "a", "source": "s", "text": text}], stream, {"set": rows}))


def text_after(mixer: Mixer, *spans: tuple[int, int]) -> str | None:
    """The text after marking some spans; the toolkit's and ours are the same."""
    outcome = mixed(mixer, [(start, end, 1.0) for start, end in spans])
    assert outcome.error is None
    assert outcome.texts() == {"a": replaced(TEXT, [(start, end, "<{}>") for start, end in spans])}
    return outcome.texts()["a"]


def test_spans_that_touch_are_both_replaced(mixer: Mixer) -> None:
    assert text_after(mixer, (4, 6), (2, 4)) == "ab<cd><ef>ghij"


def test_of_spans_that_overlap_the_later_is_dropped_and_its_tail_stays(mixer: Mixer) -> None:
    """Surprise: what a rule marked for removal survives where another rule's span reaches into it."""
    assert text_after(mixer, (0, 6), (5, 9)) == "<abcdef>ghij"
    assert text_after(mixer, (0, 8), (2, 4), (6, 10)) == "<abcdefgh>ij"


def test_a_dropped_span_drops_nothing_itself(mixer: Mixer) -> None:
    assert text_after(mixer, (0, 4), (2, 6), (5, 8)) == "<abcd>e<fgh>ij"


def test_of_equal_starts_the_first_counts_and_not_the_longest(mixer: Mixer) -> None:
    """Surprise: the order of a list, and of the rules of a recipe, changes the text."""
    assert text_after(mixer, (2, 4), (2, 6)) == "ab<cd>efghij"
    assert text_after(mixer, (2, 6), (2, 4)) == "ab<cdef>ghij"


def test_an_end_past_the_text_is_its_end(mixer: Mixer) -> None:
    """The toolkit's deduper writes lengths in bytes: [0, 66] for a text of 56 characters."""
    assert text_after(mixer, (8, 10)) == text_after(mixer, (8, 66)) == "abcdefgh<ij>"


def test_an_empty_span_eats_a_character_and_repeats_the_tail(mixer: Mixer) -> None:
    """Surprise: with [3, 3] the character at 3 vanishes, the replacement comes again after the text, holding all from
    3 on, and no later span is replaced."""
    assert text_after(mixer, (3, 3)) == "abc<>efghij<defghij>"
    assert text_after(mixer, (3, 3), (5, 6)) == "abc<>efghij<defghij>"
    assert text_after(mixer, (1, 3), (3, 3)) == "a<bc>efghij<defghij>"


def test_an_empty_span_inside_another_is_dropped(mixer: Mixer) -> None:
    assert text_after(mixer, (2, 5), (3, 3), (6, 7)) == "ab<cde>f<g>hij"


def test_a_span_that_runs_backwards_is_replaced_twice(mixer: Mixer) -> None:
    """Surprise: [5, 2] puts text in at 2, eats the character at 5 and repeats the tail."""
    assert text_after(mixer, (5, 2)) == "ab<ab>cdeghij<fghij>"
    assert text_after(mixer, (0, 3), (5, 1)) == "<abc>deghij<fghij>"  # 1 was over when its turn came


def test_a_span_after_the_text_puts_its_replacement_at_the_end(mixer: Mixer) -> None:
    """Surprise: `{}` there is the text from the last span that was met."""
    assert text_after(mixer, (11, 12)) == "abcdefghij<abcdefghij>"
    assert text_after(mixer, (3, 4), (12, 14)) == "abc<d>efghij<defghij>"


def test_an_empty_text_with_an_empty_span_becomes_the_replacement(mixer: Mixer) -> None:
    """Surprise: the toolkit's deduper writes [0, 0, 1] for a repeated empty text, which a rule then fills."""
    outcome = mixed(mixer, [[0, 0, 1]], {**MARK, "replacement": " ||| "}, text="")
    assert outcome.texts() == {"a": replaced("", [(0, 0, " ||| ")])} == {"a": " ||| "}


def test_braces_in_the_text_are_no_holes(mixer: Mixer) -> None:
    outcome = mixed(mixer, [[1, 4, 1.0]], {**MARK, "replacement": "{{}}{}"}, text="a{}b")
    assert outcome.texts() == {"a": replaced("a{}b", [(1, 4, "{{}}{}")])} == {"a": "a{{}b}{}b"}


@pytest.mark.parametrize(
    ("score", "limits", "is_replaced"),
    [
        (0.5, {"min_score": 0.5}, True),
        (0.49999, {"min_score": 0.5}, False),
        (0.5, {"max_score": 0.5}, False),
        (0.49999, {"max_score": 0.5}, True),
        (1, {"min_score": 1}, True),  # integers are numbers
        (1, {"min_score": 0.5, "max_score": 1.0}, False),
        (-3, {}, True),  # the command line wants one of them, the mixer does not
    ],
)
def test_a_score_reaches_min_score_and_stays_below_max_score(
    mixer: Mixer, score: float, limits: dict[str, float], is_replaced: bool
) -> None:
    outcome = mixed(mixer, [[2, 4, score]], {"span": "$.attributes.K", "replacement": "_", **limits})
    assert outcome.texts() == {"a": "ab_efghij" if is_replaced else TEXT}


@pytest.mark.parametrize(
    "value",
    [
        [[-1, 3, 1.0]],
        [[-1, 3, 0.0], [5, 6, 1.0]],  # whatever its score
        [[1.0, 3, 1.0]],
        [[1.5, 3, 1.0]],
        [[1, 3.0, 1.0]],
        [[1, 3, "1"]],
        [[1, 3, None]],
        [[1, 3]],
        [[]],
        [1, 3, 1.0],
        [[[1, 3, 1.0]]],
    ],
)
def test_what_is_no_list_of_spans_loses_the_shard_without_an_error(mixer: Mixer, value: Any) -> None:
    """Surprise: `dolma mix` ends well, and all documents of the shard are missing from its output."""
    outcome = mixed(mixer, value)
    assert outcome.kept == ()
    assert outcome.error is not None
    assert "panicked" in outcome.error
    assert not outcome.is_raised


@pytest.mark.parametrize("value", [0.7, True, "x", {}, {"a": [[1, 2, 1.0]]}])
def test_a_value_that_is_no_list_is_an_error(mixer: Mixer, value: Any) -> None:
    outcome = mixed(mixer, value)
    assert outcome.is_raised
    assert "Invalid span type" in (outcome.error or "")


@pytest.mark.parametrize("value", [..., None, [], [[1, 3, 0.1]]])
def test_without_spans_that_pass_the_text_stays(mixer: Mixer, value: Any) -> None:
    assert mixed(mixer, value).texts() == {"a": TEXT}


@pytest.mark.parametrize("span", ["$.attributes.K[*]", "$.attributes.K[?(@[2] > 0.5)]"])
def test_a_path_to_the_spans_themselves_fails_where_there_is_exactly_one(mixer: Mixer, span: str) -> None:
    """Surprise: a path that finds one value yields that value instead of a list of it."""
    rule = {**MARK, "span": span}
    assert mixed(mixer, [[1, 3, 1.0], [4, 6, 1.0]], rule).texts() == {"a": "a<bc>d<ef>ghij"}
    assert mixed(mixer, [], rule).texts() == {"a": TEXT}
    alone = mixed(mixer, [[1, 3, 1.0]], rule)
    assert (alone.kept, alone.is_raised) == ((), False)
    assert mixed(mixer, [[1, 3, 1.0]]).texts() == {"a": "a<bc>defghij"}  # a path to the list is safe


def test_a_replacement_that_begins_with_a_dollar_is_a_jq_expression(mixer: Mixer) -> None:
    """Surprise: with any syntax; and one that yields no text loses the shard without an error."""
    assert mixed(mixer, [[1, 3, 1.0]], {**MARK, "replacement": "$.source"}).texts() == {"a": "asdefghij"}
    assert mixed(mixer, [[1, 3, 1.0]], {**MARK, "replacement": " $.source"}).texts() == {"a": "a $.sourcedefghij"}
    lost = mixed(mixer, [[1, 3, 1.0]], {**MARK, "replacement": "$5"})
    assert (lost.kept, lost.is_raised) == ((), False)


def test_the_least_length_is_in_bytes_of_the_trimmed_text_after_replacement(mixer: Mixer) -> None:
    text = "\u00a0ab é\u200bc\u0085 \x1c"
    n_bytes = rewritten(pl.DataFrame({"doc": [0], "text": [text]}), Spans(*np.array([[0], [1], [3], [0]])), [""])[
        "n_bytes_trimmed_after"
    ].item()
    rule = {**MARK, "replacement": ""}
    assert len(mixed(mixer, [[1, 3, 1.0]], rule, text, min_text_length=n_bytes).kept) == 1
    assert len(mixed(mixer, [[1, 3, 1.0]], rule, text, min_text_length=n_bytes + 1).kept) == 0


def test_a_text_that_becomes_empty_is_kept_without_a_least_length(mixer: Mixer) -> None:
    """Surprise: it is a document of no characters in the output."""
    rule = {**MARK, "replacement": ""}
    assert mixed(mixer, [[0, 10, 1.0]], rule).texts() == {"a": ""}
    assert mixed(mixer, [[0, 10, 1.0]], rule, min_text_length=0).texts() == {"a": ""}
    assert mixed(mixer, [[0, 10, 1.0]], rule, min_text_length=1).texts() == {}
