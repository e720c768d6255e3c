"""The tasks of `tag`: one shard's tags as tagged Parquet, or as an attribute file of the Dolma toolkit's.

Like every task they are functions of their arguments that write files, safe to kill and to repeat.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Literal

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from isal import isal_zlib

from explorer.config import CorpusConfig
from explorer.convert import ROW_GROUP_BYTES, identities, ids_of, set_aside, set_names, sets_of_rows, tagged_table
from explorer.errors import InputError
from explorer.ingest.lines import Lines, parse_row
from explorer.ingest.read import engine_errors, read_documents
from explorer.ingest.rows import REASONS, Batch
from explorer.ingest.shards import Shard
from explorer.taggers.checked import checked_tags, taggers_of
from explorer.taggers.run import TAGS, Tagged
from explorer.workspace import disk_errors, replacing

Form = Literal["parquet", "dolma"]
Progress = Callable[[float], None]
_FAULTS = ("truncated", "damaged", "unreadable_file")  # not of a row
_NO_TAGS = b'{"id":null,"attributes":{}}\n'


@dataclass(frozen=True)
class TagOptions:
    """What is written, the same for all shards."""

    form: Form
    attribute_set: str
    specs: tuple[str, ...]
    config: CorpusConfig


@dataclass(frozen=True)
class Written:
    """What became of one shard."""

    n_docs: int = 0
    n_bytes: int = 0  # of text
    notes: tuple[str, ...] = ()  # what was left out
    is_written: bool = True


def tag_shard(shard: Shard, target: Path, options: TagOptions, progress: Progress) -> Written:
    """Write the tags of one shard; a shard that cannot be read leaves a note and no file.

    Raises `ExplorerError` where a tagger fails, `StorageError` where the disk refuses.
    """
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    step = _Step(shard, progress)
    write = _write_parquet if options.form == "parquet" else _write_dolma
    try:
        with engine_errors(shard.path):
            written = write(shard, target, options, step)
    except InputError as error:
        written = Written(notes=(f"left out: {error}",), is_written=False)
    step.to(1.0)
    return written


class _Step:
    """Reports how much of a shard is done, in bytes of input; what is begun anew is taken back."""

    def __init__(self, shard: Shard, progress: Progress) -> None:
        self._n_bytes = shard.n_bytes
        self._progress = progress
        self._done = 0.0

    def to(self, share: float) -> None:
        self._progress((share - self._done) * self._n_bytes)
        self._done = share


def _tagged(batch: Batch, shard: Shard, options: TagOptions) -> Iterator[Tagged]:
    """The tags of a batch. Raises `ExplorerError` that names the document where a tagger fails."""
    return checked_tags(batch.frame, taggers_of(options.specs), options.attribute_set, shard.path)


@dataclass
class _Refused:
    """Rows and ends of files that were left out."""

    n_rows: int = 0
    faults: list[str] = field(default_factory=list)

    def take(self, batch: Batch) -> list[int]:
        """Note those of a batch; the rows refused, in order."""
        rows = [reject.row for reject in batch.rejects if reject.reason not in _FAULTS]
        for reject in batch.rejects:
            if reject.reason in _FAULTS:
                self.faults.append(f"{REASONS[reject.reason]} (row {reject.row + 1}: {reject.detail})")
        self.n_rows += len(rows)
        return sorted(rows)

    def notes(self, shard: Shard) -> list[str]:
        notes = [f"{shard.name}: {fault}" for fault in self.faults]
        if self.n_rows:
            notes.append(f"{shard.name}: {self.n_rows:,} rows left out; `build` and `show rejected_rows` name them")
        return notes


def _text_bytes(frame: pl.DataFrame) -> int:
    return int(frame["text"].str.len_bytes().sum())


class _WiderError(Exception):
    """A batch has what the file that is being written has no place for."""


@dataclass(frozen=True)
class _Columns:
    """What is known of a shard's documents before they are written."""

    sets: frozenset[str]  # attribute sets that it has already
    has_ids: bool


def _write_parquet(shard: Shard, target: Path, options: TagOptions, step: _Step) -> Written:
    """Documents and all their attributes, a row group a batch. Sets that the shard has already are kept.

    Those lie beside it or in its columns: then the documents are read twice, because attributes may lie on other rows.
    Rows of JSON may bring sets of their own at any place: then the file is begun anew.
    """
    with ExitStack() as stack:
        notes: list[str] = []
        asides: dict[str, Any] = {}
        columns = _Columns(frozenset(set_names(shard, options.config)), has_ids=False)
        if columns.sets:
            documents, _ = identities(shard, options.config)
            columns = _Columns(columns.sets | documents.own_sets, documents.has_ids)
            asides, notes = set_aside(stack, shard, sorted(columns.sets), documents, options.config, target)
        while True:
            try:
                written = _write_table(shard, target, options, columns, asides, step)
            except _WiderError as wider:
                columns = wider.args[0]
                step.to(0.0)
            else:
                return replace(written, notes=(*notes, *written.notes))


