"""What the index pass takes from each document: counts of its text, hashes, its URL's parts, its dates.

The definitions are `explorer.units.MEASURES`; a change of any of them raises `explorer.workspace.INDEX_VERSION`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl
import pyarrow as pa

from explorer.textcount import Lines, count_texts
from explorer.urls import HOST_PATTERN, SCHEME_PATTERN, HostTable

TEXT_COUNTS: tuple[pl.Expr, ...] = (
    pl.col("text").str.len_bytes().cast(pl.Int64).alias("n_bytes"),
    pl.col("text").str.strip_chars().str.len_bytes().cast(pl.Int64).alias("n_bytes_trimmed"),
    pl.col("text").str.len_chars().cast(pl.Int64).alias("n_chars"),
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
    *((name, pa.int64()) for name in ("n_words", "n_lines", "n_paragraphs")),
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
# The formats alone would take years of two digits, and an impossible date of eight digits for seconds since 1970.
_TIME_SHAPE = r"^(?:\d{4}(?:[-/]\d\d?(?:[-/]\d\d?(?:T.*)?)?)?|\d{8}|-?\d{9,10}(?:\.\d+)?|\d{12,13})$"
_NESTED = re.compile(r"[\[{]|null")
_MAX_METADATA_TEXT = 500

TokenCounter = Callable[[list[str]], Sequence[int]]


def index_rows(
    frame: pl.DataFrame,
    first_doc: int,
    shard: int,
    hosts: HostTable,
    count: TokenCounter | None,
    take: Callable[[Lines], None] = lambda lines: None,
) -> pa.Table:
    """The index rows (`INDEX_SCHEMA`) of a batch of documents (`FRAME_SCHEMA`).

    `first_doc` numbers the first of them within the part; with `count` the texts are tokenized. `take` gets the lines
    of the texts, in order.
    """
    data, offsets = text_buffers(frame["text"])
    text_digests = _md5(data, offsets)
    shapes = count_texts(np.frombuffer(data, dtype=np.uint8), offsets, take)
    url_digests = _md5(*text_buffers(frame["url"]))
    has_url = frame["url"].is_not_null().to_list()
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
        "id": pa.array(
            [i if g else f"md5:{d.hex()}" for i, g, d in zip(ids, given, text_digests, strict=True)], pa.large_string()
        ),
        "is_id_given": frame["is_id_given"].to_arrow(),
        "source": _strings(frame["source"]),
        **{name: counts[name].to_arrow() for name in counts.columns},
        "n_words": shapes.n_words,
        "n_lines": shapes.n_lines,
        "n_paragraphs": shapes.n_paragraphs,
        "n_tokens": n_tokens.to_arrow(),
        "url": _strings(frame["url"]),
        "scheme": _strings(urls["scheme"]),
        **{name: _strings(parts[name]) for name in ("host", "domain", "suffix")},
        "created": created.to_arrow(),
        "added": added.to_arrow(),
        "is_created_unreadable": (frame["created"].is_not_null() & created.is_null()).to_arrow(),
        "language": _strings(_filled(frame["language"])),
        "licence": _strings(_filled(frame["licence"])),
        "text_md5": _uuids(text_digests),
        "url_md5": _uuids([digest if known else None for digest, known in zip(url_digests, has_url, strict=True)]),
        "metadata": pa.array([_scalars(value) for value in frame["metadata"].to_list()], pa.large_string()),
    }
    return pa.table(columns, schema=INDEX_SCHEMA)


def _filled(series: pl.Series) -> pl.Series:
    stripped = series.str.strip_chars()
    return stripped.set(stripped == "", None)


def _strings(series: pl.Series) -> pa.Array:
    return series.to_arrow().cast(pa.large_string())


def text_buffers(series: pl.Series) -> tuple[memoryview, npt.NDArray[np.int64]]:
    """The UTF-8 bytes of all values end to end, and the n + 1 offsets between them; null values are empty."""
    array = _strings(series)
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return memoryview(array.buffers()[2] or b""), offsets


def _md5(data: memoryview, offsets: npt.NDArray[np.int64]) -> list[bytes]:
    md5 = hashlib.md5
    return [md5(data[a:b], usedforsecurity=False).digest() for a, b in pairwise(offsets.tolist())]


def _uuids(digests: Sequence[bytes | None]) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.uuid(), pa.array(digests, pa.binary(16)))


def read_time(series: pl.Series) -> pl.Series:
    """Dates as UTC timestamps: ISO 8601 in its usual forms, a year, a year and month, or seconds or ms since 1970.

    What is none of these is null; years outside 1 to 9999 too.
    """
    distinct = series.unique()
    if 4 * len(distinct) < len(series):  # such as the day of a crawl
        table = pl.DataFrame({"raw": distinct, "time": read_time(distinct)})
        rows = pl.DataFrame({"raw": series}).join(table, on="raw", how="left", maintain_order="left", nulls_equal=True)
        return rows["time"].alias(series.name)
    found = _parse_usual_times(series)
    rest = series.is_not_null() & found.is_null()
    if rest.any():  # most corpora write one form; the other forms are tried on what is left
        found = found.set(rest, None).scatter(rest.arg_true(), _parse_times(series.filter(rest)))
    low, high = datetime(1, 1, 1), datetime(9999, 12, 31)
    frame = pl.DataFrame({"t": found}).lazy().select(pl.when(pl.col("t").is_between(low, high)).then(pl.col("t")))
    return frame.collect(engine="in-memory").to_series().alias(series.name)


def _parse_usual_times(series: pl.Series) -> pl.Series:
    """Parse the form that most corpora write, with and without a zone."""
    text = pl.when(pl.col("t").str.contains(r"^\d{4}-\d\d-\d\dT\d\d:")).then(pl.col("t"))
    attempts = [_in_format(text, form) for form in _TIME_FORMATS[:2]]
    return pl.DataFrame({"t": series}).lazy().select(pl.coalesce(attempts)).collect(engine="in-memory").to_series()


def _parse_times(series: pl.Series) -> pl.Series:
    """Parse in every way that is known."""
    text = (
        pl.col("t")
        .str.strip_chars()
        .str.replace(r"^(\d{4}-\d\d-\d\d)[ t](\d)", "${1}T${2}")
        .str.replace(r"(\d)(?: ?[zZ]| UTC| GMT)$", "${1}+00:00")
    )
    text = pl.when(text.str.contains(_TIME_SHAPE)).then(text)
    attempts = [_in_format(text, form) for form in _TIME_FORMATS]
    year = text.str.extract(r"^(\d{4})(?:-\d\d)?$")
    month = text.str.extract(r"^\d{4}-(\d\d)$")
    bare = year + "-" + pl.coalesce(month, pl.lit("01")) + "-01"
    seconds = pl.when(text.str.contains(r"^-?\d{9,10}(\.\d+)?$")).then(text.cast(pl.Float64, strict=False))
    millis = pl.when(text.str.contains(r"^\d{12,13}$")).then(text.cast(pl.Float64, strict=False) / 1000)
    epoch = (pl.coalesce(seconds, millis) * 1_000_000).round().cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    attempts += [_in_format(bare, "%Y-%m-%d"), epoch]
    frame = pl.DataFrame({"t": series}).lazy().select(pl.coalesce(attempts).cast(pl.Datetime("us")))
    return frame.collect(engine="in-memory").to_series()


def _in_format(text: pl.Expr, form: str) -> pl.Expr:
    parsed = text.str.to_datetime(form, strict=False, time_unit="us")
    return parsed.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if "z" in form else parsed


def _scalars(metadata: str | None) -> str | None:
    """The scalar fields of a JSON object, long texts left out: small enough to keep beside the counts."""
    if metadata is None:
        return None
    if len(metadata) <= _MAX_METADATA_TEXT and not _NESTED.search(metadata, 1):
        return metadata  # nothing to leave out; the readers pass JSON objects
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
