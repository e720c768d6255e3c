"""The texts of single documents of an index part, read again from where the index pass found them.

That is the copy in the workspace for JSONL, and the user's own shard for Parquet. Only the row groups and columns that
hold them are read, and every text is compared with the hash in the index: what has changed since is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from explorer.config import CorpusConfig, read_config
from explorer.errors import InputError, UsageError, WorkspaceError
from explorer.ingest.arrow import plain, to_python
from explorer.ingest.parquet import layout
from explorer.ingest.shards import Shard, first_line, shard_from_json
from explorer.ingest.values import dig, scalar_text
from explorer.spans import Ints
from explorer.workspace import Workspace

TEXTS_SCHEMA: Mapping[str, pl.DataType] = {
    "doc": pl.Int32(),  # 0-based within the part
    "id": pl.String(),
    "source": pl.String(),
    "text": pl.String(),
}
BATCH_BYTES = 16 << 20
_MAX_BATCH_ROWS = 16_384
_INDEX_COLUMNS = ("doc", "shard", "row", "id", "source", "text_md5")


def read_texts(root: Path, part: Mapping[str, Any], docs: Iterable[int]) -> pl.DataFrame:
    """Some documents of a part (`TEXTS_SCHEMA`), in order of their numbers, each once.

    `part` is one of the `parts` of the workspace's manifest. Raises `UsageError` for a number that the part does not
    have, and `WorkspaceError` where a shard has gone or changed since the build, or the workspace keeps no text.
    """
    frames = list(iter_texts(root, part, docs))
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(TEXTS_SCHEMA))


def iter_texts(
    root: Path, part: Mapping[str, Any], docs: Iterable[int], batch_bytes: int = BATCH_BYTES
) -> Iterator[pl.DataFrame]:
    """The same in frames of about `batch_bytes` of text, however many documents there are."""
    numbers = np.unique(np.fromiter(docs, dtype=np.int64))
    workspace = Workspace(root)
    outside = numbers[(numbers < 0) | (numbers >= part["n_docs"])]
    if len(outside):
        raise UsageError(f"{root}: part {part['key']} has {part['n_docs']} documents; there is no number {outside[0]}")
    shards = [shard_from_json(shard) for shard in part["shards"]]
    pending: list[pl.DataFrame] = []
    n_pending = 0
    for frame in _frames(workspace, part["key"], shards, numbers, batch_bytes):
        pending.append(frame)
        n_pending += int(frame["text"].str.len_bytes().sum())
        if n_pending >= batch_bytes:
            yield pl.concat(pending)
            pending, n_pending = [], 0
    if pending:
        yield pl.concat(pending)


def _frames(
    workspace: Workspace, key: str, shards: Sequence[Shard], docs: Ints, batch_bytes: int
) -> Iterator[pl.DataFrame]:
    config = read_config(workspace.config) if workspace.config.exists() else CorpusConfig()
    for wanted in _index_rows(workspace.documents(key), docs):
        shard = shards[wanted.shard]
        if shard.kind == "parquet":
            path = shard.path
            pieces = _read_shard(path, config, wanted.rows, batch_bytes)
        else:
            path = str(workspace.shard(key))
            pieces = _read_copy(workspace, path, wanted.docs, batch_bytes)
        n_found = 0
        with _reading(path):
            for positions, texts in pieces:
                n_found += len(positions)
                yield wanted.frame(positions, texts, path)
        if n_found < len(wanted.docs):
            raise _changed(path)


@dataclass(frozen=True)
class _Wanted:
    """Documents of one shard, as the index has them; sorted by doc and so by row."""

    shard: int
    docs: Ints
    rows: Ints
    table: pa.Table

    def frame(self, positions: Ints, texts: pa.Array, path: str) -> pl.DataFrame:
        """The documents at some positions with their texts. Raises `WorkspaceError` for a text that is another."""
        table = self.table.take(pa.array(positions))
        hashes = table["text_md5"].combine_chunks().storage.to_pylist()
        for text, known in zip(texts.cast(pa.large_binary()).to_pylist(), hashes, strict=True):
            if text is None or hashlib.md5(text, usedforsecurity=False).digest() != known:
                raise _changed(path)
        found = pl.DataFrame(pl.from_arrow(table.select(["doc", "id", "source"])))
        return found.with_columns(pl.Series("text", texts).cast(pl.String))


def _index_rows(path: Path, docs: Ints) -> Iterator[_Wanted]:
    """The index rows of some documents, shard by shard, read by row groups: document n is row n of the file."""
    with _reading(str(path)), pq.ParquetFile(path) as file:
        bounds = _group_bounds(file.metadata)
        groups = np.searchsorted(bounds, docs, side="right") - 1
        for group in np.unique(groups).tolist():
            table = file.read_row_group(group, columns=list(_INDEX_COLUMNS), use_threads=False)
            table = table.take(pa.array(docs[groups == group] - bounds[group]))
            owners = table["shard"].to_numpy()
            for shard in np.unique(owners).tolist():
                own = table.filter(pa.array(owners == shard))
                numbers, rows = (own[name].to_numpy().astype(np.int64) for name in ("doc", "row"))
                yield _Wanted(shard, numbers, rows, own)


def _group_bounds(metadata: pq.FileMetaData) -> Ints:
    """The first row of each row group, and the number of rows."""
    sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    return np.cumsum([0, *sizes], dtype=np.int64)


def _read_shard(path: str, config: CorpusConfig, rows: Ints, batch_bytes: int) -> Iterator[tuple[Ints, pa.Array]]:
    """(positions among `rows`, their texts) from a user's Parquet file."""
    plan = layout(path, config)
    places = plan.roles["text"]
    columns = sorted({place if place in plan.names else "metadata" for place in places})
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        bounds = _group_bounds(file.metadata)
        rows = rows[rows < bounds[-1]]
        groups = np.searchsorted(bounds, rows, side="right") - 1
        for group in np.unique(groups).tolist():
            own = np.flatnonzero(groups == group)
            first = int(bounds[group])
            for record in _batches(file, group, columns, batch_bytes):
                chosen = own[(rows[own] >= first) & (rows[own] < first + record.num_rows)]
                if len(chosen):
                    yield chosen, _texts(record, places, rows[chosen] - first)
                first += record.num_rows
                if first > rows[own[-1]]:
                    break


