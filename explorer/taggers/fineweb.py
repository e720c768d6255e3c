"""The ratios of FineWeb's own quality filter, as DataTrove measures them (`fineweb_v1`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from explorer.taggers.arrays import N_POINTS, Bools, Ints
from explorer.taggers.lines import inked_lines
from explorer.taggers.model import Scores, Tagger, Tags, TagType, every
from explorer.taggers.repeats import copies
from explorer.taggers.texts import Pieces, Texts

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
SHORT_LINE_CHARS = 30
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
    yield ratio("line_punct_ratio", count(_last_char_in(texts, lines, stop_chars())), n_lines)
    yield ratio("short_line_ratio", count(n_chars <= SHORT_LINE_CHARS), n_lines)
    copied = copies(texts, lines)
    n_copied = np.bincount(lines.text[copied], n_chars[copied], minlength=texts.n_texts).astype(np.int64)
    yield ratio("char_dup_ratio", n_copied, texts.n_chars - n_newlines)
    yield ratio("list_ratio", n_newlines, texts.words.counts)


@cache
def stop_chars() -> Bools:
    """Which code points end a sentence (N_POINTS)."""
    return members_of(STOP_CHARS)


def members_of(ranges: str) -> Bools:
    """A class of code points (N_POINTS) written as hexadecimal ones and ranges."""
    found = np.zeros(N_POINTS, dtype=bool)
    for part in ranges.split():
        first, _, last = part.partition("-")
        found[int(first, 16) : int(last or first, 16) + 1] = True
    return found


def _last_char_in(texts: Texts, pieces: Pieces, members: Bools) -> Bools:
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


TAGGERS = (
    Tagger(
        "fineweb_v1",
        "The ratios that FineWeb's own quality filter cuts at; lines are the pieces between line feeds.",
        "DataTrove 0.10.1, pipeline/filters/fineweb_quality_filter.py; Penedo et al. 2024, The FineWeb Datasets, "
        "section 3.6",
        _types(),
        _tag,
    ),
)
