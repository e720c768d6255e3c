"""What a card's sections are made of: tables of rows, bars of text, prose, and where numbers are from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.datasheet.blocks import is_estimated, markdown_table
from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, fenced, markdown, printable

NOT_DECLARED = "*Not declared.*"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_OPENS_BLOCK = re.compile(r"^(?:#{1,6}|[-+=]+|\d{1,9}(?=[.)]))")  # what would begin a heading, a list or a rule

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """One section of a card: its blocks, the statistics whose numbers it shows, and its charts, if they are drawn."""

    title: str
    blocks: tuple[str, ...]
    statistics: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A column of a table: the key of its values, the heading, and the unit that says how they are written."""

    key: str
    heading: str
    unit: str


def table(columns: Sequence[Shown], rows: Sequence[Row]) -> str:
    """A Markdown table; columns without any value are left out, and a table without rows is no block."""
    kept = [column for column in columns if any(row[column.key] not in (None, "") for row in rows)]
    if not kept:
        return ""
    cells = [[row[column.key] for column in kept] for row in rows]
    return markdown_table([column.heading for column in kept], [column.unit for column in kept], cells)


def facts_table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values, which are Markdown already; rows without a value are left out."""
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows if value)])


def bars(rows: Sequence[tuple[str, int]], width: int = 30) -> str:
    """Counts as a chart of block characters: readable where no picture is shown."""
    if not rows:
        return ""
    largest = max(1, *(count for _, count in rows))
    labels = max(len(label) for label, _ in rows)
    counts = max(len(f"{count:,}") for _, count in rows)
    lines = [f"{label:>{labels}}  {count:>{counts},}  {_bar(count / largest, width)}".rstrip() for label, count in rows]
    return fenced("\n".join(lines), "text")


def _bar(share: float, width: int) -> str:
    eighths = max(1, round(share * width * 8)) if share else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def prose(text: str) -> str:
    """What somebody wrote, as paragraphs without any markup of their own."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    shown = (markdown(" ".join(paragraph.split())) for paragraph in paragraphs)
    return "\n\n".join(_OPENS_BLOCK.sub(lambda match: _escaped(match[0]), paragraph) for paragraph in shown)


def lines_of(text: str) -> str:
    """Text of several lines as it stands, but that characters that cannot be seen are shown as their escapes."""
    return "\n".join(printable(line.replace("\t", "    ")) for line in re.split(r"\r?\n", text))


def _escaped(mark: str) -> str:
    return f"{mark}\\" if mark.isdigit() else f"\\{mark}"


def declared(text: str) -> str:
    """A declared text, or that it is not declared."""
    return prose(text) if text.strip() else NOT_DECLARED


def sources_line(sheet: Sheet, statistics: Sequence[str]) -> str:
    """Which statistics the numbers above are of, and which of them are estimates, with their error."""
    shown = [name for name in statistics if sheet.rows(name)]
    parts = [f"{code_span(name)} ({exactness(sheet, name)})" for name in shown]
    errors = {name: str(sheet.entry(name)["error"]) for name in shown if sheet.entry(name)["error"]}
    notes = "".join(f" **Estimated** in {code_span(name)}: {markdown(error)}" for name, error in errors.items())
    return f"Statistics: {', '.join(parts)}.{notes}" if parts else ""


def exactness(sheet: Sheet, name: str) -> str:
    """exact or estimated."""
    return "estimated" if is_estimated(sheet.entry(name)) else "exact"


def size(n_bytes: int) -> str:
    """Bytes as a person reads them: 1.5 GB, of a thousand MB each."""
    number, unit = float(n_bytes), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if number < 999.95:
            break
        number, unit = number / 1000, larger
    return f"{n_bytes:,} bytes" if unit == "bytes" else f"{number:.1f} {unit}"


def rough(count: int) -> str:
    """A count in few characters: 15.2 million."""
    for limit, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if count >= limit:
            return f"{count / limit:.1f} {word}"
    return f"{count:,}"
