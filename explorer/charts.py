"""Plotly figures out of a statistic's frame and its `chart` header.

Colours, fonts and backgrounds are the page's theme's: a figure sets none. Categories stand at numbers, so that names
which are equal once cut stay apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import polars as pl

from explorer.plots import (
    NAME_WIDTH,
    Chart,
    Plot,
    axis_title,
    cut_note,
    finish,
    hover_texts,
    label,
    largest_groups,
    magnitude_scale,
    name_axis,
    number_axis,
    scale_axis,
    set_axis,
    spans_magnitudes,
    split_groups,
    wrapped_label,
)
from explorer.rule_charts import correlation, curve, upset, waterfall
from explorer.statistic import Statistic

MAX_BARS = 30
MAX_CELLS = 40
MAX_POINTS = 2000
_WEIGHTS = ("n_docs", "n_bytes", "n_words", "n_tokens")


def weights(statistic: Statistic, frame: pl.DataFrame) -> list[str]:
    """The columns that a chart may weigh by: documents, bytes, words and tokens, where the statistic has them."""
    found = [name for name in _WEIGHTS if name in frame.columns and frame[name].null_count() < frame.height]
    given = _value_column(statistic)
    return [given, *(name for name in found if name != given)] if given in found else []


def _value_column(statistic: Statistic) -> str:
    return next((str(statistic.chart[a]) for a in ("x", "y", "color") if statistic.chart.get(a) in _WEIGHTS), "")


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
    plot = Plot(statistic, frame, str(spec["x"]), str(spec["y"]), str(spec.get("color", "")))
    plot = _without_nulls(plot)
    if not plot.frame.height:
        return None
    return drawing(plot)


def _without_nulls(plot: Plot) -> Plot:
    """Rows whose numbers can be drawn; a null category stays, as "(none)" or what its column says that it means."""
    meanings = {c.name: c.null for c in plot.statistic.columns if c.null and c.name in (plot.x, plot.y, plot.color)}
    named = plot.frame.with_columns(pl.col(name).fill_null(f"({null})") for name, null in meanings.items())
    plot = Plot(plot.statistic, named, plot.x, plot.y, plot.color)
    needed = [c for c in (plot.x, plot.y, plot.color) if c and (plot.is_number(c) or plot.unit(c) == "date")]
    frame = plot.frame.drop_nulls(needed) if needed else plot.frame
    for column in needed:
        if frame[column].dtype.is_decimal():
            frame = frame.with_columns(pl.col(column).cast(pl.Float64))
        if frame[column].dtype.is_float():
            frame = frame.filter(pl.col(column).is_finite())
    return Plot(plot.statistic, frame, plot.x, plot.y, plot.color)


def _bar(plot: Plot) -> Chart:
    is_horizontal = plot.is_number(plot.x) and not plot.is_number(plot.y)
    value, category = (plot.x, plot.y) if is_horizontal else (plot.y, plot.x)
    if plot.color and plot.color != category:
        return _stacked(plot, category, value, is_horizontal)
    if plot.unit(category) == "date" or plot.is_number(category):
        return _columns(plot, category, value)
    shown = plot.frame.head(MAX_BARS)
    note = cut_note(shown.height, plot.frame.height, "first", plot.title(category))
    names = [label(v, plot.unit(category), NAME_WIDTH) for v in shown[category].to_list()]
    trace: dict[str, Any] = {
        "customdata": hover_texts(plot, shown, _hover_columns(plot, category, value)),
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    if f"{value}_error" in shown.columns:
        errors = shown[f"{value}_error"].fill_null(0.0).to_list()
        trace["error_x" if is_horizontal else "error_y"] = {"type": "data", "array": errors, "thickness": 1, "width": 3}
    positions = list(range(shown.height))
    numbers = shown[value].to_list()
    figure = go.Figure()
    if is_horizontal:
        figure.add_bar(x=numbers, y=positions, orientation="h", **trace)
        name_axis(figure, "y", names)
        figure.update_yaxes(autorange="reversed")
        number_axis(figure, "x", plot, value)
        height = max(130, 90 + 24 * len(names))
    else:
        figure.add_bar(x=positions, y=numbers, **trace)
        name_axis(figure, "x", names)
        number_axis(figure, "y", plot, value)
        height = 360
    return finish(figure, plot, "bar chart", category, value, note, height)


def _hover_columns(plot: Plot, category: str, value: str) -> list[str]:
    """The category, the value and the first shares: what a person would look up next in the table."""
    shares = [c.name for c in plot.statistic.columns if c.unit == "share" and c.name not in (category, value)]
    return [category, value, *shares[:2]]


def _columns(plot: Plot, category: str, value: str) -> Chart:
    """Upright bars over a scale (dates or numbers), in the order of the scale."""
    shown = plot.frame.sort(category)
    figure = go.Figure()
    figure.add_bar(
        x=shown[category].to_list(),
        y=shown[value].to_list(),
        customdata=hover_texts(plot, shown, _hover_columns(plot, category, value)),
        hovertemplate="%{customdata}<extra></extra>",
    )
    scale_axis(figure, "x", plot, category)
    number_axis(figure, "y", plot, value)
    return finish(figure, plot, "bar chart", category, value, "", 340)


def _stacked(plot: Plot, category: str, value: str, is_horizontal: bool) -> Chart:
    groups, n_others = largest_groups(plot, value)
    is_scale = plot.unit(category) == "date" or plot.is_number(category)
    values = plot.frame[category].unique(maintain_order=True).to_list()
    shown = values if is_scale else values[:MAX_BARS]
    positions = {v: n for n, v in enumerate(shown)}
    figure = go.Figure()
    for name, piece in split_groups(plot, groups, n_others, [category], value):
        piece = piece.filter(pl.col(category).is_in(shown, nulls_equal=True)).sort(category)
        places = piece[category].to_list() if is_scale else [positions[v] for v in piece[category].to_list()]
        numbers = piece[value].to_list()
        hover = [f"{name}<br>{line}" for line in hover_texts(plot, piece, [category, value])]
        x, y = (numbers, places) if is_horizontal else (places, numbers)
        figure.add_bar(
            x=x, y=y, orientation="h" if is_horizontal else "v", name=name, customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack")
    axis, other = ("y", "x") if is_horizontal else ("x", "y")
    if is_scale:
        scale_axis(figure, axis, plot, category)
    else:
        name_axis(figure, axis, [label(v, plot.unit(category), NAME_WIDTH) for v in shown])
    if is_horizontal:
        figure.update_yaxes(autorange="reversed")
    number_axis(figure, other, plot, value)
    height = 130 + 24 * len(shown) if is_horizontal else 400
    note = cut_note(len(shown), len(values), "first", plot.title(category))
    return finish(figure, plot, "stacked bar chart", category, value, note, height)


def _stacked_bar(plot: Plot) -> Chart:
    is_horizontal = plot.is_number(plot.x) and not plot.is_number(plot.y)
    value, category = (plot.x, plot.y) if is_horizontal else (plot.y, plot.x)
    return _stacked(plot, category, value, is_horizontal) if plot.color else _bar(plot)


def _line(plot: Plot) -> Chart:
    figure = go.Figure()
    note = ""
    pieces = [("", plot.frame)]
    if plot.color:
        groups, n_others = largest_groups(plot, plot.y)
        pieces = split_groups(plot, groups, 0, [plot.x], plot.y)
        note = cut_note(len(groups), len(groups) + n_others, "largest", plot.title(plot.color))
    for name, piece in pieces:
        piece = piece.sort(plot.x)
        hover = hover_texts(plot, piece, [plot.x, plot.y])
        figure.add_scatter(
            x=piece[plot.x].to_list(),
            y=piece[plot.y].to_list(),
            mode="lines+markers" if piece.height <= 40 else "lines",
            name=name or None,
            customdata=[f"{name}<br>{line}" if name else line for line in hover],
            hovertemplate="%{customdata}<extra></extra>",
        )
    scale_axis(figure, "x", plot, plot.x)
    number_axis(figure, "y", plot, plot.y)
    return finish(figure, plot, "line chart", plot.x, plot.y, note, 380)


def _bin_widths(plot: Plot, place: Callable[[float], float], usual: float) -> dict[Any, float]:
    """How wide each bin is on the scale: to its end where the statistic tells it, else the usual gap between bins."""
    end = plot.x.replace("start", "end")
    if end == plot.x or end not in plot.frame.columns:
        return dict.fromkeys(plot.frame[plot.x].to_list(), usual)
    widths = {a: place(float(b)) - place(float(a)) for a, b in plot.frame.select(plot.x, end).iter_rows()}
    # zero has a place of its own on a scale of magnitudes
    return {start: width if width > 0 else usual for start, width in widths.items()}


def _histogram(plot: Plot) -> Chart:
    """Bins that the statistic has counted. Values over several magnitudes stand on a logarithmic scale."""
    values = sorted(set(plot.frame[plot.x].to_list()))
    place, ticks = magnitude_scale([float(v) for v in values])
    places = [place(float(v)) for v in values]
    gaps = [b - a for a, b in pairwise(places)]
    widths = _bin_widths(plot, place, sorted(gaps)[len(gaps) // 2] if gaps else 1.0)
    figure = go.Figure()
    pieces = [("", plot.frame)]
    if plot.color:
        groups, n_others = largest_groups(plot, plot.y)
        pieces = split_groups(plot, groups, n_others, [plot.x], plot.y)
    for name, piece in pieces:
        piece = piece.sort(plot.x)
        hover = hover_texts(plot, piece, [plot.x, plot.y])
        figure.add_bar(
            x=[place(float(v)) for v in piece[plot.x].to_list()],
            y=piece[plot.y].to_list(),
            width=[widths[start] for start in piece[plot.x].to_list()],
            offset=0,  # a bin stands at its lower bound
            name=name or None,
            customdata=[f"{name}<br>{line}" if name else line for line in hover],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0)
    figure.update_xaxes(title_text=axis_title(plot, plot.x), **ticks)
    number_axis(figure, "y", plot, plot.y)
    return finish(figure, plot, "histogram", plot.x, plot.y, "", 360)


def _heatmap(plot: Plot) -> Chart:
    columns = plot.frame[plot.x].unique(maintain_order=True).to_list()
    rows = plot.frame[plot.y].unique(maintain_order=True).to_list()
    note = " ".join(
        filter(
            None,
            (
                cut_note(min(len(values), MAX_CELLS), len(values), "first", plot.title(c))
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
            f"{plot.title(plot.y)}: {wrapped_label(y, plot.unit(plot.y))}<br>"
            f"{plot.title(plot.x)}: {wrapped_label(x, plot.unit(plot.x))}<br>"
            f"{plot.title(plot.color)}: {wrapped_label(cells.get((y, x)), plot.unit(plot.color))}"
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
            zmin=0 if is_share else None,
            zmax=1 if is_share else None,
            colorbar={
                "title": {"text": plot.title(plot.color)},
                "tickformat": ".0%" if is_share else "",
                "thickness": 12,
            },
        )
    )
    name_axis(figure, "x", [label(x, plot.unit(plot.x), 20) for x in columns])
    name_axis(figure, "y", [label(y, plot.unit(plot.y), NAME_WIDTH) for y in rows])
    figure.update_yaxes(autorange="reversed")
    return finish(figure, plot, "heat map", plot.y, plot.color, note, 140 + 24 * len(rows))


def _scatter(plot: Plot) -> Chart:
    shown = plot.frame.head(MAX_POINTS)
    note = cut_note(shown.height, plot.frame.height, "first", "points")
    names = [c.name for c in plot.statistic.columns if c.unit == "name" and c.name not in (plot.x, plot.y, plot.color)]
    columns = [*names[:1], *([plot.color] if plot.color else []), plot.x, plot.y]
    figure = go.Figure()
    cut = Plot(plot.statistic, shown, plot.x, plot.y, plot.color)
    pieces = [("", shown)]
    if plot.color and not plot.is_number(plot.color):
        groups, n_others = largest_groups(cut, plot.y)
        pieces = split_groups(cut, groups, 0, [plot.x], plot.y)
        note = note or cut_note(len(groups), len(groups) + n_others, "largest", plot.title(plot.color))
    for name, piece in pieces:
        figure.add_scatter(
            x=piece[plot.x].to_list(),
            y=piece[plot.y].to_list(),
            mode="markers",
            name=name or None,
            marker={"size": 9, "opacity": 0.8},
            customdata=hover_texts(plot, piece, columns),
            hovertemplate="%{customdata}<extra></extra>",
        )
    for axis, column in (("x", plot.x), ("y", plot.y)):
        scale_axis(figure, axis, plot, column)
        if spans_magnitudes(shown[column].to_list()):
            set_axis(figure, axis, type="log", dtick=1)
    return finish(figure, plot, "scatter plot", plot.x, plot.y, note, 420)


_KINDS: Mapping[str, Callable[[Plot], Chart]] = {
    "bar": _bar,
    "stacked_bar": _stacked_bar,
    "line": _line,
    "histogram": _histogram,
    "heatmap": _heatmap,
    "scatter": _scatter,
    "waterfall": waterfall,
    "upset": upset,
    "correlation": correlation,
    "curve": curve,
}

__all__ = ["Chart", "draw", "weights"]
