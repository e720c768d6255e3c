"""What the documents of a synthetic index look like: how long they are, how bad, and the values of a key."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from explorer.measures import INDEX_SCHEMA
from explorer.plan import Part
from tests.benchmarks.synthetic_keys import Key

N_DOMAINS = 20_000
LANGUAGES = ("en", "de", "fr", "es", "ru", "zh", "ja", "it", "pt", "pl")
BYTES_A_CHARACTER = (1.01, 1.03, 1.04, 1.03, 1.8, 2.7, 2.6, 1.02, 1.04, 1.06)
_SHARED = 0.7  # how much of a value's standard deviation is the document's badness; the rest is its own
_ALIKE = 0.97  # how much of the rest the members of a family have in common

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Random = np.random.Generator


@dataclass(frozen=True)
class Texts:
    """What is common to the documents of a range: an array each, one entry a document."""

    n_words: Ints
    n_chars: Ints
    badness: Floats  # about standard normal; short documents are worse

    def __len__(self) -> int:
        return len(self.n_words)


@dataclass(frozen=True)
class Cells:
    """The values of one key over a range: `n` below 0 where it is absent; spans of those that have several."""

    n: Ints
    first: Floats
    chars: Ints
    spans: tuple[Ints, Ints, Ints, Ints] | None = None  # doc within the range, place in its list, start, end


def draw_texts(seed: list[int], first: int, last: int) -> Texts:
    """The texts that are not there: the same whoever asks for a range."""
    random = np.random.default_rng([*seed, first])
    n = last - first
    length = random.standard_normal(n)
    n_words = np.maximum(1, np.exp(5.9 + 1.2 * length)).astype(np.int64)
    badness = (0.9 * random.standard_normal(n) - 0.5 * length) / 1.03
    return Texts(n_words, (n_words * random.uniform(4.6, 7.0, n)).astype(np.int64), badness)


def draw_cells(key: Key, texts: Texts, seed: list[int]) -> Cells:
    random = np.random.default_rng([*seed, 0, key.number])
    n = len(texts)
    own = random.standard_normal(n)
    if key.family:  # members of a family mostly agree, as n-grams of neighbouring lengths do
        own = _ALIKE * np.random.default_rng([*seed, key.family]).standard_normal(n) + np.sqrt(1 - _ALIKE**2) * own
    badness = _SHARED * texts.badness + np.sqrt(1 - _SHARED**2) * own
    present = badness > _edge(1 - key.coverage)
    if key.kind == "many":
        return _many(key, texts, present, random)
    present &= texts.n_words >= key.least_words
    if key.kind == "flag":
        first = np.ones(n)
    elif key.kind == "words":
        first = texts.n_words.astype(np.float64)
    elif key.kind == "chars":
        first = texts.n_chars.astype(np.float64)
    else:
        edge = _edge(1 - key.share)
        step = badness - edge
        if key.is_high_bad:
            first = key.limit * np.exp(key.spread * step)
            first[badness < _edge(key.zeros)] = 0.0
        else:
            first = key.limit - key.spread * step
        first = np.clip(first, 0.0, key.highest)
        first = np.rint(first) if key.is_whole else np.round(first, 5)
    return Cells(np.where(present, 1, -1), first, texts.n_chars)


def _edge(share: float) -> float:
    """Where the given share of a standard normal distribution lies below."""
    return NormalDist().inv_cdf(share) if share > 0 else -np.inf


def _many(key: Key, texts: Texts, present: Bools, random: Random) -> Cells:
    """Spans of a key that has several: one in each of as many equal pieces of the text, so that none overlap."""
    at = np.flatnonzero(present & (texts.n_chars >= 64))
    counts = np.minimum(random.geometric(0.4, len(at)), 8)
    docs = np.repeat(at, counts)
    places = np.arange(len(docs)) - np.repeat(np.cumsum(counts) - counts, counts)
    piece = texts.n_chars[docs] // np.repeat(counts, counts)
    start = places * piece + (piece * random.uniform(0, 0.5, len(docs))).astype(np.int64)
    end = start + np.maximum(1, np.minimum(piece // 2, random.integers(8, 40, len(docs))))
    n = np.full(len(texts), 0 if key.is_empty_written else -1)
    n[at] = counts
    chars = np.zeros(len(texts), dtype=np.int64)
    np.add.at(chars, docs, end - start)
    return Cells(n, np.ones(len(texts)), chars, (docs, places, start, end))


def draw_documents(part: Part, texts: Texts, shards: Ints, rows: Ints, seed: list[int]) -> pa.Table:
    """The index rows of a range of documents."""
    random = np.random.default_rng([*seed, 1])
    n = len(texts)
    domains = np.minimum(N_DOMAINS * random.random(n) ** 3, N_DOMAINS - 1).astype(np.int64)
    domain = _text("site-", domains, ".org")
    host = _joined("www.", domain)
    source = pa.array([shard.folder_source for shard in part.shards]).take(pa.array(shards))
    number = pc.cast(pa.array(seed[-2] * 10_000_000 + seed[-1] + np.arange(n)), pa.string())
    language = np.minimum(10 * random.random(n) ** 3, 9).astype(np.int64)
    n_bytes = (texts.n_chars * np.array(BYTES_A_CHARACTER)[language]).astype(np.int64)
    n_lines = 1 + (texts.n_words / random.uniform(6, 40, n)).astype(np.int64)
    columns = {
        "doc": pa.array(np.arange(seed[-1], seed[-1] + n), pa.int32()),
        "shard": pa.array(shards, pa.int32()),
        "row": rows,
        "id": pc.cast(_joined(source, "-", number), pa.large_string()),
        "is_id_given": pa.array(np.ones(n, dtype=bool)),
        "source": pc.cast(source, pa.large_string()),
        "n_bytes": n_bytes,
        "n_bytes_trimmed": n_bytes - random.integers(0, 3, n),
        "n_chars": texts.n_chars,
        "n_replacement_chars": (random.random(n) < 0.01).astype(np.int64),
        "n_words": texts.n_words,
        "n_lines": n_lines,
        "n_paragraphs": 1 + n_lines // 2,
        "n_tokens": (texts.n_words * random.uniform(1.2, 1.6, n)).astype(np.int64),
        "url": _joined("https://", host, "/", number),
        "scheme": pa.repeat("https", n),
        "host": host,
        "domain": domain,
        "suffix": pa.repeat("org", n),
        "created": pa.array(1_300_000_000_000_000 + random.integers(0, 400_000_000_000_000, n)),
        "added": pa.nulls(n, pa.timestamp("us")),
        "is_created_unreadable": pa.array(np.zeros(n, dtype=bool)),
        "language": pa.array(LANGUAGES).take(pa.array(language)),
        "licence": pa.nulls(n, pa.large_string()),
        "text_md5": _uuids(random, n),
        "url_md5": _uuids(random, n),
        "metadata": pa.nulls(n, pa.large_string()),
    }
    arrays = [columns[field.name] for field in INDEX_SCHEMA]
    return pa.table(
        [
            array if isinstance(array, pa.ExtensionArray) else pc.cast(pa.array(array), field.type)
            for array, field in zip(arrays, INDEX_SCHEMA, strict=True)
        ],
        schema=INDEX_SCHEMA,
    )


def _text(before: str, numbers: Ints, after: str) -> Any:
    return _joined(before, pc.cast(pa.array(numbers), pa.string()), after)


def _joined(*texts: Any) -> Any:
    """Texts put together, row by row."""
    return pc.binary_join_element_wise(*texts, "")


def _uuids(random: Random, n: int) -> pa.Array:
    data = pa.py_buffer(random.bytes(16 * n))
    return pa.ExtensionArray.from_storage(
        pa.uuid(), pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), n, [None, data])
    )
