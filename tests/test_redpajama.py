"""RedPajama-v2's signals against a plain reading of their definitions, on hostile and on real text."""

from __future__ import annotations

import gzip
import json
import string
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.taggers import redpajama
from explorer.taggers.ldnoobw import naughty_words
from explorer.taggers.redpajama import TAGGERS, stop_words
from explorer.taggers.run import tag_texts
from explorer.taggers.texts import Texts, texts_of
from tests.oracles.redpajama import BULLETS, signals

Row = dict[str, list[tuple[int, int, float]]]

STOP_WORDS, BAD_WORDS = frozenset(stop_words()), frozenset(naughty_words())
PHRASES = sorted(entry for entry in BAD_WORDS if " " in entry)
NASTY = (
    " \t\n\r\v\f\x00\x1c\x1f\x85\xa0\u1680\u2000\u2028\u202f\u205f\u3000\u200b"  # white space, and what is none
    "aBz_059.!?#{}'\"-*;<=>`"
    "\u2026\u201d\u201c\u00b2\u00bd\u2167\u3007\u4e00\u0660"  # marks and numbers
    "\u037e\u1fef\u2260\u226e\u2000"  # that decompose to ASCII punctuation, or to other white space
    "\u0130\u0131\u017f\u212a\u212b\u03a3\u03c3\u03c2\u00c9\u00e9\u01c5\u24b6\u00aa\u1e9e"  # cases
    "\u0301\u0323\u0345\u0651\uac00\uf96b\u0958\u05d0\u0628\U0001f600\U0001d400\U0001d7ce\U0010ffff" + "".join(BULLETS)
)
words = st.sampled_from(
    [
        "the",
        "The",
        "don't",
        "javascript",
        "JavaScript",
        "java-script",
        "lorem",
        "Lorem",
        "ipsum",
        "ip\u017fum",
        "lorem ipsum",
        "...",
        "....",
        "......",
        "e.g.",
        "U.S.A.",
        "\u03a3\u0391\u03a3'",
        "\u03a3'\u0391",
        "caf\u00e9",
        "CAFE\u0301",
        "a\u0323\u0301",
        "a\u0301\u0323",
        *PHRASES,
        *sorted(BAD_WORDS)[:5],
    ]
)
pieces = st.one_of(st.text(st.sampled_from(NASTY), max_size=12), words, st.sampled_from("ab"), st.text(max_size=4))
hostile = st.lists(st.tuples(pieces, st.sampled_from(["", " ", " ", "\n", "\n\n", "\t"])), max_size=40).map(
    lambda found: "".join(piece + gap for piece, gap in found)
)


def rows_of(texts: list[str], step_bytes: int = 1 << 20) -> list[Row]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return [row for piece in texts_of(frame, step_bytes) for row in tag_texts(piece, TAGGERS, "set").rows()]


def check(texts: list[str], step_bytes: int = 1 << 20) -> None:
    rows = rows_of(texts, step_bytes)
    assert len(rows) == len(texts)
    for text, row in zip(texts, rows, strict=True):
        expected = {}
        for name, found in signals(text, STOP_WORDS, BAD_WORDS).items():
            spans = found if isinstance(found, list) else [] if found is None else [(0, len(text), found)]
            if spans:
                expected[f"set__redpajama_v2__{name}"] = [(start, end, round(score, 5)) for start, end, score in spans]
        entropy = "set__redpajama_v2__rps_doc_unigram_entropy"
        if entropy in expected:  # a sum, of which the order shows in the last digits
            (_, _, score), (_, _, other) = row[entropy][0], expected[entropy][0]
            assert score == pytest.approx(other, abs=1.01e-5)
            expected[entropy] = row[entropy]
        assert row == expected, text


@settings(max_examples=300, deadline=None)
@given(st.lists(hostile, min_size=1, max_size=4), st.sampled_from([1, 100, 1 << 20]))
@example([""], 1)
@example(["", "\n", "", "a", "."], 1 << 20)
@example(["..", "...", ".", "\u2026", "a...\n..."], 1 << 20)
@example(["\u03a3'\u0391 \u0391\u03a3' \u0391\u03a3'\u00ad"], 1 << 20)
@example(["a\u037eb \u1fef; \u2260= \u226e<"], 1 << 20)
@example(["Lorem, ipsum lorem\nip\u017fum xlorem ipsumx", "lorem ip\u017fum", "ipsum lorem"], 1 << 20)
def test_equal_to_the_definitions_on_hostile_text(texts: list[str], step_bytes: int) -> None:
    check(texts, step_bytes)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab .\nA"), max_size=120), min_size=1, max_size=5))
