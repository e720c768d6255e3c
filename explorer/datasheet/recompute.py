"""The corpus that a published stats.json is held against: a workspace, or shards that are built as it says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explorer.build import DEFAULT_MEMORY, Listener, build
from explorer.config import parse_config
from explorer.corpus import Corpus, open_corpus
from explorer.datasheet.stats import STATS_FILE
from explorer.errors import InputError, UsageError
from explorer.ingest.shards import find_shards
from explorer.sheet import SCHEMA_FILE
from explorer.taggers.registry import check_set_name, load_taggers
from explorer.tokenizers import TOKENIZERS
from explorer.toml_checks import toml_string
from explorer.workspace import disk_errors

# Files of a bundle that are named like shards.
SHARD_LIKE = (STATS_FILE, SCHEMA_FILE, "croissant.json", "eu/public_summary.json")
_LONGEST_NAME = 200  # of a recipe: it becomes that of a file


@contextmanager
def corpus_of(
    against: Sequence[str],
    published: Mapping[str, Any],
    *,
    bundle: Path | None = None,
    workers: int | None = None,
    memory: int = DEFAULT_MEMORY,
    listener: Listener = lambda step: None,
) -> Iterator[Corpus]:
    """The one workspace that `against` names, else a temporary one, built from shards with the published options.

    What cannot be done as it was then (a tokenizer, a tagger, a column that is not there) is left out, so that the
    options of the corpus tell. Files of the published `bundle` itself are no shards. Raises what
    `build` and `open_corpus` raise.
    """
    if len(against) == 1 and _is_workspace(Path(against[0])):
        with open_corpus(against[0]) as corpus:
            yield corpus
        return
    with tempfile.TemporaryDirectory(prefix="corpus-explorer-verify-") as folder:
        root = Path(folder)
        against = _without_bundle(against, bundle, root / "inputs") if bundle is not None else against
        options = published["options"]
        given = {
            "tokenizer": options["tokenizer"] if options["tokenizer"] in TOKENIZERS else "",
            "keep_text": options["keep_text"],
            "recipes": _write_recipes(root / "recipes", options["recipes"]),
            "duplicates": options["min_paragraph"] is not None,
            "near": options["near_threshold"] or None,
            "min_paragraph": options["min_paragraph"],
            **_tags(options["tags"], against),
            "workers": workers,
            "memory": memory,
            "listener": listener,
        }
        try:
            build(against, root / "workspace", config_path=_write_config(root, published), **given)
        except UsageError:
            if not any(path.startswith("attribute:") for path in options["columns"].values()):
                raise
            # the attributes that fill a column lie elsewhere; all else can be counted
            build(against, root / "workspace", config_path=_write_config(root, published, all_columns=False), **given)
        with open_corpus(root / "workspace") as corpus:
            yield corpus


def _without_bundle(against: Sequence[str], bundle: Path, links: Path) -> list[str]:
    """The inputs; one that holds files of the bundle becomes a folder of links to all its other shards, named alike."""
    own = {os.path.realpath(bundle / name) for name in SHARD_LIKE}
    inputs = []
    for number, text in enumerate(against):
        shards = find_shards([text])
        kept = [shard for shard in shards if os.path.realpath(shard.path) not in own]
        if len(kept) == len(shards):
            inputs.append(text)
            continue
        if not kept:
            raise InputError(f"{text}: holds no shard besides the files of {bundle}; name the documents")
        # a shard's name is its path below its input
        root = Path(kept[0].path.removesuffix(kept[0].name))
        copy = links / str(number) / root.name
        for path in [path for shard in kept for path in (shard.path, *(side.path for side in shard.sides)) if path]:
            link = copy / os.path.relpath(path, root)
            with disk_errors(link):
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
        inputs.append(str(copy))
    return inputs


def _is_workspace(path: Path) -> bool:
    return (path / "manifest.json").is_file() and (path / "index").is_dir()


def _write_config(root: Path, published: Mapping[str, Any], *, all_columns: bool = True) -> Path:
    """A corpus.toml as the published numbers were made with: names, columns, sources in their order."""
    config, options = published["config"], published["options"]
    columns = {
        role: path for role, path in options["columns"].items() if all_columns or not path.startswith("attribute:")
    }
    order = [*options["source_order"], *(name for name in config["sources"] if name not in options["source_order"])]
    tables = {
        "corpus": {key: text for key, text in config["corpus"].items() if text},
        "columns": columns,
        **{f"sources.{toml_string(name)}": config["sources"].get(name, {}) for name in dict.fromkeys(order)},
    }
    parse_config({"columns": columns}, "stats.json, options")
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {toml_string(text)}" for key, text in table.items()), ""]
    path = root / "corpus.toml"
    with disk_errors(path):
        path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _write_recipes(folder: Path, recipes: Mapping[str, str]) -> list[str]:
    """The recipes as files; their names are those of the recipes. Raises `InputError` for what names no file."""
    paths = []
    with disk_errors(folder):
        for name, text in recipes.items():
            if not name or len(name.encode()) > _LONGEST_NAME or any(c in name for c in "/\\\0") or name[0] == ".":
                raise InputError(f"stats.json: options.recipes: {name!r} is not the name of a recipe")
            folder.mkdir(exist_ok=True)
            path = folder / f"{name}.toml"
            path.write_text(text, encoding="utf-8")
            paths.append(str(path))
    return paths


def _tags(tags: Mapping[str, Any] | None, against: Sequence[str]) -> dict[str, Any]:
    """`tag` and `tag_set` of `build`; none where a tagger is not here, or the set lies beside the shards."""
    none: dict[str, Any] = {"tag": [], "tag_set": None}
    # a tagger that reads a file is named without the file's folder: which file it was, nobody knows here
    if tags is None or any("=" in spec or "," in spec for spec in tags["taggers"]):
        return none
    try:
        check_set_name(tags["attribute_set"])
        load_taggers(tags["taggers"])
    except UsageError:
        return none
    beside = {side.attribute_set for shard in find_shards(against) for side in shard.sides}
    return none if tags["attribute_set"] in beside else {"tag": tags["taggers"], "tag_set": tags["attribute_set"]}
