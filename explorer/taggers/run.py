"""Running taggers over documents: their tags as arrays, then as the Parquet column or the JSON that files hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from explorer.taggers.arrays import Ints, totals_before
from explorer.taggers.model import Floats, Scores, Tagger, Tags, key_of, round_scores
from explorer.taggers.texts import Texts, texts_of

SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("score", pa.float64())])
TAGS = pa.map_(pa.string(), pa.list_(SPAN))


@dataclass(frozen=True)
class Tagged:
    """Tags of some consecutive documents, laid end to end: entries by document, in the order of the taggers."""

    lengths: Ints  # (n_docs) entries of each
    keys: list[str]
    codes: Ints  # (n_entries) which key
    counts: Ints  # (n_entries) spans of each
    starts: Ints  # (n_spans)
    ends: Ints
    scores: Floats

    def to_arrow(self) -> pa.Array:
        """A column of `TAGS`: spans by key, a row per document."""
        spans = pa.StructArray.from_arrays(
            [pa.array(self.starts), pa.array(self.ends), pa.array(self.scores)], fields=list(SPAN)
        )
        items = pa.ListArray.from_arrays(pa.array(totals_before(self.counts), pa.int32()), spans)
        keys = pa.array(self.keys, pa.string()).take(pa.array(self.codes))
        return pa.MapArray.from_arrays(pa.array(totals_before(self.lengths), pa.int32()), keys, items)

    def rows(self) -> Iterator[dict[str, list[tuple[int, int, float]]]]:
        """The attributes of each document, as they stand in a Dolma attribute file."""
        spans = list(zip(self.starts.tolist(), self.ends.tolist(), self.scores.tolist(), strict=True))
        entries = zip(self.codes.tolist(), totals_before(self.counts).tolist(), self.counts.tolist(), strict=False)
        for length in self.lengths.tolist():
            yield {self.keys[code]: spans[at : at + n] for code, at, n in (next(entries) for _ in range(length))}


def tag_documents(frame: pl.DataFrame, taggers: Sequence[Tagger], attribute_set: str) -> Iterator[Tagged]:
    """The tags of the documents of a frame (`id`, `source`, `text`, `url`, `metadata`), some at a time, in order."""
    for texts in texts_of(frame):
        yield tag_texts(texts, taggers, attribute_set)


def tag_texts(texts: Texts, taggers: Sequence[Tagger], attribute_set: str) -> Tagged:
    """The tags of some texts. Empty lists of spans do not occur: a key is absent where nothing was found."""
    keys: list[str] = []
    docs, codes, counts, starts, ends = ([np.zeros(0, dtype=np.int64)] for _ in range(5))
    scores = [np.zeros(0)]
    for tagger in taggers:
        for tags in tagger.tag(texts):
            own, n_spans, begin, end = _laid_out(tags, texts)
            docs.append(own)
            codes.append(np.full(len(own), len(keys)))
            counts.append(n_spans)
            starts.append(begin)
            ends.append(end)
            scores.append(tags.scores)
            keys.append(key_of(attribute_set, tagger.name, tags.type))
    owner = np.concatenate(docs)
    order = np.argsort(owner, kind="stable")
    n_spans = np.concatenate(counts)
    first = np.cumsum(n_spans) - n_spans
    sorted_counts = n_spans[order]
    within = np.arange(int(n_spans.sum())) - np.repeat(np.cumsum(sorted_counts) - sorted_counts, sorted_counts)
    spans = np.repeat(first[order], sorted_counts) + within
    return Tagged(
        np.bincount(owner, minlength=texts.n_texts),
        keys,
        np.concatenate(codes)[order],
        sorted_counts,
        np.concatenate(starts)[spans],
        np.concatenate(ends)[spans],
        round_scores(np.concatenate(scores))[spans],
    )


def _laid_out(tags: Tags, texts: Texts) -> tuple[Ints, Ints, Ints, Ints]:
    """Documents of a type's entries, spans of each entry, and the places of all spans."""
    if isinstance(tags, Scores):
        n = len(tags.docs)
        return tags.docs, np.ones(n, dtype=np.int64), np.zeros(n, dtype=np.int64), texts.n_chars[tags.docs]
    heads = np.flatnonzero(np.diff(tags.docs, prepend=-1))
    return tags.docs[heads], np.diff(heads, append=len(tags.docs)), tags.starts, tags.ends
