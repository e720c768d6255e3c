"""The relations that a partial may read as `part`, and the quoting of identifiers that come from data.

`documents`   a row per document (the index row, with what an attribute fills in)
`attributes`  a row per document and attribute that it has, and one a document and set (key null) with the set's state
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.attributes import Attribute


def quote_identifier(name: str) -> str:
    """A SQL identifier for any text."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """A SQL string for any text; for DDL, where parameters are not allowed."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class IndexedSet:
    """One attribute set of one part."""

    attribute_set: str
    path: Path  # a row per document, columns an attribute
    values: Path  # a row per document and attribute that it has
    spans: Path  # a row per span, lists of one span over the whole text left out
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class IndexedPart:
    """The index files of one part."""

    key: str
    documents: Path
    n_docs: int
    n_shards: int
    sets: tuple[IndexedSet, ...]

    def find(self, attribute_set: str) -> IndexedSet | None:
        return next((one for one in self.sets if one.attribute_set == attribute_set), None)


DOCUMENT_COLUMNS = (
    "id", "is_id_given", "source", "n_bytes", "n_bytes_trimmed", "n_chars", "n_words", "n_lines", "n_paragraphs",
    "n_replacement_chars", "n_tokens", "url", "scheme", "host", "domain", "suffix", "created", "added",
    "is_created_unreadable", "language", "licence", "text_md5", "url_md5", "metadata",
)  # fmt: skip


def documents_relation(part: IndexedPart, filled: Mapping[str, tuple[str, str]]) -> str:
    """SQL of the documents of a part. `filled` maps a role to the (set, key) of the attribute that fills it."""
    base = f"read_parquet({quote_literal(str(part.documents))})"
    replacements = []
    joins = []
    for number, (role, (attribute_set, key)) in enumerate(sorted(filled.items())):
        found = part.find(attribute_set)
        expression = _fill(role, key, found, f"s{number}") if found is not None else None
        if found is None or expression is None:
            continue
        joins.append(f"join read_parquet({quote_literal(str(found.path))}) as s{number} on s{number}.doc = d.doc")
        replacements.append(f"coalesce(d.{role}, {expression}) as {role}")
    replace = f" replace ({', '.join(replacements)})" if replacements else ""
    return f"select d.*{replace} from {base} as d {' '.join(joins)}"


def _fill(role: str, key: str, found: IndexedSet, alias: str) -> str | None:
    if role == "language":
        columns = [a for a in found.attributes if a.key.startswith(key) and a.shape in ("spans", "number")]
        if not columns:
            return None
        # the name under the prefix with the highest score; ties go to the first name
        ordered = sorted(columns, key=lambda a: a.key)
        scores = f"[{', '.join(f'{alias}.{a.column}_first' for a in ordered)}]"
        names = f"[{', '.join(quote_literal(a.key.removeprefix(key).strip('_')) for a in ordered)}]"
        best = f"list_max({scores})"
        return f"case when {best} is not null then ({names})[list_position({scores}, {best})] end"
    exact = next((a for a in found.attributes if a.key == key and a.shape in ("spans", "number")), None)
    if exact is None:
        return None
    score = f"{alias}.{exact.column}_first"
    return f"case when isfinite({score}) and {score} between 0 and 1e15 then round({score})::bigint end"


def attributes_relation(part: IndexedPart, filled: Mapping[str, tuple[str, str]]) -> str:
    """SQL of the attribute values of a part: a row per document and attribute that it has, and a row per document and
    set (key null) that says whether the set is there for the document."""
    columns = "d.source, d.n_bytes, d.n_chars, d.n_words, d.n_tokens"
    documents = f"({documents_relation(part, filled)}) as d"
    selects = [
        f"select {columns}, null::varchar as attribute_set, null::varchar as key, null::varchar as shape, "
        "null::varchar as state, null::integer as n_values, null::double as first_score, null::double as max_score, "
        f"null::bigint as n_covered_chars, null::varchar as text_value from {documents} where false"
    ]
    for one in part.sets:
        name = quote_literal(one.attribute_set)
        wide = quote_literal(str(one.path))
        selects.append(
            f"select {columns}, {name}, null, null, s.state, null, null, null, null, null "
            f"from {documents} join read_parquet({wide}) as s on s.doc = d.doc"
        )
        if one.attributes:
            selects.append(
                f"select {columns}, {name}, a.key, a.shape, null, v.n, v.first, v.max, v.chars, v.text "
                f"from ({values_relation(one)}) as v join {documents} on d.doc = v.doc "
                f"join {attribute_names(one)} on a.position = v.attribute"
            )
    return "\nunion all\n".join(selects)


def values_relation(one: IndexedSet) -> str:
    """SQL of a set's values in long form; single values have no maximum of their own in the file."""
    return f"select * replace (coalesce(max, first) as max) from read_parquet({quote_literal(str(one.values))})"


def attribute_names(one: IndexedSet) -> str:
    """A relation `a(position, key, shape)` of a set's attributes, as the long form numbers them."""
    rows = (f"({i}, {quote_literal(a.key)}, {quote_literal(a.shape)})" for i, a in enumerate(one.attributes))
    return f"(values {', '.join(rows)}) as a(position, key, shape)"
