"""One entry to every reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pyarrow as pa

from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest.attribute_files import inline_sets
from explorer.ingest.jsonl import read_jsonl
from explorer.ingest.parquet import layout, read_parquet
from explorer.ingest.rows import Batch
from explorer.ingest.shards import Shard, first_line


def read_documents(shard: Shard, config: CorpusConfig, batch_bytes: int) -> Iterator[Batch]:
    """The documents of a shard, in file order. Raises `InputError` for a file that cannot be used at all."""
    if shard.kind == "parquet":
        return read_parquet(shard.path, shard.row_groups, shard.folder_source, config, batch_bytes)
    return read_jsonl(shard.path, shard.size, shard.folder_source, config, batch_bytes)


def own_sets(shard: Shard, config: CorpusConfig) -> list[str]:
    """The attribute sets in the columns of a Parquet shard."""
    if shard.kind != "parquet":
        return []
    plan = layout(shard.path, config)
    return inline_sets(shard.path, plan.flat, plan.attributes)


@contextmanager
def engine_errors(path: str) -> Iterator[None]:
    """Turn what an engine raises over some data into an `InputError` of one line that names the file."""
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        raise InputError(f"{path}: cannot be processed: {first_line(error)}; write it again or leave it out") from error
