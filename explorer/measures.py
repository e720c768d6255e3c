"""What the index pass takes from each document: counts of its text, hashes, its URL's parts, its dates.

The definitions are `explorer.units.MEASURES`; a change of any of them raises `explorer.workspace.INDEX_VERSION`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import orjson
import polars as pl
import pyarrow as pa

from explorer.urls import HOST_PATTERN, SCHEME_PATTERN, HostTable

TEXT_COUNTS: tuple[pl.Expr, ...] = (
    pl.col("text").str.len_bytes().cast(pl.Int64).alias("n_bytes"),
    pl.col("text").str.strip_chars().str.len_bytes().cast(pl.Int64).alias("n_bytes_trimmed"),
    pl.col("text").str.len_chars().cast(pl.Int64).alias("n_chars"),
    pl.col("text").str.count_matches(r"\S+").cast(pl.Int64).alias("n_words"),
    pl.when(pl.col("text") == "")
    .then(0)
    .otherwise(pl.col("text").str.count_matches("\n", literal=True) + 1)
    .cast(pl.Int64)
    .alias("n_lines"),
    # Each match starts at a line's first character that is not White_Space and takes the rest of the line,
    # so matches are the lines that are not blank; four times as fast as splitting.
    pl.col("text").str.count_matches(r"\S[^\n]*").cast(pl.Int64).alias("n_paragraphs"),
    pl.col("text").str.count_matches("\ufffd", literal=True).cast(pl.Int64).alias("n_replacement_chars"),
)

INDEX_SCHEMA = pa.schema([
    ("doc", pa.int32()),  # 0-based within the part
    ("shard", pa.int32()),  # 0-based within the part
    ("row", pa.int64()),  # 0-based within the shard's file
    ("id", pa.large_string()),
    ("is_id_given", pa.bool_()),
    ("source", pa.large_string()),
    *((expr.meta.output_name(), pa.int64()) for expr in TEXT_COUNTS),
    ("n_tokens", pa.int64()),
    ("url", pa.large_string()),
    ("scheme", pa.large_string()),
    ("host", pa.large_string()),
    ("domain", pa.large_string()),
    ("suffix", pa.large_string()),
    ("created", pa.timestamp("us")),
    ("added", pa.timestamp("us")),
    ("is_created_unreadable", pa.bool_()),
    ("language", pa.large_string()),
    ("licence", pa.large_string()),
    ("text_md5", pa.uuid()),
    ("url_md5", pa.uuid()),
    ("metadata", pa.large_string()),  # the scalar fields, as a JSON object
])  # fmt: skip

_TIME_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
)
_MAX_METADATA_TEXT = 500

TokenCounter = Callable[[list[str]], Sequence[int]]


def index_rows(
    frame: pl.DataFrame, first_doc: int, shard: int, hosts: HostTable, count: TokenCounter | None
) -> pa.Table:
    """The index rows (`INDEX_SCHEMA`) of a batch of documents (`FRAME_SCHEMA`).

    `first_doc` numbers the first of them within the part; with `count` the texts are tokenized.
    """
    text_md5, hexes = _md5(frame["text"])
    url_md5, _ = _md5(frame["url"])
    counts = frame.lazy().select(*TEXT_COUNTS).collect(engine="in-memory")
    urls = frame.lazy().select(
        pl.col("url").str.extract(SCHEME_PATTERN).str.to_lowercase().alias("scheme"),
        pl.col("url").str.extract(HOST_PATTERN).alias("host"),
    ).collect(engine="in-memory")  # fmt: skip
    parts = hosts.look_up(urls["host"])
    created, added = read_time(frame["created"]), read_time(frame["added"])
    n_tokens = (
        frame["n_tokens"]
        if count is None
        else pl.Series("n_tokens", list(count(frame["text"].to_list())), dtype=pl.Int64)
    )
    ids = frame["id"].to_list()
    given = frame["is_id_given"].to_list()
    columns = {
        "doc": np.arange(first_doc, first_doc + frame.height, dtype=np.int32),
        "shard": np.full(frame.height, shard, dtype=np.int32),
        "row": frame["row"].to_arrow(),
        # Without ids of its own a row is named by its text: the same on any machine and however the corpus is cut.
        "id": pa.array([i if g else f"md5:{h}" for i, g, h in zip(ids, given, hexes, strict=True)], pa.large_string()),
        "is_id_given": frame["is_id_given"].to_arrow(),
        "source": _strings(frame["source"]),
        **{name: counts[name].to_arrow() for name in counts.columns},
        "n_tokens": n_tokens.to_arrow(),
        "url": _strings(frame["url"]),
        "scheme": _strings(urls["scheme"]),
        **{name: _strings(parts[name]) for name in ("host", "domain", "suffix")},
        "created": created.to_arrow(),
        "added": added.to_arrow(),
        "is_created_unreadable": (frame["created"].is_not_null() & created.is_null()).to_arrow(),
        "language": _strings(_filled(frame["language"])),
        "licence": _strings(_filled(frame["licence"])),
        "text_md5": text_md5,
        "url_md5": url_md5,
        "metadata": pa.array([_scalars(value) for value in frame["metadata"].to_list()], pa.large_string()),
    }
    return pa.table(columns, schema=INDEX_SCHEMA)


def _filled(series: pl.Series) -> pl.Series:
    stripped = series.str.strip_chars()
    return stripped.set(stripped == "", None)


def _strings(series: pl.Series) -> pa.Array:
    return series.to_arrow().cast(pa.large_string())


def _md5(series: pl.Series) -> tuple[pa.Array, list[str]]:
    """MD5 of each value's UTF-8 bytes as UUIDs (128 bits), and as hex; null stays null."""
    array = _strings(series)
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1].tolist()
    data = memoryview(array.buffers()[2] or b"")
    md5 = hashlib.md5
    digests = [md5(data[a:b], usedforsecurity=False).digest() for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    storage = pa.array(digests, pa.binary(16))
    if array.null_count:
        storage = pa.array(
            [d if v else None for d, v in zip(digests, array.is_valid().to_pylist(), strict=True)],
            pa.binary(16),
        )
    return pa.ExtensionArray.from_storage(pa.uuid(), storage), [d.hex() for d in digests]


def read_time(series: pl.Series) -> pl.Series:
    """Dates as UTC timestamps: ISO 8601 in its usual forms, a year, a year and month, or seconds or milliseconds since 1970.

    What is none of these is null; years outside 1 to 9999 too.
    """
    if series.null_count() == len(series):
        return pl.Series(series.name, [None] * len(series), dtype=pl.Datetime("us"))
    text = (
        pl.col("t")
        .str.strip_chars()
        .str.replace(r"^(\d{4}-\d\d-\d\d) (\d)", "${1}T${2}")
        .str.replace(r"[zZ]$", "+00:00")
    )
    seconds = pl.when(text.str.contains(r"^-?\d{8,10}(\.\d+)?$")).then(text.cast(pl.Float64, strict=False))
    millis = pl.when(text.str.contains(r"^\d{12,13}$")).then(text.cast(pl.Float64, strict=False) / 1000)
    year = text.str.extract(r"^(\d{4})(?:-\d\d)?$")
    month = text.str.extract(r"^\d{4}-(\d\d)$")
    parsed = [
        _naive(text.str.to_datetime(form, strict=False, time_unit="us")) if "z" in form
        else text.str.to_datetime(form, strict=False, time_unit="us")
        for form in _TIME_FORMATS
    ]  # fmt: skip
    bare = (year + "-" + pl.coalesce(month, pl.lit("01")) + "-01").str.to_datetime(
        "%Y-%m-%d", strict=False, time_unit="us"
    )
    epoch = (pl.coalesce(seconds, millis) * 1_000_000).round().cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    found = pl.coalesce(*parsed, bare, epoch)
    low, high = datetime(1, 1, 1), datetime(9999, 12, 31)
    frame = (
        pl.DataFrame({"t": series}).lazy().select(pl.when(found.is_between(low, high)).then(found).alias(series.name))
    )
    return frame.collect(engine="in-memory").to_series().cast(pl.Datetime("us"))


def _naive(expr: pl.Expr) -> pl.Expr:
    return expr.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _scalars(metadata: str | None) -> str | None:
    """The scalar fields of a JSON object, long texts left out: small enough to keep beside the counts."""
    if metadata is None:
        return None
    try:
        fields = orjson.loads(metadata)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict):
        return None
    kept = {
        k: v
        for k, v in fields.items()
        if not isinstance(v, dict | list) and len(str(v)) <= _MAX_METADATA_TEXT and v is not None
    }
    return orjson.dumps(kept).decode() if kept else None
