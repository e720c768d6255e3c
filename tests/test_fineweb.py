"""DataTrove's measures of quality and repetition: equal to its own functions and to a plain reading of them, its
filters' decisions at their cut-offs too, but for what the words are."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.taggers import fineweb, gopher_quality, repetition
from explorer.taggers.fineweb import stop_chars
from explorer.taggers.gopher_quality import symbols
from explorer.taggers.model import Scores
from explorer.taggers.texts import texts_of
from tests.oracles import fineweb as plain
from tests.oracles.datatrove import DataTrove

TAGGERS = (*fineweb.TAGGERS, *gopher_quality.TAGGERS, *repetition.TAGGERS)
# the order in which the filters ask, and which measures they take of words
FINEWEB = ("line_punct_ratio", "short_line_ratio", "char_dup_ratio", "list_ratio")
REPETITION = (
    *("dup_para_frac", "dup_para_char_frac", "dup_line_frac", "dup_line_char_frac"),
    *(f"top_{n}_gram" for n in (2, 3, 4)),
    *(f"duplicated_{n}_n_grams" for n in range(5, 11)),
)
OF_WORDS = ("list_ratio", *REPETITION[4:])
# reason, measure, the cut-off's name and default, whether what is below it is removed: in the order of the filter
GOPHER = (
    ("gopher_short_doc", "non_symbol_word_count", "min_doc_words", 50, True),
    ("gopher_long_doc", "non_symbol_word_count", "max_doc_words", 100000, False),
    ("gopher_below_avg_threshold", "mean_word_length", "min_avg_word_length", 3, True),
    ("gopher_above_avg_threshold", "mean_word_length", "max_avg_word_length", 10, False),
    ("gopher_too_many_hashes", "hash_to_word_ratio", "max_symbol_word_ratio", 0.1, False),
    ("gopher_too_many_ellipsis", "ellipsis_to_word_ratio", "max_symbol_word_ratio", 0.1, False),
    ("gopher_too_many_bullets", "bullet_line_ratio", "max_bullet_lines_ratio", 0.9, False),
    ("gopher_too_many_end_ellipsis", "ellipsis_line_ratio", "max_ellipsis_lines_ratio", 0.3, False),
    ("gopher_below_alpha_threshold", "alpha_word_ratio", "max_non_alpha_words_ratio", 0.8, True),
    ("gopher_enough_stop_words", "stop_word_count", "min_stop_words", 2, True),
)

_PIECES = (
    *"ab.!?-'\"",
    *(
        " ",
        "  ",
        "\n",
        "\n\n",
        "\n\n\n",
        "\t",
        "\r",
        "\r\n",
        "\x0b",
        "\x1c",
        "\x1f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u3000",
    ),
    *("\x00", "…", "。", "？", "।", "\U00011a42", "\U0001da88", "é", "e\u0301", "א", "中文", "\u0130", "\u212a", "😀"),
    *(
        "a ",
        "ab ",
        "b ",
        "ba ",
        "bc d ",
        "line one\n",
        "a line that is longer than thirty characters.\n",
        "same\n\nsame",
    ),
    *("...", "..", "•", "- ", "#", "the ", "of ", "and\n", "\x1d", "\u2029", "„", "٣"),
    *("x" * 40, "ü" * 40, "y" * 300, "one two three four five six "),
)
_texts = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=40
)
# few words in many ways, so that long runs come back, with other borders between words too
_repetitive = st.lists(st.sampled_from(("a", "b", "ab", "ba", "aa", "中", "a" * 20)), max_size=150).map(" ".join)
_repeated_lines = st.lists(st.sampled_from(("same", "other.", "", "  ", "a longer line, not ended")), max_size=12).map(
    "\n".join
)


def ours(texts: Sequence[str], step_bytes: int = 1 << 20) -> list[dict[str, float]]:
    """The scores of each text by type, as they are before they are rounded."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    rows: list[dict[str, float]] = []
    for piece in texts_of(frame, step_bytes):
        first = len(rows)
        rows += [{} for _ in range(piece.n_texts)]
        for tagger in TAGGERS:
            for tags in tagger.tag(piece):
                assert isinstance(tags, Scores)
                for doc, score in zip(tags.docs.tolist(), tags.scores.tolist(), strict=True):
                    rows[first + doc][tags.type] = score
    return rows


def read_plainly(text: str) -> dict[str, float]:
    found = plain.fineweb(text) | plain.repetition(text) | plain.gopher(text)
    return {name: score for name, score in found.items() if name != "alpha_word_ratio"}


def with_letters(text: str, scores: dict[str, float]) -> dict[str, float]:
    """Scores with the one that Gopher's filter asks for and `gopher_v2` has."""
    return scores | {name: score for name, score in plain.gopher(text).items() if name == "alpha_word_ratio"}


