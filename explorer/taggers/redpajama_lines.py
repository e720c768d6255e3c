"""RedPajama-v2's signals of lines: a span for each line, its newline included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.taggers.arrays import MASKS, Bools, Bytes, Ints, stands_at
from explorer.taggers.lines import last_lines
from explorer.taggers.model import Floats, Spans, TagType
from explorer.taggers.redpajama_words import TERMINATOR, UPPER, Normalized, Tokens, numeric_places, pieces_between
from explorer.taggers.texts import ELLIPSIS, Texts, word_keys

_QUOTE = "\u201d".encode()
BULLETS = "\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013"
_BULLETS = np.array([int.from_bytes(bullet.encode(), "little") for bullet in BULLETS], dtype=np.uint64)
_FIRST_OF_BULLETS = 0xE2
_BYTES = 3  # of each of these characters
_JAVASCRIPT = word_keys(("javascript",))[0]


@dataclass(frozen=True)
class Lines:
    """Lines of all texts, in order (arrays of length n_lines), a rest without a newline too. An empty text has none."""

    text: Ints
    begin: Ints  # byte
    end: Ints  # byte; its newline is behind
    n_newlines: Ints  # 1, or 0 for the last one of a text
    ends_in_ellipsis: Bools  # after white space is cut off
    ends_in_mark: Bools
    starts_with_bullet: Bools
    numbers: Ints  # of these, among `texts.lines`

    def counts(self, n_texts: int) -> Ints:
        """How many each text has (n_texts)."""
        return np.bincount(self.text, minlength=n_texts)


def lines_of(texts: Texts, codes: Bytes, tokens: Tokens) -> Lines:
    """The lines of the texts and what they end and begin with; `codes` are those of `codes_of`."""
    data, pieces = texts.data, texts.lines
    is_last = last_lines(texts)
    kept = np.flatnonzero(~is_last | (pieces.end > pieces.begin))
    first = np.searchsorted(tokens.begin, pieces.begin)
    beyond = np.append(first[1:], len(tokens.begin))
    filled = np.flatnonzero(beyond > first)
    begin = tokens.begin[first[filled]]
    end = tokens.end[beyond[filled] - 1]

    def lines_with(flags: Bools) -> Bools:
        found = np.zeros(len(is_last), dtype=bool)
        found[filled] = flags
        return found[kept]

    marks = codes[end - 1] & TERMINATOR > 0
    dots = (data[end - 1] == ord(".")) & _ends_in(data, end, b"...")
    bullets = np.zeros(len(filled), dtype=bool)
    if not texts.is_ascii:
        marks |= _ends_in(data, end, _QUOTE)
        dots |= _ends_in(data, end, ELLIPSIS.encode())
        likely = np.flatnonzero(data[begin] == _FIRST_OF_BULLETS)
        bullets[likely] = np.isin(texts.load(begin[likely]) & MASKS[_BYTES], _BULLETS)
    return Lines(
        pieces.text[kept],
        pieces.begin[kept],
        pieces.end[kept],
        (~is_last[kept]).astype(np.int64),
        lines_with(dots),
        lines_with(marks),
        lines_with(bullets),
        kept,
    )


def _ends_in(data: Bytes, end: Ints, suffix: bytes) -> Bools:
    """Which pieces end in three bytes. One that is shorter does not: white space or a text's first byte is before."""
    return stands_at(data, suffix, np.maximum(end - _BYTES, 0))


def tag_lines(texts: Texts, lines: Lines, codes: Bytes, plain: Normalized) -> Iterator[Spans]:
    """The spans of all types in `LINE_TYPES`, each over every line."""
    starts = texts.char_of(lines.begin, lines.text)
    n_chars = texts.chars_between(lines.begin, lines.end) + lines.n_newlines
    ends = starts + n_chars
    # of the words of the normalized text, those before each line
    first = pieces_between(plain.words, plain.lines.begin)
    n_words = np.diff(first)
    n_plain = np.diff(plain.chars[first]) + np.maximum(n_words - 1, 0)  # single spaces between words
    scripts = np.searchsorted(first, np.flatnonzero(plain.word_keys == _JAVASCRIPT), side="right") - 1
    n_scripts = np.bincount(scripts, minlength=len(n_words))
    n_numeric = _counts(numeric_places(plain), np.append(plain.lines.begin, plain.n_bytes))
    upper = np.flatnonzero(codes & UPPER > 0)
    if not texts.is_ascii:
        upper = upper[texts.data[upper] & 0xC0 != 0x80]
    n_upper = _counts(upper, np.append(texts.lines.begin, texts.n_bytes))
    own = lines.numbers

    def spans(name: str, scores: Floats | Ints | Bools) -> Spans:
        return Spans(f"rps_lines_{name}", lines.text, starts, ends, scores.astype(np.float64))

    yield spans("ending_with_terminal_punctution_mark", lines.ends_in_mark)
    yield spans("javascript_counts", n_scripts[own])
    yield spans("num_words", n_words[own])
    yield spans("numerical_chars_fraction", n_numeric[own] / np.maximum(n_plain[own], 1))
    yield spans("start_with_bulletpoint", lines.starts_with_bullet)
    yield spans("uppercase_letter_fraction", n_upper[own] / n_chars)


def _counts(places: Ints, bounds: Ints) -> Ints:
    """How many places lie between bounds (n_bounds - 1)."""
    return np.diff(np.searchsorted(places, bounds))


LINE_TYPES = (
    TagType(
        "rps_lines_ending_with_terminal_punctution_mark",
        "span",
        "0 or 1",
        "1 for a line that ends, before white space, with a full stop, exclamation mark, question mark or U+201D; the "
        'plain " is none (the name is misspelt at its source)',
    ),
    TagType(
        "rps_lines_javascript_counts",
        "span",
        "words",
        "words of the normalized line that are 'javascript', so JavaScript and java-script too",
    ),
    TagType("rps_lines_num_words", "span", "words", "words of the normalized line"),
    TagType(
        "rps_lines_numerical_chars_fraction",
        "span",
        "share of characters",
        "numeric characters (Unicode: digits, fractions, numerals) of the normalized line, by all of its characters; a "
        "run of white space is one, and 0 where nothing is left",
    ),
    TagType(
        "rps_lines_start_with_bulletpoint",
        "span",
        "0 or 1",
        "1 for a line that begins, after white space, with "
        + ", ".join(f"U+{ord(bullet):04X}" for bullet in BULLETS)
        + "; - and * are none",
    ),
    TagType(
        "rps_lines_uppercase_letter_fraction",
        "span",
        "share of characters",
        "upper-case characters of the raw line, by all of its characters, the newline included",
    ),
)
