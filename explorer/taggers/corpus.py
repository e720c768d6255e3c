"""Tagging a corpus: which files are written where, going on after a stop, and the tasks run on all cores."""

from __future__ import annotations

import fcntl
import glob
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import explorer
from explorer.build import Step
from explorer.config import CorpusConfig, read_config
from explorer.convert import set_names, target_names
from explorer.errors import ExplorerError, InputError, UsageError
from explorer.executor import default_workers, open_pool
from explorer.ingest.shards import Shard, find_shards, split_row_groups
from explorer.taggers.registry import check_set_name, load_taggers
from explorer.taggers.write import Form, TagOptions, Written, tag_shard
from explorer.workspace import TEMPORARY, digest, disk_errors

PIECE_BYTES = 128 << 20  # of a Parquet shard, uncompressed, that one task takes


@dataclass(frozen=True)
class TagReport:
    """What a run wrote, and what it left out (one line a file)."""

    n_docs: int
    n_bytes: int  # of text
    n_files: int
    n_files_before: int  # that a run before had finished
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Job:
    """One file to write."""

    shard: Shard
    target: Path


def tag(
    inputs: Sequence[str],
    out: Path,
    specs: Sequence[str],
    attribute_set: str,
    form: Form = "parquet",
    *,
    config_path: Path | None = None,
    workers: int | None = None,
    piece_bytes: int = PIECE_BYTES,
    listener: Callable[[Step], None] = lambda step: None,
) -> TagReport:
    """Write the tags of every document of `inputs` (files, folders, globs) below `out`, as the set `attribute_set`.

    As "parquet": documents and all their attributes, in the form of `convert`. As "dolma": attribute files of the
    toolkit's, `out/attributes/SET/...`, a row for each row of the documents; `out` may be the corpus itself. A run
    that was stopped goes on with the files that are missing. Raises `UsageError` for wrong options and where files or
    a set are there already, `InputError` where no document can be read, `ExplorerError` where a tagger fails,
    `StorageError` where the disk refuses.
    """
    taggers = load_taggers(specs)  # refuses a wrong one before anything is written
    options = TagOptions(
        form, check_set_name(attribute_set), tuple(specs), read_config(config_path) if config_path else CorpusConfig()
    )
    out = out.absolute()
    if form == "parquet" and any(os.path.realpath(text) == os.path.realpath(out) for text in inputs):
        raise UsageError(f"{out}: is the input itself; name another folder with --out")
    shards = find_shards(inputs, leave_out=out / "attributes" if form == "dolma" else out)
    jobs = _dolma_jobs(shards, out, options) if form == "dolma" else _parquet_jobs(shards, out, options, piece_bytes)
    _check_distinct(jobs)
    key = digest(
        explorer.__version__,
        [(tagger.name, tagger.key) for tagger in taggers],
        (form, attribute_set, sorted(options.config.document_columns.items())),
        sorted((str(job.target), job.shard.path, job.shard.key, job.shard.sides) for job in jobs),
    )
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with _going_on(out, key, jobs, options) as missing:
        report = _run(missing, options, workers or default_workers(), listener)
        report = replace(report, n_files_before=len(jobs) - len(missing))
        if not report.n_docs and not report.n_files_before:
            raise InputError("; ".join(report.notes[:3]) or "no document could be read")
    return report


def _run(jobs: Sequence[_Job], options: TagOptions, workers: int, listener: Callable[[Step], None]) -> TagReport:
    total = max(1, sum(job.shard.n_bytes for job in jobs))
    # the largest first, so that no core is left alone with one at the end
    order = sorted(jobs, key=lambda job: (-job.shard.n_bytes, job.target))
    tasks = [(tag_shard, (job.shard, job.target, options)) for job in order]
    listener(Step("tagging", 0.0))
    with open_pool(max(1, min(workers, len(jobs)))) as pool:
        found = pool.run(tasks, lambda done: listener(Step("tagging", max(0.0, min(1.0, done / total)))))
        written: list[Written] = list(found)
    listener(Step("tagging", 1.0))
    return TagReport(
        n_docs=sum(one.n_docs for one in written),
        n_bytes=sum(one.n_bytes for one in written),
        n_files=sum(one.is_written for one in written),
        n_files_before=0,
        notes=tuple(sorted(note for one in written for note in one.notes)),
    )


