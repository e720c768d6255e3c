"""What RedPajama-v2's signals are: their definitions, as its code has them.

Raw words and the normalized text are those of `redpajama_words`.
"""

from __future__ import annotations

from explorer.taggers.model import TagType
from explorer.taggers.redpajama_lines import LINE_TYPES

TOP = (2, 3, 4)  # words of the runs of which the most common counts
DUPLICATED = range(5, 11)  # words of the runs of which the repeated ones count
_RAW = "raw words (runs of letters, digits and underscores, and runs of what is neither such nor white space)"
_NORMALIZED = "the normalized text (without ASCII punctuation, lower case, white space single, NFD)"


def _document(name: str, unit: str, doc: str) -> TagType:
    return TagType(f"rps_doc_{name}", "document", unit, doc)


_CONTENT = (
    _document(
        "ldnoobw_words",
        "words and phrases",
        f"words and runs of words of {_NORMALIZED} that are entries of the list of bad words (LDNOOBW, English); an "
        "entry with punctuation is never found, since the text has none left",
    ),
    _document(
        "lorem_ipsum",
        "share of characters",
        f"occurrences of 'lorem ipsum' in {_NORMALIZED}, by its characters; 0 for an empty one. Where it occurs, the "
        "spellings with dotless i or long s count too",
    ),
    _document("curly_bracket", "share of characters", "{ and }, by characters of the text; 0 for an empty one"),
    _document(
        "stop_word_fraction",
        "share of words",
        f"{_RAW} that are one of 570 English stop words, by raw words; 0 without normalized words. Upper case is "
        "told apart, so The at the head of a sentence is none; entries with an apostrophe are never found, since it "
        "parts raw words",
    ),
)
_LANGUAGE = (
    _document(
        "num_sentences",
        "sentences",
        "matches of \\b[^.!?]+[.!?]*: stretches between full stops, exclamation and question marks that hold a letter, "
        "digit or underscore; 3.14 and e.g. are two each, and a text in a script with other full stops is one",
    ),
    _document("word_count", "words", f"words of {_NORMALIZED}"),
    _document(
        "mean_word_length",
        "characters",
        f"mean characters of the words of {_NORMALIZED}; marks that NFD splits off count; absent without words",
    ),
    _document(
        "symbol_to_word_ratio",
        "symbols per word",
        f"occurrences of #, of three full stops in a row (without overlaps) and of U+2026, by {_RAW}; absent without",
    ),
    _document(
        "frac_lines_end_with_ellipsis",
        "share of lines",
        "lines that end, before white space, with three full stops or U+2026, by lines, empty ones too; absent for an "
        "empty text",
    ),
    _document(
        "frac_no_alph_words",
        "share of words",
        f"{_RAW} without an ASCII letter, by raw words; text in another script has a share near 1; absent without",
    ),
    _document(
        "frac_unique_words",
        "share of words",
        f"different words of {_NORMALIZED}, by its words; absent without",
    ),
    _document(
        "unigram_entropy",
        "nats",
        f"entropy of the distribution of words in {_NORMALIZED}, natural logarithm; absent without words",
    ),
    _document(
        "frac_all_caps_words",
        "share of words",
        f"{_RAW} with an upper-case letter and none in lower or title case (I and A too), by raw words; absent without",
    ),
)
_REPETITIONS = (
    *(
        _document(
            f"frac_chars_top_{n}gram",
            "share of the words' characters",
            f"characters of all occurrences of the {n} consecutive words of {_NORMALIZED} that occur most often (of "
            "equals the first), by the characters of its words; 0 where none occurs twice. Overlaps count twice, so "
            "it may exceed 1",
        )
        for n in TOP
    ),
    *(
        _document(
            f"frac_chars_dupe_{n}grams",
            "share of the words' characters",
            f"characters of words of {_NORMALIZED} that lie in any {n} consecutive words that occur more than once "
            "(every occurrence; a word once), by the characters of its words; 0 with fewer words",
        )
        for n in DUPLICATED
    ),
)
TYPES = (*_CONTENT, *_LANGUAGE, *_REPETITIONS, *LINE_TYPES)
