"""The data files beside a card: their paths below it, rows, bytes, hashes and columns; and the list of them."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from explorer.datasheet.columns import PLAIN_NAME
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.errors import InputError, UsageError
from explorer.ingest.lines import Lines, parse_row
from explorer.ingest.shards import Shard, file_kind, find_shards, first_line

SHARDS = "shards.csv"
# Files of a bundle that are named like shards, which `--data` of the bundle itself would find.
_OWN = frozenset({"stats.json", "stats.schema.json", "croissant.json", "eu/public_summary.json"})
_MAX_COLUMNS = 1000  # of JSON Lines; rows with more fields than that are no table
_BLOCK = 1 << 20

_INT64 = 1 << 63
JSON = "json"  # the type of a field of JSON Lines that is nested, or not of one type


def data_files(bundle: Path, data: Path) -> tuple[DataFile, ...]:
    """The files of documents in `data` (a folder or a file), by their paths below `bundle`, sorted by these.

    Every file is read through once, a block at a time. Columns are those of a Parquet file with their Arrow types; of
    JSON Lines the fields at the top of any row, typed `string`, `int64`, `double`, `bool`, `null` or `JSON`. Rows are
    all that a file holds, blank lines aside, also those that a build refuses. Raises `UsageError` where a file lies
    outside `bundle`, `InputError` where one cannot be read.
    """
    root = _absolute(bundle)
    found = {}
    for shard in find_shards([str(data)]):
        path = _below(root, Path(shard.path))
        if path not in _OWN:
            found[path] = shard
    if not found:
        raise InputError(f"{data}: holds no shard; name the folder of the .parquet or .jsonl files beside the card")
    return tuple(_data_file(path, shard) for path, shard in sorted(found.items()))


def _absolute(path: Path) -> Path:
    """Without dots; links stay, since what lies below the bundle through a link lies at that path for every reader."""
    return Path(os.path.normpath(path.absolute()))


def _below(root: Path, path: Path) -> str:
    path = _absolute(path)
    for base, below in ((root, path), (root.resolve(), path.resolve())):
        if below.is_relative_to(base):
            return below.relative_to(base).as_posix()
    raise UsageError(
        f"{path} lies outside {root}, and a card's paths must be true where it is read: move the shards below that "
        "folder, or write the bundle into a folder above them"
    )


def _data_file(path: str, shard: Shard) -> DataFile:
    with _readable(shard.path):
        if shard.kind == "parquet":
            n_rows, columns = _parquet(shard.path)
        else:
            n_rows, columns = _json_lines(shard.path, shard.size)
        with Path(shard.path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            n_bytes = file.tell()
    return DataFile(path, n_bytes, n_rows, digest, columns)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read ({first_line(error)}); write it again or leave it out") from error


def _parquet(path: str) -> tuple[int, tuple[tuple[str, str], ...]]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        return file.metadata.num_rows, tuple((field.name, _arrow_name(field.type)) for field in schema)


def _arrow_name(kind: pa.DataType) -> str:
    """Arrow's name of a type, without the fields where one of their names could be read as something else."""
    if not pa.types.is_nested(kind):
        return str(kind)
    inner = [kind.field(number) for number in range(kind.num_fields)]
    are_plain = not pa.types.is_struct(kind) or all(PLAIN_NAME.fullmatch(field.name) for field in inner)
    is_plain = are_plain and all(_arrow_name(field.type) == str(field.type) for field in inner)
    if is_plain:
        return str(kind)
    outer = str(kind).partition("<")[0]
    # that there is a map inside must be seen: libraries refuse those
    return f"{outer}<map>" if outer != "map" and any(_has_map(field.type) for field in inner) else outer


def _has_map(kind: pa.DataType) -> bool:
    is_nested = pa.types.is_nested(kind)
    return pa.types.is_map(kind) or (is_nested and any(_has_map(kind.field(n).type) for n in range(kind.num_fields)))


def _json_lines(path: str, size: int) -> tuple[int, tuple[tuple[str, str], ...]]:
    lines = Lines(path, size)
    n_rows = 0
    columns: dict[str, str] = {}
    for _, line in lines:
        if not line.strip():
            continue
        n_rows += 1
        row, _, _ = parse_row(line)
        if row is not None and len(columns) <= _MAX_COLUMNS:
            for name, value in row.items():
                columns[name] = wider(columns.get(name, "null"), _type(value))
    if lines.fault is not None:
        raise InputError(f"{path}: cannot be read ({lines.fault.detail.strip()}); write it again or leave it out")
    return n_rows, tuple(columns.items()) if len(columns) <= _MAX_COLUMNS else ()


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -_INT64 <= value < _INT64 else "double"
    if isinstance(value, float):
        return "double"
    if isinstance(value, str):
        return "string"
    return "null" if value is None else JSON


def wider(one: str, other: str) -> str:
    """The type of a field that has values of both types."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return "double" if {one, other} == {"int64", "double"} else JSON


def render_shards(sheet: Sheet) -> Mapping[str, str]:
    """`shards.csv`: the data files beside the card, else the files that were read, with what is known of them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if sheet.files:
        writer.writerow(("path", "n_rows", "n_bytes", "sha256"))
        writer.writerows((file.path, file.n_rows, file.n_bytes, file.sha256) for file in sheet.files)
    else:
        writer.writerow(("path", "n_rows", "n_bytes", "n_docs", "fingerprint"))
        names = ("name", "n_rows", "n_bytes", "n_docs", "fingerprint")
        writer.writerows([shard[name] for name in names] for shard in sheet.stats["shards"])
    return {SHARDS: buffer.getvalue()}


def kind_of(file: DataFile) -> str:
    """parquet or jsonl, by the file's name."""
    return file_kind(Path(file.path)) or ""


def data_warning(sheet: Sheet) -> str:
    """A sentence where the data files do not have as many rows as the sheet has documents; empty where they do."""
    n_rows, n_docs = sum(file.n_rows for file in sheet.files), int(sheet.rows("totals")[0]["n_docs"])
    if not sheet.files or n_rows == n_docs:
        return ""
    return (
        f"The data files have {n_rows:,} rows, but the numbers are of {n_docs:,} documents: the files are a part of "
        "the corpus or another one, or have rows that are no documents."
    )


def rows_per_source(sheet: Sheet) -> Mapping[str, tuple[DataFile, ...]]:
    """The data files of each source, where every file lies in a folder named like a source, and the rows of each
    source's files are as many as its documents; nothing where files and sources do not answer to each other so."""
    expected = {str(row["source"]): int(row["n_docs"]) for row in sheet.rows("composition")}
    found: dict[str, list[DataFile]] = {}
    for file in sheet.files:
        folders = [part for part in file.path.split("/")[:-1] if part in expected]
        if len(set(folders)) != 1:
            return {}
        found.setdefault(folders[0], []).append(file)
    if {source: sum(file.n_rows for file in its) for source, its in found.items()} != expected:
        return {}
    return {source: tuple(found[source]) for source in expected}
