"""A fastText classifier of the user's (`.bin` or `.ftz`) as a tagger: quality, toxicity, topics.

The library trusts a file blindly: a cut or foreign one ends the process or gives nonsense. So its structure is read
here first.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from explorer.errors import InputError
from explorer.escape import printable
from explorer.taggers.model import Scores, Tagger, Tags, TagType, plain_name
from explorer.taggers.registry import FileTagger
from explorer.taggers.texts import Texts

MAX_LABELS = 32  # of which every one is written; of more, those that are likely
MIN_PROBABILITY = 0.01
_PREFIX = "__label__"
_MAGIC, _VERSION = 793712314, 12
_SUPERVISED = 3
_MAX_SIDE = 1 << 40  # rows or columns of a matrix; more is nonsense
_MAX_WORD = 1 << 20  # bytes
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Model:
    """What a model's file says of itself."""

    labels: tuple[str, ...]  # without the prefix
    digest: str


def read_model(path: Path) -> Model:
    """Check a model's file and read its labels. Raises `InputError` where it is none of a fastText classifier."""
    try:
        with path.open("rb") as file:
            labels = _Reader(file, path).labels()
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name a fastText model, .bin or .ftz") from error
    keys: set[str] = set()
    for label in labels:
        key = plain_name(label)
        if key in keys:
            raise InputError(f"{path}: the label {printable(label)} has the same key as another, {key}")
        keys.add(key)
    return Model(labels, digest)


class _Reader:
    """Reads the parts of a model's file in turn."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._size = path.stat().st_size

    def labels(self) -> tuple[str, ...]:
        if self._size < 8 or (head := self._take("2i"))[0] != _MAGIC:
            self._refuse("is no fastText model")
        if head[1] not in (11, _VERSION):
            self._refuse(f"has version {head[1]} of fastText's format; 11 and {_VERSION} are read")
        dim, *_, model, bucket, _, _, _, _ = self._take("12id")
        if model != _SUPERVISED:
            self._refuse("holds word vectors and no classifier; train it with `fasttext supervised`")
        n_entries, n_words, n_labels = self._take("3i")
        _, n_pruned = self._take("2q")
        if min(dim, n_labels) < 1 or min(n_words, bucket) < 0 or n_entries != n_words + n_labels or n_pruned < -1:
            self._refuse("contradicts itself")
        found = self._entries(n_entries, n_words)
        self._skip(8 * max(0, n_pruned))
        (is_quantized,) = self._take("?")
        n_rows = n_words + (bucket if n_pruned < 0 else n_pruned)
        self._matrix(is_quantized, n_rows, dim)
        (is_output_quantized,) = self._take("?")
        self._matrix(is_quantized and is_output_quantized, n_labels, dim)
        if self._file.tell() != self._size:
            self._refuse("goes on after its end")
        return found

    def _entries(self, n_entries: int, n_words: int) -> tuple[str, ...]:
        """The labels: the entries behind those of the words. An entry is text, a zero, a count and a kind."""
        labels: list[str] = []
        rest, at = b"", 0
        for number in range(n_entries):
            while (end := rest.find(b"\0", at)) < 0 or end + 10 > len(rest):
                block = self._file.read(_BLOCK)
                if not block or len(rest) - at > _MAX_WORD:
                    self._refuse("is cut off or damaged")
                rest, at = rest[at:] + block, 0
            if rest[end + 9] != (number >= n_words):
                self._refuse("contradicts itself")
            if number >= n_words:
                labels.append(self._label(rest[at:end]))
            at = end + 10
        self._file.seek(at - len(rest), 1)
        return tuple(labels)

    def _label(self, raw: bytes) -> str:
        try:
            return raw.decode().removeprefix(_PREFIX)
        except UnicodeDecodeError:
            self._refuse("has a label that is not UTF-8")

    def _matrix(self, is_quantized: bool, n_rows: int, n_columns: int) -> None:
        if is_quantized:
            (has_norms,) = self._take("?")
            rows, columns, n_codes = self._take("2qi")
            self._skip(n_codes)
            n_parts = self._quantizer(n_columns)
            if has_norms:
                self._skip(rows)
                self._quantizer(1)
            if n_codes != rows * n_parts:
                self._refuse("contradicts itself")
        else:
            rows, columns = self._take("2q")
            self._skip(4 * rows * columns if 0 <= rows < _MAX_SIDE and 0 <= columns < _MAX_SIDE else -1)
        if (rows, columns) != (n_rows, n_columns):
            self._refuse("contradicts itself")

    def _quantizer(self, n_columns: int) -> int:
        """Bytes of each row's code."""
        dim, n_parts, part, last = self._take("4i")
        if dim != n_columns or min(n_parts, part, last) < 1 or (n_parts - 1) * part + last != dim:
            self._refuse("contradicts itself")
        self._skip(4 * 256 * dim)
        return int(n_parts)

    def _take(self, form: str) -> tuple[Any, ...]:
        n_bytes = struct.calcsize(f"<{form}")
        raw = self._file.read(n_bytes)
        if len(raw) < n_bytes:
            self._refuse("is cut off")
        return struct.unpack(f"<{form}", raw)

    def _skip(self, n_bytes: int) -> None:
        if not 0 <= n_bytes <= self._size - self._file.tell():
            self._refuse("is cut off or damaged")
        self._file.seek(n_bytes, 1)

    def _refuse(self, why: str) -> NoReturn:
        raise InputError(f"{self._path}: {why}; name a classifier that fastText has written, .bin or .ftz")


