"""A frame as a table on a page, and its downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import streamlit as st

from explorer.app.text import safe
from explorer.plots import column_title
from explorer.render import render
from explorer.statistic import Statistic
from explorer.units import UNITS, format_value

_ROW, _MAX_ROWS_SEEN = 35, 11
_MAX_PROSE, _MAX_CELL = 30, 1000
_MIME = {"csv": "text/csv", "json": "application/json", "parquet": "application/vnd.apache.parquet"}


def show_table(frame: pl.DataFrame, units: Mapping[str, str], key: str, alt: str, statistic: Statistic | None) -> None:
    """The frame with formats from units. Columns without any value are left out and named below."""
    empty = [name for name in frame.columns if frame.height and frame[name].null_count() == frame.height]
    shown = frame.drop(empty) if len(empty) < frame.width else frame
    docs = {column.name: column.doc for column in statistic.columns} if statistic else {}
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        width="stretch",
        height=_ROW * (min(frame.height, _MAX_ROWS_SEEN) + 1) + 3,
        column_config={name: _config(shown[name], units[name], docs) for name in shown.columns},
        placeholder="–",
        lazy=False,
        alt=alt,
    )
    if len(shown.columns) < frame.width:
        names = ", ".join(safe(column_title(name)) for name in empty)
        st.caption(f"Without any value, and not shown: {names}.")


def is_prose(frame: pl.DataFrame, units: Mapping[str, str]) -> bool:
    """Whether a small table holds sentences, which a grid would cut."""
    texts = [name for name in frame.columns if units[name] == "text" and frame[name].dtype == pl.String]
    longest = [frame[name].str.len_chars().max() for name in texts]
    return frame.height <= _MAX_PROSE and any(isinstance(size, int) and size > 60 for size in longest)


def show_prose(frame: pl.DataFrame, units: Mapping[str, str]) -> None:
    """Each row as a paragraph: its names and numbers, then its sentences. Reads well on any width."""
    paragraphs = []
    for row in frame.iter_rows(named=True):
        facts: list[str] = []
        sentences: list[str] = []
        for name, value in row.items():
            text = safe(format_value(value, units[name])[:_MAX_CELL])
            if value is None:
                continue
            if units[name] == "text":
                sentences.append(text)
            elif isinstance(value, bool):
                words = column_title(name).removeprefix("is ")
                facts.append(safe(words if value else f"not {words}"))
            elif units[name] == "name":
                facts.append(text if facts else f"**{text}**")
            else:
                facts.append(f"{safe(column_title(name))} {text}")
        paragraphs.append("  \n".join([" · ".join(facts), *sentences]))
    st.markdown("\n\n".join(paragraphs))


def _config(values: pl.Series, unit: str, docs: Mapping[str, str]) -> Any:
    name = values.name
    title = column_title(name) if name in docs else name
    heading = title[:1].upper() + title[1:] if name in docs else name
    tip = f"{docs[name]} ({name})" if name in docs else None
    style = UNITS[unit].style
    if style in ("integer", "decimal"):
        # the browser's own format cuts to three decimals, which hides small scores and ratios
        largest = values.abs().max() if style == "decimal" and values.dtype.is_float() else None
        is_small = isinstance(largest, float) and largest < 100
        return st.column_config.NumberColumn(heading, help=tip, format="%.5g" if is_small else "localized")
    if style == "share":
        return st.column_config.NumberColumn(heading, help=tip, format="percent")
    if style == "flag":
        return st.column_config.CheckboxColumn(heading, help=tip)
    if style == "date":
        return st.column_config.DatetimeColumn(heading, help=tip, format="YYYY-MM-DD")
    return st.column_config.TextColumn(heading, help=tip)


def show_downloads(frame: pl.DataFrame, units: Mapping[str, str], name: str) -> None:
    """Three buttons. The bytes are made when one is pressed."""
    for form, mime in _MIME.items():
        st.download_button(
            "Parquet" if form == "parquet" else form.upper(),
            data=_bytes(frame, form, units),
            file_name=f"{name}.{form}",
            mime=mime,
            key=f"{name}.{form}",
            on_click="ignore",
            width="stretch",
        )


def _bytes(frame: pl.DataFrame, form: str, units: Mapping[str, str]) -> Callable[[], bytes]:
    return lambda: render(frame, form, units)
