"""The closed vocabulary of units, and the definition of every measure.

A unit decides SQL type, number format and alignment on every surface; a definition is printed beside
the numbers, because tools disagree about every one of these counts.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
FLOATS = frozenset({"FLOAT", "DOUBLE"})
TEXTS = frozenset({"VARCHAR"})


@dataclass(frozen=True)
class Unit:
    """One unit: which SQL types may carry it and how a value is shown to a person."""

    name: str
    sql_types: frozenset[str]
    style: str  # "integer" | "share" | "decimal" | "text" | "date" | "flag"
    label: str  # what an axis says

    @property
    def is_numeric(self) -> bool:
        return self.style in ("integer", "share", "decimal")


def _units(*units: Unit) -> Mapping[str, Unit]:
    return MappingProxyType({unit.name: unit for unit in units})


UNITS: Mapping[str, Unit] = _units(
    Unit("docs", INTEGERS, "integer", "documents"),
    Unit("rows", INTEGERS, "integer", "rows"),
    Unit("bytes", INTEGERS, "integer", "UTF-8 bytes"),
    Unit("chars", INTEGERS, "integer", "characters"),
    Unit("words", INTEGERS, "integer", "words"),
    Unit("lines", INTEGERS, "integer", "lines"),
    Unit("paragraphs", INTEGERS, "integer", "paragraphs"),
    Unit("tokens", INTEGERS, "integer", "tokens"),
    Unit("spans", INTEGERS, "integer", "spans"),
    Unit("count", INTEGERS, "integer", "count"),
    Unit("length", INTEGERS, "integer", "length"),
    Unit("number", FLOATS | INTEGERS, "decimal", "value"),
    Unit("mean", FLOATS, "decimal", "mean"),
    Unit("ratio", FLOATS, "decimal", "ratio"),
    Unit("score", FLOATS, "decimal", "score"),
    Unit("share", FLOATS, "share", "share"),
    Unit("seconds", FLOATS, "decimal", "seconds"),
    Unit("date", frozenset({"DATE", "TIMESTAMP"}), "date", "date"),
    Unit("flag", frozenset({"BOOLEAN"}), "flag", ""),
    Unit("name", TEXTS, "text", ""),
    Unit("text", TEXTS, "text", ""),
)


@dataclass(frozen=True)
class Measure:
    """A count taken of each document's text in the index pass."""

    unit: str
    column: str
    definition: str


MEASURES: tuple[Measure, ...] = (
    Measure("bytes", "n_bytes", "Bytes of the text in UTF-8."),
    Measure("chars", "n_chars", "Unicode code points of the text."),
    Measure(
        "words",
        "n_words",
        "Maximal runs of characters without Unicode White_Space (Rust's \\S+). Python's str.split also splits at "
        "U+001C to U+001F, which are not White_Space.",
    ),
    Measure(
        "lines",
        "n_lines",
        "Pieces between line feeds (U+000A), empty ones included; an empty text has no line.",
    ),
    Measure(
        "paragraphs",
        "n_paragraphs",
        "Pieces between line feeds that hold more than White_Space (the Dolma toolkit's paragraph).",
    ),
    Measure(
        "tokens",
        "n_tokens",
        "Tokens of the tokenizer that is named beside the number; null when none was asked for.",
    ),
)


def format_value(value: object, unit: str, *, exact: bool = False) -> str:
    """Show one value to a person: `None` as an empty string, integers with separators, shares as percent.

    With `exact`, floats keep every digit (for files that are compared or computed with).
    """
    style = UNITS[unit].style
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if style == "integer" and isinstance(value, int | decimal.Decimal):
        return f"{int(value):,}"
    if isinstance(value, float | int | decimal.Decimal):
        number = float(value)
        if exact:
            return repr(number)
        if style == "share":
            return _percent(number)
        return _decimal(number)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _percent(share: float) -> str:
    percent = share * 100
    if 0 < abs(percent) < 0.01:
        return "<0.01 %" if percent > 0 else ">-0.01 %"
    return f"{percent:.2f} %"


def _decimal(number: float) -> str:
    if number != number or number in (float("inf"), float("-inf")):
        return str(number)
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    if abs(number) >= 1:
        return f"{number:,.2f}"
    return f"{number:.5f}".rstrip("0").rstrip(".") if abs(number) >= 1e-5 else f"{number:.2e}"