def _read_copy(workspace: Workspace, path: str, docs: Ints, batch_bytes: int) -> Iterator[tuple[Ints, pa.Array]]:
    """(positions among `docs`, their texts) from the workspace's copy, whose rows name their documents."""
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        if "text" not in file.schema_arrow.names:
            raise WorkspaceError(
                f"{workspace.root}: was built with --no-text, so it has no texts to read; build again without that"
            )
        for group in range(file.metadata.num_row_groups):
            numbers = file.metadata.row_group(group).column(0).statistics
            own = docs[(docs >= numbers.min) & (docs <= numbers.max)]
            if not len(own):
                continue
            for record in _batches(file, group, ["doc", "text"], batch_bytes):
                found = record["doc"].to_numpy()
                chosen = np.flatnonzero(np.isin(found, own))
                if len(chosen):
                    yield np.searchsorted(docs, found[chosen]), record["text"].take(pa.array(chosen))
                if found[-1] >= own[-1]:
                    break


def _batches(file: pq.ParquetFile, group: int, columns: Sequence[str], batch_bytes: int) -> Iterator[pa.RecordBatch]:
    info = file.metadata.row_group(group)
    per_row = max(1, info.total_byte_size // max(1, info.num_rows))
    size = max(16, min(_MAX_BATCH_ROWS, batch_bytes // per_row))
    yield from file.iter_batches(batch_size=size, row_groups=[group], columns=list(columns), use_threads=False)


def _texts(record: pa.RecordBatch, places: Sequence[str], rows: Ints) -> pa.Array:
    """The text of some rows: the first of the places that a row fills, as `explorer.ingest.parquet` reads it."""
    found = [
        plain(record.column(place)).cast(pa.large_string()).take(pa.array(rows))
        if place in record.schema.names
        else _from_metadata(record.column("metadata"), place.split(".")[1:], rows)
        for place in places
    ]
    return found[0] if len(found) == 1 else pc.coalesce(*found)


def _from_metadata(column: pa.Array, keys: Sequence[str], rows: Ints) -> pa.Array:
    cells = (to_python(plain(column.slice(row, 1)))[0] for row in rows.tolist())
    fields = (orjson.loads(cell) if isinstance(cell, str) else cell for cell in cells)
    return pa.array([scalar_text(dig(one, keys)[0]) for one in fields], pa.large_string())


def _changed(path: str) -> WorkspaceError:
    return WorkspaceError(f"{path}: its texts are no longer those that were indexed; build again")


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn what reading a file of the last build raises into a `WorkspaceError`."""
    try:
        yield
    except FileNotFoundError:
        raise WorkspaceError(f"{path}: is gone since the build; put it back or build again") from None
    except InputError as error:
        raise WorkspaceError(f"{error}; it was readable when the workspace was built, build again") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise WorkspaceError(f"{path}: can no longer be read ({first_line(error)}); build again") from None
