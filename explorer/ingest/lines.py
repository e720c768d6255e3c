"""Lines of plain, gzip and zstd files, and one line of JSON at a time: strict per row, tolerant per file."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import zstandard
from isal import isal_zlib

from explorer.ingest.rows import Reject

_BLOCK = 1 << 20
_MEMBER_BLOCK = 1 << 17  # a block is decompressed whole, and text that repeats itself may grow a thousandfold


MAX_LINE = 256 << 20  # bytes; a longer line is left out, so that a file without line feeds cannot fill the memory
TOO_LONG = b"\0"


@dataclass
class Lines:
    """The lines of a file, numbered from 0, with how far the reading has got and how it ended."""

    path: str
    size: int

    def __post_init__(self) -> None:
        self.fault: Reject | None = None
        self._raw: io.BufferedReader[Any] | None = None

    @property
    def progress(self) -> float:
        if self._raw is None or self._raw.closed:
            return 1.0
        return min(1.0, self._raw.tell() / max(1, self.size))

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield (row, line). A broken compressed stream ends the iteration and is left in `fault`."""
        row = -1
        try:
            with io.BufferedReader(io.FileIO(self.path), _BLOCK) as raw:
                self._raw = raw
                if not self.size and Path(self.path).suffix.lower() in (".gz", ".zst"):
                    raise EOFError("an empty file is no compressed stream")
                with _decompressed(raw, self.path) as stream:
                    while line := stream.readline(MAX_LINE + 1):
                        row += 1
                        if len(line) > MAX_LINE:
                            line = TOO_LONG
                            while (rest := stream.readline(_BLOCK)) and not rest.endswith(b"\n"):
                                pass
                        yield row, line if row else line.removeprefix(codecs.BOM_UTF8)
        except EOFError as error:
            self.fault = _fault(row, "truncated", f"{error}")
        except (isal_zlib.error, zstandard.ZstdError) as error:  # type: ignore[misc]
            self.fault = _fault(row, "damaged", f"{error}")
        except OSError as error:
            self.fault = _fault(row, "unreadable_file", error.strerror or str(error))


def _fault(row: int, reason: str, detail: str) -> Reject:
    """The fault that ended a file after `row` (-1: before its first)."""
    return Reject(row + 1, reason, detail) if row >= 0 else Reject(-1, "unreadable_file", detail)


def _decompressed(raw: io.BufferedReader[Any], path: str) -> io.BufferedReader[Any]:
    start = {".gz": _start_gzip, ".zst": _start_zstd}.get(Path(path).suffix.lower())
    return raw if start is None else io.BufferedReader(_Members(raw, start), _BLOCK)


def _start_gzip() -> Any:
    return isal_zlib.decompressobj(wbits=16 + isal_zlib.MAX_WBITS)


def _start_zstd() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


class _Members(io.RawIOBase):
    """Concatenated gzip members or zstd frames as one stream; EOFError where one is cut off.

    The libraries' own files give nothing of the buffer in which a cut lies, or end there as if all were well.
    """

    def __init__(self, raw: io.BufferedReader[Any], start: Callable[[], Any]) -> None:
        self._raw = raw
        self._start = start
        self._member: Any = None
        self._ready = memoryview(b"")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            block = self._rest or self._raw.read(_MEMBER_BLOCK)
            self._rest = b""
            if self._member is None:  # padding may lie between members
                while block and not (rest := block.lstrip(b"\0")):
                    block = self._raw.read(_MEMBER_BLOCK)
                block = rest if block else block
            if not block:
                if self._member is not None:
                    raise EOFError("compressed data ends in the middle")
                return 0
            if self._member is None:
                self._member = self._start()
            self._ready = memoryview(self._member.decompress(block))
            if self._member.eof:
                self._rest = self._member.unused_data
                self._member = None
        n = min(len(buffer), len(self._ready))
        buffer[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n


def parse_row(line: bytes) -> tuple[dict[str, Any] | None, str, str]:
    """One line as (object, "", "") or (None, reason, detail)."""
    if line is TOO_LONG:
        return None, "too_long", f"more than {MAX_LINE >> 20} MB without a line feed"
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return None, *_why_not(line, str(error)[:200])
    if not isinstance(value, dict):
        return None, "not_an_object", type(value).__name__
    return value, "", ""


def _why_not(line: bytes, detail: str) -> tuple[str, str]:
    """Why a line was refused. The standard library reads what the strict parser does not: it tells the cases apart."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return "invalid_utf8", f"byte {error.start + 1} of the line"
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except _ConstantError as error:
        return "not_json", f"{error} is not JSON; write null"
    except (ValueError, RecursionError):
        return "not_json", detail
    return ("lone_surrogate" if _SURROGATE.search(text) else "not_json"), detail


class _ConstantError(Exception):
    """NaN or an infinity, which some writers put into JSON."""


def _refuse_constant(name: str) -> None:
    raise _ConstantError(name)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
