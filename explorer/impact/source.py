"""The index files of a workspace as filter impact reads them: its manifest and receipts, and no catalogue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from explorer.attributes import Attribute, attribute_from_json
from explorer.config import CorpusConfig, read_config
from explorer.errors import WorkspaceError
from explorer.ingest.shards import Shard, shard_from_json
from explorer.measures import TokenCounter
from explorer.relations import IndexedPart, IndexedSet
from explorer.tokenizers import token_counter
from explorer.workspace import Workspace, read_receipt
from explorer.written import BOTH


@dataclass(frozen=True)
class SourcePart:
    """A part: its index files, its shards, and which attribute files end before their documents do."""

    indexed: IndexedPart
    shards: tuple[Shard, ...]
    # set -> number of a shard in the part -> documents concerned
    short: Mapping[str, Mapping[int, int]]  # the attribute file ends before them
    misaligned: Mapping[str, Mapping[int, int]]  # their attributes were found on another row
    absent: Mapping[str, Mapping[int, int]]  # there is no such file at all
    written_as: Mapping[str, str]  # see `Source.written_as`
    manifest: Mapping[str, Any]  # the part's entry in manifest.json

    @property
    def n_docs(self) -> int:
        return self.indexed.n_docs

    def shards_with(self, attribute_sets: Collection[str]) -> list[int]:
        """The numbers of the shards of which one of some sets has a file."""
        return [
            number
            for number, shard in enumerate(self.shards)
            if any(side.path and side.attribute_set in attribute_sets for side in shard.sides)
        ]


@dataclass(frozen=True)
class Source:
    """All parts of a workspace."""

    root: Path
    fingerprint: str
    config: CorpusConfig
    tokenizer: str  # that counted tokens in the texts; empty where none did
    parts: tuple[SourcePart, ...]

    @property
    def n_docs(self) -> int:
        return sum(part.n_docs for part in self.parts)

    @cached_property
    def sets(self) -> Mapping[str, tuple[Attribute, ...]]:
        """Every attribute of every set, over all parts; sets in order of their names."""
        found: dict[str, set[Attribute]] = {}
        for part in self.parts:
            for one in part.indexed.sets:
                found.setdefault(one.attribute_set, set()).update(one.attributes)
        return {name: tuple(sorted(found[name], key=lambda a: (a.path, a.shape))) for name in sorted(found)}

    @cached_property
    def short(self) -> Mapping[str, int]:
        """The sets with a file that ends early, numbered."""
        names = sorted({name for part in self.parts for name, shards in part.short.items() if shards})
        return {name: number for number, name in enumerate(names)}

    @cached_property
    def written_as(self) -> Mapping[str, str]:
        """How JSON wrote the numbers of attributes, by their columns' stems: "integer", "decimal", or "both" where some
        documents have the one and some the other. An attribute is absent where nothing is known."""
        found: dict[str, str] = {}
        for part in self.parts:
            for stem, form in part.written_as.items():
                found[stem] = form if found.get(stem, form) == form else BOTH
        return found

    @property
    def token_counter(self) -> TokenCounter | None:
        """What counted the tokens; None where nothing did, or where they came with the rows."""
        return token_counter(self.tokenizer) if self.tokenizer else None


def open_source(root: Path) -> Source:
    """The index of a workspace. Raises `WorkspaceError` where there is none or a file of it is missing."""
    workspace = Workspace(root.resolve())
    manifest = workspace.read_manifest()
    config = read_config(workspace.config) if workspace.config.exists() else CorpusConfig()
    return source_of(workspace, manifest, config)


def source_of(workspace: Workspace, manifest: Mapping[str, Any], config: CorpusConfig) -> Source:
    """The index that a manifest lists."""
    parts = tuple(_part(workspace, entry) for entry in manifest["parts"])
    return Source(workspace.root, manifest["fingerprint"], config, manifest.get("counted_with", ""), parts)


def _part(workspace: Workspace, entry: Mapping[str, Any]) -> SourcePart:
    documents = workspace.documents(entry["key"])
    _receipt(documents)
    shards = tuple(shard_from_json(shard) for shard in entry["shards"])
    sets = []
    short: dict[str, dict[int, int]] = {}
    misaligned: dict[str, dict[int, int]] = {}
    absent: dict[str, dict[int, int]] = {}
    written_as: dict[str, str] = {}
    for name, key in sorted(entry["sets"].items()):
        receipt = _receipt(workspace.attributes(key))
        attributes = tuple(attribute_from_json(a) for a in receipt["attributes"])
        sets.append(
            IndexedSet(name, workspace.attributes(key), workspace.values(key), workspace.spans(key), attributes)
        )
        # a receipt of an older index does not say
        forms = receipt.get("written_as", [None] * len(attributes))
        written_as.update({a.column: form for a, form in zip(attributes, forms, strict=True) if form})
        states = [shard["states"] for shard in receipt["shards"]]
        has_file = [any(s.attribute_set == name and s.path for s in shard.sides) for shard in shards]
        is_inline = not any(s.attribute_set == name for shard in shards for s in shard.sides)
        lacking = {n: found["missing"] for n, found in enumerate(states) if found.get("missing")}
        short[name] = {n: n_docs for n, n_docs in lacking.items() if has_file[n]}
        absent[name] = {n: n_docs for n, n_docs in lacking.items() if not has_file[n] and not is_inline}
        misaligned[name] = {n: found["misaligned"] for n, found in enumerate(states) if found.get("misaligned")}
    indexed = IndexedPart(entry["key"], documents, entry["n_docs"], len(shards), tuple(sets))
    return SourcePart(indexed, shards, short, misaligned, absent, written_as, entry)


def _receipt(path: Path) -> dict[str, Any]:
    receipt = read_receipt(path)
    if receipt is None:
        raise WorkspaceError(f"{path}: this file of the index is missing or was changed; build again to restore it")
    return receipt
