"""Repeated lines, paragraphs and runs of words, as DataTrove's GopherRepetitionFilter measures them (`repetition_v1`).

Copies count after the first alone, and everything is divided by the characters of the text; the Dolma toolkit's
measures of the same names (`gopher_v2`) count every occurrence, and divide by those of words.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.taggers.arrays import M1, M2, M3, MASKS, Bytes, Hashes, Ints, eight_bytes, totals_before
from explorer.taggers.lines import blocks, parted_lines
from explorer.taggers.model import Floats, Scores, Tagger, Tags, TagType
from explorer.taggers.repeats import Repeats, copies, find_repeats, repeats_among
from explorer.taggers.texts import Texts

TOP = {2: 0.20, 3: 0.18, 4: 0.16}  # words: Gopher's cut-off
DUPLICATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
_HEAD = 16  # bytes that two runs must share before they are compared
_HASHED = 128  # bytes of a run, eight at a time; longer ones are hashed one by one
_STEP = 1 << 16  # places at a time as Python's numbers, which take many times the memory
_ASCII_SPACES = bytes(point for point in range(0x80) if chr(point).isspace())


def _tag(texts: Texts) -> Iterator[Tags]:
    docs = np.flatnonzero(texts.n_chars)
    for name, pieces in (("para", blocks(texts)), ("line", parted_lines(texts))):
        kept = copies(texts, pieces)
        owners = pieces.text[kept]
        yield Scores(f"dup_{name}_frac", docs, np.bincount(owners, minlength=texts.n_texts)[docs] / pieces.counts[docs])
        chars = texts.chars_between(pieces.begin[kept], pieces.end[kept])
        yield Scores(f"dup_{name}_char_frac", docs, _by_chars(texts, owners, chars, docs))
    words = texts.words
    chars_before = totals_before(texts.word_chars)
    for repeats in find_repeats(texts, max(TOP)):
        long_enough = np.flatnonzero(words.counts >= repeats.n)
        first, counts = repeats.most_common(words)
        first, counts = first[long_enough], counts[long_enough]
        # with the spaces between the words
        chars = (chars_before[first + repeats.n] - chars_before[first] + repeats.n - 1) * counts
        yield Scores(f"top_{repeats.n}_gram", long_enough, chars / texts.n_chars[long_enough])
    for run in _spelt_alike(texts, DUPLICATED):
        places = _walk(run)
        chars = chars_before[places + run.n] - chars_before[places]
        yield Scores(f"duplicated_{run.n}_n_grams", docs, _by_chars(texts, words.text[places], chars, docs))


def _by_chars(texts: Texts, owners: Ints, chars: Ints, docs: Ints) -> Floats:
    """Characters of some pieces by those of their texts, of the texts `docs`."""
    totals = np.bincount(owners, chars, minlength=texts.n_texts)[docs]
    found: Floats = totals / texts.n_chars[docs]
    return found


def _walk(runs: Repeats) -> Ints:
    """The places of copies, going from word to word: a run met before is one, and the walk goes on behind it, so that
    runs that begin within a copy are not met."""
    found: list[int] = []
    is_met = bytearray(len(runs.counts))
    behind = np.searchsorted(runs.places, runs.places + runs.n)
    place = 0
    for low in range(0, len(runs.places), _STEP):
        step = slice(low, low + _STEP)
        groups, following = runs.groups[step].tolist(), (behind[step] - low).tolist()
        place -= low
        while place < len(groups):
            group = groups[place]
            if is_met[group]:
                found.append(low + place)
                place = following[place]
            else:
                is_met[group] = 1
                place += 1
        place += low
    return runs.places[np.array(found, dtype=np.int64)]


def _spelt_alike(texts: Texts, lengths: dict[int, float]) -> Iterator[Repeats]:
    """The repeated runs of some numbers of words, told apart by their characters alone: `a bc` is `ab c`."""
    words = texts.words
    edges = totals_before(words.end - words.begin)
    data = _inked(texts, int(edges[-1]))
    heads = eight_bytes(data, edges[:-1]) * M1
    heads += eight_bytes(data, edges[:-1] + 8) * M2
    heads += words.text.view(np.uint64) * M3
    # a run is repeated where its first bytes are, or it is shorter than these
    is_candidate = np.zeros(len(heads), dtype=bool)
    is_candidate[_maybe_repeated(heads)] = True
    is_short = edges[min(lengths) :] - edges[: -min(lengths)] < _HEAD
    is_candidate[: len(is_short)] |= is_short
    places = np.flatnonzero(is_candidate)
    last = words.bounds[words.text[places] + 1]
    for n in lengths:
        starts = places[places + n <= last]
        begin, end = edges[starts], edges[starts + n]
        owners = words.text[starts].view(np.uint64) * M1
        # most differ in their lengths and their last bytes
        n_bytes = end - begin
        tails = eight_bytes(data, np.maximum(end - 8, begin)) & MASKS[np.minimum(n_bytes, 8)]
        tails = tails * M2 + owners + n_bytes.view(np.uint64) * M3
        kept = _maybe_repeated(tails)
        keys = _hash_runs(data, begin[kept], end[kept]) + owners[kept]
        yield repeats_among(n, starts[kept], keys)


def _inked(texts: Texts, n_bytes: int) -> Bytes:
    """The bytes of all words end to end, and some zeros behind them."""
    behind = texts.data[texts.n_bytes :]
    found = np.frombuffer(texts.data.tobytes().translate(None, _ASCII_SPACES), dtype=np.uint8)
    if len(found) == n_bytes + len(behind):  # no white space but ASCII, which is the fast way
        return found
    return np.concatenate([texts.data[: texts.n_bytes][~texts.is_space], behind])


def _maybe_repeated(keys: Hashes) -> Ints:
    """The places (ascending) of all keys that occur more than once, and of a few others: the lower bits of keys do not
    count."""
    n_bits = np.uint64(len(keys).bit_length())
    packed = (keys >> n_bits << n_bits) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    is_again = np.zeros(len(keys) + 1, dtype=bool)
    is_again[1:-1] = (packed[1:] ^ packed[:-1]) >> n_bits == 0
    found = packed[is_again[1:] | is_again[:-1]] & ((np.uint64(1) << n_bits) - np.uint64(1))
    return np.sort(found.view(np.int64))


def _hash_runs(data: Bytes, begin: Ints, end: Ints) -> Hashes:
    """64-bit hashes of the bytes of some runs of words, the same in one process."""
    n_bytes = end - begin
    keys = n_bytes.view(np.uint64) * M1
    keys ^= eight_bytes(data, begin) & MASKS[np.minimum(n_bytes, 8)]
    keys *= M2
    keys ^= keys >> np.uint64(32)
    active = np.arange(len(begin))
    for at in range(8, _HASHED, 8):
        active = active[n_bytes[active] > at]
        if not len(active):
            break
        mixed = keys[active] ^ (eight_bytes(data, begin[active] + at) & MASKS[np.minimum(n_bytes[active] - at, 8)])
        mixed *= M2
        keys[active] = mixed ^ (mixed >> np.uint64(32))
    long = np.flatnonzero(n_bytes > _HASHED)
    if len(long):
        whole = data.tobytes()
        spans = zip(begin[long].tolist(), end[long].tolist(), strict=True)
        keys[long] += np.fromiter((hash(whole[first:last]) for first, last in spans), np.int64, len(long)).view(
            np.uint64
        )
    return keys


_TOKENS = "DataTrove takes spaCy's tokens for words, so that its number differs"


def _types() -> tuple[TagType, ...]:
    pieces = {
        "para": (
            "paragraphs",
            "what lies between two line feeds or more, white space at the text's ends taken away",
        ),
        "line": ("lines", "what lies between line feeds, several in a row as one; empty at a text's end that is one"),
    }
    copied = tuple(
        found
        for name, (noun, meaning) in pieces.items()
        for found in (
            TagType(
                f"dup_{name}_frac",
                "document",
                f"share of {noun}",
                f"{noun} ({meaning}) that stand in the text before, so copies after the first, by all {noun}; absent "
                "from an empty text. Gopher, and FineWeb with it, removes documents above 0.30",
            ),
            TagType(
                f"dup_{name}_char_frac",
                "document",
                "share of characters",
                f"characters of {noun} that stand in the text before, by all characters; absent from an empty text. "
                "Gopher, and FineWeb with it, removes documents above 0.20",
            ),
        )
    )
    top = tuple(
        TagType(
            f"top_{n}_gram",
            "document",
            "share of characters",
            f"characters of the {n} consecutive words that occur most often (of equals the first), a space between "
            "words, times their occurrences (which may be 1), by all characters; overlaps count twice, so it may "
            f"exceed 1; absent below {n} words. Gopher, and FineWeb with it, removes documents above {cut:.2f}; "
            f"{_TOKENS}",
        )
        for n, cut in TOP.items()
    )
    duplicated = tuple(
        TagType(
            f"duplicated_{n}_n_grams",
            "document",
            "share of characters",
            f"characters of copies, by all characters; absent from an empty text. Going from word to word, {n} "
            "consecutive words that spell (without spaces) what was met before are a copy, behind which the way goes "
            f"on. Gopher, and FineWeb with it, removes documents above {cut:.2f}; {_TOKENS}",
        )
        for n, cut in DUPLICATED.items()
    )
    return (*copied, *top, *duplicated)


TAGGERS = (
    Tagger(
        "repetition_v1",
        "Repeated paragraphs, lines and runs of words, with the cut-offs of Gopher. Words are the pieces between white "
        "space; DataTrove takes spaCy's tokens (punctuation apart, contractions in two) for the runs of words, the one "
        "difference from its filter.",
        "DataTrove 0.10.1, pipeline/filters/gopher_repetition_filter.py; Rae et al. 2021, Scaling Language Models "
        "(Gopher), table A1",
        _types(),
        _tag,
    ),
)
