"""From inputs to a workspace: find shards, cut parts, run tasks, merge, write the catalogue.

Whatever a finished file already answers is not computed again: a killed build goes on where it stopped, new tags
re-read no text, an edited title recomputes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from explorer.attributes import attribute_from_json
from explorer.catalogue import write_catalogue
from explorer.config import CorpusConfig, read_config
from explorer.definitions import define
from explorer.duplicates.existing import compare_marks
from explorer.duplicates.relations import RELATIONS as DUPLICATE_RELATIONS
from explorer.duplicates.relations import duplicate_pieces
from explorer.duplicates.samples import write_samples
from explorer.duplicates.stages import DuplicatePart, Found, find_duplicates, settle_duplicates
from explorer.errors import InputError, UsageError, WorkspaceError
from explorer.executor import Runner, default_workers, open_pool
from explorer.impact.bind import BoundRecipe
from explorer.impact.partials import RELATIONS as RECIPE_RELATIONS
from explorer.impact.partials import (
    add_recipes,
    compute_recipe_partials,
    read_recipes,
    recipe_pieces,
    recipe_statistics,
    workspace_recipes,
)
from explorer.impact.sample import draw_sample, wants_sample
from explorer.impact.source import SourcePart, source_of
from explorer.index_attributes import attribute_sets, attributes_key, index_attributes
from explorer.index_documents import index_part
from explorer.ingest.shards import find_shards, first_line, passed_over
from explorer.partials import Piece, compute_partials, partial_path, pieces
from explorer.plan import IndexOptions, Part, plan_parts
from explorer.provenance import by_part, content_of, manifest_of
from explorer.relations import IndexedPart, IndexedSet
from explorer.settle import as_read, check_roles, last_manifest, last_parts, settle_config, settle_tags
from explorer.statistic import load_statistics
from explorer.tokenizers import TOKENIZERS, token_counter
from explorer.workspace import (
    INDEX_FOLDERS,
    Workspace,
    disk_errors,
    read_receipt,
    storage_failure,
    write_json,
)

DEFAULT_MEMORY = 1 << 30
_LEAST_MEMORY = 128 << 20  # of a worker


@dataclass(frozen=True)
class Step:
    """How far a build is: the name of the step and the share of it that is done, 0 to 1."""

    name: str
    share: float


Listener = Callable[[Step], None]


@dataclass(frozen=True)
class BuildReport:
    """What a build did, for the person who ran it."""

    root: Path
    n_docs: int
    n_bytes_read: int  # of document files, in this build
    n_attribute_bytes_read: int  # of attribute files, in this build
    n_parts: int
    n_parts_indexed: int  # the others were there already
    faults: tuple[str, ...]  # shards that could not be used
    n_rejected: int
    passed_over: tuple[str, ...]  # files below the inputs that are neither shards nor their attribute files
    is_unchanged: bool  # the same files, read in the same way, as in the build before


def build(
    inputs: Sequence[str],
    out: Path,
    *,
    config_path: Path | None = None,
    tokenizer: str | None = None,
    keep_text: bool = True,
    recipes: Sequence[str] = (),
    duplicates: bool | None = None,
    near: float | bool | None = None,
    min_paragraph: int | None = None,
    tag: Sequence[str] | None = None,
    tag_set: str | None = None,
    workers: int | None = None,
    memory: int = DEFAULT_MEMORY,
    part_bytes: int | None = None,
    listener: Listener = lambda step: None,
) -> BuildReport:
    """Build or bring up to date the workspace `out` from `inputs` (files, folders, globs).

    What is not given is as in the last build: `tokenizer` (an empty name counts no tokens), `duplicates` (whether to
    look for them, by URL, text and paragraph), `near` (whether to look for near-duplicates, or their Jaccard
    threshold), `min_paragraph` (characters below which a paragraph is passed over), `tag` (taggers whose attributes are
    made in the same reading, as the set `tag_set`; an empty list for none). `recipes` (files, or names of
    built-in ones) are put into the workspace. `memory` bounds all workers together, in bytes; `part_bytes` is the text
    that a part aims at, else the corpus decides (no number depends on it). Raises `UsageError` for wrong options,
    `InputError` where no input can be used, `StorageError` where the disk refuses, `WorkspaceError` where `out` holds
    something else.
    """
    if tokenizer:
        token_counter(tokenizer)  # refuses an unknown one before anything is written
    n_workers = min(default_workers(), max(1, memory // _LEAST_MEMORY)) if workers is None else workers
    if n_workers < 1 or memory < n_workers * _LEAST_MEMORY:
        raise UsageError(
            f"--memory {memory >> 20}MB is too little for --workers {n_workers}: each needs {_LEAST_MEMORY >> 20}MB"
        )
    listener(Step("finding shards", 0.0))
    shards = find_shards(inputs, leave_out=out)
    others = passed_over(inputs, shards, leave_out=out)
    given = read_config(config_path) if config_path is not None else None
    added = read_recipes(recipes)  # refuses a wrong one before anything is written
    workspace = Workspace(out.resolve())
    workspace.create()
    per_worker = memory // n_workers
    with _locked(workspace), _engine_errors(workspace):
        workspace.sweep()
        config = settle_config(workspace, config_path, given)
        add_recipes(workspace, recipes, added)
        last = last_manifest(workspace)
        if tokenizer is None:
            tokenizer = last.get("counted_with", "")
        wanted = settle_duplicates(last, duplicates, near, min_paragraph)
        options = IndexOptions(
            config,
            tokenizer,
            keep_text,
            min_paragraph=wanted.min_paragraph,
            signatures=wanted.near is not None,
            tags=settle_tags(last, tag, tag_set, shards),
            batch_bytes=max(1 << 20, min(16 << 20, per_worker // 32)),
        )
        parts = plan_parts(shards, last_parts(last), options.key, part_bytes)
        with open_pool(n_workers) as pool:
            receipts, n_read = _index(workspace, parts, options, pool, listener)
            faults = tuple(s["fault"] for r in receipts.values() for s in r["shards"] if s["fault"])
            if not any(receipt["n_docs"] for receipt in receipts.values()):
                raise InputError(_nothing_read(receipts, faults))
            sets, n_attributes_read = _index_sets(workspace, parts, receipts, options, pool, listener)
            check_roles(config, sets, sets.values())
            own = by_part(sets)
            indexed = [_indexed(workspace, part, receipts[part.key], own.get(part.key, ())) for part in parts]
            found = find_duplicates(
                workspace,
                [DuplicatePart(p.key, p.n_docs, tuple(receipts[p.key]["sources"])) for p in indexed],
                config.sources,
                wanted,
                pool,
                per_worker // 2,
                lambda share: listener(Step("finding duplicates", share)),
            )
            marked = compare_marks(workspace, indexed, found, pool, per_worker // 2)
            found = replace(found, compared=marked)
            cut = _cut(indexed, own, config, found)
            manifest = manifest_of(parts, receipts, sets, options)
            source = source_of(workspace, manifest, config)
            bound, recipe_faults = workspace_recipes(workspace, source)
            faults += tuple(f"{name}: {fault}" for name, fault in recipe_faults)
            of_recipes = recipe_pieces(bound, source)
            _partials(workspace, cut, of_recipes, pool, per_worker, listener)
            samples = write_samples(
                workspace,
                manifest["parts"],
                found,
                cut,
                pool,
                per_worker // 2,
                lambda share: listener(Step("reading samples", share)),
                keep_text=keep_text,
            )
            found = replace(found, samples=samples)
        cut |= {relation: [piece for _, _, piece in of_recipes] for relation in RECIPE_RELATIONS}
        listener(Step("writing the catalogue", 0.0))
        manifest["n_files_passed_over"] = len(others)
        meant = define(
            (a for part in indexed for one in part.sets for a in one.attributes),
            *((options.tags.attribute_set, options.tags.specs) if options.tags is not None else ()),
        )
        faults += (meant.fault,) if meant.fault else ()
        content = content_of(
            config, indexed, cut, parts, receipts, sets, manifest, bound, source, recipe_faults, found, meant
        )
        write_catalogue(workspace, content, memory // 2)
        manifest |= {
            "root": str(workspace.root),
            "detail_relations": "tables" if content.as_tables else "views",
            "duplicates": asdict(wanted),
        }
        write_json(workspace.manifest, manifest)
        if wants_sample(source):
            draw_sample(source, memory=memory // 2, progress=lambda share: listener(Step("drawing a sample", share)))
        _remove_stale(workspace, indexed, sets, cut, found)
        listener(Step("writing the catalogue", 1.0))
    return BuildReport(
        root=workspace.root,
        n_docs=sum(receipt["n_docs"] for receipt in receipts.values()),
        n_bytes_read=n_read,
        n_attribute_bytes_read=n_attributes_read,
        n_parts=len(parts),
        n_parts_indexed=sum(1 for part in parts if receipts[part.key].get("is_new")),
        faults=faults,
        n_rejected=sum(sum(s["rejects"].values()) for r in receipts.values() for s in r["shards"]),
        passed_over=tuple(others),
        is_unchanged=as_read(last) == as_read(manifest),
    )


@contextmanager
def _locked(workspace: Workspace) -> Iterator[None]:
    """One build at a time in a workspace; the lock goes with the process that holds it."""
    import fcntl

    path = workspace.root / "index" / ".lock"
    with disk_errors(path), path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkspaceError(f"{workspace.root}: another build is writing here; wait for it to end") from None
        yield


@contextmanager
def _engine_errors(workspace: Workspace) -> Iterator[None]:
    """Turn what an engine raises, here or in a worker, into one line: a full disk, or an index file gone bad."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise storage_failure(workspace.root, error) or WorkspaceError(
            f"{workspace.root}: {first_line(error)}; where that names a file of the index, remove it and build again"
        ) from error


