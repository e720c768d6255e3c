"""The bundle: every file of a datasheet, rendered from one sheet and written together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from explorer.config import CorpusConfig, read_config
from explorer.corpus import Corpus
from explorer.datasheet.declared import Declared, read_declared
from explorer.datasheet.eu import render as render_eu
from explorer.datasheet.eu_domains import domain_tables
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.datasheet.statistics import render_statistics
from explorer.sheet import collect, to_stats_json
from explorer.workspace import Workspace, disk_errors, replacing

Renderer = Callable[[Sheet], Mapping[str, str | bytes]]  # path below the bundle to content
# Each module of this package that renders files adds its function here.
RENDERERS: tuple[Renderer, ...] = (
    render_statistics,
    render_eu,
)


def read_sheet(corpus: Corpus, files: Sequence[DataFile] = (), *, order: str = "datasheets") -> Sheet:
    """The sheet of a corpus: all statistics at their defaults, and what its corpus.toml declares.

    `order` is that of DATASHEET.md's questions, a key of `questionnaire.ORDERS`. Raises `UsageError`.
    """
    stats = json.loads(to_stats_json(corpus, collect(corpus)))
    path = Workspace(corpus.root).config
    config = read_config(path) if path.exists() else CorpusConfig()
    declared = read_declared(path) if path.exists() else Declared()
    return Sheet(stats, config, declared, tuple(files), domain_tables(corpus, declared), order)


def render_bundle(sheet: Sheet) -> dict[str, bytes]:
    """Content of every file by its path, sorted."""
    found: dict[str, bytes] = {}
    for renderer in RENDERERS:
        for path, content in renderer(sheet).items():
            found[path] = content.encode() if isinstance(content, str) else content
    return dict(sorted(found.items()))


def write_bundle(sheet: Sheet, folder: Path) -> list[Path]:
    """Write every file of the bundle below `folder`; returns their paths. Raises `StorageError`."""
    written = []
    for name, content in render_bundle(sheet).items():
        path = folder / name
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        written.append(path)
    return written