def _write_table(
    shard: Shard, target: Path, options: TagOptions, columns: _Columns, asides: dict[str, Any], step: _Step
) -> Written:
    n_docs = n_bytes = 0
    refused = _Refused()
    writer: pq.ParquetWriter | None = None
    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(target))
        for batch in read_documents(shard, options.config, ROW_GROUP_BYTES):
            refused.take(batch)
            if not batch.frame.height:
                continue
            needed = _Columns(
                columns.sets | sets_of_rows(batch.frame), columns.has_ids or bool(batch.frame["is_id_given"].any())
            )
            if writer is None:
                columns = needed
            elif needed != columns:
                raise _WiderError(needed)
            pieces = [tagged.to_arrow() for tagged in _tagged(batch, shard, options)]
            made = {options.attribute_set: pa.chunked_array(pieces, TAGS).combine_chunks()}
            sets = sorted(columns.sets)
            table = tagged_table(batch.frame, n_docs, sets, asides, has_ids=columns.has_ids, made=made)
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(temporary, table.schema, compression="zstd"))
            writer.write_table(table)
            n_docs += batch.frame.height
            n_bytes += _text_bytes(batch.frame)
            step.to(batch.progress)
        if writer is None:
            raise InputError(f"{shard.path}: no document in it could be read")
    return Written(n_docs, n_bytes, tuple(refused.notes(shard)))


def _write_dolma(shard: Shard, target: Path, options: TagOptions, step: _Step) -> Written:
    """A line for each line of the document file, so that the toolkit's mixer, which goes by lines, finds its place.

    A line without a document has no attributes, and the id that stands there, if any.
    """
    n_docs = n_bytes = n_named = 0
    refused = _Refused()
    line = 0  # the next to be written
    raw = _RawIds(shard)
    with replacing(target) as temporary, _compressed(temporary, target) as out:
        for batch in read_documents(shard, options.config, ROW_GROUP_BYTES):
            frame = batch.frame
            lost = refused.take(batch)
            n_named += int((~frame["is_id_given"]).sum())
            rows, ids, sources = frame["row"].to_list(), ids_of(frame), frame["source"].to_list()
            given = raw.at(sorted({*lost, *_ambiguous(frame)}))
            at = 0
            for tagged in _tagged(batch, shard, options) if rows else ():
                for attributes in tagged.rows():
                    while line < rows[at]:
                        out.write(_without_tags(given.get(line)))
                        line += 1
                    name = given.get(line)
                    if str(name) != ids[at]:
                        name = ids[at]
                    row = {"id": name, "attributes": attributes, "source": sources[at]}
                    out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
                    line += 1
                    at += 1
            while lost and line <= lost[-1]:
                out.write(_without_tags(given.get(line)))
                line += 1
            n_docs += frame.height
            n_bytes += _text_bytes(frame)
            step.to(batch.progress)
    if n_named:
        refused.faults.append(f"{n_named:,} documents have no id; they are named by their texts, as `build` does")
    return Written(n_docs, n_bytes, tuple(refused.notes(shard)))


def _without_tags(name: object) -> bytes:
    return _NO_TAGS if name is None else orjson.dumps({"id": name, "attributes": {}}, option=orjson.OPT_APPEND_NEWLINE)


def _ambiguous(frame: pl.DataFrame) -> list[int]:
    """The rows whose ids may have been numbers: to the mixer 7 and "7" differ."""
    return frame["row"].filter(frame["is_id_given"] & frame["id"].str.contains(r"^(0|-?[1-9][0-9]{0,19})$")).to_list()


class _RawIds:
    """Ids as JSON wrote them, of single lines: the file is read once more beside its documents, where it is needed."""

    def __init__(self, shard: Shard) -> None:
        self._lines = iter(Lines(shard.path, shard.size)) if shard.kind == "jsonl" else iter(())

    def at(self, rows: Sequence[int]) -> dict[int, Any]:
        """The value of `id` in some rows (ascending, and past those that were asked for before)."""
        found: dict[int, Any] = {}
        if not rows:
            return found
        wanted = set(rows)
        for row, line in self._lines:
            if row in wanted:
                obj, _, _ = parse_row(line)
                if obj is not None:
                    found[row] = obj.get("id")
            if row >= rows[-1]:
                break
        return found


@contextmanager
def _compressed(path: Path, target: Path) -> Iterator[IO[bytes]]:
    """A file to write, compressed as the name of `target` says; the same bytes for the same content."""
    kind = target.suffix.lower()
    with path.open("wb") as file, ExitStack() as stack:
        if kind == ".zst":
            yield stack.enter_context(zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False))
        elif kind == ".gz":
            yield stack.enter_context(io.BufferedWriter(_Gzip(file), 1 << 18))
        else:
            yield file


class _Gzip(io.RawIOBase):
    """A gzip member without a name and a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._member = isal_zlib.compressobj(isal_zlib.ISAL_BEST_COMPRESSION, wbits=16 + isal_zlib.MAX_WBITS)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(self._member.compress(data))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.write(self._member.flush())
        super().close()
