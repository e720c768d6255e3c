"""Taggers of other people: a function over a frame, registered by a package's entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from explorer.errors import UsageError
from explorer.taggers.custom import FrameFunction, TaggerError, frame_tagger
from explorer.taggers.model import TagType
from explorer.taggers.run import tag_texts
from explorer.taggers.texts import texts_of

TYPES = (
    TagType("length", "document", "characters", "characters"),
    TagType("is_loud", "document", "flag", "whether it shouts"),
    TagType("shout", "span", "flag", "a run of capitals"),
    TagType("pair", "span", "flag", "two characters"),
)
N_BYTES = pl.col("text").str.len_bytes()
FRAME = pl.DataFrame(
    {
        "id": ["a", "b", "c"],
        "source": ["s", "s", None],
        "text": ["Hé LLO", "", "quiet"],
        "url": ["http://x.com", None, None],
        "metadata": ["{}", None, '{"a": 1}'],
    },
    schema=dict.fromkeys(("id", "source", "text", "url", "metadata"), pl.String),
)


def tagged(
    function: FrameFunction, types: tuple[TagType, ...] = TYPES, step_bytes: int = 1 << 20
) -> list[dict[str, Any]]:
    tagger = frame_tagger("mine", "A test.", "the test", types, function)
    return [row for texts in texts_of(FRAME, step_bytes) for row in tag_texts(texts, [tagger], "set").rows()]


def result(frame: pl.DataFrame) -> pl.DataFrame:
    span = pl.struct(start=pl.lit(0), end=pl.col("text").str.len_chars(), score=pl.lit(0.5))
    is_long = pl.col("text").str.len_chars() > 5
    return frame.select(
        length=pl.when(pl.col("text") != "").then(pl.col("text").str.len_chars()),
        is_loud=pl.col("text").str.contains("[A-Z]{3}"),
        shout=pl.when(is_long).then(pl.concat_list(span, span)),
        pair=pl.when(is_long).then(pl.lit([[0, 2, 1], [3, 5, 7]])).otherwise(pl.lit([], pl.List(pl.List(pl.Int64)))),
    )


@pytest.mark.parametrize("step_bytes", [1, 1 << 20])
def test_columns_are_scores_and_spans(step_bytes: int) -> None:
    assert tagged(result, step_bytes=step_bytes) == [
        {
            "set__mine__length": [(0, 6, 6.0)],
            "set__mine__is_loud": [(0, 6, 1.0)],
            "set__mine__shout": [(0, 6, 0.5), (0, 6, 0.5)],
            "set__mine__pair": [(0, 2, 1.0), (3, 5, 7.0)],
        },
        {"set__mine__is_loud": [(0, 0, 0.0)]},
        {"set__mine__length": [(0, 5, 5.0)], "set__mine__is_loud": [(0, 5, 0.0)]},
    ]


def test_the_function_sees_the_documents() -> None:
    seen: list[pl.DataFrame] = []

    def function(frame: pl.DataFrame) -> pl.DataFrame:
        seen.append(frame)
        return frame.select(length=pl.lit(float("nan")).repeat_by(N_BYTES * 0 + 1).list.first())

    assert tagged(function) == [{}, {}, {}]
    assert seen[0].equals(FRAME)


def test_any_name_where_the_tagger_declares_them_all() -> None:
    types = (TagType("*", "document", "share", "any"), TagType("*", "span", "flag", "any"))
    values = pl.Series([[[0, 1, 2.5]], [], None], dtype=pl.List(pl.Array(pl.Float64, 3)))
    rows = tagged(lambda frame: frame.select(values.alias("x"), y=pl.lit(None), z=pl.lit(1, pl.UInt8)), types)
    assert [sorted(row) for row in rows] == [["set__mine__x", "set__mine__z"], ["set__mine__z"], ["set__mine__z"]]
    assert rows[0]["set__mine__x"] == [(0, 1, 2.5)]


def spans(*values: Any, inner: Any = None) -> FrameFunction:
    dtype = pl.List(inner or pl.List(pl.Float64))
    return lambda frame: pl.DataFrame({"shout": pl.Series([*values, *[None] * (3 - len(values))], dtype=dtype)})


STRUCT = pl.Struct({"start": pl.Int64, "end": pl.Int64, "score": pl.Float64})
WRONG: dict[str, tuple[FrameFunction, str]] = {
    "no frame": (lambda frame: frame["text"], "must return a polars.DataFrame, not Series"),  # type: ignore[dict-item,return-value]
    "lazy": (lambda frame: frame.lazy(), "not LazyFrame"),  # type: ignore[dict-item,return-value]
    "height": (lambda frame: frame.head(2).select(length=N_BYTES), "returned 2 rows for 3 documents"),
    "unknown": (lambda frame: frame.select(other=N_BYTES), "column other: is no type"),
    "text": (lambda frame: frame.select(length="text"), "column length: holds String; give numbers"),
    "infinite": (lambda frame: frame.select(length=N_BYTES / 0), "infinite"),
    "scores for spans": (lambda frame: frame.select(shout=N_BYTES), "declared for a span"),
    "spans for scores": (
        lambda frame: spans([[0, 1, 1]])(frame).rename({"shout": "length"}),
        "declared for a document",
    ),
    "same key": (lambda frame: frame.select(N_BYTES.alias("is-loud"), is_loud=N_BYTES), "have the same key"),
    "behind the end": (spans([[0, 7, 1]]), r"\[0, 7, 1\] does not lie in its document of 6 characters"),
    "in an empty text": (spans([], [[0, 1, 1]]), r"\[0, 1, 1\] does not lie in its document of 0 characters"),
    "before the start": (spans([[-1, 1, 1]]), "does not lie"),
    "backwards": (spans([[2, 1, 1]]), "does not lie"),
    "half a character": (spans([[0.5, 1, 1]]), "does not lie"),
    "no score": (spans([[0, 1, float("nan")]]), "its score is no number"),
    "two numbers": (spans([[0, 1]]), "not three numbers"),
    "null span": (spans([None]), "not three numbers"),
    "null number": (spans([[0, 1, None]]), "none may be missing"),
    "null field": (spans([{"start": 0, "end": None, "score": 1.0}], inner=STRUCT), "none may be missing"),
    "null struct": (spans([None], inner=STRUCT), "none may be missing"),
    "other fields": (spans([{"begin": 0}], inner=pl.Struct({"begin": pl.Int64})), "a span is start, end and score"),
    "texts": (spans([["0", "1", "1"]], inner=pl.List(pl.String)), "must be numbers"),
    "flat": (spans([0, 1, 1], inner=pl.Int64), "a span is start, end and score"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_result_is_an_error_that_names_the_tagger(case: str) -> None:
    function, message = WRONG[case]
    with pytest.raises(TaggerError, match=f"the tagger mine.*{message}"):
        tagged(function)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a=b", "a,b", "-a", "\x1b"])
def test_a_name_that_cannot_be_asked_for_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a name for a tagger"):
        frame_tagger(name, "", "", TYPES, result)


def test_types_with_one_key_are_refused() -> None:
    types = (TagType("a-b", "document", "", ""), TagType("a_b", "document", "", ""))
    with pytest.raises(UsageError, match="a-b and a_b have the same key"):
        frame_tagger("mine", "", "", types, result)


PACKAGE = r"""
import polars as pl
from explorer.taggers.custom import TagType, frame_tagger

