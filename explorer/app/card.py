"""A statistic as a card. Everything on it comes from the statistic's file: a new file is a new card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.app import session
from explorer.app.meaning import captions, meanings
from explorer.app.table import is_prose, show_downloads, show_prose, show_table
from explorer.app.text import safe
from explorer.app.words import why_empty
from explorer.charts import Chart, draw, weights
from explorer.errors import ExplorerError
from explorer.escape import code_span
from explorer.plots import column_title
from explorer.render import units_of
from explorer.statistic import Param, Statistic, Value
from explorer.units import UNITS, format_value

_MAX_SEGMENTS = 6


@dataclass(frozen=True)
class Answer:
    """A card's frame, and what has to be said beside it (plain text; empty for nothing)."""

    frame: pl.DataFrame
    note: str = ""


@dataclass(frozen=True)
class Supply:
    """Where a card's frame comes from, when that is not the catalogue.

    `run` answers a statistic with its arguments; `given` are arguments that another place on the page sets (the card
    shows no widget for them); `repeat` says, in Markdown, how the numbers may be had again; `weight` is the column
    that charts weigh by; with `is_short` the table is folded.
    """

    run: Callable[[Statistic, Mapping[str, Value]], Answer]
    repeat: str
    given: Mapping[str, Value] = field(default_factory=dict)
    weight: str = ""
    is_short: bool = False


@st.fragment
def card(statistic: Statistic, supply: Supply | None = None) -> None:
    """One card: title, definition, parameters, chart, table, provenance and downloads."""
    with st.container(border=True, key=f"card-{statistic.name}"):
        st.subheader(safe(statistic.title), anchor=statistic.name)
        st.markdown(safe(statistic.doc))
        estimate = st.empty()
        controls_row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
        try:
            arguments = controls(statistic, controls_row, supply.given if supply else {})
            answer = supply.run(statistic, arguments) if supply else Answer(session.run(statistic, arguments))
        except ExplorerError as error:
            st.error(safe(str(error)))
            return
        frame = answer.frame
        if arguments.get("only_key"):
            captions([one for one in meanings().values() if one.key == arguments["only_key"]])
        if inexact := statistic.error(arguments, frame):
            estimate.markdown(f":orange-badge[Estimated] {safe(inexact)}")
        if answer.note:
            st.markdown(f":orange-badge[Sample] {safe(answer.note)}")
        if frame.height:
            _result(statistic, frame, controls_row, supply)
        else:
            st.info(safe(why_empty(statistic.section, arguments)))
        _footer(statistic, arguments, frame, supply, answer.note)


def controls(statistic: Statistic, row: DeltaGenerator, given: Mapping[str, Value]) -> dict[str, Value]:
    """A widget for each parameter that is not given, bound to the address of the page.

    Raises `UsageError` for a bad value.
    """
    values: dict[str, object] = {}
    with row:
        for param in statistic.params:
            values[param.name] = given[param.name] if param.name in given else _control(statistic, param)
    return statistic.arguments({name: value for name, value in values.items() if value is not None})


def _control(statistic: Statistic, param: Param) -> object:
    key = f"{statistic.name}.{param.name}"
    title = column_title(param.name)
    name = title[:1].upper() + title[1:]
    tip = safe(param.doc)
    default = param.default
    if param.choices:
        if len(param.choices) <= _MAX_SEGMENTS:
            return st.segmented_control(
                name,
                param.choices,
                default=str(default),
                required=True,
                key=key,
                help=tip,
                bind="query-params",
                wrap=True,
            )
        return st.selectbox(
            name, param.choices, param.choices.index(str(default)), key=key, help=tip, bind="query-params", width=240
        )
    if isinstance(default, bool):
        return st.toggle(name, default, key=key, help=tip, bind="query-params")
    if isinstance(default, int):
        low, high = (None if bound is None else int(bound) for bound in (param.min, param.max))
        return st.number_input(name, low, high, default, 1, key=key, help=tip, bind="query-params", width=180)
    if isinstance(default, float):
        low_, high_ = (None if bound is None else float(bound) for bound in (param.min, param.max))
        return st.number_input(
            name, low_, high_, default, format="%g", key=key, help=tip, bind="query-params", width=180
        )
    if not default and param.name.startswith("only_"):
        return _only(param, key, tip)
    return st.text_input(name, default, max_chars=500, key=key, help=tip, bind="query-params", width=280)


