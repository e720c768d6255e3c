"""What every chart is made of: text that plotly may show, groups of colours, axes.

Names come from data and plotly reads a subset of HTML in every text, so each passes through `label`.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import polars as pl

from explorer.escape import printable
from explorer.statistic import Statistic
from explorer.units import UNITS, format_value

MAX_COLOURS = 8
NAME_WIDTH = 32
_WORDS = {
    "doc": "document", "docs": "documents", "chars": "characters", "url": "URL", "urls": "URLs", "ip": "IP", "id": "ID",
    "ids": "IDs", "sql": "SQL", "hhi": "HHI",
}  # fmt: skip


@dataclass(frozen=True)
class Plot:
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


@dataclass(frozen=True)
class Chart:
    """A figure, what it says in words, and what is not in it (empty when everything is)."""

    figure: go.Figure
    alt: str
    note: str


def column_title(name: str) -> str:
    """A column's name as a heading: n_docs is "documents", byte_share "byte share"."""
    words = name.removesuffix("_approx").removeprefix("n_").replace("_", " ")
    words = " ".join(_WORDS.get(word, word) for word in words.split(" "))
    return f"{words} (estimate)" if name.endswith("_approx") else words


def label(value: object, unit: str, width: int = 400) -> str:
    """A value as plotly may show it: on one line, cut to `width` characters, no markup."""
    if value is None:
        return "(none)"
    text = printable(format_value(value, unit)) or "(empty)"
    if len(text) > width:
        text = text[: width - 1] + "…"
    return html.escape(text, quote=False)


def wrapped_label(value: object, unit: str) -> str:
    text = html.unescape(label(value, unit))
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(text, 60) or [text])


def hover_texts(plot: Plot, frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """One text a row: each column's title and value, names in full and wrapped."""
    titles = [html.escape(plot.title(column)) for column in columns]
    values = [[wrapped_label(v, plot.unit(c)) for v in frame[c].to_list()] for c in columns]
    rows = zip(*values, strict=True)
    return ["<br>".join(f"{title}: {text}" for title, text in zip(titles, row, strict=True)) for row in rows]


def largest_groups(plot: Plot, value: str) -> tuple[list[Any], int]:
    """The largest groups of the colour column, and how many more there are."""
    totals = plot.frame.group_by(plot.color).agg(pl.col(value).sum().alias("total"))
    ordered = totals.sort(["total", plot.color], descending=[True, False], nulls_last=True)[plot.color].to_list()
    limit = MAX_COLOURS if len(ordered) > MAX_COLOURS + 1 else MAX_COLOURS + 1
    return ordered[:limit], max(0, len(ordered) - limit)


def split_groups(plot: Plot, groups: Sequence[Any], n_others: int, keys: Sequence[str], value: str) -> list[Any]:
    """(name, frame) per group; what is left is summed into one group at the end."""
    color = pl.col(plot.color)
    pieces = [
        (label(g, plot.unit(plot.color), NAME_WIDTH), plot.frame.filter(color.eq_missing(pl.lit(g)))) for g in groups
    ]
    if n_others:
        named = [g for g in groups if g is not None]
        rest = plot.frame.filter(~color.is_in(named).fill_null(None in groups))
        rest = rest.group_by(keys, maintain_order=True).agg(pl.col(value).sum(), pl.first(plot.color))
        pieces.append((f"{n_others} others", rest))
    return pieces


def magnitude_scale(values: Sequence[float]) -> tuple[Callable[[float], float], dict[str, Any]]:
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


def spans_magnitudes(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and v > 0 for v in values) and max(values) / min(values) > 200


def set_axis(figure: go.Figure, axis: str, **settings: Any) -> None:
    (figure.update_xaxes if axis == "x" else figure.update_yaxes)(**settings)


def name_axis(figure: go.Figure, axis: str, names: Sequence[str]) -> None:
    set_axis(
        figure, axis, tickmode="array", tickvals=list(range(len(names))), ticktext=list(names), title_text="",
        showgrid=False, zeroline=False, automargin=True,
    )  # fmt: skip


def number_axis(figure: go.Figure, axis: str, plot: Plot, column: str) -> None:
    set_axis(figure, axis, title_text=axis_title(plot, column), rangemode="tozero", automargin=True)
    _number_format(figure, axis, plot, column)


def scale_axis(figure: go.Figure, axis: str, plot: Plot, column: str) -> None:
    title = "" if plot.unit(column) == "date" else axis_title(plot, column)
    set_axis(figure, axis, title_text=title, automargin=True)
    dates = plot.frame[column].unique().sort().to_list() if plot.unit(column) == "date" else []
    if 0 < len(dates) <= 2:  # between so few, plotly would count milliseconds
        set_axis(figure, axis, tickmode="array", tickvals=dates, ticktext=[label(date, "date") for date in dates])
    _number_format(figure, axis, plot, column)


def _number_format(figure: go.Figure, axis: str, plot: Plot, column: str) -> None:
    if plot.unit(column) == "share":
        set_axis(figure, axis, tickformat=".0%")
    elif plot.is_number(column):
        set_axis(figure, axis, exponentformat="B", separatethousands=True)


def axis_title(plot: Plot, column: str) -> str:
    title = plot.title(column)
    unit = UNITS[plot.unit(column)].label
    is_bin = column.startswith("bin_")
    return html.escape(unit if unit and (title in unit or title == column or is_bin) else title)


def cut_note(n_shown: int, n_all: int, which: str, what: str) -> str:
    if n_shown >= n_all:
        return ""
    return f"The chart shows the {which} {n_shown:,} of {n_all:,} ({what}); the others are in the table."


def finish(figure: go.Figure, plot: Plot, kind: str, by: str, value: str, note: str, height: int) -> Chart:
    """Size, legend and description: what every figure has in common."""
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


def _alt(plot: Plot, kind: str, by: str, value: str) -> str:
    """One sentence for who cannot see the figure."""
    best = plot.frame.sort(value, descending=True, nulls_last=True).row(0, named=True)
    top = printable(format_value(best[by], plot.unit(by))) or "(none)"
    number = format_value(best[value], plot.unit(value))
    return (
        f"{plot.statistic.title}: {kind} of {plot.title(value)} by {plot.title(by)}, {plot.frame.height:,} rows. "
        f"The highest is {top[:80]} with {number}."
    )
