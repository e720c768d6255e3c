"""The numbers of the Filters page: impacts of recipes, kept while they are looked at.

`current_impact` is the one place where the page gets an impact from. What it gives may stand for all documents or for
a sample of them (`Numbers.is_sample`), with the standard error of each estimated column.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import polars as pl
import streamlit as st

from explorer.app import session
from explorer.errors import WorkspaceError
from explorer.impact.bind import BoundRecipe
from explorer.impact.engine import Impact
from explorer.impact.source import Source, open_source
from explorer.recipe.model import Recipe, Stream
from explorer.workspace import digest

_MAX_RECIPES = 12  # of all sessions; a recipe that was moved and moved back is answered from memory
_MAX_ANSWERS = 60  # of one recipe: small tables
T = TypeVar("T")


@dataclass(frozen=True)
class Numbers:
    """A statistic's frame, and how far it can be trusted."""

    frame: pl.DataFrame
    is_sample: bool = False
    n_sampled: int = 0
    errors: Mapping[str, pl.Series] = field(default_factory=dict)  # column to standard errors, row by row


class SharedImpact:
    """A recipe's impact that several sessions may ask, one at a time: an engine refuses a second thread.

    Answers are kept, since the engine holds the tables of one recipe at a time.
    """

    def __init__(self, key: str, make: Callable[[], Impact], lock: threading.RLock) -> None:
        self.key = key  # of the recipe's content
        self._make = make
        self._lock = lock
        self._impact: Impact | None = make()
        self.bound: BoundRecipe = self._impact.bound
        self._answers: OrderedDict[Hashable, object] = OrderedDict()

    @contextmanager
    def held(self) -> Iterator[Impact]:
        """The impact, for this thread alone. One that was closed for want of room is made again."""
        with self._lock:
            if self._impact is None:
                self._impact = self._make()
            yield self._impact

    def remembered(self, key: Hashable, ask: Callable[[Impact], T]) -> T:
        """The answer to a question, which is asked once. Raises `ExplorerError`."""
        with self.held() as impact:
            if key not in self._answers:
                self._answers[key] = ask(impact)
                if len(self._answers) > _MAX_ANSWERS:
                    self._answers.popitem(last=False)
            self._answers.move_to_end(key)
            return cast("T", self._answers[key])

    def numbers(self, name: str, **parameters: object) -> Numbers:
        """A statistic of the section. Raises `ExplorerError`."""
        key = (name, *sorted(parameters.items()))
        return self.remembered(
            key, lambda impact: Numbers(impact.run(name, **parameters), impact.is_sample, impact.n_sampled)
        )

    def close(self) -> None:
        with self._lock:
            if self._impact is not None:
                self._impact.close()
                self._impact = None


class SharedDesk:
    """The impacts on one generation of a workspace. They share an engine and what was read of the index, and so a
    lock; the one that was not asked for longest makes room."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lock = threading.RLock()
        self._first: Impact | None = Impact(source, Recipe("", (Stream("all"),)))
        self._impacts: OrderedDict[str, SharedImpact] = OrderedDict()

    def impact(self, recipe: Recipe) -> SharedImpact:
        """Raises `UsageError` where a condition cannot be answered from the index."""
        key = digest(repr(recipe))
        with self._lock:
            if key not in self._impacts:
                self._impacts[key] = SharedImpact(key, lambda: self._make(recipe), self._lock)
                if len(self._impacts) > _MAX_RECIPES:
                    self._impacts.popitem(last=False)[1].close()
            self._impacts.move_to_end(key)
            return self._impacts[key]

    def _make(self, recipe: Recipe) -> Impact:
        # a page that began before a build was finished is drawn to its end after it
        return self._first.with_recipe(recipe) if self._first is not None else Impact(self.source, recipe)

    def close(self) -> None:
        with self._lock:
            for impact in self._impacts.values():
                impact.close()
            if self._first is not None:
                self._first.close()
                self._first = None


def current_desk() -> SharedDesk:
    """The impacts on the workspace as its newest build left it. Raises `WorkspaceError`.

    Hold it for one run of the script only: it is closed once a build has put another generation in place.
    """
    root = session.workspace_path()
    if root is None:
        raise WorkspaceError("no workspace was named")
    return _desk(str(root), session.generation(root))


@st.cache_resource(max_entries=1, show_spinner=False, on_release=lambda desk: desk.close())
def _desk(root: str, generation: str) -> SharedDesk:
    return SharedDesk(open_source(Path(root)))


def current_source() -> Source:
    """The index of the workspace. Raises `WorkspaceError`."""
    return current_desk().source


def current_impact(recipe: Recipe) -> SharedImpact:
    """The impact of a recipe on the workspace: the one place where the page gets its numbers from.

    Raises `UsageError` where a condition cannot be answered.
    """
    return current_desk().impact(recipe)
