"""What every reader yields, and the vocabulary of what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from explorer.config import CorpusConfig

# Where a role is looked for when corpus.toml does not say; the first that a row fills wins. Dotted paths reach into
# `metadata`.
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "doc_id", "document_id", "uuid"),
    "text": ("text", "content", "raw_content", "raw_text"),
    "source": ("source",),
    "url": ("url", "metadata.url"),
    "created": ("created", "date", "timestamp", "metadata.created", "metadata.date", "metadata.timestamp"),
    "added": ("added",),
    "language": ("language", "lang", "metadata.language", "metadata.lang"),
    "licence": ("licence", "license", "metadata.licence", "metadata.license"),
    "n_tokens": ("n_tokens", "token_count", "metadata.n_tokens", "metadata.token_count"),
}
ATTRIBUTES_COLUMN = "attributes"  # a row's own attributes: as left by a mix, or tagged Parquet
N_EXAMPLES = 20  # rejects that are kept with their row, per file
FLAT_SET = "columns"  # the set of flat numeric and boolean columns (language_score, int_score ...)

# Reasons for which a row or a file is left out; each is counted per shard and shown with its row.
REASONS: Mapping[str, str] = {
    "not_json": "a line that is not JSON",
    "not_an_object": "a line of JSON that is not an object",
    "invalid_utf8": "bytes that are not UTF-8",
    "lone_surrogate": "an escaped lone surrogate, which no UTF-8 text can hold",
    "no_id": "a row without an id in a file whose other rows have one",
    "no_text": "a row without a text",
    "truncated": "the file ends in the middle of its compressed stream",
    "damaged": "the file's data cannot be decoded from here on",
    "unreadable_file": "the file cannot be read at all",
    "unreadable_recipe": "a recipe of filters that cannot be read, or cannot be answered from the index",
    "no_text_column": "the file has no text column",
    "too_long": "a line that is too long to be one document",
    "too_deep": "a row whose values are nested too deeply",
    "no_attributes": "a row without an object of attributes, where one belongs",
    "too_many_keys": "values of attributes beyond the 4,096 of a set that are kept apart",
}


@dataclass(frozen=True)
class Reject:
    """One row (0-based within its file) that was left out; `row` is -1 for a fault of the whole file."""

    row: int
    reason: str
    detail: str = ""


# One row per document, as read. Every column is nullable but row, id, text and is_id_given.
FRAME_SCHEMA: Mapping[str, pl.DataType] = {
    "row": pl.Int64(),
    "id": pl.String(),
    "is_id_given": pl.Boolean(),
    "source": pl.String(),
    "text": pl.String(),
    "url": pl.String(),
    "created": pl.String(),
    "added": pl.String(),
    "language": pl.String(),
    "licence": pl.String(),
    "n_tokens": pl.Int64(),
    "metadata": pl.String(),  # JSON object of everything else
    ATTRIBUTES_COLUMN: pl.String(),  # JSON object of the row's own attributes; JSONL only, as is the next
    FLAT_SET: pl.String(),  # JSON object of the row's top-level numbers and booleans
}


@dataclass(frozen=True)
class Batch:
    """Some documents of one shard (`FRAME_SCHEMA`), the rows refused between them, the share of the file read."""

    frame: pl.DataFrame
    rejects: tuple[Reject, ...]
    n_rows: int
    progress: float


def paths_for(role: str, config: CorpusConfig) -> tuple[str, ...]:
    """Where to look for a role: what corpus.toml says, else the usual places."""
    mapped = config.document_columns.get(role)
    return (mapped,) if mapped is not None else CANDIDATES[role]