def _only(param: Param, key: str, tip: str) -> str:
    """A filter by name, `only_...`, which is empty by default: the names to choose from, or all."""
    subject = param.name.removeprefix("only_")
    chosen = st.selectbox(
        subject.replace("_", " ").capitalize(), session.names(subject), None, key=key, help=tip, placeholder="all",
        bind="query-params", accept_new_options=True, width=320,
    )  # fmt: skip
    return chosen or ""


def _result(statistic: Statistic, frame: pl.DataFrame, controls_row: DeltaGenerator, supply: Supply | None) -> None:
    units = units_of(frame, statistic)
    if frame.height == 1 and not statistic.chart and frame.width > 2:
        _figures(frame, units, statistic)
        return
    chart = _chart(statistic, frame, controls_row, supply.weight if supply else "")
    if chart is not None:
        st.plotly_chart(
            chart.figure,
            key=f"{statistic.name}.chart",
            config={"displayModeBar": False, "responsive": True},
            alt=chart.alt,
        )
        if chart.note:
            st.caption(safe(chart.note))
    if is_prose(frame, units):
        show_prose(frame, units)
        return
    with st.expander("Table", type="compact") if chart and supply and supply.is_short else st.container():
        show_table(frame, units, f"{statistic.name}.table", f"Table: {statistic.title}", statistic)


def _chart(statistic: Statistic, frame: pl.DataFrame, controls_row: DeltaGenerator, weight: str) -> Chart | None:
    """The chart, by the measure that the reader chooses where there are several."""
    choices = weights(statistic, frame)
    if weight:
        return draw(statistic, frame, value=weight if weight in choices else "")
    if len(choices) < 2:
        return draw(statistic, frame)
    chosen = controls_row.segmented_control(
        "Chart by",
        choices,
        default=choices[0],
        required=True,
        format_func=column_title,
        key=f"{statistic.name}.by",
        wrap=True,
        bind="query-params",
    )
    return draw(statistic, frame, value=chosen or choices[0])


def _figures(frame: pl.DataFrame, units: Mapping[str, str], statistic: Statistic) -> None:
    """A statistic of one row as figures side by side."""
    with st.grid(min_column_width=150, gap="medium"):
        for column in statistic.columns:
            value = frame[column.name][0]
            if value is not None:
                title = column_title(column.name)
                st.metric(
                    title[:1].upper() + title[1:], safe(format_value(value, units[column.name])), help=safe(column.doc)
                )


def _footer(
    statistic: Statistic, arguments: Mapping[str, Value], frame: pl.DataFrame, supply: Supply | None, note: str
) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.expander("Definition, SQL and provenance", type="compact"):
            _provenance(statistic, arguments, frame, supply, note)
        if frame.height:
            with st.popover("Download", type="tertiary"):
                show_downloads(frame, units_of(frame, statistic), statistic.name)


def _provenance(
    statistic: Statistic, arguments: Mapping[str, Value], frame: pl.DataFrame, supply: Supply | None, note: str
) -> None:
    rows = "\n".join(
        f"| {code_span(c.name)} | {safe(UNITS[c.unit].label or c.unit)} | {safe(c.doc)} |" for c in statistic.columns
    )
    st.markdown(f"| Column | Unit | Definition |\n|---|---|---|\n{rows}")
    if supply is not None:
        st.markdown(supply.repeat)
    else:
        st.markdown("Repeat it in any DuckDB client, on `corpus.duckdb` of the workspace:")
        st.code(session.statement(statistic, arguments), "sql", wrap_lines=True)
    if not statistic.result_sql:
        _fingerprint(statistic, statistic.error(arguments, frame), note)
        return
    if statistic.partial_sql:
        st.markdown(f"What each part of the corpus contributes (`part` holds its {safe(statistic.over or '')}):")
        st.code(statistic.partial_sql, "sql")
        st.markdown("The result, over the merged contributions:")
    else:
        st.markdown("The result, over the tables of the catalogue:")
    st.code(statistic.result_sql, "sql")
    _fingerprint(statistic, statistic.error(arguments, frame), note)


def _fingerprint(statistic: Statistic, error: str, note: str) -> None:
    """Where the numbers come from; `note` says that they are a sample's."""
    facts = session.facts()
    exactness = f"Estimated: {safe(error)}" if error else "Exact."
    exactness = f"Estimated: {safe(note)}" if note else exactness
    file = f"queries/{statistic.section}/{statistic.name}.sql"
    of_sql = f", SQL hash {code_span(statistic.sql_hash)}, file {code_span(file)}" if statistic.result_sql else ""
    st.caption(
        f"{exactness} Corpus fingerprint {code_span(facts.get('fingerprint', ''))}{of_sql}, "
        f"DuckDB {safe(facts.get('duckdb_version', ''))}."
    )
