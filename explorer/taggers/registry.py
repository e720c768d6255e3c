"""Which taggers there are: the built-in ones, those made from a file of the user's, and those of other packages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from explorer.errors import UsageError
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET
from explorer.ingest.shards import first_line
from explorer.taggers.model import Tagger, TagType

DEFAULT_SET = "tags"
GROUP = "corpus_explorer.taggers"  # entry points: each names a `Tagger`
_MODULES = (
    "gopher",
    "c4",
    "pii",
    "lengths",
    "sampling",
    "languages",
    "fineweb",
    "gopher_quality",
    "repetition",
    "url_lists",
    "fasttext",
    "redpajama",
)
_KIND = re.compile(r"[A-Za-z0-9_-]+:")
_SET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class FileTagger:
    """A kind of tagger that reads a file, asked for as `kind:NAME=FILE`; NAME is the tagger's name in its keys."""

    kind: str
    doc: str
    source: str
    types: tuple[TagType, ...]
    open: Callable[[str, Path], Tagger]  # raises `InputError` for a file that is not what it should be


@cache
def builtin_taggers() -> dict[str, Tagger]:
    """The taggers of this package by name."""
    found: dict[str, Tagger] = {}
    for name in _MODULES:
        found |= {tagger.name: tagger for tagger in import_module(f"explorer.taggers.{name}").TAGGERS}
    return found


@dataclass(frozen=True)
class Others:
    """The taggers of other packages by name, and a line for each entry point that is none."""

    taggers: Mapping[str, Tagger]
    faults: tuple[str, ...]


@cache
def other_taggers() -> Others:
    """Loads the entry points of `GROUP`. One that fails is told and takes nothing from the others."""
    found: dict[str, Tagger] = {}
    faults = []
    for entry in entry_points(group=GROUP):
        package = entry.dist.name if entry.dist is not None else "?"
        place = f"the package {package}: its tagger {entry.name} = {entry.value}"
        try:
            tagger = entry.load()
        except Exception as error:  # noqa: BLE001  # other people's modules may fail with anything
            faults.append(f"{place} cannot be loaded ({type(error).__name__}: {first_line(error)})")
            continue
        if not isinstance(tagger, Tagger):
            faults.append(f"{place} is no explorer.taggers.model.Tagger")
        elif tagger.name in builtin_taggers() or tagger.name in found:
            faults.append(f"{place} is called {tagger.name}, as another one is")
        else:
            found[tagger.name] = tagger
    return Others(found, tuple(faults))


def known_taggers() -> dict[str, Tagger]:
    """All taggers by name."""
    return {**builtin_taggers(), **other_taggers().taggers}


@cache
def file_taggers() -> dict[str, FileTagger]:
    """The kinds of taggers that read a file of the user's."""
    found: dict[str, FileTagger] = {}
    for name in _MODULES:
        kinds = getattr(import_module(f"explorer.taggers.{name}"), "FILE_TAGGERS", ())
        found |= {kind.kind: kind for kind in kinds}
    return found


def parse_specs(texts: Sequence[str]) -> tuple[str, ...]:
    """The taggers that options name, several separated by commas, each once and in order, for `load_taggers`.

    Of several options, one that begins with `kind:` is one tagger whole, so that its file's name may hold commas.
    Raises `UsageError` where nothing is named.
    """
    found: dict[str, None] = {}
    for text in texts:
        is_whole = len(texts) > 1 and _KIND.match(text.strip())
        for spec in [text] if is_whole else text.split(","):
            if spec.strip():
                found[spec.strip()] = None
    if not found:
        raise UsageError("no tagger is named; `corpus-explorer list --taggers` names them all")
    return tuple(found)


def check_set_name(name: str) -> str:
    """The name, if an attribute set may have it: it becomes a folder, a field of Parquet and a part of keys.

    Raises `UsageError` otherwise.
    """
    if not _SET.fullmatch(name) or "__" in name:
        raise UsageError(
            f"{name!r}: not a name for a set of attributes; use up to 100 letters, digits, - and _, "
            "the first a letter or a digit, and no two _ together, which separate the parts of keys"
        )
    if name in (ATTRIBUTES_COLUMN, FLAT_SET):
        raise UsageError(f"{name}: the attributes in the rows themselves are called so; give the set another name")
    return name


def set_is_there(path: str, name: str) -> UsageError:
    """The error of documents that have a set of that name already."""
    return UsageError(f"{path}: has an attribute set {name} already; give another --tag-set, or leave --tag away")


def load_taggers(specs: Sequence[str]) -> tuple[Tagger, ...]:
    """The taggers of some names, or of `kind:NAME=FILE`. Raises `UsageError` for a name that does not exist."""
    found = tuple(_load(spec) for spec in dict.fromkeys(specs))
    names = [tagger.name for tagger in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two taggers are called {name}; give each a name of its own")
    return found


def _load(spec: str) -> Tagger:
    kind, colon, rest = spec.partition(":")
    if colon:
        opener = file_taggers().get(kind)
        name, equals, path = rest.partition("=")
        if opener is None or not equals or not name or not path:
            kinds = ", ".join(f"{each}:NAME=FILE" for each in sorted(file_taggers())) or "none"
            raise UsageError(f"{spec}: no tagger; those that read a file are {kinds}")
        return opener.open(name, Path(path))
    tagger = builtin_taggers().get(spec) or other_taggers().taggers.get(spec)
    if tagger is None:
        close = difflib.get_close_matches(spec, known_taggers(), n=3)
        hint = f"is it {' or '.join(close)}?" if close else "`corpus-explorer list --taggers` names them all"
        faults = "".join(f"; {fault}" for fault in other_taggers().faults)
        raise UsageError(f"{spec}: there is no such tagger; {hint}{faults}")
    return tagger


def version_of(specs: Sequence[str]) -> str:
    """What tells apart two runs of the same specs: the taggers' own keys. Raises as `load_taggers` does."""
    return " ".join(f"{tagger.name}:{tagger.key}" for tagger in load_taggers(specs))