def _index(
    workspace: Workspace, parts: Sequence[Part], options: IndexOptions, pool: Runner, listener: Listener
) -> tuple[dict[str, dict[str, Any]], int]:
    """Receipts of all parts by key, computing those that are missing; and the bytes of input read."""
    receipts: dict[str, dict[str, Any]] = {}
    missing = []
    for part in parts:
        receipt = read_receipt(workspace.documents(part.key))
        if receipt is None:
            missing.append(part)
        else:
            receipts[part.key] = receipt
    total = sum(shard.n_bytes for part in missing for shard in part.shards)
    tasks = [(index_part, (workspace.root, part, options)) for part in missing]
    for receipt in pool.run(tasks, lambda done: listener(Step("reading text", min(1.0, done / max(1, total))))):
        receipts[receipt["key"]] = {**receipt, "is_new": True}
    return receipts, total


def _nothing_read(receipts: Mapping[str, Mapping[str, Any]], faults: Sequence[str]) -> str:
    if faults:
        more = f" (and {len(faults) - 1} files more)" if len(faults) > 1 else ""
        return f"no document could be read: {faults[0]}{more}"
    for receipt in receipts.values():
        for shard in receipt["shards"]:
            for row, reason, detail in shard["examples"]:
                place = f"row {row + 1}" if row >= 0 else "whole file"
                return (
                    f"no document could be read: {shard['name']}, {place}: {reason.replace('_', ' ')} {detail}".rstrip()
                )
    return "no document could be read: the files hold no rows"


