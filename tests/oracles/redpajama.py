"""RedPajama-v2's rule-based signals, read from their definitions one by one: plain, slow, and on its own.

A signal of a document is a number or None; one of lines is a list of (start, end, score), in characters.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

Line = tuple[int, int, str]
Found = float | None | list[tuple[int, int, float]]

TERMINAL_MARKS = (".", "!", "?", "\N{RIGHT DOUBLE QUOTATION MARK}")
ELLIPSES = ("...", "\N{HORIZONTAL ELLIPSIS}")
BULLETS = tuple(
    unicodedata.lookup(name)
    for name in (
        "BULLET",
        "TRIANGULAR BULLET",
        "BLACK RIGHT-POINTING TRIANGLE",
        "BLACK LEFT-POINTING TRIANGLE",
        "WHITE BULLET",
        "BLACK SQUARE",
        "WHITE SQUARE",
        "BLACK SMALL SQUARE",
        "WHITE SMALL SQUARE",
        "EN DASH",
    )
)


def normalize(text: str) -> str:
    kept = "".join(char for char in text if char not in string.punctuation)
    return unicodedata.normalize("NFD", re.sub(r"\s+", " ", kept.lower().strip()))


def split_lines(text: str) -> list[Line]:
    return [(found.start(), found.end(), found[0]) for found in re.finditer(r"[^\n]*\n|[^\n]+\Z", text)]


@dataclass(frozen=True)
class Document:
    raw: str
    stop_words: frozenset[str]
    bad_words: frozenset[str]
    normalized: str = field(init=False)
    raw_words: list[str] = field(init=False)
    words: list[str] = field(init=False)
    lines: list[Line] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "normalized", normalize(self.raw))
        object.__setattr__(self, "raw_words", re.findall(r"\w+|[^\w\s]+", self.raw))
        object.__setattr__(self, "words", self.normalized.split())
        object.__setattr__(self, "lines", split_lines(self.raw))

    def runs(self, n: int) -> list[tuple[str, ...]]:
        return [tuple(self.words[at : at + n]) for at in range(len(self.words) - n + 1)]

    @property
    def n_word_chars(self) -> int:
        return sum(len(word) for word in self.words)

    def by_line(self, score: Callable[[str], float]) -> Found:
        """A score of each raw line."""
        return [(start, end, float(score(line))) for start, end, line in self.lines]


def ldnoobw_words(doc: Document) -> float:
    lengths = {entry.count(" ") + 1 for entry in doc.bad_words}
    return sum(" ".join(run) in doc.bad_words for n in lengths for run in doc.runs(n))


def lorem_ipsum(doc: Document) -> float:
    if "lorem ipsum" not in doc.normalized:
        return 0.0
    return len(re.findall("lorem ipsum", doc.normalized, re.IGNORECASE)) / len(doc.normalized)


def curly_bracket(doc: Document) -> float:
    return (doc.raw.count("{") + doc.raw.count("}")) / len(doc.raw) if doc.raw else 0.0


def stop_word_fraction(doc: Document) -> float:
    if not doc.words:
        return 0.0
    return sum(word in doc.stop_words for word in doc.raw_words) / len(doc.raw_words)


def num_sentences(doc: Document) -> float:
    return len(re.findall(r"\b[^.!?]+[.!?]*", doc.raw))


def word_count(doc: Document) -> float:
    return len(doc.words)


def mean_word_length(doc: Document) -> float | None:
    return doc.n_word_chars / len(doc.words) if doc.words else None


def symbol_to_word_ratio(doc: Document) -> float | None:
    n_symbols = sum(doc.raw.count(symbol) for symbol in ("#", *ELLIPSES))
    return n_symbols / len(doc.raw_words) if doc.raw_words else None


def frac_lines_end_with_ellipsis(doc: Document) -> float | None:
    n_found = sum(line.rstrip().endswith(ELLIPSES) for _, _, line in doc.lines)
    return n_found / len(doc.lines) if doc.lines else None


def frac_no_alph_words(doc: Document) -> float | None:
    n_found = sum(any(char in string.ascii_letters for char in word) for word in doc.raw_words)
    return 1.0 - n_found / len(doc.raw_words) if doc.raw_words else None


def frac_unique_words(doc: Document) -> float | None:
    return len(set(doc.words)) / len(doc.words) if doc.words else None


def unigram_entropy(doc: Document) -> float | None:
    counts = Counter(doc.words)
    return sum(-n / len(doc.words) * math.log(n / len(doc.words)) for n in counts.values()) if doc.words else None


def frac_all_caps_words(doc: Document) -> float | None:
    return sum(word.isupper() for word in doc.raw_words) / len(doc.raw_words) if doc.raw_words else None


def frac_chars_top(n: int, doc: Document) -> float:
    (run, count), *_ = Counter(doc.runs(n)).most_common(1) or [((), 0)]
    return len("".join(run)) * count / doc.n_word_chars if count > 1 else 0.0


def frac_chars_dupe(n: int, doc: Document) -> float:
    counts = Counter(doc.runs(n))
    covered = {at + i for at, run in enumerate(doc.runs(n)) if counts[run] > 1 for i in range(n)}
    return sum(len(doc.words[at]) for at in covered) / doc.n_word_chars if covered else 0.0


def ending_with_terminal_punctution_mark(doc: Document) -> Found:
    return doc.by_line(lambda line: line.rstrip().endswith(TERMINAL_MARKS))


def javascript_counts(doc: Document) -> Found:
    return doc.by_line(lambda line: normalize(line).split().count("javascript"))


def num_words(doc: Document) -> Found:
    return doc.by_line(lambda line: len(normalize(line).split()))


def numerical_chars_fraction(doc: Document) -> Found:
    return doc.by_line(lambda line: sum(map(str.isnumeric, normalize(line))) / max(len(normalize(line)), 1))


def start_with_bulletpoint(doc: Document) -> Found:
    return doc.by_line(lambda line: line.lstrip().startswith(BULLETS))


def uppercase_letter_fraction(doc: Document) -> Found:
    return doc.by_line(lambda line: sum(map(str.isupper, line)) / len(line))


_OF_DOCUMENTS = (
    ldnoobw_words,
    lorem_ipsum,
    curly_bracket,
    stop_word_fraction,
    num_sentences,
    word_count,
    mean_word_length,
    symbol_to_word_ratio,
    frac_lines_end_with_ellipsis,
    frac_no_alph_words,
    frac_unique_words,
    unigram_entropy,
    frac_all_caps_words,
)
_OF_LINES = (
    ending_with_terminal_punctution_mark,
    javascript_counts,
    num_words,
    numerical_chars_fraction,
    start_with_bulletpoint,
    uppercase_letter_fraction,
)


def signals(text: str, stop_words: frozenset[str], bad_words: frozenset[str]) -> dict[str, Found]:
    """All signals of a document by RedPajama's names."""
    doc = Document(text, stop_words, bad_words)
    found: dict[str, Found] = {f"rps_doc_{signal.__name__}": signal(doc) for signal in _OF_DOCUMENTS}
    found |= {f"rps_doc_frac_chars_top_{n}gram": frac_chars_top(n, doc) for n in (2, 3, 4)}
    found |= {f"rps_doc_frac_chars_dupe_{n}grams": frac_chars_dupe(n, doc) for n in range(5, 11)}
    return found | {f"rps_lines_{signal.__name__}": signal(doc) for signal in _OF_LINES}
