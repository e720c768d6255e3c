"""The panel of rules: each with a switch, its condition, and a slider and a number for each of its thresholds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from explorer.app.filters_edit import Dial, Entry, as_moved, edited, entries
from explorer.app.filters_ranges import Quantiles, slider_range, subject_title
from explorer.app.filters_recipes import Choice
from explorer.app.meaning import captions, meanings, named_in
from explorer.app.text import safe
from explorer.escape import code_span, printable
from explorer.recipe.expression import Expression
from explorer.recipe.model import Recipe, Rule, SpanRule

_MAX_SHOWN = 400  # characters of a condition
_OPERATORS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}  # a screen reader reads no signs
_WORDS = {"length": "bytes at least", "min_score": "score at least", "max_score": "score below"}


def switch_key(choice: Choice, entry: Entry) -> str:
    """The name of a rule's switch, in the session and in the address."""
    return f"on.{choice.name}.{entry.key}"


def number_key(choice: Choice, entry: Entry, dial: Dial) -> str:
    """The name of a threshold, in the session and in the address."""
    return f"at.{choice.name}.{entry.key}" + (f".{dial.key}" if dial.key else "")


@dataclass(frozen=True)
class Panel:
    """The recipe as it stands in the panel, and the entries of the chosen recipe that are on, in their order."""

    recipe: Recipe
    on: tuple[Entry, ...]


def panel(choice: Choice, quantiles: Quantiles, dead: Mapping[str, str], show: Callable[[Expression], str]) -> Panel:
    """Draw the panel. `dead` says of rules (by name) what is missing, `show` how a condition is written."""
    off: set[str] = set()
    values: dict[tuple[str, str], float] = {}
    listed = entries(choice.recipe)
    known = meanings()
    for number, entry in enumerate(listed):
        if entry.is_span and (number == 0 or not listed[number - 1].is_span):
            st.markdown("**Spans that are replaced**")
        with st.container(border=True, gap="small", key=f"rule-{number}"):
            is_on = st.toggle(
                safe(entry.rule.name), True, key=switch_key(choice, entry), bind="query-params", width="stretch"
            )
            said = st.container()
            if entry.rule.name in dead:
                st.markdown(f":orange-badge[Dead] :small[{safe(dead[entry.rule.name])}]")
            for dial in entry.dials:
                values[entry.key, dial.key] = _dial(choice, entry, dial, quantiles, is_on)
            rule = as_moved(entry, values)
            said.caption(_condition(rule, show) + _moves(entry, values), help=_as_written(rule))
            trees = [rule.span.tree] if isinstance(rule, SpanRule) else [e.tree for e in rule.expressions]
            captions(named_in(trees, known), said, is_short=True)
        if not is_on:
            off.add(entry.key)
    return Panel(edited(choice.recipe, off, values), tuple(entry for entry in listed if entry.key not in off))


def _condition(rule: Rule | SpanRule, show: Callable[[Expression], str]) -> str:
    """What a rule does, with its conditions as they are read best."""
    if isinstance(rule, SpanRule):
        by = f"replaced by {code_span(rule.replacement)}" if rule.replacement else "cut out"
        return f"{_code(rule.span.text)} is {by}"
    if rule.kind == "length":
        return "Removes a document whose text, trimmed, has fewer bytes after spans are replaced."
    texts = [_code(show(e)) for e in rule.expressions]
    if rule.kind == "include":
        return f"Removes a document unless {' or '.join(texts)}"
    return f"Removes a document if {texts[0]}"


def _moves(entry: Entry, values: Mapping[tuple[str, str], float]) -> str:
    """Where the numbers of a rule come from, if they were moved."""
    moved = [short(dial.value) for dial in entry.dials if values[entry.key, dial.key] != dial.value]
    return f" · moved from {safe(' and '.join(moved))}" if moved else ""


def _as_written(rule: Rule | SpanRule) -> str | None:
    """The conditions as the recipe has them, where they are not in our own syntax."""
    if isinstance(rule, SpanRule):
        return None
    texts = [f"{e.syntax}: {_code(e.text)}" for e in rule.expressions if e.syntax != "plain"]
    return "\n\n".join(texts) or None


def _code(text: str) -> str:
    shown = printable(" ".join(text.split()))
    return code_span(shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…")


def dial_title(dial: Dial) -> str:
    if dial.threshold is None:
        return _WORDS[dial.kind]
    return f"{subject_title(dial.threshold.subject)} {_OPERATORS[dial.threshold.operator]}"


def _dial(choice: Choice, entry: Entry, dial: Dial, quantiles: Quantiles, is_on: bool) -> float:
    """A slider, and the number that it stands at, which the address keeps."""
    key = number_key(choice, entry, dial)
    slider = f"slide.{key}"
    title = safe(dial_title(dial))
    left, right = st.columns([5, 4], gap="small", vertical_alignment="bottom", wrap=False)
    is_whole = dial.kind == "length"
    stands = slider_range(dial, dial.value, quantiles)
    with right:
        given = st.number_input(
            f"{title}, exactly",
            value=int(dial.value) if is_whole else dial.value,
            min_value=0 if is_whole else None,
            step=int(stands.step) if is_whole else stands.step,
            format="%d" if is_whole else "%.10g",
            key=key,
            bind="query-params",
            label_visibility="collapsed",
            disabled=not is_on,
        )
    value = float(given) if given is not None and math.isfinite(given) else dial.value
    steps = sorted({*stands.steps, value})
    # set only where it stands elsewhere: to set it while it is dragged would pull it out of the hand
    if (st.session_state.get(slider), st.session_state.get(f"{slider}.steps")) != (value, steps):
        st.session_state[slider] = value
        st.session_state[f"{slider}.steps"] = steps
    left.select_slider(
        title, steps, key=slider, format_func=short, on_change=_follow,
        args=(key, slider, is_whole), disabled=not is_on,
    )  # fmt: skip
    return value


def _follow(key: str, slider: str, is_whole: bool) -> None:
    """The number goes where the slider was moved."""
    value = st.session_state[slider]
    st.session_state[key] = int(value) if is_whole else float(value)


def short(number: float) -> str:
    """A threshold as it is shown: six digits do for a slider."""
    return f"{number:,.0f}" if number == int(number) and abs(number) < 1e15 else f"{number:.6g}"


def reset(choice: Choice) -> None:
    """Put every switch and number of a recipe back."""
    for entry in entries(choice.recipe):
        st.session_state[switch_key(choice, entry)] = True
        for dial in entry.dials:
            st.session_state[number_key(choice, entry, dial)] = int(dial.value) if dial.kind == "length" else dial.value
