"""What near-duplicate clusters are made of: signed texts, read part by part or gathered on disk; the pairs of groups;
the connected components of a graph whose edges arrive in batches.

Arrays that grow with the corpus are files that are mapped into memory, so that the system may drop what is not in use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.duplicates.minhash import N_PERMUTATIONS, NO_SIGNATURE
from explorer.errors import WorkspaceError
from explorer.spans import Ints

Hashes = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint32]

CAP = 32  # texts of one band that are all compared with each other
CHUNK = 65_536  # rows of an array of numbers that are handled at once
_SIGNATURE_BYTES = 4 * N_PERMUTATIONS
_GATHERED_DOCS = 16_384  # read at once


@dataclass(frozen=True)
class SignedTexts:
    """Some documents of a part, in order. Their texts' md5, big-endian, is two numbers: `ref` and the rest."""

    first_doc: int
    refs: Hashes  # (n)
    rests: Hashes  # (n)
    signatures: Signatures  # (n, N_PERMUTATIONS)

    @property
    def is_signed(self) -> npt.NDArray[np.bool_]:
        """False where the text has no word."""
        found: npt.NDArray[np.bool_] = (self.signatures != NO_SIGNATURE).any(axis=1)
        return found


def read_signed(signatures: Path, documents: Path, n_docs: int) -> Iterator[SignedTexts]:
    """The documents of a part with their signatures, `n_docs` at a time.

    Raises `WorkspaceError` where the file of signatures does not have a row for each document.
    """
    with pq.ParquetFile(documents) as index, signatures.open("rb") as file:
        expected, found = index.metadata.num_rows * _SIGNATURE_BYTES, signatures.stat().st_size
        if found != expected:
            raise WorkspaceError(
                f"{signatures}: has {found} bytes where the documents of {documents.name} need {expected}; "
                "remove both files and build again"
            )
        first = 0
        for batch in index.iter_batches(n_docs, columns=["text_md5"]):
            md5 = _md5_halves(batch.column(0))
            rows = np.fromfile(file, dtype="<u4", count=len(md5) * N_PERMUTATIONS).reshape(-1, N_PERMUTATIONS)
            yield SignedTexts(first, md5[:, 0], md5[:, 1], rows)
            first += len(md5)


def _md5_halves(uuids: pa.Array) -> Hashes:
    storage = uuids.storage
    halves = np.frombuffer(storage.buffers()[1], dtype=">u8").reshape(-1, 2)
    return halves[storage.offset : storage.offset + len(storage)].astype(np.uint64)


def to_uuids(refs: Hashes, rests: Hashes) -> pa.Array:
    """The md5s that `SignedTexts` has as two numbers."""
    halves = np.stack([refs, rests], axis=1).astype(">u8")
    storage = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(refs), [None, pa.py_buffer(halves)])
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)


