"""`corpus.duckdb`: documents, attributes, merged tables, a macro and a view for each statistic, comments on everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from explorer import __version__
from explorer.attributes import Attribute
from explorer.config import CorpusConfig
from explorer.errors import StatisticError
from explorer.ingest.rows import REASONS
from explorer.partials import Piece, add_macros, merge_sql, partial_path
from explorer.relations import (
    DOCUMENT_COLUMNS,
    IndexedPart,
    attribute_values,
    documents_relation,
    quote_identifier,
    quote_literal,
)
from explorer.statistic import Param, Statistic, Value, load_statistics
from explorer.units import MEASURES
from explorer.workspace import Workspace, replacing, storage_failure

# Above this many documents the detail relations are views over the index files (with absolute paths) instead of
# tables: copying them would cost more than it serves. The catalogue's `corpus` table says which.
MAX_TABLE_DOCS = 5_000_000

COLUMN_DOCS: Mapping[str, str] = {
    "doc": "Number of the document in this build; not stable between builds.",
    "id": "Identity within its source; md5: and the text's hash where the rows have none.",
    "is_id_given": "Whether the row had an id of its own.",
    "source": "Source: from the row, else from the folder.",
    "n_bytes_trimmed": "Bytes of the text without White_Space at its ends (what the Dolma mixer's min_text_length compares).",
    "n_replacement_chars": "U+FFFD characters: the trace of a broken decoding.",
    "url": "URL as it stands: url, metadata.url, or the id where it is a URL.",
    "scheme": "Scheme of the URL, lower case.",
    "host": "Host of the URL, lower case, punycode; null where there is none.",
    "domain": "Registered domain (eTLD+1, ICANN section); the host itself where it has none.",
    "suffix": "Public suffix of the host; null for IP addresses and local names.",
    "created": "When the document was made, UTC; null where absent or unreadable.",
    "added": "When it was acquired, UTC.",
    "is_created_unreadable": "The row has a date of creation that could not be read.",
    "language": "Language as the row or an attribute states it.",
    "licence": "Licence as the row states it.",
    "text_md5": "MD5 of the text's UTF-8 bytes, as a UUID.",
    "url_md5": "MD5 of the URL.",
    "metadata": "The row's other scalar fields, as JSON.",
    "part": "Index part that the row is in.",
    "shard": "Number of the shard (table shards).",
    "row": "Row within the shard's file, from 0.",
    **{measure.column: measure.definition for measure in MEASURES},
}


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


def write_catalogue(workspace: Workspace, content: Content, memory: int) -> None:
    """Write a new catalogue and rename it into place; readers of the old one keep it."""
    with replacing(workspace.catalogue) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            with duckdb.connect(str(temporary), config={"memory_limit": f"{memory // 2**20}MiB"}) as connection:
                connection.execute(
                    f"set temp_directory = {quote_literal(str(workspace.root / 'partials' / 'spill.writing'))}"
                ).fetchall()
                _fill(connection, workspace, content)
                connection.execute("checkpoint").fetchall()
        except duckdb.Error as error:
            full = storage_failure(workspace.catalogue, error)
            if full is None:
                raise
            raise full from error


def _fill(connection: duckdb.DuckDBPyConnection, workspace: Workspace, content: Content) -> None:
    add_macros(connection)
    as_tables = content.n_docs <= MAX_TABLE_DOCS
    _facts(connection, content, as_tables)
    _details(connection, content, as_tables)
    connection.execute("create schema merged").fetchall()
    for statistic in load_statistics().values():
        if statistic.over is not None:
            _merge(connection, workspace, statistic, content.pieces.get(statistic.over, ()))
    for statistic in load_statistics().values():
        add_statistic(connection, statistic)


def _table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, str, str]],
    rows: Sequence[Mapping[str, Any]],
    doc: str,
) -> None:
    """A small table of our own with comments: columns are (name, type, doc)."""
    fields = ", ".join(f"{quote_identifier(c)} {kind}" for c, kind, _ in columns)
    connection.execute(f"create table {name} ({fields})").fetchall()
    if rows:
        marks = ", ".join("?" for _ in columns)
        connection.executemany(
            f"insert into {name} values ({marks})", [[row[c] for c, _, _ in columns] for row in rows]
        )
    connection.execute(f"comment on table {name} is {quote_literal(doc)}").fetchall()
    for column, _, text in columns:
        connection.execute(f"comment on column {name}.{quote_identifier(column)} is {quote_literal(text)}").fetchall()


def _facts(connection: duckdb.DuckDBPyConnection, content: Content, as_tables: bool) -> None:
    facts = {
        **content.facts,
        "explorer_version": __version__,
        "detail_relations": "tables" if as_tables else "views",
    }
    _table(
        connection,
        "corpus",
        [("name", "varchar", "What is said."), ("value", "varchar", "What it is.")],
        [{"name": name, "value": value} for name, value in sorted(facts.items())],
        "Facts about this corpus and this build: names, fingerprints, versions.",
    )
    _table(
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
    _table(
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
        ],
        content.shards,
        "The files that were read.",
    )
    _table(
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
    _table(
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


def _details(connection: duckdb.DuckDBPyConnection, content: Content, as_tables: bool) -> None:
    kind = "table" if as_tables else "view"
    columns = ", ".join(DOCUMENT_COLUMNS)
    selects = []
    first_shard = 0
    first_doc = 0
    for number, part in enumerate(content.parts):
        relation = documents_relation(part, content.filled)
        selects.append(
            f"select (doc + {first_doc})::bigint as doc, {columns}, {number}::integer as part, "
            f"(shard + {first_shard})::integer as shard, row from ({relation})"
        )
        first_doc += part.n_docs
        first_shard += part.n_shards
    if not selects:
        raise StatisticError("a catalogue needs at least one part")
    connection.execute(f"create {kind} documents as {' union all '.join(selects)}").fetchall()
    _comment(
        connection,
        kind,
        "documents",
        "A row per document: counts, hashes, URL parts, dates. No text.",
        COLUMN_DOCS,
    )
    _attribute_details(connection, content, kind)


def _attribute_details(connection: duckdb.DuckDBPyConnection, content: Content, kind: str) -> None:
    sets: dict[str, dict[Attribute, None]] = {}
    for part in content.parts:
        for indexed in part.sets:
            sets.setdefault(indexed.attribute_set, {}).update(dict.fromkeys(indexed.attributes))
    rows = []
    longs = [
        "select null::bigint as doc, null::varchar as attribute_set, null::varchar as key, null::varchar as shape, null::varchar as state, null::integer as n_values, null::double as first_score, null::double as max_score, null::bigint as n_covered_chars, null::varchar as text_value where false"
    ]
    for number, name in enumerate(sorted(sets)):
        table = f"attribute_set_{number}"
        attributes = sorted(sets[name], key=lambda a: (a.path, a.shape))
        first_doc = 0
        selects = []
        for part in content.parts:
            one = part.find(name)
            if one is not None:
                selects.append(
                    f"select * replace ((doc + {first_doc})::bigint as doc) from read_parquet({quote_literal(str(one.path))})"
                )
            first_doc += part.n_docs
        connection.execute(f"create {kind} {table} as {' union all by name '.join(selects)}").fetchall()
        connection.execute(
            f"comment on {kind} {table} is {quote_literal(f'Wide values of the attribute set {name}; the table attributes says which columns are whose.')}"
        ).fetchall()
        names = _readable_names([a.key for a in attributes])
        scores = [
            f"{a.column}_{'text' if a.shape in ('text', 'nested') else 'first'} as {quote_identifier(n)}"
            for a, n in zip(attributes, names, strict=True)
        ]
        view = quote_identifier(f"scores_{name}")
        connection.execute(
            f"create view {view} as select d.source, d.id, {', '.join(['s.doc', 's.state', *scores])} from {table} as s join documents as d on d.doc = s.doc"
        ).fetchall()
        connection.execute(
            f"comment on view {view} is {quote_literal(f'First score of every key of the attribute set {name}, a column a key.')}"
        ).fetchall()
        for attribute, readable in zip(attributes, names, strict=True):
            longs.append(
                f"select s.doc, {quote_literal(name)}, {attribute_values(attribute, 's')} from {table} as s where s.{attribute.column}_n is not null"
            )
            rows.append({
                "attribute_set": name, "key": attribute.key, "shape": attribute.shape, "experiment": attribute.experiment,
                "tagger": attribute.tagger, "span_type": attribute.span_type, "path": list(attribute.path),
                "relation": table, "column_stem": attribute.column, "score_view": f"scores_{name}", "score_column": readable,
            })  # fmt: skip
    _table(
        connection,
        "attributes",
        [
            (
                "attribute_set",
                "varchar",
                "Set: the folder under attributes/, or the column of a tagged Parquet file.",
            ),
            ("key", "varchar", "Key; nested keys are joined with a dot."),
            ("shape", "varchar", "spans, number, bool, text or nested: the mixer treats them differently."),
            ("experiment", "varchar", "First part of experiment__tagger__type."),
            ("tagger", "varchar", "Second part."),
            ("span_type", "varchar", "Third part."),
            ("path", "varchar[]", "The key, or the keys down to a nested value."),
            ("relation", "varchar", "Wide relation that holds the values."),
            (
                "column_stem",
                "varchar",
                "Its columns there: _n (null: absent, 0: empty), _first, _max, _chars, _text.",
            ),
            ("score_view", "varchar", "View with readable column names."),
            ("score_column", "varchar", "Its column there."),
        ],
        rows,
        "Every attribute of the corpus: set, key and shape, and where its values are.",
    )
    connection.execute(f"create view attribute_values as {' union all '.join(longs)}").fetchall()
    _comment(connection, "view", "attribute_values", "Attribute values in long form: a row per document and key that it has.", {
        "doc": COLUMN_DOCS["doc"], "state": "present, or misaligned where the row was found by id.", "n_values": "Spans, or 1 for a single value; 0 where the key is present and empty.",
        "first_score": "Score of the first span, or the value: what a mixer's [0][2] tests.", "max_score": "Highest score.", "n_covered_chars": "Characters in the union of the spans, clipped to the text.",
    })  # fmt: skip


def _readable_names(keys: Sequence[str]) -> list[str]:
    """Column names for keys: DuckDB ignores case in names, so keys that differ by case alone get a number."""
    seen: dict[str, int] = dict.fromkeys(("source", "id", "doc", "state"), 1)
    names = []
    for key in keys:
        n = seen[key.lower()] = seen.get(key.lower(), 0) + 1
        names.append(key if n == 1 else f"{key}_{n}")
    return names


def _comment(connection: duckdb.DuckDBPyConnection, kind: str, name: str, doc: str, columns: Mapping[str, str]) -> None:
    connection.execute(f"comment on {kind} {name} is {quote_literal(doc)}").fetchall()
    for column, text in columns.items():
        exists = connection.execute(
            "select count(*) from duckdb_columns() where table_name = $t and column_name = $c and not internal",
            {"t": name, "c": column},
        ).fetchall()
        if exists[0][0]:
            connection.execute(
                f"comment on column {name}.{quote_identifier(column)} is {quote_literal(text)}"
            ).fetchall()


def _merge(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, statistic: Statistic, pieces: Sequence[Piece]
) -> None:
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
    """The macro and the view (with default parameters) of one statistic. Raises `StatisticError` when its result fails."""
    params = ", ".join(f"{param.name} := {sql_default(param)}" for param in statistic.params)
    try:
        connection.execute(f"create macro {statistic.name}({params}) as table ({statistic.result_sql})").fetchall()
        connection.execute(f"create view {statistic.name} as from {statistic.name}()").fetchall()
    except duckdb.Error as error:
        raise StatisticError(f"{statistic.section}/{statistic.name}.sql, result: {error}") from error
    exactness = "" if statistic.is_exact else f" Estimated: {statistic.approx}"
    doc = f"{statistic.title}. {statistic.doc}{exactness}"
    parameters = "".join(f" {param.name}: {param.doc}" for param in statistic.params)
    connection.execute(f"comment on macro table {statistic.name} is {quote_literal(doc + parameters)}").fetchall()
    connection.execute(f"comment on view {statistic.name} is {quote_literal(doc)}").fetchall()
    for column in statistic.columns:
        text = f"{column.doc} [{column.unit}]"
        connection.execute(
            f"comment on column {statistic.name}.{quote_identifier(column.name)} is {quote_literal(text)}"
        ).fetchall()


def sql_default(param: Param) -> str:
    return sql_value(param.default)


def sql_value(value: Value) -> str:
    """A parameter's value as SQL; it has been checked against the parameter's type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote_literal(value) if isinstance(value, str) else repr(value)
