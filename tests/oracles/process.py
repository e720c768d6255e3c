"""A reference program at work: it takes questions as JSON lines, and answers each with a JSON line, in order."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Program:
    """A program, run by the python of its own environment until it is closed."""

    def __init__(self, python: Path, program: Path) -> None:
        self._program = program
        # what lies beside the program may be called as a package is, which must not be looked for there
        self._process = subprocess.Popen(
            [python, "-P", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def ask(self, **question: Any) -> Any:
        """The answer to a question. Raises `RuntimeError` where the program ends over it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise RuntimeError(f"{self._program.name} ended with {code} over {question!r:.200}; run it by hand")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
