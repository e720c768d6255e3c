"""MinHash signatures: documents per second and core, beside datasketch's own way and rensa's.

    python -m tests.benchmarks.minhash [--shards FOLDER] [--docs 20000] [--rounds 5]

Documents are pieces of about 3 KB of the texts in FOLDER (Parquet), else of words drawn as often as in a language.
Every way starts at the text and ends at 128 numbers a document, shingles of five words; datasketch and rensa are given
what Python's `str.split` and a set make, as their manuals show, and rensa also our shingles as numbers. Ways are run in
turn, in CPU seconds (user and system), so rates hold for a core and the ratios of one round for any machine. rensa and
xxhash are optional. The ways that are slower than others are given a share of the documents.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence

os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("RAYON_NUM_THREADS", "1")

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from datasketch import MinHash

from explorer.duplicates.minhash import find_shingles, permutations, signatures
from explorer.ingest.shards import find_shards
from explorer.measures import text_buffers

DOC_CHARS = 3000
Way = Callable[[list[str]], object]


def made_documents(n: int) -> list[str]:
    """Words of a vocabulary of 50,000 by Zipf's law, lengths as in English."""
    rng = np.random.default_rng(1)
    lengths = np.clip(rng.poisson(5.5, 50_000), 1, 14)
    vocabulary = np.array(["".join(map(chr, rng.integers(97, 123, length))) for length in lengths.tolist()])
    ranks = np.minimum(rng.zipf(1.2, n * DOC_CHARS // 6), len(vocabulary)) - 1
    text = " ".join(vocabulary[ranks])
    return [text[i * DOC_CHARS : (i + 1) * DOC_CHARS] for i in range(len(text) // DOC_CHARS)][:n]


def stored_documents(folder: str, n: int) -> list[str]:
    """Texts of a folder of shards, each cut into pieces; its sources in turn."""
    paths = [shard.path for shard in find_shards([folder]) if shard.kind == "parquet"]
    found = []
    for path in paths:
        rows = next(pq.ParquetFile(path).iter_batches(batch_size=max(1, 20 * n // len(paths)), columns=["text"]))
        text = "\n".join(rows.column(0).to_pylist())[: (2 * n // len(paths) + 1) * DOC_CHARS]
        found += [text[low : low + DOC_CHARS] for low in range(0, len(text), DOC_CHARS)]
    return found[:: max(1, len(found) // n)][:n]


def shingles_of(document: str) -> set[str]:
    words = document.split()
    return {" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))}


def ours(documents: list[str]) -> object:
    data, offsets = text_buffers(pl.Series(documents))
    return signatures(np.frombuffer(data, dtype=np.uint8), offsets)


def our_shingles(documents: list[str]) -> object:
    data, offsets = text_buffers(pl.Series(documents))
    return [len(piece.hashes) for piece in find_shingles(np.frombuffer(data, dtype=np.uint8), offsets)]


def with_datasketch(hash_function: Callable[[bytes], int] | None) -> Way:
    options = {} if hash_function is None else {"hashfunc": hash_function}

    def sketch(documents: list[str]) -> object:
        base = MinHash(num_perm=128, seed=1, **options)
        made = []
        for document in documents:
            minhash = base.copy()  # skips drawing the permutations anew
            minhash.update_batch([shingle.encode() for shingle in shingles_of(document)])
            made.append(minhash.hashvalues)
        return made

    return sketch


def ways() -> dict[str, tuple[Way, int]]:
    """By name: a way from texts to signatures, and which share of the documents it is given (one in so many)."""
    found: dict[str, tuple[Way, int]] = {
        "ours": (ours, 1),
        "ours, shingles alone": (our_shingles, 1),
        "datasketch update_batch": (with_datasketch(None), 10),
    }
    try:
        import xxhash
    except ImportError:
        print("xxhash is not installed: datasketch with xxh32 is left out")
    else:
        found["datasketch update_batch, xxh32"] = (with_datasketch(xxhash.xxh32_intdigest), 10)
    try:
        from rensa import RMinHash
    except ImportError:
        print("rensa is not installed: it is left out")
        return found

    def rensa(documents: list[str]) -> object:
        sets = [list(shingles_of(document)) for document in documents]
        return RMinHash.digest_matrix_from_token_sets(sets, 128, 1)

    def rensa_flat(documents: list[str]) -> object:
        data, offsets = text_buffers(pl.Series(documents))
        made = []
        for piece in find_shingles(np.frombuffer(data, dtype=np.uint8), offsets):
            rows = np.concatenate([[0], np.cumsum(piece.counts)]).astype(np.uint64)
            made.append(RMinHash.digest_matrix_from_flat_token_hashes(piece.hashes.astype(np.uint64), rows, 128, 1))
        return made

    found["rensa, sets of shingles"] = (rensa, 4)
    found["rensa, our shingles as numbers"] = (rensa_flat, 1)
    return found


def rate(way: Way, documents: Sequence[str], share: int) -> float:
    taken = list(documents[::share])
    start = time.process_time()
    way(taken)
    return len(taken) / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", help="a folder of Parquet shards")
    parser.add_argument("--docs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    documents = stored_documents(args.shards, args.docs) if args.shards else made_documents(args.docs)
    size = sum(len(document.encode()) for document in documents) / len(documents)
    n_shingles = sum(len(shingles_of(document)) for document in documents[::20]) / len(documents[::20])
    print(f"{len(documents):,} documents of {size:,.0f} bytes and {n_shingles:.0f} shingles")
    permutations()
    measured = ways()
    rates: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(args.rounds):
        for name, (way, share) in measured.items():
            rates[name].append(rate(way, documents, share))
    print(f"{'':32} documents/s and core    ours is so many times as fast (rounds)")
    for name, found in rates.items():
        ratios = [mine / other for mine, other in zip(rates["ours"], found, strict=True)]
        rounds = ", ".join(f"{ratio:.1f}" for ratio in ratios)
        print(f"{name:32} {statistics.median(found):17,.0f}    {statistics.median(ratios):6.2f} ({rounds})")


if __name__ == "__main__":
    main()
