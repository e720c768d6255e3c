"""Plotly figures out of a statistic's frame and its `chart` header.

Colours, fonts and backgrounds are the page's theme's: a figure sets none. Names come from data and plotly reads a
subset of HTML in every text, so each passes through `label`; positions are numbers, so that equal names stay apart.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import polars as pl

from explorer.escape import printable
from explorer.statistic import Statistic
from explorer.units import UNITS, format_value

MAX_BARS = 30
MAX_COLOURS = 8
MAX_CELLS = 40
MAX_POINTS = 2000
_NAME_WIDTH = 32
_ACRONYMS = {"url": "URL", "urls": "URLs", "ip": "IP", "id": "ID", "ids": "IDs", "sql": "SQL", "hhi": "HHI"}
_WEIGHTS = ("n_docs", "n_bytes", "n_words", "n_tokens")


@dataclass(frozen=True)
class Chart:
    """A figure, what it says in words, and what is not in it (empty when everything is)."""

    figure: go.Figure
    alt: str
    note: str


@dataclass(frozen=True)
class _Plot:
    """A statistic's frame with the columns that its chart uses."""

    statistic: Statistic
    frame: pl.DataFrame
    x: str
    y: str
    color: str

    def unit(self, column: str) -> str:
        return self.statistic.column(column).unit

    def is_number(self, column: str) -> bool:
        return UNITS[self.unit(column)].is_numeric

    def title(self, column: str) -> str:
        return column_title(column)

    def texts(self, column: str, width: int = 400) -> list[str]:
        return [label(value, self.unit(column), width) for value in self.frame[column].to_list()]


def column_title(name: str) -> str:
    """A column's name as a heading: n_docs is "documents", byte_share "byte share"."""
    words = name.removesuffix("_approx").removeprefix("n_").replace("_", " ")
    words = {"docs": "documents", "chars": "characters"}.get(words, words)
    words = " ".join(_ACRONYMS.get(word, word) for word in words.split(" "))
    return f"{words} (estimate)" if name.endswith("_approx") else words


def label(value: object, unit: str, width: int = 400) -> str:
    """A value as plotly may show it: on one line, cut to `width` characters, no markup."""
    if value is None:
        return "(none)"
    text = printable(format_value(value, unit)) or "(empty)"
    if len(text) > width:
        text = text[: width - 1] + "…"
    return html.escape(text, quote=False)


def weights(statistic: Statistic, frame: pl.DataFrame) -> list[str]:
    """The columns that a chart may weigh by: documents, bytes, words and tokens, where the statistic has them."""
    found = [name for name in _WEIGHTS if name in frame.columns and frame[name].null_count() < frame.height]
    given = _value_column(statistic)
    return [given, *(name for name in found if name != given)] if given in found else []


def _value_column(statistic: Statistic) -> str:
    return next((str(statistic.chart[a]) for a in ("x", "y", "color") if statistic.chart.get(a) in _WEIGHTS), "")


def _wrapped(value: object, unit: str) -> str:
    text = html.unescape(label(value, unit))
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(text, 60) or [text])


def draw(statistic: Statistic, frame: pl.DataFrame, value: str = "") -> Chart | None:
    """The chart of a statistic, or None where it declares none or there is nothing to draw.

    `value` replaces the column that the chart weighs by (one of `weights`).
    """
    given = _value_column(statistic)
    spec = {a: value if value and column == given else column for a, column in statistic.chart.items()}
    kind = spec.get("kind")
    drawing = _KINDS.get(str(kind))
    if drawing is None:
        return None
    plot = _Plot(statistic, frame, str(spec["x"]), str(spec["y"]), str(spec.get("color", "")))
    plot = _without_nulls(plot)
    if not plot.frame.height:
        return None
    return drawing(plot)


def _without_nulls(plot: _Plot) -> _Plot:
    """Rows whose numbers can be drawn; a null category stays, as "(none)"."""
    needed = [c for c in (plot.x, plot.y, plot.color) if c and (plot.is_number(c) or plot.unit(c) == "date")]
    frame = plot.frame.drop_nulls(needed) if needed else plot.frame
    for column in needed:
        if frame[column].dtype.is_decimal():
            frame = frame.with_columns(pl.col(column).cast(pl.Float64))
        if frame[column].dtype.is_float():
            frame = frame.filter(pl.col(column).is_finite())
    return _Plot(plot.statistic, frame, plot.x, plot.y, plot.color)


