"""MinHash signatures of texts: 128 numbers each, of which two texts share about the share of their common shingles.

A shingle is five consecutive words as they stand (a shorter text is one shingle). Signatures are those of datasketch 2
(scheme `affine32`, 128 permutations, seed 1) for the same 32-bit shingle hashes, so its LSH and its other tools can
read them; here they are made for many texts at once, about ten times as fast (`tests/benchmarks/minhash.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from explorer.duplicates.paragraphs import hash_pieces
from explorer.errors import UsageError
from explorer.textcount import Bytes, Ints, stretches_of, white_space, whole_chars

N_PERMUTATIONS = 128
SHINGLE_WORDS = 5
NO_SIGNATURE = np.uint32(0xFFFFFFFF)  # in all 128 places: a text without words
RECALL = 0.95  # at a third of the way from the threshold to equality

Hashes = npt.NDArray[np.uint32]
Words = npt.NDArray[np.uint64]
_SEED = 1
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd; combines the words of a shingle
_MIX = np.uint64(0xD6E8FEB86659FD93)  # odd
_STEP_BYTES = 1 << 19  # of text at a time
_PIECE_BYTES = 1 << 16  # stays in the cache, and too small for the allocator to map anew each time
_PIECE_SHINGLES = 1 << 16  # with their permuted values they stay in the cache


@dataclass(frozen=True)
class Shingles:
    """Shingles of consecutive texts, in order. A long text is in several of these, one after the other."""

    first_text: int
    counts: Ints  # (n_texts) shingles of each
    hashes: Hashes  # (sum of counts)


def bands_of(threshold: float) -> tuple[int, int]:
    """(bands, rows) in which pairs of a Jaccard of `threshold` are looked for; raises `UsageError` outside 0 to 1.

    The most rows, and therefore the fewest pairs to verify, with which a pair a third of the way from the threshold to
    equality is still found with a chance of at least `RECALL`.
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"a threshold of {threshold} is no Jaccard similarity; choose one above 0 and at most 1")
    similar = threshold + (1 - threshold) / 3
    chances = {r: 1 - (1 - similar**r) ** (N_PERMUTATIONS // r) for r in range(1, N_PERMUTATIONS + 1)}
    rows = max(r for r, chance in chances.items() if chance >= RECALL)
    return N_PERMUTATIONS // rows, rows


def signatures(data: Bytes, offsets: Ints) -> Hashes:
    """The signatures (n_texts, 128) of texts laid end to end.

    Text i is the UTF-8 in `data[offsets[i]:offsets[i + 1]]` (n_texts + 1 offsets). One without words has
    `NO_SIGNATURE` everywhere.
    """
    found = np.full((len(offsets) - 1, N_PERMUTATIONS), NO_SIGNATURE)
    for shingles in find_shingles(data, offsets):
        filled = np.flatnonzero(shingles.counts)
        ends = np.cumsum(shingles.counts[filled])
        _permute(shingles.hashes, ends, shingles.first_text + filled, found)
    return found


def _permute(hashes: Hashes, ends: Ints, texts: Ints, found: Hashes) -> None:
    """Lower the signatures `found[texts]` to those of the shingles that end at `ends` (none of them is empty)."""
    multipliers, addends = permutations()
    values = np.empty(min(len(hashes), _PIECE_SHINGLES), dtype=np.uint32)
    for low in range(0, len(hashes), _PIECE_SHINGLES):
        mixed = _fmix32(hashes[low : low + _PIECE_SHINGLES])
        high = low + len(mixed)
        first = int(np.searchsorted(ends, low, side="right"))
        last = int(np.searchsorted(ends, high)) + 1  # the text that goes on after this piece, or ends with it
        starts = np.concatenate([[0], ends[first : last - 1] - low])
        minima = np.empty((N_PERMUTATIONS, len(starts)), dtype=np.uint32)
        piece = values[: len(mixed)]
        for number in range(N_PERMUTATIONS):
            np.multiply(mixed, multipliers[number], out=piece)
            np.add(piece, addends[number], out=piece)
            np.minimum.reduceat(piece, starts, out=minima[number])
        rows = texts[first:last]
        found[rows] = np.minimum(found[rows], minima.T)


@cache
def permutations() -> tuple[Hashes, Hashes]:
    """The multipliers and addends (128 each) of datasketch's permutations."""
    from datasketch import MinHash  # here, because it brings scipy, and few builds need it

    multipliers, addends = MinHash(num_perm=N_PERMUTATIONS, seed=_SEED, scheme="affine32").permutations
    return np.asarray(multipliers, dtype=np.uint32), np.asarray(addends, dtype=np.uint32)


def _fmix32(hashes: Hashes) -> Hashes:
    """The finaliser of MurmurHash3, which datasketch puts before its permutations."""
    mixed = hashes ^ (hashes >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def find_shingles(data: Bytes, offsets: Ints) -> Iterator[Shingles]:
    """The shingles of texts laid end to end (as in `signatures`), some hundred kilobytes of text at a time."""
    bounds, texts = stretches_of(data, offsets, _STEP_BYTES, _space_after)
    steps = np.searchsorted(bounds[:-1], np.arange(offsets[0], offsets[-1], _STEP_BYTES))
    carried = np.zeros(0, dtype=np.uint64)  # the last words of a text that goes on
    is_begun = False  # whether that has shingles already
    for low, high in pairwise(np.unique(np.concatenate([[0], steps, [len(texts)]])).tolist()):
        # one stretch at most of each text: those of a long text are longer than a step
        step = data[bounds[low] : bounds[high]]
        edges = bounds[low : high + 1] - bounds[low]
        words = _word_bounds(step, edges)
        hashes = np.concatenate([carried, hash_pieces(step, words[::2], words[1::2])])
        counts = np.diff(np.searchsorted(words[::2], edges))
        counts[0] += len(carried)
        goes_on = bool(high < len(texts) and texts[high] == texts[high - 1])
        is_short = (counts > 0) & (counts < SHINGLE_WORDS)
        is_short[0] &= not is_begun
        is_short[-1] &= not goes_on
        yield Shingles(int(texts[low]), *_combine(hashes, counts, is_short))
        n_last = int(counts[-1])
        carried = hashes[len(hashes) - min(n_last, SHINGLE_WORDS - 1) :] if goes_on else hashes[:0]
        is_begun = goes_on and (n_last >= SHINGLE_WORDS or (is_begun and high - low == 1))


def _combine(words: Words, counts: Ints, is_short: npt.NDArray[np.bool_]) -> tuple[Ints, Hashes]:
    """Of each text the number of its shingles, and their hashes end to end; a short one is a shingle as a whole."""
    ends = np.cumsum(counts)
    n_windows = max(0, len(words) - SHINGLE_WORDS + 1)
    windows = words[:n_windows].copy()
    is_within = np.ones(len(words), dtype=np.bool_)  # whether the window that begins here ends in the same text
    for place in range(1, SHINGLE_WORDS):
        windows *= _BASE
        windows += words[place : place + n_windows]
        is_within[ends[counts >= place] - place] = False
    hashes = windows[is_within[:n_windows]]
    n_shingles = np.maximum(counts - SHINGLE_WORDS + 1, 0)
    if is_short.any():
        firsts, lengths = (ends - counts)[is_short], counts[is_short]
        wholes = words[firsts]
        for place in range(1, SHINGLE_WORDS - 1):
            longer = lengths > place
            wholes[longer] = wholes[longer] * _BASE + words[firsts[longer] + place]
        hashes = np.insert(hashes, np.cumsum(n_shingles)[is_short], wholes)
        n_shingles[is_short] = 1
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MIX
    hashes >>= np.uint64(32)
    return n_shingles, hashes.astype(np.uint32)


def _word_bounds(data: Bytes, edges: Ints) -> Ints:
    """Start and end of each word in turn (2 * n_words); no word goes across an edge (of texts, n_texts + 1)."""
    found = []
    was_space = True
    begin = 0
    while begin < len(data):
        end = whole_chars(data, min(begin + _PIECE_BYTES, len(data)))
        is_space = white_space(data[begin:end])
        if is_space[0] != was_space:
            found.append(np.array([begin]))
        found.append(np.flatnonzero(is_space[1:] != is_space[:-1]) + (begin + 1))
        begin, was_space = end, bool(is_space[-1])
    if not was_space:
        found.append(np.array([begin]))
    bounds = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    inner = np.unique(edges)
    cuts = inner[(np.searchsorted(bounds, inner) % 2 == 1) & (np.searchsorted(bounds, inner, side="right") % 2 == 1)]
    return np.sort(np.concatenate([bounds, cuts, cuts]), kind="stable")


def _space_after(data: Bytes, position: int, end: int) -> int:
    """The first white space at or after a position, or `end`."""
    begin = position
    while begin < end and data[begin] & 0xC0 == 0x80:
        begin += 1  # not within a character
    while begin < end:
        stop = whole_chars(data, min(begin + _PIECE_BYTES, end))
        found = np.flatnonzero(white_space(data[begin:stop]))
        if len(found):
            return begin + int(found[0])
        begin = stop
    return end