@lru_cache(maxsize=2)
def _load(path: str, digest: str) -> Any:
    """The model, loaded when it is first used in a process. The digest keeps apart what a path held before."""
    import fasttext

    try:
        return fasttext.load_model(path)
    except ValueError as error:
        raise InputError(f"{path}: {error}; name a classifier that fastText has written, .bin or .ftz") from error


def _tag(path: Path, model: Model, texts: Texts) -> Iterator[Tags]:
    classifier = _load(str(path), model.digest)
    threshold = MIN_PROBABILITY if len(model.labels) > MAX_LABELS else 0.0
    numbers = {f"{_PREFIX}{label}": number for number, label in enumerate(model.labels)}
    numbers |= {label: number for number, label in enumerate(model.labels)}
    docs: list[list[int]] = [[] for _ in model.labels]
    scores: list[list[float]] = [[] for _ in model.labels]
    for doc, text in enumerate(texts.strings):
        for label, score in zip(*classifier.predict(text.replace("\n", " ").strip(), -1, threshold), strict=True):
            number = numbers[label]
            docs[number].append(doc)
            scores[number].append(score)
    for label, own, found in zip(model.labels, docs, scores, strict=True):
        yield Scores(label, np.array(own, dtype=np.int64), np.array(found, dtype=np.float64))


def _open(name: str, path: Path) -> Tagger:
    path = path.absolute()
    model = read_model(path)
    return Tagger(
        name,
        f"{_DOC} {printable(path.name)} has {len(model.labels):,} labels.",
        _SOURCE,
        tuple(TagType(label, "document", "probability", _SCORE) for label in model.labels),
        partial(_tag, path, model),
        key=model.digest,
    )


_DOC = "Probabilities of the labels of a fastText classifier, such as quality or toxicity, for the document."
_SOURCE = "the user's model; Joulin et al. 2017, Bag of Tricks for Efficient Text Classification"
_SCORE = (
    "the model's probability of the label (which rounding may carry a little above 1), for the whole text with line "
    "feeds as spaces and without white space at its ends; all labels of a model with up to "
    f"{MAX_LABELS}, those of at least {MIN_PROBABILITY} of one with more; absent where the model knows nothing in the "
    "text"
)
TAGGERS: tuple[Tagger, ...] = ()
FILE_TAGGERS = (FileTagger("fasttext", _DOC, _SOURCE, (TagType("*", "document", "probability", _SCORE),), _open),)