def _hover(plot: _Plot, frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """One text a row: each column's title and value, names in full and wrapped."""
    titles = [html.escape(plot.title(column)) for column in columns]
    values = [[_wrapped(v, plot.unit(c)) for v in frame[c].to_list()] for c in columns]
    rows = zip(*values, strict=True)
    return ["<br>".join(f"{title}: {text}" for title, text in zip(titles, row, strict=True)) for row in rows]


def _bar(plot: _Plot) -> Chart:
    is_horizontal = plot.is_number(plot.x) and not plot.is_number(plot.y)
    value, category = (plot.x, plot.y) if is_horizontal else (plot.y, plot.x)
    if plot.color and plot.color != category:
        return _stacked(plot, category, value, is_horizontal)
    if plot.unit(category) == "date" or plot.is_number(category):
        return _columns(plot, category, value)
    shown = plot.frame.head(MAX_BARS)
    note = _cut(shown.height, plot.frame.height, "first", plot.title(category))
    names = [label(v, plot.unit(category), _NAME_WIDTH) for v in shown[category].to_list()]
    trace = {
        "customdata": _hover(plot, shown, _hover_columns(plot, category, value)),
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    positions = list(range(shown.height))
    numbers = shown[value].to_list()
    figure = go.Figure()
    if is_horizontal:
        figure.add_bar(x=numbers, y=positions, orientation="h", **trace)
        _name_axis(figure, "y", names)
        figure.update_yaxes(autorange="reversed")
        _number_axis(figure, "x", plot, value)
        height = max(130, 90 + 24 * len(names))
    else:
        figure.add_bar(x=positions, y=numbers, **trace)
        _name_axis(figure, "x", names)
        _number_axis(figure, "y", plot, value)
        height = 360
    return _finish(figure, plot, "bar chart", category, value, note, height)


def _hover_columns(plot: _Plot, category: str, value: str) -> list[str]:
    """The category, the value and the first shares: what a person would look up next in the table."""
    shares = [c.name for c in plot.statistic.columns if c.unit == "share" and c.name not in (category, value)]
    return [category, value, *shares[:2]]


def _columns(plot: _Plot, category: str, value: str) -> Chart:
    """Upright bars over a scale (dates or numbers), in the order of the scale."""
    shown = plot.frame.sort(category)
    figure = go.Figure()
    figure.add_bar(
        x=shown[category].to_list(),
        y=shown[value].to_list(),
        customdata=_hover(plot, shown, _hover_columns(plot, category, value)),
        hovertemplate="%{customdata}<extra></extra>",
    )
    _scale_axis(figure, "x", plot, category)
    _number_axis(figure, "y", plot, value)
    return _finish(figure, plot, "bar chart", category, value, "", 340)


def _groups(plot: _Plot, value: str) -> tuple[list[Any], int]:
    """The largest groups of the colour column, and how many more there are."""
    totals = plot.frame.group_by(plot.color).agg(pl.col(value).sum().alias("total"))
    ordered = totals.sort(["total", plot.color], descending=[True, False], nulls_last=True)[plot.color].to_list()
    limit = MAX_COLOURS if len(ordered) > MAX_COLOURS + 1 else MAX_COLOURS + 1
    return ordered[:limit], max(0, len(ordered) - limit)


def _split(plot: _Plot, groups: Sequence[Any], n_others: int, keys: Sequence[str], value: str) -> list[Any]:
    """(name, frame) per group; what is left is summed into one group at the end."""
    color = pl.col(plot.color)
    pieces = [
        (label(g, plot.unit(plot.color), _NAME_WIDTH), plot.frame.filter(color.eq_missing(pl.lit(g)))) for g in groups
    ]
    if n_others:
        named = [g for g in groups if g is not None]
        rest = plot.frame.filter(~color.is_in(named).fill_null(None in groups))
        rest = rest.group_by(keys, maintain_order=True).agg(pl.col(value).sum(), pl.first(plot.color))
        pieces.append((f"{n_others} others", rest))
    return pieces


def _stacked(plot: _Plot, category: str, value: str, is_horizontal: bool) -> Chart:
    groups, n_others = _groups(plot, value)
    is_scale = plot.unit(category) == "date" or plot.is_number(category)
    values = plot.frame[category].unique(maintain_order=True).to_list()
    shown = values if is_scale else values[:MAX_BARS]
    positions = {v: n for n, v in enumerate(shown)}
    figure = go.Figure()
    for name, piece in _split(plot, groups, n_others, [category], value):
        piece = piece.filter(pl.col(category).is_in(shown, nulls_equal=True)).sort(category)
        places = piece[category].to_list() if is_scale else [positions[v] for v in piece[category].to_list()]
        numbers = piece[value].to_list()
        hover = [f"{name}<br>{line}" for line in _hover(plot, piece, [category, value])]
        x, y = (numbers, places) if is_horizontal else (places, numbers)
        figure.add_bar(
            x=x, y=y, orientation="h" if is_horizontal else "v", name=name, customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack")
    axis, other = ("y", "x") if is_horizontal else ("x", "y")
    if is_scale:
        _scale_axis(figure, axis, plot, category)
    else:
        _name_axis(figure, axis, [label(v, plot.unit(category), _NAME_WIDTH) for v in shown])
    if is_horizontal:
        figure.update_yaxes(autorange="reversed")
    _number_axis(figure, other, plot, value)
    height = 130 + 24 * len(shown) if is_horizontal else 400
    note = _cut(len(shown), len(values), "first", plot.title(category))
    return _finish(figure, plot, "stacked bar chart", category, value, note, height)


def _stacked_bar(plot: _Plot) -> Chart:
    is_horizontal = plot.is_number(plot.x) and not plot.is_number(plot.y)
    value, category = (plot.x, plot.y) if is_horizontal else (plot.y, plot.x)
    return _stacked(plot, category, value, is_horizontal) if plot.color else _bar(plot)


def _line(plot: _Plot) -> Chart:
    figure = go.Figure()
    note = ""
    pieces = [("", plot.frame)]
    if plot.color:
        groups, n_others = _groups(plot, plot.y)
        pieces = _split(plot, groups, 0, [plot.x], plot.y)
        note = _cut(len(groups), len(groups) + n_others, "largest", plot.title(plot.color))
    for name, piece in pieces:
        piece = piece.sort(plot.x)
        hover = _hover(plot, piece, [plot.x, plot.y])
        figure.add_scatter(
            x=piece[plot.x].to_list(),
            y=piece[plot.y].to_list(),
            mode="lines+markers" if piece.height <= 40 else "lines",
            name=name or None,
            customdata=[f"{name}<br>{line}" if name else line for line in hover],
            hovertemplate="%{customdata}<extra></extra>",
        )
    _scale_axis(figure, "x", plot, plot.x)
    _number_axis(figure, "y", plot, plot.y)
    return _finish(figure, plot, "line chart", plot.x, plot.y, note, 380)


def _histogram(plot: _Plot) -> Chart:
    """Bins that the statistic has counted. Values over several magnitudes stand on a logarithmic scale."""
    values = sorted(set(plot.frame[plot.x].to_list()))
    place, ticks = _positions([float(v) for v in values])
    places = [place(float(v)) for v in values]
    gaps = [b - a for a, b in pairwise(places)]
    width = sorted(gaps)[len(gaps) // 2] if gaps else 1.0
    figure = go.Figure()
    pieces = [("", plot.frame)]
    if plot.color:
        groups, n_others = _groups(plot, plot.y)
        pieces = _split(plot, groups, n_others, [plot.x], plot.y)
    for name, piece in pieces:
        piece = piece.sort(plot.x)
        hover = _hover(plot, piece, [plot.x, plot.y])
        figure.add_bar(
            x=[place(float(v)) for v in piece[plot.x].to_list()],
            y=piece[plot.y].to_list(),
            width=width,
            offset=0,  # a bin stands at its lower bound
            name=name or None,
            customdata=[f"{name}<br>{line}" if name else line for line in hover],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0)
    figure.update_xaxes(title_text=_axis_title(plot, plot.x), **ticks)
    _number_axis(figure, "y", plot, plot.y)
    return _finish(figure, plot, "histogram", plot.x, plot.y, "", 360)


def _positions(values: Sequence[float]) -> tuple[Callable[[float], float], dict[str, Any]]:
    """Where a value stands on its axis, and that axis's ticks. Bars have no width on plotly's own logarithmic axis."""
    positive = [v for v in values if v > 0]
    if not positive or min(values) < 0 or max(positive) / min(positive) < 200:
        return (lambda v: v), {"exponentformat": "B"}
    low = math.floor(math.log10(min(positive)))
    high = math.ceil(math.log10(max(positive)))
    zero = math.log10(min(positive)) - 0.4
    tick_values = [float(power) for power in range(low, high + 1)]
    tick_texts = [_short(10.0**power) for power in range(low, high + 1)]
    if len(positive) < len(values):
        tick_values, tick_texts = [zero, *(t for t in tick_values if t > zero)], ["0", *tick_texts]
        tick_texts = ["0", *(_short(10.0**t) for t in tick_values[1:])]
    return (
        lambda v: math.log10(v) if v > 0 else zero,
        {"tickmode": "array", "tickvals": tick_values, "ticktext": tick_texts},
    )


def _short(number: float) -> str:
    """1000 as 1k, 1000000 as 1M."""
    for power, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= power:
            return f"{number / power:g}{suffix}"
    return f"{number:g}"


def _heatmap(plot: _Plot) -> Chart:
    columns = plot.frame[plot.x].unique(maintain_order=True).to_list()
    rows = plot.frame[plot.y].unique(maintain_order=True).to_list()
    note = " ".join(
        filter(
            None,
            (
                _cut(min(len(values), MAX_CELLS), len(values), "first", plot.title(c))
                for c, values in ((plot.x, columns), (plot.y, rows))
            ),
        )
    )
    columns, rows = columns[:MAX_CELLS], rows[:MAX_CELLS]
    cells: dict[tuple[Any, Any], Any] = {
        (y, x): z for y, x, z in plot.frame.select(plot.y, plot.x, plot.color).iter_rows()
    }
    hover = [
        [
            f"{plot.title(plot.y)}: {_wrapped(y, plot.unit(plot.y))}<br>"
            f"{plot.title(plot.x)}: {_wrapped(x, plot.unit(plot.x))}<br>"
            f"{plot.title(plot.color)}: {_wrapped(cells.get((y, x)), plot.unit(plot.color))}"
            for x in columns
        ]
        for y in rows
    ]
    is_share = plot.unit(plot.color) == "share"
    figure = go.Figure(
        go.Heatmap(
            z=[[cells.get((y, x)) for x in columns] for y in rows],
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
            xgap=1,
            ygap=1,
            colorbar={
                "title": {"text": plot.title(plot.color)},
                "tickformat": ".0%" if is_share else "",
                "thickness": 12,
            },
        )
    )
    _name_axis(figure, "x", [label(x, plot.unit(plot.x), 20) for x in columns])
    _name_axis(figure, "y", [label(y, plot.unit(plot.y), _NAME_WIDTH) for y in rows])
    figure.update_yaxes(autorange="reversed")
    return _finish(figure, plot, "heat map", plot.y, plot.color, note, 140 + 24 * len(rows))


def _scatter(plot: _Plot) -> Chart:
    shown = plot.frame.head(MAX_POINTS)
    note = _cut(shown.height, plot.frame.height, "first", "points")
    names = [c.name for c in plot.statistic.columns if c.unit == "name" and c.name not in (plot.x, plot.y, plot.color)]
    columns = [*names[:1], *([plot.color] if plot.color else []), plot.x, plot.y]
    figure = go.Figure()
    cut = _Plot(plot.statistic, shown, plot.x, plot.y, plot.color)
    pieces = [("", shown)]
    if plot.color and not plot.is_number(plot.color):
        groups, n_others = _groups(cut, plot.y)
        pieces = _split(cut, groups, 0, [plot.x], plot.y)
        note = note or _cut(len(groups), len(groups) + n_others, "largest", plot.title(plot.color))
    for name, piece in pieces:
        figure.add_scatter(
            x=piece[plot.x].to_list(),
            y=piece[plot.y].to_list(),
            mode="markers",
            name=name or None,
            marker={"size": 9, "opacity": 0.8},
            customdata=_hover(plot, piece, columns),
            hovertemplate="%{customdata}<extra></extra>",
        )
    for axis, column in (("x", plot.x), ("y", plot.y)):
        _scale_axis(figure, axis, plot, column)
        if _spans_magnitudes(shown[column].to_list()):
            _axis(figure, axis, type="log", dtick=1)
    return _finish(figure, plot, "scatter plot", plot.x, plot.y, note, 420)


def _spans_magnitudes(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and v > 0 for v in values) and max(values) / min(values) > 200


def _axis(figure: go.Figure, axis: str, **settings: Any) -> None:
    (figure.update_xaxes if axis == "x" else figure.update_yaxes)(**settings)


def _name_axis(figure: go.Figure, axis: str, names: Sequence[str]) -> None:
    _axis(
        figure, axis, tickmode="array", tickvals=list(range(len(names))), ticktext=list(names), title_text="",
        showgrid=False, zeroline=False, automargin=True,
    )  # fmt: skip


def _number_axis(figure: go.Figure, axis: str, plot: _Plot, column: str) -> None:
    _axis(figure, axis, title_text=_axis_title(plot, column), rangemode="tozero", automargin=True)
    _number_format(figure, axis, plot, column)


def _scale_axis(figure: go.Figure, axis: str, plot: _Plot, column: str) -> None:
    title = "" if plot.unit(column) == "date" else _axis_title(plot, column)
    _axis(figure, axis, title_text=title, automargin=True)
    _number_format(figure, axis, plot, column)


def _number_format(figure: go.Figure, axis: str, plot: _Plot, column: str) -> None:
    if plot.unit(column) == "share":
        _axis(figure, axis, tickformat=".0%")
    elif plot.is_number(column):
        _axis(figure, axis, exponentformat="B", separatethousands=True)


def _axis_title(plot: _Plot, column: str) -> str:
    title = plot.title(column)
    unit = UNITS[plot.unit(column)].label
    is_bin = column.startswith("bin_")
    return html.escape(unit if unit and (title in unit or title == column or is_bin) else title)


def _cut(n_shown: int, n_all: int, which: str, what: str) -> str:
    if n_shown >= n_all:
        return ""
    return f"The chart shows the {which} {n_shown:,} of {n_all:,} ({what}); the others are in the table."


def _finish(figure: go.Figure, plot: _Plot, kind: str, by: str, value: str, note: str, height: int) -> Chart:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.0,
            "xanchor": "left",
            "x": 0,
            "traceorder": "normal",
            "title": {"text": ""},
        },
        showlegend=len(figure.data) > 1,
        hoverlabel={"namelength": -1, "align": "left"},
        dragmode=False,
        bargap=0 if kind == "histogram" else 0.25,
    )
    return Chart(figure, _alt(plot, kind, by, value), note)


def _alt(plot: _Plot, kind: str, by: str, value: str) -> str:
    """One sentence for who cannot see the figure."""
    best = plot.frame.sort(value, descending=True, nulls_last=True).row(0, named=True)
    top = printable(format_value(best[by], plot.unit(by))) or "(none)"
    number = format_value(best[value], plot.unit(value))
    return (
        f"{plot.statistic.title}: {kind} of {plot.title(value)} by {plot.title(by)}, {plot.frame.height:,} rows. "
        f"The highest is {top[:80]} with {number}."
    )


_KINDS: Mapping[str, Callable[[_Plot], Chart]] = {
    "bar": _bar,
    "stacked_bar": _stacked_bar,
    "line": _line,
    "histogram": _histogram,
    "heatmap": _heatmap,
    "scatter": _scatter,
}
