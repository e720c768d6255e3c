"""What differs between two tables of one statistic, and between two texts: cells and lines to be looked up."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.units import UNITS

NO_ROW = "(no such row)"
_MOST_LINES = 2_000  # that are put side by side; of longer stretches the first lines are told
_EXCERPT = 60  # characters of a line on either side of where it differs

Row = Sequence[Any]
Columns = Sequence[Mapping[str, str]]  # name and unit of each


@dataclass(frozen=True)
class Difference:
    """One cell, or a whole row where `column` is empty; values as JSON."""

    row: str  # the cells that tell the row from all others
    column: str
    published: str
    now: str
    cells: Mapping[str, Any] = field(default_factory=dict)  # of the row, as far as they are texts


def differences(columns: Columns, published: Sequence[Row], now: Sequence[Row]) -> Iterator[Difference]:
    """The cells that differ, rows that are in one table only, and the order where nothing else differs."""
    names = [column["name"] for column in columns]
    key = _key(columns, published, now)
    old, new = _by_key(published, key), _by_key(now, key)
    is_same = True
    for place in [*old, *(place for place in new if place not in old)]:
        a, b = old.get(place), new.get(place)
        row = _row_name(names, key, place)
        cells = {name: cell for name, cell in zip(names, a or b or (), strict=False) if isinstance(cell, str)}
        if a is None or b is None:
            is_same = False
            old_row, new_row = (NO_ROW if one is None else shown(one) for one in (a, b))
            yield Difference(row, "", old_row, new_row, cells)
            continue
        for name, x, y in zip(names, a, b, strict=True):
            if not is_equal(x, y):
                is_same = False
                yield Difference(row, name, shown(x), shown(y), cells)
    if is_same and list(old) != list(new):
        first = next(n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b)
        there, here = (_row_name(names, key, list(one)[first]) for one in (old, new))
        yield Difference(f"place {first + 1}", "", there, here)


def is_equal(a: Any, b: Any) -> bool:
    """Whether two values of JSON are the same: 1 and 1.0 are, 1 and true are not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(is_equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_equal(a[key], b[key]) for key in a)
    return bool(a == b)


def shown(value: Any) -> str:
    """A value, as it stands in stats.json."""
    return json.dumps(value, ensure_ascii=False)


def _key(columns: Columns, *tables: Sequence[Row]) -> list[int] | None:
    """The fewest leading columns whose cells tell rows apart, names before numbers; None where only places do."""
    if all(len(rows) <= 1 for rows in tables):
        return []
    everything = list(range(len(columns)))
    names = [place for place in everything if not UNITS[columns[place]["unit"]].is_numeric]
    for candidates in (names, everything):
        for n in range(1, len(candidates) + 1):
            key = candidates[:n]
            if all(len({_place(row, key) for row in rows}) == len(rows) for rows in tables):
                return key
    return None


def _place(row: Row, key: Sequence[int]) -> tuple[str, ...]:
    return tuple(shown(row[place]) for place in key)


def _by_key(rows: Sequence[Row], key: list[int] | None) -> dict[tuple[str, ...], Row]:
    if key is None:
        return {(str(number + 1),): row for number, row in enumerate(rows)}
    return {_place(row, key): row for row in rows}


def _row_name(names: Sequence[str], key: list[int] | None, place: tuple[str, ...]) -> str:
    if key is None:
        return f"row {place[0]}"
    return ", ".join(f"{names[n]} = {text}" for n, text in zip(key, place, strict=True)) or "the only row"


def line_differences(there: str, rendered: str) -> Iterator[tuple[int, str, str]]:
    """Line (from 1, in `there`), what stands there and what should; empty where a line is missing or too many."""
    a, b = there.splitlines(), rendered.splitlines()
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    a, b = a[start : len(a) - end], b[start : len(b) - end]
    if max(len(a), len(b)) > _MOST_LINES:
        yield (start + 1, *_excerpts(a[0] if a else "", b[0] if b else ""))
        return
    for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            for n in range(max(j - i, m - k)):
                x, y = (a[i + n] if i + n < j else ""), (b[k + n] if k + n < m else "")
                yield (start + min(i + n, j) + 1, *_excerpts(x, y))


def _excerpts(a: str, b: str) -> tuple[str, str]:
    """Two lines around the place where they differ."""
    n = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    begin = max(0, n - _EXCERPT) if max(len(a), len(b)) > 2 * _EXCERPT else 0
    return _excerpt(a, begin, n + _EXCERPT), _excerpt(b, begin, n + _EXCERPT)


def _excerpt(line: str, begin: int, end: int) -> str:
    return f"{'...' if begin else ''}{line[begin:end]}{'...' if len(line) > end else ''}"
