"""Hostile text, in Markdown and in a terminal."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.escape import code_span, fenced, markdown, printable
from explorer.render import render, to_json, to_markdown, to_table, units_of

HOSTILE = [
    "a|b",
    "<script>alert(1)</script>",
    "**x**",
    "`y`",
    "line\nbreak",
    "\x1b[31mred",
    "\u202eright",
    "[l](http://x)",
    "a\\|b",
]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("é 中 😀", "é 中 😀"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b1m", "\\x9b1m"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("*_`[]~$", "\\*\\_\\`\\[\\]\\~\\$"),
        ("https://www.example.org", "https&#58;//www&#46;example.org"),
        ("me@example.org", "me&#64;example.org"),
        ("a\\|b", "a\\\\\\|b"),
        ("n_docs _x_ __init__", "n_docs \\_x\\_ \\_\\_init\\_\\_"),
    ],
)
def test_markdown(text: str, shown: str) -> None:
    assert markdown(text) == shown


@given(st.text())
def test_markdown_never_leaves_markup(text: str) -> None:
    shown = markdown(text)
    assert "<" not in shown
    assert ">" not in shown
    assert "\n" not in shown
    assert all(shown[i - 1] == "\\" for i, char in enumerate(shown) if char in "|`*[]")


@given(st.text())
def test_code_span_is_closed_by_its_own_fence_alone(text: str) -> None:
    span = code_span(text)
    fence = span[: len(span) - len(span.lstrip("`"))]
    assert span.endswith(fence)
    assert fence not in span[len(fence) : -len(fence)].strip("`")


def test_fenced_outlasts_backticks() -> None:
    assert fenced("a\n```\nb", "sh") == "````sh\na\n```\nb\n````"


def test_markdown_table_keeps_its_shape() -> None:
    frame = pl.DataFrame({"<name>": HOSTILE, "n|docs": range(len(HOSTILE))})
    lines = to_markdown(frame, {"<name>": "name", "n|docs": "docs"}).splitlines()
    assert len(lines) == 2 + len(HOSTILE)
    for line in lines:
        assert line.replace("\\\\", "").replace("\\|", "").count("|") == 3


def test_terminal_never_sees_a_control_character() -> None:
    frame = pl.DataFrame({"text": HOSTILE, "list": [[text] for text in HOSTILE]})
    units = units_of(frame)
    for form in ("table", "json", "csv", "md"):
        shown = render(frame, form, units, width=80).decode()
        assert all(char == "\n" or char.isprintable() for char in shown), form


def test_json_keeps_every_character() -> None:
    frame = pl.DataFrame({"text": HOSTILE})
    assert [row["text"] for row in json.loads(to_json(frame))] == HOSTILE


def test_table_names_columns_without_values() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": [None, None]}, schema={"a": pl.Int64, "b": pl.String})
    assert to_table(frame, units_of(frame), None) == "a\n1\n2\n(no value in: b)\n"


def test_empty_table_says_so() -> None:
    frame = pl.DataFrame(schema={"a": pl.Int64})
    assert to_table(frame, units_of(frame), None).splitlines()[-1] == "(no rows)"
