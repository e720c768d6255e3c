"""The relations over what was found that statistics read, and what the catalogue says of it.

`marks`       a row per document and kind of key that it has: its copies, and in which sources they are
`paragraphs`  a row per repeated paragraph and source; one per source and bucket for paragraphs that occur once
`compared`    a row per attribute that marks duplicates: its marks against the copies (`explorer.duplicates.existing`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer.duplicates.stages import Found, document_kinds
from explorer.duplicates.tasks import KEYS, parquet, source_order
from explorer.partials import Piece
from explorer.relations import IndexedPart, documents_relation, quote_literal
from explorer.workspace import digest

RELATIONS = ("marks", "paragraphs", "compared")
KINDS = (*KEYS, "paragraph")


def duplicate_pieces(
    found: Found,
    parts: Sequence[IndexedPart],
    set_keys: Mapping[str, Sequence[str]],
    filled: Mapping[str, tuple[str, str]],
) -> dict[str, list[Piece]]:
    """The pieces of the relations."""
    return {
        "marks": [
            Piece(
                "marks",
                digest(
                    found.marks[part.key].name, sorted(set_keys[part.key]) if filled else [], sorted(filled.items())
                ),
                marks_relation(found, part, filled),
            )
            for part in parts
        ],
        **{
            relation: [Piece(relation, digest(path.name), f"from {parquet([path])}") for path in paths]
            for relation, paths in (("paragraphs", found.paragraphs), ("compared", found.compared))
        },
    }


def marks_relation(found: Found, part: IndexedPart, filled: Mapping[str, tuple[str, str]]) -> str:
    """SQL of the marks of a part's documents. A document that has no copies of a kind is a cluster of its own."""
    marks = found.marks[part.key]
    return _marks(f"({documents_relation(part, filled)})", marks, found.order, document_kinds(found.options))


def _marks(documents: str, marks: Path, order: Sequence[str], kinds: Sequence[str]) -> str:
    of_kind = " or ".join(f"(k.key_kind = {quote_literal(kind)} and {KEYS[kind][1]})" for kind in kinds)
    listed = ", ".join(f"({quote_literal(kind)})" for kind in (*kinds, "paragraph"))
    return f"""
        select
            k.key_kind, d.source, o.number as source_number, d.id, d.domain, d.n_bytes, d.n_words, d.n_tokens,
            coalesce(m.source_mask, o.mask::varchar) as source_mask,
            m.key,
            coalesce(m.n_texts, 1) as n_texts,
            coalesce(m.n_copies, 1) as n_copies,
            coalesce(m.n_copies_in_source, 1) as n_copies_in_source,
            coalesce(m.is_in_source, false) as is_in_source,
            case when d.domain is not null then coalesce(m.n_copies_in_domain, 1) end as n_copies_in_domain,
            coalesce(m.is_first, true) as is_first,
            coalesce(m.is_first_in_source, true) as is_first_in_source,
            coalesce(m.is_longest, true) as is_longest,
            coalesce(m.is_removed, false) as is_removed
        from {documents} as d
        join {source_order(order)} as o on o.source = d.source
        cross join (values {listed}) as k(key_kind)
        left join {parquet([marks])} as m on m.doc = d.doc and m.key_kind = k.key_kind
        where {of_kind} or (k.key_kind = 'paragraph' and m.doc is not null)
    """


def empty_paragraphs() -> str:
    """The relation `paragraphs` without a row."""
    columns = {
        "varchar": ("source", "source_mask"),
        "ubigint": ("key",),
        "integer": ("source_number",),
        "bigint": (
            "n_keys", "n_copies", "n_docs", "n_copies_in_source", "n_bytes", "n_words", "n_bytes_in_source",
            "n_words_in_source", "n_left_in_source", "n_left_bytes_in_source", "n_left_words_in_source",
        ),
        "boolean": ("is_first_source", "is_first_left_source"),
    }  # fmt: skip
    items = ", ".join(f"null::{kind} as {name}" for kind, names in columns.items() for name in names)
    return f"select {items} where false"


def empty_compared() -> str:
    """The relation `compared` without a row."""
    names = ("attribute_set", "key", "key_kind")
    counts = ("n_compared", "n_marked", "n_ours", "n_agreed", "n_marked_alone", "n_marked_too_often", "n_only_ours")
    items = [f"null::varchar as {name}" for name in names] + [f"null::bigint as {name}" for name in counts]
    return f"select {', '.join(items)} where false"
