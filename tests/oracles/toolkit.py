"""The toolkit's taggers for tests: `toolkit.tag(module, tagger, texts)`; the fixture `toolkit` is one, running."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.oracles.process import Program


class Toolkit(Program):
    """`taggers.py`, running; its docstring says what can be asked. `python` is that of the toolkit's environment."""

    def __init__(self, python: Path) -> None:
        super().__init__(python, Path(__file__).with_name("taggers.py"))

    def tag(self, module: str, tagger: str, texts: Sequence[str]) -> list[dict[str, list[Any]]]:
        """The attributes of each text, without experiment and tagger in their keys."""
        return list(self.ask(module=module, tagger=tagger, texts=list(texts))["found"])

    def seconds(self, module: str, tagger: str, texts: Sequence[str]) -> float:
        """CPU seconds of a tagger over some texts."""
        return float(self.ask(module=module, tagger=tagger, texts=list(texts))["seconds"])
