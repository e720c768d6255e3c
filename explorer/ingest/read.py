"""One entry to every reader."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.config import CorpusConfig
from explorer.ingest.jsonl import read_jsonl
from explorer.ingest.parquet import read_parquet
from explorer.ingest.rows import Batch
from explorer.ingest.shards import Shard


def read_documents(shard: Shard, config: CorpusConfig, batch_bytes: int) -> Iterator[Batch]:
    """The documents of a shard, in file order. Raises `InputError` for a file that cannot be used at all."""
    if shard.kind == "parquet":
        return read_parquet(shard.path, shard.row_groups, shard.folder_source, config, batch_bytes)
    return read_jsonl(shard.path, shard.size, shard.folder_source, config, batch_bytes)
