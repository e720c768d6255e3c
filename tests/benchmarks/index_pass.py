"""The index pass against its floor: MB of text per second and core, and the peak memory of the whole process tree.

    python -m tests.benchmarks.index_pass --shards FOLDER [--tokenizer cl100k_base] [--workers 2] [--memory-of-build]

The floor is DuckDB decoding the same Parquet with `sum(strlen(text))`. Both are measured in CPU seconds (user and
system) of one thread, in turn, several times; the ratio of medians is what to quote. What paragraph keys and MinHash
signatures add is the difference to a pass without them, in the same round. `tools/scale_up.py` beside the test data
grows shards of any size.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import psutil

from explorer.build import DEFAULT_MEMORY, build
from explorer.config import CorpusConfig
from explorer.duplicates.minhash import permutations
from explorer.index_documents import index_part
from explorer.ingest.shards import find_shards
from explorer.plan import IndexOptions, make_part
from explorer.relations import quote_literal
from explorer.workspace import Workspace


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def floor(paths: list[str]) -> int:
    """Decode the text once and add up its bytes, with one thread."""
    with duckdb.connect(config={"threads": 1}) as connection:
        files = ", ".join(map(quote_literal, paths))
        rows = connection.execute(f"select sum(strlen(text))::bigint from read_parquet([{files}])").fetchall()
    return int(rows[0][0])


def index(folder: Path, paths: list[str], options: IndexOptions) -> None:
    shards = find_shards(paths)
    Workspace(folder).create()
    index_part(folder, make_part(tuple(shards), options.key), options, lambda amount: None)


def sizes(folder: Path, name: str) -> int:
    """Bytes of the files in one folder of an index."""
    return sum(path.stat().st_size for path in (folder / "index" / name).iterdir())


def peak_memory(work: Callable[[], object]) -> tuple[float, float]:
    """(seconds, peak MB) of some work; memory is the sum over this process and its children of what only they hold."""
    own = psutil.Process()
    before = own.memory_info().rss
    peak = 0
    stop = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.05):
            total = max(0, own.memory_info().rss - before)
            for child in own.children(recursive=True):
                try:
                    total += child.memory_full_info().uss
                except psutil.Error:
                    continue
            peak = max(peak, total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        work()
    finally:
        stop.set()
        watcher.join()
    return time.perf_counter() - start, (peak + before) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", required=True, help="a folder of Parquet shards")
    parser.add_argument("--sample-mb", type=float, default=200, help="how much Parquet the comparison reads")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokenizer", default="")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=int, default=DEFAULT_MEMORY)
    parser.add_argument(
        "--memory-of-build", action="store_true", help="also build everything and report its peak memory"
    )
    args = parser.parse_args()

    paths: list[str] = []
    size = 0.0
    for shard in find_shards([args.shards]):
        if shard.kind == "parquet" and size < args.sample_mb:
            paths.append(shard.path)
            size += shard.size / 1e6
    megabytes = floor(paths) / 1e6
    bare = IndexOptions(CorpusConfig(), args.tokenizer, keep_text=True, min_paragraph=None)
    passes = {
        "bare": bare,
        "paragraphs": replace(bare, min_paragraph=1),
        "signatures": replace(bare, signatures=True),
    }
    permutations()  # loads what draws them
    floors: list[float] = []
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    written: dict[str, int] = {}
    for _ in range(args.rounds):
        floors.append(cpu_seconds(lambda: floor(paths)))
        for name, options in passes.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds[name].append(cpu_seconds(lambda: index(Path(folder), paths, options)))  # noqa: B023
                written[name] = 0 if name == "bare" else sizes(Path(folder), name)
    ours = seconds["paragraphs"]  # as a build does by default
    f, o = statistics.median(floors), statistics.median(ours)
    print(f"text                      {megabytes:10.0f} MB")
    print(f"floor: sum(strlen(text))  {megabytes / f:10.0f} MB/s per core")
    print(f"index pass                {megabytes / o:10.0f} MB/s per core")
    rounds = ", ".join(f"{a / b:.1f}" for a, b in zip(ours, floors, strict=True))
    print(f"index pass / floor        {o / f:10.1f} times the CPU (rounds: {rounds})")
    for name in ("paragraphs", "signatures"):
        more = [1000 * (a - b) / megabytes for a, b in zip(seconds[name], seconds["bare"], strict=True)]
        rounds = ", ".join(f"{amount:.1f}" for amount in more)
        print(
            f"{name:10} add            {statistics.median(more):10.1f} CPU seconds per GB of text (rounds: {rounds}), "
            f"{written[name] / megabytes / 1000:.0f} MB of files"
        )
    if args.memory_of_build:
        with tempfile.TemporaryDirectory() as folder:
            wall, peak = peak_memory(
                lambda: build(
                    [args.shards],
                    Path(folder) / "w",
                    tokenizer=args.tokenizer,
                    workers=args.workers,
                    memory=args.memory,
                )
            )
        print(f"whole build               {wall:10.1f} s with {args.workers} workers, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
