"""Running tasks: a pool of processes on this machine, each single-threaded so that `workers` means cores."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from explorer.errors import ExplorerError

Task = tuple[
    Callable[..., Any], tuple[Any, ...]
]  # the task function takes these arguments and a progress callback last
_done: Any = None  # in a worker: the shared counter of work done


def _start_worker(counter: Any) -> None:
    global _done
    _done = counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle


def _run(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return function(*arguments, _report)


def _report(amount: float) -> None:
    with _done.get_lock():
        _done.value += amount


class Pool:
    """Runs tasks in worker processes and reports how far all of them together have got."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        context = get_context("spawn")
        self._counter = context.Value("d", 0.0)
        self._executor = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(self._counter,)
        )

    def run(self, tasks: Iterable[Task], on_progress: Callable[[float], None]) -> Iterator[Any]:
        """Yield results as tasks finish, in no order. `on_progress` gets the work done so far by these tasks.

        The first error stops what has not begun and is raised; what has finished stays finished.
        """
        self._counter.value = 0.0
        queue = iter(tasks)
        pending: set[Future[Any]] = set()
        try:
            while True:
                while len(pending) < 2 * self.workers and (task := next(queue, None)) is not None:
                    pending.add(self._executor.submit(_run, *task))
                if not pending:
                    return
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                on_progress(self._counter.value)
                for future in finished:
                    yield future.result()
        except BrokenProcessPool:
            raise ExplorerError(
                "a worker process was killed, most likely for want of memory; give fewer --workers or more memory and run "
                "the same build again: what is finished is kept"
            ) from None
        finally:
            for future in pending:
                future.cancel()

    def close(self, *, kill: bool = False) -> None:
        """End the workers; with `kill`, in the middle of their tasks."""
        if kill:
            for process in list((self._executor._processes or {}).values()):
                process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def open_pool(workers: int) -> Iterator[Pool]:
    """A pool whose processes are ended on every way out, at once when that is an error or Ctrl-C."""
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
