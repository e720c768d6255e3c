"""The demo: a real corpus out of the Python environment that it runs in, in Dolma's layout.

Four sources (code, prose, legal text), real domains and real duplicates; attributes are made by the build. The same
environment and the same cap give the same documents: files are chosen by a hash of their id, and written in the order
of their ids.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from isal import igzip

from explorer.config import toml_string
from explorer.environment import (
    Candidate,
    Environment,
    current_environment,
    find_modules,
    find_packages,
    package_files,
    read_text,
)
from explorer.errors import InputError, WorkspaceError
from explorer.taggers.model import key_of
from explorer.taggers.registry import DEFAULT_SET
from explorer.workspace import TEMPORARY, disk_errors

MAX_BYTES = 40_000_000
TAGGERS = (
    "gopher_v2", "c4_v2", "fineweb_v1", "repetition_v1", "pii_regex_with_counts_fast_v2", "cld2_doc_v2",
    "cld2_en_doc_v2",
)  # fmt: skip
RECIPE = "rules-of-thumb.toml"
SHARES: Mapping[str, int] = {"stdlib": 30, "packages": 50, "descriptions": 15, "licences": 5}  # percent of the cap
_SHARD_BYTES = 4_000_000
_MARK = "# Written by `corpus-explorer demo`, which replaces this folder when it runs again.\n"
_LANGUAGE = key_of(DEFAULT_SET, "cld2_doc_v2", "")  # the beginning of its keys
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()


_RULES = """
title = "Rules of thumb"
doc = "What a filter for prose would take from a corpus that is mostly code."
origin = "one or two rules each of Gopher, C4 and FineWeb; the built-in recipes have them all"
needs = ["gopher_v2", "c4_v2", "fineweb_v1", "pii_regex_with_counts_fast_v2", "cld2_en_doc_v2"]
min_text_length = 1

[[rules]]
name = "fewer than 50 words"
exclude = "*gopher_v2__word_count < 50"

[[rules]]
name = "few alphabetic words"
exclude = "*gopher_v2__fraction_of_words_with_alpha_character < 0.7"

[[rules]]
name = "few common words"
exclude = "*gopher_v2__required_word_count < 2"

[[rules]]
name = "duplicate 5-grams"
exclude = "*gopher_v2__fraction_of_characters_in_duplicate_5grams > 0.15"

[[rules]]
name = "curly brace"
exclude = "*c4_v2__has_curly_brace > 0.5"

[[rules]]
name = "short lines"
exclude = "*fineweb_v1__short_line_ratio > 0.67"

[[rules]]
name = "not English"
exclude = "*cld2_en_doc_v2__en < 0.5"

[[rules]]
name = "more than 5 addresses and numbers"
exclude = "*pii_regex_with_counts_fast_v2__doc_count > 5"

[[spans]]
name = "e-mail addresses"
span = "*pii_regex_with_counts_fast_v2__EMAIL_ADDRESS"
min_score = 0.5
replacement = " |||EMAIL_ADDRESS||| "