def _parquet_jobs(shards: Sequence[Shard], out: Path, options: TagOptions, piece_bytes: int) -> list[_Job]:
    """The files of tagged Parquet; a large Parquet shard becomes several, in the order of their names."""
    jobs = []
    for shard, name in zip(shards, target_names(shards), strict=True):
        pieces = [shard]
        try:
            sets = set_names(shard, options.config)
            if shard.kind == "parquet" and not shard.sides:  # files beside it belong to it as a whole
                pieces = split_row_groups(shard, piece_bytes)
        except InputError:
            sets = []  # its task reports the fault
        if options.attribute_set in sets:
            raise UsageError(
                f"{shard.path}: has a set of attributes {options.attribute_set} already; "
                "give the new one another name with --name"
            )
        stem = name.removesuffix(".parquet")
        names = [name] if len(pieces) == 1 else [f"{stem}-{number:05d}.parquet" for number in range(len(pieces))]
        jobs += [_Job(piece, out / piece_name) for piece, piece_name in zip(pieces, names, strict=True)]
    return jobs


def _dolma_jobs(shards: Sequence[Shard], out: Path, options: TagOptions) -> list[_Job]:
    """The attribute files, where the mixer looks for them: by the path below `documents`, whatever else is there."""
    folder = out / "attributes" / options.attribute_set
    return [_Job(replace(shard, sides=()), folder / _below_documents(shard)) for shard in shards]


def _below_documents(shard: Shard) -> str:
    path = Path(shard.path)
    root = next((parent for parent in path.parents if parent.name == "documents"), None)
    name = shard.name if root is None else path.relative_to(root).as_posix()
    if shard.kind == "parquet":
        return str(Path(name).with_suffix(".json.gz"))
    return name if name.endswith(path.name) else str(Path(name).with_name(path.name))


def _check_distinct(jobs: Sequence[_Job]) -> None:
    owners: dict[Path, _Job] = {}
    for job in jobs:
        other = owners.setdefault(job.target, job)
        if other is not job:
            raise UsageError(
                f"{other.shard.path} and {job.shard.path} would both go to {job.target}; tag them into two folders"
            )


@contextmanager
def _going_on(out: Path, key: str, jobs: Sequence[_Job], options: TagOptions) -> Iterator[list[_Job]]:
    """The jobs that are still to be done. While a run is not finished, a hidden file in `out` names it by `key`.

    A file that is there under its name is whole, because it is renamed into place. Raises `UsageError` where files are
    there and no unfinished run of the same arguments and inputs, and where another process is at work.
    """
    path = out / f".tagging-{options.attribute_set}"
    with disk_errors(path), path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{out}: another run writes {options.attribute_set} here; wait for it to end") from None
        file.seek(0)
        before = file.read(len(key) + 1)
        if before != key:
            try:
                _refuse_existing(out, jobs, options, is_other=bool(before))
            except UsageError:
                if not before:
                    path.unlink()
                raise
            file.truncate(0)
            file.write(key)
            file.flush()
        try:
            yield [job for job in jobs if not _is_finished(job.target)]
        except ExplorerError:
            if not any(job.target.exists() for job in jobs):
                path.unlink()
            raise
        path.unlink()


def _is_finished(target: Path) -> bool:
    """Whether a file is there; what a killed run left of it is removed."""
    if target.parent.is_dir():
        for path in target.parent.glob(f"{glob.escape(target.name)}*{TEMPORARY}*"):
            path.unlink(missing_ok=True)
    return target.exists()


def _refuse_existing(out: Path, jobs: Sequence[_Job], options: TagOptions, *, is_other: bool) -> None:
    folder = out / "attributes" / options.attribute_set
    is_taken = options.form == "dolma" and any(path.is_file() for path in folder.rglob("*"))
    found = folder if is_taken else next((job.target for job in jobs if os.path.lexists(job.target)), None)
    if found is None:
        return
    if is_other:
        raise UsageError(
            f"{found}: from a run that was stopped, of other taggers or other inputs than now; remove it, or give the "
            "same again"
        )
    raise UsageError(f"{found}: exists already and is not overwritten; give another --out or --name")
