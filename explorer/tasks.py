"""The tasks of a build: functions of their arguments that write one file each, safe to kill and to repeat.

They import no executor: a process pool runs them today, a cluster can run the same functions.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer import attributes as attr
from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest import attribute_files as files
from explorer.ingest.parquet import layout
from explorer.ingest.read import read_documents
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET, Batch, Reject
from explorer.ingest.shards import Shard, first_line
from explorer.measures import INDEX_SCHEMA, index_rows
from explorer.setaside import Aside
from explorer.tokenizers import token_counter
from explorer.urls import HostTable
from explorer.workspace import Workspace, digest, replacing, write_receipt

Progress = Callable[[float], None]  # called with bytes of input done since the last call
INDEX_GROUP_ROWS = 65_536
N_EXAMPLES = 20
WIDEN_VALUES = 1_000_000  # values that are turned into columns at once: some 100 MB


@dataclass(frozen=True)
class Part:
    """A piece of the corpus that one task handles: whole shards, or row groups of a large one."""

    key: str
    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class IndexOptions:
    """What changes the index rows, and therefore the key of every part."""

    config: CorpusConfig
    tokenizer: str
    keep_text: bool
    batch_bytes: int = 16 << 20  # changes no row, so it is not in the key

    @property
    def key(self) -> str:
        return digest(sorted(self.config.document_columns.items()), self.tokenizer, self.keep_text)


def index_part(root: Path, part: Part, options: IndexOptions, progress: Progress) -> dict[str, Any]:
    """Read a part's shards once and write its index rows (and its texts, where the input was not Parquet).

    Returns the receipt that is written last: rows and rejects of each shard, the fingerprint of the documents.
    A shard that cannot be used at all is in the receipt with its fault and the other shards go on.
    """
    workspace = Workspace(root)
    target = workspace.documents(part.key)
    hosts = HostTable()
    count = token_counter(options.tokenizer) if options.tokenizer else None
    n_docs = 0
    fingerprint = 0
    shards = []
    inline: set[str] = set()
    has_tokens = False
    pending: list[pa.Table] = []
    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(target))
        index = stack.enter_context(pq.ParquetWriter(temporary, INDEX_SCHEMA, compression="zstd"))
        texts = _TextWriter(stack, workspace.shard(part.key), options.keep_text) if _needs_copy(part) else None
        for number, shard in enumerate(part.shards):
            report = _ShardReport(shard)
            done = 0.0
            for batch in report.guarded(read_documents(shard, options.config, options.batch_bytes)):
                with engine_errors(shard.path):
                    table = index_rows(batch.frame, n_docs, number, hosts, count)
                report.take(batch)
                if batch.frame.height:
                    fingerprint += fingerprint_documents(table)
                    has_tokens = has_tokens or table["n_tokens"].null_count < table.num_rows
                    pending.append(table)
                    if texts is not None and shard.kind != "parquet":
                        texts.write(batch.frame, n_docs)
                    n_docs += batch.frame.height
                if sum(t.num_rows for t in pending) >= INDEX_GROUP_ROWS:
                    index.write_table(pa.concat_tables(pending))
                    pending = []
                progress((batch.progress - done) * shard.n_bytes)
                done = batch.progress
            progress((1.0 - done) * shard.n_bytes)
            if report.n_docs:
                inline.update(_inline_sets(shard, options.config))
            shards.append(report.to_json())
        if pending:
            index.write_table(pa.concat_tables(pending))
        if texts is not None:
            inline |= texts.inline
    receipt = {
        "key": part.key,
        "n_docs": n_docs,
        "fingerprint": f"{fingerprint % 2**128:032x}",
        "has_tokens": has_tokens,
        "inline_sets": sorted(inline),
        "shards": shards,
    }
    write_receipt(target, receipt, [target, *([workspace.shard(part.key)] if texts is not None else [])])
    return receipt


def _needs_copy(part: Part) -> bool:
    return any(shard.kind != "parquet" for shard in part.shards)


def _inline_sets(shard: Shard, config: CorpusConfig) -> list[str]:
    if shard.kind != "parquet":
        return []
    plan = layout(shard.path, config)
    return files.inline_sets(shard.path, plan.flat, plan.attributes)


class _ShardReport:
    """What became of one shard's rows."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.n_rows = 0
        self.n_docs = 0
        self.fault: str | None = None
        self.reasons: Counter[str] = Counter()
        self.examples: list[Reject] = []

    def guarded(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches of a shard; what makes it unreadable ends it and is kept as its fault."""
        try:
            with engine_errors(self.shard.path):
                yield from batches
        except InputError as error:
            self.fault = str(error)

    def take(self, batch: Batch) -> None:
        self.n_rows += batch.n_rows
        self.n_docs += batch.frame.height
        for reject in batch.rejects:
            self.reasons[reject.reason] += 1
            if len(self.examples) < N_EXAMPLES or self.reasons[reject.reason] == 1:
                self.examples.append(reject)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.shard.name,
            "n_rows": self.n_rows,
            "n_docs": self.n_docs,
            "fault": self.fault,
            "rejects": dict(self.reasons),
            "examples": [[reject.row, reject.reason, reject.detail] for reject in self.examples],
        }


class _TextWriter:
    """The documents of a part as Parquet, so that one of them can be read later without a scan."""

    _COLUMNS = (
        "id",
        "source",
        "text",
        "url",
        "created",
        "added",
        "metadata",
        ATTRIBUTES_COLUMN,
        FLAT_SET,
    )

    def __init__(self, stack: ExitStack, target: Path, keep_text: bool) -> None:
        self.columns = [c for c in self._COLUMNS if keep_text or c != "text"]
        self.inline: set[str] = set()
        fields = [("doc", pa.int32()), *((c, pa.large_string()) for c in self.columns)]
        temporary = stack.enter_context(replacing(target))
        self._writer = stack.enter_context(pq.ParquetWriter(temporary, pa.schema(fields), compression="zstd"))

    def write(self, frame: pl.DataFrame, first_doc: int) -> None:
        docs = pl.int_range(first_doc, first_doc + frame.height, dtype=pl.Int32, eager=True).alias("doc")
        self._writer.write_table(frame.select(docs, *self.columns).to_arrow().cast(self._writer.schema))
        self.inline.update(name for name in (ATTRIBUTES_COLUMN, FLAT_SET) if frame[name].null_count() < frame.height)


def fingerprint_documents(table: pa.Table) -> int:
    """The order-free content hash of some index rows: the sum of their MD5s, to be taken modulo 2^128.

    It covers source, id, text and URL, so equal corpora agree on any machine and however they are cut.
    """
    total = 0
    sources: dict[str, bytes] = {}
    md5 = hashlib.md5
    for source, name, text, url in zip(
        table["source"].to_pylist(),
        table["id"].cast(pa.large_binary()).to_pylist(),
        table["text_md5"].combine_chunks().storage.to_pylist(),
        table["url"].cast(pa.large_binary()).to_pylist(),
        strict=True,
    ):
        head = sources.get(source) or sources.setdefault(source, _measured(source.encode()))
        key = head + _measured(name) + _measured(text) + _measured(url or b"")
        total += int.from_bytes(md5(key, usedforsecurity=False).digest())
    return total


def _measured(field: bytes) -> bytes:
    """A field after its length, because a field may hold any byte."""
    return len(field).to_bytes(8) + field


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

    Returns the receipt: the attributes found, how files and documents met, the checksum of the values.
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
    states: list[str] = []
    shards = []
    total = 0
    n_outside = 0
    n_values = 0
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
                total += attr.checksum(table, reader.attributes, weights)
                n_outside += outside
                aside.add(table)
                values.write_table(table)
                if span_table.num_rows:
                    spans.write_table(span_table)
            progress(sum(side.size for side in shard.sides if side.attribute_set == attribute_set))
        temporary = stack.enter_context(replacing(target))
        schema = attr.wide_schema(reader.attributes)
        with pq.ParquetWriter(temporary, schema, compression="zstd") as wide:
            for first, last in aside.ranges(len(states), WIDEN_VALUES):
                found = pl.DataFrame(aside.read(first, last))
                wide.write_table(attr.widen(found, reader.attributes, first, states[first:last]))
                n_values += found.height
    receipt = {
        "key": key,
        "attribute_set": attribute_set,
        "attributes": [attribute.to_json() for attribute in reader.attributes],
        "states": dict(Counter(states)),
        "n_values": n_values,
        "n_spans_outside": n_outside,
        "fingerprint": f"{total % 2**64:016x}",
        "shards": shards,
    }
    write_receipt(target, receipt, [target, workspace.values(key), workspace.spans(key)])
    return receipt


def _guarded(items: Iterator[attr.Values | files.Alignment], path: str) -> Iterator[attr.Values | files.Alignment]:
    with engine_errors(path):
        yield from items


def _set_path(shard: Shard, attribute_set: str) -> str:
    """The file that a shard's attributes of a set come from."""
    return next((s.path for s in shard.sides if s.attribute_set == attribute_set and s.path), shard.path)


@contextmanager
def engine_errors(path: str) -> Iterator[None]:
    """Turn what an engine raises over some data into an `InputError` of one line that names the file."""
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        raise InputError(f"{path}: cannot be processed: {first_line(error)}; write it again or leave it out") from error


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
    elif side is not None and side.path:
        yield from files.read_side_file(side.path, side.size, documents, reader)
    elif side is None and shard.kind == "parquet" and attribute_set in _inline_sets(shard, options.config):
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
