"""Rows set aside on disk by range of documents, until they can be joined with those documents in order.

Attribute rows usually come in the order of the documents and sometimes do not; keeping each range in a file of its own
bounds the memory either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.workspace import TEMPORARY, disk_errors

RANGE_DOCS = 65_536


class Aside:
    """A store of tables with a column `doc`, read back by range of documents. Its files vanish with the `ExitStack`."""

    def __init__(self, stack: ExitStack, target: Path, schema: pa.Schema) -> None:
        self._stem = target.with_name(f"{target.name}{TEMPORARY}-aside")
        self._schema = schema
        self._writers: dict[int, Any] = {}
        self._paths: dict[int, Path] = {}
        self._extents: dict[int, list[tuple[int, int, int]]] = {}  # of each batch: first doc, last doc, rows
        stack.callback(self._remove)

    def add(self, table: pa.Table) -> None:
        """Set a table aside; not after the first `read`."""
        if not table.num_rows:
            return
        ranges = table["doc"].to_numpy() // RANGE_DOCS
        for number in np.unique(ranges).tolist():
            chosen = table.filter(pa.array(ranges == number)).combine_chunks()
            docs = chosen["doc"].to_numpy()
            with disk_errors(self._stem):
                self._writer(number).write_batch(chosen.to_batches()[0])
            self._extents[number].append((int(docs.min()), int(docs.max()), chosen.num_rows))

    def _writer(self, number: int) -> Any:
        if number not in self._paths:
            path = self._paths[number] = self._stem.with_name(f"{self._stem.name}-{number}")
            self._extents[number] = []
            self._writers[number] = pa.ipc.new_file(str(path), self._schema)
        return self._writers[number]

    def ranges(self, n_docs: int, max_rows: int) -> Iterator[tuple[int, int]]:
        """Ranges (first, last) of documents from 0 up to `n_docs` that hold about `max_rows` rows each."""
        for number, start in enumerate(range(0, n_docs, RANGE_DOCS)):
            n_rows = sum(n for _, _, n in self._extents.get(number, ()))
            end = min(n_docs, start + RANGE_DOCS)
            step = max(1024, (end - start) // (n_rows // max_rows + 1))
            yield from ((first, min(end, first + step)) for first in range(start, end, step))

    def read(self, first: int, last: int) -> pa.Table:
        """The rows of the documents `first` .. `last` (exclusive)."""
        found = [self._schema.empty_table()]
        for number in range(first // RANGE_DOCS, (last - 1) // RANGE_DOCS + 1):
            writer = self._writers.pop(number, None)
            if writer is not None:
                with disk_errors(self._stem):
                    writer.close()
            if number not in self._paths:
                continue
            with pa.OSFile(str(self._paths[number])) as source:
                batches = pa.ipc.open_file(source)
                for i, (lowest, highest, _) in enumerate(self._extents[number]):
                    if lowest < last and highest >= first:
                        table = pa.table(batches.get_batch(i))
                        docs = table["doc"].to_numpy()
                        found.append(table.filter(pa.array((docs >= first) & (docs < last))))
        return pa.concat_tables(found)

    def rows(self, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        """The same as tuples."""
        return zip(*(column.to_pylist() for column in self.read(first, last).columns), strict=True)

    def _remove(self) -> None:
        try:
            for writer in self._writers.values():
                writer.close()
        finally:
            for path in self._paths.values():
                path.unlink(missing_ok=True)
