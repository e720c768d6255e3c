"""Gopher's measures of quality as DataTrove takes them, and FineWeb with it (`gopher_quality_v1`); the Dolma toolkit
measures some in another way (`gopher_v2`), the others not at all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from explorer.taggers.arrays import Bools, stands_at, totals_between
from explorer.taggers.fineweb import members_of, stop_chars
from explorer.taggers.gopher import REQUIRED_WORDS
from explorer.taggers.lines import split_lines
from explorer.taggers.model import Scores, Tagger, Tags, TagType, every
from explorer.taggers.texts import ELLIPSIS, Pieces, Texts, n_ellipses, word_keys

# Code points of which a word may consist without counting as one for `non_symbol_word_count`, besides those that end
# a sentence (`fineweb.STOP_CHARS`).
SYMBOLS = """
    0-8 B-1F 22-2D 2F 3A-3E 40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001 3008-300D
    3010-3011 FF05 FF08-FF09 FF0C FF11 FF1A-FF1B FF5E
"""
_HASH, _DASH = b"#-"
_BULLET = "\u2022".encode()


def _tag(texts: Texts) -> Iterator[Tags]:
    words, n_words = texts.words, texts.words.counts
    is_word = _hold_more_than_symbols(texts)
    n_true = totals_between(is_word, words.bounds)
    n_chars = totals_between(np.where(is_word, texts.word_chars, 0), words.bounds)
    yield every(texts, "non_symbol_word_count", n_true)
    docs = np.flatnonzero(n_true)
    yield Scores("mean_word_length", docs, n_chars[docs] / n_true[docs])
    docs = np.flatnonzero(n_words)
    data = texts.data[: texts.n_bytes]
    n_hashes = texts.count(np.flatnonzero(data == _HASH))
    yield Scores("hash_to_word_ratio", docs, n_hashes[docs] / n_words[docs])
    yield Scores("ellipsis_to_word_ratio", docs, n_ellipses(texts)[docs] / n_words[docs])
    lines = split_lines(texts)
    docs = np.flatnonzero(lines.counts)
    for name, flags in zip(("bullet_line_ratio", "ellipsis_line_ratio"), _marked(texts, lines), strict=True):
        n_marked = np.bincount(lines.text[flags], minlength=texts.n_texts)
        yield Scores(name, docs, n_marked[docs] / lines.counts[docs])
    n_kinds = np.zeros(texts.n_texts, dtype=np.int64)
    for key in word_keys(REQUIRED_WORDS):
        n_kinds[words.text[texts.word_keys == key]] += 1  # once, however often it occurs
    yield every(texts, "stop_word_count", n_kinds)


def _hold_more_than_symbols(texts: Texts) -> Bools:
    """Which words hold a character that is no symbol. Most begin with one."""
    words, is_symbol = texts.words, symbols()
    first = texts.data[words.begin]
    found: Bools = ~is_symbol[first] & (first < 0x80)
    rest = np.flatnonzero(~found)
    if len(rest):
        found[rest] = texts.any_char(words.begin[rest], words.end[rest], ~is_symbol)
    return found


def _marked(texts: Texts, lines: Pieces) -> tuple[Bools, Bools]:
    """Which lines begin with a bullet, and which end with an ellipsis, white space aside."""
    words = texts.words
    bounds = np.searchsorted(words.begin, np.append(lines.begin, texts.n_bytes))
    first = np.flatnonzero(bounds[1:] > bounds[:-1])
    inked = bounds[first]
    bullets, ellipses = np.zeros(len(lines.begin), dtype=bool), np.zeros(len(lines.begin), dtype=bool)
    begin = words.begin[inked]
    bullets[first] = (texts.data[begin] == _DASH) | stands_at(texts.data, _BULLET, begin)
    last = bounds[first + 1] - 1
    begin = np.maximum(words.end[last] - 3, 0)
    ellipses[first] = stands_at(texts.data, b"...", begin) | stands_at(texts.data, ELLIPSIS.encode(), begin)
    return bullets, ellipses


@cache
def symbols() -> Bools:
    """Which code points make no word (N_POINTS)."""
    return members_of(SYMBOLS) | stop_chars()


def _types() -> tuple[TagType, ...]:
    tokens = "DataTrove takes spaCy's tokens for words, so that its number differs"
    return (
        TagType(
            "non_symbol_word_count",
            "document",
            "words",
            "words that hold more than punctuation and control characters. Gopher removes documents below 50 and above "
            f"100000; {tokens}",
        ),
        TagType(
            "mean_word_length",
            "document",
            "characters",
            "characters of those words by their number; absent without any. Gopher removes documents below 3 and above "
            f"10; {tokens}",
        ),
        TagType(
            "hash_to_word_ratio",
            "document",
            "characters per word",
            f"# characters by words; absent without words. Gopher removes documents above 0.1; {tokens}",
        ),
        TagType(
            "ellipsis_to_word_ratio",
            "document",
            "ellipses per word",
            "ellipses (U+2026, and three dots in a row) by words; absent without words. Gopher removes documents above "
            f"0.1; {tokens}",
        ),
        TagType(
            "bullet_line_ratio",
            "document",
            "share of lines",
            "lines (as Python's str.splitlines finds them, empty ones too) that begin with - or U+2022, white space "
            "aside, by lines; absent without any. Gopher removes documents above 0.9",
        ),
        TagType(
            "ellipsis_line_ratio",
            "document",
            "share of lines",
            "lines that end with an ellipsis (U+2026 or three dots), white space aside, by lines; absent without any. "
            "Gopher removes documents above 0.3",
        ),
        TagType(
            "stop_word_count",
            "document",
            "words",
            f"how many of {', '.join(REQUIRED_WORDS)} occur among the words, each counted once. Gopher removes "
            f"documents below 2; {tokens}",
        ),
    )


TAGGERS = (
    Tagger(
        "gopher_quality_v1",
        "Gopher's measures of quality as FineWeb takes them; the one more that its filter has, of words with a letter "
        "(removed below 0.8), is in gopher_v2. Words are the pieces between white space.",
        "DataTrove 0.10.1, pipeline/filters/gopher_quality_filter.py; Rae et al. 2021, Scaling Language Models "
        "(Gopher), A1.1",
        _types(),
        _tag,
    ),
)
