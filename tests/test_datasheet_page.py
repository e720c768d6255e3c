"""The Datasheet page: every file of the bundle is shown, answers are kept and seen at once, the zip holds all."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer.app.datasheet import table_of, zipped
from explorer.app.launch import WORKSPACE_VARIABLE
from explorer.datasheet.bundle import read_sheet, render_bundle
from explorer.datasheet.declared import read_declared
from explorer.workspace import Workspace
from tests.corpora import build_corpus, documents, write_parquet

ROOT = Path(__file__).parents[1]
HOSTILE = "b|<script>alert(1)</script>`x`"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_parquet(tmp_path / "corpus" / "a.parquet", documents(60, "web") + documents(20, HOSTILE))
    build_corpus(tmp_path / "corpus", tmp_path / "workspace", recipes=["gopher-quality"])
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.fixture
def page(workspace: Path) -> AppTest:
    return opened()


def opened(view: str = "Files") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
    app.run()
    app.switch_page("pages/datasheet.py")
    app.query_params["view"] = view
    return app.run()


def box(page: AppTest, label: str) -> Any:
    return next(each for each in page.selectbox if each.label == label)


def test_every_file_is_shown(page: AppTest, workspace: Path) -> None:
    with explorer.open(workspace) as corpus:
        files = render_bundle(read_sheet(corpus))
    names = box(page, "File").options
    assert set(names) <= set(files)
    assert {"README.md", "DATASHEET.md", "stats.json", "eu/public_summary.md"} <= set(names)
    for name in names:
        box(page, "File").select(name).run()
        assert not page.exception, name
        assert not page.error, name


def test_answers_are_kept_and_seen_at_once(workspace: Path) -> None:
    page = opened("Answers")
    assert not page.exception
    page.text_area(key="answer.card.purpose").set_value("To test <b>it</b> | `all`\nin two lines")
    next(button for button in page.button if button.label == "Save").click().run()
    assert [message.value for message in page.success] == ["Saved: 1 of 15 fields changed. The files show it."]
    assert read_declared(Workspace(workspace).config).card.purpose == "To test <b>it</b> | `all`\nin two lines"

    part = next(each for each in page.selectbox if each.label == "Part")
    assert any("script" in option for option in part.options)
    page.text_area(key="answer.card.date").set_value("yesterday")
    next(button for button in page.button if button.label == "Save").click().run()
    assert "is not a date" in page.error[0].value
    assert read_declared(Workspace(workspace).config).card.date == ""

    page = opened()
    box(page, "File").select("DATASHEET.md").run()
    assert any("To test" in block.value for block in page.markdown)
    assert not any("<b>it</b>" in block.value for block in page.markdown)


def test_a_broken_configuration_is_told(page: AppTest, workspace: Path) -> None:
    Workspace(workspace).config.write_text('[card]\npurpos = "x"\n', encoding="utf-8")
    page.run()
    assert not page.exception
    assert "card.purpos is not known" in page.error[0].value


def test_the_zip_holds_the_files_and_is_the_same_each_time() -> None:
    files = {"a.md": b"x", "charts/b.png": b"\x89PNG"}
    with zipfile.ZipFile(io.BytesIO(zipped(files))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
    assert zipped(files) == zipped(dict(files))


def test_a_table_of_text() -> None:
    frame = table_of('a,b\n"x,\n",2\n')
    assert frame.columns == ["a", "b"]
    assert frame.rows() == [("x,\n", "2")]
    assert table_of("").is_empty()
