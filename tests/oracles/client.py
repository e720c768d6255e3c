"""The real mixer for tests: `with Mixer(python) as mixer: mixer.mix(cases)`; the fixture `mixer` is one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = Path(__file__).with_name("mixer.py")


@dataclass(frozen=True)
class Inline:
    """A small case. `attributes` maps a set, in the order in which sets are loaded, to its rows
    ({"id": ..., "attributes": {...}}); `stream` holds filter, span_replacement, output (such as min_text_length)."""

    documents: Sequence[Mapping[str, Any]]
    stream: Mapping[str, Any]
    attributes: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "documents": list(self.documents),
            "attributes": dict(self.attributes),
            "stream": dict(self.stream),
            "with_text": True,
        }


@dataclass(frozen=True)
class Config:
    """A mixer configuration over files that exist: {"streams": [...]}. Outputs go to a folder that is removed."""

    config: Mapping[str, Any]
    with_text: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"config": dict(self.config), "with_text": self.with_text}


@dataclass(frozen=True)
class Kept:
    """A document that was written, as it was written."""

    stream: str
    source: str
    id: str
    n_chars: int
    n_bytes: int
    text_md5: str  # hexadecimal
    text: str | None  # of inline cases, or where it was asked for


@dataclass(frozen=True)
class Outcome:
    """What the mixer did: the documents kept, in the order in which they were written, and what it said of a failure.

    A failed shard is missing as a whole. `is_raised` is False where `dolma mix` ends as if nothing had happened:
    a panic in one of its threads loses the shard, leaves a .tmp file and raises nothing.
    """

    kept: tuple[Kept, ...]
    error: str | None
    is_raised: bool

    def texts(self) -> dict[str, str | None]:
        """The texts of the documents kept, by id."""
        return {row.id: row.text for row in self.kept}


class Mixer:
    """The mixer in one process, which takes cases until it is closed. `python` is that of the oracle's environment."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [python, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def mix(self, cases: Iterable[Inline | Config]) -> list[Outcome]:
        """What the mixer does with each case."""
        return [self.mix_one(case) for case in cases]

    def mix_one(self, case: Inline | Config) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case.to_json()).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the mixer's process ended with {self._process.wait()} over {case!r:.2000}")
        answer = json.loads(line)
        return Outcome(tuple(Kept(**row) for row in answer["kept"]), answer["error"], answer["is_raised"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Mixer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def mix(python: Path, cases: Iterable[Inline | Config]) -> list[Outcome]:
    """What the mixer does with each case, in a process of its own."""
    with Mixer(python) as mixer:
        return mixer.mix(cases)
