"""The detail relations of the catalogue: documents and attribute values, as tables or as views over the index files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from explorer.attributes import Attribute
from explorer.relations import (
    DOCUMENT_COLUMNS,
    IndexedPart,
    attribute_names,
    documents_relation,
    quote_identifier,
    quote_literal,
    values_relation,
)
from explorer.units import MEASURES

COLUMN_DOCS: Mapping[str, str] = {
    "doc": "Number of the document in this build; not stable between builds.",
    "id": "Identity within its source; md5: and the text's hash where the rows have none.",
    "is_id_given": "Whether the row had an id of its own.",
    "source": "Source: from the row, else from the folder.",
    "n_bytes_trimmed": "Bytes of the text without White_Space at its ends (what the mixer's min_text_length compares).",
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


_ROWS_AT_ONCE = 200


@dataclass(frozen=True)
class Definition:
    """What an attribute's scores say: their unit, what is counted and divided by what, and where that comes from."""

    unit: str
    doc: str
    source: str


def write_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, str, str]],
    rows: Sequence[Mapping[str, Any]],
    doc: str,
    *,
    has_comments: bool = True,
) -> None:
    """A small table of our own: columns are (name, type, doc). Comments are for a catalogue that people open."""
    fields = ", ".join(f"{quote_identifier(c)} {kind}" for c, kind, _ in columns)
    connection.execute(f"create table {name} ({fields})").fetchall()
    for first in range(0, len(rows), _ROWS_AT_ONCE):  # a statement for each row would take 0.4 ms
        some = rows[first : first + _ROWS_AT_ONCE]
        marks = ", ".join(f"({', '.join('?' for _ in columns)})" for _ in some)
        connection.execute(f"insert into {name} values {marks}", [row[c] for row in some for c, _, _ in columns])
    if not has_comments:
        return
    connection.execute(f"comment on table {name} is {quote_literal(doc)}").fetchall()
    for column, _, text in columns:
        connection.execute(f"comment on column {name}.{quote_identifier(column)} is {quote_literal(text)}").fetchall()


def write_documents(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[IndexedPart],
    filled: Mapping[str, tuple[str, str]],
    *,
    as_tables: bool,
) -> None:
    """The relation `documents` over all parts; documents and shards are numbered through."""
    selects = []
    first_shard = 0
    columns = ", ".join(DOCUMENT_COLUMNS)
    for number, (first_doc, part) in enumerate(numbered(parts)):
        selects.append(
            f"select (doc + {first_doc})::bigint as doc, {columns}, {number}::integer as part, "
            f"(shard + {first_shard})::integer as shard, row from ({documents_relation(part, filled)})"
        )
        first_shard += part.n_shards
    doc = "A row per document: counts, hashes, URL parts, dates. No text."
    create_relation(connection, "documents", " union all ".join(selects), doc, COLUMN_DOCS, as_tables=as_tables)


def write_attributes(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[IndexedPart],
    definitions: Mapping[Attribute, Definition],
    *,
    as_tables: bool,
) -> None:
    """`attributes` (what there is), `attribute_values` (long form), and per set a wide relation and a readable view."""
    sets: dict[str, set[Attribute]] = {}
    for part in parts:
        for indexed in part.sets:
            sets.setdefault(indexed.attribute_set, set()).update(indexed.attributes)
    listed: list[dict[str, Any]] = []
    for number, (name, readable) in enumerate(zip(sorted(sets), readable_names(sorted(sets)), strict=True)):
        attributes = sorted(sets[name], key=lambda a: (a.path, a.shape))
        listed += _write_set(
            connection, parts, name, attributes, f"attribute_set_{number}", f"scores_{readable}", as_tables
        )
    for row in listed:
        meant = definitions.get(row.pop("attribute"))
        row |= {"unit": None, "definition": None, "definition_source": None}
        if meant is not None:
            row |= {"unit": meant.unit, "definition": meant.doc, "definition_source": meant.source}
    write_table(
        connection,
        "attributes",
        _ATTRIBUTE_COLUMNS,
        listed,
        "Every attribute: set, key, shape, what it means as far as its tagger is known, and where its values are.",
    )
    _write_values(connection, parts, as_tables=as_tables)