def _index_sets(
    workspace: Workspace,
    parts: Sequence[Part],
    receipts: Mapping[str, Mapping[str, Any]],
    options: IndexOptions,
    pool: Runner,
    listener: Listener,
) -> tuple[dict[tuple[str, str], dict[str, Any]], int]:
    """Receipts of all attribute sets by (part, set), computing those that are missing; and the bytes of input read."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    tasks = []
    owners: dict[str, tuple[str, str]] = {}
    total = 0
    for part in parts:
        for name in attribute_sets(part, dict(receipts[part.key])):
            key = attributes_key(part, name, options.config)
            receipt = read_receipt(workspace.attributes(key))
            if receipt is not None:
                found[part.key, name] = receipt
                continue
            owners[key] = (part.key, name)
            tasks.append((index_attributes, (workspace.root, part, name, options)))
            total += sum(s.size for shard in part.shards for s in shard.sides if s.attribute_set == name)
    for receipt in pool.run(tasks, lambda done: listener(Step("reading attributes", min(1.0, done / max(1, total))))):
        found[owners[receipt["key"]]] = receipt
    return found, total


def _indexed(
    workspace: Workspace,
    part: Part,
    receipt: Mapping[str, Any],
    sets: Iterable[tuple[str, Mapping[str, Any]]],
) -> IndexedPart:
    own = [
        IndexedSet(
            name,
            workspace.attributes(r["key"]),
            workspace.values(r["key"]),
            workspace.spans(r["key"]),
            tuple(attribute_from_json(a) for a in r["attributes"]),
        )
        for name, r in sets
    ]
    return IndexedPart(part.key, workspace.documents(part.key), receipt["n_docs"], len(part.shards), tuple(own))


def _cut(
    indexed: Sequence[IndexedPart],
    sets: Mapping[str, Iterable[tuple[str, Mapping[str, Any]]]],
    config: CorpusConfig,
    duplicates: Found,
) -> dict[str, list[Piece]]:
    """The pieces of every relation that some statistic reads."""
    set_keys = {part.key: [r["key"] for _, r in sets.get(part.key, ())] for part in indexed}
    used = {s.over for s in load_statistics().values() if s.over}
    used -= {*RECIPE_RELATIONS, *DUPLICATE_RELATIONS}
    cut = {over: pieces(over, indexed, set_keys, config.attribute_columns) for over in sorted(used)}
    return cut | duplicate_pieces(duplicates, indexed, set_keys, config.attribute_columns)


def _partials(
    workspace: Workspace,
    cut: Mapping[str, Sequence[Piece]],
    of_recipes: Sequence[tuple[BoundRecipe, SourcePart, Piece]],
    pool: Runner,
    memory: int,
    listener: Listener,
) -> None:
    statistics = load_statistics()
    tasks: list[Any] = []
    total = 0
    for over, its_pieces in cut.items():
        names = [name for name, statistic in statistics.items() if statistic.over == over]
        for piece in its_pieces:
            missing = [name for name in names if not partial_path(workspace, statistics[name], piece).exists()]
            if missing:
                tasks.append((compute_partials, (workspace.root, piece, missing, memory // 3)))
                total += len(missing)
    for bound, part, piece in of_recipes:
        lacking = [s for s in recipe_statistics().values() if not partial_path(workspace, s, piece).exists()]
        if lacking:
            tasks.append((compute_recipe_partials, (workspace.root, bound, part, piece, memory // 3)))
            total += len(lacking)
    for _ in pool.run(tasks, lambda done: listener(Step("computing statistics", min(1.0, done / max(1, total))))):
        pass


def _remove_stale(
    workspace: Workspace,
    indexed: Sequence[IndexedPart],
    sets: Mapping[tuple[str, str], Mapping[str, Any]],
    cut: Mapping[str, Sequence[Piece]],
    duplicates: Found,
) -> None:
    """Remove index files that neither this build nor the one before lists (views of open catalogues may read those)."""
    current = {part.key for part in indexed} | {receipt["key"] for receipt in sets.values()}
    current |= duplicates.names
    generation = workspace.root / "index" / "generation.json"
    before = read_receipt(generation) or {}
    keep = current | set(before.get("keys", ()))
    for folder in INDEX_FOLDERS:
        for path in (workspace.root / folder).iterdir():
            if path.stem not in keep:
                path.unlink(missing_ok=True)
    wanted = {partial_path(workspace, s, piece) for s in load_statistics().values() if s.over for piece in cut[s.over]}
    for path in (workspace.root / "partials").rglob("*.parquet"):
        if path not in wanted:
            path.unlink(missing_ok=True)
    write_json(generation, {"keys": sorted(current)})


__all__ = ["TOKENIZERS", "BuildReport", "Step", "build"]
