"""The charts of a sheet: each statistic that a card shows as a picture, as SVG and as PNG.

The same charts as the dashboard's, from the sheet's rows: `explorer.charts` says what is drawn, `figure` draws it.
"""

from __future__ import annotations

import datetime
import html
from dataclasses import replace
from typing import Any

import polars as pl

from explorer.charts import MAX_BARS, MAX_CELLS, draw
from explorer.datasheet.figure import Heading, to_svg
from explorer.datasheet.sheet import Sheet
from explorer.datasheet.svg import to_png
from explorer.plots import Plot, axis_title, column_title, cut_note, label
from explorer.rule_charts import MAX_STEPS
from explorer.statistic import Column, Statistic, load_statistics
from explorer.units import UNITS, format_value

CHARTS = (
    "composition",
    "languages",
    "languages_by_source",
    "domains",
    "suffixes",
    "length_histogram",
    "documents_over_time",
    "licences",
    "duplicates",
    "overlap",
    "duplicate_waterfall",
    "filter_waterfall",
    "filter_rules",
    "filter_sources",
    "filter_intersections",
)
WIDTH = 760
NARROW = 500  # pixels; below, numbers at bars go without their shares
MOST_BARS = 20
LONGEST = 10_000  # characters of a name that are looked at to tell it from others
FEW = 0.01  # of all that is dated: dates with less, at either end, may be left out
_NOTES = {"overlap": "On the diagonal: documents of which the same source has another copy."}
_LYING = frozenset({"bar", "stacked_bar", "waterfall"})


def render_charts(sheet: Sheet) -> dict[str, str | bytes]:
    """`charts/<statistic>.svg` and `.png` of every chart that has something to draw."""
    found: dict[str, str | bytes] = {}
    for name in CHARTS:
        drawn = chart_svg(sheet, name)
        if drawn is not None:
            found[f"charts/{name}.svg"] = drawn
            found[f"charts/{name}.png"] = to_png(drawn)
    return found


def chart_svg(sheet: Sheet, name: str, width: int = WIDTH, *, is_bare: bool = False) -> str | None:
    """The chart of one statistic, or None where the sheet has nothing to draw.

    A bare one is for a page that says title, exactness and source beside it.
    """
    given = chart_statistic(sheet, name)
    if given is None:
        return None
    frame, left_out = _shown(given, chart_frame(sheet, given))
    chart = draw(given, frame)
    if chart is None:
        return None
    arguments = sheet.entry(name)["parameters"]
    if str(given.chart["x"]).startswith("bin_") and "unit" in arguments:
        chart.figure.update_xaxes(title_text=f"length in {arguments['unit']}")
    notes = [note for note in (chart.note, left_out, _NOTES.get(name, "")) if note]
    if not is_bare:
        notes += _exactness(sheet, name)
    labels = _labels(given, frame, is_narrow=width < NARROW)
    is_share = (
        UNITS[given.column(color).unit].style == "share" if (color := str(given.chart.get("color", ""))) else False
    )
    subtitle = _subtitle(given, frame) + (f", in {arguments['measure']}" if "measure" in arguments else "")
    names = _row_names(given, frame)
    heading = Heading(given.title, subtitle, notes, chart.alt, labels, names, is_share, is_bare)
    return to_svg(chart.figure.to_dict(), heading, width)


def _exactness(sheet: Sheet, name: str) -> list[str]:
    entry = sheet.entry(name)
    error = [] if entry["is_exact"] else [f"Estimated. {entry['error'] or ''}".strip()]
    return [*error, source_line(sheet, name)]


