"""Taggers that the toolkit has too: equal to it key by key, span by span, score by score, but for its known errors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.taggers.registry import load_taggers
from explorer.taggers.run import tag_texts
from explorer.taggers.texts import texts_of
from tests.oracles.toolkit import Toolkit

RULES = ("gopher_v1", "gopher_v2", "c4_v1", "c4_v2", "pii_regex_with_counts_fast_v2")
Row = dict[str, list[Any]]

# What a text may be made of: the characters that rules ask about, all that separates, and what behaves oddly.
_ALPHABET = (
    *'ab.@,?!;:)(-# \n\t"*{A1',
    "the ",
    "of ",
    "…",
    "\x00",
    "\x0b",
    "\x1c",
    "\x1f",
    "\x85",
    "\u00a0",
    "\u2028",
    "\u3000",
    "中",
    "文",
    "é",
    "e\u0301",
    "\u0130",
    "\u212a",
    "ß",
    "Σ",
    "א",
    "٣",
    "😀",
    "🖕",
    "\u200b",
    "\ufeff",
    "123",
    "456",
    "7890",
    "(123) ",
    "٣٤٥ ",
    "1.2.3.4",
    "255.255.256.1",
    "a@b.c ",
    "JavaScript",
    "lorem ipsum",
    "girl on top",
    "XXX",
    "se\u212an",
    "\n\n",
    "- ",
    "word word ",
)
_texts = st.lists(st.sampled_from(_ALPHABET), max_size=40).map("".join)
_addresses = st.lists(st.sampled_from("ab.@,?!;:)( \n(\x85\x1c中"), max_size=30).map("".join)
_numbers = st.lists(st.sampled_from((*"0129()-. \n\t#\x85", "123", "4567", "٣٤٥", " 555 1234567")), max_size=25).map(
    "".join
)


def ours(tagger: str, texts: Sequence[str], step_bytes: int = 1 << 20) -> list[Row]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    rows: list[Row] = []
    for piece in texts_of(frame, step_bytes):
        rows += tag_texts(piece, load_taggers([tagger]), "s").rows()
    prefix = f"s__{tagger}__"
    return [{key.removeprefix(prefix): [list(span) for span in spans] for key, spans in row.items()} for row in rows]


def corrected(tagger: str, text: str, row: Row) -> Row:
    """The toolkit's row without its known errors."""
    row = dict(row)
    if tagger.startswith("pii"):
        # it adds the span of doc_count, the whole text, to what it divides by the text's length
        spans = [s for key in ("EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS") for s in row.get(key, [])]
        share = round(sum(end - start for start, end, _ in spans) / len(text), 5) if text else -1.0
        assert row["doc_frac"][0][2] == pytest.approx(share + (1.0 if text else 0.0), abs=1.1e-5)
        row["doc_frac"] = [[0, len(text), share]]
    if tagger.startswith("c4") and "\u0130" in text:
        # it counts in the lower case, in which this one character is two
        lowered = [0]
        for character in text:
            lowered.append(lowered[-1] + len(character.lower()))
        place = {at: i for i, at in enumerate(lowered)}
        for key in ("lines_with_no_ending_punctuation", "lines_with_too_few_words"):
            if key in row and tagger == "c4_v2":
                row[key] = [[place[start], place[end], score] for start, end, score in row[key]]
    return row


def check(toolkit: Toolkit, tagger: str, texts: Sequence[str]) -> None:
    found = toolkit.tag(tagger.partition("_")[0], tagger, texts)
    for text, mine, theirs in zip(texts, ours(tagger, texts), found, strict=True):
        assert mine == corrected(tagger, text, theirs), text[:500]


@pytest.mark.parametrize("tagger", RULES)
@given(texts=st.lists(_texts | st.text(max_size=30), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_hostile_texts(toolkit: Toolkit, tagger: str, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    check(toolkit, tagger, texts)


@given(texts=st.lists(_addresses, min_size=5, max_size=20))
@settings(max_examples=300, deadline=None)
def test_addresses_that_meet(toolkit: Toolkit, texts: list[str]) -> None:
    check(toolkit, "pii_regex_with_counts_fast_v2", texts)


@given(texts=st.lists(_numbers, min_size=5, max_size=20))
@settings(max_examples=300, deadline=None)
def test_numbers_that_meet(toolkit: Toolkit, texts: list[str]) -> None:
    check(toolkit, "pii_regex_with_counts_fast_v2", texts)


@pytest.mark.parametrize("tagger", RULES)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "\n",
        "\n" * 1000,
        " " * 1000,
        "a" * 100_000,
        "中" * 5_000,
        "e\u0301" * 3_000,
        "\u202eabc\u202c " * 300,
        "?" * 10_000 + " a@b.c 1.2.3.4 ",
        "?" * 10_001 + " a@b.c 1.2.3.4 ",
        "the " * 20_000,
        ("word " * 9 + "\n") * 500,
        "\x00" * 500 + " " + "\x00",
        "a" * 70 + " " + "b" * 80 + " " + "c" * 200,
    ],
    ids=lambda text: ascii(text[:8]) + str(len(text)),
)
def test_extreme_texts(toolkit: Toolkit, tagger: str, text: str) -> None:
    check(toolkit, tagger, [text])


@pytest.mark.parametrize("tagger", RULES)
def test_grouping_changes_nothing(tagger: str) -> None:
    texts = [
        "a@b.c the of\n\n",
        "",
        "中文 a a a a",
        "x" * 300,
        "the the the the\nthe the\n",
        "…",
        " 123 456 7890\n",
    ] * 5
    whole = ours(tagger, texts)
    assert [row for text in texts for row in ours(tagger, [text])] == whole
    assert ours(tagger, texts, step_bytes=50) == whole


def _shards(mini_dolma: Path) -> Iterator[tuple[list[str], list[Row]]]:
    for path in sorted((mini_dolma / "documents").rglob("*.gz")):
        beside = mini_dolma / "attributes" / "dolma_rules" / path.relative_to(mini_dolma / "documents")
        with gzip.open(path, "rt", encoding="utf-8") as documents, gzip.open(beside, "rt", encoding="utf-8") as rows:
            yield [json.loads(line)["text"] for line in documents], [json.loads(line)["attributes"] for line in rows]


@pytest.mark.parametrize("tagger", ["gopher_v2", "c4_v2", "pii_regex_with_counts_fast_v2"])
def test_the_attributes_of_a_real_corpus(mini_dolma: Path, tagger: str) -> None:
    prefix = f"dolma_rules__{tagger}__"
    n_docs = n_values = 0
    for texts, rows in _shards(mini_dolma):
        for text, mine, row in zip(texts, ours(tagger, texts), rows, strict=True):
            theirs = {key.removeprefix(prefix): spans for key, spans in row.items() if key.startswith(prefix)}
            assert mine == corrected(tagger, text, theirs)
            n_docs += 1
            n_values += len(theirs)
    assert n_docs == 19_356
    assert n_values > 30_000
