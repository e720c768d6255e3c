"""Repeated runs of words in each text: n-grams for n = 2, 3, ... without counting the ones that occur once.

A run of n + 1 words can only repeat where both runs of n words in it repeat, so after the pairs few places are left.
Words are told apart by 64-bit hashes; runs of more than two by exact numbers of the shorter runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from explorer.taggers.arrays import M1, M2, MASKS, Bools, Hashes, Ints
from explorer.taggers.texts import Pieces, Texts


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

    def most_common(self, words: Pieces) -> tuple[Ints, Ints]:
        """Of each text, the first place of its most common run (of equals the one that comes first), and its count.

        Of a text without repeats that is its first run of words; what it says of texts of fewer words means nothing.
        """
        owners = words.text[self.firsts]
        counts = np.ones(len(words.bounds) - 1, dtype=np.int64)
        np.maximum.at(counts, owners, self.counts)
        is_most = self.counts == counts[owners]
        firsts = np.where(counts > 1, len(words.text), words.bounds[:-1])
        np.minimum.at(firsts, owners[is_most], self.firsts[is_most])
        return firsts, counts


def find_repeats(texts: Texts, longest: int) -> Iterator[Repeats]:
    """Repeated runs of 2, 3, ... `longest` words; found once for all taggers that ask."""
    found, more = texts.memo.setdefault("repeats", ([], _runs(texts.word_keys, texts.words)))
    while len(found) < longest - 1:
        found.append(next(more))
    yield from found[: longest - 1]


def _runs(keys: Hashes, words: Pieces) -> Iterator[Repeats]:
    pairs = keys[:-1] * M1
    pairs ^= pairs >> np.uint64(29)
    pairs += keys[1:]
    pairs *= M2
    pairs ^= pairs >> np.uint64(32)
    pairs += words.text[:-1].view(np.uint64) * M1
    is_pair = words.text[1:] == words.text[:-1]
    places = np.flatnonzero(is_pair)
    pairs = pairs[is_pair]
    repeats = repeats_among(2, places, pairs)
    del pairs, is_pair  # of many words, and not needed any more
    yield repeats
    group_of = np.full(len(keys) + 1, -1, dtype=np.int64)
    for n in count(3):
        group_of[repeats.places] = repeats.groups
        places = repeats.places
        following = group_of[places + 1]
        # both are runs within one text, so the longer one is too
        kept = np.flatnonzero(following >= 0)
        group_of[repeats.places] = -1
        places = places[kept]
        runs = repeats.groups[kept].view(np.uint64) * np.uint64(len(repeats.counts) + 1)
        repeats = repeats_among(n, places, (runs + following[kept].view(np.uint64)) * M1)  # the factor spreads them
        yield repeats


def repeats_among(n: int, places: Ints, keys: Hashes) -> Repeats:
    """Those of some runs of `n` words whose keys occur more than once: `places` (ascending) are their first words."""
    order, is_first = repeated_keys(keys)
    group_of = np.full(len(keys), -1, dtype=np.int64)
    group_of[order] = np.cumsum(is_first) - 1
    kept = np.flatnonzero(group_of >= 0)
    heads = np.flatnonzero(is_first)
    return Repeats(n, places[kept], group_of[kept], np.diff(heads, append=len(order)), places[order[heads]])


def repeated_keys(keys: Hashes) -> tuple[Ints, Bools]:
    """The places of keys that occur more than once: equal ones together and ascending; and which begin a group."""
    # Sorting numbers is several times as fast as sorting their places, so each carries its place in its lower bits.
    n_bits = np.uint64(len(keys).bit_length())
    low = (np.uint64(1) << n_bits) - np.uint64(1)
    packed = (keys & ~low) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    is_again = np.zeros(len(keys) + 1, dtype=bool)
    np.less_equal(packed[1:] ^ packed[:-1], low, out=is_again[1 : max(1, len(keys))])
    members = np.flatnonzero(is_again[1:] | is_again[:-1])
    order = (packed[members] & low).view(np.int64)
    is_first = ~is_again[members]
    found = keys[order]
    if np.array_equal(found[1:] != found[:-1], is_first[1:]):
        return order, is_first
    # keys that differ in their lower bits alone: about once in 60 runs of a million
    order = np.sort(order)
    order = order[np.argsort(keys[order], kind="stable")]
    found = keys[order]
    is_again = np.zeros(len(order) + 1, dtype=bool)
    np.equal(found[1:], found[:-1], out=is_again[1:-1])
    kept = is_again[1:] | is_again[:-1]
    return order[kept], ~is_again[:-1][kept]


def occurs_again(texts: Texts, begin: Ints, end: Ints, text: Ints) -> Ints:
    """Which pieces (lines, paragraphs; numbers, ascending) occur more than once in their text, empty ones too."""
    n_bytes = end - begin
    # equal ones have equal ends, by which most are ruled out before they are read whole
    keys = texts.load(begin) & MASKS[np.minimum(n_bytes, 8)]
    long = np.flatnonzero(n_bytes > 8)
    keys[long] ^= texts.load(end[long] - 8) * M2
    keys += (n_bytes.view(np.uint64) + text.view(np.uint64) * M2) * M1
    keys *= M1
    likely = np.sort(repeated_keys(keys)[0])
    keys = texts.keys_of(begin[likely], end[likely]) + text[likely].view(np.uint64) * M1
    return likely[np.sort(repeated_keys(keys)[0])]


def copies(texts: Texts, pieces: Pieces) -> Ints:
    """Which pieces (numbers, ascending) stand in their text before."""
    again = occurs_again(texts, pieces.begin, pieces.end, pieces.text)
    keys = texts.keys_of(pieces.begin[again], pieces.end[again])
    keys += pieces.text[again].view(np.uint64) * M1
    return np.delete(again, np.unique(keys, return_index=True)[1])
