"""Attributes from the files beside the documents, and from the columns of tagged Parquet, met with their documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.attributes import MISALIGNED, MISSING, PRESENT, Taker, Values
from explorer.ingest.arrow import plain, sound_rows, to_python
from explorer.ingest.lines import Lines, parse_row
from explorer.ingest.parquet import FORMAT_KEY, VALUES_COLUMN, parquet_schema
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET, N_EXAMPLES, Reject
from explorer.ingest.shards import first_line
from explorer.ingest.span_maps import span_maps
from explorer.ingest.values import is_id

_CHUNK = 250_000  # values and spans, as Python numbers some 100 bytes each


@dataclass(frozen=True)
class Documents:
    """The documents of one shard within a part, as the attributes need them: arrays of length n, in file order."""

    first_doc: int
    rows: np.ndarray[Any, np.dtype[np.int64]]
    ids: list[str]

    def by_id(self) -> dict[str, int]:
        """Ids that name exactly one document of the shard."""
        found: dict[str, int] = {}
        twice = set()
        for doc, name in enumerate(self.ids):
            if name in found:
                twice.add(name)
            found[name] = doc
        return {name: doc for name, doc in found.items() if name not in twice}


@dataclass
class Alignment:
    """How the rows of a shard's attribute file met its documents."""

    state: list[str]  # per document of the shard
    n_rows: int = 0
    n_orphans: int = 0  # attribute rows that no document of the shard answers to
    rejects: list[Reject] = field(default_factory=list)  # the first of them
    reasons: Counter[str] = field(default_factory=Counter)  # of all of them

    def reject(self, reject: Reject) -> None:
        self.reasons[reject.reason] += 1
        if len(self.rejects) < N_EXAMPLES or self.reasons[reject.reason] == 1:
            self.rejects.append(reject)


def read_side_file(path: str, size: int, documents: Documents, reader: Taker) -> Iterator[Values | Alignment]:
    """Values of one attribute file in bounded chunks, and at the end the `Alignment`.

    A row belongs to the document on the same row when the ids agree, else to the one document of that id.
    """
    row_to_doc = _row_to_doc(documents.rows)
    by_id: dict[str, int] | None = None
    alignment = Alignment([MISSING] * len(documents.ids))
    values = Values()
    lines = Lines(path, size)
    for row, line in lines:
        if not line.strip():
            continue
        alignment.n_rows += 1
        obj, reason, detail = parse_row(line)
        attributes = obj.get("attributes") if obj is not None else None
        if obj is None or not isinstance(attributes, dict):
            alignment.reject(Reject(row, reason or "no_attributes", detail))
            continue
        doc = row_to_doc[row] if row < len(row_to_doc) else -1
        given = obj.get("id")
        name = str(given) if is_id(given) else None
        if doc >= 0 and name == documents.ids[doc]:
            state = PRESENT
        elif name is None:
            alignment.n_orphans += 1
            continue
        else:
            if by_id is None:
                by_id = documents.by_id()
            doc, state = by_id.get(name, -1), MISALIGNED
        if doc < 0 or alignment.state[doc] != MISSING:
            alignment.n_orphans += 1
            continue
        reader.add(values, documents.first_doc + doc, attributes)
        alignment.state[doc] = state
        if values.n >= _CHUNK:
            yield values
            values = Values()
    if lines.fault is not None:
        alignment.reject(lines.fault)
    yield values
    yield alignment


def _row_to_doc(rows: np.ndarray[Any, np.dtype[np.int64]]) -> list[int]:
    if not len(rows):
        return []
    table = np.full(int(rows[-1]) + 1, -1, dtype=np.int64)
    table[rows] = np.arange(len(rows))
    return table.tolist()


def inline_sets(path: str, flat: Iterable[str], attributes: str | None) -> list[str]:
    """The names of the sets inside a tagged Parquet file."""
    schema = parquet_schema(path)
    if _is_converted(schema):
        kind = schema.field(ATTRIBUTES_COLUMN).type
        return [kind.field(i).name for i in range(kind.num_fields)]
    return ([ATTRIBUTES_COLUMN] if attributes is not None else []) + ([FLAT_SET] if tuple(flat) else [])


def _is_converted(schema: pa.Schema) -> bool:
    """Whether `convert` wrote the file: then its attributes are a struct of sets."""
    kind = schema.field(ATTRIBUTES_COLUMN).type if ATTRIBUTES_COLUMN in schema.names else pa.null()
    return FORMAT_KEY in (schema.metadata or {}) and pa.types.is_struct(kind)


