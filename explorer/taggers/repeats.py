"""Repeated runs of words in each text: n-grams for n = 2, 3, ... without counting the ones that occur once.

A run of n + 1 words can only repeat where both runs of n words in it repeat, so after the pairs few places are left.
Words are told apart by 64-bit hashes; runs of more than two by exact numbers of the shorter runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.duplicates.paragraphs import sorting_order
from explorer.taggers.texts import Hashes, Ints, Pieces

_M1, _M2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd


@dataclass(frozen=True)
class Repeats:
    """The runs of `n` words that occur more than once in their text.

    `places` are their first words (numbers among all words, ascending), `groups` which run each is. Per run: `counts`
    and `firsts`, the place of its first occurrence.
    """

    n: int
    places: Ints
    groups: Ints
    counts: Ints
    firsts: Ints


def find_repeats(keys: Hashes, words: Pieces, longest: int) -> Iterator[Repeats]:
    """Repeated runs of 2, 3, ... `longest` words."""
    places = np.flatnonzero(words.text[1:] == words.text[:-1]) if len(keys) else np.zeros(0, dtype=np.int64)
    pairs = keys[places] * _M1
    pairs ^= pairs >> np.uint64(29)
    pairs += keys[places + 1]
    pairs *= _M2
    pairs ^= pairs >> np.uint64(32)
    pairs += words.text[places].view(np.uint64) * _M1
    repeats = _repeated(2, places, pairs)
    yield repeats
    group_of = np.full(len(keys) + 1, -1, dtype=np.int64)
    for n in range(3, longest + 1):
        group_of[repeats.places] = repeats.groups
        places = repeats.places
        following = group_of[places + 1]
        # both are runs within one text, so the longer one is too
        kept = np.flatnonzero(following >= 0)
        group_of[repeats.places] = -1
        places = places[kept]
        runs = repeats.groups[kept].view(np.uint64) * np.uint64(len(repeats.counts) + 1)
        repeats = _repeated(n, places, (runs + following[kept].view(np.uint64)) * _M1)  # the factor spreads them
        yield repeats


def _repeated(n: int, places: Ints, keys: Hashes) -> Repeats:
    order = sorting_order(keys)
    found = keys[order]
    is_new = np.empty(len(keys), dtype=bool)
    is_new[:1] = True
    np.not_equal(found[1:], found[:-1], out=is_new[1:])
    heads = np.flatnonzero(is_new)
    counts = np.diff(heads, append=len(keys))
    repeated = counts > 1
    heads, counts = heads[repeated], counts[repeated]
    groups_of_all = np.full(len(keys), -1, dtype=np.int64)
    members = np.repeat(heads - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    groups_of_all[order[members]] = np.repeat(np.arange(len(heads)), counts)
    kept = np.flatnonzero(groups_of_all >= 0)
    return Repeats(n, places[kept], groups_of_all[kept], counts, places[order[heads]])
