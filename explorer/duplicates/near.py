"""Near-duplicates: texts whose MinHash signatures agree in at least a threshold's share of their positions.

    signatures --write_bands--> a row per text and band                            (a task a part)
               --write_pairs--> pairs of texts that share a band                   (a task a range of keys of bands)
               --write_clusters--> components of the pairs that agree well enough  (one task)

A text is named by its `ref`, the first 8 bytes of its md5: whatever part it is in, and however the corpus is cut. (Two
of a billion texts have the same with a chance of 3 %; they are then taken for one text.)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.duplicates import components
from explorer.duplicates.components import Hashes, Signatures
from explorer.duplicates.minhash import bands_of
from explorer.duplicates.tasks import engine_failures, parquet
from explorer.partials import connect
from explorer.spans import Ints
from explorer.workspace import TEMPORARY, disk_errors, replacing

BANDS_SCHEMA = pa.schema([("band_key", pa.uint64()), ("ref", pa.uint64())])
PAIRS_SCHEMA = pa.schema([("a", pa.uint64()), ("b", pa.uint64())])  # a < b
CLUSTERS_SCHEMA = pa.schema([
    ("ref", pa.uint64()),
    ("key", pa.uuid()),  # the smallest md5 of the cluster's texts
    ("n_texts", pa.int64()),  # distinct texts of the cluster
])  # fmt: skip
_RUN_ROWS = 1 << 20
_GROUP_ROWS = 1 << 15  # small, so that a range of keys reads little of a run
_SIGNED_DOCS = 1 << 14
_BATCH_ROWS = 1 << 16
_COMPARED_PAIRS = 1 << 13


@dataclass(frozen=True)
class PairsReport:
    """What one range of bands' keys gave. A group is the texts, two or more, that share a band."""

    n_groups: int
    n_capped_groups: int  # of more than `components.CAP` texts
    n_skipped_pairs: int  # pairs within capped groups that are not among the candidates through this group
    n_pairs: int  # distinct candidates

    def to_json(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class NearReport:
    """What became of all candidates."""

    n_candidate_pairs: int  # distinct, over all ranges
    n_pairs: int  # that agree well enough
    n_clusters: int  # of two texts or more
    n_texts: int  # in clusters
    n_largest: int  # texts of the largest cluster

    def to_json(self) -> dict[str, int]:
        return asdict(self)


# ---- bands


def write_bands(signatures: Path, documents: Path, not_first: Path | None, target: Path, threshold: float) -> int:
    """Write the bands (`BANDS_SCHEMA`) of a part's texts, in runs sorted by key; returns the number of rows.

    `signatures` and `documents` are index files of the part; `not_first` lists documents (column doc) to leave out:
    copies of a text that takes part elsewhere. Texts without a signature are left out as well.
    """
    n_bands, n_rows = bands_of(threshold)
    is_out = _listed(not_first, pq.read_metadata(documents).num_rows)
    pending: list[tuple[Hashes, Hashes]] = []
    written = 0
    with replacing(target) as temporary, _writer(temporary, BANDS_SCHEMA) as writer:
        for texts in components.read_signed(signatures, documents, min(_SIGNED_DOCS, _RUN_ROWS // n_bands)):
            kept = texts.is_signed & ~is_out[texts.first_doc : texts.first_doc + len(texts.refs)]
            keys = band_keys(texts.signatures[kept], n_bands, n_rows)
            pending.append((keys.ravel(), np.repeat(texts.refs[kept], n_bands)))
            if sum(len(keys) for keys, _ in pending) >= _RUN_ROWS:
                written += _write_run(writer, pending)
        written += _write_run(writer, pending)
    return written


def band_keys(signatures: Signatures, n_bands: int, n_rows: int) -> Hashes:
    """The keys (n, n_bands) of signatures (n, at least n_bands * n_rows): equal where a band's rows all are.

    A key starts as the band's number times the golden ratio and takes in each row by exclusive or, a product with an
    odd number, and a shift of the upper half onto the lower: fixed arithmetic, the same on any machine.
    """
    bands = signatures[:, : n_bands * n_rows].reshape(-1, n_bands, n_rows)
    start = np.arange(1, n_bands + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    keys = np.repeat(start[None, :], len(bands), axis=0)
    for row in range(n_rows):
        keys ^= bands[:, :, row]
        keys *= np.uint64(0xD6E8FEB86659FD93)
        keys ^= keys >> np.uint64(32)
    return keys


def _listed(path: Path | None, n_docs: int) -> npt.NDArray[np.bool_]:
    """For each document of a part, whether a file lists it."""
    found = np.zeros(n_docs, dtype=np.bool_)
    if path is not None:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["doc"]):
                found[batch.column(0).to_numpy()] = True
    return found


def _write_run(writer: pq.ParquetWriter, pending: list[tuple[Hashes, Hashes]]) -> int:
    """Write what is pending as a run and forget it."""
    if not pending:
        return 0
    keys, refs = (np.concatenate(columns) for columns in zip(*pending, strict=True))
    pending.clear()
    order = np.argsort(keys)
    table = pa.table([keys[order], refs[order]], schema=BANDS_SCHEMA)
    writer.write_table(table, row_group_size=_GROUP_ROWS)
    return len(order)


# ---- pairs


def write_pairs(bands: Sequence[Path], low: int, high: int, target: Path, memory: int) -> PairsReport:
    """Write the distinct pairs (`PAIRS_SCHEMA`) of texts that share a band whose key is in [low, high], over all parts.

    Of a group of more than `components.CAP` texts only the pairs with its smallest ref, and of neighbours in the order
    of refs, are taken: enough to make one cluster of texts that are alike, and linear in its size. `memory` in bytes.
    """
    rows = f"{_files(bands, BANDS_SCHEMA)} where band_key between {int(low)}::ubigint and {int(high)}::ubigint"
    totals = np.zeros(3, dtype=np.int64)

    def counted(candidates: Iterable[components.Candidates]) -> Iterator[tuple[Hashes, Hashes]]:
        for found in candidates:
            totals[:] += (found.n_groups, found.n_capped_groups, found.n_skipped_pairs)
            yield found.a, found.b

    with _engine(target, memory) as (connection, folder), replacing(target) as temporary:
        found = folder / "pairs"
        _write_pairs(found, counted(components.candidates(_sorted(connection, f"select band_key, ref from {rows}"))))
        n_pairs = _write_pairs(temporary, _sorted(connection, f"select a, b from {_files([found], PAIRS_SCHEMA)}"))
    n_groups, n_capped_groups, n_skipped_pairs = totals.tolist()
    return PairsReport(n_groups, n_capped_groups, n_skipped_pairs, n_pairs)


# ---- clusters


def write_clusters(
    pairs: Sequence[Path],
    parts: Sequence[tuple[Path, Path]],
    target: Path,
    threshold: float,
    memory: int,
    progress: Callable[[float], None],
) -> NearReport:
    """Write the clusters (`CLUSTERS_SCHEMA`, sorted by ref) of texts that `pairs` connect, those of one text left out.

    A candidate connects its texts where their signatures agree in `threshold` of their positions or more; `parts`
    gives the signatures and documents of every part. `memory` in bytes; `progress` gets shares that add up to 1.
    Raises `WorkspaceError` where the parts do not have a candidate's text.
    """
    files = _files(pairs, PAIRS_SCHEMA)
    # half for the engine, which holds the sorted candidates while the signatures are compared
    with _engine(target, memory // 2) as (connection, folder), replacing(target) as temporary:
        names = _batches(connection, f"select a as ref from {files} union select b from {files} order by ref")
        refs = components.write_array(folder / "refs", (ref for (ref,) in names), np.uint64)
        gathered = components.gather(refs, parts, folder, lambda n: progress(n / (len(parts) + 1)))
        labels = components.write_array(folder / "labels", components.chunks_of(len(refs)), np.int64)
        sizes = components.filled(folder / "sizes", len(refs), 0)
        n_candidates = n_similar = 0
        for all_a, all_b in _sorted(connection, f"select a, b from {files}"):
            for start in range(0, len(all_a), _COMPARED_PAIRS):
                a = np.searchsorted(refs, all_a[start : start + _COMPARED_PAIRS])
                b = np.searchsorted(refs, all_b[start : start + _COMPARED_PAIRS])
                is_similar = gathered.agreement(a, b) >= threshold
                components.join(labels, a[is_similar], b[is_similar])
                n_candidates += len(a)
                n_similar += int(is_similar.sum())
        components.settle(labels, sizes)
        report = _write_clusters(temporary, gathered, labels, sizes, n_candidates, n_similar)
    progress(1 / (len(parts) + 1))
    return report


def _write_clusters(
    path: Path, texts: components.Gathered, labels: Ints, sizes: Ints, n_candidates: int, n_similar: int
) -> NearReport:
    n_clusters = n_texts = n_largest = 0
    with _writer(path, CLUSTERS_SCHEMA) as writer:
        for numbers in components.chunks_of(len(labels)):
            first = labels[numbers]
            own = sizes[first]
            n_clusters += int((own[first == numbers] > 1).sum())
            numbers, first, own = (column[own > 1] for column in (numbers, first, own))
            n_texts += len(own)
            n_largest = max(n_largest, int(own.max(initial=0)))
            keys = components.to_uuids(texts.refs[first], texts.rests[first])
            writer.write_table(pa.table([pa.array(texts.refs[numbers]), keys, pa.array(own)], schema=CLUSTERS_SCHEMA))
    return NearReport(n_candidates, n_similar, n_clusters, n_texts, n_largest)


# ---- files


@contextmanager
def _engine(target: Path, memory: int) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB, and a folder beside `target` for what does not fit in memory; it is removed at the end."""
    folder = target.with_name(f"{target.name}{TEMPORARY}{os.getpid()}.d")
    with disk_errors(folder):
        folder.mkdir(exist_ok=True)  # a killed process of the same number may have left it
    try:
        with engine_failures(target), connect(memory, folder, has_macros=False) as connection:
            yield connection, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _files(paths: Sequence[Path], schema: pa.Schema) -> str:
    """A relation of the rows of some files, all of the same two numbers; there may be none."""
    if not paths:
        return f"(select {', '.join(f'null::ubigint as {name}' for name in schema.names)} where false)"
    return parquet(paths)


def _batches(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[Hashes]]:
    """The columns of a query's rows, some rows at a time; none is empty."""
    try:
        for batch in connection.sql(query).to_arrow_reader(_BATCH_ROWS):
            if batch.num_rows:
                yield [column.to_numpy() for column in batch.columns]
    except OSError as error:  # between engine and reader every error becomes one
        kind = duckdb.OutOfMemoryException if "Out of Memory" in str(error) else duckdb.Error
        raise kind(str(error)) from None


def _sorted(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Hashes, Hashes]]:
    """The distinct rows of a query of two columns, in their order, some rows at a time."""
    last: tuple[int, int] | None = None
    for x, y in _batches(connection, f"{query} order by all"):
        is_new = np.concatenate([[(int(x[0]), int(y[0])) != last], (x[1:] != x[:-1]) | (y[1:] != y[:-1])])
        last = (int(x[-1]), int(y[-1]))
        if is_new.any():
            yield x[is_new], y[is_new]


def _write_pairs(path: Path, pairs: Iterable[tuple[Hashes, Hashes]]) -> int:
    n = 0
    with _writer(path, PAIRS_SCHEMA) as writer:
        for a, b in pairs:
            writer.write_table(pa.table([a, b], schema=PAIRS_SCHEMA))
            n += len(a)
    return n


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Of hashes, which neither repeat nor compress; sorted ones, in the first column, are kept as differences."""
    return pq.ParquetWriter(
        path, schema, use_dictionary=False, compression="none",
        column_encoding={schema.names[0]: "DELTA_BINARY_PACKED"}, write_statistics=[schema.names[0]],
    )  # fmt: skip
