"""Any readable input as tagged Parquet: documents and their attributes in one file a shard.

The columns are those of a shard (`id`, `source`, `text`, `url`, `created`, `added`, `language`, `licence`, `n_tokens`,
`metadata` as JSON) and the attributes by set: `attributes` holds spans as `{set: {key: [{start, end, score}]}}` (a
struct of maps), `attribute_values` what is not spans, as JSON. A set that is null in a row is missing there; a set
without keys is present and empty. Dates stay as they were written, so that nothing is lost.
"""

from __future__ import annotations

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
from explorer.workspace import disk_errors, replacing

ROW_GROUP_BYTES = 16 << 20
_TEXTS = ("id", "source", "text", "url", "created", "added", "language", "licence")
_SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("score", pa.float64())])
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
    targets = _targets(shards, out)
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


def _targets(shards: Sequence[Shard], out: Path) -> list[Path]:
    """Where each shard goes; one that would meet another keeps its whole name. Raises `UsageError` for a file there."""
    names = [_target_name(shard) for shard in shards]
    times = Counter(names)
    targets = [
        out / (name if times[name] == 1 else f"{shard.name}.parquet") for shard, name in zip(shards, names, strict=True)
    ]
    for target in targets:
        if target.exists():
            raise UsageError(f"{target}: exists already; give an empty --out")
    return targets


def _target_name(shard: Shard) -> str:
    name = shard.name
    for suffix in (".gz", ".zst", ".json", ".jsonl", ".ndjson", ".parquet"):
        name = name.removesuffix(suffix)
    return name + ".parquet"


def _sets(shard: Shard, config: CorpusConfig) -> list[str]:
    beside = [side.attribute_set for side in shard.sides]
    if shard.kind != "parquet":
        return beside
    plan = layout(shard.path, config)
    return beside + inline_sets(shard.path, plan.flat, plan.attributes)


def _convert_shard(shard: Shard, target: Path, config: CorpusConfig, report: ConvertReport) -> None:
    """One shard: its attributes are set aside first, then the documents are read and written beside them."""
    documents, n_rejected = _identities(shard, config)
    sets = sorted({*_sets(shard, config), *documents.own_sets})
    with ExitStack() as stack:
        asides: dict[str, Aside] = {}
        for name in sets:
            aside = Aside(stack, target.with_name(f"{target.name}-{len(asides)}"), _RAW)
            alignment = _set_aside(shard, name, documents, config, aside)
            if alignment is not None:
                asides[name] = aside
                _note_alignment(shard, name, alignment, report)
        temporary = stack.enter_context(replacing(target))
        writer: pq.ParquetWriter | None = None
        first = 0
        for batch in read_documents(shard, config, ROW_GROUP_BYTES):
            frame = batch.frame
            if not frame.height:
                continue
            table = _table(frame, first, sets, asides, documents.has_ids)
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
class _Identities(Documents):
    has_ids: bool
    own_sets: frozenset[str]  # sets that the rows of a JSONL file carry themselves


def _identities(shard: Shard, config: CorpusConfig) -> tuple[_Identities, int]:
    """Rows and ids of a shard's documents; a first reading, because attributes may lie on other rows."""
    rows: list[int] = []
    ids: list[str] = []
    n_rejected = 0
    has_ids = False
    own: set[str] = set()
    for batch in read_documents(shard, config, ROW_GROUP_BYTES):
        rows += batch.frame["row"].to_list()
        ids += [name or "" for name in batch.frame["id"].to_list()]
        has_ids = has_ids or bool(batch.frame["is_id_given"].any())
        own.update(
            name for name in (ATTRIBUTES_COLUMN, FLAT_SET) if batch.frame[name].null_count() < batch.frame.height
        )
        n_rejected += len(batch.rejects)
    return _Identities(0, np.array(rows, dtype=np.int64), ids, has_ids, frozenset(own)), n_rejected


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


def _set_aside(shard: Shard, name: str, documents: Documents, config: CorpusConfig, aside: Aside) -> Alignment | None:
    """Read one attribute set of a shard into `aside`; None where the rows themselves carry it or the shard has none."""
    raw = _Raw(name, aside)
    side = next((s for s in shard.sides if s.attribute_set == name and s.path), None)
    if side is not None:
        source = read_side_file(side.path, side.size, documents, raw)
    elif shard.kind == "parquet" and name in _sets(shard, config):
        source = read_inline(shard.path, shard.row_groups, layout(shard.path, config).flat, documents, raw)
    else:
        return None
    alignment = None
    for item in source:
        if isinstance(item, Alignment):
            alignment = item
    raw.flush()
    return alignment


def _note_alignment(shard: Shard, name: str, alignment: Alignment, report: ConvertReport) -> None:
    states = {state: alignment.state.count(state) for state in ("misaligned", "missing")}
    found = [f"{n:,} documents {state}" for state, n in states.items() if n]
    if alignment.n_orphans:
        found.append(f"{alignment.n_orphans:,} rows of attributes without a document")
    found += [_fault(reject) for reject in alignment.rejects[:3]]
    if found:
        report.notes.append(f"{shard.name}, set {name}: {', '.join(found)}")


def _fault(reject: Reject) -> str:
    return (
        f"row {reject.row + 1} {reject.reason.replace('_', ' ')}"
        if reject.row >= 0
        else reject.reason.replace("_", " ")
    )


def _table(
    frame: pl.DataFrame, first: int, sets: Sequence[str], asides: Mapping[str, Aside], has_ids: bool
) -> pa.Table:
    columns: dict[str, pa.Array] = {
        name: frame[name].to_arrow().cast(pa.large_string()) for name in _TEXTS if has_ids or name != "id"
    }
    columns["n_tokens"] = frame["n_tokens"].to_arrow()
    columns["metadata"] = frame["metadata"].to_arrow().cast(pa.large_string())
    if sets:
        rows = {name: _rows(frame, first, name, asides.get(name)) for name in sets}
        split = {name: [_split(row) for row in found] for name, found in rows.items()}
        columns[ATTRIBUTES_COLUMN] = _by_set(sets, split, 0, pa.list_(_SPAN))
        columns[VALUES_COLUMN] = _by_set(sets, split, 1, pa.large_string())
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


def _by_set(sets: Sequence[str], split: Mapping[str, Any], which: int, kind: pa.DataType) -> pa.Array:
    maps = [pa.array([row[which] for row in split[name]], pa.map_(pa.string(), kind)) for name in sets]
    return pa.StructArray.from_arrays(maps, names=list(sets))
