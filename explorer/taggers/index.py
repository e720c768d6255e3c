"""Tags that a build makes: written beside the index rows in the same reading of the text, read as an attribute set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.attributes import MISSING, PRESENT, Taker, Values
from explorer.ingest.attribute_files import Alignment, Documents
from explorer.ingest.span_maps import span_maps
from explorer.taggers.checked import checked_tags, taggers_of
from explorer.taggers.run import TAGS
from explorer.workspace import replacing

_SCHEMA = pa.schema([("doc", pa.int32()), ("tags", TAGS)])
_GROUP_ROWS = 16_384


class TagWriter:
    """The tags of a part's documents, a row per document in their order."""

    def __init__(self, stack: ExitStack, target: Path, specs: tuple[str, ...], attribute_set: str) -> None:
        self._taggers = taggers_of(specs)
        self._attribute_set = attribute_set
        temporary = stack.enter_context(replacing(target))
        self._writer = stack.enter_context(pq.ParquetWriter(temporary, _SCHEMA, compression="zstd"))
        self._pending: list[pa.Table] = []

    def write(self, frame: pl.DataFrame, first_doc: int, place: str) -> None:
        """Tag some documents; `place` is the file that they come from. Raises `ExplorerError` where a tagger fails."""
        for tagged in checked_tags(frame, self._taggers, self._attribute_set, place):
            docs = np.arange(first_doc, first_doc + len(tagged.lengths), dtype=np.int32)
            self._pending.append(pa.table([docs, tagged.to_arrow()], schema=_SCHEMA))
            first_doc += len(docs)
            if sum(table.num_rows for table in self._pending) >= _GROUP_ROWS:
                self.flush()

    def flush(self) -> None:
        """Write what is held as a row group."""
        if self._pending:
            self._writer.write_table(pa.concat_tables(self._pending))
            self._pending = []


def read_tags(path: Path, documents: Documents, reader: Taker) -> Iterator[Values | Alignment]:
    """The values of one shard's documents (numbered as in the part), and at the end the `Alignment`."""
    n_docs = len(documents.ids)
    last = documents.first_doc + n_docs
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            numbers = file.metadata.row_group(group).column(0).statistics
            if numbers.max < documents.first_doc or numbers.min >= last:
                continue
            for record in file.iter_batches(row_groups=[group], use_threads=False, batch_size=4096):
                docs = record["doc"].to_numpy().astype(np.int64)
                maps = span_maps(record["tags"])
                assert maps is not None, f"{path}: a tag twice in one document"
                values = Values(is_typed=True)
                reader.add_maps(values, np.where((docs >= documents.first_doc) & (docs < last), docs, -1), maps)
                yield values
    yield Alignment([PRESENT] * n_docs if n_docs else [MISSING] * n_docs, n_rows=n_docs)