def test_equal_to_the_definitions_where_much_repeats(texts: list[str]) -> None:
    check(texts)


def test_equal_to_the_definitions_on_real_text(mini_dolma: Path) -> None:
    texts = []
    for path in sorted((mini_dolma / "documents").rglob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            texts += [json.loads(line)["text"] for i, line in enumerate(lines) if i % 150 == 0]
    assert len(texts) > 50
    check(texts)


def test_every_code_point() -> None:
    """Each between two letters, at the end of a word, and as a line of its own."""
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    planes = [char for char in points if ord(char) < 0x33480 or 0xE0000 <= ord(char) < 0xE01F0]
    steps = range(0, len(planes), 500)
    check(["\n".join(f"{char} a{char}B x{char} {char}y" for char in planes[low : low + 500]) for low in steps])


def test_what_decomposes_to_ascii_punctuation_is_guarded() -> None:
    found = {
        mark
        for point in range(0x80, 0x110000)
        if not 0xD800 <= point < 0xE000
        for mark in unicodedata.normalize("NFD", chr(point).lower())
        if mark in string.punctuation
    }
    assert found == set(";<=>`")


def test_the_lists() -> None:
    assert len(stop_words()) == len(STOP_WORDS) == 570
    assert {"a", "the", "don't", "zero"} <= STOP_WORDS
    assert len(BAD_WORDS) == 403
    assert PHRASES


def test_by_hand() -> None:
    text = "The  JavaScript code: javascript!\n\n\u2022 3.14 of {them}...\nLorem ipsum"
    (row,) = rows_of([text])
    found = {key.removeprefix("set__redpajama_v2__"): [score for *_, score in spans] for key, spans in row.items()}
    assert found["rps_doc_word_count"] == [10]
    assert found["rps_doc_num_sentences"] == [4]  # The..., 3, 14..., Lorem...
    assert found["rps_doc_stop_word_fraction"] == [2 / 16]  # of, them; The is none
    assert found["rps_lines_javascript_counts"] == [2, 0, 0, 0]
    assert found["rps_lines_ending_with_terminal_punctution_mark"] == [1, 0, 1, 0]
    assert found["rps_lines_start_with_bulletpoint"] == [0, 0, 1, 0]
    assert found["rps_doc_frac_lines_end_with_ellipsis"] == [0.25]
    assert [(start, end) for start, end, _ in row["set__redpajama_v2__rps_lines_num_words"]] == [
        (0, 34),
        (34, 35),
        (35, 55),
        (55, 66),
    ]


def test_types_are_those_that_occur() -> None:
    (row,) = rows_of(["some text"])
    names = [kind.name for kind in TAGGERS[0].types]
    assert [key.removeprefix("set__redpajama_v2__") for key in row] == names
    assert len(set(names)) == len(names) == 28


def test_long_runs_of_marks() -> None:
    """In order as Python puts them, and in no more than linear time: 300,000 of them would take it hours."""
    marks = "\u0301\u0323\u0f73\u0344\u3099\u0345\u0334"
    check(
        [f"{head}{marks * n}{tail}" for head in ("", "a", "\u00e9 ", "\uac01") for tail in ("", "b") for n in (1, 500)]
    )
    check([f"\u00e9{marks * 400}\u00c9{marks * 300} \u03a3{marks * 200}"])
    (row,) = rows_of(["a" + "\u0301\u0323" * 150_000])
    assert row["set__redpajama_v2__rps_doc_mean_word_length"] == [(0, 300_001, 300_001.0)]


@pytest.mark.parametrize("char", [" ", "a", "@", ".", "\n", "\u00e9", "\u4e00", "a ", "a\n", "\u0301"])
def test_long_texts_of_one_kind(char: str) -> None:
    n = 200_000
    (row,) = rows_of([char * n])
    assert row["set__redpajama_v2__rps_doc_curly_bracket"] == [(0, n * len(char), 0.0)]


def test_texts_of_no_documents() -> None:
    texts = Texts(pl.DataFrame({"text": []}, schema={"text": pl.String}))
    assert list(tag_texts(texts, redpajama.TAGGERS, "set").rows()) == []
