"""The list of the largest clusters of copies, by kind of key and by sources; the address keeps what is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import polars as pl
import streamlit as st

from explorer.app import session
from explorer.app.duplicates_members import show_cluster
from explorer.duplicates.clusters import Source, clusters_sql, count_sql, members_sql

_PAGE = 50
_SOURCES = "select source, number from source_order order by number"
_OWN = ("cluster", "left", "right")  # what the address says of one cluster
_NOTHING: Mapping[str, str] = {
    "url": "No two documents have the same URL.",
    "text": "No two documents have the same text.",
    "near": "No near-duplicates were found, beyond the threshold that the build was given.",
}
_ROW = 35


def show_clusters(kinds: Sequence[str]) -> None:
    if not kinds:
        st.info("There are no clusters to look at: this build did not look for duplicates.")
        return
    with st.container(border=True, key="card-clusters"):
        kind, among = _choice(kinds, [(name, number) for name, number in session.query(_SOURCES).iter_rows()])
        listed = _list(kind, among)
        chosen = _chosen(listed, kind, among) if listed is not None else None
    if chosen is not None:
        with st.container(border=True, key="card-cluster"):
            show_cluster(kind, chosen, clusters_sql(kind, among, _PAGE, 0))


def _choice(kinds: Sequence[str], sources: Sequence[Source]) -> tuple[str, list[Source]]:
    """The kind of key, and up to two sources."""
    st.subheader("Clusters of copies", anchor="clusters")
    st.markdown(
        "Documents that have a key in common. Choose two sources to see what stands behind a cell of the overlap "
        "matrix; the same source twice for what it has more than once itself."
    )
    numbers = dict(sources)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Copies by", kinds, default="text", required=True, key="clusters.kind", bind="query-params",
            on_change=_begin_again, wrap=True,
        )  # fmt: skip
        names = [
            st.selectbox(
                label, list(numbers), None, key=key, bind="query-params", placeholder="any source", width=220,
                on_change=_begin_again,
            )
            for label, key in (("With copies in", "clusters.a"), ("and in", "clusters.b"))
        ] if len(sources) > 1 else []  # fmt: skip
    notes = []
    if len(sources) == 1:
        notes.append("The corpus has one source, so all copies are within it.")
    if "near" not in kinds:
        notes.append("Near-duplicates were not looked for; a build with `--near` finds them.")
    if notes:
        st.caption(" ".join(notes))
    return kind or "text", [(name, numbers[name]) for name in names if name in numbers]


def _begin_again() -> None:
    """Another list: from its first page, with its first cluster."""
    st.session_state["clusters.page"] = 1
    for name in _OWN:
        st.query_params.pop(name, None)


def _list(kind: str, among: Sequence[Source]) -> pl.DataFrame | None:
    """A page of the list, below a sentence that says which."""
    n_clusters = int(session.query(count_sql(kind, among))["n_clusters"][0])
    if not n_clusters:
        st.info(_NOTHING[kind] if not among else "No cluster of this kind is like that. Choose other sources.")
        return None
    n_pages = -(-n_clusters // _PAGE)
    page = 1
    row = st.container(horizontal=True, gap="medium", vertical_alignment="center")
    if n_pages > 1:
        with row:
            page = min(n_pages, st.pagination(n_pages, key="clusters.page", bind="query-params", on_change=_forget))
    first = (page - 1) * _PAGE
    shown = session.query(clusters_sql(kind, among, _PAGE, first))
    last = first + shown.height
    row.caption(
        f"{n_clusters:,} cluster{'' if n_clusters == 1 else 's'}"
        + (f", {first + 1:,} to {last:,} shown" if n_pages > 1 else "")
        + ("; the largest within the source first." if len(set(among)) < len(among) else "; the largest first.")
    )
    return shown


def _forget() -> None:
    for name in _OWN:
        st.query_params.pop(name, None)


def _chosen(listed: pl.DataFrame, kind: str, among: Sequence[Source]) -> str:
    """The key of the cluster that is open: chosen in the table, else named by the address, else the first one."""
    keys = listed["key"].to_list()
    linked = _linked()
    is_lost = linked is not None and linked not in keys and not session.query(members_sql(kind, linked)).height
    if is_lost:
        linked = None
        st.caption("The cluster of this link is not there, or not any more; this is the largest one.")
    start = linked or keys[0]
    list_key = f"clusters.{kind}.{'.'.join(str(number) for _, number in among)}.{keys[0]}"
    sources = [name for name, _ in session.query(_SOURCES).iter_rows()]
    is_within = len(set(among)) < len(among)
    frame = listed.select(
        "n_copies",
        *(["size"] if is_within else []),
        pl.col("sources").map_elements(lambda mask: _names(mask, sources), pl.String),
        *("id", "url", "domain", "n_bytes", "n_words"),
    )
    event = st.dataframe(
        frame.drop([name for name in ("url", "domain") if frame[name].null_count() == frame.height]),
        key=list_key,
        hide_index=True,
        height=_ROW * (min(frame.height, 8) + 1) + 3,
        column_config={
            "n_copies": st.column_config.NumberColumn("Copies", format="localized", help="Documents in the cluster."),
            "size": st.column_config.NumberColumn("In it", format="localized", help="Of those, in the chosen source."),
            "sources": st.column_config.TextColumn("Sources", width="medium"),
            "id": st.column_config.TextColumn(
                "First copy",
                help="The first by the order of the sources, then id, text and URL; of one source where one is chosen.",
            ),
            "url": st.column_config.TextColumn("Its URL"),
            "domain": st.column_config.TextColumn("Its domain"),
            "n_bytes": st.column_config.NumberColumn("Its bytes", format="localized"),
            "n_words": st.column_config.NumberColumn("Its words", format="localized"),
        },
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [keys.index(start)] if start in keys else []}},
        placeholder="–",
        lazy=False,
        alt="Largest clusters; choose a row to see its documents",
    )
    rows = event["selection"]["rows"]
    chosen = str(keys[rows[0]]) if rows and rows[0] < len(keys) else start
    if chosen != start or is_lost:
        _forget()
    if chosen != keys[0] or linked is not None:
        st.query_params["cluster"] = chosen
    return chosen


def _linked() -> str | None:
    """The cluster that the address names."""
    try:
        return str(UUID(st.query_params.get("cluster", "")))
    except ValueError:
        return None


def _names(mask: str, sources: Sequence[str]) -> str:
    """The sources of a cluster, by the mask of their numbers."""
    return ", ".join(name for name, bit in zip(sources, mask, strict=False) if bit == "1")
