"""Charts of rules: the waterfall, the UpSet plot, correlations, and the curve over a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from explorer.escape import printable
from explorer.plots import (
    NAME_WIDTH,
    Chart,
    Plot,
    axis_title,
    cut_note,
    finish,
    hover_texts,
    label,
    magnitude_scale,
    name_axis,
    number_axis,
    set_axis,
    wrapped_label,
)
from explorer.units import format_value

MAX_STEPS = 60
MAX_SETS = 25
MAX_RULES = 40
JOINER = " + "
_FAINT = 0.14


def waterfall(plot: Plot) -> Chart:
    """What is left after each step (`x`, a column n_..._left) and what the step took (n_..._removed)."""
    shown = plot.frame.head(MAX_STEPS)
    taken = plot.x.replace("_left", "_removed")
    figure = go.Figure()
    names = [label(v, plot.unit(plot.y), NAME_WIDTH) for v in shown[plot.y].to_list()]
    shares = [c.name for c in plot.statistic.columns if c.unit == "share"]
    hover = hover_texts(plot, shown, [plot.y, taken, plot.x, *shares[:1]])
    for title, column in (("left", plot.x), ("removed here", taken)):
        figure.add_bar(
            x=shown[column].to_list(),
            y=list(range(shown.height)),
            orientation="h",
            name=title,
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    name_axis(figure, "y", names)
    figure.update_yaxes(autorange="reversed")
    number_axis(figure, "x", plot, plot.x)
    note = cut_note(shown.height, plot.frame.height, "first", "steps")
    chart = finish(figure, plot, "waterfall", plot.y, taken, note, 120 + 24 * shown.height)
    last = plot.frame.row(-1, named=True)
    alt = f"{chart.alt} After the last step {format_value(last[plot.x], plot.unit(plot.x))} are left."
    return Chart(figure, alt, chart.note)


def upset(plot: Plot) -> Chart:
    """Bars of the combinations (`y`, names joined by " + ") above a matrix of what each combination holds."""
    shown = plot.frame.head(MAX_SETS)
    sets = [_members(row, plot.y) for row in shown.iter_rows(named=True)]
    sizes: dict[str, float] = {}
    for members, size in zip(sets, shown[plot.x].to_list(), strict=True):
        for name in members:
            sizes[name] = sizes.get(name, 0) + size
    rules = sorted(sizes, key=lambda name: (-sizes[name], name))[:MAX_RULES]
    rows = {name: number for number, name in enumerate(rules)}
    columns = list(range(shown.height))
    shares = [c.name for c in plot.statistic.columns if c.unit == "share"]
    figure = go.Figure()
    hover = {"customdata": hover_texts(plot, shown, [plot.y, plot.x, *shares[:1]])}
    figure.add_bar(
        x=columns, y=shown[plot.x].to_list(), yaxis="y2", hovertemplate="%{customdata}<extra></extra>", **hover
    )
    x, y, opacity, texts = _dots(sets, rows)
    size = 10 if len(columns) <= 15 else 7  # narrow pages
    figure.add_scatter(
        x=x, y=y, mode="lines+markers", connectgaps=False, marker={"size": size, "opacity": opacity}, line={"width": 2},
        customdata=texts, hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    share = max(0.3, min(0.65, len(rules) * 22 / (len(rules) * 22 + 220)))
    name_axis(figure, "y", [label(name, "name", 26) for name in rules])
    figure.update_layout(
        yaxis={"domain": [0, share], "range": [len(rules) - 0.5, -0.5]},
        yaxis2={"domain": [share + 0.03, 1], "anchor": "x", "exponentformat": "B", "rangemode": "tozero",
                "title": {"text": axis_title(plot, plot.x)}, "automargin": True},
        xaxis={"anchor": "y", "showticklabels": False, "showgrid": False, "zeroline": False,
               "range": [-0.6, len(columns) - 0.4]},
    )  # fmt: skip
    note = cut_note(shown.height, plot.frame.height, "largest", "combinations")
    if len(sizes) > len(rules):
        note = f"{note} {cut_note(len(rules), len(sizes), 'most frequent', 'rules')}".strip()
    chart = finish(figure, plot, "UpSet plot", plot.y, plot.x, note, 260 + 22 * len(rules))
    figure.update_layout(showlegend=False)
    return chart


def _members(row: dict[str, Any], column: str) -> list[str]:
    """The names in a combination; one name where the names themselves hold what joins them."""
    names = str(row[column]).split(JOINER)
    return names if len(names) == row.get("n_rules", len(names)) else [str(row[column])]


def _dots(
    sets: Sequence[Sequence[str]], rows: dict[str, int]
) -> tuple[list[float | None], list[float | None], list[float], list[str]]:
    """The matrix as one trace: the dots of a combination joined by a line, the empty places faint."""
    x: list[float | None] = []
    y: list[float | None] = []
    opacity: list[float] = []
    texts: list[str] = []

    def add(column: float | None, row: float | None, strength: float, text: str) -> None:
        x.append(column)
        y.append(row)
        opacity.append(strength)
        texts.append(text)

    for column, members in enumerate(sets):
        held = sorted(rows[name] for name in members if name in rows)
        text = "<br>".join(wrapped_label(name, "name") for name in members)
        for row in held:
            add(column, row, 1.0, text)
        for row in range(len(rows)):
            if row not in held:
                add(None, None, 0.0, "")
                add(column, row, _FAINT, "")
        add(None, None, 0.0, "")
    return x, y, opacity, texts


def correlation(plot: Plot) -> Chart:
    """A matrix of numbers from -1 to 1, with colours that part at zero."""
    names = plot.frame[plot.y].unique(maintain_order=True).to_list()
    note = cut_note(min(len(names), MAX_RULES), len(names), "first", plot.title(plot.y))
    names = names[:MAX_RULES]
    cells: dict[tuple[Any, Any], float] = {
        (a, b): value for a, b, value in plot.frame.select(plot.y, plot.x, plot.color).iter_rows()
    }
    hover = [
        [
            f"{wrapped_label(a, 'name')}<br>and {wrapped_label(b, 'name')}<br>"
            f"{plot.title(plot.color)}: {label(cells.get((a, b)), plot.unit(plot.color))}"
            for b in names
        ]
        for a in names
    ]
    figure = go.Figure(
        go.Heatmap(
            z=[[cells.get((a, b)) for b in names] for a in names],
            x=list(range(len(names))),
            y=list(range(len(names))),
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            xgap=1,
            ygap=1,
            zmin=-1,
            zmax=1,
            zmid=0,
            autocolorscale=True,  # the theme's diverging colours, as the numbers have both signs
            colorbar={  # above the matrix: beside it, a telephone would leave no room for the matrix
                "title": {"text": plot.title(plot.color), "side": "top"},
                "thickness": 10,
                "tickvals": [-1, -0.5, 0, 0.5, 1],
                "orientation": "h",
                "y": 1.02,
                "yanchor": "bottom",
            },
        )
    )
    name_axis(figure, "x", [label(name, "name", 16) for name in names])
    name_axis(figure, "y", [label(name, "name", 22) for name in names])
    figure.update_yaxes(autorange="reversed")
    return finish(figure, plot, "heat map", plot.y, plot.color, note, 250 + 24 * len(names))


def curve(plot: Plot) -> Chart:
    """A line for each column of shares over `x`, and a mark at the row that is flagged (the chosen threshold)."""
    frame = plot.frame.sort(plot.x)
    shares = [c.name for c in plot.statistic.columns if c.unit == "share" and frame[c.name].null_count() < frame.height]
    flag = next(c.name for c in plot.statistic.columns if c.unit == "flag")
    values = [float(v) for v in frame[plot.x].to_list()]
    place, ticks = magnitude_scale(values)
    places = [place(v) for v in values]
    figure = go.Figure()
    for name in shares:
        figure.add_scatter(
            x=places,
            y=frame[name].to_list(),
            mode="lines",
            name=_measured(name),
            customdata=hover_texts(plot, frame, [plot.x, name]),
            hovertemplate="%{customdata}<extra></extra>",
        )
    chosen = frame.filter(pl.col(flag))
    for row in chosen.iter_rows(named=True):
        at = place(float(row[plot.x]))
        figure.add_vline(x=at, line_width=1, line_dash="dot", line_color="gray")
        figure.add_scatter(
            x=[at] * len(shares),
            y=[row[name] for name in shares],
            mode="markers",
            name=f"chosen: {label(row[plot.x], plot.unit(plot.x))}",
            marker={"size": 10, "symbol": "diamond"},
            customdata=[t for name in shares for t in hover_texts(plot, chosen, [plot.x, name])[:1]],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_xaxes(title_text=plot.title(plot.x), **ticks)
    set_axis(figure, "y", rangemode="tozero", tickformat=".0%", title_text="kept", automargin=True)
    chart = finish(figure, plot, "line chart", plot.x, shares[0], "", 360)
    figure.update_layout(showlegend=True)
    said = ", ".join(
        f"at {printable(format_value(row[plot.x], plot.unit(plot.x)))}, which is chosen, "
        f"{format_value(row[shares[0]], 'share')} is kept"
        for row in chosen.iter_rows(named=True)
    )
    return Chart(figure, f"{chart.alt} {said[:1].upper()}{said[1:]}." if said else chart.alt, chart.note)


def _measured(share: str) -> str:
    """What a share is of: kept_doc_share of documents."""
    measure = share.removeprefix("kept_").removesuffix("_share")
    return "documents" if measure == "doc" else f"{measure}s"
