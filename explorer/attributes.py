"""Attributes of documents: from attribute files and columns to one small table a set.

An attribute is (set, key, shape). Sets stay apart, because a recipe loads named sets in order and later sets win.
For each document a set is present, missing or misaligned (found by id, not by row); for each present document
a key is absent, empty or has values. None of these is zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.ingest.jsonl import Lines, parse_row
from explorer.ingest.parquet import FORMAT_KEY, VALUES_COLUMN
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET, Reject
from explorer.spans import summarise

SHAPES = ("spans", "number", "bool", "text", "nested")
PRESENT, MISALIGNED, MISSING = "present", "misaligned", "missing"
_CHUNK_SPANS = 1_000_000
_MAX_TEXT = 200


@dataclass(frozen=True)
class Attribute:
    """One attribute. `path` has more than one part where the value stood inside nested objects."""

    attribute_set: str
    path: tuple[str, ...]
    shape: str

    @property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def column(self) -> str:
        """The stem of its columns in the index: keys hold any character and may differ by case only."""
        text = "\0".join((self.attribute_set, self.shape, *self.path))
        return "a_" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:12]

    @property
    def experiment(self) -> str:
        return self._parts()[0]

    @property
    def tagger(self) -> str:
        """The tagger's name by the toolkit's rule: `experiment__tagger__type`, split at the first two."""
        return self._parts()[1]

    @property
    def span_type(self) -> str:
        return self._parts()[2]

    def _parts(self) -> tuple[str, str, str]:
        parts = self.path[0].split("__", 2)
        return (parts[0], parts[1], parts[2]) if len(parts) == 3 else (self.key, self.key, self.key)

    def to_json(self) -> dict[str, Any]:
        return {"attribute_set": self.attribute_set, "path": list(self.path), "shape": self.shape}


def attribute_from_json(data: Mapping[str, Any]) -> Attribute:
    return Attribute(data["attribute_set"], tuple(data["path"]), data["shape"])


@dataclass
class Values:
    """Values of many documents for many keys, laid end to end as they are read (one entry per document and key)."""

    docs: list[int] = field(default_factory=list)
    attributes: list[int] = field(default_factory=list)  # positions in the set's list of attributes
    counts: list[int] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)  # start, end, score, start, ...
    scalars: list[tuple[int, int, float | str]] = field(default_factory=list)  # (doc, attribute, value)


class SetReader:
    """Takes the attributes of one set apart, document by document, and learns which attributes it has."""

    def __init__(self, attribute_set: str) -> None:
        self.attribute_set = attribute_set
        self.attributes: list[Attribute] = []
        self._known: dict[tuple[tuple[str, ...], str], int] = {}
        self._spans: dict[str, int] = {}  # the common case: a top-level key whose value is a list of spans

    def position(self, path: tuple[str, ...], shape: str) -> int:
        found = self._known.get((path, shape))
        if found is None:
            found = self._known[(path, shape)] = len(self.attributes)
            self.attributes.append(Attribute(self.attribute_set, path, shape))
        return found

    def add(self, values: Values, doc: int, attributes: Mapping[str, Any]) -> None:
        """Take in one document's attributes."""
        for key, value in attributes.items():
            if type(value) is list:
                flat = _flat_spans(value)
                if flat is not None:
                    where = self._spans.get(key)
                    if where is None:
                        where = self._spans[key] = self.position((key,), "spans")
                    values.docs.append(doc)
                    values.attributes.append(where)
                    values.counts.append(len(value))
                    values.spans += flat
                    continue
            self._add_value(values, doc, (key,), value)

    def _add_value(self, values: Values, doc: int, path: tuple[str, ...], value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                self._add_value(values, doc, (*path, key), inner)
            if not value:
                self._empty(values, doc, path, "nested")
        elif value is None:
            self._empty(values, doc, path, "nested")
        elif isinstance(value, bool):
            values.scalars.append((doc, self.position(path, "bool"), float(value)))
        elif isinstance(value, int | float):
            values.scalars.append((doc, self.position(path, "number"), float(value)))
        elif isinstance(value, str):
            values.scalars.append((doc, self.position(path, "text"), value[:_MAX_TEXT]))
        else:
            flat = _flat_spans(value)
            if flat is None:
                values.scalars.append((doc, self.position(path, "nested"), orjson.dumps(value).decode()[:_MAX_TEXT]))
            else:
                values.docs.append(doc)
                values.attributes.append(self.position(path, "spans"))
                values.counts.append(len(value))
                values.spans += flat

    def _empty(self, values: Values, doc: int, path: tuple[str, ...], shape: str) -> None:
        values.docs.append(doc)
        values.attributes.append(self.position(path, shape))
        values.counts.append(0)


def _flat_spans(value: list[Any]) -> list[float] | None:
    """Spans laid end to end as numbers, or None where the list is not one of spans."""
    flat: list[float] = []
    for span in value:
        if type(span) is not list or len(span) != 3:
            return None
        start, end, score = span
        if type(start) not in _NUMBERS or type(end) not in _NUMBERS or type(score) not in _NUMBERS:
            return None
        flat += span
    return flat


_NUMBERS = frozenset({int, float})


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
    rejects: list[Reject] = field(default_factory=list)


def read_side_file(path: str, size: int, documents: Documents, reader: SetReader) -> Iterator[Values | Alignment]:
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
            alignment.rejects.append(Reject(row, reason or "no_attributes", detail))
            continue
        doc = row_to_doc[row] if row < len(row_to_doc) else -1
        given = obj.get("id")
        name = str(given) if isinstance(given, str | int) else None
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
        if len(values.spans) > 3 * _CHUNK_SPANS:
            yield values
            values = Values()
    if lines.fault is not None:
        alignment.rejects.append(lines.fault)
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
    names = []
    if attributes is not None:
        kind = pq.read_schema(path).field(attributes).type
        names += [kind.field(i).name for i in range(kind.num_fields)] if _is_converted(path) else [ATTRIBUTES_COLUMN]
    return names + ([FLAT_SET] if tuple(flat) else [])


def _is_converted(path: str) -> bool:
    return FORMAT_KEY in (pq.read_schema(path).metadata or {})


def read_inline(
    path: str, row_groups: Iterable[int], flat: tuple[str, ...], documents: Documents, reader: SetReader
) -> Iterator[Values | Alignment]:
    """Values of one set that lies in the columns of a tagged Parquet file; yields as `read_side_file` does."""
    alignment = Alignment([MISSING] * len(documents.ids))
    row_to_doc = _row_to_doc(documents.rows)
    converted = reader.attribute_set != FLAT_SET and _is_converted(path)
    names = set(pq.read_schema(path).names)
    columns = (
        list(flat)
        if reader.attribute_set == FLAT_SET
        else [c for c in (ATTRIBUTES_COLUMN, VALUES_COLUMN) if c in names]
    )
    if converted:
        columns = [f"{column}.{reader.attribute_set}" for column in columns]
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        groups = list(row_groups) or list(range(file.metadata.num_row_groups))
        row = sum(file.metadata.row_group(g).num_rows for g in range(groups[0])) if groups else 0
        for record in file.iter_batches(batch_size=4096, row_groups=groups, columns=columns, use_threads=False):
            docs = [row_to_doc[r] if r < len(row_to_doc) else -1 for r in range(row, row + record.num_rows)]
            row += record.num_rows
            values = Values()
            for doc, attributes in zip(docs, _row_attributes(record, reader.attribute_set, converted), strict=True):
                if doc >= 0 and attributes is not None:
                    alignment.n_rows += 1
                    alignment.state[doc] = PRESENT
                    reader.add(values, documents.first_doc + doc, attributes)
            yield values
    yield alignment


def _row_attributes(record: pa.RecordBatch, attribute_set: str, converted: bool) -> Iterator[dict[str, Any] | None]:
    if attribute_set == FLAT_SET:
        for row in record.to_pylist():
            yield {key: value for key, value in row.items() if value is not None}
        return
    for row in record.to_pylist(maps_as_pydicts="lossy"):
        attributes = row.get(ATTRIBUTES_COLUMN)
        values = row.get(VALUES_COLUMN)
        if converted:
            attributes = (attributes or {}).get(attribute_set)
            values = (values or {}).get(attribute_set)
        if isinstance(attributes, str):
            attributes = orjson.loads(attributes)
        if attributes is None and values is None:
            yield None
            continue
        found = {key: _plain(value) for key, value in (attributes or {}).items() if value is not None}
        found.update({key: orjson.loads(value) for key, value in (values or {}).items()})
        yield found


def _plain(value: Any) -> Any:
    """A Parquet value as the JSON of an attribute file would have it: spans as [start, end, score]."""
    if isinstance(value, list):
        return [
            [v["start"], v["end"], v["score"]] if isinstance(v, dict) and v.keys() >= {"start", "end", "score"} else v
            for v in value
        ]
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    return value


VALUE_SCHEMA = pa.schema([
    ("doc", pa.int32()),
    ("attribute", pa.int32()),
    ("n", pa.int32()),
    ("first", pa.float64()),
    ("max", pa.float64()),
    ("chars", pa.int64()),
    ("text", pa.large_string()),
])  # fmt: skip
SPAN_SCHEMA = pa.schema([
    ("doc", pa.int32()),
    ("attribute", pa.large_string()),  # the attribute's column stem
    ("i", pa.int32()),  # 0-based position in the document's list
    ("start", pa.int64()),
    ("end", pa.int64()),
    ("score", pa.float64()),
])  # fmt: skip


def tabulate(
    values: Values, attributes: list[Attribute], n_chars: np.ndarray[Any, np.dtype[np.int64]]
) -> tuple[pa.Table, pa.Table, int]:
    """(`VALUE_SCHEMA`, `SPAN_SCHEMA`, spans that leave their text) of some values.

    `n_chars` is each document's length by its number in the part. The span table leaves out lists of one span over
    the whole text: their score is in the value table and their place is known.
    """
    docs = np.array(values.docs, dtype=np.int64)
    keys = np.array(values.attributes, dtype=np.int32)
    counts = np.array(values.counts, dtype=np.int64)
    spans = np.array(values.spans, dtype=np.float64).reshape(-1, 3)
    starts, ends, scores = spans[:, 0], spans[:, 1], spans[:, 2]
    lengths = n_chars[docs] if len(docs) else np.zeros(0, dtype=np.int64)
    summary = summarise(counts, starts, ends, scores, lengths)
    is_span = (
        np.array([a.shape == "spans" for a in attributes], dtype=bool)[keys] if len(keys) else np.zeros(0, dtype=bool)
    )
    table = pa.table(
        [
            docs.astype(np.int32),
            keys,
            counts.astype(np.int32),
            pa.array(summary.first, mask=np.isnan(summary.first)),
            pa.array(summary.maximum, mask=np.isnan(summary.maximum)),
            pa.array(summary.n_chars, mask=~is_span),
            pa.nulls(len(docs), pa.large_string()),
        ],
        schema=VALUE_SCHEMA,
    )
    scalars = _scalar_table(values.scalars)
    owner = np.repeat(np.arange(len(counts)), counts)
    offsets = np.concatenate([[0], np.cumsum(counts)])[:-1]
    whole = (counts[owner] == 1) & (starts == 0) & (ends == lengths[owner])
    stems = np.array([a.column for a in attributes], dtype=object)
    kept = owner[~whole]
    span_table = pa.table(
        [
            docs[kept].astype(np.int32),
            pa.array(stems[keys[kept]] if len(kept) else [], pa.large_string()),
            (np.arange(len(owner)) - offsets[owner])[~whole].astype(np.int32),
            np.clip(starts[~whole], -(2**53), 2**53).astype(np.int64),
            np.clip(ends[~whole], -(2**53), 2**53).astype(np.int64),
            scores[~whole],
        ],
        schema=SPAN_SCHEMA,
    )
    return pa.concat_tables([table, scalars]), span_table, int(summary.n_outside.sum())


def _scalar_table(scalars: list[tuple[int, int, float | str]]) -> pa.Table:
    numbers = [value if isinstance(value, float) else None for _, _, value in scalars]
    return pa.table(
        [
            pa.array([doc for doc, _, _ in scalars], pa.int32()),
            pa.array([attribute for _, attribute, _ in scalars], pa.int32()),
            pa.array([1] * len(scalars), pa.int32()),
            pa.array(numbers, pa.float64()),
            pa.array(numbers, pa.float64()),
            pa.nulls(len(scalars), pa.int64()),
            pa.array([value if isinstance(value, str) else None for _, _, value in scalars], pa.large_string()),
        ],
        schema=VALUE_SCHEMA,
    )


def wide_schema(attributes: Iterable[Attribute]) -> pa.Schema:
    """The index's table of a set: a row per document, up to four columns an attribute."""
    fields = [pa.field("doc", pa.int32()), pa.field("state", pa.string())]
    for attribute in attributes:
        stem = attribute.column
        fields.append(pa.field(f"{stem}_n", pa.int32()))  # null: the key is absent; 0: present and empty
        if attribute.shape in ("spans", "number", "bool"):
            fields.append(pa.field(f"{stem}_first", pa.float64()))
        if attribute.shape == "spans":
            fields += [pa.field(f"{stem}_max", pa.float64()), pa.field(f"{stem}_chars", pa.int64())]
        if attribute.shape in ("text", "nested"):
            fields.append(pa.field(f"{stem}_text", pa.large_string()))
    return pa.schema(fields)


def widen(values: pl.DataFrame, attributes: list[Attribute], first_doc: int, states: list[str]) -> pa.Table:
    """Rows `first_doc` .. of the wide table, from the long values of just those documents."""
    n = len(states)
    schema = wide_schema(attributes)
    columns: dict[str, Any] = {
        "doc": np.arange(first_doc, first_doc + n, dtype=np.int32),
        "state": pa.array(states),
    }
    groups = {key[0]: group for key, group in values.partition_by("attribute", as_dict=True).items()}
    for position, attribute in enumerate(attributes):
        group = groups.get(position)
        for suffix in ("n", "first", "max", "chars", "text"):
            name = f"{attribute.column}_{suffix}"
            index = schema.get_field_index(name)
            if index < 0:
                continue
            kind = schema.field(index).type
            columns[name] = (
                pa.nulls(n, kind) if group is None else _scatter(group["doc"], group[suffix], first_doc, n, kind)
            )
    return pa.table(columns, schema=schema)


def _scatter(docs: pl.Series, values: pl.Series, first_doc: int, n: int, kind: pa.DataType) -> pa.Array:
    at = docs.to_numpy() - first_doc
    present = values.is_not_null().to_numpy()
    if pa.types.is_large_string(kind):
        cells: list[str | None] = [None] * n
        for i, value in zip(at.tolist(), values.to_list(), strict=True):
            cells[i] = value
        return pa.array(cells, kind)
    filled = np.zeros(n, dtype=kind.to_pandas_dtype())
    mask = np.ones(n, dtype=bool)
    filled[at[present]] = values.filter(values.is_not_null()).to_numpy()
    mask[at[present]] = False
    return pa.array(filled, kind, mask=mask)


def checksum(values: pa.Table, attributes: list[Attribute], weights: np.ndarray[Any, np.dtype[np.uint64]]) -> int:
    """An order-free 64-bit checksum of long values: the sum over them of document weight times value, modulo 2^64.

    `weights` (n_docs) are hashes of each document's source and id, so that a value that moves to another document
    changes the sum.
    """
    if not values.num_rows:
        return 0
    stems = np.array([int(a.column[2:], 16) | 1 for a in attributes], dtype=np.uint64)
    numbers = [values["n"].to_numpy().astype(np.uint64)]
    for name in ("first", "max"):
        scores = np.nan_to_num(values[name].fill_null(0).to_numpy(), posinf=0, neginf=0)
        numbers.append(np.rint(np.clip(scores, -9e13, 9e13) * 1e5).astype(np.int64).view(np.uint64))
    numbers.append(values["chars"].fill_null(0).to_numpy().astype(np.uint64))
    texts = [
        int.from_bytes(hashlib.md5(t.encode(), usedforsecurity=False).digest()[:8]) if t else 0
        for t in values["text"].to_pylist()
    ]
    numbers.append(np.array(texts, dtype=np.uint64))
    mixed = np.ones(values.num_rows, dtype=np.uint64)
    for factor, number in zip(_FACTORS, numbers, strict=True):
        mixed += factor * number
    product = weights[values["doc"].to_numpy()] * stems[values["attribute"].to_numpy()] * mixed
    return int(product.sum(dtype=np.uint64))


_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F],
    np.uint64,
)
