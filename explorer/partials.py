"""Partials and merging: one pass over the small index files a statistic, cut by part, merged by associative rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from explorer.errors import ExplorerError, StatisticError
from explorer.relations import (
    IndexedPart,
    attributes_relation,
    documents_relation,
    quote_identifier,
    quote_literal,
)
from explorer.statistic import Statistic, load_statistics, queries_root
from explorer.workspace import Workspace, digest, replacing, storage_failure


@dataclass(frozen=True)
class Piece:
    """One input of partials, such as a part's documents."""

    relation: str  # which `over` it serves
    key: str
    sql: str


def pieces(
    relation: str,
    parts: Sequence[IndexedPart],
    set_keys: Mapping[str, Sequence[str]],
    filled: Mapping[str, tuple[str, str]],
) -> list[Piece]:
    """The pieces that `relation` is cut into. `set_keys` gives the keys of each part's attribute files."""
    made = []
    for part in parts:
        sql = documents_relation(part, filled) if relation == "documents" else attributes_relation(part, filled)
        uses_sets = relation == "attributes" or bool(filled)
        made.append(
            Piece(
                relation,
                digest(part.key, sorted(set_keys[part.key]) if uses_sets else [], sorted(filled.items())),
                sql,
            )
        )
    return made


def connect(
    memory: int, spill: Path | None = None, threads: int = 1, *, has_macros: bool = True
) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own with the macros that statistics use. `memory` in bytes."""
    connection = duckdb.connect(config={"threads": threads, "memory_limit": f"{memory // 2**20}MiB"})
    # It takes a worker process for a person at a prompt, and standard output is data.
    connection.execute("set enable_progress_bar = false").fetchall()
    if spill is not None:
        connection.execute(f"set temp_directory = {quote_literal(str(spill))}")
    if has_macros:
        add_macros(connection)
    return connection


def add_macros(connection: duckdb.DuckDBPyConnection) -> None:
    for statement in connection.extract_statements((queries_root() / "macros.sql").read_text(encoding="utf-8")):
        connection.execute(statement.query).fetchall()


def engine_version() -> str:
    """Major and minor version of DuckDB: part of a partial's key."""
    return ".".join(duckdb.__version__.split(".")[:2])


def partial_path(workspace: Workspace, statistic: Statistic, piece: Piece) -> Path:
    return workspace.partial(digest(statistic.partial_key, engine_version()), piece.key)


def compute_partials(
    root: Path, piece: Piece, names: Sequence[str], memory: int, progress: Callable[[float], None]
) -> None:
    """Compute some statistics' partials on one piece and write each to its file; equal partials share one."""
    workspace = Workspace(root)
    statistics = load_statistics()
    with connect(memory, root / "partials" / f"spill.writing{piece.key}") as connection:
        connection.execute(f"create view part as {piece.sql}").fetchall()
        done = set()
        for name in names:
            path = partial_path(workspace, statistics[name], piece)
            if path not in done and not path.exists():
                write_partial(connection, statistics[name], path)
            done.add(path)
            progress(1.0)


def write_partial(connection: duckdb.DuckDBPyConnection, statistic: Statistic, path: Path) -> None:
    """Run one partial over the view `part` and write it. Raises `StatisticError` when its SQL fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        try:
            connection.execute(
                f"copy (with p as ({statistic.partial_sql}) {pick(statistic, 'p')}) "
                f"to {quote_literal(str(temporary))} (format parquet, compression zstd)"
            ).fetchall()
        except duckdb.Error as error:
            full = storage_failure(path, error)
            if isinstance(error, duckdb.OutOfMemoryException):
                raise ExplorerError(
                    f"{statistic.section}/{statistic.name}.sql, partial: needs more memory than a worker has; "
                    "give more --memory or fewer --workers and run the same build again"
                ) from None
            raise full or StatisticError(f"{statistic.section}/{statistic.name}.sql, partial: {error}") from error


def pick(statistic: Statistic, table: str) -> str:
    """Cut a partial of whole rows down to its best within this part; other partials pass as they are."""
    keep = statistic.keep
    if keep is None:
        return f"from {table}"
    order = ", ".join(keep.order)
    partition = f"partition by {', '.join(map(quote_identifier, keep.within))} " if keep.within else ""
    return f"from {table} qualify row_number() over ({partition}order by {order}) <= {keep.top}"


def merge_sql(statistic: Statistic, table: str, columns: Sequence[tuple[str, str]]) -> str:
    """SQL that merges partials laid end to end in `table`, whose columns are (name, type) pairs.

    Integer sums stay BIGINT and decimal sums DECIMAL: DuckDB would widen them to a type that files cannot hold.
    """
    if statistic.keep is not None:
        return pick(statistic, table)
    items = []
    keys = []
    for name, kind in columns:
        quoted = quote_identifier(name)
        rule = statistic.merge.get(name)
        if rule is None:
            keys.append(quoted)
            items.append(quoted)
        else:
            if rule == "sum" and kind in ("DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT"):
                where = f"{statistic.section}/{statistic.name}.sql"
                raise StatisticError(f"{where}: a sum of {kind} ({name}) depends on the cut; cast to bigint or decimal")
            target = kind if rule != "sum" or kind.startswith("DECIMAL") else "BIGINT"
            items.append(f"{rule}({quoted})::{target} as {quoted}")
    group = f" group by {', '.join(keys)}" if keys else ""
    return f"select {', '.join(items)} from {table}{group}"