[[spans]]
name = "lines of fewer than three words"
span = "*c4_v2__lines_with_too_few_words"
min_score = 0.5
"""


def make_demo_corpus(
    folder: Path,
    progress: Callable[[float], None],
    *,
    max_bytes: int = MAX_BYTES,
    environment: Environment | None = None,
) -> Path:
    """Write documents, a `corpus.toml` and a recipe of filters to `folder` and return it, to be built with `TAGGERS`.

    `max_bytes` caps the UTF-8 bytes of all texts; a source that needs less than its share leaves the rest to the
    others. `progress` gets the share that is done, rising to 1. Raises `InputError` for an environment without text,
    `WorkspaceError` where `folder` holds something else, `StorageError` where the disk refuses.
    """
    if folder.exists() and not _is_replaceable(folder):
        raise WorkspaceError(f"{folder}: is not empty and not a demo corpus; name another folder")
    progress(0.0)
    left_out: Counter[str] = Counter()
    where = environment or current_environment()
    candidates, n_packages = _collect(where, left_out)
    budgets = allot({source: sum(c.size for c in its) for source, its in candidates.items()}, max_bytes)
    chosen = {source: choose(source, its, budgets[source]) for source, its in candidates.items()}
    n_total = max(1, sum(c.size for its in chosen.values() for c in its))
    temporary = folder.with_name(f"{folder.name}{TEMPORARY}{os.getpid()}")
    n_done = 0
    kept: dict[str, int] = {}
    with disk_errors(folder):
        try:
            for source, its in chosen.items():
                with _Writer(temporary, source) as writer:
                    for candidate in its:
                        text = read_text(candidate, source, left_out)
                        if text is not None and writer.n_bytes + len(text.encode()) <= budgets[source]:
                            writer.write(candidate, text)
                        n_done += candidate.size
                        progress(n_done / n_total)
                    kept[source] = writer.n_docs
            if not any(kept.values()):
                raise InputError(f"{where.stdlib}: this environment holds no source file that can be read as text")
            counts = {source: (kept[source], len(its)) for source, its in candidates.items()}
            (temporary / "corpus.toml").write_text(_config(where, n_packages, counts, left_out), encoding="utf-8")
            (temporary / RECIPE).write_text(_MARK + _RULES, encoding="utf-8")
            if folder.exists():
                shutil.rmtree(folder)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    progress(1.0)
    return folder


def _is_replaceable(folder: Path) -> bool:
    """An empty folder, or one that this module wrote."""
    if not folder.is_dir():
        return False
    config = folder / "corpus.toml"
    return not any(folder.iterdir()) or (config.is_file() and config.read_bytes().startswith(_MARK.encode()))


def _collect(where: Environment, left_out: Counter[str]) -> tuple[dict[str, list[Candidate]], int]:
    packages = find_packages(where, left_out)
    found: dict[str, list[Candidate]] = {source: [] for source in SHARES}
    found["stdlib"] += find_modules(where, left_out)
    for source, candidate in package_files(packages, left_out):
        found[source].append(candidate)
    return found, len(packages)


def allot(totals: Mapping[str, int], max_bytes: int) -> dict[str, int]:
    """How many bytes each source may take: its share of the cap, plus what sources that need less leave over."""
    granted: dict[str, int] = {}
    rest = max_bytes
    while waiting := [source for source in totals if source not in granted]:
        weight = sum(SHARES[source] for source in waiting)
        offers = {source: rest * SHARES[source] // weight for source in waiting}
        content = {source: totals[source] for source in waiting if totals[source] <= offers[source]}
        granted |= content or offers
        rest -= sum(content.values())
    return granted


def choose(source: str, candidates: Iterable[Candidate], max_bytes: int) -> list[Candidate]:
    """The candidates that fit, taken in the order of a hash of their ids, so that no package or letter is favoured."""
    taken = []
    rest = max_bytes
    for candidate in sorted(candidates, key=lambda c: hashlib.sha256(f"{source}\0{c.id}".encode()).digest()):
        if candidate.size <= rest:
            taken.append(candidate)
            rest -= candidate.size
    return sorted(taken, key=lambda c: c.id)


class _Writer:
    """The shards of one source."""

    def __init__(self, root: Path, source: str) -> None:
        self.source = source
        self.n_docs = 0
        self.n_bytes = 0
        self._folder = root / "documents" / source
        self._stack = ExitStack()
        self._file: gzip.GzipFile | None = None
        self._n_shards = 0
        self._now = time.time()

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, candidate: Candidate, text: str) -> None:
        if self._file is None or self.n_bytes >= self._n_shards * _SHARD_BYTES:
            self._file = self._next_shard()
        self._file.write(orjson.dumps(self._document(candidate, text), option=orjson.OPT_APPEND_NEWLINE))
        self.n_docs += 1
        self.n_bytes += len(text.encode())

    def _document(self, candidate: Candidate, text: str) -> dict[str, Any]:
        package = candidate.package
        metadata = {
            "package": package.name,
            "version": package.version,
            "path": candidate.path,
            "licence": package.licence,
        }
        row: dict[str, Any] = {"id": candidate.id, "text": text, "source": self.source}
        if self.source == "descriptions" and package.url:
            row["url"] = package.url
        if _EARLIEST < candidate.modified < self._now:  # archives and images often stamp files with 1980 or zero
            row["created"] = datetime.fromtimestamp(candidate.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        row["metadata"] = {key: value for key, value in metadata.items() if value}
        return row

    def _next_shard(self) -> gzip.GzipFile:
        self._stack.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self.source}-{self._n_shards:04}.json.gz"
        self._n_shards += 1
        # no name and no time inside, so that equal content gives equal bytes
        raw = self._stack.enter_context(path.open("wb"))
        return self._stack.enter_context(igzip.GzipFile("", "wb", 2, raw, mtime=0))  # type: ignore[no-untyped-call]


def _config(
    where: Environment, n_packages: int, counts: Mapping[str, tuple[int, int]], left_out: Mapping[str, int]
) -> str:
    chosen = ", ".join(f"{source} {kept:,} of {found:,}" for source, (kept, found) in counts.items())
    refused = ", ".join(f"{n:,} {what}" for what, n in sorted(left_out.items()) if n) or "nothing"
    corpus = {
        "name": "Demo: this Python environment",
        "version": where.python,
        "licence": "various, see the statistics by licence",
        "description": (
            f"The files of a Python {where.python} environment with {n_packages:,} installed packages, as they lie on "
            f"the disk. Chosen under a cap on the total text, by a hash of the id: {chosen}. Left out: {refused}."
        ),
    }
    lines = [_MARK, "[corpus]", *(f"{key} = {toml_string(value)}" for key, value in corpus.items())]
    # what the language identification of TAGGERS finds
    lines += ["", "[columns]", f"language = {toml_string(f'attribute:{DEFAULT_SET}/{_LANGUAGE}')}"]
    for source, (title, kind, licence, origin) in _NOTES.items():
        if counts[source][0]:
            note = {"title": title, "document_type": kind, "licence": licence, "origin": f"{origin} {_DATED}"}
            lines += ["", f"[sources.{source}]", *(f"{key} = {toml_string(value)}" for key, value in note.items())]
    return "\n".join(lines) + "\n"


_DATED = "Dates are the files' modification times (often the installation), where they lie between 1990 and now."
_NOTES = {
    "stdlib": (
        "Standard library",
        "code",
        "PSF-2.0",
        "Modules of Python's standard library without its tests, one document a module.",
    ),
    "packages": (
        "Installed packages",
        "code",
        "various, per package",
        "Python and Cython source files of the packages installed beside corpus-explorer.",
    ),
    "descriptions": (
        "Package descriptions",
        "documentation",
        "various, per package",
        "Long descriptions out of the packages' metadata; the URL is the project's home page or repository.",
    ),
    "licences": (
        "Licence texts",
        "legal text",
        "various, per package",
        "Licence and notice files that the packages carry; copies are kept.",
    ),
}
