"""JSON Lines: plain, gzip or zstd. A bad row is counted and the next one is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest.lines import Lines, parse_row
from explorer.ingest.rows import ATTRIBUTES_COLUMN, CANDIDATES, FRAME_SCHEMA, Batch, Reject, paths_for
from explorer.ingest.values import count, dig, is_id, licence_text, scalar_text

SNIFF_ROWS = 100


def read_jsonl(
    shard_path: str, size: int, folder_source: str, config: CorpusConfig, batch_bytes: int
) -> Iterator[Batch]:
    """The documents of one file in batches of about `batch_bytes` of text.

    Raises `InputError` when nothing of the file can be read, or when it holds rows but none of the first has a text.
    """
    lines = Lines(shard_path, size)
    rows = iter(lines)
    head: list[tuple[int, dict[str, Any] | None, str, str]] = []
    for row, line in rows:
        if line.strip():
            head.append((row, *parse_row(line)))
        if len(head) >= SNIFF_ROWS:
            break
    if not head and lines.fault is not None:
        raise InputError(_unreadable(shard_path, lines.fault))
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
        if batch.n_bytes >= batch_bytes or len(batch.rows) >= 16_384 or len(rejects) >= 16_384:
            yield Batch(batch.frame(), tuple(rejects), n_rows, lines.progress)
            batch, rejects, n_rows = _Columns(), [], 0
    if lines.fault is not None:
        rejects.append(lines.fault)
    yield Batch(batch.frame(), tuple(rejects), n_rows, 1.0)


def _unreadable(path: str, fault: Reject) -> str:
    kind = {".gz": "gzip ", ".zst": "zstd "}.get(Path(path).suffix.lower(), "")
    return f"{path}: not a readable {kind}file ({fault.detail.strip()}); write it again or leave it out"


class _Getter:
    """Where to look for each role of this file's rows."""

    def __init__(self, config: CorpusConfig, sample: list[dict[str, Any]], path: str, folder_source: str) -> None:
        self.paths = {role: [_split(p) for p in paths_for(role, config)] for role in CANDIDATES}
        self.places = {path[0] for paths in self.paths.values() for path in paths if len(path) == 1}
        self.folder_source = folder_source
        texts = self.paths["text"]
        if sample and not any(dig(row, path)[1] for row in sample for path in texts):
            names = sorted({key for row in sample for key in row})
            raise InputError(
                f"{path}: no text in the first {len(sample)} rows; their fields: {', '.join(names[:20])}; "
                'name one in corpus.toml: [columns] text = "..."'
            )
        self.has_ids = any(is_id(self.get(row, "id", set())) for row in sample)

    def get(self, row: dict[str, Any], role: str, used: set[str]) -> Any:
        """The first of the role's places that the row fills; a top-level field that was taken is added to `used`."""
        for path in self.paths[role]:
            value, _ = dig(row, path)
            if value is not None and value != "":
                if len(path) == 1:
                    used.add(path[0])
                return value
        return None

    def text(self, row: dict[str, Any], used: set[str]) -> Any:
        """The same for the text, which may be empty."""
        for path in self.paths["text"]:
            value, is_there = dig(row, path)
            if is_there and value is not None:
                used.add(path[0])
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
        used: set[str] = set()
        text = getter.text(obj, used)
        if not isinstance(text, str):
            return "no_text"
        given = get(obj, "id", used)
        if not is_id(given):
            if getter.has_ids:
                return "no_id"
            given = None
        source = get(obj, "source", used)
        url = get(obj, "url", used)
        if not isinstance(url, str):
            url = given if isinstance(given, str) and given.startswith(("http://", "https://")) else None
        created, added = get(obj, "created", used), get(obj, "added", used)
        language, licence = get(obj, "language", used), get(obj, "licence", used)
        n_tokens = get(obj, "n_tokens", used)
        try:
            metadata, attributes, flat = _rest(obj, used, getter.places)
        except orjson.JSONEncodeError:
            return "too_deep"
        self.n_bytes += len(text)
        self.rows.append((
            row,
            None if given is None else str(given),
            given is not None,
            source if isinstance(source, str) else getter.folder_source,
            text,
            url,
            scalar_text(created),
            scalar_text(added),
            scalar_text(language),
            licence_text(licence),
            count(n_tokens),
            metadata,
            attributes,
            flat,
        ))  # fmt: skip
        return ""

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self.rows, schema=dict(FRAME_SCHEMA), orient="row")


def _rest(obj: dict[str, Any], used: set[str], places: set[str]) -> tuple[str | None, str | None, str | None]:
    """The row's fields that are not `used`, as JSON: (metadata, its own attributes, top-level numbers and booleans).

    A number in one of the `places` where roles are looked for is metadata, not an attribute.
    """
    rest: dict[str, Any] = {}
    flat: dict[str, Any] = {}
    attributes: dict[str, Any] | None = None
    for key, value in obj.items():
        if key == "metadata" and isinstance(value, dict):
            continue
        if key == ATTRIBUTES_COLUMN and isinstance(value, dict):
            attributes = value
        elif key in used:
            continue
        elif isinstance(value, bool | int | float) and key not in places:
            flat[key] = value
        else:
            rest[key] = value
    if isinstance(obj.get("metadata"), dict):
        rest.update(obj["metadata"])
    return _json(rest or None), _json(attributes), _json(flat or None)


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
