"""What the catalogue says of duplicates: the order of the sources, and the copies of each document."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from explorer.details import create_relation, numbered, write_table
from explorer.duplicates.stages import Found
from explorer.duplicates.tasks import parquet
from explorer.relations import IndexedPart

_SEARCH = [
    ("is_on", "boolean", "Whether duplicates were looked for."),
    ("min_paragraph", "bigint", "Fewest characters of a paragraph to be looked for; null where duplicates were not."),
    (
        "threshold",
        "double",
        "Jaccard similarity of near-duplicates; null, as what follows, where none were looked for.",
    ),
    ("n_bands", "bigint", "Bands of a signature of 128 numbers."),
    ("n_band_rows", "bigint", "Numbers of a band."),
    ("n_groups", "bigint", "Groups of texts that share a band."),
    ("n_capped_groups", "bigint", "Of those, too large for all their pairs to be compared."),
    ("n_skipped_pairs", "bigint", "Pairs within those that were not compared for it."),
    ("n_candidate_pairs", "bigint", "Pairs that were compared."),
    ("n_pairs", "bigint", "Of those, alike: their signatures agree in the threshold's share of positions."),
    ("n_clusters", "bigint", "Clusters of different texts that such pairs connect."),
    ("n_texts", "bigint", "Different texts in them."),
    ("n_largest", "bigint", "Different texts in the largest of them."),
]
_COPIES = {
    "doc": "Number of the document in this build.",
    "key_kind": "Kind of key: id (within its source), url, text, near or paragraph.",
    "key": "The key that the copies share; null for paragraphs, of which a document has many.",
    "source_mask": "Sources that have the key: character n + 1 is 1 where source number n has it (table source_order).",
    "n_texts": "Different texts among the copies.",
    "n_copies": "Documents that have the key, in the whole corpus; for paragraphs the most of any of its paragraphs.",
    "n_copies_in_source": "Of those, documents of the same source.",
    "n_copies_in_domain": "Of those, documents of the same registered domain; null without one.",
    "is_in_source": "Whether the key occurs more than once in the document's own source.",
    "is_first": "Whether it is the first copy: smallest source number, then id, text hash, URL hash.",
    "is_first_in_source": "Whether it is the first copy of its source.",
    "is_longest": "Whether it is the longest copy; the first of equals.",
    "is_removed": "Whether removing in steps (url, then text) removes it at the step of this kind.",
    "n_repeated": "Paragraphs of the document that occur more than once in the corpus.",
    "n_repeated_bytes": "Bytes of those paragraphs.",
    "n_repeated_words": "Words of those paragraphs.",
}

_SAMPLES = {
    "key_kind": "Kind of key: url, text, near or paragraph.",
    "key": "The key, as text.",
    "sample": "The first characters of the first copy's text, or of the paragraph; null where it could not be read.",
    "url": "URL of a cluster's first copy; null when it has none.",
    "documents": "The first copy of a cluster; of a paragraph the first documents that have it, three at most.",
}


def write_duplicate_tables(
    connection: duckdb.DuckDBPyConnection, found: Found, parts: Sequence[IndexedPart], *, as_tables: bool
) -> None:
    """Write `source_order`, `duplicate_search`, `document_copies` and `duplicate_samples`."""
    asked = {"is_on": found.options.is_on, "min_paragraph": found.options.min_paragraph}
    write_table(
        connection,
        "source_order",
        [
            ("source", "varchar", "Source."),
            ("number", "integer", "Its number: as corpus.toml orders them, the others after those by name."),
        ],
        [{"source": source, "number": number} for number, source in enumerate(found.order)],
        "The order of the sources, by which the first of several copies is chosen.",
    )
    write_table(
        connection,
        "duplicate_search",
        _SEARCH,
        [{**dict.fromkeys(name for name, _, _ in _SEARCH), **asked, **(found.near or {})}],
        "How duplicates were looked for, in one row.",
    )
    columns = ", ".join(name for name in _COPIES if name != "doc")
    selects = [
        f"select (doc + {first_doc})::bigint as doc, {columns} from {parquet([found.marks[part.key]])} "
        "where key_kind <> 'paragraph' or n_repeated > 0"
        for first_doc, part in numbered(parts)
    ]
    doc = "A row per document and kind of key in which it has copies."
    create_relation(connection, "document_copies", " union all ".join(selects), doc, _COPIES, as_tables=as_tables)
    if found.samples is not None:
        doc = "A row per cluster and paragraph that largest_clusters and repeated_paragraphs list: its text and places."
        create_relation(
            connection, "duplicate_samples", f"from {parquet([found.samples])}", doc, _SAMPLES, as_tables=True
        )
