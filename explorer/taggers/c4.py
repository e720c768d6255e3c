"""C4's cleaning rules as attributes, as the Dolma toolkit defines them (`c4_v1`, `c4_v2`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import polars as pl

from explorer.taggers.arrays import M1, MASKS, Bools, Hashes
from explorer.taggers.ldnoobw import naughty_words
from explorer.taggers.lines import last_lines
from explorer.taggers.model import Spans, Tagger, Tags, TagType, every, where
from explorer.taggers.texts import Texts

MIN_WORDS = 3  # of a line
_MARKS = b'.?!"'
# Characters whose lower case is ASCII, in whole or in part: texts with one are lowered as Python does it.
_FOLDING = ("\u212a", "\u0130")
_PHRASES = tuple(entry for entry in naughty_words() if " " in entry)
_WORDS = frozenset(entry for entry in naughty_words() if " " not in entry)
_PHRASE_BYTES = tuple(phrase.encode() for phrase in _PHRASES)
_LONGEST = max(map(len, _PHRASE_BYTES))
_BEFORE = 4  # bytes before a word that are looked at with it, the space among them
# Of the eight bytes: those that a phrase must have, with how many stand before and behind the space.
_SHAPES = {
    np.uint64(0x00FFFFFFFFFFFFFF): (3, 3),
    np.uint64(0x0000FFFFFFFFFF00): (2, 2),
}
_RARITY = b"zqjxkvbpgwyfmculdrhsnioate "  # of letters in English, rarest first
_TABLE_BITS = np.uint64(18)
_LOWER = np.uint64(0x2020202020202020)  # makes capitals small, and changes some other characters


def _tag(texts: Texts, is_whole_word: bool) -> Iterator[Tags]:
    data = texts.data[: texts.n_bytes]
    braces = np.zeros(texts.n_texts, dtype=bool)
    braces[texts.owners(np.flatnonzero(data == ord("{")))] = True
    script = _contains(texts, "javascript")
    for text in np.flatnonzero(script).tolist() if is_whole_word else ():
        script[text] = "javascript" in texts.strings[text].lower().split()
    naughty = _with_word(texts)
    _mark_phrases(texts, naughty)
    for text in _folding(texts):
        lowered = texts.strings[text].lower()
        naughty[text] = not _WORDS.isdisjoint(lowered.split()) or any(phrase in lowered for phrase in _PHRASES)
    yield where("has_curly_brace", braces)
    yield where("has_lorem_ipsum", _contains(texts, "lorem ipsum"))
    yield where("has_javascript", script)
    yield where("has_naughty_word", naughty)
    yield from _tag_lines(texts)


def _contains(texts: Texts, part: str) -> Bools:
    """Which texts have a part in their lower case: ASCII letters and spaces, 8 to 16 of them, with one rare letter."""
    found = np.zeros(texts.n_texts, dtype=bool)
    wanted = part.encode()
    rare = min(range(len(wanted)), key=lambda i: _RARITY.index(wanted[i : i + 1]))
    places = np.flatnonzero(texts.data[: texts.n_bytes] | 0x20 == wanted[rare]) - rare
    places = places[places >= 0]
    for first in (0, len(wanted) - 8):
        eight = np.frombuffer(wanted[first : first + 8], dtype="<u8")
        places = places[texts.load(places + first) | _LOWER == eight]
    for place in places.tolist():  # small as a letter is small, some other characters are not themselves
        if texts.data[place : place + len(wanted)].tobytes().lower() == wanted:
            found[np.searchsorted(texts.offsets, place, side="right") - 1] = True
    for text in _folding(texts):
        found[text] = part in texts.strings[text].lower()
    return found


def _folding(texts: Texts) -> list[int]:
    """Texts with a character that is ASCII in lower case without being so itself."""
    places = np.concatenate([texts.places_of(character) for character in _FOLDING])
    found: list[int] = np.unique(texts.owners(places)).tolist()
    return found


def _with_word(texts: Texts) -> Bools:
    """Texts with a word of the list: most words are ruled out by a hash of their first eight bytes."""
    found = np.zeros(texts.n_texts, dtype=bool)
    words = texts.words
    masks = MASKS[np.minimum(words.end - words.begin, 8)]
    for word in np.flatnonzero(_likely_words()[_slots(texts.word_heads | _LOWER, masks)]).tolist():
        text = int(words.text[word])
        if not found[text]:
            found[text] = texts.decode(int(words.begin[word]), int(words.end[word])).lower() in _WORDS
    return found


def _mark_phrases(texts: Texts, found: Bools) -> None:
    """Mark the texts with a phrase of the list: most places are ruled out by the bytes around a space."""
    begin = texts.words.begin
    around = texts.load(np.maximum(begin - _BEFORE, 0)) | _LOWER
    table, phrases = _likely_gaps()
    for mask in _SHAPES:
        places = _slots(around, mask)
        is_likely = table[places]
        is_likely[: _BEFORE + 1] = True  # the bytes before the first words may not be all there
        for word in np.flatnonzero(is_likely).tolist():
            text, at = int(texts.words.text[word]), int(begin[word])
            if not found[text]:
                first, last = max(int(texts.offsets[text]), at - _LONGEST), min(int(texts.ends[text]), at + _LONGEST)
                near = texts.data[first:last].tobytes().lower()
                candidates = phrases.get(int(places[word]), ()) if at >= _BEFORE else _PHRASE_BYTES
                found[text] = any(phrase in near for phrase in candidates)


@cache
def _likely_gaps() -> tuple[Bools, dict[int, tuple[bytes, ...]]]:
    """Hashes of the bytes around a space of each phrase, as a table and with the phrases that have them."""
    table = np.zeros(1 << int(_TABLE_BITS), dtype=bool)
    phrases: dict[int, tuple[bytes, ...]] = {}
    for phrase in _PHRASE_BYTES:
        gaps = [i + 1 for i, byte in enumerate(phrase) if byte == ord(" ")]
        mask, gap = next((m, g) for m, (b, a) in _SHAPES.items() for g in gaps if g > b and len(phrase) - g >= a)
        padded = b" " * _BEFORE + phrase + b" " * 8
        around = np.frombuffer(padded[gap : gap + 8], dtype="<u8") | _LOWER
        place = int(_slots(around, mask)[0])
        table[place] = True
        phrases[place] = (*phrases.get(place, ()), phrase)
    return table, phrases


@cache
def _likely_words() -> Bools:
    """A table of the words' hashes by their first eight bytes."""
    table = np.zeros(1 << int(_TABLE_BITS), dtype=bool)
    entries = Texts(pl.DataFrame({"text": sorted(_WORDS)}))
    masks = MASKS[np.minimum(entries.words.end - entries.words.begin, 8)]
    table[_slots(entries.word_heads | _LOWER, masks)] = True
    return table


