"""Answers written into a corpus.toml: what stood there stays, what was written is read, what is wrong is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.config import read_config, template
from explorer.datasheet.declared import Declared, read_declared
from explorer.datasheet.editing import declared_fields, write_declared
from explorer.errors import UsageError

_DATES = dict.fromkeys(("date", "collected_from", "collected_to"), "2026-01-31")
_SPECIAL = {**_DATES, "url": "https://example.org/|", "licence_link": "https://example.org"}
HOSTILE = ["a|b", "<script>", "two\nlines", "quo\"tes'", "`code`", "\u202eback", "x.y", "]", "#"]


def test_comments_and_order_stay(tmp_path: Path) -> None:
    path = tmp_path / "corpus.toml"
    text = '# mine\n[corpus]\nname = "n" # why\n\n[card]\n# purpose = ""\ncreators = "us"\n'
    path.write_text(text, encoding="utf-8")
    write_declared(path, {("card", "purpose"): "to see", ("answers", "M1"): "because"})
    after = path.read_text(encoding="utf-8")
    assert after.startswith(text)
    declared = read_declared(path)
    assert (declared.card.purpose, declared.card.creators, declared.answers) == ("to see", "us", {"M1": "because"})
    write_declared(path, {("card", "purpose"): "", ("answers", "M1"): " "})
    assert (read_declared(path).card.purpose, read_declared(path).answers) == ("", {})
    assert 'name = "n" # why' in path.read_text(encoding="utf-8")


def test_the_template_of_init_can_be_filled(tmp_path: Path) -> None:
    path = tmp_path / "corpus.toml"
    path.write_text(template(dict.fromkeys(HOSTILE, 1)), encoding="utf-8")
    fields = declared_fields(Declared(), HOSTILE, HOSTILE)
    places = [field.place for group in fields.values() for field in group]
    assert len(set(places)) == len(places) > 100
    changes = {}
    for group in fields.values():
        for field in group:
            text = _SPECIAL.get(field.place[-1], "some text")
            changes[field.place] = field.choices[0] if field.choices else text
    write_declared(path, changes)
    now = declared_fields(read_declared(path), HOSTILE, HOSTILE)
    assert {field.place: field.value for group in now.values() for field in group} == changes
    assert read_config(path).sources.keys() == set(HOSTILE)


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "corpus.toml"
    write_declared(path, {("sources", "web", "url"): "https://example.org"})
    assert read_declared(path).origins["web"].url == "https://example.org"


def test_what_would_not_be_valid_is_refused_and_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "corpus.toml"
    path.write_text('[card]\ndate = "2026-01-01"\n', encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"card\.date = 'yesterday' is not a date"):
        write_declared(path, {("card", "date"): "yesterday"})
    with pytest.raises(UsageError, match=r"answers\.Z9 is not the id of a question"):
        write_declared(path, {("answers", "Z9"): "x"})
    assert path.read_bytes() == before
    path.write_text("[card\n", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be edited here"):
        write_declared(path, {("card", "date"): "2026-01-01"})
    path.write_text('card = { date = "2026-01-01" }\n', encoding="utf-8")
    with pytest.raises(UsageError, match="not a table of its own"):
        write_declared(path, {("card", "purpose"): "x"})


@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("answers") / "corpus.toml"
    for text in [*texts, 'three """ quotes\n\\ and a backslash\\\n', "\r\n tab\t"]:
        write_declared(path, {("card", "purpose"): text, ("answers", "C9"): text})
        declared = read_declared(path) if path.exists() else Declared()
        kept = text.strip().replace("\r\n", "\n")
        assert declared.card.purpose.replace("\r\n", "\n") == kept
        assert declared.answers.get("C9", "").replace("\r\n", "\n") == kept
