"""Repeated runs of words in each text: n-grams for n = 2, 3, ... without counting the ones that occur once.

A run of n + 1 words can only repeat where both runs of n words in it repeat, so after the pairs few places are left.
Words are told apart by 64-bit hashes; runs of more than two by exact numbers of the shorter runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.duplicates.paragraphs import sorted_keys
from explorer.taggers.texts import MASKS, Hashes, Ints, Pieces, Texts

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
    pairs = keys[:-1] * _M1
    pairs ^= pairs >> np.uint64(29)
    pairs += keys[1:]
    pairs *= _M2
    pairs ^= pairs >> np.uint64(32)
    pairs += words.text[:-1].view(np.uint64) * _M1
    is_pair = words.text[1:] == words.text[:-1]
    places = np.flatnonzero(is_pair)
    pairs = pairs[is_pair]
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
    order, found = sorted_keys(keys)
    is_again = np.zeros(len(keys) + 1, dtype=bool)
    np.equal(found[1:], found[:-1], out=is_again[1:-1])
    members = np.flatnonzero(is_again[1:] | is_again[:-1])  # in groups of several, one after the other
    is_first = ~is_again[members]
    heads = np.flatnonzero(is_first)
    group_of = np.full(len(keys), -1, dtype=np.int64)
    group_of[order[members]] = np.cumsum(is_first) - 1
    kept = np.flatnonzero(group_of >= 0)
    return Repeats(n, places[kept], group_of[kept], np.diff(heads, append=len(members)), places[order[members[heads]]])


def occurs_again(texts: Texts, begin: Ints, end: Ints, text: Ints) -> Ints:
    """Which pieces (lines, paragraphs; numbers, ascending) occur more than once in their text, empty ones too."""
    n_bytes = end - begin
    # equal ones have equal ends, by which most are ruled out before they are read whole
    keys = texts.load(begin) & MASKS[np.minimum(n_bytes, 8)]
    long = np.flatnonzero(n_bytes > 8)
    keys[long] ^= texts.load(end[long] - 8) * _M2
    keys += (n_bytes.view(np.uint64) + text.view(np.uint64) * _M2) * _M1
    keys *= _M1
    likely = np.sort(_members(keys))
    keys = texts.keys_of(begin[likely], end[likely]) + text[likely].view(np.uint64) * _M1
    return likely[np.sort(_members(keys))]


def _members(keys: Hashes) -> Ints:
    """The places of keys that occur more than once."""
    order, found = sorted_keys(keys)
    is_again = np.zeros(len(keys) + 1, dtype=bool)
    np.equal(found[1:], found[:-1], out=is_again[1:-1])
    return order[is_again[1:] | is_again[:-1]]
