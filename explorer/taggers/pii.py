"""E-mail addresses, telephone numbers and IP addresses, as the Dolma toolkit's fast regular expressions find them.

The expressions are run where they can match and nowhere else: around an `@` whose right side is that of an address, at
words that begin like a number, at words with three dots between digits. That gives the same spans (a property in the
tests), and no text makes it slow; the expressions alone take a time that grows with the square of a line's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import numpy as np

from explorer.taggers.arrays import Bools, Bytes, Ints, class_of, totals_between
from explorer.taggers.model import Spans, Tagger, Tags, TagType, every
from explorer.taggers.texts import Texts

_MOST_QUESTION_MARKS = 10_000
_BEFORE = ".@,?!;:)("  # with white space: what may stand before an address and is part of its span
_EMAIL = re.compile(r"[.\s@,?!;:)(]*([^\s@]+@[^\s@,?!;:)(]+?)[.\s@,?!;:)(]?\s")
_RIGHT_SIDE = re.compile(r"@[^\s@,?!;:)(]+?[.\s@,?!;:)(]?\s")
_PHONE = re.compile(r"\(?\d{3}\)?[-. ]*\d{3}[-. ]?\d{4}")
_BYTE = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
_IP = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}")

Found = list[tuple[int, int, int]]  # text, and a span of characters


def _tag(texts: Texts) -> Iterator[Tags]:
    data = texts.data[: texts.n_bytes]
    is_read = np.ones(texts.n_texts, dtype=bool)
    is_mark = data == ord("?")
    if np.count_nonzero(is_mark) > _MOST_QUESTION_MARKS:
        is_read = totals_between(is_mark, texts.offsets) <= _MOST_QUESTION_MARKS
    counts = np.zeros(texts.n_texts, dtype=np.int64)
    n_chars = np.zeros(texts.n_texts, dtype=np.int64)
    for name, found in (
        ("EMAIL_ADDRESS", _emails(texts, is_read)),
        ("PHONE_NUMBER", _phones(texts, is_read)),
        ("IP_ADDRESS", _addresses(texts, is_read)),
    ):
        docs, starts, ends = np.array(found, dtype=np.int64).reshape(-1, 3).T
        counts += np.bincount(docs, minlength=texts.n_texts)
        n_chars += np.bincount(docs, ends - starts, minlength=texts.n_texts).astype(np.int64)
        yield Spans(name, docs, starts, ends, np.ones(len(docs)))
    yield every(texts, "doc_count", counts)
    yield every(texts, "doc_frac", np.where(texts.n_chars > 0, n_chars / np.maximum(texts.n_chars, 1), -1.0))


def _emails(texts: Texts, is_read: Bools) -> Found:
    data, is_space = texts.data, texts.is_space
    places = np.flatnonzero(data[: texts.n_bytes] == ord("@"))
    places = places[places > 0]
    # something but white space and another @ on either side
    places = places[~is_space[places - 1] & (data[places - 1] != ord("@")) & ~is_space[places + 1]]
    owners = texts.owners(places)
    kept = is_read[owners] & (places > texts.offsets[owners])
    places, owners = places[kept], owners[kept]
    chars = texts.char_of(places, owners)
    found: Found = []
    window = (-1, 0, 0)  # text, begin and end of where addresses are looked for
    for text, at in zip(owners.tolist(), chars.tolist(), strict=True):
        string = texts.strings[text]
        end = _end_of_address(string, at)
        if end is None:
            continue
        # what two addresses may begin with can lie within the one before: then they are looked for together
        begin = _begin_of_address(string, at, window[2] - 1 if window[0] == text else 0)
        if window[0] == text and begin < window[2]:
            window = (text, window[1], end)
            continue
        found += _emails_within(texts, *window)
        window = (text, begin, end)
    return found + _emails_within(texts, *window)


def _end_of_address(string: str, at: int) -> int | None:
    """Past the right side of an address whose `@` is at `at`; None where there is none. A paragraph ends it."""
    match = _RIGHT_SIDE.match(string, at)
    if match is None:
        return None
    # the last but one may be a line feed, behind which another paragraph begins
    line_feed = string.find("\n", at, match.end())
    return match.end() if line_feed < 0 else line_feed + 1


def _begin_of_address(string: str, at: int, least: int) -> int:
    """The first character before an `@` that a match may begin with, not before `least` or the paragraph."""
    begin = at
    while begin > least and string[begin - 1] != "@" and not string[begin - 1].isspace():
        begin -= 1
    while begin > least and string[begin - 1] != "\n" and (string[begin - 1] in _BEFORE or string[begin - 1].isspace()):
        begin -= 1
    return begin


def _emails_within(texts: Texts, text: int, begin: int, end: int) -> Found:
    if text < 0:
        return []
    return [
        (text, match.start(), match.end())
        for match in _EMAIL.finditer(texts.strings[text], begin, end)
        if _is_address(match.group(1))
    ]


def _is_address(mention: str) -> bool:
    name, _, host = mention.partition("@")
    return name.strip() != "(" and "." in host


def _phones(texts: Texts, is_read: Bools) -> Found:
    """Numbers after white space of their own paragraph; the span begins with the first of that white space."""
    candidates = _like_numbers(texts)
    candidates = candidates[is_read[texts.words.text[candidates]]]
    owners = texts.words.text[candidates]
    begins = texts.char_of(texts.words.begin[candidates], owners)
    found: Found = []
    last = (-1, 0)  # text and end of the match before
    for text, begin in zip(owners.tolist(), begins.tolist(), strict=True):
        string = texts.strings[text]
        if (last[0] == text and begin < last[1]) or not begin or string[begin - 1] == "\n":
            continue
        match = _PHONE.match(string, begin)
        if match is not None:
            while begin and string[begin - 1].isspace() and string[begin - 1] != "\n":
                begin -= 1
            found.append((text, begin, match.end()))
            last = (text, match.end())
    return found


def _like_numbers(texts: Texts) -> Ints:
    """The words that may begin a telephone number: three digits after an optional bracket, and what may follow them."""
    data, begin = texts.data, texts.words.begin
    first = begin + (data[begin] == ord("("))
    words = np.flatnonzero(_may_be_digit(data[first]) & _may_be_digit(data[first + 1]))
    first = first[words]
    if not texts.is_ascii:  # few scripts have digits, and most words of others are ruled out by two bytes
        pairs = data[first].astype(np.uint16) << 8 | data[first + 1]
        kept = (data[first] < 0x80) | _digit_pairs()[pairs]
        words, first = words[kept], first[kept]
    is_other = (np.stack([data[first + i] for i in range(4)]) >= 0x80).any(axis=0)
    follows = data[first + 3]
    is_longer = _is_digit(follows) & _may_be_digit(data[first + 4]) & _may_be_digit(data[first + 5])
    is_likely = _is_digit(data[first + 2]) & (is_longer | np.isin(follows, np.frombuffer(b")-. ", dtype=np.uint8)))
    return words[is_other | is_likely]


def _is_digit(data: Bytes) -> Bools:
    found: Bools = data - np.uint8(ord("0")) < 10
    return found


def _may_be_digit(data: Bytes) -> Bools:
    """Whether bytes are ASCII digits, or of a character that may be one in another script."""
    found: Bools = (data - np.uint8(ord("0")) < 10) | (data >= 0x80)
    return found


@cache
def _digit_pairs() -> Bools:
    """Of two bytes as a number, high byte first, whether they begin a digit that is not ASCII."""
    table = np.zeros(1 << 16, dtype=bool)
    for point in np.flatnonzero(class_of(str.isdecimal)).tolist():
        if point >= 0x80:
            head = chr(point).encode()[:2]
            table[head[0] << 8 | head[1]] = True
    return table


def _addresses(texts: Texts, is_read: Bools) -> Found:
    """IP addresses of version 4, within words that have three dots between digits."""
    data, words = texts.data, texts.words
    dots = np.flatnonzero(data[: texts.n_bytes] == ord("."))
    dots = dots[(dots > 0) & _is_digit(data[dots + 1])]
    dots = dots[_is_digit(data[dots - 1])]
    owners, counts = np.unique(np.searchsorted(words.begin, dots, side="right") - 1, return_counts=True)
    found: Found = []
    for word in owners[counts >= 3].tolist():
        text = int(words.text[word])
        if is_read[text]:
            begin, end = int(words.begin[word]), int(words.end[word])
            origin = int(texts.char_of(words.begin[word : word + 1], words.text[word : word + 1])[0])
            piece = texts.decode(begin, end)
            found += [(text, origin + m.start(), origin + m.end()) for m in _IP.finditer(piece)]
    return found


_TYPES = (
    TagType(
        "EMAIL_ADDRESS",
        "span",
        "flag",
        "1 over what looks like an e-mail address with a dot behind its @, and the punctuation and white space around",
    ),
    TagType(
        "PHONE_NUMBER",
        "span",
        "flag",
        "1 over ten digits as 3, 3 and 4 with the usual signs between them, with the white space before",
    ),
    TagType("IP_ADDRESS", "span", "flag", "1 over four numbers of 0 to 255 with dots between them"),
    TagType("doc_count", "document", "spans", "spans of the three types; 0 where there are none"),
    TagType(
        "doc_frac",
        "document",
        "share of characters",
        "characters of those spans by characters of the text; -1 for an empty text. The toolkit's own is larger by 1, "
        "because it adds the span of doc_count, which is the whole text",
    ),
)
TAGGERS = (
    Tagger(
        "pii_regex_with_counts_fast_v2",
        "E-mail addresses, telephone numbers and IP addresses by regular expressions, paragraph by paragraph; a text "
        f"with more than {_MOST_QUESTION_MARKS:,} question marks is not looked at.",
        "Dolma toolkit 1.2.1, taggers/pii.py (FastPiiRegex)",
        _TYPES,
        _tag,
    ),
)
