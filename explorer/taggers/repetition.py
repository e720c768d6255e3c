"""Repeated lines, paragraphs and runs of words, as DataTrove's GopherRepetitionFilter measures them (`repetition_v1`).

Copies count after the first alone, and everything is divided by the characters of the text; the Dolma toolkit's
measures of the same names (`gopher_v2`) count every occurrence, and divide by those of words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.duplicates.paragraphs import sorting_order
from explorer.taggers.fineweb import copies
from explorer.taggers.model import Floats, Scores, Tagger, Tags, TagType
from explorer.taggers.repeats import find_repeats
from explorer.taggers.texts import MASKS, Bytes, Hashes, Ints, Pieces, Texts

TOP = {2: 0.20, 3: 0.18, 4: 0.16}  # words: Gopher's cut-off
DUPLICATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
_HEAD = 16  # bytes that two runs must share before they are compared
_HASHED = 128  # bytes of a run, eight at a time; longer ones are hashed one by one
_STEP = 1 << 16
_ASCII_SPACES = bytes(point for point in range(0x80) if chr(point).isspace())
_NEWLINE = 0x0A
_M1, _M2, _M3 = (np.uint64(m) for m in (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9))  # odd


def _tag(texts: Texts) -> Iterator[Tags]:
    docs = np.flatnonzero(texts.n_chars)
    for name, pieces in (("para", _paragraphs(texts)), ("line", _lines(texts))):
        kept = copies(texts, pieces)
        owners = pieces.text[kept]
        yield Scores(f"dup_{name}_frac", docs, np.bincount(owners, minlength=texts.n_texts)[docs] / pieces.counts[docs])
        chars = texts.chars_between(pieces.begin[kept], pieces.end[kept])
        yield Scores(f"dup_{name}_char_frac", docs, _by_chars(texts, owners, chars, docs))
    words = texts.words
    chars_before = np.zeros(len(texts.word_chars) + 1, dtype=np.int64)
    np.cumsum(texts.word_chars, out=chars_before[1:])
    for repeats in find_repeats(texts, max(TOP)):
        long_enough = np.flatnonzero(words.counts >= repeats.n)
        first, counts = repeats.most_common(words)
        first, counts = first[long_enough], counts[long_enough]
        # with the spaces between the words
        chars = (chars_before[first + repeats.n] - chars_before[first] + repeats.n - 1) * counts
        yield Scores(f"top_{repeats.n}_gram", long_enough, chars / texts.n_chars[long_enough])
    for run in _joined_repeats(texts, DUPLICATED):
        places = run.walk()
        chars = chars_before[places + run.n] - chars_before[places]
        yield Scores(f"duplicated_{run.n}_n_grams", docs, _by_chars(texts, words.text[places], chars, docs))


def _by_chars(texts: Texts, owners: Ints, chars: Ints, docs: Ints) -> Floats:
    """Characters of some pieces by those of their texts, of the texts `docs`."""
    totals = np.bincount(owners, chars, minlength=texts.n_texts)[docs]
    found: Floats = totals / texts.n_chars[docs]
    return found


def _paragraphs(texts: Texts) -> Pieces:
    """What lies between two line feeds or more, from the first word of a text to its last; without words, one empty
    piece."""
    words = texts.words
    is_blank = words.counts == 0
    first = np.where(is_blank, texts.offsets[:-1], 0)
    last = first.copy()
    inked = np.flatnonzero(~is_blank)
    first[inked] = words.begin[words.bounds[:-1][inked]]
    last[inked] = words.end[words.bounds[1:][inked] - 1]
    newlines = texts.lines.end
    # the places where runs of line feeds begin and end (exclusive)
    breaks = np.flatnonzero(np.diff(newlines) != 1) + 1
    begin = newlines[np.concatenate([[0], breaks])] if len(newlines) else newlines
    end = newlines[np.append(breaks, len(newlines)) - 1] + 1 if len(newlines) else newlines
    inner = end - begin > 1
    begin, end = begin[inner], end[inner]
    owner = np.searchsorted(texts.offsets, begin, side="right") - 1
    inner = (begin > first[owner]) & (end < last[owner])
    begin, end, owner = begin[inner], end[inner], owner[inner]
    starts = np.concatenate([first, end])
    stops = np.concatenate([begin, last])
    starts.sort()
    stops.sort()
    owners = np.sort(np.concatenate([np.arange(texts.n_texts), owner]))
    return Pieces(starts, stops, owners, np.searchsorted(owners, np.arange(texts.n_texts + 1)))


def _lines(texts: Texts) -> Pieces:
    """What lies between line feeds, several in a row as one: empty where a text begins or ends with one."""
    lines = texts.lines
    is_edge = (lines.begin == texts.offsets[lines.text]) | (lines.end == texts.ends[lines.text])
    kept = np.flatnonzero((lines.end > lines.begin) | is_edge)
    return Pieces(lines.begin[kept], lines.end[kept], lines.text[kept], np.searchsorted(kept, lines.bounds))


@dataclass(frozen=True)
class _Joined:
    """Runs of `n` words that spell the same without white space as others of their text: the places of their first
    words (ascending) and which spelling each is."""

    n: int
    places: Ints
    groups: Ints

    def walk(self) -> Ints:
        """The places of copies, going from word to word: what spells as a run met before is one, and the walk goes on
        behind it, so that runs that begin within a copy are not met."""
        found: list[int] = []
        is_met = bytearray(int(self.groups.max(initial=-1)) + 1)
        behind = np.searchsorted(self.places, self.places + self.n)
        place = 0
        for low in range(0, len(self.places), _STEP):
            step = slice(low, low + _STEP)
            groups, following = self.groups[step].tolist(), (behind[step] - low).tolist()
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
        return self.places[np.array(found, dtype=np.int64)]


def _joined_repeats(texts: Texts, lengths: dict[int, float]) -> Iterator[_Joined]:
    """The repeated runs of some numbers of words, told apart by their characters alone: `a bc` is `ab c`."""
    words = texts.words
    edges = np.zeros(len(words.begin) + 1, dtype=np.int64)
    np.cumsum(words.end - words.begin, out=edges[1:])
    data = _inked(texts, int(edges[-1]))
    heads = _load(data, edges[:-1]) * _M1
    heads += _load(data, edges[:-1] + 8) * _M2
    heads += words.text.view(np.uint64) * _M3
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
        owners = words.text[starts].view(np.uint64) * _M1
        # most differ in their lengths and their last bytes
        n_bytes = end - begin
        tails = _load(data, np.maximum(end - 8, begin)) & MASKS[np.minimum(n_bytes, 8)]
        tails = tails * _M2 + owners + n_bytes.view(np.uint64) * _M3
        kept = _maybe_repeated(tails)
        keys = _hash_runs(data, begin[kept], end[kept]) + owners[kept]
        starts = starts[kept]
        kept, groups = _repeated(keys)
        yield _Joined(n, starts[kept], groups)


def _inked(texts: Texts, n_bytes: int) -> Bytes:
    """The bytes of all words end to end, and some zeros behind them."""
    behind = texts.data[texts.n_bytes :]
    found = np.frombuffer(texts.data.tobytes().translate(None, _ASCII_SPACES), dtype=np.uint8)
    if len(found) == n_bytes + len(behind):
        return found
    return np.concatenate([texts.data[: texts.n_bytes][~texts.is_space], behind])


def _load(data: Bytes, places: Ints) -> Hashes:
    view = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    return view[places]


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
    n_bytes = end - begin
    keys = n_bytes.view(np.uint64) * _M1
    keys ^= _load(data, begin) & MASKS[np.minimum(n_bytes, 8)]
    keys *= _M2
    keys ^= keys >> np.uint64(32)
    active = np.arange(len(begin))
    for at in range(8, _HASHED, 8):
        active = active[n_bytes[active] > at]
        if not len(active):
            break
        mixed = keys[active] ^ (_load(data, begin[active] + at) & MASKS[np.minimum(n_bytes[active] - at, 8)])
        mixed *= _M2
        keys[active] = mixed ^ (mixed >> np.uint64(32))
    long = np.flatnonzero(n_bytes > _HASHED)
    if len(long):
        whole = data.tobytes()
        spans = zip(begin[long].tolist(), end[long].tolist(), strict=True)
        keys[long] += np.fromiter((hash(whole[first:last]) for first, last in spans), np.int64, len(long)).view(
            np.uint64
        )
    return keys


def _repeated(keys: Hashes) -> tuple[Ints, Ints]:
    """Of keys that occur more than once, all places (ascending) and which key each is."""
    order = sorting_order(keys)
    found = keys[order]
    same = found[1:] == found[:-1]
    is_member = np.zeros(len(keys), dtype=bool)
    is_member[1:] = same
    is_member[:-1] |= same
    groups = np.full(len(keys), -1, dtype=np.int64)
    starts = is_member.copy()
    starts[1:] &= ~same
    groups[order[is_member]] = np.cumsum(starts[is_member]) - 1
    kept = np.flatnonzero(groups >= 0)
    return kept, groups[kept]


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
