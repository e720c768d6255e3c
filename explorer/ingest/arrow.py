"""Arrow values made plain: types that every later step takes, and rows whose bytes are the UTF-8 that they claim."""

from __future__ import annotations

import uuid
import warnings
from typing import Any

import pyarrow as pa


def is_any(kind: pa.DataType, *names: str) -> bool:
    """Whether `pyarrow.types.is_<name>` holds for one of the names."""
    return any(getattr(pa.types, f"is_{name}")(kind) for name in names)


def is_text(kind: pa.DataType) -> bool:
    return is_any(kind, "string", "large_string", "string_view")


def is_number(kind: pa.DataType) -> bool:
    return is_any(kind, "integer", "floating", "boolean", "decimal")


def is_heavy(kind: pa.DataType) -> bool:
    """Binary payloads and lists (embeddings, token ids, signatures) would only swell the metadata."""
    return is_any(
        kind, "binary", "large_binary", "binary_view", "fixed_size_binary", "list", "large_list", "fixed_size_list"
    )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that `plain` makes of a column of this type."""
    if kind == pa.uuid() or pa.types.is_null(kind):
        return pa.string()
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_timestamp(kind):
        # No zone but UTC: a file may name zones that this machine does not know. No nanoseconds: Python has none.
        return pa.timestamp("us" if kind.unit == "ns" else kind.unit, "UTC" if kind.tz else None)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, plain_type(f.type)) for f in kind])
    return kind


def plain(column: pa.Array) -> pa.Array:
    """The column without dictionaries, extension types, time zones and nanoseconds. Raises `pyarrow.ArrowException`."""
    kind = column.type
    if kind == pa.uuid():
        values = column.storage.to_pylist()
        return pa.array([None if v is None else str(uuid.UUID(bytes=v)) for v in values], pa.string())
    if isinstance(kind, pa.BaseExtensionType):
        return plain(column.storage)
    if pa.types.is_dictionary(kind):
        return plain(column.dictionary_decode())
    target = plain_type(kind)
    return column if target == kind else column.cast(target, safe=False)


def sound_rows(record: pa.RecordBatch) -> tuple[pa.RecordBatch, set[int]]:
    """The rows whose values are valid, and the numbers of the others.

    Arrow trusts a file that says its bytes are UTF-8; the engines behind it must not.
    """
    invalid: set[int] = set()
    for column in record.columns:
        invalid |= _invalid(column, range(len(column)))
    if not invalid:
        return record, invalid
    return record.filter(pa.array([i not in invalid for i in range(record.num_rows)])), invalid


def _invalid(column: pa.Array, rows: range) -> set[int]:
    """The rows that do not validate, found by halving."""
    piece = column if len(rows) == len(column) else column.take(pa.array(rows, pa.int64()))
    try:
        piece.validate(full=True)
    except pa.ArrowInvalid:
        if len(rows) == 1:
            return {rows[0]}
        half = len(rows) // 2
        return _invalid(column, rows[:half]) | _invalid(column, rows[half:])
    return set()


def to_python(column: pa.Array) -> list[Any]:
    """Python values; a map becomes a dictionary, in which the last of equal keys wins."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it warns of equal keys, a line each
        return list(column.to_pylist(maps_as_pydicts="lossy"))
