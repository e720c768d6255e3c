"""A built corpus, opened for reading: statistics and SQL as Polars frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import polars as pl

from explorer.catalogue import relocate, sql_value
from explorer.errors import QueryError, UsageError, WorkspaceError
from explorer.relations import quote_literal
from explorer.sandbox_worker import select
from explorer.statistic import Statistic, find_statistic
from explorer.workspace import INDEX_VERSION, Workspace, write_json


class Corpus:
    """One generation of a workspace. It keeps reading that generation while a build writes the next one.

    Not safe to share between threads: give each thread its own `cursor()`.
    """

    def __init__(self, root: Path, connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
        self.root = root
        self.manifest = manifest
        self._connection = connection

    def cursor(self) -> Corpus:
        """The same corpus for another thread."""
        connection = self._connection.cursor()
        _enter(connection)
        return Corpus(self.root, connection, self.manifest)

    def __enter__(self) -> Corpus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @property
    def facts(self) -> dict[str, str]:
        """The catalogue's table `corpus`: name, fingerprint, tokenizer, versions."""
        return dict(self._connection.execute("select name, value from corpus").fetchall())

    @property
    def fingerprint(self) -> str:
        """Order-free hash of the documents' source, id, text and URL: equal on another machine."""
        # From the catalogue, not the manifest: a build between the opening of one and of the other would mix them.
        return self.facts["fingerprint"]

    def show(self, name: str, **parameters: object) -> pl.DataFrame:
        """A statistic as a frame. Raises `UsageError` for an unknown name or a parameter out of range."""
        return self.run(find_statistic(name), parameters)

    def run(self, statistic: Statistic, parameters: Mapping[str, object]) -> pl.DataFrame:
        """A statistic as a frame. Raises `WorkspaceError` where the workspace is older than the statistic."""
        statement = self.statement(statistic, parameters)
        try:
            return self._frame(statement)
        except QueryError:
            query = "select 1 from duckdb_functions() where function_type = 'table_macro' and function_name = $name"
            if self._connection.execute(query, {"name": statistic.name}).fetchall():
                raise
            is_current = self.manifest.get("index_version") == INDEX_VERSION
            cost = "no text is read again" if is_current else "all text is read"
            raise WorkspaceError(
                f"{self.root}: was built before the statistic {statistic.name} was there; build again ({cost})"
            ) from None

    def statement(self, statistic: Statistic, parameters: Mapping[str, object]) -> str:
        """The SQL that `run` sends: a call of the catalogue's macro, which any client can repeat."""
        arguments = statistic.arguments(parameters)
        given = ", ".join(f"{param.name} := {sql_value(arguments[param.name])}" for param in statistic.params)
        return f"from {statistic.name}({given})"

    def sql(self, query: str) -> pl.DataFrame:
        """One statement; the catalogue itself is read-only. Raises `QueryError` with the engine's reason.

        For the user's own queries, which may also write files with COPY; a stranger's go through `explorer.sandbox`.
        """
        try:
            statements = self._connection.extract_statements(query)
        except duckdb.Error as error:
            raise QueryError(str(error)) from None
        if len(statements) != 1:
            raise UsageError(f"give one statement, not {len(statements)}")
        return self._frame(query)

    def _frame(self, query: str) -> pl.DataFrame:
        try:
            table = select(self._connection, query)
        except duckdb.Error as error:
            raise QueryError(str(error)) from None
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame


def open_corpus(workspace: str | Path) -> Corpus:
    """Open a workspace read-only. Raises `WorkspaceError` where there is none or its build never finished."""
    root = Path(workspace).resolve()
    manifest = Workspace(root).read_manifest()
    catalogue = Workspace(root).catalogue
    if not catalogue.is_file():
        raise WorkspaceError(f"{root}: corpus.duckdb is missing; build again to write it")
    _follow_a_move(Workspace(root), manifest)
    # Attached to an engine of its own: connections by path share one engine within a process, and after a rebuild
    # would go on reading the old generation as long as anybody holds it.
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    try:
        connection.execute(f"attach {quote_literal(str(catalogue))} as corpus (read_only)").fetchall()
        _enter(connection)
    except duckdb.Error as error:
        connection.close()
        raise WorkspaceError(f"{catalogue}: cannot be opened ({error}); build again to rewrite it") from None
    return Corpus(root, connection, manifest)


def _enter(connection: duckdb.DuckDBPyConnection) -> None:
    """Settings of one session."""
    connection.execute("use corpus").fetchall()
    connection.execute("set enable_progress_bar = false").fetchall()  # it would go to standard output


def _follow_a_move(workspace: Workspace, manifest: dict[str, Any]) -> None:
    """A large corpus has views over its index files, which name the folder in which it was built."""
    if manifest.get("detail_relations", "tables") == "tables" or manifest["root"] == str(workspace.root):
        return
    relocate(workspace, manifest["root"])
    manifest["root"] = str(workspace.root)
    write_json(workspace.manifest, manifest)
