"""What a figure draws, in the values of its axes: bars, dots and lines, and the cells of a heat map."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.datasheet.scales import spoken, to_number, usual_gap

_OTHERS = 8  # the colour of what is left over


@dataclass(frozen=True)
class Box:
    """A bar in the values of its axes."""

    x0: float
    x1: float
    y0: float
    y1: float
    role: str
    lines: Sequence[str]
    axis: str = "y"
    error: float = 0.0


@dataclass(frozen=True)
class Dots:
    """A line through points, with or without a mark at each; None breaks it."""

    points: Sequence[tuple[float, float] | None]
    role: str
    lines: Sequence[Sequence[str]]
    opacity: Sequence[float]
    has_line: bool
    has_marks: bool
    radius: float
    axis: str = "y"


@dataclass(frozen=True)
class Cells:
    """A heat map."""

    numbers: Sequence[Sequence[float | None]]
    lines: Sequence[Sequence[str]]
    low: float
    high: float
    family: str  # of colours: q or d


def role_of(number: int, trace: Mapping[str, Any]) -> str:
    """The class of a trace's colour."""
    return f"s{_OTHERS if str(trace.get('name') or '').endswith(' others') else number}"


def has_dates(traces: Sequence[Mapping[str, Any]], axis: str) -> bool:
    """Whether dates stand on an axis."""
    return any(hasattr(value, "toordinal") for trace in traces for value in list(trace.get(axis) or ())[:1])


def _hover(trace: Mapping[str, Any]) -> list[list[str]]:
    given = trace.get("customdata")
    return [[spoken(line) for line in str(text).split("<br>")] for text in (given if given is not None else ())]


def read_boxes(traces: Sequence[Mapping[str, Any]]) -> Iterator[Box]:
    """The bars, one upon the other where they share a place."""
    stacked: dict[float, float] = defaultdict(float)
    bars = [(number, trace) for number, trace in enumerate(traces) if trace["type"] == "bar"]
    flat = any(trace.get("orientation") == "h" for _, trace in bars)
    along, across = ("y", "x") if flat else ("x", "y")
    gap = usual_gap([to_number(place) for _, trace in bars for place in trace[along]])
    for number, trace in bars:
        places = [to_number(place) for place in trace[along]]
        widths = trace.get("width")
        hover = _hover(trace)
        errors = (trace.get(f"error_{across}") or {}).get("array") or [0.0] * len(places)
        for n, (place, size) in enumerate(zip(places, trace[across], strict=True)):
            begin, end = (place, place + widths[n]) if widths is not None else (place - gap * 0.36, place + gap * 0.36)
            base = stacked[place]
            stacked[place] = base + float(size)
            low, high = sorted((base, base + float(size)))
            x0, x1, y0, y1 = (low, high, begin, end) if flat else (begin, end, low, high)
            yield Box(x0, x1, y0, y1, role_of(number, trace), hover[n], trace.get("yaxis") or "y", float(errors[n]))


def read_dots(traces: Sequence[Mapping[str, Any]]) -> Iterator[Dots]:
    """The lines and points, in the order of the figure."""
    for number, trace in enumerate(traces):
        if trace["type"] != "scatter":
            continue
        pairs = zip(trace["x"], trace["y"], strict=True)
        points = [None if a is None or b is None else (to_number(a), to_number(b)) for a, b in pairs]
        marker = trace.get("marker") or {}
        opacity = marker.get("opacity", 1.0)
        strengths = list(opacity) if isinstance(opacity, list | tuple) else [float(opacity)] * len(points)
        mode = str(trace["mode"])
        has_marks = "markers" in mode or len(points) == 1
        radius = float(marker.get("size", 5)) / 2
        axis = trace.get("yaxis") or "y"
        role = role_of(number, trace)
        yield Dots(points, role, _hover(trace), strengths, "lines" in mode, has_marks, radius, axis)


def read_cells(trace: Mapping[str, Any]) -> Cells:
    """The cells with the ends of their colour scale: the figure's, else the smallest and the largest number."""
    numbers = [[None if value is None else float(value) for value in row] for row in trace["z"]]
    given = [value for row in numbers for value in row if value is not None]
    low, high = trace.get("zmin"), trace.get("zmax")
    return Cells(
        numbers,
        trace["customdata"],
        float(min(given) if low is None else low),
        float(max(given) if high is None else high),
        "d" if trace.get("zmid") is not None else "q",
    )


def step_of(number: float | None, cells: Cells) -> int:
    """Which of the ten colours of its scale a number has."""
    if number is None or cells.high <= cells.low:
        return 0
    return min(9, max(0, int((number - cells.low) / (cells.high - cells.low) * 10)))


def is_dark(step: int, family: str) -> bool:
    """Whether a colour needs white text on it."""
    return step >= 5 if family == "q" else step in (0, 1, 8, 9)


def cell_text(number: float | None, is_share: bool) -> str:
    """A number short enough for a cell; shares in percent, without the sign."""
    if number is None:
        return ""
    value = number * 100 if is_share else number
    if value == 0:
        return "0"
    if abs(value) < 0.1:
        return "<0.1" if value > 0 else ">-0.1"
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
