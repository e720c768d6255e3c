"""Checks of what a recipe's file holds: every complaint names the place, what stands there and what should."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from explorer.errors import InputError
from explorer.escape import printable
from explorer.recipe.expression import Expression, Syntax
from explorer.recipe.model import SpanRule
from explorer.recipe.parse import parse, parse_span
from explorer.recipe.syntax import RefusedError


def nearest(name: str, known: Sequence[str]) -> str:
    """ ": did you mean X" for a message, or nothing."""
    found = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def name_shown(name: object) -> str:
    text = printable(str(name))
    return text if len(text) <= 80 else f"{text[:79]}…"


def table(value: Any, place: str, known: Sequence[str]) -> dict[str, Any]:
    """A mapping with these keys only. Raises `InputError`."""
    if not isinstance(value, Mapping):
        raise InputError(f"{place}: a table of fields must stand here, not {kind_of(value)}")
    for key in value:
        if key not in known:
            raise InputError(
                f"{place}: the field {name_shown(key)!r} is not known{nearest(str(key), known) or ';'} "
                f"fields: {', '.join(known)}"
            )
    return dict(value)


def items(value: Any, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"{place}: a list must stand here, not {kind_of(value)}")
    return value


def text(value: Any, place: str, may_be_number: bool = False) -> str:
    """A text; a whole number where names may look like one."""
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise InputError(f"{place}: half of a surrogate pair is no text: {name_shown(repr(value))}")
        return value
    if may_be_number and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    hint = "; put it in quotes" if isinstance(value, bool | int | float) or value is None else ""
    raise InputError(f"{place}: a text must stand here, not {kind_of(value)}{hint}")


def texts(value: Any, place: str, may_be_number: bool = False) -> tuple[str, ...]:
    return tuple(text(one, f"{place} {n}", may_be_number) for n, one in enumerate(items(value, place), start=1))


def number(value: Any, place: str) -> float:
    """A finite number; YAML 1.1 reads 1e-4 as a text, which is taken for the number that it is."""
    found = value
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            found = None
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < float("inf"):
        raise InputError(f"{place}: a number must stand here, not {kind_of(value)}")
    return float(found)


def whole(value: Any, place: str, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{place}: a whole number from {least} must stand here, not {kind_of(value)}")
    return value


def choice(value: Any, place: str, choices: Sequence[str]) -> str:
    found = text(value, place)
    if found not in choices:
        raise InputError(f"{place}: {name_shown(found)!r} is not one of {', '.join(choices)}{nearest(found, choices)}")
    return found


def kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return name_shown(repr(value))


def condition(value: Any, syntax: Syntax, place: str) -> Expression:
    """A rule's expression. Raises `InputError` with the place in the file and in the expression, and the reason."""
    return _parsed(parse, value, syntax, place)


def span(value: Any, syntax: Syntax, place: str) -> Expression:
    return _parsed(parse_span, value, syntax, place)


def _parsed(parser: Callable[[str, Syntax], Expression], value: Any, syntax: Syntax, place: str) -> Expression:
    try:
        return parser(text(value, place), syntax)
    except RefusedError as error:
        raise InputError(
            f"{place} ({syntax}): {error}. It cannot be judged without it; change it or leave it out"
        ) from None


def span_rule(
    name: str, found: Expression, low: float | None, high: float | None, replacement: str, place: str
) -> SpanRule:
    """A span rule, with the mixer's checks. Raises `InputError`."""
    if low is None and high is None:
        raise InputError(f"{place}: the mixer needs min_score or max_score")
    if replacement.startswith("$"):
        raise InputError(
            f"{place}, replacement: the mixer takes a text that begins with $ for a jq expression over the document, "
            "which is not supported; begin it with another character"
        )
    return SpanRule(name, found, low, high, replacement)
