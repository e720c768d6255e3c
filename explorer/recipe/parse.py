"""An expression of any of the three syntaxes, and its numbers moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from explorer.errors import UsageError
from explorer.recipe.expression import SYNTAXES, Constant, Expression, Syntax, walk
from explorer.recipe.jq import parse_jq, parse_jq_span
from explorer.recipe.jsonpath import parse_jsonpath, parse_jsonpath_span
from explorer.recipe.plain import parse_plain, parse_plain_span
from explorer.recipe.syntax import RefusedError, quoted

_CONDITIONS: Mapping[str, Callable[[str], Expression]] = {
    "jsonpath": parse_jsonpath, "jq": parse_jq, "plain": parse_plain,
}  # fmt: skip
_SPANS: Mapping[str, Callable[[str], Expression]] = {
    "jsonpath": parse_jsonpath_span, "jq": parse_jq_span, "plain": parse_plain_span,
}  # fmt: skip


def parse(text: str, syntax: Syntax) -> Expression:
    """A condition. Raises `UsageError` (`explorer.recipe.syntax.RefusedError`) with the place and the reason."""
    return _parsed(_CONDITIONS, text, syntax)


def parse_span(text: str, syntax: Syntax) -> Expression:
    """The path to one attribute's spans. Raises `UsageError`."""
    return _parsed(_SPANS, text, syntax)


def _parsed(parsers: Mapping[str, Callable[[str], Expression]], text: str, syntax: str) -> Expression:
    if syntax not in parsers:
        raise UsageError(f"{syntax!r} is no syntax of expressions; choose {', '.join(SYNTAXES)}")
    try:
        return parsers[syntax](text)
    except RecursionError:
        raise RefusedError(text, 0, "too many levels deep; split the rule") from None


def moved(expression: Expression, place: tuple[int, int], value: float) -> Expression:
    """The expression with the number at a place (see `explorer.recipe.expression.thresholds`) replaced.

    A number that was written with a decimal point keeps one: to the mixer's jsonpath 1 and 1.0 are not equal. Raises
    `UsageError` where no number stands there.
    """
    if not any(isinstance(n, Constant) and n.place == place for n in walk(expression.tree)):
        raise UsageError(f"{quoted(expression.text)}: no number stands at characters {place[0] + 1} to {place[1]}")
    start, end = place
    is_whole = expression.text[start:end].replace("_", "").lstrip("-").isdigit()
    text = expression.text[:start] + number_text(value, is_whole) + expression.text[end:]
    return parse(text, expression.syntax)


def number_text(value: float, is_whole: bool = True) -> str:
    """A number in its shortest form that reads back as the same; without a decimal point where it is whole and may
    be. Raises `UsageError` for infinity and what is no number."""
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        raise UsageError(f"a threshold must be a finite number, not {value}")
    if is_whole and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)
