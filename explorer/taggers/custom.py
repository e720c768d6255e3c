"""A tagger out of a function over a Polars frame: what packages register as `corpus_explorer.taggers`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from explorer.errors import ExplorerError, UsageError
from explorer.escape import printable
from explorer.taggers.arrays import Ints
from explorer.taggers.model import Scores, Spans, Tagger, Tags, TagType, plain_name
from explorer.taggers.texts import Texts

__all__ = ["TagType", "TaggerError", "frame_tagger"]

COLUMNS = ("id", "source", "text", "url", "metadata")
_FIELDS = ("start", "end", "score")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)

FrameFunction = Callable[[pl.DataFrame], pl.DataFrame]


class TaggerError(ExplorerError, ValueError):
    """A tagger's function returned what is no result."""


def frame_tagger(
    name: str, doc: str, source: str, types: Sequence[TagType], function: FrameFunction, version: str = ""
) -> Tagger:
    """A tagger that calls `function` with some documents at a time, as many as make up about 1 MB of text.

    The function gets the columns id, source, text, url (text, null where a document has none) and metadata (JSON text)
    and returns a frame of the same height, in the same order. A column of numbers or flags holds scores of documents,
    where null and NaN leave the document without that key; a column of lists of {start, end, score}, or of lists of
    three numbers, holds spans [start, end) in characters of the text. A column is named as its type in `types`; the
    type `*` of its level admits any name. What a document gets must depend on nothing but the document. Change
    `version` with what the function computes, so that files made before are not taken for new ones.

    Raises `UsageError` for names that keys cannot tell apart. The tagger raises `TaggerError` for a wrong result.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{printable(name)!r}: not a name for a tagger; use letters, digits, - . and _")
    _check_keys(name, [each.name for each in types], UsageError)

    def tag(texts: Texts) -> Iterator[Tags]:
        found = function(texts.frame.select(COLUMNS))
        if not isinstance(found, pl.DataFrame):
            raise TaggerError(f"the tagger {name} must return a polars.DataFrame, not {type(found).__name__}")
        if found.height != texts.n_texts:
            raise TaggerError(f"the tagger {name} returned {found.height} rows for {texts.n_texts} documents")
        _check_keys(name, found.columns, TaggerError)
        for column in found:
            yield _read(name, types, column, texts)

    return Tagger(name, doc, source, tuple(types), tag, key=version)


def _check_keys(name: str, types: Sequence[str], error: type[ExplorerError]) -> None:
    """Raises `error` where types of the tagger `name` have no name, or two have one key."""
    known: dict[str, str] = {}
    for each in types:
        if not each:
            raise error(f"the tagger {name} has a type without a name")
        other = known.setdefault(plain_name(each), each)
        if other != each:
            raise error(f"the tagger {name}: {printable(other)} and {printable(each)} have the same key; rename one")


def _read(name: str, types: Sequence[TagType], column: pl.Series, texts: Texts) -> Tags:
    """The tags that a column holds."""
    where = f"the tagger {name}, column {printable(column.name)}"
    is_list = isinstance(column.dtype, pl.List | pl.Array)
    if not (is_list or column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        raise TaggerError(f"{where}: holds {column.dtype}; give numbers, flags, or lists of start, end and score")
    declared = {each.level for each in types if each.name == column.name}
    declared = declared or {each.level for each in types if each.name == "*"}
    if not declared:
        names = ", ".join(printable(each.name) for each in types)
        raise TaggerError(f"{where}: is no type that the tagger declares ({names})")
    if column.dtype != pl.Null and ("span" if is_list else "document") not in declared:
        raise TaggerError(f"{where}: holds {column.dtype}, but is declared for a {' or '.join(declared)}")
    return _spans(where, column, texts) if is_list else _scores(where, column)


def _scores(where: str, column: pl.Series) -> Scores:
    scores = column.cast(pl.Float64).to_numpy()  # null becomes NaN
    docs = np.flatnonzero(~np.isnan(scores))
    if np.isinf(scores[docs]).any():
        raise TaggerError(f"{where}: holds an infinite number")
    return Scores(column.name, docs, scores[docs])


def _spans(where: str, column: pl.Series, texts: Texts) -> Spans:
    lists = column.arr.to_list() if isinstance(column.dtype, pl.Array) else column
    counts = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
    docs: Ints = np.repeat(np.arange(texts.n_texts), counts)
    if not len(docs):
        nothing = np.zeros(0, dtype=np.int64)
        return Spans(column.name, nothing, nothing, nothing, np.zeros(0))
    flat = lists.filter(pl.Series(counts > 0)).explode()
    if isinstance(flat.dtype, pl.Struct) and {field.name for field in flat.dtype.fields} == set(_FIELDS):
        parts = [flat.struct.field(field) for field in _FIELDS]
    elif isinstance(flat.dtype, pl.List | pl.Array):
        items = flat.arr.to_list() if isinstance(flat.dtype, pl.Array) else flat
        if not (items.list.len() == 3).fill_null(False).all():
            raise TaggerError(f"{where}: a span is not three numbers: start, end, score")
        parts = [items.list.get(place) for place in range(3)]
    else:
        raise TaggerError(f"{where}: holds lists of {flat.dtype}; a span is start, end and score")
    if any(part.null_count() or not part.dtype.is_numeric() for part in parts):
        raise TaggerError(f"{where}: start, end and score must be numbers, and none may be missing")
    starts, ends, scores = (part.cast(pl.Float64).to_numpy() for part in parts)
    n_chars = texts.n_chars[docs]
    fits = np.isfinite(scores) & (starts >= 0) & (starts <= ends) & (ends <= n_chars)
    fits &= (starts == np.floor(starts)) & (ends == np.floor(ends))
    if not fits.all():
        first = int(np.argmin(fits))
        raise TaggerError(
            f"{where}: the span [{starts[first]:g}, {ends[first]:g}, {scores[first]:g}] does not lie in its document "
            f"of {n_chars[first]} characters, or its score is no number"
        )
    return Spans(column.name, docs, starts.astype(np.int64), ends.astype(np.int64), scores)
