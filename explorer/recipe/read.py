"""A recipe by its name or its file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explorer.errors import InputError, UsageError
from explorer.escape import printable
from explorer.recipe.checks import name_shown, nearest
from explorer.recipe.mixer import from_mixer, load_json, load_yaml
from explorer.recipe.model import Recipe
from explorer.recipe.toml import from_toml

MAX_BYTES = 64_000_000  # of a recipe's file
_EXTENSIONS = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json"}


def read_recipe(name_or_path: str | Path) -> Recipe:
    """A recipe: a built-in by its name, else a file, TOML of ours or a Dolma mixer config in YAML or JSON.

    Raises `UsageError` for a name that is neither, `InputError` for a file that cannot be read as a recipe: with the
    file, the stream and rule, the expression and the reason. The first fault of a file is reported.
    """
    own = builtin_recipes()
    if str(name_or_path) in own and not isinstance(name_or_path, Path):
        return own[str(name_or_path)]
    path = Path(name_or_path)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        hint = nearest(str(name_or_path), list(own)) or ";"
        raise UsageError(
            f"{name_shown(name_or_path)}: neither a file nor a built-in recipe{hint} built-in: {', '.join(own)}"
        )
    return parse_recipe(_text_of(path), path.stem, _EXTENSIONS.get(path.suffix.lower(), ""), printable(str(path)))


def parse_recipe(text: str, name: str, kind: str = "", where: str = "") -> Recipe:
    """A recipe from a file's text. `kind` is toml, yaml or json; else it is told from the text.

    Raises `InputError`, whose message begins with `where`.
    """
    try:
        return _parsed(text, name, kind or _kind_of(text))
    except InputError as error:
        raise InputError(f"{where}: {error}" if where else str(error)) from None


def _parsed(text: str, name: str, kind: str) -> Recipe:
    if kind == "toml":
        return from_toml(text, name)
    data: Any = load_json(text) if kind == "json" else load_yaml(text)
    return from_mixer(data, name)


def _kind_of(text: str) -> str:
    """What a file without a telling name holds: JSON begins with {, TOML has `key =` where YAML has `key:`."""
    if text.lstrip().startswith("{"):
        return "json"
    for line in text.splitlines():
        bare = line.strip()
        if bare and not bare.startswith("#"):
            return "toml" if bare.startswith("[[") or "=" in bare.split(":", 1)[0] else "yaml"
    return "yaml"


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{printable(str(path))}: larger than {MAX_BYTES:,} bytes; this is no recipe")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{printable(str(path))}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{printable(str(path))}: not UTF-8 (byte {error.start + 1}); a recipe is a text file"
        ) from None


def builtin_recipes() -> Mapping[str, Recipe]:
    """The recipes that come with the package, by name, in order of their names."""
    return MappingProxyType(_builtin())


@cache
def _builtin() -> dict[str, Recipe]:
    folder = files("explorer.recipe").joinpath("builtin")
    names = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {
        name: parse_recipe(folder.joinpath(f"{name}.toml").read_text("utf-8"), name, "toml", f"{name}.toml")
        for name in names
    }
