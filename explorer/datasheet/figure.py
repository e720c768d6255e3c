"""A figure of the dashboard as SVG: bars, lines, dots and cells, with axes, legend and what is said around them.

A figure holds the chart's data; this module reads the few kinds of traces that `explorer.charts` makes, and draws them
the same way each time. What a pointer shows in the dashboard is each mark's `<title>`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from explorer.datasheet.scales import Scale, Ticks, axis_ticks, spoken
from explorer.datasheet.shapes import (
    Box,
    Cells,
    Dots,
    cell_text,
    has_dates,
    is_dark,
    read_boxes,
    read_cells,
    read_dots,
    role_of,
    step_of,
)
from explorer.datasheet.svg import (
    clean,
    cut,
    decimals,
    described,
    distinct,
    document,
    element,
    label,
    paint,
    palette,
    text_width,
    wrap,
)

PITCH = 21  # pixels from one named row to the next
MARGIN = 14
MAX_TITLED_CELLS = 625
_NAME_SHARE = 0.34  # of the width, at most, for the names of rows


@dataclass(frozen=True)
class Heading:
    """What stands around a figure."""

    title: str
    subtitle: str
    notes: Sequence[str]  # below it, each on lines of its own
    description: str
    labels: Sequence[str] = ()  # at the ends of lying bars, in their order
    names: Sequence[str] = ()  # of the rows, in full, where the figure has cut them
    is_share: bool = False  # of a heat map: its numbers are shares
    is_bare: bool = False  # without the title, for a page that has it already


@dataclass(frozen=True)
class Panel:
    """A part of the drawing with its own upright axis."""

    key: str  # y or y2
    axis: Mapping[str, Any]
    scale: Scale
    ticks: Ticks


def to_svg(figure: Mapping[str, Any], heading: Heading, width: int) -> str:
    """Draw a figure (as `Figure.to_dict` gives it), `width` pixels wide; the height follows from what is in it."""
    return _Drawing(figure["data"], figure["layout"], heading, width).draw()


class _Drawing:
    """The stages of one drawing: geometry in values, then room in pixels, then marks."""

    def __init__(self, traces: Sequence[Any], layout: Mapping[str, Any], heading: Heading, width: int) -> None:
        self.layout, self.heading, self.width = layout, heading, width
        self.boxes = list(read_boxes(traces))
        self.dots = list(read_dots(traces))
        self.cells = next((read_cells(trace) for trace in traces if trace["type"] == "heatmap"), None)
        self.is_date = {axis: has_dates(traces, axis) for axis in "xy"}
        self.legend = [(role_of(n, t), spoken(t.get("name") or "")) for n, t in enumerate(traces)]

    def draw(self) -> str:
        head, top = self._head()
        names = self._names("yaxis")
        is_lying = bool(names) and self.cells is None and "yaxis2" not in self.layout
        upright = [key for key in ("yaxis", "yaxis2") if key in self.layout]
        top += 12 if "yaxis2" in self.layout else 0  # the second axis has its title there
        body = PITCH * len(names) if names else (240 if self.width > 500 else 200)
        extra = 170 if "yaxis2" in self.layout else 0
        if not is_lying and self.cells is None and (title := _title(self.layout["yaxis"])) and not extra:
            head.append(label(MARGIN, top + 10, title, size=11.5, role="m"))
            top += 20
        panels = self._panels(upright, top, body, extra)
        bottom = top + body + extra + (14 if extra else 0)
        left = self._left(panels, names)
        right = self._right(is_lying)
        x_low, x_high = self._range("x", "xaxis")
        x = Scale(x_low, x_high, left, self.width - right)
        ticks = axis_ticks(
            self.layout["xaxis"], x_low, x_high, max(2, int((self.width - left - right) / 75)),
            is_date=self.is_date["x"], whole=self._is_whole("x"),
        )  # fmt: skip
        parts = [*head, *self._grid(panels, x, ticks, left, right, top, bottom), *self._marks(panels, x)]
        foot, height = self._foot(ticks, x, left, bottom)
        return document(self.width, height, self.heading.title, self.heading.description, [*parts, *foot])

    # what stands above

    def _head(self) -> tuple[list[str], float]:
        room = self.width - 2 * MARGIN
        y = 4.0 if self.heading.is_bare else 12.0
        parts = []
        for line in wrap("" if self.heading.is_bare else self.heading.title, 16, room):
            y += 17
            parts.append(label(MARGIN, y - 3, line, size=16, font_weight="bold"))
        for line in wrap(self.heading.subtitle, 12.5, room):
            y += 17
            parts.append(label(MARGIN, y - 2, line, size=12.5, role="m"))
        y += 6
        if self.cells is not None:
            parts += _colour_scale(self.cells, self.heading.is_share, y)
            y += 24
        elif self.layout.get("showlegend"):
            drawn, y = _legend(self.legend, room, y)
            parts += drawn
        return parts, y + 6

    def _names(self, key: str) -> list[str]:
        """The categories of an axis, where it has any."""
        axis = self.layout.get(key, {})
        is_named = axis.get("tickvals") is not None and axis.get("showgrid") is False
        return [spoken(text) for text in axis["ticktext"]] if is_named else []

    def _row_names(self, ticks: Ticks, room: float) -> list[str]:
        """What is written at the rows, no two alike where they differ at all."""
        full = self.heading.names if len(self.heading.names) == len(ticks.texts) else ticks.texts
        return distinct(full, 12, room)

    # room

    def _range(self, letter: str, key: str) -> tuple[float, float]:
        """The first and the last value of an axis."""
        axis = self.layout[key]
        if axis.get("range") is not None:
            first, last = axis["range"]
            return float(first), float(last)
        own = "y2" if key == "yaxis2" else "y"
        values: list[float] = []
        for box in self.boxes:
            if letter == "x" or box.axis == own:
                values += (box.x0, box.x1) if letter == "x" else (box.y0, box.y1)
        for dots in self.dots:
            if letter == "x" or dots.axis == own:
                values += [point[0 if letter == "x" else 1] for point in dots.points if point is not None]
        if self.cells is not None:
            rows = self.cells.numbers
            values += [-0.5, (len(rows[0]) if letter == "x" else len(rows)) - 0.5]
        low, high = min(values), max(values)
        if axis.get("rangemode") == "tozero":
            low, high = min(0.0, low), max(0.0, high) * (1.05 if letter == "y" else 1.0)
        elif self._names(key):
            low, high = -0.5, len(self._names(key)) - 0.5
        elif letter == "x" and self.dots and not self.boxes:
            low, high = low - (high - low) * 0.02, high + (high - low) * 0.02
        if low == high:
            low, high = low - 1, high + 1
        return (high, low) if axis.get("autorange") == "reversed" else (low, high)

    def _is_whole(self, letter: str) -> bool:
        edges = chain.from_iterable((b.x0, b.x1) if letter == "x" else (b.y0, b.y1) for b in self.boxes)
        places = (point[0 if letter == "x" else 1] for d in self.dots for point in d.points if point is not None)
        return all(float(value).is_integer() for value in chain(edges, places))

    def _panels(self, keys: Sequence[str], top: float, body: float, extra: float) -> list[Panel]:
        """The main panel, with the rows, below; a second one above it."""
        found = []
        for key in keys:
            first, last = self._range("y", key)
            start, end = (top, top + extra) if key == "yaxis2" else (top + extra + (14 if extra else 0), 0.0)
            if key == "yaxis":
                end = start + body
            ticks = axis_ticks(
                self.layout[key], first, last, 4 if key == "yaxis2" else 5,
                is_date=self.is_date["y"], whole=self._is_whole("y"),
            )  # fmt: skip
            found.append(Panel(key.replace("axis", ""), self.layout[key], Scale(first, last, end, start), ticks))
        return found

    def _left(self, panels: Sequence[Panel], names: Sequence[str]) -> float:
        texts = [text for panel in panels for text in panel.ticks.texts] + list(self.heading.names)
        widest = max((text_width(text, 12) for text in texts), default=0.0)
        return MARGIN + (min(widest, self.width * _NAME_SHARE) if names else widest) + 8

    def _right(self, is_lying: bool) -> float:
        if is_lying and self.heading.labels:
            return MARGIN + 6 + max(text_width(text, 11.5) for text in self.heading.labels)
        return MARGIN + 6

    # marks

    def _grid(
        self, panels: Sequence[Panel], x: Scale, ticks: Ticks, left: float, right: float, top: float, bottom: float
    ) -> Iterator[str]:
        end = self.width - right
        for panel in panels:
            is_named = panel.ticks.is_named
            texts = self._row_names(panel.ticks, left - MARGIN - 6) if is_named else panel.ticks.texts
            for value, text in zip(panel.ticks.values, texts, strict=True):
                y = panel.scale(value)
                if not is_named:
                    yield _line(left, y, end, y)
                yield label(left - 8, y + 4, text, role="t" if is_named else "m", text_anchor="end")
            if panel.key == "y2":
                yield label(left - 8, panel.scale.end - 6, _title(panel.axis), size=11.5, role="m", text_anchor="end")
        if not ticks.is_named:
            for value in ticks.values:
                yield _line(x(value), top, x(value), bottom)

    def _marks(self, panels: Sequence[Panel], x: Scale) -> Iterator[str]:
        scales = {panel.key: panel.scale for panel in panels}
        if self.cells is not None:
            yield from self._cell_marks(self.cells, x, scales["y"])
        for box in self.boxes:
            yield _bar(box, x, scales[box.axis])
            size = f"{box.y1 - box.y0:,.0f}"
            if box.axis == "y2" and text_width(size, 11) <= x(box.x1) - x(box.x0) + 8:
                at = x((box.x0 + box.x1) / 2), scales["y2"](box.y1) - 4
                yield label(*at, size, size=11, role="m", text_anchor="middle")
        for dots in self.dots:
            yield from _line_marks(dots, x, scales[dots.axis])
        if self.heading.labels and self.cells is None:
            for number, text in enumerate(self.heading.labels):
                widest = max((box.x1 + box.error for box in self.boxes if box.y0 < number < box.y1), default=0.0)
                yield label(x(max(widest, 0.0)) + 5, scales["y"](number) + 4, text, size=11.5, role="m")

    def _cell_marks(self, cells: Cells, x: Scale, y: Scale) -> Iterator[str]:
        wide, high = abs(x(1) - x(0)), abs(y(1) - y(0))
        texts = [[cell_text(n, self.heading.is_share) for n in row] for row in cells.numbers]
        fits = max((text_width(t, 10) for row in texts for t in row), default=0.0) <= wide - 3
        is_titled = sum(map(len, texts)) <= MAX_TITLED_CELLS
        for row, numbers in enumerate(cells.numbers):
            for column, number in enumerate(numbers):
                step = step_of(number, cells)
                place = {"x": x(column - 0.5) + 0.5, "y": y(row - 0.5) + 0.5, "width": wide - 1, "height": high - 1}
                role = "p" if number is None else f"{cells.family}{step}"
                title = described(spoken(cells.lines[row][column]).split("<br>")) if is_titled else ""
                yield element("rect", {"class": role, **place, "fill": paint(role)}, title)
                if fits and number is not None:
                    ink = {"class": f"k{step}" if cells.family == "q" else f"e{step}"}
                    fill = paint("w") if is_dark(step, cells.family) else paint("t")
                    if texts[row][column] == "0":  # most cells of most matrices: they should not shout
                        ink, fill = {"class": "m"}, paint("m")
                    given: dict[str, str | float] = {
                        **ink,
                        "x": x(column),
                        "y": y(row) + 3.5,
                        "font-size": 10,
                        "fill": fill,
                    }
                    yield element("text", {**given, "text-anchor": "middle"}, clean(texts[row][column]))

    # what stands below

    def _foot(self, ticks: Ticks, x: Scale, left: float, bottom: float) -> tuple[list[str], float]:
        parts, y = _bottom_ticks(ticks, x, bottom)
        if title := _title(self.layout["xaxis"]):
            y += 16
            parts.append(label((x.start + x.end) / 2, y, title, size=11.5, role="m", text_anchor="middle"))
        y += 8
        for note in self.heading.notes:
            for line in wrap(note, 11, self.width - 2 * MARGIN):
                y += 14
                parts.append(label(MARGIN, y, line, size=11, role="m"))
        return parts, math.ceil(y + 12)


def _title(axis: Mapping[str, Any]) -> str:
    return spoken((axis.get("title") or {}).get("text") or "")


def _line(x0: float, y0: float, x1: float, y1: float) -> str:
    return element("line", {"class": "g", "x1": x0, "y1": y0, "x2": x1, "y2": y1, "stroke": paint("g")})


def _bar(box: Box, x: Scale, y: Scale) -> str:
    """A bar; one that counts anything is seen, however small it is."""
    x0, x1 = sorted((x(box.x0), x(box.x1)))
    y0, y1 = sorted((y(box.y0), y(box.y1)))
    if box.x1 > box.x0:
        x1 = max(x1, x0 + 1)
    if box.y1 > box.y0:
        y0 = min(y0, y1 - 1)
    place = {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    drawn = element("rect", {"class": box.role, **place, "fill": paint(box.role)}, described(box.lines))
    if box.error:
        middle, (a, b) = (y0 + y1) / 2, (x(box.x1 - box.error), x(box.x1 + box.error))
        place = {"x1": a, "y1": middle, "x2": b, "y2": middle}
        drawn += element("line", {"class": "l", **place, "stroke": paint("t")})
    return drawn


def _line_marks(dots: Dots, x: Scale, y: Scale) -> Iterator[str]:
    if dots.has_line:
        runs: list[list[str]] = [[]]
        for point in dots.points:
            if point is None:
                runs.append([])
            else:
                runs[-1].append(f"{decimals(x(point[0]))},{decimals(y(point[1]))}")
        for run in runs:
            if len(run) > 1:
                given = {"class": f"l{dots.role}", "points": " ".join(run), "fill": "none", "stroke": paint(dots.role)}
                yield element("polyline", {**given, "stroke-width": "1.8", "stroke-linejoin": "round"})
    if dots.has_marks:
        for n, point in enumerate(dots.points):
            if point is not None:
                place: dict[str, str | float] = {"class": dots.role, "cx": x(point[0]), "cy": y(point[1])}
                place |= {"r": dots.radius, "fill": paint(dots.role)}
                faint = {"opacity": dots.opacity[n]} if dots.opacity[n] < 1 else {}
                lines = [line for line in dots.lines[n] if line] if n < len(dots.lines) else []
                yield element("circle", {**place, **faint}, described(lines) if lines else "")


def _colour_scale(cells: Cells, is_share: bool, y: float) -> Iterator[str]:
    """The ten colours with the numbers at their ends."""
    low, high = (f"{n * 100:g} %" if is_share else f"{n:,g}" for n in (cells.low, cells.high))
    yield label(MARGIN, y + 12, low, size=11, role="m")
    x = MARGIN + text_width(low, 11) + 6
    for step in range(len(palette().sequential)):
        role = f"{cells.family}{step}"
        yield element("rect", {"class": role, "x": x, "y": y + 3, "width": 16, "height": 11, "fill": paint(role)})
        x += 16
    yield label(x + 6, y + 12, high, size=11, role="m")


def _legend(entries: Sequence[tuple[str, str]], room: float, y: float) -> tuple[list[str], float]:
    """Colours with their names, in as many lines as they need; and where they end."""
    parts: list[str] = []
    x = float(MARGIN)
    for role, name in entries:
        shown = cut(name, 12, room - 18)
        width = 18 + text_width(shown, 12) + 14
        if x > MARGIN and x + width - 14 > MARGIN + room:
            x, y = float(MARGIN), y + 18
        square: dict[str, str | float] = {
            "class": role,
            "x": x,
            "y": y + 3,
            "width": 11,
            "height": 11,
            "fill": paint(role),
        }
        parts += [element("rect", square), label(x + 16, y + 13, shown)]
        x += width
    return parts, y + 22


def _bottom_ticks(ticks: Ticks, x: Scale, bottom: float) -> tuple[list[str], float]:
    """The texts below the lower axis: upright names where they do not fit side by side."""
    if not ticks.values:
        return [], bottom + 4
    widest = max(text_width(text, 11.5) for text in ticks.texts)
    room = abs(x(1) - x(0)) if ticks.is_named else 0.0
    parts = []
    if ticks.is_named and widest > room - 6:
        limit, last = 110.0, float("-inf")
        for value, text in zip(ticks.values, ticks.texts, strict=True):
            if x(value) - last < 11:
                continue
            last = x(value)
            at = f"rotate(-50 {decimals(x(value) + 4)} {decimals(bottom + 12)})"
            shown = cut(text, 11.5, limit)
            parts.append(label(x(value) + 4, bottom + 12, shown, size=11.5, text_anchor="end", transform=at))
        return parts, bottom + 14 + min(widest, limit) * 0.77
    edge = float("-inf")
    for value, text in sorted(zip(ticks.values, ticks.texts, strict=True)):
        half = text_width(text, 11.5) / 2
        if x(value) - half < edge + 6:
            continue
        edge = x(value) + half
        role = "t" if ticks.is_named else "m"
        parts.append(label(x(value), bottom + 15, text, size=11.5, role=role, text_anchor="middle"))
    return parts, bottom + 18
