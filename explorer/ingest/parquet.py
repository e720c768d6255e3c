"""Parquet with a text column: the roles of each row, in batches bounded by bytes.

Attributes inside the file are not read here (`explorer.attributes` reads their columns alone, later).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest.rows import (
    ATTRIBUTES_COLUMN,
    CANDIDATES,
    FLAT_SET,
    FRAME_SCHEMA,
    Batch,
    Reject,
    paths_for,
)
from explorer.ingest.shards import parquet_metadata

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


def layout(path: str, config: CorpusConfig) -> Layout:
    """Sniff a Parquet file's columns. Raises `InputError` when it is unreadable or has no text column."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        parquet_metadata(path)  # raises with the reason
        raise
    names = set(schema.names)
    fields = _struct_fields(schema, "metadata") if "metadata" in names else None
    roles = {}
    for role in FRAME_SCHEMA:
        if role not in CANDIDATES:
            continue
        roles[role] = tuple(p for p in paths_for(role, config) if _exists(p, names, fields))
    roles["text"] = tuple(p for p in roles["text"] if _is_text(schema.field(p.split(".")[0]).type) or "." in p)
    if not roles["text"]:
        raise InputError(
            f"{path}: no text column; its columns: {', '.join(schema.names[:20])}; "
            'name one in corpus.toml: [columns] text = "..."'
        )
    used = {p for paths in roles.values() for p in paths if "." not in p}
    rest = [f for f in schema if f.name not in used and f.name not in ("metadata", ATTRIBUTES_COLUMN, VALUES_COLUMN)]
    flat = tuple(f.name for f in rest if _is_number(f.type))
    return Layout(
        roles=roles,
        metadata="metadata" if "metadata" in names else None,
        extras=tuple(f.name for f in rest if f.name not in flat and not _is_heavy(f.type)),
        flat=flat,
        attributes=ATTRIBUTES_COLUMN if ATTRIBUTES_COLUMN in names else None,
    )


def _struct_fields(schema: pa.Schema, name: str) -> set[str] | None:
    """Field names of a struct column; None for JSON text or a map, whose keys are not known beforehand."""
    kind = schema.field(name).type
    return {kind.field(i).name for i in range(kind.num_fields)} if pa.types.is_struct(kind) else None


def _exists(path: str, names: set[str], fields: set[str] | None) -> bool:
    head, _, rest = path.partition(".")
    if path in names:
        return True
    return head == "metadata" and head in names and bool(rest) and (fields is None or rest.split(".")[0] in fields)


def _is_text(kind: pa.DataType) -> bool:
    return _is_any(kind.value_type if pa.types.is_dictionary(kind) else kind, "string", "large_string", "string_view")


def _is_number(kind: pa.DataType) -> bool:
    return _is_any(kind, "integer", "floating", "boolean")


def _is_heavy(kind: pa.DataType) -> bool:
    """Binary payloads and lists (embeddings, token ids, signatures) would only swell the metadata."""
    return _is_any(kind, "binary", "large_binary", "list", "large_list", "fixed_size_list", "fixed_size_binary")


def _is_any(kind: pa.DataType, *names: str) -> bool:
    return any(getattr(pa.types, f"is_{name}")(kind) for name in names)


