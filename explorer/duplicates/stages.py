"""The stages that find duplicates, in order: URLs, then texts, then near-duplicates, then paragraphs.

Every stage is keys (a task a part), buckets (a task a range of keys, over all parts) and what a part's documents get
back from them. A finished file is found by its name, so a build that was stopped goes on; what only the next stage
reads is removed when all is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from explorer.duplicates import tasks
from explorer.duplicates.near_stages import find_near
from explorer.errors import UsageError
from explorer.executor import Runner, Task
from explorer.statistic import normalise
from explorer.workspace import INDEX_VERSION, Workspace, digest, read_receipt, write_receipt

NEAR_THRESHOLD = 0.7  # finds 0.95 and more of the pairs of documents with a Jaccard similarity of 0.8
DOCUMENTS_PER_BUCKET = 1_000_000
PARAGRAPHS_PER_BUCKET = 2_000_000
_QUERIES = (
    "keys", "copies", "gone", "not_first", "repeats", "repeated_paragraphs", "repeats_by_document", "marks",
)  # fmt: skip


@dataclass(frozen=True)
class DuplicateOptions:
    """What a build is asked to find besides repeated ids.

    `min_paragraph` is the shortest paragraph in characters, or None to look for no duplicates at all; `near` is the
    Jaccard threshold of near-duplicates, or None.
    """

    min_paragraph: int | None = 1
    near: float | None = None

    @property
    def is_on(self) -> bool:
        return self.min_paragraph is not None


def document_kinds(options: DuplicateOptions) -> tuple[str, ...]:
    """The kinds of keys of which a document has one at most."""
    near = ("near",) if options.near is not None else ()
    return ("id", "url", "text", *near) if options.is_on else ("id",)


@dataclass(frozen=True)
class DuplicatePart:
    """A part of the index, as the stages read it."""

    key: str
    n_docs: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """The files with what was found: marks a part, by its key; paragraphs a bucket."""

    order: tuple[str, ...]  # the sources by number
    options: DuplicateOptions
    marks: Mapping[str, Path]
    paragraphs: Sequence[Path]
    near: Mapping[str, Any] | None  # what the stage of near-duplicates reports
    receipt: str
    compared: Sequence[Path] = ()  # marks of other tools, a file each
    samples: Path | None = None  # texts to show

    @property
    def names(self) -> set[str]:
        """The stems of the files that are current."""
        paths = [*self.marks.values(), *self.paragraphs, *self.compared, *([self.samples] if self.samples else [])]
        return {self.receipt, *(path.stem for path in paths)}


def settle_duplicates(
    last: Mapping[str, Any], duplicates: bool | None, near: float | bool | None, min_paragraph: int | None
) -> DuplicateOptions:
    """What to look for: as asked, else as in the build whose manifest is `last`, else all but near-duplicates.

    `near` is a threshold, or whether to look for near-duplicates at all. Raises `UsageError` for a number out of range.
    """
    if near is not None and near is not True and not 0 <= near < 1:
        raise UsageError(f"near = {near}: the Jaccard threshold of near-duplicates lies between 0 and 1")
    if min_paragraph is not None and min_paragraph < 1:
        raise UsageError(f"min_paragraph = {min_paragraph}: a paragraph has one character at least")
    before = DuplicateOptions(**last.get("duplicates", {}))
    if duplicates is None:
        duplicates = before.is_on or bool(near) or min_paragraph is not None
    if not duplicates:
        if near or min_paragraph is not None:
            raise UsageError(
                "near-duplicates and paragraphs are looked for with the other duplicates; leave out --no-duplicates, "
                "or --near and --min-paragraph"
            )
        return DuplicateOptions(None, None)
    threshold = before.near if near is None else (before.near or NEAR_THRESHOLD) if near is True else near or None
    return DuplicateOptions((before.min_paragraph or 1) if min_paragraph is None else min_paragraph, threshold)


def not_looked_for(manifest: Mapping[str, Any], kind: object) -> str:
    """Why a workspace has nothing about keys of a kind ("" for any): it was not asked to look, and how to ask."""
    if "duplicates" not in manifest:
        return ""
    options = DuplicateOptions(**manifest["duplicates"])
    if not options.is_on:
        return "duplicates were not looked for: build again with --duplicates"
    if kind == "near" and options.near is None:
        return "near-duplicates were not looked for: build again with --near"
    return ""


def source_numbers(named: Iterable[str], present: Iterable[str]) -> tuple[str, ...]:
    """The sources in their order: those that corpus.toml names, as it names them, then the others by name."""
    found = set(present)
    first = [source for source in named if source in found]
    return (*first, *sorted(found - set(first)))


@dataclass
class Stages:
    """What the stages share."""

    workspace: Workspace
    parts: Sequence[DuplicatePart]
    order: tuple[str, ...]
    options: DuplicateOptions
    pool: Runner
    memory: int
    progress: Callable[[float], None]  # gets the share that is done
    n_runs: int  # calls of `run` that are to come, for the progress
    n_run: int = 0

    @cached_property
    def name(self) -> str:
        """What the results depend on: all parts, the order of the sources, the options, the queries."""
        queries = [normalise(tasks.stage_sql(query)) for query in _QUERIES]
        parts = [(part.key, part.sources) for part in self.parts]
        return digest(parts, self.order, self.options, queries, tasks.KEYS, INDEX_VERSION)

    @cached_property
    def job(self) -> tasks.Job:
        return tasks.Job(self.workspace.root / "index" / "duplicates", self.order, self.memory)

    @cached_property
    def n_docs(self) -> int:
        return sum(part.n_docs for part in self.parts)

    def file(self, stage: str, piece: object) -> Path:
        return self.workspace.duplicates(f"{self.name}-{stage}-{piece}.parquet")

    def run(self, work: Iterable[tuple[Sequence[Path], Task]]) -> None:
        """Run the tasks of which a target is not there yet."""
        missing = [task for targets, task in work if not all(path.exists() for path in targets)]
        for _ in self.pool.run(missing, lambda done: self._report(done / len(missing))):
            pass
        self.n_run += 1
        self._report(0.0)

    def _report(self, share: float) -> None:
        self.progress(min(1.0, (self.n_run + share) / self.n_runs))

    # ---- documents: url, text, near

    def copies(self, kind: str, others: Mapping[str, Mapping[str, Path]]) -> list[Path]:
        """The files, a bucket each, of documents with copies of one kind. `others` are files by the key of the part."""

        def beside(part: DuplicatePart) -> dict[str, Path]:
            return {name: paths[part.key] for name, paths in others.items()}

        keys = [self.file(f"{kind}_keys", part.key) for part in self.parts]
        self.run(
            ([path], (tasks.write_keys, (self.job, kind, self.workspace.documents(part.key), beside(part), path)))
            for part, path in zip(self.parts, keys, strict=True)
        )
        n_buckets = max(1, -(-self.n_docs // DOCUMENTS_PER_BUCKET))
        targets = [self.file(f"{kind}_copies", bucket) for bucket in range(n_buckets)]
        numbered = list(enumerate(keys))
        self.run(
            ([target], (tasks.write_copies, (self.job, numbered, tasks.uuid_bounds(bucket, n_buckets), target)))
            for bucket, target in enumerate(targets)
        )
        return targets

    def of_parts(self, name: str, query: str, copies: Sequence[Path]) -> dict[str, Path]:
        """A selection of the copies of each part, by its key."""
        targets = {part.key: self.file(name, part.key) for part in self.parts}
        self.run(
            ([targets[part.key]], (tasks.write_of_part, (self.job, query, number, copies, targets[part.key])))
            for number, part in enumerate(self.parts)
        )
        return targets

    # ---- paragraphs

    def keyed(self, part: DuplicatePart) -> Path | None:
        """The part's paragraphs; None where they were not looked for."""
        return self.workspace.paragraphs(part.key) if self.options.is_on else None

    def paragraphs(self, gone: Mapping[str, Path]) -> tuple[list[Path], list[Path]]:
        """The files, a bucket each, of repeated paragraphs: by key and source, and by document."""
        files = [
            tasks.ParagraphFile(
                number,
                self.workspace.paragraphs(part.key),
                self.workspace.documents(part.key),
                gone[part.key],
                part.sources,
            )
            for number, part in enumerate(self.parts)
        ]
        n_rows = sum(pq.read_metadata(file.paragraphs).num_rows for file in files)
        n_buckets = max(1, -(-n_rows // PARAGRAPHS_PER_BUCKET))
        by_key = [self.file("paragraphs", bucket) for bucket in range(n_buckets)]
        by_document = [self.file("repeats", bucket) for bucket in range(n_buckets)]
        self.run(
            (pair, (tasks.write_paragraphs, (self.job, files, tasks.number_bounds(bucket, n_buckets), pair)))
            for bucket, pair in enumerate(zip(by_key, by_document, strict=True))
        )
        return by_key, by_document


def find_duplicates(
    workspace: Workspace,
    parts: Sequence[DuplicatePart],
    named: Iterable[str],
    options: DuplicateOptions,
    pool: Runner,
    memory: int,
    progress: Callable[[float], None],
) -> Found:
    """Find the duplicates of all parts.

    `named` are the sources in the order of corpus.toml; `memory` is one task's, in bytes; `progress` gets a share from
    0 to 1.
    """
    order = source_numbers(named, (source for part in parts for source in part.sources))
    n_runs = 3 if not options.is_on else 10 if options.near is None else 16
    stages = Stages(workspace, parts, order, options, pool, memory, progress, n_runs)
    receipt_path = workspace.duplicates(f"{stages.name}.parquet")
    marks = {part.key: stages.file("marks", part.key) for part in parts}
    receipt = read_receipt(receipt_path)
    if receipt is None:
        receipt = _find(stages, marks)
        assert stages.n_run == n_runs, "the progress would not end at 1"
        current = [*marks.values(), *map(workspace.duplicates, receipt["paragraphs"])]
        write_receipt(receipt_path, receipt, current)
        for path in set(stages.job.folder.glob(f"{stages.name}-*")) - set(current):
            path.unlink(missing_ok=True)
    paragraphs = [workspace.duplicates(name) for name in receipt["paragraphs"]]
    return Found(order, options, marks, paragraphs, receipt["near"], receipt_path.stem)


def _find(stages: Stages, marks: Mapping[str, Path]) -> dict[str, Any]:
    """Run the stages and return their receipt."""
    copies = {"id": stages.copies("id", {})}
    report = None
    by_key: list[Path] = []
    by_document: list[Path] = []
    if stages.options.is_on:
        copies["url"] = stages.copies("url", {})
        copies["text"] = stages.copies("text", {"gone": stages.of_parts("gone_by_url", "gone", copies["url"])})
        if stages.options.near is not None:
            not_first = stages.of_parts("not_first", "not_first", copies["text"])
            clusters, report = find_near(stages, not_first, stages.options.near)
            copies["near"] = stages.copies("near", {"clusters": {part.key: clusters for part in stages.parts}})
        gone = stages.of_parts("gone", "gone", [*copies["url"], *copies["text"]])
        by_key, by_document = stages.paragraphs(gone)
    stages.run(
        ([target], (tasks.write_marks, (stages.job, number, copies, by_document, stages.keyed(part), target)))
        for number, (part, target) in enumerate(zip(stages.parts, marks.values(), strict=True))
    )
    return {"paragraphs": [path.name for path in by_key], "near": report}
