"""Pieces of Markdown that the files of a bundle share: a table of rows, a statistic's provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from explorer.escape import code_span, markdown, printable
from explorer.units import UNITS, format_value


def shown(value: Any, unit: str) -> str:
    """A value of stats.json as a person reads it, on one line, not yet escaped; dates stand there as ISO texts."""
    if unit == "date" and isinstance(value, str):
        return printable(value.replace("T", " "))
    return printable(format_value(value, unit))


def markdown_table(headings: Sequence[str], units: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table, numbers to the right, values by their units; ends without a newline."""
    rule = ["---:" if UNITS[unit].is_numeric else "---" for unit in units]
    lines = [f"| {' | '.join(map(markdown, headings))} |", f"| {' | '.join(rule)} |"]
    for row in rows:
        cells = (markdown(shown(value, unit)) for value, unit in zip(row, units, strict=True))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def call_span(name: str, entry: Mapping[str, Any]) -> str:
    """The call of the catalogue's macro that gives a statistic of stats.json, as inline code."""
    parameters = ", ".join(f"{parameter} := {value!r}" for parameter, value in entry["parameters"].items())
    return code_span(f"from {name}({parameters})")


def is_estimated(entry: Mapping[str, Any]) -> bool:
    """Whether some number of the statistic is an estimate."""
    return not entry["is_exact"]
