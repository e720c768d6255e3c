"""What a tagger is: its name, the types of attributes that it makes with their meaning, and the function that does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from explorer.taggers.arrays import Ints
from explorer.taggers.texts import Texts

Floats = npt.NDArray[np.float64]

PRECISION = 5  # decimals of a score, as the toolkit writes them
_NOT_PLAIN = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True)
class TagType:
    """One type of attribute. The name `*` stands for names that come with the data or a model, such as languages."""

    name: str
    level: Literal["document", "span"]
    unit: str  # of the score: "characters", "share of words", "probability"
    doc: str  # its definition: what is counted, and what it is divided by


@dataclass(frozen=True)
class Scores:
    """A score of whole documents: one span over the whole text each. `docs` (ascending) are numbers of texts."""

    type: str
    docs: Ints
    scores: Floats


@dataclass(frozen=True)
class Spans:
    """Spans [start, end) in characters of their documents, in the order in which a document lists them."""

    type: str
    docs: Ints  # ascending
    starts: Ints
    ends: Ints
    scores: Floats


Tags = Scores | Spans
TagFunction = Callable[[Texts], Iterable[Tags]]


@dataclass(frozen=True)
class Tagger:
    """A tagger, declared once. `key` tells apart those of one name that read another file or another version."""

    name: str
    doc: str
    source: str  # where the definition comes from
    types: tuple[TagType, ...]
    tag: TagFunction
    key: str = ""


def every(texts: Texts, name: str, scores: npt.NDArray[np.float64] | Ints) -> Scores:
    """A score of every document."""
    return Scores(name, np.arange(texts.n_texts), scores.astype(np.float64))


def where(name: str, flags: npt.NDArray[np.bool_]) -> Scores:
    """The score 1 for the documents of which something is true (n_texts); the others have no such key."""
    docs = np.flatnonzero(flags)
    return Scores(name, docs, np.ones(len(docs)))


def share(part: Ints | Floats, whole: Ints) -> Floats:
    """`part / whole`, and `part` where the whole is nothing."""
    found: Floats = part / np.maximum(whole, 1)
    return found


def round_scores(scores: Floats) -> Floats:
    """Scores as they are written: rounded as Python's `round(score, 5)` does, which knows decimal ties."""
    scaled = scores * 10.0**PRECISION
    rounded: Floats = np.rint(scaled) / 10.0**PRECISION
    near_tie = np.flatnonzero(np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < 1e-4)
    large = np.flatnonzero(np.abs(scores) > 1e9)  # the product loses digits
    for i in np.union1d(near_tie, large).tolist():
        rounded[i] = round(float(scores[i]), PRECISION)
    return rounded


def key_of(attribute_set: str, tagger: str, tag_type: str) -> str:
    """The attribute's key, as the toolkit makes it."""
    return "__".join(map(plain_name, (attribute_set, tagger, tag_type)))


def plain_name(name: str) -> str:
    """A name as it stands in keys, by the toolkit's rule: what is no letter, digit or underscore becomes one."""
    return _NOT_PLAIN.sub("_", name)
