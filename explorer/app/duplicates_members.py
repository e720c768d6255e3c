"""One cluster: its documents as a table, and which two of them to compare."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from explorer.app import session
from explorer.app.duplicates_compare import show_two
from explorer.app.table import show_downloads, show_table
from explorer.duplicates.clusters import members_sql
from explorer.escape import printable
from explorer.render import units_of
from explorer.statistic import Column, Statistic

_MEMBERS = Statistic(
    "duplicates", "cluster_members", "Documents of the cluster", "", None, 0, {}, (), {}, None,
    (
        Column("place", "count", "Place among the copies: by the order of the sources, then id, text and URL."),
        Column("source", "name", "Source."),
        Column("id", "name", "Identity within its source."),
        Column("text_number", "count", "Tells texts apart: documents with the same number have the same text."),
        Column("is_first", "flag", "Whether it is the first copy: the one that stays by default."),
        Column("is_longest", "flag", "Whether it is the longest copy; the first of equals."),
        Column("is_kept", "flag", "Whether removing in steps, by URL and then by text, keeps it."),
        Column("domain", "name", "Registered domain of the URL."),
        Column("url", "name", "URL as it stands."),
        Column("n_bytes", "bytes", "UTF-8 bytes of its text."),
        Column("n_words", "words", "Words of its text."),
        Column("created", "date", "When the document was made."),
        Column("added", "date", "When it was acquired."),
    ),
    "", "", "",
)  # fmt: skip
_MAX_ID = 42  # characters of an id in a list


def show_cluster(kind: str, key: str, list_sql: str) -> None:
    """A cluster by its key. `list_sql` made the list that it was chosen from."""
    sql = members_sql(kind, key)
    members = session.query(sql)
    n_copies = int(members["n_copies"][0])
    n_texts = members["text_number"].n_unique()
    st.subheader(f"{n_copies:,} documents" if kind == "near" else f"{n_copies:,} copies", anchor="cluster")
    st.markdown(_account(kind, n_copies, members.height, n_texts))
    frame = members.select(c.name for c in _MEMBERS.columns if c.name != "text_number" or n_texts > 1)
    units = units_of(frame, _MEMBERS)
    show_table(frame, units, "cluster.members", "Documents of the cluster", _MEMBERS)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.expander("SQL", type="compact"):
            st.markdown("Repeat it in any DuckDB client, on `corpus.duckdb` of the workspace. The largest clusters:")
            st.code(list_sql, "sql", wrap_lines=True)
            st.markdown("The documents of this one:")
            st.code(sql, "sql", wrap_lines=True)
        with st.popover("Download", type="tertiary"):
            show_downloads(frame, units, "cluster")
    _two(members, key)


def _account(kind: str, n_copies: int, n_shown: int, n_texts: int) -> str:
    """What the cluster is, and which of its documents the table holds."""
    among = " among those shown" if n_shown < n_copies else ""
    texts = "All have one text" if n_texts == 1 else f"There are {n_texts:,} different texts"
    has_same = {
        "url": f"All have the same URL. {texts}{among}.",
        "text": "All have the same text.",
        "near": f"Each is a near-duplicate of another one of them, or has its text. {texts}{among}.",
    }
    said = [has_same[kind]]
    if n_shown < n_copies:
        said.append(
            f"{n_shown:,} are shown: the first copy, the longest one, the first of every source, then the next ones in "
            f"order. The other {n_copies - n_shown:,} are not."
        )
    if kind == "near":
        said.append(":orange-badge[Estimated] Found by MinHash; the card on its search says how well.")
    return " ".join(said)


def _two(members: pl.DataFrame, key: str) -> None:
    """Choose two members, and compare them."""
    rows = {row["place"]: row for row in members.iter_rows(named=True)}
    places = list(rows)
    first = places[0]
    # of the others, one whose text is another says most
    others = [place for place in places[1:] if rows[place]["text_number"] != rows[first]["text_number"]]
    st.markdown("#### Two of them side by side")
    columns = st.columns(2, gap="medium")
    with columns[0]:
        left = _member("Left", rows, first, key)
    with columns[1]:
        right = _member("Right", rows, (others or places[1:] or [first])[0], key)
    show_two(rows[left], rows[right])


def _member(label: str, rows: dict[int, dict[str, Any]], default: int, key: str) -> int:
    """A member by its place, which the address keeps."""
    name = label.lower()
    given = st.query_params.get(name, "")
    start = int(given) if given.isascii() and given.isdigit() and int(given) in rows else default
    places = list(rows)
    chosen = st.selectbox(
        label, places, places.index(start), format_func=lambda place: _label(rows[place]), key=f"{name}.{key}"
    )
    if chosen == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = str(chosen)
    return chosen


def _label(row: dict[str, Any]) -> str:
    name = printable(str(row["id"]))
    if len(name) > _MAX_ID:  # ids of one cluster often begin alike
        name = f"{name[: _MAX_ID // 3]}…{name[-2 * _MAX_ID // 3 :]}"
    return f"{row['place']:,} · {printable(str(row['source']))[:_MAX_ID]} · {name}"
