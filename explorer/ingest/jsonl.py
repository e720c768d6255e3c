"""JSON Lines: plain, gzip or zstd. Strict per row, tolerant per file: a bad row is counted and the next one is read."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl
import zstandard
from isal import igzip

from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest.rows import ATTRIBUTES_COLUMN, CANDIDATES, FRAME_SCHEMA, Batch, Reject, paths_for

SNIFF_ROWS = 100
_BLOCK = 1 << 20


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
                with _decompressed(raw, self.path) as stream:
                    for row, line in enumerate(stream):
                        yield row, line
        except (
            EOFError,
            zlib.error,
            gzip.BadGzipFile,
            igzip.BadGzipFile,
            zstandard.ZstdError,
            ValueError,
        ) as error:
            if row < 0:
                self.fault = Reject(-1, "unreadable_file", f"{error}")
            else:
                self.fault = Reject(row + 1, "truncated", f"{error}")
        except OSError as error:
            self.fault = Reject(-1, "unreadable_file", error.strerror or str(error))


def _decompressed(raw: io.BufferedReader[Any], path: str) -> io.BufferedReader[Any]:
    if path.endswith(".gz"):
        return io.BufferedReader(igzip.GzipFile(fileobj=raw, mode="rb"), _BLOCK)  # type: ignore[no-untyped-call]
    return io.BufferedReader(_ZstdFrames(raw), _BLOCK) if path.endswith(".zst") else raw


class _ZstdFrames(io.RawIOBase):
    """Concatenated zstd frames as one stream. The library ends silently where a frame is cut off; this raises EOFError."""

    def __init__(self, raw: io.BufferedReader[Any]) -> None:
        self._raw = raw
        self._frame: Any = None
        self._ready = memoryview(b"")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            block = self._rest or self._raw.read(_BLOCK)
            self._rest = b""
            if not block:
                if self._frame is not None:
                    raise EOFError("compressed file ended in the middle of a frame")
                return 0
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready = memoryview(self._frame.decompress(block))
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = None
        n = min(len(buffer), len(self._ready))
        buffer[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n


def parse_row(line: bytes) -> tuple[dict[str, Any] | None, str, str]:
    """One line as (object, "", "") or (None, reason, detail)."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        reason = _why_not(line)
        return None, reason, str(error)[:200]
    if not isinstance(value, dict):
        return None, "not_an_object", type(value).__name__
    return value, "", ""


def _why_not(line: bytes) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid_utf8"
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "not_json"
    return "lone_surrogate"


def read_jsonl(
    shard_path: str, size: int, folder_source: str, config: CorpusConfig, batch_bytes: int
) -> Iterator[Batch]:
    """The documents of one file in batches of about `batch_bytes` of text.

    Raises `InputError` when the file holds rows but none of the first has a text.
    """
    lines = Lines(shard_path, size)
    rows = iter(lines)
    head: list[tuple[int, dict[str, Any] | None, str, str]] = []
    for row, line in rows:
        if line.strip():
            head.append((row, *parse_row(line)))
        if len(head) >= SNIFF_ROWS:
            break
    getter = _Getter(config, [obj for _, obj, _, _ in head if obj is not None], shard_path, folder_source)
    batch = _Columns()
    rejects: list[Reject] = []
    n_rows = 0

    def parsed() -> Iterator[tuple[int, dict[str, Any] | None, str, str]]:
        yield from head
        for row, line in rows:
            if line.strip():
                yield (row, *parse_row(line))

    for row, obj, reason, detail in parsed():
        n_rows += 1
        if obj is not None:
            reason = batch.add(row, obj, getter)
        if reason:
            rejects.append(Reject(row, reason, detail))
        if batch.n_bytes >= batch_bytes or len(batch.rows) >= 16_384:
            yield Batch(batch.frame(), tuple(rejects), n_rows, lines.progress)
            batch, rejects, n_rows = _Columns(), [], 0
    if lines.fault is not None:
        rejects.append(lines.fault)
    yield Batch(batch.frame(), tuple(rejects), n_rows, 1.0)


class _Getter:
    """Where each role of this file's rows is, settled once from its first rows."""

    def __init__(self, config: CorpusConfig, sample: list[dict[str, Any]], path: str, folder_source: str) -> None:
        self.paths = {role: [_split(p) for p in paths_for(role, config)] for role in CANDIDATES}
        self.folder_source = folder_source
        if sample and not any(self.get(row, "text") is not None for row in sample):
            names = sorted({key for row in sample for key in row})
            raise InputError(
                f"{path}: no text in the first {len(sample)} rows; their fields: {', '.join(names[:20])}; "
                'name one in corpus.toml: [columns] text = "..."'
            )
        self.has_ids = any(self.get(row, "id") is not None for row in sample)
        self.used = {p[0] for paths in self.paths.values() for p in paths if len(p) == 1}

    def get(self, row: dict[str, Any], role: str) -> Any:
        for path in self.paths[role]:
            value: Any = row
            for part in path:
                value = value.get(part) if isinstance(value, dict) else None
            if value is not None:
                return value
        return None


def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path.startswith("metadata.") else (path,)


class _Columns:
    """Rows gathered column by column until they make a batch."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.n_bytes = 0

    def add(self, row: int, obj: dict[str, Any], getter: _Getter) -> str:
        """Take one row; returns the reason for which it is refused, or an empty string."""
        get = getter.get
        text = get(obj, "text")
        if not isinstance(text, str):
            return "no_text"
        given = get(obj, "id")
        if isinstance(given, bool) or not isinstance(given, str | int):
            if getter.has_ids:
                return "no_id"
            given = None
        source = get(obj, "source")
        url = get(obj, "url")
        if not isinstance(url, str):
            url = given if isinstance(given, str) and given.startswith(("http://", "https://")) else None
        n_tokens = get(obj, "n_tokens")
        metadata, attributes, flat = _rest(obj, getter.used)
        self.n_bytes += len(text)
        self.rows.append((
            row,
            None if given is None else str(given),
            given is not None,
            source if isinstance(source, str) and source else getter.folder_source,
            text,
            url,
            _scalar_text(get(obj, "created")),
            _scalar_text(get(obj, "added")),
            _scalar_text(get(obj, "language")),
            _licence_text(get(obj, "licence")),
            n_tokens if isinstance(n_tokens, int) and not isinstance(n_tokens, bool) and 0 <= n_tokens < 2**62 else None,
            metadata,
            attributes,
            flat,
        ))  # fmt: skip
        return ""

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self.rows, schema=dict(FRAME_SCHEMA), orient="row")


def _rest(obj: dict[str, Any], used: set[str]) -> tuple[str | None, str | None, str | None]:
    """The row's other fields as JSON: (metadata, its own attributes, its top-level numbers and booleans)."""
    rest: dict[str, Any] = {}
    flat: dict[str, Any] = {}
    attributes: dict[str, Any] | None = None
    for key, value in obj.items():
        if key == "metadata" and isinstance(value, dict):
            rest.update(value)
        elif key == ATTRIBUTES_COLUMN and isinstance(value, dict):
            attributes = value
        elif key in used:
            continue
        elif isinstance(value, bool | int | float):
            flat[key] = value
        else:
            rest[key] = value
    return _json(rest or None), _json(attributes), _json(flat or None)


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _scalar_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _licence_text(value: Any) -> str | None:
    if isinstance(value, list):
        names = sorted({str(v) for v in value if v})
        return " OR ".join(names) or None
    return _scalar_text(value)
