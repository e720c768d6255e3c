"""The account of a build: what is current, what was read, what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import duckdb
import polars as pl

from explorer.catalogue import Content
from explorer.config import CorpusConfig
from explorer.definitions import Definitions
from explorer.duplicates.stages import Found
from explorer.impact.bind import BoundRecipe
from explorer.impact.source import Source
from explorer.index_documents import sum_fingerprints
from explorer.ingest.shards import Shard
from explorer.partials import Piece
from explorer.plan import IndexOptions, Part
from explorer.recipe.toml import to_toml
from explorer.relations import IndexedPart
from explorer.urls import suffix_list_version
from explorer.workspace import FORMAT, INDEX_VERSION


def by_part(sets: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """The receipts of attribute sets as (set, receipt) of each part, in order of the sets' names."""
    grouped: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for (key, name), receipt in sorted(sets.items(), key=lambda item: item[0]):
        grouped.setdefault(key, []).append((name, receipt))
    return grouped


def manifest_of(
    parts: Sequence[Part],
    receipts: Mapping[str, Mapping[str, Any]],
    sets: Mapping[tuple[str, str], Mapping[str, Any]],
    options: IndexOptions,
) -> dict[str, Any]:
    """What is current in the workspace: the parts, their files and fingerprints, and with what they were made."""
    own = by_part(sets)
    by_set: dict[str, int] = {}
    for (_, name), receipt in sets.items():
        by_set[name] = (by_set.get(name, 0) + int(receipt["fingerprint"], 16)) % 2**64
    return {
        "format": FORMAT,
        "index_version": INDEX_VERSION,
        "n_docs": sum(receipt["n_docs"] for receipt in receipts.values()),
        "fingerprint": sum_fingerprints(receipt["fingerprint"] for receipt in receipts.values()),
        "attribute_fingerprints": {name: f"{value:016x}" for name, value in sorted(by_set.items())},
        "tokenizer": options.tokenizer or options.config.tokenizer,
        "counted_with": options.tokenizer,
        "keep_text": options.keep_text,
        "tags": asdict(options.tags) if options.tags is not None else None,
        "duckdb_version": duckdb.__version__,
        "suffix_list": suffix_list_version(),
        "parts": [
            {
                "key": part.key,
                "n_docs": receipts[part.key]["n_docs"],
                "shards": [shard.to_json() for shard in part.shards],
                "sets": {name: r["key"] for name, r in own.get(part.key, ())},
            }
            for part in parts
        ],
    }


