"""C4's cleaning rules as attributes, as the Dolma toolkit defines them (`c4_v1`, `c4_v2`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import polars as pl

from explorer.taggers.ldnoobw import naughty_words
from explorer.taggers.model import Spans, Tagger, Tags, TagType, every, where
from explorer.taggers.texts import MASKS, Bools, Hashes, Texts

MIN_WORDS = 3  # of a line
_MARKS = b'.?!"'
# Characters whose lower case is ASCII, in whole or in part: texts with one are lowered as Python does it.
_FOLDING = ("\u212a", "\u0130")
_PHRASES = tuple(entry for entry in naughty_words() if " " in entry)
_WORDS = frozenset(entry for entry in naughty_words() if " " not in entry)
_PHRASE = "(?i-u)" + "|".join(re.escape(phrase) for phrase in _PHRASES)
_TABLE_BITS = np.uint64(18)
_LOWER = np.uint64(0x2020202020202020)  # makes capitals small, and changes some other characters
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def _tag(texts: Texts, is_whole_word: bool) -> Iterator[Tags]:
    data = texts.data[: texts.n_bytes]
    braces = np.zeros(texts.n_texts, dtype=bool)
    braces[np.searchsorted(texts.offsets, np.flatnonzero(data == ord("{")), side="right") - 1] = True
    yield where("has_curly_brace", braces)
    yield where("has_lorem_ipsum", _found(texts, "(?i-u)lorem ipsum", lambda text: "lorem ipsum" in text))
    yield where("has_javascript", _found(texts, "(?i-u)javascript", _has_word if is_whole_word else _has_script))
    yield where("has_naughty_word", _with_word(texts) | _found(texts, _PHRASE, _has_phrase))
    yield from _lines(texts)


def _has_script(text: str) -> bool:
    return "javascript" in text


def _has_word(text: str) -> bool:
    return "javascript" in text.split()


def _has_phrase(text: str) -> bool:
    return any(phrase in text for phrase in _PHRASES)


def _found(texts: Texts, pattern: str, is_in: Callable[[str], bool]) -> Bools:
    """In which texts something is: `is_in` their lower case, asked for those in which the pattern is found."""
    candidates = texts.frame.lazy().select(pl.col("text").str.contains(pattern)).collect(engine="in-memory")
    found: Bools = candidates.to_series().to_numpy() | _folding(texts)
    for text in np.flatnonzero(found).tolist():
        found[text] = is_in(texts.strings[text].lower())
    return found


def _folding(texts: Texts) -> Bools:
    if texts.is_ascii:
        return np.zeros(texts.n_texts, dtype=bool)
    has_one = texts.frame.lazy().select(pl.col("text").str.contains("|".join(_FOLDING))).collect(engine="in-memory")
    found: Bools = has_one.to_series().to_numpy()
    return found


def _with_word(texts: Texts) -> Bools:
    """Texts with a word of the list: most words are ruled out by a hash of their first eight bytes."""
    found = np.zeros(texts.n_texts, dtype=bool)
    words = texts.words
    masks = MASKS[np.minimum(words.end - words.begin, 8)]
    for word in np.flatnonzero(_table()[_places(texts.word_heads, masks)]).tolist():
        text = int(words.text[word])
        if not found[text]:
            found[text] = texts.decode(int(words.begin[word]), int(words.end[word])).lower() in _WORDS
    for text in np.flatnonzero(_folding(texts)).tolist():
        found[text] = not _WORDS.isdisjoint(texts.strings[text].lower().split())
    return found


@cache
def _table() -> Bools:
    table = np.zeros(1 << int(_TABLE_BITS), dtype=bool)
    entries = Texts(pl.DataFrame({"text": sorted(_WORDS)}))
    table[_places(entries.word_heads, MASKS[np.minimum(entries.words.end - entries.words.begin, 8)])] = True
    return table


def _places(heads: Hashes, masks: Hashes) -> Hashes:
    return ((heads | _LOWER) & masks) * _SPREAD >> (np.uint64(64) - _TABLE_BITS)


def _lines(texts: Texts) -> Iterator[Tags]:
    lines, words = texts.lines, texts.words
    first = np.searchsorted(words.begin, lines.begin)
    n_words = np.diff(first, append=len(words.begin))
    last = texts.data[words.end[np.maximum(first + n_words, 1) - 1] - 1] if len(words.begin) else np.zeros(1, np.uint8)
    ends_well = (n_words > 0) & np.isin(last, np.frombuffer(_MARKS, dtype=np.uint8))
    begin = texts.char_of(lines.begin, lines.text)
    # a line's newline is its own but for the last of a text
    is_last = np.zeros(len(lines.begin), dtype=bool)
    is_last[lines.bounds[1:] - 1] = True
    end = texts.char_of(lines.end, lines.text) + ~is_last
    for name, kept in (
        ("lines_with_no_ending_punctuation", np.flatnonzero(~ends_well)),
        ("lines_with_too_few_words", np.flatnonzero(n_words < MIN_WORDS)),
    ):
        yield Spans(name, lines.text[kept], begin[kept], end[kept], np.ones(len(kept)))
    yield every(texts, "line_count", lines.counts)


_SHIFTED = (
    "The toolkit shifts spans behind each U+0130, because it counts in the text's lower case; these are not shifted."
)
_TYPES = (
    TagType("has_curly_brace", "document", "flag", "1 where the text holds a {; absent otherwise"),
    TagType("has_lorem_ipsum", "document", "flag", "1 where the lower case holds `lorem ipsum`; absent otherwise"),
    TagType("has_javascript", "document", "flag", "1 where the lower case holds `javascript`; absent otherwise"),
    TagType(
        "has_naughty_word",
        "document",
        "flag",
        "1 where the lower case has a word (between white space) or holds a phrase of the English LDNOOBW list; absent "
        "otherwise",
    ),
    TagType(
        "lines_with_no_ending_punctuation",
        "span",
        "flag",
        f'1 over each line (with its line feed) that does not end in . ? ! or ", white space apart. {_SHIFTED}',
    ),
    TagType(
        "lines_with_too_few_words",
        "span",
        "flag",
        f"1 over each line (with its line feed) of fewer than {MIN_WORDS} words. {_SHIFTED}",
    ),
    TagType("line_count", "document", "lines", "pieces between line feeds, empty ones too"),
)
_SOURCE = "Dolma toolkit 1.2.1, taggers/c4.py; Raffel et al. 2020, Exploring the Limits of Transfer Learning, 2.2"
TAGGERS = (
    Tagger(
        "c4_v1",
        "The cleaning rules of C4 as attributes; `javascript` counts as a whole word.",
        _SOURCE,
        _TYPES,
        lambda texts: _tag(texts, is_whole_word=True),
    ),
    Tagger(
        "c4_v2",
        "The cleaning rules of C4 as attributes; `javascript` counts anywhere.",
        _SOURCE,
        _TYPES,
        lambda texts: _tag(texts, is_whole_word=False),
    ),
)
