"""MLCommons' Croissant library as a program: paths in (JSON lines), what it finds out (JSON lines), in the same order.

Run by the oracle's python, not by the tests': `with Croissant(python) as peer: peer.check(file)` starts it.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any


class Croissant:
    """The library in one process, which takes questions until it is closed. `python` is that of its environment."""

    def __init__(self, python: Path) -> None:
        # this file is called as no package is, which is looked for beside it otherwise
        self._process = subprocess.Popen(
            [python, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def check(self, file: Path) -> dict[str, Any]:
        """`errors` and `warnings` of a croissant.json; `records` maps each record set to its first record (field to
        value; None where it has none), or to the error over it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(str(file)).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of mlcroissant ended with {self._process.wait()} over {file}")
        return dict(json.loads(line))

    def __enter__(self) -> Croissant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def check(file: str) -> dict[str, Any]:
    library: Any = importlib.import_module("mlcroissant")
    try:
        dataset = library.Dataset(file)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"errors": [f"{type(error).__name__}: {error}"], "warnings": [], "records": {}}
    issues = dataset.metadata.ctx.issues
    records: dict[str, Any] = {}
    for record_set in dataset.metadata.record_sets:
        try:
            records[record_set.uuid] = next((_plain(record) for record in dataset.records(record_set.uuid)), None)
        except Exception as error:  # noqa: BLE001
            records[record_set.uuid] = {"error": f"{type(error).__name__}: {error}"}
    texts = {kind: sorted(str(issue) for issue in getattr(issues, kind)) for kind in ("errors", "warnings")}
    return {**texts, "records": records}


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):  # numpy's scalars
        return value.item()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(check(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
