"""The numbers of the Filters page: impacts of recipes, kept while they are looked at.

`current_impact` is the one place where the page gets an impact from. A small corpus is counted while the page is drawn.
A large one (of LEAST_DOCS documents and more, or of as many as the environment variable CORPUS_EXPLORER_SAMPLE_ABOVE
says) answers from a sample at once (`Numbers.is_sample`), with the standard errors of estimated columns, until the
same questions are answered exactly by a thread of their own.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, cast

import polars as pl
import streamlit as st

from explorer.app import session
from explorer.app.filters_exact import Answers, Counter, NotYetError
from explorer.app.filters_sample import Drawing
from explorer.errors import ExplorerError, UsageError, WorkspaceError
from explorer.impact.bind import bind
from explorer.impact.engine import Impact
from explorer.impact.estimate import SampledImpact
from explorer.impact.sample import LEAST_DOCS
from explorer.impact.source import Source, open_source
from explorer.recipe.model import Recipe, Stream
from explorer.workspace import digest

LIMIT_VARIABLE = "CORPUS_EXPLORER_SAMPLE_ABOVE"  # documents from which on a sample answers first
_MAX_RECIPES = 12  # of all sessions; a recipe that was moved and moved back is answered from memory
_MAX_ANSWERS = 60  # of one recipe: small tables
_NO_RECIPE = Recipe("", (Stream("all"),))
T = TypeVar("T")


@dataclass(frozen=True)
class Numbers:
    """A statistic's frame, and how far it can be trusted."""

    frame: pl.DataFrame
    is_sample: bool = False
    n_sampled: int = 0
    errors: Mapping[str, pl.Series] = field(default_factory=dict)  # column to standard errors, row by row


@dataclass(frozen=True)
class Background:
    """What goes on behind a page of a large corpus."""

    source: Source
    drawing: Drawing
    counter: Counter

    def close(self) -> None:
        self.drawing.close()
        self.counter.close()


class SharedImpact:
    """A recipe's impact that several sessions may ask, one at a time: an engine refuses a second thread.

    Answers are kept, since the engine holds the tables of one recipe at a time. On a large corpus the engine is that
    of the sample, and `answers` are the exact ones.
    """

    def __init__(self, key: str, recipe: Recipe, desk: SharedDesk) -> None:
        self.key = key  # of the recipe's content
        self.background = desk.background
        self.bound = bind(recipe, desk.source)
        self.answers = Answers(recipe, desk.background.counter) if desk.background is not None else None
        self._recipe = recipe
        self._desk = desk
        self._impact: Impact | None = None
        self._known: OrderedDict[Hashable, object] = OrderedDict()

    @contextmanager
    def _held(self) -> Iterator[Impact]:
        """The impact, for this thread alone. One that was closed for want of room is made again."""
        with self._desk.lock:
            if self._impact is None:
                self._impact = self._desk.make(self._recipe)
            yield self._impact

    def remembered(self, key: Hashable, ask: Callable[[Impact], T]) -> T:
        """The exact answer to a question, which is asked once.

        Raises `ExplorerError`; `NotYetError` where it is being counted.
        """
        if self.answers is not None:
            return cast("T", self.answers.get(key, ask))
        return self._asked(key, ask)

    def numbers(self, name: str, **parameters: object) -> Numbers:
        """A statistic of the section: exact where that was counted, else from the sample. Raises `ExplorerError`."""
        key = (name, *sorted(parameters.items()))

        def ask(impact: Impact) -> Numbers:
            frame = impact.run(name, **parameters)
            return Numbers(frame, impact.is_sample, impact.n_sampled, impact.errors(name, **parameters))

        if self.answers is None:
            return self._asked(key, ask)
        try:
            return cast("Numbers", self.answers.get(key, ask, name))
        except ExplorerError:
            if not self.has_sample:
                raise
            return self._asked(key, ask)

    def _asked(self, key: Hashable, ask: Callable[[Impact], T]) -> T:
        with self._held() as impact:
            if key not in self._known:
                self._known[key] = ask(impact)
                if len(self._known) > _MAX_ANSWERS:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return cast("T", self._known[key])

    @property
    def has_sample(self) -> bool:
        return self.background is not None and self.background.drawing.sample is not None

    @property
    def state(self) -> Literal["exact", "sample", "nothing"]:
        """Where the numbers come from that the page asks for."""
        if self.answers is None or self.answers.is_complete:
            return "exact"
        return "sample" if self.has_sample else "nothing"

    def begin(self) -> bool:
        """A page is drawn anew; whether there are numbers for it."""
        if self.answers is None:
            return True
        self.answers.begin()
        return self.has_sample or self.answers.want_everything()

    def pursue(self, *, politely: bool = False) -> None:
        """Have the exact answers counted to what was asked."""
        if self.answers is not None:
            self.answers.counter.pursue(self.answers, politely=politely)

    def close(self) -> None:
        with self._desk.lock:
            if self._impact is not None:
                self._impact.close()
                self._impact = None