def _shown(given: Statistic, frame: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """The rows that a picture has room for; and a note where that is not all."""
    if given.chart["kind"] == "bar" and frame.height > MOST_BARS:
        what = column_title(_parts(given)[1])
        return frame.head(MOST_BARS), cut_note(MOST_BARS, frame.height, "first", what)
    return _dense_time(given, frame)


def _dense_time(given: Statistic, frame: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Without the few dates far from all others, which would leave no room for the rest; and a note that says so."""
    x, y = str(given.chart["x"]), str(given.chart["y"])
    if given.column(x).unit != "date" or frame[x].n_unique() < 3:
        return frame, ""
    totals = frame.drop_nulls([x, y]).group_by(x).agg(pl.col(y).sum()).sort(x)
    below = totals[y].cum_sum() / totals[y].sum()
    dates = totals[x].to_list()
    kept = totals.filter((below > FEW) & (below.shift(1, fill_value=0.0) < 1 - FEW))[x].to_list()
    first, last = kept[0], kept[-1]
    if last - first > (dates[-1] - dates[0]) / 2:
        return frame, ""
    dense = frame.filter(pl.col(x).is_between(first, last))
    is_yearly = all((date.month, date.day) == (1, 1) for date in dates)
    begin, end = (str(date.year) if is_yearly else str(date) for date in (first, last))
    n_left_out = sum(totals[y].to_list()) - sum(dense[y].drop_nulls().to_list())
    number = f"{format_value(n_left_out, given.column(y).unit)} {column_title(y)}"
    return dense, f"Not drawn: {number} before {begin} or after {end}; they are in stats.json."


def _row_names(given: Statistic, frame: pl.DataFrame) -> list[str]:
    """The names of the rows of a chart that has names downwards, in full."""
    kind, column = given.chart["kind"], given.column(str(given.chart["y"]))
    if UNITS[column.unit].is_numeric or kind not in _LYING | {"heatmap"}:
        return []
    is_once = kind in ("heatmap", "stacked_bar")
    values = (frame[column.name].unique(maintain_order=True) if is_once else frame[column.name]).to_list()
    missing = f"({column.null})" if column.null else None
    most = {"heatmap": MAX_CELLS, "waterfall": MAX_STEPS}.get(kind, MAX_BARS)
    return [html.unescape(label(missing if v is None else v, column.unit, LONGEST)) for v in values[:most]]


def _parts(given: Statistic) -> tuple[str, str, str]:
    """The columns that a chart weighs, names and colours by; the last may be empty."""
    x, y, color = (str(given.chart.get(part, "")) for part in ("x", "y", "color"))
    is_number = UNITS[given.column(x).unit].is_numeric and not UNITS[given.column(y).unit].is_numeric
    return (x, y, color) if is_number else (y, x, color)


def _subtitle(given: Statistic, frame: pl.DataFrame) -> str:
    """What is counted, of what."""
    value, category, color = _parts(given)
    plot = Plot(given, frame, value, category, color)
    kind = given.chart["kind"]
    if kind == "heatmap":
        down, across = (column_title(str(given.chart[part])) for part in ("y", "x"))
        unit = ", in percent" if plot.unit(color) == "share" else ""
        return f"{_upper(column_title(color))}{unit}: {down} downwards, {across} across"
    measured = html.unescape(axis_title(plot, value))
    if kind == "waterfall":
        return f"{_upper(measured.removesuffix(' left'))}: left after each step, and removed by it"
    if kind == "upset":
        return f"{_upper(measured)} by the rules that hit them"
    over = "length" if category.startswith("bin_") else column_title(category)
    return f"{_upper(measured)} by {over}{f' and {column_title(color)}' if color and color != category else ''}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _labels(given: Statistic, frame: pl.DataFrame, *, is_narrow: bool) -> list[str]:
    """The numbers at the ends of lying bars: the table's, with the share that goes with them."""
    value, category, color = _parts(given)
    kind = given.chart["kind"]
    if kind not in _LYING or not _is_lying(given) or (color and color != category):
        return []
    rows = frame.head(MAX_STEPS) if kind == "waterfall" else frame
    share = "" if is_narrow else _share_of(given, value)
    labels = []
    for row in rows.iter_rows(named=True):
        if row[value] is None:
            continue  # it has no bar either
        text = format_value(row[value], given.column(value).unit)
        removed = value.replace("_left", "_removed")
        if kind == "waterfall" and not is_narrow and row[removed]:
            text += f" (−{format_value(row[removed], given.column(removed).unit)})"
        elif kind != "waterfall" and share and row[share] is not None:
            text += f" ({format_value(row[share], 'share')})"
        labels.append(text)
    return labels


def _is_lying(given: Statistic) -> bool:
    x, y = (UNITS[given.column(str(given.chart[part])).unit].is_numeric for part in ("x", "y"))
    return x and not y


def _share_of(given: Statistic, value: str) -> str:
    """The column of shares that belongs to a column of counts: byte_share to n_bytes."""
    stem = value.removeprefix("n_").removesuffix("s")
    names = {column.name for column in given.columns if column.unit == "share"}
    return next((name for name in (f"{stem}_share", "shapley_share") if name in names and name != value), "")


def chart_statistic(sheet: Sheet, name: str) -> Statistic | None:
    """The statistic with the columns that the sheet has; None where it is not there or has no rows or no chart."""
    known = load_statistics().get(name)
    if known is None or not known.chart or not sheet.rows(name):
        return None
    columns = sheet.entry(name)["columns"]
    nulls = {column.name: column.null for column in known.columns}
    kept = tuple(Column(c["name"], c["unit"], c["definition"], nulls.get(c["name"], "")) for c in columns)
    needed = {str(known.chart[part]) for part in ("x", "y", "color") if known.chart.get(part)}
    if not needed <= {column.name for column in kept}:
        return None
    return replace(known, title=str(sheet.entry(name)["title"]), columns=kept)


def chart_frame(sheet: Sheet, given: Statistic) -> pl.DataFrame:
    """The rows of a sheet as a frame with the types of their units: JSON has no dates."""
    rows = sheet.rows(given.name)
    return pl.DataFrame({column.name: _series(column, [row[column.name] for row in rows]) for column in given.columns})


def _series(column: Column, values: list[Any]) -> pl.Series:
    style = UNITS[column.unit].style
    if style == "integer":
        kind: Any = pl.Int128 if any(v is not None and abs(v) >= 2**63 for v in values) else pl.Int64
        return pl.Series(column.name, values, dtype=kind)
    if style in ("share", "decimal"):
        return pl.Series(column.name, [None if v is None else float(v) for v in values], dtype=pl.Float64)
    if style == "date":
        times = [None if v is None else datetime.datetime.fromisoformat(v) for v in values]
        has_time = any(v is not None and "T" in v for v in values)
        return pl.Series(column.name, times if has_time else [t and t.date() for t in times])
    return pl.Series(column.name, values, dtype=pl.Boolean if style == "flag" else pl.String)


def source_line(sheet: Sheet, name: str) -> str:
    """Where a chart's numbers come from: corpus, statistic, hash of the SQL, exact or estimated."""
    entry = sheet.entry(name)
    corpus = sheet.facts.get("name") or sheet.config.name
    exact = "exact" if entry["is_exact"] else "estimated"
    arguments = ", ".join(f"{key} := {value!r}" for key, value in entry["parameters"].items())
    return " · ".join(filter(None, (corpus, f"{name}({arguments})", f"SQL {entry['sql_hash']}", exact)))