def _slots(lowered: Hashes, masks: Hashes | np.uint64) -> Hashes:
    """The places in a table of eight bytes each (with `_LOWER`), as far as the masks leave them."""
    found: Hashes = (lowered & masks) * M1 >> (np.uint64(64) - _TABLE_BITS)
    return found


def _tag_lines(texts: Texts) -> Iterator[Tags]:
    """The spans of lines, and their number; lines are all pieces between line feeds."""
    lines, words = texts.lines, texts.words
    first = np.searchsorted(words.begin, lines.begin)
    n_words = np.diff(first, append=len(words.begin))
    last = texts.data[words.end[np.maximum(first + n_words, 1) - 1] - 1] if len(words.begin) else np.zeros(1, np.uint8)
    ends_well = (n_words > 0) & np.isin(last, np.frombuffer(_MARKS, dtype=np.uint8))
    begin = texts.char_of(lines.begin, lines.text)
    # a line's newline is its own but for the last of a text
    end = texts.char_of(lines.end, lines.text) + ~last_lines(texts)
    for name, kept in (
        ("lines_with_no_ending_punctuation", np.flatnonzero(~ends_well)),
        ("lines_with_too_few_words", np.flatnonzero(n_words < MIN_WORDS)),
    ):
        yield Spans(name, lines.text[kept], begin[kept], end[kept], np.ones(len(kept)))
    yield every(texts, "line_count", lines.counts)


_SHIFTED = (
    "The toolkit shifts spans behind each U+0130, because it counts in the text's lower case; these are not shifted."
)


def _types(javascript: str) -> tuple[TagType, ...]:
    return (
        TagType("has_curly_brace", "document", "flag", "1 where the text holds a {; absent otherwise"),
        TagType("has_lorem_ipsum", "document", "flag", "1 where the lower case holds `lorem ipsum`; absent otherwise"),
        TagType("has_javascript", "document", "flag", f"1 where {javascript}; absent otherwise"),
        TagType(
            "has_naughty_word",
            "document",
            "flag",
            "1 where the lower case has a word (between white space) or holds a phrase of the English LDNOOBW list; "
            "absent otherwise",
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
        _types("a word of the lower case (between white space) is `javascript`"),
        lambda texts: _tag(texts, is_whole_word=True),
    ),
    Tagger(
        "c4_v2",
        "The cleaning rules of C4 as attributes; `javascript` counts anywhere.",
        _SOURCE,
        _types("the lower case holds `javascript`"),
        lambda texts: _tag(texts, is_whole_word=False),
    ),
)
