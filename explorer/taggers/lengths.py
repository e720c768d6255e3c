"""Lengths of documents and paragraphs, in characters, bytes, words and pieces of text, mostly the Dolma toolkit's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from explorer.taggers.arrays import N_POINTS, Ints, code_points, flags_before, totals_between
from explorer.taggers.lines import paragraphs
from explorer.taggers.model import Spans, Tagger, Tags, TagType, every
from explorer.taggers.texts import Pieces, Texts
from explorer.textcount import count_texts

_SPACE, _WORD, _OTHER = 0, 1, 2
_SURROGATES = range(0xD800, 0xE000)  # no characters; they do not occur in texts


def paragraph_spans(texts: Texts, pieces: Pieces, name: str, scores: npt.NDArray[np.float64] | Ints) -> Spans:
    """A span over each paragraph."""
    starts = texts.char_of(pieces.begin, pieces.text)
    ends = texts.char_of(pieces.end, pieces.text)
    return Spans(name, pieces.text, starts, ends, scores.astype(np.float64))


def stripped_chars(texts: Texts) -> Ints:
    """Characters of each text without the white space at its ends (n_texts)."""
    words = texts.words
    filled = np.flatnonzero(words.counts)
    found = np.zeros(texts.n_texts, dtype=np.int64)
    found[filled] = texts.chars_between(words.begin[words.bounds[filled]], words.end[words.bounds[filled + 1] - 1])
    return found


def piece_counts(texts: Texts, *pieces: Pieces) -> list[Ints]:
    r"""Of the whole texts (n_texts), then of some pieces of them: how many parts splitting at `\w+|[^\w\s]+` leaves.

    That is one more than there are matches. Each of the pieces must begin where a text does or behind white space.
    """
    data = texts.data[: texts.n_bytes]
    classes = _classes()[data if texts.is_ascii else code_points(data)]
    begins = classes != _SPACE
    begins[1:] &= classes[1:] != classes[:-1]
    totals = flags_before(begins)
    whole = [(texts.offsets[:-1], texts.ends), *((piece.begin, piece.end) for piece in pieces)]
    return [totals[_char(texts, end)].astype(np.int64) - totals[_char(texts, begin)] + 1 for begin, end in whole]


def _char(texts: Texts, places: Ints) -> Ints:
    """Places in `texts.data` as characters of all texts."""
    return texts.chars_between(np.zeros_like(places), places)


@lru_cache
def _classes() -> npt.NDArray[np.uint8]:
    r"""Of all code points, whether they are white space, of `\w` or neither (N_POINTS)."""
    points = [point for point in range(N_POINTS) if point not in _SURROGATES]
    chars = pl.Series([chr(point) for point in points])
    found = np.full(N_POINTS, _OTHER, dtype=np.uint8)
    found[np.array(points)[chars.str.contains(r"^\w$").to_numpy()]] = _WORD
    found[np.array(points)[chars.str.contains(r"^\s$").to_numpy()]] = _SPACE
    return found


def _characters_by_paragraph(texts: Texts) -> Iterator[Tags]:
    found = paragraphs(texts)
    yield paragraph_spans(texts, found, "paragraph", texts.chars_between(found.begin, found.end))
    yield every(texts, "document", texts.n_chars)


def _pieces_by_paragraph(texts: Texts) -> Iterator[Tags]:
    found = paragraphs(texts)
    _, counts = piece_counts(texts, found)
    yield paragraph_spans(texts, found, "paragraph", counts)
    yield every(texts, "document", totals_between(counts, found.bounds))


def _n_words(texts: Texts) -> Ints:
    return count_texts(texts.data[: texts.n_bytes], texts.offsets).n_words


_SOURCE = "Dolma toolkit 1.2.1, taggers/length.py"
_PARAGRAPH = "a paragraph is a line with its newline, unless it is white space alone"
_SPLIT = r"parts that splitting at the matches of \w+|[^\w\s]+ leaves, which is one more than there are matches"
TAGGERS = (
    Tagger(
        "char_length_v1",
        "Characters of the document.",
        _SOURCE,
        (TagType("length", "document", "characters", "characters (code points) of the text"),),
        lambda texts: (every(texts, "length", texts.n_chars),),
    ),
    Tagger(
        "char_length_strip_ws_v1",
        "Characters of the document without white space at its ends.",
        _SOURCE,
        (
            TagType(
                "length_no_ws",
                "document",
                "characters",
                "characters from the first to the last that is not white space (str.strip); what lies between counts",
            ),
        ),
        lambda texts: (every(texts, "length_no_ws", stripped_chars(texts)),),
    ),
    Tagger(
        "char_length_with_paragraphs_v1",
        "Characters of the document and of its paragraphs.",
        _SOURCE,
        (
            TagType("paragraph", "span", "characters", f"characters of the paragraph; {_PARAGRAPH}"),
            TagType("document", "document", "characters", "characters of the text"),
        ),
        _characters_by_paragraph,
    ),
    Tagger(
        "bytes_length_v1",
        "Bytes of the document.",
        _SOURCE,
        (TagType("bytes", "document", "bytes", "bytes of the text in UTF-8"),),
        lambda texts: (every(texts, "bytes", texts.ends - texts.offsets[:-1]),),
    ),
    Tagger(
        "doc_count_v1",
        "One for each document, so that sums of it count documents.",
        _SOURCE,
        (TagType("docs", "document", "documents", "1"),),
        lambda texts: (every(texts, "docs", np.ones(texts.n_texts)),),
    ),
    Tagger(
        "whitespace_tokenizer_v1",
        "Words and runs of punctuation of the document, and one more.",
        _SOURCE,
        (TagType("length", "document", "parts", _SPLIT),),
        lambda texts: (every(texts, "length", piece_counts(texts)[0]),),
    ),
    Tagger(
        "whitespace_tokenizer_with_paragraphs_v1",
        "Words and runs of punctuation of each paragraph, and one more for each.",
        _SOURCE,
        (
            TagType("paragraph", "span", "parts", f"{_SPLIT}; {_PARAGRAPH}"),
            TagType("document", "document", "parts", "sum over the paragraphs; 0 without paragraphs"),
        ),
        _pieces_by_paragraph,
    ),
    Tagger(
        "word_length_v1",
        "Words of the document, as this package counts the words of a corpus.",
        "explorer.units",
        (
            TagType(
                "length",
                "document",
                "words",
                "runs of characters that are not white space (Unicode); str.split, which Gopher's word_count is, "
                "separates words at U+001C to U+001F too",
            ),
        ),
        lambda texts: (every(texts, "length", _n_words(texts)),),
    ),
)
