"""Indexes of any size without any text, to measure what reads an index.

    python -m tests.benchmarks.synthetic_index --out FOLDER --docs 1000000 --keys 57

The folder is what `build` leaves, without the catalogue, the partials and the long form of the values, which is there
and empty. Documents lie source by source in shards, as in a corpus; values are drawn from distributions with the
shape of Gopher's, and depend on one hidden badness of the document, so that several rules hit the same documents.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from explorer.attributes import PRESENT, SPAN_SCHEMA, VALUE_SCHEMA, Attribute, wide_schema
from explorer.config import CorpusConfig
from explorer.duplicates.stages import DuplicateOptions
from explorer.index_attributes import attributes_key, wide_group_rows
from explorer.index_documents import INDEX_GROUP_ROWS
from explorer.ingest.shards import Shard, SideFile
from explorer.measures import INDEX_SCHEMA
from explorer.plan import IndexOptions, Part, make_part
from explorer.provenance import manifest_of
from explorer.setaside import RANGE_DOCS
from explorer.workspace import FORMAT, INDEX_VERSION, Workspace, write_json, write_receipt
from explorer.written import DECIMAL
from tests.benchmarks.synthetic_keys import SETS, Key, keys_of
from tests.benchmarks.synthetic_values import Cells, draw_cells, draw_documents, draw_texts

SHARD_DOCS = 100_000
TOKENIZER = "cl100k_base"


def synthesise(
    root: Path, n_docs: int, n_keys: int, n_sources: int = 15, seed: int = 0, part_docs: int = 1_000_000
) -> Path:
    """Write a workspace of `n_docs` documents with `n_keys` attributes in two sets; returns `root`.

    A folder that was written before with the same arguments stays as it is. The same arguments make the same values.
    """
    workspace = Workspace(root.resolve())
    made = {"n_docs": n_docs, "n_keys": n_keys, "n_sources": n_sources, "seed": seed, "part_docs": part_docs}
    stamp = {**made, "formats": [FORMAT, INDEX_VERSION]}
    if workspace.manifest.exists() and workspace.read_manifest().get("synthetic") == stamp:
        return root
    workspace.create()
    options = IndexOptions(CorpusConfig(), TOKENIZER, keep_text=True)
    keys = keys_of(n_keys)
    receipts: dict[str, dict[str, Any]] = {}
    sets: dict[tuple[str, str], dict[str, Any]] = {}
    parts = []
    for number, (part, counts) in enumerate(_cut(n_docs, n_sources, part_docs, options.key)):
        parts.append(part)
        receipts[part.key] = _write_documents(workspace, part, counts, [seed, number])
        for name in SETS:
            own = [key for key in keys if key.attribute_set == name]
            sets[part.key, name] = _write_set(workspace, part, counts, name, own, [seed, number])
    manifest = manifest_of(parts, receipts, sets, options)
    manifest |= {
        "n_files_passed_over": 0,
        "root": str(workspace.root),
        "detail_relations": "views",
        "counted_with": TOKENIZER,
        "duplicates": asdict(DuplicateOptions()),
        "synthetic": stamp,
    }
    write_json(
        workspace.root / "index" / "generation.json",
        {"keys": sorted([*receipts, *(receipt["key"] for receipt in sets.values())])},
    )
    write_json(workspace.manifest, manifest)
    return root


def _cut(n_docs: int, n_sources: int, part_docs: int, options_key: str) -> Iterator[tuple[Part, list[int]]]:
    """Parts and the documents of each of their shards; the first source is the largest, the last one tiny."""
    weights = 1.0 / np.arange(1, n_sources + 1) ** 1.5
    ends = np.rint(np.cumsum(weights) / weights.sum() * n_docs).astype(int).tolist()
    shards: list[tuple[Shard, int]] = []
    for source, (first, last) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        step = min(SHARD_DOCS, part_docs)
        for number, start in enumerate(range(first, last, step)):
            shards.append((_shard(f"source-{source:02d}", number), min(step, last - start)))
    waiting: list[tuple[Shard, int]] = []
    for shard, count in shards:
        if waiting and sum(n for _, n in waiting) + count > part_docs:
            yield _part(waiting, options_key)
            waiting = []
        waiting.append((shard, count))
    yield _part(waiting, options_key)


def _part(shards: Sequence[tuple[Shard, int]], options_key: str) -> tuple[Part, list[int]]:
    return make_part(tuple(shard for shard, _ in shards), options_key), [n for _, n in shards]


def _shard(source: str, number: int) -> Shard:
    name = f"{source}/{source}-{number:04d}"
    sides = tuple(SideFile(one, f"/synthetic/attributes/{one}/{name}.jsonl.gz", 1, 1) for one in sorted(SETS))
    path = f"documents/{name}.parquet"
    return Shard(f"/synthetic/{path}", path, "parquet", source, 1, 1, sides)


def _ranges(n_docs: int) -> Iterator[tuple[int, int]]:
    yield from ((first, min(n_docs, first + RANGE_DOCS)) for first in range(0, n_docs, RANGE_DOCS))


def _write_documents(workspace: Workspace, part: Part, counts: Sequence[int], seed: list[int]) -> dict[str, Any]:
    target = workspace.documents(part.key)
    n_docs = sum(counts)
    shards = np.repeat(np.arange(len(counts)), counts)
    rows = np.concatenate([np.arange(count) for count in counts])
    with pq.ParquetWriter(target, INDEX_SCHEMA, compression="zstd") as writer:
        for first, last in _ranges(n_docs):
            texts = draw_texts(seed, first, last)
            table = draw_documents(part, texts, shards[first:last], rows[first:last], [*seed, first])
            writer.write_table(table, row_group_size=INDEX_GROUP_ROWS)
    receipt = {
        "key": part.key,
        "n_docs": n_docs,
        "fingerprint": hashlib.md5(part.key.encode(), usedforsecurity=False).hexdigest(),
        "has_tokens": True,
        "inline_sets": [],
        "sources": sorted({shard.folder_source for shard in part.shards}),
        "shards": [
            {"name": s.name, "n_rows": n, "n_docs": n, "fingerprint": "0" * 32}
            | {"fault": None, "rejects": {}, "examples": []}
            for s, n in zip(part.shards, counts, strict=True)
        ],
    }
    write_receipt(target, receipt, [target])
    return receipt


def _write_set(
    workspace: Workspace, part: Part, counts: Sequence[int], name: str, keys: Sequence[Key], seed: list[int]
) -> dict[str, Any]:
    key = attributes_key(part, name, CorpusConfig())
    paths = [workspace.attributes(key), workspace.values(key), workspace.spans(key)]
    attributes = [Attribute(name, (one.name,), "spans") for one in keys]
    n_docs = sum(counts)
    n_values = 0
    with ExitStack() as stack:
        wide, _, spans = (
            stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            for path, schema in zip(paths, (wide_schema(attributes), VALUE_SCHEMA, SPAN_SCHEMA), strict=True)
        )
        for first, last in _ranges(n_docs):
            texts = draw_texts(seed, first, last)
            found = [draw_cells(one, texts, [*seed, first]) for one in keys]
            own = sum(int((cells.n >= 0).sum()) for cells in found)
            rows = wide_group_rows(wide_schema(attributes))
            wide.write_table(_wide(attributes, found, first), row_group_size=rows)
            table = _spans(attributes, found, first)
            if table.num_rows:
                spans.write_table(table)
            n_values += own
    receipt = {
        "key": key,
        "attribute_set": name,
        "attributes": [attribute.to_json() for attribute in attributes],
        "written_as": [DECIMAL] * len(attributes),
        "states": {PRESENT: n_docs},
        "n_values": n_values,
        "n_spans_outside": 0,
        "fingerprint": hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:16],
        "shards": [
            {"name": s.name, "n_rows": n, "n_orphans": 0, "states": {PRESENT: n}, "rejects": {}, "examples": []}
            for s, n in zip(part.shards, counts, strict=True)
        ],
    }
    write_receipt(paths[0], receipt, paths)
    return receipt


def _wide(attributes: Sequence[Attribute], found: Sequence[Cells], first_doc: int) -> pa.Table:
    schema = wide_schema(attributes)
    n = len(found[0].n)
    arrays = [pa.array(np.arange(first_doc, first_doc + n), pa.int32()), pa.repeat(PRESENT, n)]
    for cells in found:
        absent, empty = cells.n < 0, cells.n < 1
        score = pa.array(cells.first, mask=empty)
        arrays += [pa.array(cells.n.astype(np.int32), mask=absent), score, score, pa.array(cells.chars, mask=absent)]
    return pa.table(arrays, schema=schema)


def _spans(attributes: Sequence[Attribute], found: Sequence[Cells], first_doc: int) -> pa.Table:
    tables = []
    for attribute, cells in zip(attributes, found, strict=True):
        if cells.spans is not None:
            docs, places, start, end = cells.spans
            n = len(docs)
            columns = [docs + first_doc, pa.repeat(attribute.column, n), places, start, end, np.ones(n)]
            arrays = [pc.cast(pa.array(c), f.type) for c, f in zip(columns, SPAN_SCHEMA, strict=True)]
            tables.append(pa.table(arrays, schema=SPAN_SCHEMA))
    if not tables:
        return SPAN_SCHEMA.empty_table()
    return pa.concat_tables(tables).sort_by([("doc", "ascending"), ("attribute", "ascending"), ("i", "ascending")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--docs", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=57)
    parser.add_argument("--sources", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.perf_counter()
    synthesise(args.out, args.docs, args.keys, args.sources, args.seed)
    size = sum(path.stat().st_size for path in args.out.rglob("*.parquet"))
    print(f"{args.out}: {args.docs} documents, {size / 1e6:.0f} MB, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
