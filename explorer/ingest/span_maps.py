"""A Parquet column of spans by key as plain arrays, without a Python object a span."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from explorer.ingest.arrow import is_any

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_NUMBERS = ("integer", "float32", "float64")


@dataclass(frozen=True)
class SpanMaps:
    """The maps of n_rows rows: entries laid end to end, and the spans of all entries laid end to end."""

    lengths: Ints  # per row: entries
    keys: list[str]  # distinct keys
    codes: Ints  # per entry: position of its key
    counts: Ints  # per entry: spans
    spans: Floats  # (n_spans, 3): start, end, score


def span_maps(column: pa.Array) -> SpanMaps | None:
    """A column of `map<string, list<{start, end, score}>>` or `map<string, list<list<number>>>` as arrays.

    None where the type is another, or where the values need a closer look (nulls, lists that are no spans, a key twice
    in one row): those are read row by row.
    """
    if not pa.types.is_map(column.type) or not is_any(column.type.key_type, "string", "large_string"):
        return None
    offsets = column.offsets.to_numpy().astype(np.int64)
    lengths = np.diff(offsets)
    first, last = int(offsets[0]), int(offsets[-1])
    if column.null_count and lengths[~column.is_valid().to_numpy(zero_copy_only=False)].any():
        return None
    encoded = column.keys.slice(first, last - first).dictionary_encode()
    items = column.items.slice(first, last - first)
    if items.null_count or not is_any(items.type, "list", "large_list"):
        return None
    ends = items.offsets.to_numpy().astype(np.int64)
    spans = _spans(items.values.slice(int(ends[0]), int(ends[-1] - ends[0])))
    codes = encoded.indices.to_numpy().astype(np.int64)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    n_keys = len(encoded.dictionary)
    if spans is None or len(np.unique(rows * max(1, n_keys) + codes)) != len(codes):
        return None
    return SpanMaps(lengths, encoded.dictionary.to_pylist(), codes, np.diff(ends), spans)


def _spans(values: pa.Array) -> Floats | None:
    if values.null_count:
        return None
    if pa.types.is_struct(values.type):
        fields = [values.type.get_field_index(name) for name in ("start", "end", "score")]
        if min(fields) < 0:
            return None
        columns = [values.field(i) for i in fields]
        if any(c.null_count or not is_any(c.type, *_NUMBERS) for c in columns):
            return None
        return np.column_stack([c.to_numpy().astype(np.float64) for c in columns])
    if not is_any(values.type, "list", "large_list") or not is_any(values.type.value_type, *_NUMBERS):
        return None
    offsets = values.offsets.to_numpy().astype(np.int64)
    numbers = values.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    if numbers.null_count or (np.diff(offsets) != 3).any():
        return None
    spans: Floats = numbers.to_numpy().astype(np.float64).reshape(-1, 3)
    return spans
