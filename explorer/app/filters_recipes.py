"""Which recipes the Filters page offers: the workspace's own, those that come with the package, an uploaded one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import streamlit as st

from explorer.app import session
from explorer.definitions import is_shipped
from explorer.errors import ExplorerError, InputError
from explorer.escape import printable
from explorer.impact.bind import bind
from explorer.impact.partials import SUFFIXES, recipe_files
from explorer.impact.source import Source
from explorer.recipe.model import Recipe
from explorer.recipe.read import builtin_recipes, parse_recipe, read_recipe
from explorer.workspace import Workspace

Origin: TypeAlias = Literal["own", "built-in", "uploaded"]
UPLOADED = "filters.uploaded"  # in a session's state: an uploaded recipe


@dataclass(frozen=True)
class Choice:
    """A recipe that can be chosen, under a name that no other has."""

    name: str
    origin: Origin
    recipe: Recipe


@dataclass(frozen=True)
class Offer:
    """All that can be chosen, and the files of the workspace that cannot be read, with the reason."""

    choices: tuple[Choice, ...]
    refused: tuple[tuple[str, str], ...]

    def find(self, name: str | None) -> Choice | None:
        return next((choice for choice in self.choices if choice.name == name), None)


def offered(source: Source) -> Offer:
    """The workspace's own recipes first, in order of their files; then built-in ones; then the session's upload."""
    own, refused = _own()
    named: dict[str, Choice] = {}
    uploaded = st.session_state.get(UPLOADED)
    groups: Sequence[tuple[Origin, Sequence[Recipe]]] = (
        ("own", own),
        ("built-in", list(builtin_recipes().values())),
        ("uploaded", [uploaded] if isinstance(uploaded, Recipe) else []),
    )
    for origin, recipes in groups:
        for recipe in recipes:
            name = recipe.name if recipe.name not in named else f"{recipe.name} ({origin})"
            number = 2
            while name in named:
                name, number = f"{recipe.name} ({origin}, {number})", number + 1
            named[name] = Choice(name, origin, recipe)
    return Offer(tuple(named.values()), refused)


def _own() -> tuple[list[Recipe], tuple[tuple[str, str], ...]]:
    root = session.workspace_path()
    if root is None:
        return [], ()
    found, refused = [], []
    for path in recipe_files(Workspace(root)):
        recipe, reason = _read(str(path), _state(path))
        if recipe is None:
            refused.append((path.name, reason))
        else:
            found.append(recipe)
    return found, tuple(refused)


def _state(path: Path) -> str:
    state = path.stat()
    return f"{state.st_ino}-{state.st_mtime_ns}-{state.st_size}"


@st.cache_resource(max_entries=100, show_spinner=False)
def _read(path: str, state: str) -> tuple[Recipe | None, str]:
    """A file's recipe, or why it has none."""
    try:
        return read_recipe(Path(path)), ""
    except ExplorerError as error:
        return None, str(error)


def read_upload(name: str, data: bytes) -> Recipe:
    """The recipe in an uploaded file. Raises `InputError` with the file as it was called, the place and the reason."""
    path = Path(name)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{printable(name)}: a recipe is a file that ends in {', '.join(SUFFIXES)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{printable(name)}: not UTF-8 (byte {error.start + 1}); a recipe is a text file") from None
    kind = {".yml": "yaml"}.get(path.suffix.lower(), path.suffix.lower().lstrip("."))
    return parse_recipe(text, path.stem, kind, printable(name))


@dataclass(frozen=True)
class Fit:
    """How much of a recipe finds its attributes in a workspace."""

    n_rules: int
    n_dead: int
    error: str = ""


def fit(recipe: Recipe, source: Source) -> Fit:
    """How many rules of a recipe are dead here."""
    try:
        bound = bind(recipe, source)
    except ExplorerError as error:
        return Fit(0, 0, str(error))
    rules = [[r for s in bound.streams for r in s.rules if r.number == n] for n in range(len(bound.rules))]
    spans = [[r for s in bound.streams for r in s.spans if r.number == n] for n in range(len(bound.span_rules))]
    dead = sum(all(r.is_dead for r in own) for own in rules) + sum(all(r.missing for r in own) for own in spans)
    return Fit(len(rules) + len(spans), dead)


def default_choice(offer: Offer, source: Source) -> Choice | None:
    """The workspace's first own recipe, else the built-in one that finds most of its attributes.

    Where none finds any, the first whose attributes a build can make.
    """
    own = next((choice for choice in offer.choices if choice.origin == "own"), None)
    if own is not None:
        return own
    builtin = [choice for choice in offer.choices if choice.origin == "built-in"]
    fits = [(fit(choice.recipe, source), choice) for choice in builtin]
    usable = [(one.n_dead / one.n_rules, -one.n_rules, number) for number, (one, _) in enumerate(fits) if one.n_rules]
    if usable and min(usable)[0] < 1:
        return fits[min(usable)[2]][1]
    return next((choice for choice in builtin if all(map(is_shipped, choice.recipe.needs))), next(iter(builtin), None))
