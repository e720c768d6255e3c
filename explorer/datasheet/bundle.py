"""The bundle: every file of a datasheet, rendered from one sheet and written together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from explorer.corpus import Corpus
from explorer.datasheet.card import render_card
from explorer.datasheet.charts import render_charts
from explorer.datasheet.croissant import render_croissant
from explorer.datasheet.eu import render as render_eu
from explorer.datasheet.eu_domains import domain_tables
from explorer.datasheet.page import render_page
from explorer.datasheet.published import is_ours, sheet_of
from explorer.datasheet.questions import render_questions
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.datasheet.statistics import render_statistics
from explorer.datasheet.stats import STATS_FILE, render_stats
from explorer.errors import UsageError
from explorer.sheet import collect, dump_stats, stats_of
from explorer.workspace import disk_errors, replacing

Renderer = Callable[[Sheet], Mapping[str, str | bytes]]  # path below the bundle to content
# Each module of this package that renders files adds its function here.
RENDERERS: tuple[Renderer, ...] = (
    render_stats,
    render_questions,
    render_statistics,
    render_eu,
    render_card,
    render_croissant,
    render_charts,
    render_page,
)
# Those of a bundle that the folder of somebody else is likely to hold, too.
_LIKELY = ("README.md", "DATASHEET.md", STATS_FILE, "croissant.json")


def read_sheet(corpus: Corpus, files: Sequence[DataFile] = (), *, order: str = "datasheets") -> Sheet:
    """The sheet of a corpus: all statistics at their defaults, and what its corpus.toml declares.

    `order` is that of DATASHEET.md's questions, a key of `questionnaire.ORDERS`. Raises `UsageError`.
    """
    stats = stats_of(corpus, collect(corpus))
    stats["bundle"] = {"order": order, "files": [asdict(file) for file in files]}
    # by way of its text, so that the files are the same when they are rendered from the published one
    sheet = sheet_of(json.loads(dump_stats(stats)))
    return replace(sheet, tables=domain_tables(corpus, sheet.declared))


def render_bundle(sheet: Sheet) -> dict[str, bytes]:
    """Content of every file by its path, sorted."""
    found: dict[str, bytes] = {}
    for renderer in RENDERERS:
        for path, content in renderer(sheet).items():
            found[path] = content.encode() if isinstance(content, str) else content
    return dict(sorted(found.items()))


def check_folder(folder: Path, names: Iterable[str] = _LIKELY) -> None:
    """Raise `UsageError` where a folder holds files of these names that we did not write: somebody's own README.md."""
    if is_ours(folder / STATS_FILE):
        return
    there = [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        raise UsageError(
            f"{folder}: holds {', '.join(there)} already, and no stats.json says that this tool wrote them; "
            "move them away, or name another --out"
        )


def write_bundle(sheet: Sheet, folder: Path) -> list[Path]:
    """Write every file of the bundle below `folder`, each at once or not at all; returns their paths.

    Raises `UsageError` for a folder that holds such files of somebody else, `StorageError`.
    """
    files = render_bundle(sheet)
    check_folder(folder, files)
    # stats.json goes first: it tells the next run that the folder is ours, should this one be stopped
    names = sorted(files, key=lambda name: (name != STATS_FILE, name))
    for name in names:
        path = folder / name
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(files[name])
    return [folder / name for name in sorted(names)]
