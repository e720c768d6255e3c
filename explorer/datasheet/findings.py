"""What a sheet's statistics say to a question: text in Markdown, with the statistics that it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.datasheet.blocks import is_estimated, markdown_table
from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, markdown
from explorer.units import format_value

Row = Mapping[str, Any]
LISTED = 20  # rows of a table; STATISTICS.md has more, stats.json all


@dataclass(frozen=True)
class Finding:
    """A part of an answer. `statistics` are the names of those that it is taken from.

    What `is_aside` is worth knowing beside the question and answers none of it.
    """

    text: str
    statistics: tuple[str, ...] = ()
    is_aside: bool = False


Finder = Callable[[Sheet], Finding | None]


def table(sheet: Sheet, statistic: str, headings: Mapping[str, str], rows: Iterable[Row] | None = None) -> str:
    """Rows of a statistic (by default all) as a table of the columns in `headings`, the first `LISTED` of them."""
    its = list(sheet.rows(statistic) if rows is None else rows)
    units = {column["name"]: column["unit"] for column in sheet.entry(statistic)["columns"]}
    kept = [name for name in headings if any(row[name] is not None for row in its)]
    text = markdown_table(
        [headings[name] for name in kept],
        [units[name] for name in kept],
        [[row[name] for name in kept] for row in its[:LISTED]],
    )
    return text + (f"\n\nThe first {LISTED} of {len(its):,}; `stats.json` has all." if len(its) > LISTED else "")


def total(rows: Iterable[Row], name: str) -> int:
    """The sum of a column of counts; nulls count as nothing."""
    return sum(row[name] or 0 for row in rows)


def whole(rows: Sequence[Row], **values: Any) -> Row | None:
    """The first row that has these values."""
    return next((row for row in rows if all(row[name] == value for name, value in values.items())), None)


def count(number: float | None) -> str:
    """A number of things, with separators."""
    return format_value(number, "count")


def percent(part: float, of: float) -> str:
    """A share as percent; of nothing there is none."""
    return format_value(part / of, "share") if of else "no share"


def share(value: float | None) -> str:
    """A share that a statistic gives, as percent."""
    return format_value(value, "share")


def provenance(sheet: Sheet, names: Iterable[str]) -> str:
    """One line: each statistic with the hash of its SQL, and how far it can be off where it is estimated."""
    parts = []
    for name in dict.fromkeys(names):
        entry = sheet.entry(name)
        error = markdown((entry["error"] or "by what it stands on").rstrip("."))
        exact = f"estimated ({error})" if is_estimated(entry) else "exact"
        parts.append(f"{code_span(name)}, SQL {code_span(entry['sql_hash'])}, {exact}")
    return f"Measured by {'; '.join(parts)}."
