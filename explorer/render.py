"""A frame as text: table, JSON, CSV, Markdown or Parquet, the same on every surface."""

from __future__ import annotations

import datetime
import decimal
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from explorer.errors import UsageError
from explorer.escape import markdown, printable
from explorer.statistic import Statistic
from explorer.units import UNITS, format_value

FORMATS = ("table", "json", "csv", "md", "parquet")
_DECEIVING = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def units_of(frame: pl.DataFrame, statistic: Statistic | None = None) -> dict[str, str]:
    """The unit of each column: as declared, else guessed from its type (for ad-hoc SQL)."""
    declared = {column.name: column.unit for column in statistic.columns} if statistic else {}
    return {name: declared.get(name) or _guess(kind) for name, kind in frame.schema.items()}


def _guess(kind: pl.DataType) -> str:
    if kind.is_integer():
        return "count"
    if kind.is_float() or kind.is_decimal():
        return "number"
    if kind == pl.Boolean:
        return "flag"
    return "date" if kind.is_temporal() else "text"


def render(frame: pl.DataFrame, form: str, units: Mapping[str, str], *, width: int | None = None) -> bytes:
    """The frame in one of `FORMATS`, as bytes (UTF-8, but for Parquet).

    `width` is that of the terminal a table is shown on; None means nobody is watching and nothing is cut.
    Raises `UsageError` for another format.
    """
    if form == "table":
        return to_table(frame, units, width).encode()
    if form == "json":
        return to_json(frame).encode()
    if form == "csv":
        return to_csv(frame, for_terminal=width is not None).encode()
    if form == "md":
        return to_markdown(frame, units).encode()
    if form == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    raise UsageError(f"format {form!r} is not one of {', '.join(FORMATS)}")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: whole decimals as integers, dates as ISO texts, nested values likewise."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def to_json(frame: pl.DataFrame) -> str:
    """A JSON array of objects, one a line. Characters that could deceive a terminal are escaped (JSON allows it)."""
    lines = [
        json.dumps({name: plain(v) for name, v in row.items()}, ensure_ascii=False)
        for row in frame.iter_rows(named=True)
    ]
    text = "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"
    return _DECEIVING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def to_csv(frame: pl.DataFrame, *, for_terminal: bool = False) -> str:
    """CSV with a header (RFC 4180 quoting, LF). Nested values are JSON."""
    rows = []
    for row in frame.iter_rows():
        cells = [_csv_cell(value) for value in row]
        rows.append([None if c is None else printable(c) for c in cells] if for_terminal else cells)
    names = frame.columns
    shown = list(dict.fromkeys(map(printable, names))) if for_terminal else names
    names = shown if len(shown) == len(names) else names
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").write_csv()


def _csv_cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    simple = plain(value)
    if isinstance(simple, bool):
        return "true" if simple else "false"
    return json.dumps(simple, ensure_ascii=False) if isinstance(simple, dict | list) else str(simple)


def cells(frame: pl.DataFrame, units: Mapping[str, str]) -> list[list[str]]:
    """Every value as a person reads it, on one line and without control characters."""
    names = frame.columns
    return [
        [printable(format_value(value, units[name])) for name, value in zip(names, row, strict=True)]
        for row in frame.iter_rows()
    ]


def to_markdown(frame: pl.DataFrame, units: Mapping[str, str], names: Sequence[str] | None = None) -> str:
    """A Markdown table; numbers to the right. `names` are the headings, by default the columns' names."""
    shown = list(names or frame.columns)
    rule = ["---:" if UNITS[units[name]].is_numeric else "---" for name in frame.columns]
    lines = [f"| {' | '.join(map(markdown, shown))} |", f"| {' | '.join(rule)} |"]
    lines += [f"| {' | '.join(markdown(cell) for cell in row)} |" for row in cells(frame, units)]
    return "\n".join(lines) + "\n"


def to_table(frame: pl.DataFrame, units: Mapping[str, str], width: int | None) -> str:
    """A table for a terminal. Columns without any value are left out and named below it."""
    empty = [name for name in frame.columns if frame.height and frame[name].null_count() == frame.height]
    kept = frame.drop(empty) if len(empty) < frame.width else frame
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in kept.columns:
        numeric = UNITS[units[name]].is_numeric
        table.add_column(
            Text(printable(name)), justify="right" if numeric else "left", no_wrap=True, overflow="ellipsis"
        )
    for row in cells(kept, units):
        table.add_row(*(Text(cell) for cell in row))
    buffer = io.StringIO()
    Console(file=buffer, width=width or 100_000, color_system=None, force_terminal=False).print(table)
    lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
    if not frame.height:
        lines.append("(no rows)")
    if len(kept.columns) < frame.width:
        lines.append(f"(no value in: {', '.join(printable(name) for name in empty)})")
    return "\n".join(lines) + "\n"
