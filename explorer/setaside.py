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
    """A store of tables with a column `doc`, read back by range. Its files vanish with the `ExitStack`."""

    def __init__(self, stack: ExitStack, target: Path, schema: pa.Schema) -> None:
        self._stem = target.with_name(f"{target.name}{TEMPORARY}-aside")
        self._schema = schema
        self._writers: dict[int, Any] = {}
        self._paths: dict[int, Path] = {}
        self._last: tuple[int, pa.Table] | None = None
        stack.callback(self._remove)

    def add(self, table: pa.Table) -> None:
        """Set a table aside; not after the first `read`."""
        if not table.num_rows:
            return
        ranges = table["doc"].to_numpy() // RANGE_DOCS
        for number in np.unique(ranges).tolist():
            writer = self._writers.get(number)
            if writer is None:
                path = self._paths[number] = self._stem.with_name(f"{self._stem.name}-{number}")
                with disk_errors(path):
                    writer = self._writers[number] = pa.ipc.new_file(str(path), self._schema)
            writer.write_table(table.filter(pa.array(ranges == number)))

    def read(self, number: int) -> pa.Table:
        """Everything of the documents from `number * RANGE_DOCS` up to the next range."""
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        writer = self._writers.pop(number, None)
        if writer is not None:
            writer.close()
        path = self._paths.get(number)
        if path is None:
            table = self._schema.empty_table()
        else:
            with pa.OSFile(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
        self._last = (number, table)
        return table

    def rows(self, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        """The rows of the documents `first` .. `last` (exclusive), as tuples."""
        for number in range(first // RANGE_DOCS, (last - 1) // RANGE_DOCS + 1):
            table = self.read(number)
            docs = table["doc"].to_numpy()
            chosen = table.filter(pa.array((docs >= first) & (docs < last)))
            yield from zip(*(column.to_pylist() for column in chosen.columns), strict=True)

    def _remove(self) -> None:
        for writer in self._writers.values():
            writer.close()
        for path in self._paths.values():
            path.unlink(missing_ok=True)