class SharedDesk:
    """The impacts on one generation of a workspace. They share an engine and what was read of the index, and so a
    lock; the one that was not asked for longest makes room. From `least_docs` documents on, a sample answers first."""

    def __init__(self, source: Source, least_docs: int = LEAST_DOCS) -> None:
        self.source = source
        self.lock = threading.RLock()
        is_large = source.n_docs >= least_docs
        self.background = Background(source, Drawing(source), Counter(source)) if is_large else None
        self._is_closed = False
        self._first: Impact | None = None
        self._impacts: OrderedDict[str, SharedImpact] = OrderedDict()

    def impact(self, recipe: Recipe) -> SharedImpact:
        """Raises `UsageError` where a condition cannot be answered from the index."""
        key = digest(repr(recipe))
        with self.lock:
            if key not in self._impacts:
                self._impacts[key] = SharedImpact(key, recipe, self)
                if len(self._impacts) > _MAX_RECIPES:
                    self._impacts.popitem(last=False)[1].close()
            self._impacts.move_to_end(key)
            return self._impacts[key]

    def make(self, recipe: Recipe) -> Impact:
        """The engine's impact of a recipe, for whoever holds the lock. Raises `NotYetError` where a sample is needed
        and not drawn."""
        if self._is_closed:  # a page that began before a build was finished is drawn to its end after it
            return self._open(recipe)
        if self._first is None:
            self._first = self._open(_NO_RECIPE)
        return self._first.with_recipe(recipe)

    def _open(self, recipe: Recipe) -> Impact:
        if self.background is None:
            return Impact(self.source, recipe)
        sample = self.background.drawing.sample
        if sample is None:
            raise NotYetError("The sample of this corpus is being drawn.")
        return SampledImpact(self.source, recipe, sample)

    def close(self) -> None:
        with self.lock:
            self._is_closed = True
            if self.background is not None:
                self.background.close()
            for impact in self._impacts.values():
                impact.close()
            if self._first is not None:
                self._first.close()
                self._first = None


def current_desk() -> SharedDesk:
    """The impacts on the workspace as its newest build left it. Raises `WorkspaceError`, and `UsageError` where the
    environment names no limit that can be one.

    Hold it for one run of the script only: it is closed once a build has put another generation in place.
    """
    root = session.workspace_path()
    if root is None:
        raise WorkspaceError("no workspace was named")
    return _desk(str(root), session.generation(root), _least_docs())


def _least_docs() -> int:
    given = os.environ.get(LIMIT_VARIABLE, "")
    if given and not (given.isascii() and given.isdigit()):
        raise UsageError(f"{LIMIT_VARIABLE}={given}: give a number of documents, or nothing")
    return int(given) if given else LEAST_DOCS


@st.cache_resource(max_entries=1, show_spinner=False, on_release=lambda desk: desk.close())
def _desk(root: str, generation: str, least_docs: int) -> SharedDesk:
    return SharedDesk(open_source(Path(root)), least_docs)


def current_source() -> Source:
    """The index of the workspace. Raises `WorkspaceError`."""
    return current_desk().source


def current_impact(recipe: Recipe) -> SharedImpact:
    """The impact of a recipe on the workspace: the one place where the page gets its numbers from.

    Raises `UsageError` where a condition cannot be answered.
    """
    return current_desk().impact(recipe)
