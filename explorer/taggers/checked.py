"""Running taggers that may fail: an error that names the tagger, the file and the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import polars as pl

from explorer.errors import ExplorerError
from explorer.ingest.shards import first_line
from explorer.taggers.model import Tagger
from explorer.taggers.registry import load_taggers
from explorer.taggers.run import Tagged, tag_documents

_ADVICE = "leave the tagger out or take the document away, and run the same command again: finished files are kept"


@lru_cache(maxsize=1)
def taggers_of(specs: tuple[str, ...]) -> tuple[Tagger, ...]:
    """The taggers of some specs, loaded once in a process: some read large files."""
    return load_taggers(specs)


def checked_tags(frame: pl.DataFrame, taggers: Sequence[Tagger], attribute_set: str, place: str) -> Iterator[Tagged]:
    """The tags of some documents of the file `place`. Raises `ExplorerError` that names the document of a failure."""
    try:
        yield from _finite(frame, taggers, attribute_set)
    except MemoryError:
        raise
    except Exception as error:  # a tagger may be anybody's, and fail with anything
        raise ExplorerError(_failure(frame, taggers, attribute_set, place, error)) from error


def _finite(frame: pl.DataFrame, taggers: Sequence[Tagger], attribute_set: str) -> Iterator[Tagged]:
    for tagged in tag_documents(frame, taggers, attribute_set):
        if not np.isfinite(tagged.scores).all():
            raise ValueError("a score is no number")
        yield tagged


def _failure(
    frame: pl.DataFrame, taggers: Sequence[Tagger], attribute_set: str, place: str, error: BaseException
) -> str:
    """What to say of a tagger that failed: the first document with which one fails alone, else the rows at hand."""
    for tagger in taggers:
        for number in range(frame.height):
            try:
                for _ in _finite(frame.slice(number, 1), [tagger], attribute_set):
                    pass
            except Exception as failed:  # noqa: BLE001  # as above
                name = f" (id {str(frame['id'][number])[:100]!r})" if frame["id"][number] is not None else ""
                what = f"{type(failed).__name__}: {first_line(failed)}"
                row = frame["row"][number] + 1
                return f"{place}, row {row}{name}: the tagger {tagger.name} fails: {what}; {_ADVICE}"
    rows = f"rows {frame['row'][0] + 1} to {frame['row'][-1] + 1}"
    return f"{place}, {rows}: a tagger fails: {type(error).__name__}: {first_line(error)}; {_ADVICE}"