def read_inline(
    path: str, row_groups: Iterable[int], flat: tuple[str, ...], documents: Documents, reader: Taker
) -> Iterator[Values | Alignment]:
    """Values of one set that lies in the columns of a tagged Parquet file; yields as `read_side_file` does."""
    alignment = Alignment([MISSING] * len(documents.ids))
    row_to_doc = _row_to_doc(documents.rows)
    schema = parquet_schema(path)
    converted = _is_converted(schema)
    columns = (
        list(flat)
        if reader.attribute_set == FLAT_SET and not converted
        else [c for c in (ATTRIBUTES_COLUMN, VALUES_COLUMN) if c in schema.names]
    )
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        groups = list(row_groups) or list(range(file.metadata.num_row_groups))
        row = sum(file.metadata.row_group(g).num_rows for g in range(groups[0])) if groups else 0
        paths = [f"{column}.{reader.attribute_set}" for column in columns] if converted else columns
        records = file.iter_batches(batch_size=4096, row_groups=groups, columns=paths, use_threads=False)
        values = Values(is_typed=True)
        while (record := _next_record(records, row, alignment)) is not None:
            rows = range(row, row + record.num_rows)
            row += record.num_rows
            record, invalid = sound_rows(
                pa.record_batch([plain(column) for column in record.columns], names=record.schema.names)
            )
            for i in sorted(invalid):
                alignment.reject(Reject(rows[i], "invalid_utf8"))
            sound = [number for i, number in enumerate(rows) if i not in invalid]
            taken = _add_maps(record, sound, row_to_doc, documents, reader, values, alignment, converted=converted)
            if taken:
                record = _without_spans(record)
            for number, found in zip(sound, _row_attributes(record, reader.attribute_set, converted), strict=True):
                doc = row_to_doc[number] if number < len(row_to_doc) else -1
                if isinstance(found, str):
                    alignment.reject(Reject(number, "no_attributes", found))
                elif doc >= 0 and found is not None:
                    alignment.n_rows += not taken
                    alignment.state[doc] = PRESENT
                    reader.add(values, documents.first_doc + doc, found)
            if values.n >= _CHUNK:
                yield values
                values = Values(is_typed=True)
    yield values
    yield alignment


def _add_maps(
    record: pa.RecordBatch,
    rows: Sequence[int],
    row_to_doc: Sequence[int],
    documents: Documents,
    reader: Taker,
    values: Values,
    alignment: Alignment,
    *,
    converted: bool,
) -> bool:
    """Take the spans of a batch in as arrays where they allow it; False leaves them to be read row by row."""
    if ATTRIBUTES_COLUMN not in record.schema.names:
        return False
    column = record.column(ATTRIBUTES_COLUMN)
    if converted:  # a struct of the one set that was asked for
        column = column.flatten()[0]
    maps = span_maps(column)
    if maps is None:
        return False
    docs = np.array([row_to_doc[row] if row < len(row_to_doc) else -1 for row in rows], dtype=np.int64)
    there = (docs >= 0) & column.is_valid().to_numpy(zero_copy_only=False)
    if not reader.add_maps(values, np.where(there, documents.first_doc + docs, -1), maps):
        return False
    for doc in docs[there].tolist():
        alignment.state[doc] = PRESENT
    alignment.n_rows += int(there.sum())
    return True


def _without_spans(record: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its attributes taken out; what is not spans stays to be read row by row."""
    names = record.schema.names
    gone = names.index(ATTRIBUTES_COLUMN)
    return record.set_column(gone, ATTRIBUTES_COLUMN, pa.nulls(record.num_rows))


def _next_record(records: Iterator[pa.RecordBatch], row: int, alignment: Alignment) -> pa.RecordBatch | None:
    """The next batch; None at the end, and where the file is damaged, which is noted."""
    try:
        return next(records, None)
    except (pa.ArrowException, OSError) as error:
        alignment.reject(Reject(row, "damaged", first_line(error)))
        return None


def _row_attributes(
    record: pa.RecordBatch, attribute_set: str, converted: bool
) -> Iterator[dict[str, Any] | str | None]:
    """The attributes of each row; None where it has none, a text where it holds something else (what is wrong)."""
    if attribute_set == FLAT_SET and not converted:
        for row in record.to_pylist():
            yield {key: value for key, value in row.items() if value is not None} or None
        return
    nothing = [None] * record.num_rows
    kind = record.schema.field(ATTRIBUTES_COLUMN).type if ATTRIBUTES_COLUMN in record.schema.names else pa.null()
    is_map = pa.types.is_map(kind)
    columns = {name: to_python(record.column(name)) for name in record.schema.names}
    for attributes, values in zip(
        columns.get(ATTRIBUTES_COLUMN, nothing), columns.get(VALUES_COLUMN, nothing), strict=True
    ):
        if converted:
            attributes, values = (attributes or {}).get(attribute_set), (values or {}).get(attribute_set)
        if attributes is None and values is None:
            yield None
            continue
        try:
            found = orjson.loads(attributes) if isinstance(attributes, str) else attributes or {}
            others = {key: orjson.loads(value) for key, value in (values or {}).items()}
        except orjson.JSONDecodeError as error:
            yield str(error)
            continue
        if not isinstance(found, dict):
            yield f"a {type(found).__name__}, not an object"
            continue
        keep_nulls = isinstance(attributes, str) or is_map  # in a struct a null may as well be a key that is not there
        yield {str(k): _as_json(v) for k, v in found.items() if v is not None or keep_nulls} | others


def _as_json(value: Any) -> Any:
    """A Parquet value as the JSON of an attribute file would have it: spans as [start, end, score]."""
    if isinstance(value, list):
        return [
            [v["start"], v["end"], v["score"]] if isinstance(v, dict) and v.keys() >= {"start", "end", "score"} else v
            for v in value
        ]
    if isinstance(value, dict):
        return {str(key): _as_json(inner) for key, inner in value.items() if inner is not None}
    return value
