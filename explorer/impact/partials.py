"""The partials of a workspace's own recipes: what a build stores, so that the catalogue and the datasheet have them.

The recipes are the files in the workspace's folder `recipes`. A piece is one recipe on one part; its key names the
recipe as it met the workspace (its SQL), so that an edited recipe is computed again and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from explorer.errors import InputError, UsageError
from explorer.impact.bind import BoundRecipe, bind
from explorer.impact.engine import part_partials
from explorer.impact.source import Source, SourcePart
from explorer.partials import Piece, connect, partial_path, write_partial
from explorer.recipe.model import Recipe
from explorer.recipe.read import read_recipe
from explorer.recipe.toml import to_toml
from explorer.statistic import Statistic, load_statistics
from explorer.workspace import Workspace, digest, disk_errors, replacing

RELATIONS = ("hits", "cuts")
SUFFIXES = (".toml", ".yaml", ".yml", ".json")


def read_recipes(names: Sequence[str]) -> list[Recipe]:
    """Recipes by path or name. Raises `UsageError` or `InputError`."""
    return [read_recipe(name) for name in names]


def recipe_files(workspace: Workspace) -> list[Path]:
    """The files of the workspace's own recipes, in order of their names."""
    if not workspace.recipes.is_dir():
        return []
    return sorted(path for path in workspace.recipes.iterdir() if path.suffix in SUFFIXES and path.is_file())


def workspace_recipes(workspace: Workspace, source: Source) -> tuple[list[BoundRecipe], list[tuple[str, str]]]:
    """The workspace's own recipes, bound to it; and (file name, fault) of those that cannot be used."""
    recipes: dict[str, BoundRecipe] = {}
    faults: list[tuple[str, str]] = []
    for path in recipe_files(workspace):
        try:
            recipe = read_recipe(path)
            if recipe.name in recipes:
                raise UsageError(f"another recipe in this folder is called {recipe.name!r} too; rename one")
            recipes[recipe.name] = bind(recipe, source)
        except (InputError, UsageError) as error:
            faults.append((f"recipes/{path.name}", str(error)))
    return list(recipes.values()), faults


def add_recipes(workspace: Workspace, names: Sequence[str], recipes: Sequence[Recipe]) -> None:
    """Put recipes into the workspace: files as they are, built-in ones as TOML. One of the same name is replaced."""
    if not names:
        return
    with disk_errors(workspace.recipes):
        workspace.recipes.mkdir(exist_ok=True)
    for name, recipe in zip(names, recipes, strict=True):
        file = Path(name)
        is_file = file.is_file()
        content = file.read_bytes() if is_file else to_toml(recipe).encode()
        target = workspace.recipes / (file.name if is_file else f"{recipe.name}.toml")
        with replacing(target) as temporary:
            temporary.write_bytes(content)
        for old in recipe_files(workspace):
            if old.stem == target.stem and old != target:
                old.unlink()


def recipe_pieces(bound: Sequence[BoundRecipe], source: Source) -> list[tuple[BoundRecipe, SourcePart, Piece]]:
    """Every recipe on every part that its streams touch."""
    return [
        (one, part, Piece("hits", digest(part.indexed.key, sorted(part.manifest["sets"].items()), repr(one)), ""))
        for one in bound
        for part in source.parts
        if any(one.stream_shards(part))
    ]


def recipe_statistics() -> dict[str, Statistic]:
    """The statistics over a recipe's relations."""
    return {name: statistic for name, statistic in load_statistics().items() if statistic.over in RELATIONS}


def compute_recipe_partials(
    root: Path, bound: BoundRecipe, part: SourcePart, piece: Piece, memory: int, progress: Callable[[float], None]
) -> None:
    """Compute what is missing of one recipe on one part, and write each partial to its file."""
    workspace = Workspace(root)
    wanted = [s for s in recipe_statistics().values() if not partial_path(workspace, s, piece).exists()]
    with connect(memory, root / "partials" / f"spill.writing{piece.key}") as connection:
        for statistic, _ in part_partials(connection, bound, part, wanted):
            write_partial(connection, statistic, partial_path(workspace, statistic, piece))
            progress(1.0)