def _write_set(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[IndexedPart],
    name: str,
    attributes: Sequence[Attribute],
    relation: str,
    view: str,
    as_tables: bool,
) -> list[dict[str, Any]]:
    """One set's wide relation and readable view; returns its rows of `attributes`."""
    found = ((first_doc, part.find(name)) for first_doc, part in numbered(parts))
    selects = [
        f"select * replace ((doc + {first_doc})::bigint as doc) from read_parquet({quote_literal(str(one.path))})"
        for first_doc, one in found
        if one is not None
    ]
    doc = f"Wide values of the attribute set {name}; the table attributes says which columns are whose."
    create_relation(connection, relation, " union all by name ".join(selects), doc, {}, as_tables=as_tables)
    columns = readable_names([a.key for a in attributes], taken=("source", "id", "doc", "state"))
    scores = [
        f"s.{a.column}_{'text' if a.shape in ('text', 'nested') else 'first'} as {quote_identifier(column)}"
        for a, column in zip(attributes, columns, strict=True)
    ]
    items = ", ".join(["d.source", "d.id", "s.doc", "s.state", *scores])
    query = f"select {items} from {relation} as s join documents as d on d.doc = s.doc"
    doc = f"First score of every key of the attribute set {name}, a column a key."
    create_relation(connection, quote_identifier(view), query, doc, {}, as_tables=False)
    return [
        {
            "attribute": a,
            "attribute_set": name,
            "key": a.key,
            "shape": a.shape,
            "experiment": a.experiment,
            "tagger": a.tagger,
            "span_type": a.span_type,
            "path": list(a.path),
            "relation": relation,
            "column_stem": a.column,
            "score_view": view,
            "score_column": column,
        }
        for a, column in zip(attributes, columns, strict=True)
    ]


_ATTRIBUTE_COLUMNS = [
    ("attribute_set", "varchar", "Set: the folder under attributes/, or the columns of a tagged Parquet file."),
    ("key", "varchar", "Key; a nested one is the JSONPath down to it, such as $.pii.email."),
    ("shape", "varchar", "spans, number, bool, text or nested: the mixer treats them differently."),
    ("experiment", "varchar", "First part of experiment__tagger__type."),
    ("tagger", "varchar", "Second part."),
    ("span_type", "varchar", "Third part."),
    ("unit", "varchar", "Unit of the scores, by the tagger's definition; null where no such tagger is known."),
    ("definition", "varchar", "What is counted, divided by what, and when the key is absent; null as unit is."),
    ("definition_source", "varchar", "Where the definition comes from; null as unit is."),
    ("path", "varchar[]", "The key, or the keys down to a nested value."),
    ("relation", "varchar", "Wide relation that holds the values."),
    ("column_stem", "varchar", "Its columns there: _n (null: absent, 0: empty), _first, _max, _chars, _text."),
    ("score_view", "varchar", "View with readable column names."),
    ("score_column", "varchar", "Its column there."),
]


def _write_values(connection: duckdb.DuckDBPyConnection, parts: Sequence[IndexedPart], *, as_tables: bool) -> None:
    selects = [
        "select null::bigint as doc, null::varchar as attribute_set, null::varchar as key, null::varchar as shape, "
        "null::integer as n_values, null::double as first_score, null::double as max_score, "
        "null::bigint as n_covered_chars, null::varchar as text_value where false"
    ]
    selects += [
        f"select (v.doc + {first_doc})::bigint, {quote_literal(one.attribute_set)}, a.key, a.shape, v.n, v.first, "
        f"v.max, v.chars, v.text from ({values_relation(one)}) as v "
        f"join {attribute_names(one)} on a.position = v.attribute"
        for first_doc, part in numbered(parts)
        for one in part.sets
        if one.attributes
    ]
    docs = {
        "doc": COLUMN_DOCS["doc"],
        "n_values": "Spans, or 1 for a single value; 0 where the key is present and empty.",
        "first_score": "Score of the first span, or the value: what a mixer's [0][2] tests.",
        "max_score": "Highest score.",
        "n_covered_chars": "Characters in the union of the spans, clipped to the text.",
    }
    doc = "Attribute values in long form: a row per document and key that it has."
    create_relation(connection, "attribute_values", " union all ".join(selects), doc, docs, as_tables=as_tables)


def numbered(parts: Iterable[IndexedPart]) -> Iterable[tuple[int, IndexedPart]]:
    """Each part with the number of its first document."""
    first_doc = 0
    for part in parts:
        yield first_doc, part
        first_doc += part.n_docs


def readable_names(keys: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Column names for keys: DuckDB ignores case in names, so keys that differ by case alone get a number."""
    used = {name.lower() for name in taken}
    names = []
    for key in keys:
        name = stem = key or "(empty)"  # an identifier needs a character, a key does not
        number = 2
        while name.lower() in used:
            name = f"{stem}_{number}"
            number += 1
        used.add(name.lower())
        names.append(name)
    return names


def create_relation(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    doc: str,
    columns: Mapping[str, str],
    *,
    as_tables: bool,
) -> None:
    """A detail relation with its comments: `columns` maps those to explain to what they are."""
    kind = "table" if as_tables else "view"
    connection.execute(f"create {kind} {name} as {query}").fetchall()
    connection.execute(f"comment on {kind} {name} is {quote_literal(doc)}").fetchall()
    described = {row[0] for row in connection.execute(f"describe {name}").fetchall()}
    for column, text in columns.items():
        if column in described:
            connection.execute(
                f"comment on column {name}.{quote_identifier(column)} is {quote_literal(text)}"
            ).fetchall()
