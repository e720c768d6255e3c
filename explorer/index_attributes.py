"""The task that reads attributes: one set of one part, aligned with the part's documents. It reads no text."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer import attributes as attr
from explorer.config import CorpusConfig
from explorer.definitions import declared_keys
from explorer.ingest import attribute_files as files
from explorer.ingest.parquet import layout
from explorer.ingest.read import engine_errors, own_sets
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET
from explorer.ingest.shards import Shard
from explorer.plan import IndexOptions, Part, Progress
from explorer.setaside import RANGE_DOCS, Aside
from explorer.taggers.index import read_tags
from explorer.workspace import Workspace, digest, replacing, write_receipt
from explorer.written import Written

WIDEN_VALUES = 500_000  # values that are turned into columns at once: some 100 MB
# Of wide rows that are gathered for one row group. Larger groups are smaller on disk and faster to read.
WIDE_BYTES = 96 << 20
_TEXT_BYTES = 64  # of a text value, as a guess


def attribute_sets(part: Part, receipt: dict[str, Any]) -> list[str]:
    """The sets that a part has: attribute folders beside its shards, and its shards' own columns."""
    beside = {side.attribute_set for shard in part.shards for side in shard.sides}
    return sorted(beside | set(receipt["inline_sets"]))


def attributes_key(part: Part, attribute_set: str, config: CorpusConfig) -> str:
    """The key of one set of a part: new tags change it, and nothing else."""
    sides = [
        (side.size, side.mtime_ns, bool(side.path))
        for shard in part.shards
        for side in shard.sides
        if side.attribute_set == attribute_set
    ]
    return digest(part.key, attribute_set, sides)


def index_attributes(
    root: Path, part: Part, attribute_set: str, options: IndexOptions, progress: Progress
) -> dict[str, Any]:
    """Write the table of one attribute set for one part, aligned row by row with the part's documents.

    Returns the receipt: the attributes found and how JSON wrote their numbers, how files and documents met, the
    checksum of the values.
    """
    workspace = Workspace(root)
    key = attributes_key(part, attribute_set, options.config)
    target = workspace.attributes(key)
    documents = pl.read_parquet(
        workspace.documents(part.key),
        columns=["doc", "shard", "row", "id", "source", "n_chars"],
        hive_partitioning=False,
    )
    n_chars = documents["n_chars"].to_numpy()
    weights = _weights(documents)
    firsts = np.searchsorted(documents["shard"].to_numpy(), np.arange(len(part.shards) + 1)).tolist()
    reader = attr.SetReader(attribute_set)
    written = Written()
    states: list[str] = []
    shards = []
    total = 0
    n_outside = 0
    with ExitStack() as stack:
        spans_path = stack.enter_context(replacing(workspace.spans(key)))
        spans = stack.enter_context(pq.ParquetWriter(spans_path, attr.SPAN_SCHEMA, compression="zstd"))
        values_path = stack.enter_context(replacing(workspace.values(key)))
        values = stack.enter_context(pq.ParquetWriter(values_path, attr.VALUE_SCHEMA, compression="zstd"))
        aside = Aside(stack, target, attr.VALUE_SCHEMA)
        for number, shard in enumerate(part.shards):
            own = documents[firsts[number] : firsts[number + 1]]
            shard_documents = files.Documents(
                first_doc=len(states), rows=own["row"].to_numpy(), ids=own["id"].to_list()
            )
            n_left_out = reader.n_left_out
            items = _read_set(workspace, part, shard, attribute_set, shard_documents, reader, options)
            for item in _guarded(items, _set_path(shard, attribute_set)):
                if isinstance(item, files.Alignment):
                    if reader.n_left_out > n_left_out:
                        item.reasons["too_many_keys"] = reader.n_left_out - n_left_out
                    states += item.state
                    shards.append(_alignment_json(shard, item))
                    continue
                table, span_table, outside = attr.tabulate(item, reader.attributes, n_chars)
                written.note(item, table)
                total += attr.checksum(table, reader.attributes, weights) + attr.span_checksum(span_table, weights)
                n_outside += outside
                aside.add(table)
                values.write_table(table)
                if span_table.num_rows:
                    spans.write_table(span_table)
            progress(sum(side.size for side in shard.sides if side.attribute_set == attribute_set))
        if options.tags is not None and attribute_set == options.tags.attribute_set:
            # what was looked for and found nowhere is known all the same: a rule on it is not dead, it takes nothing
            for name in declared_keys(attribute_set, options.tags.specs):
                reader.position((name,), "spans")
        temporary = stack.enter_context(replacing(target))
        n_values = write_wide(temporary, aside, reader.attributes, states)
    receipt = {
        "key": key,
        "attribute_set": attribute_set,
        "attributes": [attribute.to_json() for attribute in reader.attributes],
        "written_as": written.forms(reader.attributes),
        "states": dict(Counter(states)),
        "n_values": n_values,
        "n_spans_outside": n_outside,
        "fingerprint": f"{total % 2**64:016x}",
        "shards": shards,
    }
    write_receipt(target, receipt, [target, workspace.values(key), workspace.spans(key)])
    return receipt


