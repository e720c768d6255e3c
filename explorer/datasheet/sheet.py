"""The sheet: everything that the files of a bundle are rendered from. Renderers compute nothing and ask no database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from explorer.config import CorpusConfig
from explorer.datasheet.declared import Declared


@dataclass(frozen=True)
class DataFile:
    """One data file beside the card, as it lies there."""

    path: str  # below the bundle, with `/`
    n_bytes: int
    n_rows: int
    sha256: str
    columns: tuple[tuple[str, str], ...]  # name and Arrow type; of JSON Lines: top-level fields, empty for too many


@dataclass(frozen=True)
class Sheet:
    """What is measured (`stats`, the content of stats.json), what is declared, and the data files beside it."""

    stats: Mapping[str, Any]
    config: CorpusConfig
    declared: Declared
    files: tuple[DataFile, ...] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)  # too long for stats.json
    order: str = "datasheets"  # of DATASHEET.md's questions: a key of questionnaire.ORDERS

    @property
    def facts(self) -> Mapping[str, str]:
        """Name, fingerprint, tokenizer, versions."""
        facts: Mapping[str, str] = self.stats["corpus"]
        return facts

    def rows(self, statistic: str) -> list[dict[str, Any]]:
        """The rows of a statistic; none where the sheet lacks it."""
        return self._rows.get(statistic, [])

    def entry(self, statistic: str) -> Mapping[str, Any]:
        """Title, definition, SQL hash, exactness, columns of a statistic."""
        entry: Mapping[str, Any] = self.stats["statistics"][statistic]
        return entry

    @cached_property
    def _rows(self) -> dict[str, list[dict[str, Any]]]:
        return {name: list(_named(entry)) for name, entry in self.stats["statistics"].items()}


def _named(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = [column["name"] for column in entry["columns"]]
    return (dict(zip(names, row, strict=True)) for row in entry["rows"])
