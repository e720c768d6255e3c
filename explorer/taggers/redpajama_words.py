"""The two readings of a text that RedPajama-v2's signals count: its raw words, and the words of the normalized text.

Raw words are runs of word characters (`\\w`: letters, digits, underscore) and runs of what is neither such nor white
space. Normalizing deletes ASCII punctuation, lowers, and decomposes (NFD); its words are those between white space.
"""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from explorer.taggers.arrays import N_POINTS, Bools, Bytes, Hashes, Ints, code_points, totals_before
from explorer.taggers.texts import PADDING, Pieces, Texts

WORD, OTHER, LETTER, UPPER, LOWER, TERMINATOR, NUMERIC, CHANGES = (1 << bit for bit in range(8))
_KIND = WORD | OTHER  # neither: white space
_NEWLINE, _SPACE = 0x0A, 0x20
_PUNCTUATION = string.punctuation.encode()
# ASCII punctuation that decompositions hold stays. It passes the deletion of the rest as bytes that UTF-8 never has.
_DECOMPOSED = ";<=>`"
_GUARDS = bytes(range(0xF5, 0xF5 + len(_DECOMPOSED)))
_GUARD = bytes.maketrans(_DECOMPOSED.encode(), _GUARDS)
_SPACES = b"\t\v\f\r\x1c\x1d\x1e\x1f"
_FOLD = bytes.maketrans(
    string.ascii_uppercase.encode() + _GUARDS + _SPACES,
    (string.ascii_lowercase + _DECOMPOSED + " " * len(_SPACES)).encode(),
)
_LAST_OF_PLANES = 0x40000  # no letter, digit, space or mark is assigned beyond, but for the tags of plane 14
_BITS_OF_SLOTS = 16
_MANY_MARKS = 1000


@dataclass(frozen=True)
class Tokens:
    """The raw words of all texts, in order (arrays of length n_tokens): bytes `data[begin:end]`."""

    begin: Ints
    end: Ints
    codes: Bytes  # of the first character
    bounds: Ints  # (n_texts + 1) number of each text's first

    @property
    def counts(self) -> Ints:
        """How many each text has (n_texts)."""
        return np.diff(self.bounds)


class Normalized(Texts):
    """Texts laid end to end that are no column of a frame. White space is line feeds and, for each byte of any other, a
    space: not yet folded, but the words are the same, and so are the lines."""

    def __init__(self, data: bytes, offsets: Ints) -> None:
        self.memo = {}
        self.folded = data
        self.offsets = offsets
        self.n_bytes = len(data)
        self.data = np.frombuffer(data + bytes(PADDING), dtype=np.uint8)

    @cached_property
    def is_space(self) -> Bools:
        data = self.data[: self.n_bytes]
        found: Bools = (data == _SPACE) | (data == _NEWLINE)
        return found

    @cached_property
    def chars(self) -> Ints:
        """Characters of the words before each word, and of all (n_words + 1)."""
        return totals_before(self.word_chars)


def codes_of(texts: Texts) -> Bytes:
    """The code of the character that each byte belongs to (n_bytes)."""
    table = code_table()
    data = texts.data[: texts.n_bytes]
    codes = np.frombuffer(bytearray(data).translate(table[:256].tobytes()), dtype=np.uint8)
    if not texts.is_ascii:
        places = _not_ascii(data)
        points = code_points(data[places])
        codes[places] = np.repeat(table[points], 2 + (points >= 0x800) + (points >= 0x10000))
    return codes


def numeric_places(texts: Texts) -> Ints:
    """Where numeric characters begin (bytes, ascending)."""
    data = texts.data[: texts.n_bytes]
    digits = np.flatnonzero(data - np.uint8(ord("0")) < 10)
    if texts.is_ascii:
        return digits
    places = _not_ascii(data)
    leads = places[data[places] >= 0xC0]
    others = leads[code_table()[code_points(data[places])] & NUMERIC > 0]
    return np.sort(np.concatenate([digits, others])) if len(others) else digits


def _not_ascii(data: Bytes) -> Ints:
    return np.flatnonzero(data.view(np.int8) < 0)


@cache
def code_table() -> Bytes:
    """The code of each code point (N_POINTS): an or of WORD, OTHER, LETTER (ASCII), UPPER, LOWER (or title case),
    TERMINATOR (`.`, `!` or `?`), NUMERIC and CHANGES (not ASCII, and normalizing may change the word that it is in).
    White space has none."""
    table = np.full(N_POINTS, OTHER, dtype=np.uint8)
    table[:_LAST_OF_PLANES] = [_code(chr(point)) for point in range(_LAST_OF_PLANES)]
    table.flags.writeable = False
    return table


def _code(char: str) -> int:
    if char.isspace():
        return 0
    code = WORD if char.isalnum() or char == "_" else OTHER
    code |= UPPER * char.isupper() | LOWER * (char.islower() or (char.istitle() and not char.isupper()))
    code |= NUMERIC * char.isnumeric()
    if char.isascii():
        return code | LETTER * char.isalpha() | TERMINATOR * (char in ".!?")
    changes = unicodedata.combining(char) > 0 or unicodedata.normalize("NFD", char.lower()) != char
    return code | CHANGES * changes


