"""Strangers' SQL: one SELECT against a catalogue, in a process of its own that can be killed.

An engine's own limits do not stop everything (one huge scalar, a sleeping function), and a SELECT may write files
through a CTE. So: a fresh process with bounds on memory, processor time and file size, an empty environment, the
catalogue read-only, no filesystem, no settings, and a check of the statement's tree before it runs.
"""

from __future__ import annotations

import io
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from explorer.errors import QueryError

MAX_ROWS = 1000
MAX_SECONDS = 5.0
MAX_BYTES = 32 << 20
MAX_SQL = 20_000
ADDRESS_SPACE = 4 << 30
_WORKER = Path(__file__).with_name("sandbox_worker.py")
# Each query may take two cores and a gigabyte: a few at a time, the others wait.
_SLOTS = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class Answer:
    """The rows of one query."""

    frame: pl.DataFrame
    is_cut: bool  # whether there were more rows than the limit
    seconds: float


def run_query(catalogue: Path, sql: str, *, limit: int = MAX_ROWS, seconds: float = MAX_SECONDS) -> Answer:
    """Run one SELECT, at most `seconds` long, and return at most `limit` rows.

    Raises `QueryError` with the reason where the statement is refused, wrong, too slow or too large.
    """
    if not sql.strip():
        raise QueryError("the query is empty")
    if len(sql) > MAX_SQL:
        raise QueryError(f"the query is longer than {MAX_SQL:,} characters")
    request = {
        "catalogue": str(catalogue.absolute()),
        "sql": sql,
        "limit": limit,
        "seconds": seconds,
        "max_bytes": MAX_BYTES,
        "address_space": ADDRESS_SPACE,
    }
    if not catalogue.is_file():
        raise QueryError("the catalogue is missing; build again to write it")
    if not _SLOTS.acquire(timeout=2 * seconds):
        raise QueryError("other queries are running; try again in a moment")
    try:
        started = time.monotonic()
        output = _exchange(json.dumps(request).encode(), seconds)
        elapsed = time.monotonic() - started
    finally:
        _SLOTS.release()
    header, _, body = output.partition(b"\n")
    try:
        error = json.loads(header)["error"]
    except (ValueError, KeyError):
        raise QueryError("the query needed more memory or processor time than is allowed here") from None
    if error is not None:
        raise QueryError(error)
    frame = _narrow(pl.read_ipc_stream(io.BytesIO(body)))
    return Answer(frame.head(limit), frame.height > limit, elapsed)


def _narrow(frame: pl.DataFrame) -> pl.DataFrame:
    """Whole decimals (what DuckDB's sums of integers become) as 64-bit integers where they fit."""
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.Decimal) and kind.scale == 0:
            integers = frame[name].cast(pl.Int64, strict=False)
            if integers.null_count() == frame[name].null_count():
                frame = frame.with_columns(integers)
    return frame


def _exchange(request: bytes, seconds: float) -> bytes:
    """Send the request to a new worker and read its whole answer. Raises `QueryError` when it is late or too long."""
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    with subprocess.Popen(
        [sys.executable, "-P", str(_WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        close_fds=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request)
            process.stdin.close()
            return _read(process.stdout.fileno(), seconds)
        except BrokenPipeError:
            raise QueryError("the query's process could not be started") from None
        finally:
            process.kill()


def _read(descriptor: int, seconds: float) -> bytes:
    # a second for the process to start, which is not the query's
    deadline = time.monotonic() + seconds + 1.0
    chunks: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise QueryError(f"stopped after {seconds:g} seconds; select less, or use the command line")
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            if size > 2 * MAX_BYTES:
                raise QueryError("the result is too large to show; select fewer columns or rows")