def without_gopher(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores that DataTrove has functions for."""
    return {name: score for name, score in scores.items() if name in ("line_count", *FINEWEB, *REPETITION)}


def gopher_reason(scores: Mapping[str, float], cut_offs: Mapping[str, float]) -> str | None:
    """Why Gopher's filter of quality removes a document, by its scores."""
    for reason, name, cut_off_name, default, is_low in GOPHER:
        cut_off = cut_offs.get(cut_off_name, default)
        score = scores.get(name, cut_off)
        if score < cut_off if is_low else score > cut_off:
            return reason
    return None


def first_reason(scores: Mapping[str, float], measures: Sequence[str], cut_offs: Mapping[str, float]) -> str | None:
    """Why a filter that asks for some measures removes a document, by the scores of the document."""
    for name in measures:
        score = scores.get(name, cut_offs[name])
        if score < cut_offs[name] if name == "line_punct_ratio" else score > cut_offs[name]:
            return name
    return None


def reasons_of(text: str, scores: Mapping[str, float], cut_offs: Mapping[str, float]) -> list[str | None]:
    """Why FineWeb's filter and Gopher's of repetition remove a document. Those of nothing are `empty`."""
    return [
        first_reason(scores, FINEWEB, cut_offs) if scores["line_count"] else "empty",
        first_reason(scores, REPETITION, cut_offs) if text else "empty",
    ]


def their_reasons(peer: DataTrove, texts: Sequence[str], spacy: bool) -> list[list[str | None]]:
    names = ("fineweb_quality", "gopher_repetition")
    return [list(pair) for pair in zip(*(peer.reasons(name, texts, spacy) for name in names), strict=True)]


@pytest.fixture(scope="module")
def peer(datatrove_python: Path) -> Iterator[DataTrove]:
    with DataTrove(datatrove_python) as running:
        yield running


@pytest.fixture(scope="module")
def real_texts(mini_dolma: Path) -> list[str]:
    """Every twelfth text of a real corpus."""
    return list(islice(documents(mini_dolma), 0, None, 12))


def documents(corpus: Path) -> Iterator[str]:
    for path in sorted(corpus.glob("documents/**/*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)["text"]


@given(texts=st.lists(_texts | _repetitive | _repeated_lines, max_size=8))
@settings(max_examples=400, deadline=None)
def test_hostile_texts(texts: list[str]) -> None:
    expected = [read_plainly(text) for text in texts]
    assert ours(texts) == expected
    assert ours(texts, step_bytes=1) == expected


@given(texts=st.lists(_texts | _repetitive, min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_hostile_texts_by_datatrove(peer: DataTrove, texts: list[str]) -> None:
    found = ours(texts)
    assert [without_gopher(scores) for scores in found] == peer.measures(texts)
    cut_offs = peer.cut_offs()
    reasons = [reasons_of(text, scores, cut_offs) for text, scores in zip(texts, found, strict=True)]
    assert reasons == their_reasons(peer, texts, spacy=False)


@given(
    texts=st.lists(_texts, min_size=1, max_size=8),
    cut_offs=st.fixed_dictionaries(
        {
            "min_doc_words": st.sampled_from((1, 2, 5)),
            "max_doc_words": st.sampled_from((5, 20, 100)),
            "min_avg_word_length": st.sampled_from((1, 2)),
            "max_avg_word_length": st.sampled_from((4, 10, 50)),
            "max_symbol_word_ratio": st.sampled_from((0.05, 0.3, 1.0)),
            "max_bullet_lines_ratio": st.sampled_from((0.1, 0.3, 0.9)),
            "max_ellipsis_lines_ratio": st.sampled_from((0.1, 0.3, 0.9)),
            "max_non_alpha_words_ratio": st.sampled_from((0.1, 0.5, 0.9)),
            "min_stop_words": st.sampled_from((1, 2, 3)),
        }
    ),
)
@settings(max_examples=300, deadline=None)
def test_hostile_texts_by_gophers_filter(peer: DataTrove, texts: list[str], cut_offs: dict[str, float]) -> None:
    found = [with_letters(text, scores) for text, scores in zip(texts, ours(texts), strict=True)]
    theirs = peer.reasons("gopher_quality", texts, spacy=False, **cut_offs)
    assert [gopher_reason(scores, cut_offs) for scores in found] == theirs


def test_classes_of_characters(peer: DataTrove) -> None:
    assert "".join(chr(point) for point in stop_chars().nonzero()[0].tolist()) == peer.stop_chars()
    assert "".join(chr(point) for point in symbols().nonzero()[0].tolist()) == peer.symbols()


def test_definitions_name_the_cut_offs(peer: DataTrove) -> None:
    docs = {each.name: each.doc for tagger in TAGGERS for each in tagger.types}
    named = {name: re.findall(r"removes documents (?:above|below) ([0-9.]*[0-9])", doc) for name, doc in docs.items()}
    assert {name: list(map(float, found)) for name, found in named.items() if name != "line_count"} == {
        **{name: [cut_off] for name, cut_off in peer.cut_offs().items()},
        **{name: [float(cut_off)] for _, name, _, cut_off, _ in reversed(GOPHER) if name != "alpha_word_ratio"},
    }
    # those with two
    assert "above 100000;" in docs["non_symbol_word_count"]
    assert "above 10;" in docs["mean_word_length"]


def test_real_texts(real_texts: list[str]) -> None:
    texts = real_texts[::4]
    assert ours(texts) == [read_plainly(text) for text in texts]


def test_real_texts_by_datatrove(peer: DataTrove, real_texts: list[str]) -> None:
    found = ours(real_texts)
    assert [without_gopher(scores) for scores in found] == peer.measures(real_texts)
    cut_offs = peer.cut_offs()
    reasons = [reasons_of(text, scores, cut_offs) for text, scores in zip(real_texts, found, strict=True)]
    assert reasons == their_reasons(peer, real_texts, spacy=False)
    assert {reason for pair in reasons for reason in pair} >= {*FINEWEB, "top_2_gram", "dup_line_frac", None}
    gopher = [gopher_reason(with_letters(text, scores), {}) for text, scores in zip(real_texts, found, strict=True)]
    assert gopher == peer.reasons("gopher_quality", real_texts, spacy=False)
    assert len(set(gopher)) > 6


def test_words_are_the_one_difference(peer: DataTrove, real_texts: list[str]) -> None:
    texts = real_texts[::8]
    cut_offs = peer.cut_offs()
    theirs = their_reasons(peer, texts, spacy=True)
    gopher = peer.reasons("gopher_quality", texts, spacy=True)
    words = dict(zip(texts, peer.words(texts), strict=True))
    by_words = [plain.fineweb(text, words.__getitem__) | plain.repetition(text, words.__getitem__) for text in texts]
    assert [reasons_of(text, scores, cut_offs) for text, scores in zip(texts, by_words, strict=True)] == theirs
    assert [gopher_reason(plain.gopher(text, words.__getitem__), {}) for text in texts] == gopher
    found = [without_gopher(scores) for scores in ours(texts)]
    kept = [{name: score for name, score in scores.items() if name not in OF_WORDS} for scores in found]
    assert kept == [{name: score for name, score in scores.items() if name not in OF_WORDS} for scores in by_words]
    assert found != by_words


def test_long_texts() -> None:
    n = 1 << 20
    for text in ("a" * n, " " * n, "\n" * n, "a " * n, "a\n" * n, "@" * n, "中" * n, ("b" * 3000 + " ") * 400):
        (scores,) = ours([text])
        words = text.split()
        if len(words) > 10 and len(set(words)) == 1:
            for k in range(5, 11):
                copies = (len(words) - 1) // k
                assert scores[f"duplicated_{k}_n_grams"] == copies * k * len(words[0]) / len(text)
            assert scores["top_2_gram"] == (len(words) - 1) * (2 * len(words[0]) + 1) / len(text)
        else:
            assert scores["duplicated_5_n_grams"] == 0
            assert "top_2_gram" not in scores
        assert scores["line_count"] == sum(bool(line) for line in text.split("\n")) * bool(words)


def test_runs_that_begin_within_a_copy_are_not_met() -> None:
    # the second p q r s t is a copy; q r s t u begins within it, so that the way meets it first at the end
    text = "p q r s t x p q r s t u y q r s t u"
    (scores,) = ours([text])
    assert scores["duplicated_5_n_grams"] == 5 / len(text)


def test_runs_are_told_apart_by_their_characters_alone() -> None:
    text = "a bc d e f ab c d e f"
    (scores,) = ours([text])
    assert scores["duplicated_5_n_grams"] == 6 / len(text)
    assert scores["top_2_gram"] == pytest.approx(2 * len("d e") / len(text))


def test_lines_and_paragraphs() -> None:
    text = "\nsame\nsame\n\nsame \n \nsame\nsame\n\nsame"
    (scores,) = ours([text])
    lines = ["", "same", "same", "same ", " ", "same", "same", "same"]
    paragraphs = ["same\nsame", "same \n \nsame\nsame", "same"]
    assert scores["dup_line_frac"] == 4 / len(lines)
    assert scores["dup_line_char_frac"] == 16 / len(text)
    assert scores["dup_para_frac"] == 0 / len(paragraphs)
    assert scores["line_count"] == 6
    assert scores["char_dup_ratio"] == 16 / len(text.replace("\n", ""))


def test_what_stands_at_the_ends_of_a_text() -> None:
    (scores,) = ours(["\n\nsame\n\nsame\n\n \n\n"])
    assert scores["dup_para_frac"] == 1 / 2
    assert scores["dup_line_frac"] == 2 / 5  # "", same, same, " ", ""


def test_no_lines_no_ratios() -> None:
    assert [without_gopher(scores) for scores in ours(["", " \n\t"])] == [
        {"line_count": 0},
        {"line_count": 0} | dict.fromkeys(REPETITION[:4] + REPETITION[7:], 0.0),
    ]
