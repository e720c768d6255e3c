"""Exact answers about a large corpus, counted by a thread of their own while the page shows what a sample tells.

A page asks its questions while it is drawn, and has them pursued once it is: the recipe that was looked at last comes
first, and one that nobody waits for any longer is left where it is at the end of a part.
"""

from __future__ import annotations

import atexit
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import duckdb

from explorer.errors import ExplorerError, WorkspaceError
from explorer.impact.engine import SECTION, Impact
from explorer.impact.source import Source
from explorer.recipe.model import Recipe, Stream
from explorer.statistic import load_statistics

_MAX_ANSWERS = 60  # of one recipe: small tables
_PATIENCE = 1.0  # seconds that a page waits for an answer out of what was counted already
_EVERYTHING = "everything"
LAST_SECONDS = 5.0  # that a process waits for such a thread when it ends


class NotYetError(ExplorerError):
    """It is being counted; whoever asks later gets it."""


class _OutdatedError(Exception):
    """Nobody waits for this any longer."""


@dataclass(frozen=True)
class _Question:
    ask: Callable[[Impact], object]
    statistics: tuple[str, ...]  # that it reads, to be computed in one pass with those of the other questions


class Answers:
    """What was asked and what was found about one recipe. For any thread."""

    def __init__(self, recipe: Recipe, counter: Counter) -> None:
        self.recipe = recipe
        self.counter = counter
        self.asked: OrderedDict[Hashable, _Question] = OrderedDict()  # and not yet answered
        self.found: OrderedDict[Hashable, object] = OrderedDict()  # an answer, or why there is none
        self.refusal = ""  # the last one

    def begin(self) -> None:
        """Forget what was asked and not answered: a page is drawn anew, and asks for what it shows now."""
        with self.counter.condition:
            self.asked.clear()

    def get(self, key: Hashable, ask: Callable[[Impact], object], statistic: str = "") -> object:
        """The answer to a question, from now on one of those that are pursued.

        Raises `NotYetError` where it was not counted yet, and `ExplorerError` where it cannot be.
        """
        with self.counter.condition:
            if key not in self.found:
                self.asked[key] = _Question(ask, (statistic,) if statistic else ())
                if self.counter.has_counted(self, statistic):
                    self.counter.pursue(self)
                    self.counter.condition.wait_for(lambda: key in self.found or self.counter.is_closed, _PATIENCE)
            if key not in self.found:
                raise NotYetError("This is being counted in all documents; it appears here when it is ready.")
            self.found.move_to_end(key)
            value = self.found[key]
        if isinstance(value, ExplorerError):
            raise type(value)(str(value))
        return value

    def want_everything(self) -> bool:
        """Ask for all that the section's statistics read; whether it was counted."""
        names = tuple(one.name for one in load_statistics().values() if one.section == SECTION)
        with self.counter.condition:
            if _EVERYTHING not in self.found:
                self.asked[_EVERYTHING] = _Question(lambda impact: True, names)
            return _EVERYTHING in self.found

    @property
    def is_complete(self) -> bool:
        """Whether all that was asked is answered."""
        with self.counter.condition:
            return not self.asked

    def wait(self, timeout: float) -> bool:
        """Wait until all that was asked is answered; whether it is, after `timeout` seconds at most."""
        with self.counter.condition:
            return self.counter.condition.wait_for(lambda: not self.asked, timeout)


