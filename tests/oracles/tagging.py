"""The toolkit's taggers for tests: `with Taggers(python) as toolkit: toolkit.tag(name, texts)`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = Path(__file__).with_name("taggers.py")


class Taggers:
    """The toolkit's taggers in one process. `python` is that of the oracle's environment."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [python, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def tag(self, tagger: str, texts: Sequence[str]) -> tuple[list[dict[str, list[Any]]], float]:
        """The attributes of each text, without experiment and tagger in their keys; and the CPU seconds taken."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"tagger": tagger, "texts": list(texts)}).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the toolkit's process ended with {self._process.wait()} over {tagger}")
        answer = json.loads(line)
        return answer["found"], answer["seconds"]

    def __enter__(self) -> Taggers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
