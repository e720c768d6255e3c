"""Pieces of Markdown that the files of a bundle share: a table of rows, a statistic's provenance."""

from __future__ import annotations

import re
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


def quoted(text: str) -> str:
    """A declared text of any number of lines as a block quote, shown as it stands: no heading, list or rule in it."""
    lines = [_as_text(line) for line in text.strip().splitlines()]
    filled = [bool(line) for line in lines]
    marked = [
        f"> {line}\\" if line and place + 1 < len(lines) and filled[place + 1] else f"> {line}".rstrip()
        for place, line in enumerate(lines)
    ]
    return "\n".join(marked)


def _as_text(line: str) -> str:
    """A line that begins like a heading, a list or a rule loses that meaning; white space around it goes."""
    shown_line = markdown(line.strip())
    shown_line = re.sub(r"^([#+=-])", r"\\\1", shown_line)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", shown_line)


def call_span(name: str, entry: Mapping[str, Any]) -> str:
    """The call of the catalogue's macro that gives a statistic of stats.json, as inline code."""
    parameters = ", ".join(f"{parameter} := {value!r}" for parameter, value in entry["parameters"].items())
    return code_span(f"from {name}({parameters})")


def is_estimated(entry: Mapping[str, Any]) -> bool:
    """Whether some number of the statistic is an estimate."""
    return not entry["is_exact"]
