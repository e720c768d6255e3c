"""The toolkit's taggers for tests: `toolkit.tag(module, tagger, texts)`; the fixture `toolkit` is one, running."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = Path(__file__).with_name("taggers.py")


class Toolkit:
    """`taggers.py`, running; its docstring says what can be asked."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [str(python), str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Toolkit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the toolkit has stopped at {str(request)[:200]}; run {PROGRAM.name} by hand to see why"
        return json.loads(answer)

    def tag(self, module: str, tagger: str, texts: Sequence[str]) -> list[dict[str, list[Any]]]:
        """The attributes of each text, without experiment and tagger in their keys."""
        return list(self.ask(module=module, tagger=tagger, texts=list(texts))["found"])

    def seconds(self, module: str, tagger: str, texts: Sequence[str]) -> float:
        """CPU seconds of a tagger over some texts."""
        return float(self.ask(module=module, tagger=tagger, texts=list(texts))["seconds"])
