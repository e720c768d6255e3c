"""Taggers: documents and megabytes of text per CPU second, beside the Dolma toolkit's and DataTrove's filters.

    python -m tests.benchmarks.tagging [--corpus FOLDER] [--share 0.25] [--rounds 3]

FOLDER is a corpus in Dolma's format (default: mini-dolma in CORPUS_EXPLORER_DATA), of which every n-th document is
taken. Ways are run in turn on the same texts, in CPU seconds (user and system, all processes), so rates hold for a core
and the ratios of one round for any machine. Two comparisons:

- the functions alone: texts in memory to attributes in memory, with gopher_v2, c4_v2 and PII together; DataTrove's
  filters, which keep or remove a document at the first failing rule, each over every document;
- whole commands: gzipped JSON Lines to attribute files, reading and writing included. `dolma tag` takes part where the
  environment that CORPUS_EXPLORER_ORACLE_DOLMA names has the whole toolkit.

The environments of CORPUS_EXPLORER_ORACLE_DOLMA and CORPUS_EXPLORER_ORACLE_DATATROVE are those that `.ci/run` makes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # of this process, which measures functions on one core

import polars as pl

from explorer.taggers.registry import load_taggers
from explorer.taggers.run import tag_documents
from tests.oracles.datatrove import DataTrove
from tests.oracles.filters import FILTERS
from tests.oracles.toolkit import Toolkit

TAGGERS = ("gopher_v2", "c4_v2", "pii_regex_with_counts_fast_v2")
OTHERS = ("fineweb_v1", "repetition_v1", "redpajama_v2", "cld2_doc_v2")


@dataclass
class Way:
    """One way of tagging and the CPU seconds of its rounds."""

    name: str
    run: Callable[[], float]  # returns CPU seconds
    seconds: list[float] = field(default_factory=list)


def documents_of(folder: Path, share: float) -> list[dict[str, object]]:
    """Every n-th document of a corpus in Dolma's format."""
    found = []
    step = max(1, round(1 / share))
    for path in sorted((folder / "documents").rglob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found += [json.loads(line) for i, line in enumerate(file) if i % step == 0]
    return found


def in_memory(frame: pl.DataFrame, names: Sequence[str]) -> float:
    taggers = load_taggers(names)
    began = time.process_time()
    for tagged in tag_documents(frame, taggers, "tags"):
        tagged.to_arrow()
    return time.process_time() - began


def command(arguments: Sequence[str], out: Path) -> float:
    """CPU seconds of a command and its children; what it writes below `out` is removed before."""
    shutil.rmtree(out, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(arguments, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def show(title: str, ways: Sequence[Way], n_docs: int, n_bytes: int) -> None:
    base = statistics.median(ways[0].seconds)
    print(f"\n{title}\n")
    print("| what | documents a CPU second | MB a CPU second | times ours takes |")
    print("|---|---:|---:|---:|")
    for way in ways:
        ratio = statistics.median(own / ours for own, ours in zip(way.seconds, ways[0].seconds, strict=True))
        middle = statistics.median(way.seconds)
        print(f"| {way.name} | {n_docs / middle:,.0f} | {n_bytes / 1e6 / middle:,.1f} | {ratio:,.1f} |")
    print(f"\nspread of ours: {min(ways[0].seconds):.2f} to {max(ways[0].seconds):.2f} CPU-s, median {base:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("CORPUS_EXPLORER_DATA", ".")
    parser.add_argument("--corpus", type=Path, default=Path(data, "mini-dolma"))
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rows = documents_of(options.corpus, options.share)
    texts = [str(row["text"]) for row in rows]
    n_bytes = sum(len(text.encode()) for text in texts)
    print(f"{len(texts):,} documents, {n_bytes / 1e6:.1f} MB of text, {options.rounds} rounds")
    frame = pl.DataFrame({
        "id": [str(row["id"]) for row in rows], "source": [str(row["source"]) for row in rows], "text": texts,
        "url": [None] * len(rows), "metadata": [None] * len(rows),
    }, schema=dict.fromkeys(("id", "source", "text", "url", "metadata"), pl.String))  # fmt: skip
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shard = folder / "corpus" / "documents" / "all" / "0.jsonl.gz"
        shard.parent.mkdir(parents=True)
        with gzip.open(shard, "wt", encoding="utf-8", compresslevel=1) as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        functions = [Way("ours: Gopher, C4 and PII together", partial(in_memory, frame, TAGGERS))]
        functions += [Way(f"ours: {name} alone", partial(in_memory, frame, [name])) for name in (*TAGGERS, *OTHERS)]
        ours = [sys.executable, "-m", "explorer.cli", "tag", str(folder / "corpus"), "--taggers", ",".join(TAGGERS)]
        whole = [
            Way(
                f"`tag --format {form}`",
                partial(
                    command, [*ours, "--workers", "1", "--format", form, "--out", str(folder / form)], folder / form
                ),
            )
            for form in ("dolma", "parquet")
        ]
        python = os.environ.get("CORPUS_EXPLORER_ORACLE_DOLMA")
        if python:
            toolkit = stack.enter_context(Toolkit(Path(python)))
            functions.append(Way("the toolkit's three taggers", partial(_toolkit, toolkit, texts, TAGGERS)))
            functions += [Way(f"the toolkit's {name}", partial(_toolkit, toolkit, texts, [name])) for name in TAGGERS]
            program = Path(python).with_name("dolma")
            target = folder / "peer" / "attributes" / "tags" / "all" / "0.jsonl.gz"
            peer = [
                str(program), "tag", "--documents", str(shard), "--taggers", *TAGGERS, "--experiment", "tags",
                "--processes", "1", "--destination", str(target),
            ]  # fmt: skip
            if program.exists():
                whole.append(Way("`dolma tag`", partial(command, peer, folder / "peer")))
        python = os.environ.get("CORPUS_EXPLORER_ORACLE_DATATROVE")
        if python:
            datatrove = stack.enter_context(DataTrove(Path(python)))
            functions.append(
                Way(f"DataTrove's filters {', '.join(FILTERS)}, each on all", partial(_filters, datatrove, texts))
            )
        in_memory(frame.head(100), (*TAGGERS, *OTHERS))  # what is made once
        for _ in range(options.rounds):
            for way in (*functions, *whole):
                way.seconds.append(way.run())
    show("Functions alone", functions, len(texts), n_bytes)
    show("Whole commands", whole, len(texts), n_bytes)


def _toolkit(toolkit: Toolkit, texts: Sequence[str], names: Sequence[str]) -> float:
    return sum(toolkit.seconds(name.partition("_")[0], name, texts) for name in names)


def _filters(datatrove: DataTrove, texts: Sequence[str]) -> float:
    found = datatrove.seconds(texts)
    return sum(found[name] for name in FILTERS)


if __name__ == "__main__":
    main()