tagger = frame_tagger(
    "loudness_v1",
    "How loud a document is.",
    "test",
    (TagType("capitals", "document", "share of characters", "capital letters, by characters"),),
    lambda frame: frame.select(
        capitals=pl.col("text").str.count_matches(r"\p{Lu}") / pl.col("text").str.len_chars()
    ),
)
no_tagger = "loud"
"""
PROGRAM = """
import json
import polars as pl
from explorer.taggers.registry import load_taggers
from explorer.taggers.run import tag_texts
from explorer.taggers.texts import Texts

columns = ("id", "source", "text", "url", "metadata")
frame = pl.DataFrame([("1", "s", "LoUd", None, None), ("2", "s", "", None, None)], schema=columns, orient="row")
print(json.dumps(list(tag_texts(Texts(frame), load_taggers(["loudness_v1"]), "set").rows())))
"""


def run_with(entry: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "loudness.py").write_text(PACKAGE, encoding="utf-8")
    info = folder / "loudness-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loudness\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[corpus_explorer.taggers]\n{entry}\n", encoding="utf-8")
    root = Path(__file__).parent.parent
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(root)])}
    return subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=False)


def test_a_package_registers_a_tagger_by_an_entry_point(tmp_path: Path) -> None:
    done = run_with("loudness = loudness:tagger", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"set__loudness_v1__capitals": [[0, 4, 0.5]]}, {}]


def test_an_entry_point_that_is_no_tagger_is_an_error(tmp_path: Path) -> None:
    done = run_with("loudness = loudness:no_tagger", tmp_path)
    assert "its tagger loudness = loudness:no_tagger is no explorer.taggers.model.Tagger" in done.stderr
