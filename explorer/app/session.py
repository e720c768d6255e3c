"""The workspace that the dashboard shows: found once a run, opened once a generation, results kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import streamlit as st

from explorer.app.launch import WORKSPACE_VARIABLE
from explorer.corpus import Corpus, open_corpus
from explorer.errors import WorkspaceError
from explorer.statistic import Statistic, Value
from explorer.workspace import Workspace


def workspace_path() -> Path | None:
    """The workspace named on the command line, else in the environment, else the current folder if it is one."""
    arguments = sys.argv[1:] if Path(sys.argv[0]).name == "app.py" else []
    named = arguments[0] if arguments else os.environ.get(WORKSPACE_VARIABLE)
    if named:
        return Path(named).absolute()
    return Path.cwd() if Workspace(Path.cwd()).manifest.is_file() else None


def generation(root: Path) -> str:
    """Changes whenever a build has put another catalogue or manifest in place."""
    workspace = Workspace(root)
    try:
        states = [path.stat() for path in (workspace.catalogue, workspace.manifest)]
    except OSError:
        return "none"  # opening says what is wrong
    return " ".join(f"{state.st_ino}-{state.st_mtime_ns}-{state.st_size}" for state in states)


def current_corpus() -> Corpus:
    """The newest generation. Raises `WorkspaceError` where there is none.

    Hold it for one run of the script only: a rebuild is noticed here, and an engine closes with its last holder.
    """
    root = workspace_path()
    if root is None:
        raise WorkspaceError("no workspace was named")
    return _open(str(root), generation(root))


@st.cache_resource(max_entries=1, show_spinner=False)
def _open(root: str, generation: str) -> Corpus:
    return open_corpus(root)


def run(statistic: Statistic, arguments: Mapping[str, Value]) -> pl.DataFrame:
    """A statistic's frame. Raises `ExplorerError`."""
    root = workspace_path()
    key = f"{root} {generation(root)}" if root is not None else ""
    return _run(key, statistic.name, statistic.sql_hash, tuple(sorted(arguments.items())), statistic)


@st.cache_data(max_entries=500, max_size="200MB", show_spinner=False)
def _run(
    generation: str, name: str, sql_hash: str, arguments: tuple[tuple[str, Value], ...], _statistic: Statistic
) -> pl.DataFrame:
    # a cursor of its own: a connection refuses a second thread
    with current_corpus().cursor() as corpus:
        return corpus.run(_statistic, dict(arguments))


@st.cache_data(max_entries=4, show_spinner=False)
def _facts(generation: str) -> dict[str, str]:
    with current_corpus().cursor() as corpus:
        return corpus.facts


def facts() -> dict[str, str]:
    """The catalogue's facts about the corpus. Raises `WorkspaceError`."""
    root = workspace_path()
    return _facts(f"{root} {generation(root)}") if root is not None else {}


def query(sql: str) -> pl.DataFrame:
    """Our own SQL over the catalogue (never a user's)."""
    root = workspace_path()
    return _query(f"{root} {generation(root)}" if root is not None else "", sql)


@st.cache_data(max_entries=50, show_spinner=False)
def _query(generation: str, sql: str) -> pl.DataFrame:
    with current_corpus().cursor() as corpus:
        return corpus.sql(sql)


_NAMES = {
    "set": "select distinct attribute_set as name from attributes order by name",
    "key": "select distinct key as name from attributes order by name",
}


def names(subject: str) -> list[str]:
    """What a filter by name may be set to; nothing where the catalogue is not asked for that."""
    return query(_NAMES[subject])["name"].to_list() if subject in _NAMES else []


def statement(statistic: Statistic, arguments: Mapping[str, Value]) -> str:
    """The SQL that repeats a result."""
    return current_corpus().statement(statistic, arguments)


def bundle() -> dict[str, bytes]:
    """The files of the datasheet by their path. Raises `UsageError` for a corpus.toml that cannot be read."""
    root = workspace_path()
    if root is None:
        return {}
    try:
        declared = Workspace(root).config.stat().st_mtime_ns
    except OSError:
        declared = 0
    return _bundle(f"{root} {generation(root)} {declared}")


@st.cache_data(max_entries=2, show_spinner="Writing the datasheet")
def _bundle(key: str) -> dict[str, bytes]:
    from explorer.datasheet.bundle import read_sheet, render_bundle

    with current_corpus().cursor() as corpus:
        return render_bundle(read_sheet(corpus))
