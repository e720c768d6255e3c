"""Parquet with a text column: the roles of each row, in batches bounded by bytes.

Attributes inside the file are not read here (`explorer.attributes` reads their columns alone, later).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest.arrow import is_any, is_heavy, is_number, is_text, plain, plain_type, sound_rows, to_python
from explorer.ingest.rows import (
    ATTRIBUTES_COLUMN,
    CANDIDATES,
    FLAT_SET,
    FRAME_SCHEMA,
    Batch,
    Reject,
    paths_for,
)
from explorer.ingest.shards import first_line, parquet_metadata
from explorer.ingest.values import count, dig, licence_text, scalar_text

FORMAT_KEY = b"corpus_explorer.format"  # file metadata of tagged Parquet that `convert` wrote
VALUES_COLUMN = "attribute_values"  # its attributes that are not spans, as JSON
MAX_BATCH_ROWS = 16_384


@dataclass(frozen=True)
class Layout:
    """What the columns of one Parquet file are for."""

    roles: dict[str, tuple[str, ...]]  # role to the paths that exist in this file
    metadata: str | None
    extras: tuple[str, ...]  # columns that join the metadata
    flat: tuple[str, ...]  # numeric and boolean columns: attributes of the set `columns`
    attributes: str | None
    names: frozenset[str]  # all columns


def layout(path: str, config: CorpusConfig) -> Layout:
    """Sniff a Parquet file's columns. Raises `InputError` when it is unreadable or has no text column."""
    schema = parquet_schema(path)
    names = set(schema.names)
    if len(names) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise InputError(f"{path}: two columns are called {twice!r}; write it again with one of them")
    kinds = {field.name: plain_type(field.type) for field in schema}
    roles = {role: tuple(p for p in paths_for(role, config) if _fits(p, role, kinds)) for role in CANDIDATES}
    if not roles["text"]:
        raise InputError(
            f"{path}: no text column; its columns: {', '.join(schema.names[:20])}; "
            'name one in corpus.toml: [columns] text = "..."'
        )
    # A column that only stands in for a better one stays in the metadata; a second text would only swell it.
    used = {paths[0] for paths in roles.values() if paths} | set(roles["text"])
    places = {p for paths in roles.values() for p in paths}
    rest = [f for f in kinds if f not in used and f not in ("metadata", ATTRIBUTES_COLUMN, VALUES_COLUMN)]
    flat = tuple(name for name in rest if is_number(kinds[name]) and name not in places)
    return Layout(
        roles=roles,
        metadata="metadata" if "metadata" in names else None,
        extras=tuple(name for name in rest if name not in flat and not is_heavy(kinds[name])),
        flat=flat,
        attributes=ATTRIBUTES_COLUMN if ATTRIBUTES_COLUMN in names else None,
        names=frozenset(names),
    )


def parquet_schema(path: str) -> pa.Schema:
    """The columns of a Parquet file. Raises `InputError` where they cannot be read."""
    parquet_metadata(path)
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: its columns cannot be read ({first_line(error)}); write it again") from None


def _fits(path: str, role: str, kinds: Mapping[str, pa.DataType]) -> bool:
    """Whether a role can be read from a column, or from a field of the metadata (known only for a struct)."""
    if path in kinds:
        return _suits(kinds[path], role)
    head, _, rest = path.partition(".")
    if head != "metadata" or head not in kinds or not rest:
        return False
    return not pa.types.is_struct(kinds[head]) or kinds[head].get_field_index(rest.split(".")[0]) >= 0


def _suits(kind: pa.DataType, role: str) -> bool:
    if role == "n_tokens":
        return is_any(kind, "integer", "floating")
    if role == "licence" and is_any(kind, "list", "large_list"):
        return is_text(kind.value_type)
    others = {"id": ("integer",), "source": ("integer",), "created": _TIMES, "added": _TIMES}
    return is_text(kind) or is_any(kind, *others.get(role, ()))


_TIMES = ("integer", "floating", "timestamp", "date")