class Counter:
    """The thread that counts, with an engine of its own. It begins with the first question, and ends with `close` or
    with the process."""

    def __init__(self, source: Source) -> None:
        self.condition = threading.Condition(threading.RLock())
        self.is_closed = False
        self.share = 0.0  # of the documents, in the pass that goes on
        self._source = source
        self._next: Answers | None = None
        self._now: Answers | None = None
        self._thread: threading.Thread | None = None
        # the thread's own
        self._first: Impact | None = None
        self._impact: Impact | None = None
        self._seated: Answers | None = None
        self._counted: set[str] = set()

    def pursue(self, answers: Answers, *, politely: bool = False) -> None:
        """Count what was asked about a recipe next; `politely`, only where nothing else is under way."""
        with self.condition:
            if self.is_closed or not answers.asked:
                return
            if politely and (self._next is not None or self._now is not None):
                return
            self._next = answers
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="exact-impacts", daemon=True)
                self._thread.start()
                atexit.register(self._end)
            self.condition.notify_all()

    def has_counted(self, answers: Answers, statistic: str) -> bool:
        """Whether an answer is near: nothing has to be read of the index for it, and nothing else is under way."""
        return (
            self._seated is answers
            and statistic in self._counted
            and self._now in (None, answers)
            and self._next in (None, answers)
        )

    def close(self) -> None:
        with self.condition:
            self.is_closed = True
            self.condition.notify_all()

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end; whether it did."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _end(self) -> None:
        """Before the process ends, while the engine can still be closed."""
        self.close()
        self.join(LAST_SECONDS)

    def _work(self) -> None:
        try:
            while self._take():
                self._count()
        finally:
            self.close()
            for impact in (self._impact, self._first):
                if impact is not None:
                    impact.close()
            atexit.unregister(self._end)

    def _take(self) -> bool:
        with self.condition:
            self._now = None
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.is_closed or self._next is not None)
            self._now, self._next = self._next, None
            return not self.is_closed

    def _count(self) -> None:
        """Answer what was asked about a recipe."""
        answers = self._now
        assert answers is not None
        self.share = 0.0
        try:
            with self.condition:
                names = {name for question in answers.asked.values() for name in question.statistics}
            impact = self._seat(answers)
            known = load_statistics()
            impact.compute([known[name] for name in sorted(names)])
            with self.condition:
                self._counted |= names
        except _OutdatedError:
            return
        except (ExplorerError, duckdb.Error, OSError) as error:
            for key, _ in iter(lambda: self._question(answers), None):
                self._answer(answers, key, _reason(error))
            return
        for key, question in iter(lambda: self._question(answers), None):
            try:
                self._answer(answers, key, question.ask(impact))
            except _OutdatedError:
                return
            except (ExplorerError, duckdb.Error, OSError) as error:
                self._answer(answers, key, _reason(error))

    def _seat(self, answers: Answers) -> Impact:
        """The impact of a recipe, in the place of the last one's."""
        if self._first is None:
            self._first = Impact(self._source, Recipe("", (Stream("all"),)), progress=self._step)
        if self._impact is None or self._seated is not answers:
            impact = self._first.with_recipe(answers.recipe)
            if self._impact is not None:
                self._impact.close()
            with self.condition:
                self._impact, self._seated, self._counted = impact, answers, set()
        return self._impact

    def _question(self, answers: Answers) -> tuple[Hashable, _Question] | None:
        """One that is still open; None where there is none, or where another recipe is wanted."""
        with self.condition:
            if self.is_closed or self._is_outdated() or not answers.asked:
                return None
            return next(iter(answers.asked.items()))

    def _answer(self, answers: Answers, key: Hashable, value: object) -> None:
        with self.condition:
            answers.asked.pop(key, None)
            answers.found[key] = value
            if isinstance(value, ExplorerError):
                answers.refusal = str(value)
            if len(answers.found) > _MAX_ANSWERS:
                answers.found.popitem(last=False)
            self.condition.notify_all()

    def _is_outdated(self) -> bool:
        return self._next is not None and self._next is not self._now

    def _step(self, share: float) -> None:
        """Between two parts: leave what nobody waits for."""
        self.share = share
        with self.condition:
            if self.is_closed or self._is_outdated():
                raise _OutdatedError


def _reason(error: Exception) -> ExplorerError:
    if isinstance(error, ExplorerError):
        return error
    return WorkspaceError(f"the exact numbers could not be counted: {error}")
