"""The numbers of the Filters page: impacts of recipes, kept while they are looked at.

`current_impact` is the one place where the page gets an impact from. What it gives may stand for all documents or for
a sample of them (`Numbers.is_sample`), with the standard error of each estimated column.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import streamlit as st

from explorer.app import session
from explorer.errors import WorkspaceError
from explorer.impact.bind import BoundRecipe
from explorer.impact.engine import Impact
from explorer.impact.source import Source, open_source
from explorer.recipe.model import Recipe
from explorer.workspace import digest

_MAX_RECIPES = 6  # of all sessions; each holds its own connection with small tables


@dataclass(frozen=True)
class Numbers:
    """A statistic's frame, and how far it can be trusted."""

    frame: pl.DataFrame
    is_sample: bool = False
    n_sampled: int = 0
    errors: Mapping[str, pl.Series] = field(default_factory=dict)  # column to standard errors, row by row


class SharedImpact:
    """An impact that several sessions may ask, one at a time: its connection refuses a second thread."""

    def __init__(self, make: Callable[[], Impact]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._impact: Impact | None = make()

    @contextmanager
    def held(self) -> Iterator[Impact]:
        """The impact, for this thread alone. One that was closed for want of room is made again."""
        with self._lock:
            if self._impact is None:
                self._impact = self._make()
            yield self._impact

    @property
    def bound(self) -> BoundRecipe:
        with self.held() as impact:
            return impact.bound

    def numbers(self, name: str, **parameters: object) -> Numbers:
        """A statistic of the section. Raises `ExplorerError`."""
        with self.held() as impact:
            return Numbers(impact.run(name, **parameters))

    def close(self) -> None:
        with self._lock:
            if self._impact is not None:
                self._impact.close()
                self._impact = None


def current_source() -> Source:
    """The index of the workspace, as its newest build left it. Raises `WorkspaceError`."""
    root = session.workspace_path()
    if root is None:
        raise WorkspaceError("no workspace was named")
    return _source(str(root), session.generation(root))


@st.cache_resource(max_entries=2, show_spinner=False)
def _source(root: str, generation: str) -> Source:
    return open_source(Path(root))


def current_impact(recipe: Recipe) -> SharedImpact:
    """The impact of a recipe on the workspace. Raises `UsageError` where a condition cannot be answered."""
    root = session.workspace_path()
    if root is None:
        raise WorkspaceError("no workspace was named")
    return _impact(str(root), session.generation(root), digest(repr(recipe)), recipe)


@st.cache_resource(max_entries=_MAX_RECIPES, show_spinner="Binding the recipe", on_release=lambda one: one.close())
def _impact(root: str, generation: str, content: str, _recipe: Recipe) -> SharedImpact:
    source = _source(root, generation)
    return SharedImpact(lambda: Impact(source, _recipe))
