"""What a build was asked for, settled against what the workspace says of the last one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.attributes import attribute_from_json
from explorer.config import CorpusConfig, read_config
from explorer.errors import UsageError, WorkspaceError
from explorer.ingest.shards import Shard, shard_from_json
from explorer.plan import Part, TagOptions
from explorer.taggers.registry import DEFAULT_SET, check_set_name, parse_specs, set_is_there, version_of
from explorer.workspace import Workspace, replacing


def settle_tags(
    last: Mapping[str, Any], tag: Sequence[str] | None, tag_set: str | None, shards: Iterable[Shard]
) -> TagOptions | None:
    """The taggers asked for, else those of the last build; none where `tag` is empty.

    Raises `UsageError` for taggers or a name that do not exist, `none` among others, or a set that lies beside the
    shards already; `InputError` for a file of theirs that cannot be read.
    """
    before = last.get("tags") or {}
    specs = parse_specs(tag) if tag else tuple(before.get("specs", ())) if tag is None else ()
    if "none" in specs:
        raise UsageError("--tag none makes no attributes and excludes other taggers; give one or the other")
    if not specs:
        if tag_set is not None:
            raise UsageError("--tag-set names the set of the attributes that --tag makes; give that too")
        return None
    name = check_set_name(tag_set or before.get("attribute_set") or DEFAULT_SET)
    for shard in shards:
        if any(side.attribute_set == name and side.path for side in shard.sides):
            raise set_is_there(shard.path, name)
    return TagOptions(name, specs, version_of(specs))


def settle_config(workspace: Workspace, path: Path | None, given: CorpusConfig | None) -> CorpusConfig:
    """The configuration: the given one, which is copied in, else the workspace's own corpus.toml.

    One that is replaced stays beside it as corpus.toml.before: somebody may have edited it.
    """
    if path is None or given is None:
        return read_config(workspace.config) if workspace.config.exists() else CorpusConfig()
    text = path.read_bytes()
    before = workspace.config.read_bytes() if workspace.config.exists() else None
    if before is not None and before != text:
        with replacing(workspace.config.with_name("corpus.toml.before")) as temporary:
            temporary.write_bytes(before)
    if before != text:
        with replacing(workspace.config) as temporary:
            temporary.write_bytes(text)
    return given


def last_manifest(workspace: Workspace) -> dict[str, Any]:
    """The manifest of the last build; empty where there is none that can be read."""
    try:
        return workspace.read_manifest()
    except WorkspaceError:
        return {}


def as_read(manifest: Mapping[str, Any]) -> str:
    """What a manifest says was read, and how; to compare one that is made with one that was stored."""
    return json.dumps([manifest.get("parts"), manifest.get("counted_with")], sort_keys=True)


def last_parts(manifest: Mapping[str, Any]) -> list[Part]:
    """The parts that a manifest lists."""
    return [Part(p["key"], tuple(shard_from_json(s) for s in p["shards"])) for p in manifest.get("parts", ())]


def check_roles(config: CorpusConfig, sets: Iterable[tuple[str, str]], manifests: Iterable[Mapping[str, Any]]) -> None:
    """Raises `UsageError` where corpus.toml fills a role from an attribute set or key that nothing has."""
    found = {
        (name, attribute_from_json(a).key)
        for (_, name), r in zip(sets, manifests, strict=True)
        for a in r["attributes"]
    }
    for role, (attribute_set, key) in config.attribute_columns.items():
        matches = {
            k for name, k in found if name == attribute_set and (k.startswith(key) if role == "language" else k == key)
        }
        if not matches:
            names = sorted({name for name, _ in found})
            known = f"sets: {', '.join(names)}" if names else "there are no attribute sets"
            if attribute_set in names:
                near = sorted(k for name, k in found if name == attribute_set)
                known = f"its keys: {', '.join(near[:10])}{' ...' if len(near) > 10 else ''}"
            raise UsageError(f"corpus.toml: columns.{role} = attribute:{attribute_set}/{key}: nothing has it; {known}")