def tokens_of(texts: Texts, codes: Bytes) -> Tokens:
    """The raw words; `codes` are those of `codes_of`."""
    kinds = codes & _KIND
    is_edge = kinds[1:] != kinds[:-1]
    begin = np.flatnonzero(is_edge & (kinds[1:] > 0)) + 1
    if len(kinds) and kinds[0]:
        begin = np.concatenate([[0], begin])
    end = np.flatnonzero(is_edge & (kinds[:-1] > 0)) + 1  # a newline follows the last text
    return Tokens(begin, end, codes[begin], np.searchsorted(begin, texts.offsets))


def normalize(texts: Texts, codes: Bytes) -> Normalized:
    """The texts in lower case and decomposed, without ASCII punctuation."""
    data = bytearray(texts.data[: texts.n_bytes])
    if not texts.is_ascii:
        view = np.frombuffer(data, dtype=np.uint8)
        view[(codes == 0) & (view.view(np.int8) < 0)] = _SPACE
        data = _with_changed_words(data, codes)
    folded = bytes(data.translate(_FOLD, _PUNCTUATION))
    newlines = np.flatnonzero(np.frombuffer(folded, dtype=np.uint8) == _NEWLINE)
    offsets = np.zeros(texts.n_texts + 1, dtype=np.int64)
    offsets[1:] = newlines[texts.lines.bounds[1:] - 1] + 1
    return Normalized(folded, offsets)


def _with_changed_words(data: bytearray, codes: Bytes) -> bytearray:
    """The bytes, with words normalized where the tables of bytes do not suffice. A word at a time is enough: neither
    the lower case of a sigma nor the order of marks depends on what lies beyond white space."""
    places = np.flatnonzero(codes.view(np.int8) < 0)  # CHANGES is the highest bit
    if not len(places):
        return data
    spaces = np.flatnonzero(codes == 0)
    following = np.searchsorted(spaces, places)
    following = following[np.flatnonzero(np.diff(following, prepend=-1))]
    end = spaces[following]
    begin = np.where(following > 0, spaces[following - 1] + 1, 0)
    begins, ends = begin.tolist(), end.tolist()
    words = b"\n".join(map(data.__getitem__, map(slice, begins, ends)))
    lowered = words.translate(None, _PUNCTUATION).decode().lower()
    is_long = int((end - begin).max()) > _MANY_MARKS
    decomposed = _decompose(lowered) if is_long else unicodedata.normalize("NFD", lowered)
    changed = decomposed.encode().translate(_GUARD).split(b"\n")
    parts: list[bytes | bytearray] = [b""] * (2 * len(changed) + 1)
    parts[::2] = map(data.__getitem__, map(slice, [0, *ends], [*begins, len(data)]))
    parts[1::2] = changed
    return bytearray().join(parts)


def _decompose(text: str) -> str:
    """NFD of words that may be long. Python puts marks into order by insertion, which takes the square of their number:
    long runs of them are sorted here."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    borders = np.concatenate([[-1], np.flatnonzero(~_mark_table()[points]), [len(text)]])
    long = np.flatnonzero(np.diff(borders) > _MANY_MARKS)
    parts, last = [], 0
    for begin, end in zip(np.maximum(borders[long], 0).tolist(), borders[long + 1].tolist(), strict=True):
        parts.append(unicodedata.normalize("NFD", text[last:begin]))
        chars = "".join([unicodedata.normalize("NFD", char) for char in text[begin:end]])
        n_starters = next(i for i, char in enumerate(chars) if unicodedata.combining(char))
        parts += (chars[:n_starters], *sorted(chars[n_starters:], key=unicodedata.combining))
        last = end
    return "".join([*parts, unicodedata.normalize("NFD", text[last:])])


@cache
def _mark_table() -> Bools:
    """Of each code point (N_POINTS), whether it decomposes to marks that have an order."""
    table = np.zeros(N_POINTS, dtype=bool)
    for point in np.flatnonzero(code_table() & CHANGES > 0).tolist():
        table[point] = all(map(unicodedata.combining, unicodedata.normalize("NFD", chr(point))))
    return table


class KeySet:
    """A small set of keys to look many up in: a table without collisions, found by trying factors."""

    def __init__(self, keys: Hashes) -> None:
        self._keys = np.unique(keys)
        factor = 0x9E3779B97F4A7C15
        while True:
            self._factor = np.uint64(factor)
            slots = self._slots(self._keys)
            if len(np.unique(slots)) == len(slots):
                break
            factor = (factor + 0x632BE59BD9B4E01A) % (1 << 64)
        # an empty slot leads to a key that belongs elsewhere
        self._table = np.zeros(1 << _BITS_OF_SLOTS, dtype=np.uint16)
        self._table[slots] = np.arange(len(slots))

    def _slots(self, keys: Hashes) -> Hashes:
        return (keys * self._factor) >> np.uint64(64 - _BITS_OF_SLOTS)

    def has(self, keys: Hashes) -> Bools:
        """Which of some keys are in it."""
        found: Bools = self._keys[self._table[self._slots(keys)]] == keys
        return found


def pieces_between(words: Pieces, starts: Ints) -> Ints:
    """The number of the first word at or after each place, and of words in all (n_starts + 1)."""
    return np.append(np.searchsorted(words.begin, starts), len(words.begin))
