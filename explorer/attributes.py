"""Attributes of documents: from attribute files and columns to one small table a set.

An attribute is (set, key, shape). Sets stay apart, because a recipe loads named sets in order and later sets win.
For each document a set is present, missing or misaligned (found by id, not by row); for each present document
a key is absent, empty or has values. None of these is zero.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
import orjson
import polars as pl
import pyarrow as pa

from explorer.ingest.span_maps import SpanMaps
from explorer.spans import Floats, Ints, summarise

PRESENT, MISALIGNED, MISSING = "present", "misaligned", "missing"
MAX_ATTRIBUTES = 4096  # of one set in one part
MAX_DEPTH = 8  # of dictionaries that are taken apart
_MAX_TEXT = 200


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Attribute:
    """One attribute. `path` has more than one part where the value stood inside nested objects."""

    attribute_set: str
    path: tuple[str, ...]
    shape: str

    @property
    def key(self) -> str:
        """The key as it is shown: itself, or for a nested one the JSONPath down to it, such as $.pii.email."""
        if len(self.path) == 1 and not self.path[0].startswith("$"):
            return self.path[0]
        plain = (
            f".{part}" if _PLAIN_KEY.match(part) else f"[{json.dumps(part, ensure_ascii=False)}]" for part in self.path
        )
        return "$" + "".join(plain)

    @property
    def column(self) -> str:
        """The stem of its columns in the index: keys hold any character and may differ by case only."""
        text = orjson.dumps([self.attribute_set, self.shape, *self.path])
        return "a_" + hashlib.md5(text, usedforsecurity=False).hexdigest()[:12]

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


@dataclass(frozen=True)
class SpanBlock:
    """Lists of spans as arrays; see `Values` for what they hold."""

    docs: Ints
    attributes: Ints
    counts: Ints
    spans: Floats  # (sum of counts, 3)


@dataclass
class Values:
    """Values of many documents for many keys, laid end to end as they are read (one entry per document and key)."""

    docs: list[int] = field(default_factory=list)
    attributes: list[int] = field(default_factory=list)  # positions in the set's list of attributes
    counts: list[int] = field(default_factory=list)
    # start, end, score, start, ...; here and in `scalars` an integer stays one, see `written`
    spans: list[float] = field(default_factory=list)
    scalars: list[tuple[int, int, float | str]] = field(default_factory=list)  # (doc, attribute, value)
    blocks: list[SpanBlock] = field(default_factory=list)  # what came as arrays
    has_integers: bool = False  # whether a score may be one
    is_typed: bool = False  # from Parquet: how numbers were written is not known

    @property
    def n(self) -> int:
        """How much there is: values and spans."""
        listed = len(self.docs) + len(self.scalars) + len(self.spans) // 3
        return listed + sum(len(block.docs) + len(block.spans) for block in self.blocks)


class Taker(Protocol):
    """Whoever takes in the attributes of one set, document by document."""

    attribute_set: str

    def add(self, values: Values, doc: int, attributes: Mapping[str, Any]) -> None: ...

    def add_maps(self, values: Values, docs: Ints, maps: SpanMaps) -> bool:
        """Take in the spans of many documents (-1: none) at once; False to be given them one by one instead."""
        ...


class SetReader:
    """Takes the attributes of one set apart, document by document, and learns which attributes it has.

    At most `MAX_ATTRIBUTES`: a dictionary whose keys are data (one a domain, say) would make a column of each; the
    values beyond are counted in `n_left_out`.
    """

    def __init__(self, attribute_set: str) -> None:
        self.attribute_set = attribute_set
        self.attributes: list[Attribute] = []
        self.n_left_out = 0
        self._known: dict[tuple[tuple[str, ...], str], int] = {}
        self._spans: dict[str, int] = {}  # the common case: a top-level key whose value is a list of spans

    def position(self, path: tuple[str, ...], shape: str) -> int | None:
        """The number of an attribute among `attributes`; None where there are too many of them."""
        found = self._known.get((path, shape))
        if found is None:
            if len(self.attributes) == MAX_ATTRIBUTES:
                self.n_left_out += 1
                return None
            found = self._known[(path, shape)] = len(self.attributes)
            self.attributes.append(Attribute(self.attribute_set, path, shape))
        return found

    def add(self, values: Values, doc: int, attributes: Mapping[str, Any]) -> None:
        """Take in one document's attributes."""
        for key, value in attributes.items():
            if type(value) is list:
                flat = flat_spans(value, values)
                if flat is not None:
                    where = self._spans.get(key)
                    if where is None:
                        where = self.position((key,), "spans")
                        if where is None:
                            continue
                        self._spans[key] = where
                    values.docs.append(doc)
                    values.attributes.append(where)
                    values.counts.append(len(value))
                    values.spans += flat
                    continue
            self._add_value(values, doc, (key,), value)

    def add_maps(self, values: Values, docs: Ints, maps: SpanMaps) -> bool:
        positions = np.array([self._span_position(key) for key in maps.keys], dtype=np.int64)
        owners = np.repeat(docs, maps.lengths)
        attributes = positions[maps.codes] if len(positions) else maps.codes
        kept = (owners >= 0) & (attributes >= 0)
        spans = maps.spans[np.repeat(kept, maps.counts)]
        values.blocks.append(SpanBlock(owners[kept], attributes[kept], maps.counts[kept], spans))
        return True

    def _span_position(self, key: str) -> int:
        """The position of a key with spans; -1 where there are too many."""
        found = self.position((key,), "spans")
        return -1 if found is None else found

    def _add_value(self, values: Values, doc: int, path: tuple[str, ...], value: Any) -> None:
        if isinstance(value, dict) and value and len(path) < MAX_DEPTH:
            for key, inner in value.items():
                self._add_value(values, doc, (*path, key), inner)
        elif value is None or value == {}:
            self._add_spans(values, doc, self.position(path, "nested"), [])
        elif isinstance(value, bool):
            self._add_scalar(values, doc, self.position(path, "bool"), float(value))
        elif isinstance(value, int | float | Decimal):
            number = float(value) if isinstance(value, Decimal) else value
            self._add_scalar(values, doc, self.position(path, "number"), number)
        elif isinstance(value, dict | list):
            flat = flat_spans(value, values) if isinstance(value, list) else None
            if flat is None:
                self._add_scalar(values, doc, self.position(path, "nested"), _shown(value))
            else:
                self._add_spans(values, doc, self.position(path, "spans"), flat)
        else:
            self._add_scalar(values, doc, self.position(path, "text"), str(value)[:_MAX_TEXT])

    def _add_scalar(self, values: Values, doc: int, attribute: int | None, value: float | str) -> None:
        if attribute is not None:
            values.scalars.append((doc, attribute, value))

    def _add_spans(self, values: Values, doc: int, attribute: int | None, flat: list[float]) -> None:
        if attribute is not None:
            values.docs.append(doc)
            values.attributes.append(attribute)
            values.counts.append(len(flat) // 3)
            values.spans += flat


def _shown(value: Any) -> str:
    """A nested value as JSON, cut to the length that is kept."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()[:_MAX_TEXT]
    except orjson.JSONEncodeError:
        return "(nested too deeply to be shown)"


def flat_spans(value: list[Any], values: Values | None = None) -> list[float] | None:
    """Spans laid end to end as numbers, or None where the list is not one of spans. Not to be changed.

    Integers among their scores are noted in `values`: to look at each number again later takes longer.
    """
    flat: list[float] = []
    for span in value:
        if type(span) is not list or len(span) != 3:
            return None
        start, end, score = span
        if type(start) not in _NUMBERS or type(end) not in _NUMBERS:
            return None
        if type(score) is not float:
            if type(score) is not int:
                return None
            if values is not None:
                values.has_integers = True
        if len(value) == 1:  # as most are: no copy
            return span
        flat += span
    return flat


_NUMBERS = frozenset({int, float})


VALUE_SCHEMA = pa.schema([
    ("doc", pa.int32()),
    ("attribute", pa.int32()),  # position in the set's list of attributes
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
    blocks = values.blocks
    docs = np.concatenate([np.array(values.docs, dtype=np.int64), *(block.docs for block in blocks)])
    keys = np.concatenate([np.array(values.attributes, dtype=np.int64), *(block.attributes for block in blocks)])
    counts = np.concatenate([np.array(values.counts, dtype=np.int64), *(block.counts for block in blocks)])
    listed = np.array(values.spans, dtype=np.float64).reshape(-1, 3)
    spans = np.concatenate([listed, *(block.spans for block in blocks)])
    starts, ends, scores = spans[:, 0], spans[:, 1], spans[:, 2]
    lengths = n_chars[docs] if len(docs) else np.zeros(0, dtype=np.int64)
    summary = summarise(counts, starts, ends, scores, lengths)
    is_span = (
        np.array([a.shape == "spans" for a in attributes], dtype=bool)[keys] if len(keys) else np.zeros(0, dtype=bool)
    )
    table = pa.table(
        [
            docs.astype(np.int32),
            keys.astype(np.int32),
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
            _whole_numbers(starts[~whole]),
            _whole_numbers(ends[~whole]),
            scores[~whole],
        ],
        schema=SPAN_SCHEMA,
    )
    return pa.concat_tables([table, scalars]), span_table, int(summary.n_outside.sum())


def _whole_numbers(offsets: Floats) -> Ints:
    return np.clip(np.nan_to_num(offsets, posinf=np.inf, neginf=-np.inf), -(2**53), 2**53).astype(np.int64)


def _scalar_table(scalars: list[tuple[int, int, float | str]]) -> pa.Table:
    numbers = [None if isinstance(value, str) else float(value) for _, _, value in scalars]
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


def span_checksum(spans: pa.Table, weights: np.ndarray[Any, np.dtype[np.uint64]]) -> int:
    """The same kind of sum over the rows of a span table: where each span lies, its score and its place in its list."""
    if not spans.num_rows:
        return 0
    keys = spans["attribute"].combine_chunks().dictionary_encode()
    stems = np.array([int(stem[2:], 16) | 1 for stem in keys.dictionary.to_pylist()], dtype=np.uint64)
    scores = np.clip(np.nan_to_num(spans["score"].to_numpy(), posinf=0, neginf=0), -9e13, 9e13)
    numbers = [spans[name].to_numpy().astype(np.int64).view(np.uint64) for name in ("i", "start", "end")]
    numbers.append(np.rint(scores * 1e5).astype(np.int64).view(np.uint64))
    mixed = np.ones(spans.num_rows, dtype=np.uint64)
    for factor, number in zip(_FACTORS, numbers, strict=False):
        mixed += factor * number
    mixed ^= mixed >> np.uint64(29)  # so that the sum of a list's spans tells which score belongs to which span
    product = weights[spans["doc"].to_numpy()] * stems[keys.indices.to_numpy()] * mixed
    return int(product.sum(dtype=np.uint64))


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
