"""What FineWeb's quality filters measure, as DataTrove does: its own ratios (`fineweb_v1`), and what it takes of Gopher
that the Dolma toolkit measures in another way or not at all (`gopher_quality_v1`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from explorer.taggers.gopher import REQUIRED_WORDS
from explorer.taggers.model import Scores, Tagger, Tags, TagType, every
from explorer.taggers.repeats import occurs_again
from explorer.taggers.texts import Bools, Bytes, Ints, Pieces, Texts, totals_between, word_keys

# Code points that end a sentence in some script: Unicode's Sentence_Terminal (of about version 15) and three more
# (U+17D6, U+17D9, U+17DA).
STOP_CHARS = """
    21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6
    17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 2E2E
    2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE52
    FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 111C5-111C6
    111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944
    11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16E98 1BC9F
    1DA88
"""
# Code points of which a word may consist without counting as one for `gopher_quality_v1`, besides those.
SYMBOLS = """
    0-8 B-1F 22-2D 2F 3A-3E 40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001 3008-300D
    3010-3011 FF05 FF08-FF09 FF0C FF11 FF1A-FF1B FF5E
"""
SHORT_LINE_CHARS = 30
_DOT, _HASH, _DASH, _RETURN, _NEWLINE = b".#-\r\n"
_BREAKS = "\x85\u2028\u2029"  # that end lines, of several bytes
_N_CHARS = 0x110000
_LONGEST_CHAR = 4  # bytes


def _tag(texts: Texts) -> Iterator[Tags]:
    lines = inked_lines(texts)
    n_lines = lines.counts
    docs = np.flatnonzero(n_lines)

    def count(flags: Bools) -> Ints:
        return np.bincount(lines.text[flags], minlength=texts.n_texts)

    def ratio(name: str, part: Ints, whole: Ints) -> Scores:
        return Scores(name, docs, part[docs] / whole[docs])

    n_chars = texts.chars_between(lines.begin, lines.end)
    n_newlines = texts.lines.counts - 1
    yield every(texts, "line_count", n_lines)
    yield ratio("line_punct_ratio", count(ends_in(texts, lines, stop_chars())), n_lines)
    yield ratio("short_line_ratio", count(n_chars <= SHORT_LINE_CHARS), n_lines)
    copied = copies(texts, lines)
    n_copied = np.bincount(lines.text[copied], n_chars[copied], minlength=texts.n_texts).astype(np.int64)
    yield ratio("char_dup_ratio", n_copied, texts.n_chars - n_newlines)
    yield ratio("list_ratio", n_newlines, texts.words.counts)


def _tag_gopher(texts: Texts) -> Iterator[Tags]:
    words, n_words = texts.words, texts.words.counts
    is_word = _hold_more_than_symbols(texts)
    n_true = totals_between(is_word, words.bounds)
    n_chars = totals_between(np.where(is_word, texts.word_chars, 0), words.bounds)
    yield every(texts, "non_symbol_word_count", n_true)
    docs = np.flatnonzero(n_true)
    yield Scores("mean_word_length", docs, n_chars[docs] / n_true[docs])
    docs = np.flatnonzero(n_words)
    data = texts.data[: texts.n_bytes]
    n_hashes = np.diff(np.searchsorted(np.flatnonzero(data == _HASH), texts.offsets))
    yield Scores("hash_to_word_ratio", docs, n_hashes[docs] / n_words[docs])
    yield Scores("ellipsis_to_word_ratio", docs, _n_ellipses(texts)[docs] / n_words[docs])
    lines = all_lines(texts)
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


def _n_ellipses(texts: Texts) -> Ints:
    """Of each text, the ellipses and the three dots in a row, each dot taken once."""
    dots = np.flatnonzero(texts.data[: texts.n_bytes] == _DOT)
    firsts = np.flatnonzero(np.diff(dots, prepend=-2) != 1)
    lengths = np.diff(firsts, append=len(dots))
    owners = np.searchsorted(texts.offsets, dots[firsts], side="right") - 1
    found = np.bincount(owners, lengths // 3, minlength=texts.n_texts).astype(np.int64)
    found += np.diff(np.searchsorted(texts.places_of("…"), texts.offsets))
    return found


def all_lines(texts: Texts) -> Pieces:
    """The lines that `str.splitlines` finds: it breaks at more than line feeds, and leaves out an empty end."""
    data = texts.data[: texts.n_bytes]
    is_break = data - np.uint8(0x0A) < 4
    is_break |= data - np.uint8(0x1C) < 3
    places = np.flatnonzero(is_break)
    widths = np.ones(len(places), dtype=np.int64)
    if not texts.is_ascii:
        longer = {char: texts.places_of(char) for char in _BREAKS}
        sizes = [np.full(len(found), len(char.encode())) for char, found in longer.items()]
        places = np.concatenate([places, *longer.values()])
        order = np.argsort(places)
        widths = np.concatenate([widths, *sizes])[order]
        places = places[order]
    begin = np.concatenate([np.zeros(min(1, len(places)), dtype=np.int64), (places + widths)[:-1]])
    bounds = np.searchsorted(places, texts.offsets)
    text = np.repeat(np.arange(texts.n_texts), np.diff(bounds))
    # neither what lies between a carriage return and its line feed is a line, nor what ends where the text does
    is_pair = (data[places] == _NEWLINE) & (texts.data[begin - 1] == _RETURN)
    kept = np.flatnonzero((begin < places) | ~is_pair & (places < texts.ends[text]))
    return Pieces(begin[kept], places[kept], text[kept], np.searchsorted(kept, bounds))


def _marked(texts: Texts, lines: Pieces) -> tuple[Bools, Bools]:
    """Which lines begin with a bullet, and which end with an ellipsis, white space aside."""
    words = texts.words
    bounds = np.searchsorted(words.begin, np.append(lines.begin, texts.n_bytes))
    first = np.flatnonzero(bounds[1:] > bounds[:-1])
    inked = bounds[first]
    bullets, ellipses = np.zeros(len(lines.begin), dtype=bool), np.zeros(len(lines.begin), dtype=bool)
    begin = words.begin[inked]
    bullets[first] = (texts.data[begin] == _DASH) | _stands(texts.data, "•".encode(), begin)
    last = bounds[first + 1] - 1
    begin = np.maximum(words.end[last] - 3, 0)
    ellipses[first] = _stands(texts.data, b"...", begin) | _stands(texts.data, "…".encode(), begin)
    return bullets, ellipses


def _stands(data: Bytes, pattern: bytes, places: Ints) -> Bools:
    found = np.ones(len(places), dtype=bool)
    for i, byte in enumerate(pattern):
        found &= data[places + i] == byte
    return found


@cache
def symbols() -> Bools:
    """Which code points make no word (0x110000)."""
    return members_of(SYMBOLS) | stop_chars()


@cache
def stop_chars() -> Bools:
    """Which code points end a sentence (0x110000)."""
    return members_of(STOP_CHARS)


def members_of(ranges: str) -> Bools:
    """A class of code points (0x110000) written as hexadecimal ones and ranges."""
    found = np.zeros(_N_CHARS, dtype=bool)
    for part in ranges.split():
        first, _, last = part.partition("-")
        found[int(first, 16) : int(last or first, 16) + 1] = True
    return found


def inked_lines(texts: Texts) -> Pieces:
    """The lines that hold more than white space."""
    lines = texts.lines
    has_ink = lines.end > lines.begin
    unsure = np.flatnonzero(has_ink & texts.is_space[lines.begin])
    if len(unsure):
        # a newline ends each line, so a word that begins before it is the line's
        words = np.append(texts.words.begin, texts.n_bytes)
        has_ink[unsure] = words[np.searchsorted(words, lines.begin[unsure])] < lines.end[unsure]
    kept = np.flatnonzero(has_ink)
    return Pieces(lines.begin[kept], lines.end[kept], lines.text[kept], np.searchsorted(kept, lines.bounds))


def ends_in(texts: Texts, pieces: Pieces, members: Bools) -> Bools:
    """Whether the last character of each piece (none is empty) is in a class of code points."""
    last = pieces.end - 1
    final = texts.data[last]
    found: Bools = members[final]
    exotic = np.flatnonzero(final >= 0x80)
    if len(exotic):
        ends = pieces.end[exotic]
        begin = ends - 2
        for _ in range(_LONGEST_CHAR - 2):
            begin -= texts.data[begin] & 0xC0 == 0x80
        found[exotic] = texts.any_char(begin, ends, members)
    return found


def copies(texts: Texts, pieces: Pieces) -> Ints:
    """Which pieces (numbers, ascending) stand in their text before."""
    again = occurs_again(texts, pieces.begin, pieces.end, pieces.text)
    keys = texts.keys_of(pieces.begin[again], pieces.end[again])
    keys += pieces.text[again].view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.delete(again, np.unique(keys, return_index=True)[1])


def _types() -> tuple[TagType, ...]:
    lines = "lines that hold more than white space"
    return (
        TagType("line_count", "document", "lines", f"{lines}; FineWeb removes documents without any"),
        TagType(
            "line_punct_ratio",
            "document",
            "share of lines",
            f"{lines} and end with a character that ends sentences (. ! ? and those of other scripts; no quotation "
            f"mark, and nothing may follow it, not even a space), by {lines}; absent without any. FineWeb removes "
            "documents below 0.12",
        ),
        TagType(
            "short_line_ratio",
            "document",
            "share of lines",
            f"{lines} and have at most {SHORT_LINE_CHARS} characters, by {lines}; absent without any. FineWeb removes "
            "documents above 0.67",
        ),
        TagType(
            "char_dup_ratio",
            "document",
            "share of characters",
            f"characters of the {lines} and stand in the document before (copies after the first alone), by all "
            "characters that are no line feeds; absent without such lines. FineWeb removes documents above 0.01",
        ),
        TagType(
            "list_ratio",
            "document",
            "line feeds per word",
            "line feeds by words; absent without words. FineWeb removes documents above 0.3. Words are the pieces "
            "between white space; DataTrove counts spaCy's tokens instead (punctuation apart, contractions in two), "
            "which are more, so that its ratio is lower: the one difference from its filter",
        ),
    )


def _gopher_types() -> tuple[TagType, ...]:
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


_SOURCE = "DataTrove 0.10.1, pipeline/filters/"
TAGGERS = (
    Tagger(
        "fineweb_v1",
        "The ratios that FineWeb's own quality filter cuts at; lines are the pieces between line feeds.",
        f"{_SOURCE}fineweb_quality_filter.py; Penedo et al. 2024, The FineWeb Datasets, section 3.6",
        _types(),
        _tag,
    ),
    Tagger(
        "gopher_quality_v1",
        "Gopher's measures of quality as FineWeb takes them; the one more that its filter has, of words with a letter "
        "(removed below 0.8), is in gopher_v2. Words are the pieces between white space.",
        f"{_SOURCE}gopher_quality_filter.py; Rae et al. 2021, Scaling Language Models (Gopher), A1.1",
        _gopher_types(),
        _tag_gopher,
    ),
)