def write_array(path: Path, chunks: Iterable[npt.NDArray[Any]], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Write chunks of an array to a file and map it; changes of the array go to the file.

    The file is written, not made by mapping: a full disk then raises an error, and does not end the process later.
    """
    n = 0
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(np.ascontiguousarray(chunk, dtype=kind).data)
            n += len(chunk)
    return np.memmap(path, dtype=kind, mode="r+", shape=(n,)) if n else np.empty(0, dtype=kind)


def chunks_of(n: int) -> Iterator[Ints]:
    """The numbers from 0 to n, in chunks."""
    return (np.arange(start, min(n, start + CHUNK)) for start in range(0, n, CHUNK))


def filled(path: Path, n: int, value: int) -> Ints:
    """An array (n) of one value, in a file."""
    return write_array(path, (np.full(len(chunk), value) for chunk in chunks_of(n)), np.int64)


@dataclass(frozen=True)
class Gathered:
    """The signatures of n texts, in a file in the order in which they were found."""

    refs: Hashes  # (n) sorted; a text's number is its position here
    rests: Hashes  # (n)
    rows: Ints  # (n) where in the file its signature is
    file: Path

    def agreement(self, a: Ints, b: Ints) -> npt.NDArray[np.float64]:
        """The estimated Jaccard similarity of texts number a[i] and b[i]: the share of positions that are equal."""
        rows, places = np.unique(self.rows[np.concatenate([a, b])], return_inverse=True)
        # read and not mapped: of a mapped file the system takes in up to 2 MB around each row that is touched
        with self.file.open("rb", buffering=0) as file:
            found = b"".join(os.pread(file.fileno(), _SIGNATURE_BYTES, row * _SIGNATURE_BYTES) for row in rows.tolist())
        signatures = np.frombuffer(found, dtype="<u4").reshape(-1, N_PERMUTATIONS)
        same = signatures[places[: len(a)]] == signatures[places[len(a) :]]
        agreement: npt.NDArray[np.float64] = np.count_nonzero(same, axis=1) / N_PERMUTATIONS
        return agreement


def gather(
    refs: Hashes, parts: Sequence[tuple[Path, Path]], folder: Path, progress: Callable[[float], None]
) -> Gathered:
    """Gather the signatures of some texts (sorted, distinct) from parts (signatures, documents) into files in `folder`.

    `progress` gets 1 a part. Raises `WorkspaceError` where no part has one of the texts.
    """
    rests = filled(folder / "rests", len(refs), 0).view(np.uint64)
    rows = filled(folder / "rows", len(refs), -1)
    file = folder / "signatures"
    n = 0
    with file.open("wb") as out:
        for signatures, documents in parts:
            for texts in read_signed(signatures, documents, _GATHERED_DOCS) if len(refs) else ():
                numbers = np.searchsorted(refs, texts.refs).clip(max=len(refs) - 1)
                wanted = np.flatnonzero((refs[numbers] == texts.refs) & (rows[numbers] < 0))
                found, first = np.unique(numbers[wanted], return_index=True)  # a text may be there more than once
                wanted = wanted[first]
                out.write(texts.signatures[wanted].data)
                rests[found] = texts.rests[wanted]
                rows[found] = np.arange(n, n + len(found))
                n += len(found)
            progress(1.0)
    if n < len(refs):
        raise WorkspaceError(
            f"{folder.parent}: {len(refs) - n} of the {len(refs)} texts to compare have no signature in the index; "
            "build again into a new folder"
        )
    return Gathered(refs, rests, rows, file)


@dataclass(frozen=True)
class Candidates:
    """Pairs a[i] < b[i] out of some groups, and how many of the groups end here."""

    a: Hashes
    b: Hashes
    n_groups: int = 0
    n_capped_groups: int = 0
    n_skipped_pairs: int = 0


def candidates(rows: Iterable[tuple[Hashes, Hashes]]) -> Iterator[Candidates]:
    """The pairs of distinct rows (key, ref) that are sorted; a pair may come more than once.

    The last group of a batch may go on in the next: it is held back while it is small. Of a large one the first and
    the last text are held, which is all that its further pairs need, and `n_gone` counts the others.
    """
    keys = refs = np.empty(0, dtype=np.uint64)
    n_gone = 0
    for more_keys, more_refs in rows:
        keys, refs = np.concatenate([keys, more_keys]), np.concatenate([refs, more_refs])
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        last = int(starts[-1])
        if last > 0:
            yield _pairs_of_groups(refs[:last], starts[:-1], n_gone)
            keys, refs, n_gone = keys[last:], refs[last:], 0
        if len(refs) + n_gone > CAP:
            yield Candidates(*_spanning(refs, np.zeros(1, dtype=np.int64)))
            n_gone += len(refs) - 2
            keys, refs = keys[[0, -1]], refs[[0, -1]]
    if len(refs):
        yield _pairs_of_groups(refs, np.zeros(1, dtype=np.int64), n_gone)


def _pairs_of_groups(refs: Hashes, starts: Ints, n_gone: int) -> Candidates:
    """The pairs of groups that lie end to end; of the first group `n_gone` texts are no longer there."""
    n_held = np.diff(starts, append=len(refs))
    sizes = n_held.copy()
    sizes[0] += n_gone
    pairs = []
    for size in np.unique(sizes[(sizes > 1) & (sizes <= CAP)]).tolist():
        groups = refs[starts[sizes == size][:, None] + np.arange(size)]
        i, j = np.triu_indices(size, 1)
        pairs.append((groups[:, i].ravel(), groups[:, j].ravel()))
    is_capped = sizes > CAP
    if is_capped.any():
        held = refs[np.repeat(is_capped, n_held)]
        ends = np.cumsum(n_held[is_capped])
        pairs.append(_spanning(held, ends - n_held[is_capped]))
    a, b = (np.concatenate(side) for side in zip((refs[:0], refs[:0]), *pairs, strict=True))
    capped = sizes[is_capped]
    n_skipped = int((capped * (capped - 1) // 2 - (2 * capped - 3)).sum())
    return Candidates(a, b, int((sizes > 1).sum()), len(capped), n_skipped)


def _spanning(refs: Hashes, starts: Ints) -> tuple[Hashes, Hashes]:
    """Pairs that hold large groups together: of each text with its group's first, and with the text before it."""
    first = np.repeat(refs[starts], np.diff(starts, append=len(refs)))
    others = np.flatnonzero(refs != first)
    distant = others[refs[others - 1] != first[others]]
    return np.concatenate([first[others], refs[distant - 1]]), refs[np.concatenate([others, distant])]


def join(labels: Ints, a: Ints, b: Ints) -> None:
    """Join the components of nodes a[i] and b[i].

    `labels` (n), at first each node's own number, names for every node one of its component that is not larger;
    following them ends at the component's smallest.
    """
    while len(a):
        a, b = _roots(labels, a), _roots(labels, b)
        apart = a != b
        a, b = a[apart], b[apart]
        # Of a component's neighbours the smallest takes it, so that two rounds at least halve their number.
        np.minimum.at(labels, np.maximum(a, b), np.minimum(a, b))


def _roots(labels: Ints, nodes: Ints) -> Ints:
    roots = labels[nodes]
    while True:
        above = labels[roots]
        if np.array_equal(above, roots):
            return roots
        labels[nodes] = above
        roots = above


def settle(labels: Ints, sizes: Ints) -> None:
    """Make every label the smallest node of its component, and add to `sizes` (n) there the number of its nodes."""
    for nodes in chunks_of(len(labels)):
        np.add.at(sizes, _roots(labels, nodes), 1)
