"""The SQL page: a stranger's SELECT, run in the sandbox, with the names that it may use beside it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from explorer.app import session
from explorer.app.frame import guarded, heading
from explorer.app.table import show_downloads, show_table
from explorer.app.text import safe
from explorer.errors import QueryError
from explorer.render import units_of
from explorer.sandbox import MAX_ROWS, MAX_SECONDS, MAX_SQL, Answer, run_query
from explorer.workspace import Workspace

EXAMPLES = {
    "Bytes by source": (
        "select source, count(*) as n_docs, sum(n_bytes) as n_bytes\nfrom documents\ngroup by source\n"
        "order by n_bytes desc"
    ),
    "Ten largest domains": "from domains(top_n := 10)",
    "Longest documents": "select source, id, n_words\nfrom documents\norder by n_words desc, id\nlimit 20",
    "Texts that occur more than once": (
        "select text_md5, count(*) as n_docs, min(id) as first_id\nfrom documents\ngroup by text_md5\n"
        "having count(*) > 1\norder by n_docs desc, first_id\nlimit 50"
    ),
    "Attributes": "select attribute_set, key, shape, score_view, score_column\nfrom attributes\norder by all",
}
_RELATIONS = """
select table_name as name, coalesce(comment, '') as comment, 'table' as kind
from duckdb_tables() where not internal and schema_name = 'main' and database_name = current_database()
union all
select view_name, coalesce(comment, ''), 'view'
from duckdb_views() where not internal and schema_name = 'main' and database_name = current_database()
order by name like 'attribute\\_set\\_%' escape '\\', name <> 'documents', name
"""
_COLUMNS = """
select table_name as name, column_name, data_type, coalesce(comment, '') as comment
from duckdb_columns()
where not internal and schema_name = 'main' and database_name = current_database()
order by table_name, column_index
"""
_MACROS = """
select function_name as name, coalesce(any_value(comment), '') as comment, any_value(parameters) as parameters
from duckdb_functions()
where not internal and function_type = 'table_macro' and database_name = current_database()
group by function_name
order by function_name
"""


@guarded
def sql_page() -> None:
    heading(
        "SQL",
        f"One `select` over the catalogue, at most {MAX_SECONDS:g} seconds and {MAX_ROWS:,} rows. It runs apart, "
        "without files, network or settings; for more, use the command line or any DuckDB client on `corpus.duckdb`.",
    )
    if session.facts().get("detail_relations") == "views":
        st.warning(
            "This corpus is so large that `documents` and the attribute values are views over files, which the page "
            "may not read. Statistics and their merged tables work here; for documents use `corpus-explorer sql`."
        )
    editor, names = st.columns([3, 2], gap="medium")
    with editor:
        sql = _editor()
        if sql.strip():
            _answer(sql)
    with names:
        _names()


def _editor() -> str:
    st.session_state.setdefault("sql", "")
    with st.container():
        st.pills("Examples", list(EXAMPLES), key="example", on_change=_use_example, label_visibility="collapsed")
    with st.form("query", border=False):
        sql = st.text_area(
            "Query", key="sql", height=180, max_chars=MAX_SQL, placeholder="from composition()", bind="query-params"
        )
        st.form_submit_button("Run", type="primary")
    return sql or ""


def _use_example() -> None:
    chosen = st.session_state.get("example")
    if chosen:
        st.session_state["sql"] = EXAMPLES[chosen]
        st.session_state["example"] = None


def _answer(sql: str) -> None:
    root = session.workspace_path()
    if root is None:
        return
    try:
        answer = _run(session.generation(root), str(root), sql)
    except QueryError as error:
        st.error("The query did not run.")
        st.code(str(error), None, wrap_lines=True)
        return
    rows = f"{answer.frame.height:,} row{'' if answer.frame.height == 1 else 's'}"
    cut = f" There are more: the rows are cut at {MAX_ROWS:,}." if answer.is_cut else ""
    st.caption(f"{rows} in {answer.seconds:.2f} s.{cut}")
    units = units_of(answer.frame)
    if answer.frame.height:
        show_table(answer.frame, units, "sql.table", "Result of the query", None)
        with st.popover("Download", type="tertiary"):
            show_downloads(answer.frame, units, "query")
    else:
        st.info("The query is right and has no rows.")


@st.cache_data(max_entries=20, max_size="100MB", show_spinner="Running")
def _run(generation: str, root: str, sql: str) -> Answer:
    return run_query(Workspace(Path(root)).catalogue, sql)


def _names() -> None:
    """What a query may name: one relation or statistic at a time, with its columns."""
    relations, macros = session.query(_RELATIONS), session.query(_MACROS)
    calls = {row["name"]: f"{row['name']}({', '.join(row['parameters'] or [])})" for row in macros.to_dicts()}
    comments = {row["name"]: row["comment"] for row in [*relations.to_dicts(), *macros.to_dicts()]}
    tables = [name for name in relations["name"].to_list() if name not in calls]
    with st.container(border=True, key="names"):
        chosen = st.selectbox(
            "Tables, views and statistics",
            [*tables, *calls],
            key="name",
            format_func=lambda name: calls.get(name, name),
        )
        if chosen is None:
            return
        st.markdown(safe(comments[chosen]))
        columns = session.query(_COLUMNS).filter(pl.col("name") == chosen).drop("name")
        st.dataframe(
            columns,
            hide_index=True,
            height=min(420, 35 * (columns.height + 1) + 3),
            column_config={"column_name": "Column", "data_type": "Type", "comment": "Definition"},
            alt=f"Columns of {chosen}",
            lazy=False,
        )
