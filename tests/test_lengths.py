"""Lengths and random numbers: against plain readings of their definitions, and the toolkit's files of mini-dolma."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import duckdb
import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.taggers.lengths import TAGGERS
from explorer.taggers.lines import paragraphs
from explorer.taggers.model import Tagger
from explorer.taggers.registry import load_taggers
from explorer.taggers.run import tag_texts
from explorer.taggers.sampling import random_number, random_tagger
from explorer.taggers.texts import Texts, texts_of

Attributes = dict[str, list[tuple[int, int, float]]]

HOSTILE = [
    "",
    "a",
    "\n",
    "\n\n\n",
    " \n\t\n",
    "nospacesatall",
    "a\nb\n",
    "\na\n\nb",
    "one, two... three!\n  (four)\n",
    "x\r\ny",
    "a\x1cb\x1d\n\x1e\n\x1f",
    "a\x85b\u2028c\u2029d\u3000e",
    "\x00a\x00",
    "naïve café…\n“quoted”—dash",
    "你好，世界。\n这是一段",
    "שלום עולם\nمرحبا بالعالم",
    "e\u0301 \u0130 \u212a ß ﬁ",
    "👩‍👩‍👧‍👦 🇩🇪\n🎉",
    "_a_b-c_d",
    "۱۲۳ ٤٥٦ ½ ²",
    "\u200b \ufeff a\u200db",
    "।॥ क्षि\n",
]
texts = st.text(st.one_of(st.characters(exclude_categories=["Cs", "Cn", "Co"]), st.sampled_from(" \n\t\x1c.,_a…é")))


def frame_of(strings: list[str]) -> pl.DataFrame:
    ids = pl.Series("id", [str(i) for i in range(len(strings))], pl.String)
    return pl.DataFrame({"id": ids, "source": ["s"] * len(strings), "text": pl.Series(strings, dtype=pl.String)})


def tagged(names: list[str], strings: list[str], step_bytes: int = 1 << 20) -> list[Attributes]:
    return rows_of(load_taggers(names), frame_of(strings), step_bytes)


def rows_of(taggers: tuple[Tagger, ...], frame: pl.DataFrame, step_bytes: int = 1 << 20) -> list[Attributes]:
    return [row for each in texts_of(frame, step_bytes) for row in tag_texts(each, taggers, "set").rows()]


def parts(text: str) -> int:
    return int(pl.Series([text]).str.count_matches(r"\w+|[^\w\s]+")[0]) + 1


def plain(text: str) -> Attributes:
    """The lengths of a text, read from their definitions."""
    own = [(m.start(), m.end()) for m in re.finditer(r"[^\n]*\n|[^\n]+", text) if m.group().strip()]
    pieces = [(start, end, float(parts(text[start:end]))) for start, end in own]
    found: Attributes = {
        "set__char_length_v1__length": [(0, len(text), float(len(text)))],
        "set__char_length_strip_ws_v1__length_no_ws": [(0, len(text), float(len(text.strip())))],
        "set__bytes_length_v1__bytes": [(0, len(text), float(len(text.encode())))],
        "set__doc_count_v1__docs": [(0, len(text), 1.0)],
        "set__whitespace_tokenizer_v1__length": [(0, len(text), float(parts(text)))],
        "set__char_length_with_paragraphs_v1__paragraph": [(s, e, float(e - s)) for s, e in own],
        "set__char_length_with_paragraphs_v1__document": [(0, len(text), float(len(text)))],
        "set__whitespace_tokenizer_with_paragraphs_v1__paragraph": pieces,
        "set__whitespace_tokenizer_with_paragraphs_v1__document": [(0, len(text), sum((p[2] for p in pieces), 0.0))],
        "set__word_length_v1__length": [(0, len(text), float(len(pl.Series([text]).str.extract_all(r"\S+")[0])))],
    }
    return {key: spans for key, spans in found.items() if spans}


NAMES = [
    "char_length_v1",
    "char_length_strip_ws_v1",
    "char_length_with_paragraphs_v1",
    "bytes_length_v1",
    "doc_count_v1",
    "whitespace_tokenizer_v1",
    "whitespace_tokenizer_with_paragraphs_v1",
    "word_length_v1",
]


@settings(deadline=None)  # the first text makes the table of characters
@given(st.lists(texts, max_size=5), st.sampled_from([1, 7, 1 << 20]))
@example(HOSTILE, 1)
@example(HOSTILE, 1 << 20)
@example(["plain ascii, only.\n", "\n", ""], 1 << 20)
def test_lengths_are_what_their_definitions_say(strings: list[str], step_bytes: int) -> None:
    assert tagged(NAMES, strings, step_bytes) == [plain(text) for text in strings]


def test_every_length_is_tested() -> None:
    assert sorted(NAMES) == sorted(tagger.name for tagger in TAGGERS)


def test_paragraphs_hold_their_newline() -> None:
    found = paragraphs(Texts(frame_of(["a\n\nb", " \n", "", "c\n"])))
    assert (found.begin.tolist(), found.end.tolist()) == ([0, 3, 9], [2, 4, 11])
    assert (found.text.tolist(), found.bounds.tolist()) == ([0, 0, 3], [0, 2, 2, 2, 3])


def test_parts_and_paragraphs_of_mini_dolma_are_the_toolkits(mini_dolma: Path) -> None:
    taggers = load_taggers(["whitespace_tokenizer_with_paragraphs_v1"])
    n_rows = 0
    for path in sorted(mini_dolma.glob("documents/**/*.json.gz")):
        with gzip.open(path) as lines:
            frame = frame_of([orjson.loads(line)["text"] for line in lines])
        with gzip.open(mini_dolma / "attributes" / "dolma_rules" / path.relative_to(mini_dolma / "documents")) as lines:
            expected = [orjson.loads(line)["attributes"] for line in lines]
        for own, theirs in zip(rows_of(taggers, frame), expected, strict=True):
            prefix = "dolma_rules__whitespace_tokenizer_with_paragraphs_v1__"
            theirs = {key: value for key, value in theirs.items() if key.startswith(prefix)}
            assert {f"dolma_rules{key[3:]}": [list(span) for span in spans] for key, spans in own.items()} == theirs
            n_rows += 1
    assert n_rows == 19356


def test_a_random_number_depends_on_the_document_alone() -> None:
    frame = pl.DataFrame(
        {
            "id": ["1", "2", None, "1", "", "2"],
            "source": ["a", "a", "a", "b", "a", None],
            "text": ["x", "y", "1", "x", "other", "y"],
        }
    )
    taggers = load_taggers(["random_number_v1"])
    together = rows_of(taggers, frame)
    assert together[::-1] == rows_of(taggers, frame[::-1], step_bytes=1)
    found = [row["set__random_number_v1__random"][0][2] for row in together]
    expected = [
        hashlib.sha256(message.encode()).digest()
        for message in ("1\n1\na\n1", "1\n1\na\n2", "1\n1\na\n1", "1\n1\nb\n1", "1\n1\na\nother", "1\n1\n\n2")
    ]
    # 52 bits, seven bytes less the last four bits
    assert found == [round((int.from_bytes(digest[:7]) >> 4) / 2**52, 5) for digest in expected]
    (second,) = {row["set__r2__random"][0][2] for row in rows_of((random_tagger("r2", 2),), frame[:1])}
    assert second != found[0]


def test_sql_computes_the_same_random_number() -> None:
    query = "select ('0x' || left(sha256(concat_ws(chr(10), '1', 1, $source, $id)), 13))::bigint / 16 ** 13"
    with duckdb.connect() as connection:
        ((found,),) = connection.execute(query, {"source": "web", "id": "d/17"}).fetchall()
    assert found == random_number("web", "d/17", "", seed=1)


def test_random_numbers_are_uniform() -> None:
    found = np.array([random_number("s", str(i), "", seed=1) for i in range(20_000)])
    assert np.histogram(found, bins=10, range=(0, 1))[0] == pytest.approx(np.full(10, 2000), abs=200)  # 4.7 sigma
    assert 0 <= found.min() < found.max() < 1
