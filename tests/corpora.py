"""Tiny corpora for tests: rows to files in every format that is read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from explorer.build import BuildReport, build
from explorer.config import CorpusConfig
from explorer.ingest.read import read_documents
from explorer.ingest.rows import FRAME_SCHEMA, Reject
from explorer.ingest.shards import find_shards

Row = Mapping[str, Any]
MEMORY = 256 << 20


def document(number: int, source: str = "web", **fields: Any) -> dict[str, Any]:
    """A document with the usual fields; `fields` replace or add."""
    row = {
        "id": f"{source}-{number}",
        "source": source,
        "text": f"Document {number} of {source}.\n\nIt has {number} things to say.",
        "created": f"2020-01-{number % 28 + 1:02d}T00:00:00Z",
        "metadata": {"url": f"https://www.example{number % 3}.org/{number}"},
    }
    return {**row, **fields}


def documents(n: int, source: str = "web", **fields: Any) -> list[dict[str, Any]]:
    return [document(number, source, **fields) for number in range(n)]


def write_lines(path: Path, lines: Iterable[bytes]) -> Path:
    """Raw lines, compressed as the name says (.gz, .zst); each gets its newline here."""
    return write_bytes(path, b"".join(line + b"\n" for line in lines))


def write_bytes(path: Path, data: bytes) -> Path:
    """Bytes, compressed as the name says."""
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    elif path.suffix == ".zst":
        data = zstandard.ZstdCompressor().compress(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def write_jsonl(path: Path, rows: Iterable[Row]) -> Path:
    """JSON Lines, compressed as the name says."""
    return write_lines(path, (json.dumps(row, ensure_ascii=False).encode() for row in rows))


def write_dolma(
    root: Path,
    shards: Mapping[str, Sequence[Row]],
    attributes: Mapping[str, Mapping[str, Sequence[Row]]] | None = None,
) -> Path:
    """A Dolma folder: `shards` maps a path below documents/ to rows, `attributes` a set to the same for its files.

    A row of attributes is {"id": ..., "attributes": {...}}. Returns `root`.
    """
    for name, rows in shards.items():
        write_jsonl(root / "documents" / name, rows)
    for attribute_set, files in (attributes or {}).items():
        for name, rows in files.items():
            write_jsonl(root / "attributes" / attribute_set / name, rows)
    return root


def attribute_rows(rows: Iterable[Row], **values: Any) -> list[dict[str, Any]]:
    """A row of attributes for each document: `values` map a key to its value, or to a function of the document."""
    return [
        {"id": row["id"], "attributes": {k: v(row) if callable(v) else v for k, v in values.items()}} for row in rows
    ]


def write_parquet(
    path: Path, rows: Sequence[Row] | pa.Table, schema: pa.Schema | None = None, row_group_size: int | None = None
) -> Path:
    """Parquet out of rows (with `schema` where inference would not do) or a table."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


def build_corpus(inputs: Path | Sequence[Path], out: Path, **options: Any) -> BuildReport:
    """`explorer.build.build` with one worker and little memory unless `options` say otherwise."""
    paths = [inputs] if isinstance(inputs, Path) else list(inputs)
    return build([str(path) for path in paths], out, **{"workers": 1, "memory": MEMORY, **options})


def read_all(
    path: Path, columns: Mapping[str, str] | None = None, batch_bytes: int = 1 << 20
) -> tuple[pl.DataFrame, list[Reject]]:
    """All documents of one file and the rows refused, read as the index pass reads them."""
    (shard,) = find_shards([str(path)])
    batches = list(read_documents(shard, CorpusConfig(columns=dict(columns or {})), batch_bytes))
    rejects = [reject for batch in batches for reject in batch.rejects]
    frames = [batch.frame for batch in batches]
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(FRAME_SCHEMA)), rejects