def read_parquet(
    path: str, row_groups: Sequence[int], folder_source: str, config: CorpusConfig, batch_bytes: int
) -> Iterator[Batch]:
    """The documents of a file (or of some of its row groups) in batches of about `batch_bytes` of text.

    Raises `InputError` when the file cannot be read or has no text column.
    """
    plan = layout(path, config)
    columns = sorted(
        {p if p in plan.names else "metadata" for paths in plan.roles.values() for p in paths}
        | ({"metadata"} if plan.metadata else set())
        | set(plan.extras)
    )
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        metadata = file.metadata
        groups = list(row_groups) or list(range(metadata.num_row_groups))
        n_total = max(1, sum(metadata.row_group(g).num_rows for g in groups))
        seen = 0
        for group in groups:
            first_row = sum(metadata.row_group(g).num_rows for g in range(group))
            info = metadata.row_group(group)
            per_row = max(1, info.total_byte_size // max(1, info.num_rows))
            size = max(16, min(MAX_BATCH_ROWS, batch_bytes // per_row))
            try:
                for record in file.iter_batches(
                    batch_size=size, row_groups=[group], columns=columns, use_threads=False
                ):
                    for piece in _pieces(record, batch_bytes):
                        seen += piece.num_rows
                        yield _batch(piece, first_row, plan, folder_source, seen / n_total)
                        first_row += piece.num_rows
            except (pa.ArrowException, OSError) as error:
                detail = f"{n_total - seen} rows from here on are lost: {first_line(error)}"
                reject = Reject(first_row, "damaged", detail)
                yield Batch(pl.DataFrame(schema=dict(FRAME_SCHEMA)), (reject,), 0, 1.0)
                return


def _pieces(record: pa.RecordBatch, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """A batch in pieces of about `batch_bytes`: texts that repeat take far more memory than their file says."""
    n = min(record.num_rows, record.nbytes // batch_bytes + 1)
    cuts = [record.num_rows * i // n for i in range(n + 1)] if n else []
    yield from (record.slice(first, last - first) for first, last in pairwise(cuts))


def _batch(record: pa.RecordBatch, first_row: int, plan: Layout, folder_source: str, progress: float) -> Batch:
    n_rows = record.num_rows
    record = pa.record_batch([plain(column) for column in record.columns], names=record.schema.names)
    record, invalid = sound_rows(record)
    rows = pl.Series("row", [i + first_row for i in range(n_rows) if i not in invalid], dtype=pl.Int64)
    metadata = _metadata(record, plan)
    cells = {role: _cells(role, plan.roles[role], record, metadata) for role in plan.roles}
    ids, urls = cells["id"], cells["url"]
    frame = pl.DataFrame([
        rows,
        ids.alias("id"),
        ids.is_not_null().alias("is_id_given"),
        cells["source"].fill_null(folder_source).alias("source"),
        cells["text"].alias("text"),
        urls.zip_with(urls.is_not_null(), ids.set(~ids.str.contains("^https?://"), None)).alias("url"),
        *(cells[role].alias(role) for role in ("created", "added", "language", "licence", "n_tokens")),
        _metadata_json(record, metadata, plan),
        pl.repeat(None, len(rows), dtype=pl.String, eager=True).alias(ATTRIBUTES_COLUMN),
        pl.repeat(None, len(rows), dtype=pl.String, eager=True).alias(FLAT_SET),
    ])  # fmt: skip
    no_text = frame["text"].is_null()
    no_id = frame["id"].is_null() & ~no_text if plan.roles["id"] else pl.repeat(False, len(rows), eager=True)
    rejects = [Reject(first_row + i, "invalid_utf8") for i in sorted(invalid)]
    rejects += [Reject(row, "no_text") for row in rows.filter(no_text)]
    rejects += [Reject(row, "no_id") for row in rows.filter(no_id)]
    return Batch(frame.filter(~no_text & ~no_id), tuple(rejects), n_rows, progress)


def _cells(role: str, paths: Sequence[str], record: pa.RecordBatch, metadata: Sequence[Metadata]) -> pl.Series:
    """The values of a role: in each row the first of the paths that it fills. Only a text may be empty."""
    kind = pl.Int64() if role == "n_tokens" else pl.String()
    found = pl.repeat(None, record.num_rows, dtype=kind, eager=True)
    for path in paths:
        if path != paths[0] and not found.has_nulls():
            break
        if path in record.schema.names:
            cells = _column(role, record.column(path))
        else:
            keys = path.split(".")[1:]
            take = count if role == "n_tokens" else licence_text if role == "licence" else scalar_text
            values = [row.get(keys[0]) if row else None for row in metadata] if len(keys) == 1 else None
            values = values or [dig(row, keys)[0] for row in metadata]
            cells = pl.Series([None if value is None else take(value) for value in values], dtype=kind)
        if role != "text" and kind == pl.String():
            cells = cells.set(cells == "", None)
        found = cells if path == paths[0] else found.zip_with(found.is_not_null(), cells)
    return found


def _column(role: str, column: pa.Array) -> pl.Series:
    cells = pl.Series(column)
    kind = cells.dtype
    if role == "n_tokens":
        whole = cells.cast(pl.Int64, strict=False)
        return whole.set((whole < 0) | (whole >= 2**62) | (whole.cast(pl.Float64) != cells.cast(pl.Float64)), None)
    if isinstance(kind, pl.List):
        return pl.Series([licence_text(value) for value in cells.to_list()], dtype=pl.String())
    if isinstance(kind, pl.Datetime):
        return cells.dt.replace_time_zone(None).dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
    return cells.dt.to_string("%Y-%m-%d") if kind == pl.Date() else cells.cast(pl.String)


Metadata = dict[str, Any] | None


def _metadata(record: pa.RecordBatch, plan: Layout) -> list[Metadata]:
    """The metadata of each row, whatever the column's type; text that is no JSON object stands under its own name."""
    if plan.metadata is None:
        return [None] * record.num_rows
    return [_as_object(value) for value in to_python(record.column(plan.metadata))]


def _as_object(value: Any) -> Metadata:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {"metadata": value}
    if value is None or isinstance(value, dict):
        return value
    return {"metadata": value}


def _metadata_json(record: pa.RecordBatch, metadata: Sequence[Metadata], plan: Layout) -> pl.Series:
    """One JSON object a row: the metadata and the other light columns."""
    if plan.metadata is not None and not plan.extras and is_text(record.column(plan.metadata).type):
        texts = pl.Series("metadata", record.column(plan.metadata)).cast(pl.String)
        if all(row is None or "metadata" not in row for row in metadata):
            return texts  # objects already
    others = [(name, to_python(record.column(name))) for name in plan.extras]
    rows = []
    for i, row in enumerate(metadata):
        merged = {name: values[i] for name, values in others if values[i] is not None}
        merged.update({key: value for key, value in (row or {}).items() if value is not None})
        rows.append(orjson.dumps(merged, default=str, option=orjson.OPT_NON_STR_KEYS).decode() if merged else None)
    return pl.Series("metadata", rows, dtype=pl.String)