def content_of(
    config: CorpusConfig,
    indexed: Sequence[IndexedPart],
    cut: Mapping[str, Sequence[Piece]],
    parts: Sequence[Part],
    receipts: Mapping[str, Mapping[str, Any]],
    sets: Mapping[tuple[str, str], Mapping[str, Any]],
    manifest: Mapping[str, Any],
    recipes: Sequence[BoundRecipe],
    source: Source,
    recipe_faults: Sequence[tuple[str, str]],
    duplicates: Found,
    definitions: Definitions,
) -> Content:
    """What the catalogue is made from: index files, and the account of what was read and what was left out."""
    shards: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    for part in parts:
        for shard, report in zip(part.shards, receipts[part.key]["shards"], strict=True):
            shards.append({
                "shard": len(shards), "name": shard.name, "n_file_bytes": shard.size, "n_rows": report["n_rows"],
                "n_docs": report["n_docs"], "n_rejected": sum(report["rejects"].values()), "fault": report["fault"],
                "fingerprint": report["fingerprint"],
            })  # fmt: skip
            faults += _fault_rows(report, shard.name, None)
            if report["fault"]:
                faults.append(_fault(shard.name, None, "unreadable_file", 0, None, report["fault"]))
    alignments = []
    own = by_part(sets)
    for part, (name, receipt) in ((one, item) for one in parts for item in own.get(one.key, ())):
        for shard, report in zip(part.shards, receipt["shards"], strict=True):
            states = report["states"]
            alignments.append({
                "attribute_set": name,
                "name": shard.name,
                "n_rows": report["n_rows"],
                **{f"n_{state}": states.get(state, 0) for state in ("present", "misaligned", "missing")},
                "n_orphans": report["n_orphans"],
            })  # fmt: skip
            faults += _fault_rows(report, _side_name(shard, name), name)
    faults += [_fault(name, None, "unreadable_recipe", 0, None, fault) for name, fault in recipe_faults]
    n_values = sum(receipt["n_values"] for receipt in sets.values())
    outside = sum(receipt["n_spans_outside"] for receipt in sets.values())
    has_tokens = "n_tokens" in config.attribute_columns or any(receipts[part.key]["has_tokens"] for part in parts)
    facts = {
        "name": config.name, "version": config.version, "licence": config.licence, "description": config.description,
        "homepage": config.homepage, "tokenizer": manifest["tokenizer"] or ("as given" if has_tokens else ""),
        "fingerprint": manifest["fingerprint"], "duckdb_version": manifest["duckdb_version"],
        "suffix_list": manifest["suffix_list"], "n_spans_outside": str(outside),
        "n_files_passed_over": str(manifest["n_files_passed_over"]),
        "min_paragraph": str(duplicates.options.min_paragraph or "not looked for"),
        "near_threshold": str(duplicates.options.near or "not looked for"),
        **{f"fingerprint of {name}": value for name, value in manifest["attribute_fingerprints"].items()},
    }  # fmt: skip
    return Content(
        config, indexed, cut, config.attribute_columns, shards, faults, alignments, facts, manifest["n_docs"],
        n_values, recipes, source, duplicates, definitions.found, _options(config, manifest, duplicates, recipes),
    )  # fmt: skip


def _options(
    config: CorpusConfig, manifest: Mapping[str, Any], duplicates: Found, recipes: Sequence[BoundRecipe]
) -> dict[str, Any]:
    """What a build has to be asked for so that it makes the same numbers of the same documents, as plain JSON.

    A tagger's file is named without its folder: no path of a machine is published, and its content is in the version.
    A recipe is the file that was used, in one form, without what a mixer needs to write files.
    """
    tags = manifest["tags"]
    return {
        "tokenizer": manifest["counted_with"],
        "min_paragraph": duplicates.options.min_paragraph,
        "near_threshold": duplicates.options.near,
        "keep_text": manifest["keep_text"],
        "tags": {
            "attribute_set": tags["attribute_set"],
            "taggers": [_without_folder(spec) for spec in tags["specs"]],
            "version": tags["version"],
        } if tags else None,
        "columns": dict(config.columns),
        "source_order": list(config.sources),
        "recipes": {one.recipe.name: to_toml(replace(one.recipe, extra={})) for one in recipes},
        "versions": {"duckdb": manifest["duckdb_version"], "polars": pl.__version__},
    }  # fmt: skip


def _without_folder(spec: str) -> str:
    head, equals, path = spec.partition("=")
    return f"{head}={path.replace(chr(92), '/').rpartition('/')[2]}" if equals else spec


def _side_name(shard: Shard, attribute_set: str) -> str:
    """The attribute file of a shard, from its `attributes` folder on; the shard itself where the set lies inside it."""
    path = next((side.path for side in shard.sides if side.attribute_set == attribute_set), "")
    return f"attributes/{path.rpartition('/attributes/')[2]}" if path else shard.name


def _fault_rows(report: Mapping[str, Any], name: str, attribute_set: str | None) -> list[dict[str, Any]]:
    rows = []
    for reason, n in sorted(report["rejects"].items()):
        row, detail = next(((row, detail) for row, r, detail in report["examples"] if r == reason), (-1, ""))
        rows.append(_fault(name, attribute_set, reason, n, row + 1 if row >= 0 else None, detail))
    return rows


def _fault(
    name: str, attribute_set: str | None, reason: str, n_rows: int, first_row: int | None, detail: str
) -> dict[str, Any]:
    """A row of the catalogue's table `rejects`."""
    return {
        "name": name, "attribute_set": attribute_set, "reason": reason, "n_rows": n_rows, "first_row": first_row,
        "detail": detail,
    }  # fmt: skip
