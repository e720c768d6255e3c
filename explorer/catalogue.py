"""`corpus.duckdb`: documents, attributes, merged tables, a macro and a view a statistic, comments on everything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from explorer import __version__
from explorer.attributes import Attribute
from explorer.config import CorpusConfig
from explorer.details import Definition, write_attributes, write_documents, write_table
from explorer.duplicates.relations import empty_compared, empty_paragraphs
from explorer.duplicates.stages import Found
from explorer.duplicates.tables import write_duplicate_tables
from explorer.errors import StatisticError
from explorer.impact.bind import BoundRecipe
from explorer.impact.hits import empty_relations
from explorer.impact.source import Source
from explorer.impact.tables import write_recipe_tables
from explorer.ingest.rows import REASONS
from explorer.partials import Piece, add_macros, merge_sql, partial_path
from explorer.relations import (
    IndexedPart,
    quote_identifier,
    quote_literal,
)
from explorer.statistic import Statistic, Value, exactness_sentence, load_statistics, with_called
from explorer.workspace import Workspace, replacing, storage_failure

# Above this many documents or attribute values the detail relations are views over the index files (with absolute
# paths) instead of tables: copying them would cost more than it serves. The catalogue's table `corpus` says which.
MAX_TABLE_DOCS = 5_000_000
MAX_TABLE_VALUES = 50_000_000


@dataclass(frozen=True)
class Content:
    """Everything a catalogue is made from."""

    config: CorpusConfig
    parts: Sequence[IndexedPart]
    pieces: Mapping[str, Sequence[Piece]]
    filled: Mapping[str, tuple[str, str]]
    shards: Sequence[Mapping[str, Any]]  # rows of the table `shards`
    shard_faults: Sequence[Mapping[str, Any]]
    sets: Sequence[Mapping[str, Any]]
    facts: Mapping[str, str]
    n_docs: int
    n_values: int
    recipes: Sequence[BoundRecipe]
    source: Source
    duplicates: Found
    definitions: Mapping[Attribute, Definition]
    options: Mapping[str, Any]  # rows of the table `build_options`

    @property
    def as_tables(self) -> bool:
        """Whether the detail relations are tables in the catalogue; else they are views over the index files."""
        return self.n_docs <= MAX_TABLE_DOCS and self.n_values <= MAX_TABLE_VALUES


def write_catalogue(workspace: Workspace, content: Content, memory: int) -> None:
    """Write a new catalogue and rename it into place; readers of the old one keep it."""
    with replacing(workspace.catalogue) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            with duckdb.connect(str(temporary), config={"memory_limit": f"{memory // 2**20}MiB"}) as connection:
                connection.execute("set enable_progress_bar = false").fetchall()  # it would go to standard output
                connection.execute(
                    f"set temp_directory = {quote_literal(str(workspace.root / 'partials' / 'spill.writing'))}"
                ).fetchall()
                connection.execute("begin").fetchall()  # one commit instead of one a comment: a second less
                _fill(connection, workspace, content)
                connection.execute("commit").fetchall()
                connection.execute("checkpoint").fetchall()
        except duckdb.Error as error:
            full = storage_failure(workspace.catalogue, error)
            if full is None:
                raise
            raise full from error


def relocate(workspace: Workspace, old_root: str) -> None:
    """Point a catalogue's views over index files at the workspace's new place, in a copy that is renamed over it."""
    with replacing(workspace.catalogue) as temporary:
        shutil.copyfile(workspace.catalogue, temporary)
        with duckdb.connect(str(temporary)) as connection:
            views = connection.execute(
                "select view_name, sql, comment from duckdb_views() where not internal"
            ).fetchall()
            old, new = (quote_literal(f"{root}/index/")[1:-1] for root in (old_root, workspace.root))
            for name, sql, doc in views:
                if old in sql:
                    view = quote_identifier(name)
                    columns = connection.execute(
                        "select column_name, comment from duckdb_columns() "
                        "where table_name = $v and schema_name = 'main'",
                        {"v": name},
                    ).fetchall()
                    query = sql[sql.index(" AS ") + 4 :].replace(old, new)
                    connection.execute(f"create or replace view {view} as {query}").fetchall()
                    comments = [(f"view {view}", doc)]  # replacing a view drops them
                    comments += [(f"column {view}.{quote_identifier(c)}", text) for c, text in columns]
                    for target, text in comments:
                        if text:
                            connection.execute(f"comment on {target} is {quote_literal(text)}").fetchall()
            connection.execute("checkpoint").fetchall()


def _fill(connection: duckdb.DuckDBPyConnection, workspace: Workspace, content: Content) -> None:
    add_macros(connection)
    _facts(connection, content)
    write_documents(connection, content.parts, content.filled, as_tables=content.as_tables)
    write_attributes(connection, content.parts, content.definitions, as_tables=content.as_tables)
    write_recipe_tables(connection, content.recipes, content.source)
    write_duplicate_tables(connection, content.duplicates, content.parts, as_tables=content.as_tables)
    connection.execute("create schema merged").fetchall()
    for statistic in load_statistics().values():
        if statistic.over is not None:
            _merge(connection, workspace, statistic, content.pieces.get(statistic.over, ()))
    for statistic in with_called(load_statistics().values()):
        add_statistic(connection, statistic)


def _facts(connection: duckdb.DuckDBPyConnection, content: Content) -> None:
    facts = {
        **content.facts,
        "explorer_version": __version__,
        "detail_relations": "tables" if content.as_tables else "views",
    }
    write_table(
        connection,
        "corpus",
        [("name", "varchar", "What is said."), ("value", "varchar", "What it is.")],
        [{"name": name, "value": value} for name, value in sorted(facts.items())],
        "Facts about this corpus and this build: names, fingerprints, versions.",
    )
    write_table(
        connection,
        "sources",
        [
            (c, "varchar", f"{c.replace('_', ' ').capitalize()}, as corpus.toml states it.")
            for c in ("source", "title", "document_type", "licence", "origin")
        ],
        [
            {
                "source": name,
                "title": note.title or None,
                "document_type": note.document_type or None,
                "licence": note.licence or None,
                "origin": note.origin or None,
            }
            for name, note in sorted(content.config.sources.items())
        ],
        "What corpus.toml says of the sources; a source without an entry has no row.",
    )
    write_table(
        connection,
        "shards",
        [
            ("shard", "integer", "Number of the shard in this build."),
            ("name", "varchar", "Path below the input."),
            ("n_file_bytes", "bigint", "Size of the file."),
            ("n_rows", "bigint", "Rows in the file."),
            ("n_docs", "bigint", "Documents taken from it."),
            ("n_rejected", "bigint", "Rows left out."),
            ("fault", "varchar", "Why the whole file could not be used; null where it could."),
            ("fingerprint", "varchar", "Order-free hash of its documents; those of all rows add up, modulo 2^128."),
        ],
        content.shards,
        "The files that were read.",
    )
    write_table(
        connection,
        "build_options",
        [("name", "varchar", "The option."), ("value", "varchar", "Its value, as JSON.")],
        [{"name": name, "value": json.dumps(value, sort_keys=True)} for name, value in content.options.items()],
        "What the build was asked for, as far as numbers depend on it.",
    )
    write_table(
        connection,
        "rejects",
        [
            ("name", "varchar", "File."),
            ("attribute_set", "varchar", "Attribute set of the file; null for documents."),
            ("reason", "varchar", "Kind of fault."),
            ("meaning", "varchar", "What the kind means."),
            ("n_rows", "bigint", "Rows left out for it."),
            ("first_row", "bigint", "The first such row, from 1; null where the whole file is at fault."),
            ("detail", "varchar", "What was found there."),
        ],
        [{**row, "meaning": REASONS.get(row["reason"], "")} for row in content.shard_faults],
        "Rows and files that were left out, by file and reason.",
    )
    write_table(
        connection,
        "attribute_files",
        [
            ("attribute_set", "varchar", "Attribute set."),
            ("name", "varchar", "Document file that it belongs to."),
            ("n_rows", "bigint", "Rows of attributes."),
            ("n_present", "bigint", "Documents that met their row."),
            ("n_misaligned", "bigint", "Documents found by id on another row."),
            ("n_missing", "bigint", "Documents without a row."),
            ("n_orphans", "bigint", "Rows that no document answers to."),
        ],
        content.sets,
        "How each attribute file met its document file.",
    )


def _merge(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, statistic: Statistic, pieces: Sequence[Piece]
) -> None:
    if not pieces:  # a corpus without recipes, or without duplicates: the table is there and empty
        found = {"paragraphs": empty_paragraphs(), "compared": empty_compared()}
        empty = {**found, **empty_relations()}[str(statistic.over)]
        merge_into(connection, statistic, f"(with part as ({empty}) select * from ({statistic.partial_sql}))")
        return
    files = ", ".join(quote_literal(str(partial_path(workspace, statistic, piece))) for piece in pieces)
    merge_into(connection, statistic, f"read_parquet([{files}])")


def merge_into(connection: duckdb.DuckDBPyConnection, statistic: Statistic, relation: str) -> None:
    """Create `merged.<name>` from partials laid end to end in `relation`."""
    described = connection.execute(f"describe from {relation}").fetchall()
    columns = [(str(row[0]), str(row[1])) for row in described]
    connection.execute(f"create table merged.{statistic.name} as {merge_sql(statistic, relation, columns)}").fetchall()
    connection.execute(
        f"comment on table merged.{statistic.name} is {quote_literal(f'Merged partials of {statistic.name}.')}"
    ).fetchall()


def add_statistic(connection: duckdb.DuckDBPyConnection, statistic: Statistic) -> None:
    """The macro of one statistic, and the view with default parameters. Raises `StatisticError` for a wrong result."""
    params = ", ".join(f"{param.name} := {sql_value(param.default)}" for param in statistic.params)
    try:
        connection.execute(f"create macro {statistic.name}({params}) as table ({statistic.result_sql})").fetchall()
        connection.execute(f"create view {statistic.name} as from {statistic.name}()").fetchall()
    except duckdb.Error as error:
        raise StatisticError(f"{statistic.section}/{statistic.name}.sql, result: {error}") from error
    exactness = "" if statistic.is_exact else f" {exactness_sentence(statistic)}"
    doc = f"{statistic.title}. {statistic.doc}{exactness}"
    parameters = "".join(f" {param.name}: {param.doc}" for param in statistic.params)
    connection.execute(f"comment on macro table {statistic.name} is {quote_literal(doc + parameters)}").fetchall()
    connection.execute(f"comment on view {statistic.name} is {quote_literal(doc)}").fetchall()
    for column in statistic.columns:
        text = f"{column.doc} [{column.unit}]"
        connection.execute(
            f"comment on column {statistic.name}.{quote_identifier(column.name)} is {quote_literal(text)}"
        ).fetchall()


def sql_value(value: Value) -> str:
    """A parameter's value as SQL; it has been checked against the parameter's type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote_literal(value) if isinstance(value, str) else repr(value)
