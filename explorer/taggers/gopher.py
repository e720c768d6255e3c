"""Gopher's quality and repetition measures, as the Dolma toolkit defines them (`gopher_v1`, `gopher_v2`)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.taggers.arrays import Bools, Bytes, Ints, class_of, totals_before, totals_between
from explorer.taggers.lines import parted_lines
from explorer.taggers.model import Floats, Scores, Tagger, Tags, TagType, every, share
from explorer.taggers.repeats import find_repeats, occurs_again
from explorer.taggers.texts import ELLIPSIS, Pieces, Texts, word_keys

REQUIRED_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_TOP = (2, 3, 4)  # words of the runs of which the most common counts
_DUPLICATED = range(5, 11)  # words of the runs of which the repeated ones count
_N_LENGTHS = 64  # words of more characters are counted together


def _tag(texts: Texts, with_empty_lines: bool) -> Iterator[Tags]:
    words, n_words = texts.words, texts.words.counts
    chars = totals_before(texts.word_chars)
    totals = totals_before(chars)
    n_chars = np.diff(chars[words.bounds])  # of words
    for repeats in find_repeats(texts, max(_DUPLICATED)):
        docs = np.flatnonzero(n_words >= repeats.n)
        if repeats.n in _TOP:
            name = f"fraction_of_characters_in_most_common_{repeats.n}grams"
            first, counts = (each[docs] for each in repeats.most_common(words))
            yield Scores(name, docs, share(counts * (chars[first + repeats.n] - chars[first]), n_chars[docs]))
        else:
            name = f"fraction_of_characters_in_duplicate_{repeats.n}grams"
            length = chars[repeats.places + repeats.n] - chars[repeats.places]
            found = np.bincount(words.text[repeats.places], length, minlength=texts.n_texts)[docs]
            yield Scores(name, docs, share(found, _run_chars(repeats.n, words, totals)[docs]))
    yield every(texts, "character_count", texts.n_chars)
    yield every(texts, "word_count", n_words)
    yield every(texts, "median_word_length", _medians(texts))
    yield every(texts, "symbol_to_word_ratio", share(_with_symbol(texts), n_words))
    yield every(texts, "fraction_of_words_with_alpha_character", share(_with_letter(texts), n_words))
    required = np.isin(texts.word_keys, word_keys(REQUIRED_WORDS))
    yield every(texts, "required_word_count", totals_between(required, words.bounds))
    yield from _tag_lines(texts, n_chars, with_empty_lines)


def _run_chars(n: int, words: Pieces, totals: Ints) -> Ints:
    """Of each text, the characters of all its runs of `n` words together; `totals` are of characters before words."""
    first = words.bounds[:-1]
    last = np.maximum(words.bounds[1:] - n + 1, first)
    beyond = np.minimum(np.stack([first, last]) + n, len(totals) - 1)  # of texts with fewer words: no such run
    found: Ints = (totals[beyond[1]] - totals[beyond[0]]) - (totals[last] - totals[first])
    return found


def _medians(texts: Texts) -> Floats:
    """The median of the words' lengths; 0 without words."""
    words, lengths = texts.words, texts.word_chars
    counts = words.counts
    cells = words.text * _N_LENGTHS + np.minimum(lengths, _N_LENGTHS - 1)
    totals = np.cumsum(np.bincount(cells, minlength=texts.n_texts * _N_LENGTHS).reshape(-1, _N_LENGTHS), axis=1)
    low = np.sum(totals <= ((counts - 1) // 2)[:, None], axis=1)
    high = np.sum(totals <= (counts // 2)[:, None], axis=1)
    found = np.where(counts > 0, (low + high) / 2, 0.0)
    for text in np.flatnonzero((counts > 0) & (np.maximum(low, high) >= _N_LENGTHS - 1)).tolist():
        found[text] = np.median(lengths[words.bounds[text] : words.bounds[text + 1]])
    return found


def _with_symbol(texts: Texts) -> Ints:
    """Words that hold a `#` or an ellipsis."""
    data = texts.data[: texts.n_bytes]
    places = np.flatnonzero(data == ord("#"))
    places = np.concatenate([places, texts.places_of(ELLIPSIS)])
    words = np.unique(np.searchsorted(texts.words.begin, places, side="right") - 1)
    return np.bincount(texts.words.text[words], minlength=texts.n_texts)


def _with_letter(texts: Texts) -> Ints:
    """Words that hold a letter. Most begin with one."""
    words = texts.words
    has = _is_letter(texts.data[words.begin])
    rest = np.flatnonzero(~has)
    inner = texts.bytes_of(words.begin[rest], words.end[rest])
    lengths = words.end[rest] - words.begin[rest]
    if len(rest):
        has[rest] = np.logical_or.reduceat(_is_letter(inner), np.cumsum(lengths) - lengths)
    if not texts.is_ascii:
        rest = rest[~has[rest] & (texts.word_chars[rest] < lengths)]
        if len(rest):
            has[rest] = texts.any_char(words.begin[rest], words.end[rest], class_of(str.isalpha))
    return totals_between(has, words.bounds)


def _is_letter(data: Bytes) -> Bools:
    found: Bools = (data | 0x20) - np.uint8(ord("a")) < 26
    return found


def _tag_lines(texts: Texts, n_chars: Ints, with_empty: bool) -> Iterator[Tags]:
    """Measures of lines, of all or of those between runs of line feeds; `n_chars` are the characters of words."""
    lines = texts.lines if with_empty else parted_lines(texts)
    begin, end, text, n_lines = lines.begin, lines.end, lines.text, lines.counts
    first = texts.data[begin]
    bullets = ((first == ord("*")) | (first == ord("-"))) & (end > begin)
    ellipses = np.isin(end, texts.places_of(ELLIPSIS) + len(ELLIPSIS.encode()))
    repeated = occurs_again(texts, begin, end, text)
    lengths = texts.chars_between(begin[repeated], end[repeated])

    def count(chosen: Bools | Ints) -> Ints:
        return np.bincount(text[chosen], minlength=texts.n_texts)

    yield every(texts, "fraction_of_lines_starting_with_bullet_point", share(count(bullets), n_lines))
    yield every(texts, "fraction_of_lines_ending_with_ellipsis", share(count(ellipses), n_lines))
    yield every(texts, "fraction_of_duplicate_lines", share(count(repeated), n_lines))
    dup = np.bincount(text[repeated], lengths, minlength=texts.n_texts)
    yield every(texts, "fraction_of_characters_in_duplicate_lines", share(dup, n_chars))


def _types() -> tuple[TagType, ...]:
    common = (
        TagType(
            f"fraction_of_characters_in_most_common_{n}grams",
            "document",
            "share of the words' characters",
            f"characters of all occurrences of the {n} consecutive words that occur most often (of equals the first), "
            "by the characters of all words; overlaps count twice, so it may exceed 1; absent below "
            f"{n} words",
        )
        for n in _TOP
    )
    duplicate = (
        TagType(
            f"fraction_of_characters_in_duplicate_{n}grams",
            "document",
            "share of characters",
            f"characters of the runs of {n} consecutive words that occur more than once (every occurrence), by those "
            f"of all such runs; absent below {n} words",
        )
        for n in _DUPLICATED
    )
    return (
        *common,
        *duplicate,
        TagType("character_count", "document", "characters", "characters (code points) of the text"),
        TagType("word_count", "document", "words", "pieces between white space, as Python's str.split finds them"),
        TagType("median_word_length", "document", "characters", "median of the words' lengths; 0 without words"),
        TagType(
            "symbol_to_word_ratio",
            "document",
            "share of words",
            "words that hold a # or an ellipsis (U+2026), by words",
        ),
        TagType(
            "fraction_of_words_with_alpha_character",
            "document",
            "share of words",
            "words that hold a letter (Unicode L), by words",
        ),
        TagType("required_word_count", "document", "words", f"words that are one of {', '.join(REQUIRED_WORDS)}"),
        TagType(
            "fraction_of_lines_starting_with_bullet_point", "document", "share of lines", "lines that begin with * or -"
        ),
        TagType("fraction_of_lines_ending_with_ellipsis", "document", "share of lines", "lines that end with U+2026"),
        TagType(
            "fraction_of_duplicate_lines",
            "document",
            "share of lines",
            "lines that occur more than once (every occurrence), by lines",
        ),
        TagType(
            "fraction_of_characters_in_duplicate_lines",
            "document",
            "share of the words' characters",
            "characters of the lines that occur more than once (every occurrence, white space included), by the "
            "characters of all words; it may exceed 1",
        ),
    )


_SOURCE = "Dolma toolkit 1.2.1, taggers/gopher.py; Rae et al. 2021, Scaling Language Models (Gopher), A1.1"
TAGGERS = (
    Tagger(
        "gopher_v1",
        "Quality and repetition measures of Gopher; lines are the pieces between line feeds, empty ones too.",
        _SOURCE,
        _types(),
        lambda texts: _tag(texts, with_empty_lines=True),
    ),
    Tagger(
        "gopher_v2",
        "Quality and repetition measures of Gopher; several line feeds in a row separate lines as one does.",
        _SOURCE,
        _types(),
        lambda texts: _tag(texts, with_empty_lines=False),
    ),
)
