"""Any readable input as tagged Parquet: documents and their attributes in one file a shard.

The columns are those of a shard (`id`, `source`, `text`, `url`, `created`, `added`, `language`, `licence`, `n_tokens`,
`metadata` as JSON) and the attributes by set: `attributes` holds spans as `{set: {key: [{start, end, score}]}}` (a
struct of maps), `attribute_values` what is not spans, as JSON. A set that is null in a row is missing there; a set
without keys is present and empty. Dates stay as they were written, so that nothing is lost.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.attributes import Values, flat_spans
from explorer.build import Step
from explorer.config import CorpusConfig, read_config
from explorer.errors import InputError, UsageError
from explorer.ingest.attribute_files import Alignment, Documents, inline_sets, read_inline, read_side_file
from explorer.ingest.parquet import FORMAT_KEY, VALUES_COLUMN, layout
from explorer.ingest.read import read_documents
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET, Reject
from explorer.ingest.shards import Shard, find_shards
from explorer.ingest.span_maps import SpanMaps
from explorer.setaside import Aside
from explorer.spans import Ints
from explorer.taggers.run import TAGS
from explorer.workspace import disk_errors, replacing

ROW_GROUP_BYTES = 16 << 20
_TEXTS = ("id", "source", "text", "url", "created", "added", "language", "licence")
_VALUES = pa.map_(pa.string(), pa.large_string())
_RAW = pa.schema([("doc", pa.int32()), ("json", pa.large_binary())])


@dataclass
class ConvertReport:
    """What a conversion wrote, and what it left out (one line a file)."""

    n_docs: int = 0
    n_files: int = 0
    notes: list[str] = field(default_factory=list)


def convert(
    inputs: Sequence[str],
    out: Path,
    *,
    config_path: Path | None = None,
    listener: Callable[[Step], None] = lambda step: None,
) -> ConvertReport:
    """Write every shard of `inputs` as tagged Parquet under `out`.

    Raises `InputError` where no shard can be used, `UsageError` where a file is there already, `StorageError` where
    the disk refuses.
    """
    config = read_config(config_path) if config_path else CorpusConfig()
    shards = find_shards(inputs, leave_out=out)
    report = ConvertReport()
    targets = [out / name for name in target_names(shards)]
    for target in targets:
        if target.exists():
            raise UsageError(f"{target}: exists already; give an empty --out")
    total = max(1, sum(shard.size for shard in shards))
    done = 0
    for shard, target in zip(shards, targets, strict=True):
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _convert_shard(shard, target, config, report)
        except InputError as error:
            report.notes.append(f"left out: {error}")
        done += shard.size
        listener(Step("converting", done / total))
    if not report.n_docs:
        raise InputError("; ".join(report.notes[:3]) or "no document could be read")
    return report


def target_names(shards: Sequence[Shard]) -> list[str]:
    """The paths below the output folder that shards go to; one that would meet another keeps its whole name."""
    names = [_target_name(shard) for shard in shards]
    times = Counter(names)
    return [name if times[name] == 1 else f"{shard.name}.parquet" for shard, name in zip(shards, names, strict=True)]


def _target_name(shard: Shard) -> str:
    name = shard.name
    for suffix in (".gz", ".zst", ".json", ".jsonl", ".ndjson", ".parquet"):
        name = name.removesuffix(suffix)
    return name + ".parquet"


def set_names(shard: Shard, config: CorpusConfig) -> list[str]:
    """The attribute sets beside a shard and in its columns; those in rows of JSON show when the rows are read."""
    beside = [side.attribute_set for side in shard.sides]
    if shard.kind != "parquet":
        return beside
    plan = layout(shard.path, config)
    return beside + inline_sets(shard.path, plan.flat, plan.attributes)


def _convert_shard(shard: Shard, target: Path, config: CorpusConfig, report: ConvertReport) -> None:
    """One shard: its attributes are set aside first, then the documents are read and written beside them."""
    documents, n_rejected = identities(shard, config)
    sets = sorted({*set_names(shard, config), *documents.own_sets})
    with ExitStack() as stack:
        asides, notes = set_aside(stack, shard, sets, documents, config, target)
        report.notes += notes
        temporary = stack.enter_context(replacing(target))
        writer: pq.ParquetWriter | None = None
        first = 0
        for batch in read_documents(shard, config, ROW_GROUP_BYTES):
            frame = batch.frame
            if not frame.height:
                continue
            table = tagged_table(frame, first, sets, asides, has_ids=documents.has_ids)
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(temporary, table.schema, compression="zstd"))
            writer.write_table(table)
            first += frame.height
        if writer is None:
            raise InputError(f"{shard.path}: no document in it could be read")
    report.n_docs += first
    report.n_files += 1
    if n_rejected:
        report.notes.append(f"{shard.name}: {n_rejected:,} rows left out; `build` and `show rejected_rows` name them")


@dataclass(frozen=True)
class Identities(Documents):
    """The documents of a shard, as its attributes need them."""

    has_ids: bool
    own_sets: frozenset[str]  # sets that the rows of a JSONL file carry themselves


def identities(shard: Shard, config: CorpusConfig) -> tuple[Identities, int]:
    """Rows and ids of a shard's documents, and the number of rows refused.

    A first reading, because attributes may lie on other rows.
    """
    rows: list[int] = []
    ids: list[str] = []
    n_rejected = 0
    has_ids = False
    own: set[str] = set()
    for batch in read_documents(shard, config, ROW_GROUP_BYTES):
        rows += batch.frame["row"].to_list()
        ids += ids_of(batch.frame)
        has_ids = has_ids or bool(batch.frame["is_id_given"].any())
        own |= sets_of_rows(batch.frame)
        n_rejected += len(batch.rejects)
    return Identities(0, np.array(rows, dtype=np.int64), ids, has_ids, frozenset(own)), n_rejected


def ids_of(frame: pl.DataFrame) -> list[str]:
    """The ids of documents (`FRAME_SCHEMA`); one without is named by its text, as in the index."""
    ids = frame["id"].to_list()
    if None not in ids:
        return ids
    texts = frame["text"].to_list()
    return [
        f"md5:{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}" if name is None else name
        for name, text in zip(ids, texts, strict=True)
    ]


def sets_of_rows(frame: pl.DataFrame) -> set[str]:
    """The attribute sets that rows of JSON Lines carry themselves."""
    return {name for name in (ATTRIBUTES_COLUMN, FLAT_SET) if frame[name].null_count() < frame.height}


class _Raw:
    """Takes attributes as they are instead of taking them apart (see `attributes.SetReader`)."""

    def __init__(self, attribute_set: str, aside: Aside) -> None:
        self.attribute_set = attribute_set
        self._aside = aside
        self._docs: list[int] = []
        self._json: list[bytes] = []

    def add(self, values: Values, doc: int, attributes: Mapping[str, Any]) -> None:
        self._docs.append(doc)
        self._json.append(orjson.dumps(attributes))
        if len(self._docs) >= 8192:
            self.flush()

    def add_maps(self, values: Values, docs: Ints, maps: SpanMaps) -> bool:
        return False

    def flush(self) -> None:
        self._aside.add(
            pa.table([pa.array(self._docs, pa.int32()), pa.array(self._json, pa.large_binary())], schema=_RAW)
        )
        self._docs, self._json = [], []


def set_aside(
    stack: ExitStack, shard: Shard, sets: Sequence[str], documents: Documents, config: CorpusConfig, target: Path
) -> tuple[dict[str, Aside], list[str]]:
    """The attributes of a shard's sets that lie elsewhere than in rows of JSON, on disk beside `target`; and notes on
    how they met the documents."""
    asides: dict[str, Aside] = {}
    notes: list[str] = []
    for name in sets:
        aside = Aside(stack, target.with_name(f"{target.name}-{len(asides)}"), _RAW)
        alignment = _set_aside(shard, name, documents, config, aside)
        if alignment is not None:
            asides[name] = aside
            notes += _alignment_notes(shard, name, alignment)
    return asides, notes


def _set_aside(shard: Shard, name: str, documents: Documents, config: CorpusConfig, aside: Aside) -> Alignment | None:
    """Read one attribute set of a shard into `aside`; None where the rows themselves carry it or the shard has none."""
    raw = _Raw(name, aside)
    side = next((s for s in shard.sides if s.attribute_set == name and s.path), None)
    if side is not None:
        source = read_side_file(side.path, side.size, documents, raw)
    elif shard.kind == "parquet" and name in set_names(shard, config):
        source = read_inline(shard.path, shard.row_groups, layout(shard.path, config).flat, documents, raw)
    else:
        return None
    alignment = None
    for item in source:
        if isinstance(item, Alignment):
            alignment = item
    raw.flush()
    return alignment


def _alignment_notes(shard: Shard, name: str, alignment: Alignment) -> list[str]:
    states = {state: alignment.state.count(state) for state in ("misaligned", "missing")}
    found = [f"{n:,} documents {state}" for state, n in states.items() if n]
    if alignment.n_orphans:
        found.append(f"{alignment.n_orphans:,} rows of attributes without a document")
    found += [_fault(reject) for reject in alignment.rejects[:3]]
    return [f"{shard.name}, set {name}: {', '.join(found)}"] if found else []


def _fault(reject: Reject) -> str:
    return (
        f"row {reject.row + 1} {reject.reason.replace('_', ' ')}"
        if reject.row >= 0
        else reject.reason.replace("_", " ")
    )


def tagged_table(
    frame: pl.DataFrame,
    first: int,
    sets: Sequence[str],
    asides: Mapping[str, Aside],
    *,
    has_ids: bool,
    made: Mapping[str, pa.Array] | None = None,
) -> pa.Table:
    """Documents (`FRAME_SCHEMA`) with their attributes; `first` is the number of the first within its shard.

    `made` are sets more, as columns of `taggers.run.TAGS`.
    """
    columns: dict[str, pa.Array] = {
        name: frame[name].to_arrow().cast(pa.large_string()) for name in _TEXTS if name != "id"
    }
    if has_ids:
        columns = {"id": pa.array(ids_of(frame), pa.large_string()), **columns}
    columns["n_tokens"] = frame["n_tokens"].to_arrow()
    columns["metadata"] = frame["metadata"].to_arrow().cast(pa.large_string())
    spans, values = dict(made or {}), {}
    for name in sets:
        split = [_split(row) for row in _rows(frame, first, name, asides.get(name))]
        spans[name] = pa.array([row[0] for row in split], TAGS)
        values[name] = pa.array([row[1] for row in split], _VALUES)
    if spans:
        names = sorted(spans)
        nothing = pa.nulls(frame.height, _VALUES)
        columns[ATTRIBUTES_COLUMN] = pa.StructArray.from_arrays([spans[name] for name in names], names=names)
        others = [values.get(name, nothing) for name in names]
        columns[VALUES_COLUMN] = pa.StructArray.from_arrays(others, names=names)
    return pa.table(columns).replace_schema_metadata({FORMAT_KEY: b"1"})


def _rows(frame: pl.DataFrame, first: int, name: str, aside: Aside | None) -> list[dict[str, Any] | None]:
    if aside is not None:
        found = {doc: orjson.loads(text) for doc, text in aside.rows(first, first + frame.height)}
        return [found.get(doc) for doc in range(first, first + frame.height)]
    if name in (ATTRIBUTES_COLUMN, FLAT_SET):
        return [None if text is None else orjson.loads(text) for text in frame[name].to_list()]
    return [None] * frame.height


def _split(row: dict[str, Any] | None) -> tuple[list[tuple[str, Any]] | None, list[tuple[str, str]] | None]:
    """A row's attributes as (spans by key, other values by key as JSON); (None, None) where the set is missing."""
    if row is None:
        return None, None
    spans: list[tuple[str, Any]] = []
    others: list[tuple[str, str]] = []
    for key, value in row.items():
        if isinstance(value, list) and flat_spans(value) is not None and all(_is_whole(span) for span in value):
            spans.append((key, [{"start": int(s), "end": int(e), "score": float(score)} for s, e, score in value]))
        else:
            others.append((key, orjson.dumps(value).decode()))
    return spans, others


def _is_whole(span: list[Any]) -> bool:
    return all(offset == int(offset) and abs(offset) < 2**62 for offset in span[:2])
