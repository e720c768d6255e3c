"""Running tasks: in this process, or in a pool of processes, each single-threaded so that `workers` means cores."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from typing import Any, Protocol

from explorer.errors import ExplorerError

# The function takes these arguments and last a progress callback.
Task = tuple[Callable[..., Any], tuple[Any, ...]]

_done: Any = None  # in a worker: the shared numbers of work done, one a worker
_slot = 0  # in a worker: which of them is its own


def _start_worker(done: Any, slots: Any) -> None:
    global _done, _slot
    _done = done
    with slots.get_lock():
        _slot = slots.value
        slots.value += 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Without this a worker whose parent was killed would wait for tasks for ever."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _run(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*arguments, _report)
    except MemoryError:
        raise ExplorerError(_OUT_OF_MEMORY) from None


def _report(amount: float) -> None:
    _done[_slot] += amount


_OUT_OF_MEMORY = (
    "a worker process ran out of memory or was killed; give fewer --workers or more memory and run the same build "
    "again: what is finished is kept"
)


class Runner(Protocol):
    """Whoever runs tasks; a cluster's scheduler can take this place."""

    def run(self, tasks: Iterable[Task], on_progress: Callable[[float], None]) -> Iterator[Any]: ...


class Inline:
    """Runs tasks in this process, one after the other: for one worker, without the second that a process takes."""

    def run(self, tasks: Iterable[Task], on_progress: Callable[[float], None]) -> Iterator[Any]:
        """Yield results in the order of the tasks; see `Pool.run`."""
        done = 0.0

        def report(amount: float) -> None:
            nonlocal done
            done += amount
            on_progress(done)

        for function, arguments in tasks:
            try:
                yield function(*arguments, report)
            except MemoryError:
                raise ExplorerError(_OUT_OF_MEMORY) from None


class Pool:
    """Runs tasks in worker processes and reports how far all of them together have got."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        context = get_context("spawn")
        # No lock on the numbers: a worker that is killed while it holds one would stop everybody.
        self._done = context.RawArray("d", workers)
        slots = context.Value("i", 0)
        self._executor = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(self._done, slots)
        )

    def run(self, tasks: Iterable[Task], on_progress: Callable[[float], None]) -> Iterator[Any]:
        """Yield results as tasks finish, in no order. `on_progress` gets the work done so far by these tasks.

        The first error stops what has not begun and is raised; what has finished stays finished.
        """
        before = sum(self._done)
        queue = iter(tasks)
        pending: set[Future[Any]] = set()
        try:
            while True:
                while len(pending) < 2 * self.workers and (task := next(queue, None)) is not None:
                    with _no_interrupts():
                        pending.add(self._executor.submit(_run, *task))
                if not pending:
                    return
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                on_progress(sum(self._done) - before)
                for future in finished:
                    yield future.result()
        except BrokenProcessPool:
            raise ExplorerError(_OUT_OF_MEMORY) from None
        finally:
            for future in pending:
                future.cancel()

    def close(self, *, kill: bool = False) -> None:
        """End the workers; with `kill`, in the middle of their tasks."""
        if kill:
            for process in list((self._executor._processes or {}).values()):
                process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Workers that start here are deaf to Ctrl-C from their first instruction; it waits for this process, a moment."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def open_pool(workers: int) -> Iterator[Runner]:
    """A pool whose processes are ended on every way out, at once when that is an error or Ctrl-C."""
    if workers == 1:
        yield Inline()
        return
    # Read by Polars and Arrow when a worker imports them; a worker inherits them.
    before = {name: os.environ.get(name) for name in _SINGLE}
    os.environ.update(_SINGLE)
    pool = Pool(workers)
    try:
        yield pool
    except BaseException:
        pool.close(kill=True)
        raise
    else:
        pool.close()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_SINGLE = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}


def default_workers() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
