"""The sample of a large corpus: the one that is there, or a new one, drawn by a thread of its own."""

from __future__ import annotations

import atexit
import threading

import duckdb

from explorer.app.filters_exact import LAST_SECONDS
from explorer.errors import ExplorerError
from explorer.impact.sample import Sample, draw_sample, sample_of
from explorer.impact.source import Source

DRAWS = threading.Lock()  # one draw at a time: each one clears away what the last one wrote


class _ClosedError(Exception):
    """Nobody needs the sample any longer."""


class Drawing:
    """A workspace's sample, if need be after a while. For any thread; the one that draws ends with `close` or with the
    process."""

    def __init__(self, source: Source) -> None:
        self.sample: Sample | None = _there(source)
        self.share = 0.0  # of the documents that were looked at
        self.error = ""  # why there is no sample
        self._source = source
        self._is_closed = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="sample", daemon=True)
        if self.sample is not None:
            self._done.set()
        else:
            self._thread.start()
            atexit.register(self._end)

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    def wait(self, timeout: float) -> bool:
        """Wait until there is a sample or a reason why not; whether there is, after `timeout` seconds at most."""
        return self._done.wait(timeout)

    def close(self) -> None:
        self._is_closed = True

    def _draw(self) -> None:
        try:
            with DRAWS:
                self._step(0.0)
                # another page may have drawn it by now
                self.sample = sample_of(self._source) or draw_sample(self._source, progress=self._step)
        except _ClosedError:
            self.error = "the workspace was built again"
        except (ExplorerError, duckdb.Error, OSError) as error:
            self.error = str(error)
        finally:
            self._done.set()
            atexit.unregister(self._end)

    def _end(self) -> None:
        """Before the process ends, while the engine can still be closed."""
        self.close()
        self._thread.join(LAST_SECONDS)

    def _step(self, share: float) -> None:
        self.share = share
        if self._is_closed:
            raise _ClosedError


def _there(source: Source) -> Sample | None:
    try:
        return sample_of(source)
    except OSError:
        return None  # drawing it will say what is wrong
