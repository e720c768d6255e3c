"""Axes of a chart: where a value stands in pixels, and which ticks a person reads easily."""

from __future__ import annotations

import datetime
import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_DAYS_A_YEAR = 365.2425
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MONTH_STEPS = (1, 2, 3, 6)
_YEAR_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Ticks:
    """Values on an axis and what is written at each."""

    values: tuple[float, ...]
    texts: tuple[str, ...]
    is_named: bool = False  # the ticks are categories: no grid


@dataclass(frozen=True)
class Scale:
    """A straight line from values to pixels."""

    low: float
    high: float
    start: float  # the pixel of `low`
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * (self.end - self.start)


def to_number(value: Any) -> float:
    """A value on its axis: numbers as they are, dates as days since the year 1."""
    if isinstance(value, datetime.datetime):
        seconds = (value - datetime.datetime.combine(value.date(), datetime.time(), value.tzinfo)).total_seconds()
        return value.toordinal() + seconds / 86_400
    return float(value.toordinal()) if isinstance(value, datetime.date) else float(value)


def spoken(text: str) -> str:
    """A text of a figure as plain text: plotly reads a little HTML, so that its texts are escaped."""
    return html.unescape(text)


def axis_ticks(axis: Mapping[str, Any], low: float, high: float, n_wanted: int, *, is_date: bool, whole: bool) -> Ticks:
    """The ticks that a figure's axis sets, or round ones between `low` and `high`. `whole`: there are no halves."""
    if axis.get("showticklabels") is False:
        return Ticks((), (), is_named=True)
    if axis.get("tickvals") is not None:
        pairs = [(to_number(v), spoken(str(t))) for v, t in zip(axis["tickvals"], axis["ticktext"], strict=True)]
        pairs = [(value, text) for value, text in pairs if min(low, high) <= value <= max(low, high)]
        named = axis.get("showgrid") is False
        return Ticks(tuple(v for v, _ in pairs), tuple(t for _, t in pairs), is_named=named)
    if is_date:
        return _date_ticks(low, high, n_wanted)
    values = _round_values(low, high, n_wanted, whole=whole)
    is_share = str(axis.get("tickformat") or "").endswith("%")
    step = values[1] - values[0] if len(values) > 1 else 1.0
    return Ticks(tuple(values), tuple(_percent(v, step) if is_share else _short(v) for v in values))


def _round_values(low: float, high: float, n_wanted: int, *, whole: bool) -> list[float]:
    rough = max((high - low) / max(n_wanted, 1), 1e-12)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _STEPS if power * factor >= rough * 0.999)
    if whole:
        step = max(1.0, math.ceil(step)) if step < 10 else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _percent(share: float, step: float) -> str:
    digits = max(0, math.ceil(-math.log10(step * 100) - 1e-9)) if step > 0 else 0
    if digits == 0 and step * 100 % 1 > 1e-9:
        digits = 1
    return f"{share * 100:.{digits}f} %"


def _short(number: float) -> str:
    """1000 as 1k, 2500000 as 2.5M."""
    for power, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= power:
            return f"{number / power:g}{suffix}"
    return f"{number:g}"


def _date_ticks(low: float, high: float, n_wanted: int) -> Ticks:
    """Years where there are several, else months, else days."""
    days = max(high - low, 1.0)
    found: list[datetime.date]
    if days / _DAYS_A_YEAR >= 3:
        step = next((s for s in _YEAR_STEPS if days / _DAYS_A_YEAR / s <= n_wanted + 0.5), _YEAR_STEPS[-1])
        found, form = list(_years(low, high, step)), "%Y"
    elif days >= 62:
        step = next((s for s in _MONTH_STEPS if days / 30.4 / s <= n_wanted), 12)
        found, form = list(_months(low, high, step)), "%Y-%m"
    else:
        step = max(1, math.ceil(days / max(n_wanted, 1)))
        ordinals = range(math.ceil(low), math.floor(high) + 1, step)
        found, form = [datetime.date.fromordinal(n) for n in ordinals], "%Y-%m-%d"
    texts = (f"{day.year:04d}{day.strftime(form[2:])}" for day in found)  # strftime's %Y has no leading zeros
    return Ticks(tuple(float(day.toordinal()) for day in found), tuple(texts))


def _years(low: float, high: float, step: int) -> Iterator[datetime.date]:
    for year in range(_date(low).year // step * step, _date(high).year + 1, step):
        if 1 <= year <= 9999 and low <= datetime.date(year, 1, 1).toordinal() <= high:
            yield datetime.date(year, 1, 1)


def _months(low: float, high: float, step: int) -> Iterator[datetime.date]:
    last = _date(high)
    for number in range(_date(low).year * 12, last.year * 12 + last.month, step):
        day = datetime.date(number // 12, number % 12 + 1, 1)
        if low <= day.toordinal() <= high:
            yield day


def _date(ordinal: float) -> datetime.date:
    return datetime.date.fromordinal(min(max(1, math.floor(ordinal)), datetime.date.max.toordinal()))


def usual_gap(values: Sequence[float]) -> float:
    """The smallest distance between neighbours; 1 where there is only one value."""
    places = sorted(set(values))
    return min((b - a for a, b in pairwise(places)), default=1.0)