def write_wide(
    path: Path,
    aside: Aside,
    attributes: list[attr.Attribute],
    states: list[str],
    widen_values: int = WIDEN_VALUES,
    wide_bytes: int = WIDE_BYTES,
) -> int:
    """Write the wide table of a set from its long values in `aside`; returns how many there are.

    Values take several times the memory of the wide rows that they become, so that a row group is put together from
    pieces of about `widen_values` values.
    """
    schema = attr.wide_schema(attributes)
    limit = wide_group_rows(schema, wide_bytes)
    gathered: list[pa.Table] = []
    n_gathered = n_values = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start, end in aside.ranges(len(states), widen_values):
            for first in range(start, end, limit):  # sets of many attributes of which a document has few
                last = min(end, first + limit)
                if n_gathered + last - first > limit:
                    writer.write_table(pa.concat_tables(gathered))
                    gathered, n_gathered = [], 0
                values = aside.read(first, last)
                gathered.append(attr.widen(pl.DataFrame(values), attributes, first, states[first:last]))
                n_gathered += last - first
                n_values += values.num_rows
                del values
        if gathered:
            writer.write_table(pa.concat_tables(gathered))
    return n_values


def wide_group_rows(schema: pa.Schema, wide_bytes: int = WIDE_BYTES) -> int:
    """The rows at most of a row group of the wide table: about `wide_bytes` in memory."""
    kinds = [field.type for field in schema]
    row = sum(kind.byte_width if pa.types.is_primitive(kind) else _TEXT_BYTES for kind in kinds) + len(kinds) / 8
    return max(1024, min(RANGE_DOCS, int(wide_bytes / row)))


def _guarded(items: Iterator[attr.Values | files.Alignment], path: str) -> Iterator[attr.Values | files.Alignment]:
    with engine_errors(path):
        yield from items


def _set_path(shard: Shard, attribute_set: str) -> str:
    """The file that a shard's attributes of a set come from."""
    return next((s.path for s in shard.sides if s.attribute_set == attribute_set and s.path), shard.path)


def _weights(documents: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.uint64]]:
    digests = [
        int.from_bytes(hashlib.md5(f"{source}\0{name}".encode(), usedforsecurity=False).digest()[:8]) | 1
        for source, name in zip(documents["source"].to_list(), documents["id"].to_list(), strict=True)
    ]
    return np.array(digests, dtype=np.uint64)


def _alignment_json(shard: Shard, alignment: files.Alignment) -> dict[str, Any]:
    return {
        "name": shard.name,
        "n_rows": alignment.n_rows,
        "n_orphans": alignment.n_orphans,
        "states": dict(Counter(alignment.state)),
        "rejects": dict(alignment.reasons),
        "examples": [[reject.row, reject.reason, reject.detail] for reject in alignment.rejects],
    }


def _read_set(
    workspace: Workspace,
    part: Part,
    shard: Shard,
    attribute_set: str,
    documents: files.Documents,
    reader: attr.SetReader,
    options: IndexOptions,
) -> Iterator[attr.Values | files.Alignment]:
    side = next((s for s in shard.sides if s.attribute_set == attribute_set), None)
    if not documents.ids:
        yield files.Alignment([])
    elif options.tags is not None and attribute_set == options.tags.attribute_set:
        yield from read_tags(workspace.tags(part.key), documents, reader)
    elif side is not None and side.path:
        yield from files.read_side_file(side.path, side.size, documents, reader)
    elif side is None and shard.kind == "parquet" and attribute_set in own_sets(shard, options.config):
        flat = layout(shard.path, options.config).flat
        yield from files.read_inline(shard.path, shard.row_groups, flat, documents, reader)
    elif side is None and shard.kind != "parquet" and attribute_set in (ATTRIBUTES_COLUMN, FLAT_SET):
        yield from _read_copied(workspace.shard(part.key), attribute_set, documents, reader)
    else:
        yield files.Alignment([attr.MISSING] * len(documents.ids))


def _read_copied(
    path: Path, attribute_set: str, documents: files.Documents, reader: attr.SetReader
) -> Iterator[attr.Values | files.Alignment]:
    """A JSONL shard's own attributes, from the copy in the workspace (its rows are the part's documents)."""
    alignment = files.Alignment([attr.MISSING] * len(documents.ids))
    last = documents.first_doc + len(documents.ids)
    with pq.ParquetFile(path) as file:
        groups = [g for g in range(file.num_row_groups) if _overlaps(file.metadata, g, documents.first_doc, last)]
        for record in file.iter_batches(
            columns=["doc", attribute_set], row_groups=groups, use_threads=False, batch_size=8192
        ):
            values = attr.Values()
            for doc, text in zip(record["doc"].to_pylist(), record[attribute_set].to_pylist(), strict=True):
                if text is None or not documents.first_doc <= doc < last:
                    continue
                alignment.state[doc - documents.first_doc] = attr.PRESENT
                alignment.n_rows += 1
                reader.add(values, doc, orjson.loads(text))
            yield values
    yield alignment


def _overlaps(metadata: pq.FileMetaData, group: int, first: int, last: int) -> bool:
    """Whether a row group of a copy holds documents `first` .. `last`; the first column is their number."""
    statistics = metadata.row_group(group).column(0).statistics
    return bool(statistics.min < last and statistics.max >= first)
