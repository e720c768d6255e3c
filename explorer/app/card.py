"""A statistic as a card. Everything on it comes from the statistic's file: a new file is a new card."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.app import session
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


@st.fragment
def card(statistic: Statistic) -> None:
    """One card: title, definition, parameters, chart, table, provenance and downloads."""
    with st.container(border=True, key=f"card-{statistic.name}"):
        st.subheader(safe(statistic.title), anchor=statistic.name)
        st.markdown(safe(statistic.doc))
        if not statistic.is_exact:
            st.markdown(f":orange-badge[Estimated] {safe(statistic.approx)}")
        controls_row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
        try:
            arguments = controls(statistic, controls_row)
            frame = session.run(statistic, arguments)
        except ExplorerError as error:
            st.error(safe(str(error)))
            return
        if frame.height:
            _result(statistic, frame, controls_row)
        else:
            st.info(safe(why_empty(statistic.section, arguments)))
        _footer(statistic, arguments, frame)


def controls(statistic: Statistic, row: DeltaGenerator) -> dict[str, Value]:
    """A widget for each parameter, bound to the address of the page. Raises `UsageError` for a bad value."""
    values: dict[str, object] = {}
    with row:
        for param in statistic.params:
            values[param.name] = _control(statistic, param)
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


def _result(statistic: Statistic, frame: pl.DataFrame, controls_row: DeltaGenerator) -> None:
    units = units_of(frame, statistic)
    if frame.height == 1 and not statistic.chart and frame.width > 2:
        _figures(frame, units, statistic)
        return
    chart = _chart(statistic, frame, controls_row)
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
    else:
        show_table(frame, units, f"{statistic.name}.table", f"Table: {statistic.title}", statistic)


def _chart(statistic: Statistic, frame: pl.DataFrame, controls_row: DeltaGenerator) -> Chart | None:
    """The chart, by the measure that the reader chooses where there are several."""
    choices = weights(statistic, frame)
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


def _footer(statistic: Statistic, arguments: Mapping[str, Value], frame: pl.DataFrame) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.expander("Definition, SQL and provenance", type="compact"):
            _provenance(statistic, arguments)
        if frame.height:
            with st.popover("Download", type="tertiary"):
                show_downloads(frame, units_of(frame, statistic), statistic.name)


def _provenance(statistic: Statistic, arguments: Mapping[str, Value]) -> None:
    rows = "\n".join(
        f"| {code_span(c.name)} | {safe(UNITS[c.unit].label or c.unit)} | {safe(c.doc)} |" for c in statistic.columns
    )
    st.markdown(f"| Column | Unit | Definition |\n|---|---|---|\n{rows}")
    st.markdown("Repeat it in any DuckDB client, on `corpus.duckdb` of the workspace:")
    st.code(session.statement(statistic, arguments), "sql", wrap_lines=True)
    if statistic.partial_sql:
        st.markdown(f"What each part of the corpus contributes (`part` holds its {safe(statistic.over or '')}):")
        st.code(statistic.partial_sql, "sql")
        st.markdown("The result, over the merged contributions:")
    else:
        st.markdown("The result, over the tables of the catalogue:")
    st.code(statistic.result_sql, "sql")
    facts = session.facts()
    exactness = "Exact." if statistic.is_exact else f"Estimated: {safe(statistic.approx)}"
    st.caption(
        f"{exactness} Corpus fingerprint {code_span(facts.get('fingerprint', ''))}, SQL hash "
        f"{code_span(statistic.sql_hash)}, DuckDB {safe(facts.get('duckdb_version', ''))}, "
        f"file {code_span(f'queries/{statistic.section}/{statistic.name}.sql')}."
    )
