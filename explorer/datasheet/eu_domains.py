"""The lists of domains beside the EU's public summary: what the provider crawled itself, and a voluntary annex."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import polars as pl

from explorer.corpus import Corpus
from explorer.datasheet.declared import Declared

OWN_DOMAINS = "eu_domains"  # names in `Sheet.tables`
OTHER_DOMAINS = "eu_other_domains"
MAX_DOMAINS = 5_000_000  # of the list that is asked for: some 100 bytes each in memory
MAX_OTHER_DOMAINS = 1_000  # of the annex, which nobody asks for


class FrameRows(Sequence[Mapping[str, Any]]):
    """The rows of a frame, made when they are asked for: millions of dictionaries would not fit in memory."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __len__(self) -> int:
        return self._frame.height

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        if isinstance(index, slice):
            return FrameRows(self._frame[index])
        return self._frame.row(index, named=True)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return self._frame.iter_rows(named=True)


def domain_tables(corpus: Corpus, declared: Declared) -> dict[str, Sequence[Mapping[str, Any]]]:
    """For `Sheet.tables`: rows of `domain_list`, of the own crawl and of all other sources.

    The own crawl's are all that the rule lists, up to `MAX_DOMAINS`; of the others the largest.
    """
    sources = sorted(corpus.show("composition")["source"].to_list())
    own, other = split_sources(sources, declared)
    return {
        name: FrameRows(corpus.show("domain_list", **list_arguments(chosen, declared, most))) if chosen else ()
        for name, chosen, most in ((OWN_DOMAINS, own, MAX_DOMAINS), (OTHER_DOMAINS, other, MAX_OTHER_DOMAINS))
    }


def split_sources(sources: Sequence[str], declared: Declared) -> tuple[list[str], list[str]]:
    """The sources declared to be the provider's own crawl, and the others."""
    own = [name for name in sources if name in declared.origins and declared.origins[name].origin_class == "own_crawl"]
    return own, [name for name in sources if name not in set(own)]


def list_arguments(sources: Sequence[str], declared: Declared, top_n: int) -> dict[str, str | int]:
    """The parameters of `domain_list` for some sources: who is not known to be small gives the longer list."""
    rule = "sme" if declared.provider.is_sme == "yes" else "top_10_percent"
    return {"only_sources": json.dumps(sorted(sources)), "list_rule": rule, "top_n": top_n}
