"""The task that reads text: a part's documents to their index rows, once.

Like every task it is a function of its arguments that writes files, safe to kill and to repeat, and imports no
executor: a process pool runs it today, a cluster can run the same function.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.duplicates.minhash import signatures
from explorer.duplicates.paragraphs import Paragraphs, ParagraphWriter, paragraphs_of
from explorer.errors import InputError
from explorer.ingest.read import engine_errors, own_sets, read_documents
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET, N_EXAMPLES, Batch, Reject
from explorer.ingest.shards import Shard
from explorer.measures import INDEX_SCHEMA, index_rows, text_buffers
from explorer.plan import IndexOptions, Part, Progress
from explorer.taggers.index import TagWriter
from explorer.taggers.registry import set_is_there
from explorer.textcount import Lines
from explorer.tokenizers import token_counter
from explorer.urls import HostTable
from explorer.workspace import Workspace, replacing, write_receipt

INDEX_GROUP_ROWS = 65_536


def index_part(root: Path, part: Part, options: IndexOptions, progress: Progress) -> dict[str, Any]:
    """Read a part's shards once and write its index rows, paragraph keys, signatures, tags, and texts that are not
    Parquet.

    Returns the receipt that is written last: rows, rejects and fingerprint of each shard, and that of all documents.
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
    sources: set[str] = set()
    has_tokens = False
    pending: list[pa.Table] = []
    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(target))
        index = stack.enter_context(pq.ParquetWriter(temporary, INDEX_SCHEMA, compression="zstd"))
        texts = _TextWriter(stack, workspace.shard(part.key), options.keep_text) if _needs_copy(part) else None
        keys = _KeyWriter(stack, workspace, part.key, options)
        tags = _tag_writer(stack, workspace, part, options)
        for number, shard in enumerate(part.shards):
            report = _ShardReport(shard)
            done = 0.0
            for batch in report.guarded(read_documents(shard, options.config, options.batch_bytes)):
                keys.forget()
                table = report.tabulate(
                    lambda: index_rows(batch.frame, n_docs, number, hosts, count, keys.take)  # noqa: B023
                )
                if table is None:
                    break
                report.take(batch)
                if batch.frame.height:
                    report.fingerprint += fingerprint_documents(table)
                    has_tokens = has_tokens or table["n_tokens"].null_count < table.num_rows
                    sources.update(table["source"].unique().to_pylist())
                    pending.append(table)
                    keys.write(batch.frame["text"], n_docs)
                    if tags is not None:
                        tags.write(batch.frame, n_docs, shard.path)
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
                inline.update(own_sets(shard, options.config))
            fingerprint += report.fingerprint
            shards.append(report.to_json())
        if pending:
            index.write_table(pa.concat_tables(pending))
        keys.finish()
        if texts is not None:
            inline |= texts.inline
        if tags is not None and options.tags is not None:
            tags.flush()
            if options.tags.attribute_set in inline:
                raise set_is_there(part.shards[0].path, options.tags.attribute_set)
            inline.add(options.tags.attribute_set)
    files = [target, *keys.files]
    files += [workspace.shard(part.key)] if texts is not None else []
    files += [workspace.tags(part.key)] if tags is not None else []
    receipt = {
        "key": part.key,
        "n_docs": n_docs,
        "fingerprint": fingerprint_text(fingerprint),
        "has_tokens": has_tokens,
        "inline_sets": sorted(inline),
        "sources": sorted(sources),
        "shards": shards,
    }
    write_receipt(target, receipt, files)
    return receipt


def _tag_writer(stack: ExitStack, workspace: Workspace, part: Part, options: IndexOptions) -> TagWriter | None:
    if options.tags is None:
        return None
    return TagWriter(stack, workspace.tags(part.key), options.tags.specs, options.tags.attribute_set)


def _needs_copy(part: Part) -> bool:
    return any(shard.kind != "parquet" for shard in part.shards)


class _ShardReport:
    """What became of one shard's rows."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.n_rows = 0
        self.n_docs = 0
        self.fingerprint = 0
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

    def tabulate(self, make: Callable[[], pa.Table]) -> pa.Table | None:
        """The index rows of a batch; None where the engine refuses it: that ends the shard and is its fault."""
        try:
            with engine_errors(self.shard.path):
                return make()
        except InputError as error:
            self.fault = str(error)
            return None

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
            "fingerprint": fingerprint_text(self.fingerprint),
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


class _KeyWriter:
    """What duplicates are found by, beside the hashes of the index rows: paragraphs, and MinHash signatures."""

    def __init__(self, stack: ExitStack, workspace: Workspace, key: str, options: IndexOptions) -> None:
        self.files: list[Path] = []
        self._min_paragraph = options.min_paragraph
        self._pending: list[Paragraphs] = []  # of a batch that may yet be refused; text numbers are the batch's
        self._paragraphs: ParagraphWriter | None = None
        self._signatures: BinaryIO | None = None
        if options.min_paragraph is not None:
            self.files.append(workspace.paragraphs(key))
            self._paragraphs = ParagraphWriter(stack, self.files[-1])
        if options.signatures:
            self.files.append(workspace.signatures(key))
            self._signatures = stack.enter_context(stack.enter_context(replacing(self.files[-1])).open("wb"))

    def forget(self) -> None:
        """Drop the lines of a batch that was refused."""
        self._pending.clear()

    def take(self, lines: Lines) -> None:
        """Keep the paragraphs among some lines of the batch at hand."""
        if self._min_paragraph is not None:
            self._pending.append(paragraphs_of(lines, self._min_paragraph))

    def write(self, texts: pl.Series, first_doc: int) -> None:
        """Write what was kept of the batch, whose texts these are."""
        if self._paragraphs is not None:
            for found in self._pending:
                self._paragraphs.write(found, first_doc)
        self._pending.clear()
        if self._signatures is not None:
            buffer, offsets = text_buffers(texts)
            found_signatures = signatures(np.frombuffer(buffer, dtype=np.uint8), offsets)
            self._signatures.write(found_signatures.astype("<u4", copy=False).data)

    def finish(self) -> None:
        if self._paragraphs is not None:
            self._paragraphs.flush()


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
        # each field after its length, because a field may hold any byte
        key = b"".join(
            (head, len(name).to_bytes(8), name, len(text).to_bytes(8), text, _measured(url) if url else _EMPTY)
        )
        total += int.from_bytes(md5(key, usedforsecurity=False).digest())
    return total


def fingerprint_text(total: int) -> str:
    """A sum of `fingerprint_documents` as it is written; `sum_fingerprints` adds such texts."""
    return f"{total % 2**128:032x}"


def sum_fingerprints(texts: Iterable[str]) -> str:
    """The fingerprint of several pieces together: of the runs of row groups of one file, of all parts."""
    return fingerprint_text(sum(int(text, 16) for text in texts))


def _measured(field: bytes) -> bytes:
    """A field after its length, because a field may hold any byte."""
    return len(field).to_bytes(8) + field


_EMPTY = (0).to_bytes(8)
