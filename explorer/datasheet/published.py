"""A stats.json that somebody published, read back: checked in every part, since anybody may have edited it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from explorer.config import parse_config
from explorer.datasheet.declared import parse_declared
from explorer.datasheet.schema import faults, schema, shown
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.datasheet.stats import STATS_FILE
from explorer.errors import InputError, UsageError
from explorer.escape import printable
from explorer.sheet import SHEET_FORMAT, TOOL
from explorer.units import UNITS

_MAX_FAULTS = 3
_LARGEST = 2**62  # of a whole number, so that sums and differences of two have 64 bits
_FLOATING, _TEXTUAL = ("decimal", "share"), ("text", "date")  # styles of units
_NUMERIC = ("integer", *_FLOATING)


def read_stats(path: Path) -> dict[str, Any]:
    """The content of a stats.json, or of the one in a folder.

    Raises `InputError` with the place and the reason where it is not as `render_stats` writes it.
    """
    file = path / STATS_FILE if path.is_dir() else path
    stats = _parsed(file)
    if not isinstance(stats, dict) or stats.get("tool") != TOOL:
        raise InputError(f"{file}: not a stats.json of {TOOL}; `{TOOL} datasheet WORKSPACE --out DIR` writes one")
    if stats.get("format") != SHEET_FORMAT:
        raise InputError(
            f"{file}: has format {shown(stats.get('format'))}, and this version reads {SHEET_FORMAT}; "
            "use the version that it names, or write the datasheet again"
        )
    found = list(islice(faults(stats, schema()), _MAX_FAULTS)) or list(islice(_cell_faults(stats), _MAX_FAULTS))
    if found:
        raise InputError(f"{file}: not as the tool writes it: {'; '.join(map(printable, found))}")
    return stats


def is_ours(file: Path) -> bool:
    """Whether a file is a stats.json of this tool, of whatever version."""
    try:
        stats = _parsed(file)
    except InputError:
        return False
    return isinstance(stats, dict) and (stats.get("tool") == TOOL or {"format", "corpus", "statistics"} <= stats.keys())


def sheet_of(stats: Mapping[str, Any]) -> Sheet:
    """The sheet that a stats.json stands for. Raises `UsageError` where what is declared in it is wrong."""
    declared = {**stats["declared"], "sources": stats["declared"]["origins"]}
    bundle = stats["bundle"]
    files = (
        DataFile(**{**file, "columns": tuple((str(name), str(kind)) for name, kind in file["columns"])})
        for file in bundle["files"]
    )
    return Sheet(
        stats,
        parse_config(stats["config"], f"{STATS_FILE}, config"),
        parse_declared(declared, f"{STATS_FILE}, declared"),
        tuple(files),
        order=bundle["order"],
    )


def read_published(path: Path) -> Sheet:
    """The sheet of a bundle or a stats.json. Raises `InputError`."""
    stats = read_stats(path)
    try:
        return sheet_of(stats)
    except UsageError as error:
        raise InputError(f"{path}: {error}") from None


def _parsed(file: Path) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not a number of JSON")

    def number(text: str) -> float:
        value = float(text)
        return value if math.isfinite(value) else refuse(text)

    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text, parse_constant=refuse, parse_float=number, object_pairs_hook=_distinct)
        json.dumps(data, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written anywhere
    except FileNotFoundError:
        raise InputError(
            f"{file}: no such file; name the folder that `{TOOL} datasheet` wrote, or a stats.json"
        ) from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    except RecursionError:
        raise InputError(f"{file}: is nested too deeply to be a stats.json") from None
    except ValueError as error:  # JSON, its encoding, a number of thousands of digits, a key that comes twice
        raise InputError(f"{file}: not valid JSON: {printable(str(error))[:200]}") from None
    return data


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two equal keys one reader would take the first and another the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for n, (key, _) in enumerate(pairs) if any(key == other for other, _ in pairs[:n]))
        raise ValueError(f"the key {shown(twice)} comes twice")
    return found


def _cell_faults(stats: Mapping[str, Any]) -> Iterator[str]:
    """What the schema cannot say: columns of distinct names, a cell for each, of the type of its unit."""
    for name, entry in stats["statistics"].items():
        columns = entry["columns"]
        names = [column["name"] for column in columns]
        if len(set(names)) < len(names):
            yield f"statistics.{name}.columns: two have one name"
        styles = [UNITS[column["unit"]].style for column in columns]
        for number, row in enumerate(entry["rows"]):
            if len(row) != len(columns):
                yield f"statistics.{name}.rows[{number}]: has {len(row)} cells for {len(columns)} columns"
                continue
            for column, style, cell in zip(columns, styles, row, strict=True):
                if not _fits(cell, style):
                    place = f"statistics.{name}.rows[{number}].{column['name']}"
                    yield f"{place}: {shown(cell)} is no value of the unit {column['unit']}"


def _fits(cell: Any, style: str) -> bool:
    if cell is None:
        return True
    if isinstance(cell, bool) or style == "flag":
        return isinstance(cell, bool) and style == "flag"
    if isinstance(cell, int):
        return style in _NUMERIC and abs(cell) < _LARGEST
    return style in (_FLOATING if isinstance(cell, float) else _TEXTUAL if isinstance(cell, str) else ())