def read_parquet(
    path: str, row_groups: Sequence[int], folder_source: str, config: CorpusConfig, batch_bytes: int
) -> Iterator[Batch]:
    """The documents of a file (or of some of its row groups) in batches of about `batch_bytes` of text.

    Raises `InputError` when the file cannot be read or has no text column.
    """
    plan = layout(path, config)
    columns = sorted(
        {p if "." not in p else "metadata" for paths in plan.roles.values() for p in paths}
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
                    yield _batch(record, first_row, plan, folder_source, (seen + record.num_rows) / n_total)
                    first_row += record.num_rows
                    seen += record.num_rows
            except (pa.ArrowException, OSError) as error:
                reject = Reject(first_row, "truncated", str(error).splitlines()[0][:200])
                yield Batch(pl.DataFrame(schema=dict(FRAME_SCHEMA)), (reject,), 0, 1.0)
                return


def _batch(record: pa.RecordBatch, first_row: int, plan: Layout, folder_source: str, progress: float) -> Batch:
    record, invalid = _drop_invalid_utf8(record)
    frame = pl.from_arrow(record)
    assert isinstance(frame, pl.DataFrame)
    kept = pl.Series("row", [i for i in range(record.num_rows + len(invalid)) if i not in invalid], dtype=pl.Int64)
    metadata = _metadata_json(frame, plan)
    frame = frame.with_columns((kept + first_row).alias("__row"), metadata.alias("__metadata"))
    picked = {role: _pick(plan.roles[role], frame) for role in plan.roles}
    url = picked["url"]
    if plan.roles["id"]:
        given = picked["id"].cast(pl.String)
        url = pl.coalesce(url.cast(pl.String), pl.when(given.str.contains(r"^https?://")).then(given))
    out = frame.select(
        pl.col("__row").alias("row"),
        picked["id"].cast(pl.String).alias("id"),
        picked["id"].is_not_null().alias("is_id_given"),
        pl.coalesce(
            pl.when(picked["source"].cast(pl.String) != "").then(picked["source"].cast(pl.String)),
            pl.lit(folder_source),
        ).alias("source"),
        picked["text"].cast(pl.String).alias("text"),
        url.cast(pl.String).alias("url"),
        _time_text(picked["created"], frame).alias("created"),
        _time_text(picked["added"], frame).alias("added"),
        picked["language"].cast(pl.String).alias("language"),
        picked["licence"].cast(pl.String).alias("licence"),
        picked["n_tokens"].cast(pl.Int64, strict=False).alias("n_tokens"),
        pl.col("__metadata").alias("metadata"),
        pl.lit(None, dtype=pl.String).alias(ATTRIBUTES_COLUMN),
        pl.lit(None, dtype=pl.String).alias(FLAT_SET),
    )
    rejects = [Reject(first_row + i, "invalid_utf8") for i in sorted(invalid)]
    no_text = pl.col("text").is_null()
    no_id = pl.col("id").is_null() & pl.lit(bool(plan.roles["id"])) & ~no_text
    rejects += [Reject(row, "no_text") for row in out.filter(no_text)["row"]]
    rejects += [Reject(row, "no_id") for row in out.filter(no_id)["row"]]
    return Batch(out.filter(~no_text & ~no_id), tuple(rejects), record.num_rows + len(invalid), progress)


def _drop_invalid_utf8(record: pa.RecordBatch) -> tuple[pa.RecordBatch, set[int]]:
    """Arrow trusts a file that says its bytes are UTF-8; Polars must not. Returns the sound rows and the others' numbers."""
    invalid: set[int] = set()
    for name, column in zip(record.schema.names, record.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            if not _is_text(column.type):
                raise InputError(f"column {name}: damaged values") from None
            raw = (
                column.cast(pa.large_string()).view(pa.large_binary())
                if not pa.types.is_dictionary(column.type)
                else column
            )
            for i, value in enumerate(raw.to_pylist()):
                if isinstance(value, bytes) and not _is_utf8(value):
                    invalid.add(i)
    if not invalid:
        return record, invalid
    keep = pa.array([i not in invalid for i in range(record.num_rows)])
    return record.filter(keep), invalid


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _pick(paths: Sequence[str], frame: pl.DataFrame) -> pl.Expr:
    """The first of the paths that a row fills."""
    found: list[pl.Expr] = []
    for path in paths:
        if path in frame.columns:
            column = pl.col(path)
            found.append(column.list.join(" OR ") if frame.schema[path] == pl.List(pl.String) else column)
        else:
            field = path.removeprefix("metadata.")
            found.append(pl.col("__metadata").str.json_path_match("$." + field))
    if not found:
        return pl.lit(None, dtype=pl.String)
    return found[0] if len(found) == 1 else pl.coalesce(expr.cast(pl.String) for expr in found)


def _time_text(expr: pl.Expr, frame: pl.DataFrame) -> pl.Expr:
    kind = frame.select(expr.alias("t")).schema["t"]
    if isinstance(kind, pl.Datetime):
        naive = expr.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else expr
        return naive.dt.to_string("%Y-%m-%dT%H:%M:%S")
    return expr.dt.to_string("%Y-%m-%d") if kind == pl.Date else expr.cast(pl.String)


def _metadata_json(frame: pl.DataFrame, plan: Layout) -> pl.Series:
    """One JSON object a row: the metadata column, whatever its type, and the other light columns."""
    extras = [name for name in plan.extras if name in frame.columns]
    kind = frame.schema.get("metadata")
    if plan.metadata and isinstance(kind, pl.Struct) and not extras:
        return frame.select(pl.col("metadata").struct.json_encode()).to_series()
    if plan.metadata and kind == pl.String and not extras:
        return frame["metadata"]
    if not plan.metadata and not extras:
        return pl.Series("metadata", [None] * frame.height, dtype=pl.String)
    values = frame["metadata"].to_list() if plan.metadata else [None] * frame.height
    others = frame.select(extras).to_dicts()
    return pl.Series("metadata", [_merge(v, o) for v, o in zip(values, others, strict=True)], dtype=pl.String)


def _merge(value: object, others: dict[str, object]) -> str | None:
    merged = {key: v for key, v in others.items() if v is not None}
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = {"metadata": value}
    if isinstance(value, list):  # a Parquet map arrives as a list of {key, value}
        value = {entry["key"]: entry["value"] for entry in value if entry is not None}
    if isinstance(value, dict):
        merged.update({str(key): v for key, v in value.items() if v is not None})
    return orjson.dumps(merged, default=str).decode() if merged else None
