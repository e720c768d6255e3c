"""The demo corpus: this environment as it is, and an environment made by hand that holds every awkward case."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import explorer
from explorer.app.filters_recipes import fit
from explorer.build import build
from explorer.config import read_config
from explorer.demo import RECIPE, SHARES, TAGGERS, allot, choose, make_demo_corpus
from explorer.environment import Candidate, Environment, Package, current_environment, decode
from explorer.errors import InputError, WorkspaceError
from explorer.impact.engine import Impact
from explorer.impact.source import open_source
from explorer.recipe.read import read_recipe

CAP = 600_000
WORD = re.compile(r"[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
MIT = "MIT License\n\nPermission is hereby granted.\n"
Rows = dict[str, list[dict[str, Any]]]


def quiet(share: float) -> None:
    pass


def read(folder: Path) -> Rows:
    """The rows of each source, in file order, by the standard library alone."""
    rows: Rows = {}
    for path in sorted((folder / "documents").rglob("*.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
            rows.setdefault(path.parent.name, []).extend(json.loads(line) for line in file)
    return rows


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_corpus(tmp_path_factory.mktemp("demo") / "corpus", quiet, max_bytes=CAP)


@pytest.fixture(scope="module")
def workspace(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, built as the command builds it."""
    root = tmp_path_factory.mktemp("built") / "workspace"
    config, recipe = demo / "corpus.toml", demo / RECIPE
    build([str(demo)], root, config_path=config, recipes=[str(recipe)], tag=TAGGERS, workers=1)
    return root


class TestThisEnvironment:
    def test_totals_equal_a_recount(self, demo: Path, workspace: Path) -> None:
        rows = read(demo)
        with explorer.open(workspace) as corpus:
            composition = {row["source"]: row for row in corpus.show("composition").to_dicts()}
            files = corpus.sql("select sum(n_rows)::bigint, sum(n_present)::bigint from attribute_files").row(0)
            words = dict(
                corpus.sql(
                    "select source, sum(first_score)::bigint from attribute_values join documents using (doc) "
                    "where key = 'tags__gopher_v2__word_count' group by source"
                ).iter_rows()
            )
            facts = corpus.facts
        assert {"stdlib", "packages"} <= composition.keys() == rows.keys()
        for source, row in composition.items():
            texts = [document["text"] for document in rows[source]]
            assert row["n_docs"] == len(texts)
            assert row["n_bytes"] == sum(len(text.encode()) for text in texts)
            assert row["n_chars"] == sum(map(len, texts))
            assert row["n_words"] == sum(len(WORD.findall(text)) for text in texts)
            assert row["n_lines"] == sum(text.count("\n") + 1 for text in texts if text)
        n_docs = sum(map(len, rows.values()))
        assert files == (n_docs, n_docs)
        assert words == {source: sum(len(row["text"].split()) for row in its) for source, its in rows.items()}
        assert facts["name"] == "Demo: this Python environment"
        assert composition["stdlib"]["title"] == "Standard library"

    def test_the_cap_holds(self, demo: Path) -> None:
        n_bytes = sum(len(row["text"].encode()) for its in read(demo).values() for row in its)
        assert 0.8 * CAP < n_bytes <= CAP

    def test_ids_are_unique_within_a_source(self, demo: Path) -> None:
        for its in read(demo).values():
            names = [row["id"] for row in its]
            assert sorted(set(names)) == names

    def test_two_runs_write_the_same_bytes(self, demo: Path, tmp_path: Path) -> None:
        again = make_demo_corpus(tmp_path / "again", quiet, max_bytes=CAP)
        assert content(again) == content(demo)

    def test_no_machine_path_in_ids_and_metadata(self, demo: Path) -> None:
        environment = current_environment()
        roots = [str(root) for root in (environment.stdlib, *environment.sites)]
        for its in read(demo).values():
            for row in its:
                for value in (row["id"], *row["metadata"].values()):
                    assert not value.startswith(("/", "\\"))
                    assert ".." not in value.split("/")
                    assert not any(root in value for root in roots)

    def test_no_rule_is_dead_and_most_take_something(self, workspace: Path) -> None:
        recipe = read_recipe(workspace / "recipes" / RECIPE)
        assert fit(recipe, open_source(workspace)).n_dead == 0
        with Impact(open_source(workspace), recipe) as impact:
            taken, spans = impact.run("filter_rules"), impact.run("filter_spans")
        assert taken.filter(pl.col("removed_alone") > 0).height >= 5
        assert spans["n_spans"].sum() > 0

    def test_languages_are_those_of_the_tags(self, workspace: Path) -> None:
        with explorer.open(workspace) as corpus:
            found = corpus.show("languages").to_dicts()
            own = corpus.sql(
                "select count(distinct doc) from attribute_values where starts_with(key, 'tags__cld2_doc_v2__')"
            ).item()
        assert found[0]["language"] == "en"
        assert sum(row["n_docs"] for row in found if row["language"] is not None) == own > 0

    def test_every_attribute_is_defined(self, workspace: Path) -> None:
        with explorer.open(workspace) as corpus:
            listed = corpus.show("attribute_list")
        assert listed["definition"].null_count() == 0
        assert set(listed["tagger"]) == set(TAGGERS)

    def test_the_current_folder_is_no_part_of_it(self) -> None:
        assert Path.cwd() not in current_environment().sites


class Made:
    """A small environment on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stdlib, self.site = root / "lib", root / "lib" / "site-packages"
        self.site.mkdir(parents=True)
        self.environment = Environment(self.stdlib, (self.site,), "3.11.0")

    def put(self, path: str, data: str | bytes = "", *, site: bool = True) -> Path:
        target = (self.site if site else self.stdlib) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        return target

    def install(self, name: str, metadata: str | bytes | None, files: dict[str, str | bytes]) -> None:
        info = f"{name}.dist-info"
        if metadata is not None:
            self.put(f"{info}/METADATA", metadata)
        for path, data in files.items():
            self.put(path, data)
        self.put(f"{info}/RECORD", "".join(f'"{path}",,\n' for path in (*files, f"{info}/METADATA")))

    def make(self, max_bytes: int = 1_000_000) -> Path:
        return make_demo_corpus(self.root / "corpus", quiet, max_bytes=max_bytes, environment=self.environment)

    def documents(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {source: {row["id"]: row for row in its} for source, its in read(self.make()).items()}

    def description(self) -> str:
        return read_config(self.root / "corpus" / "corpus.toml").description


@pytest.fixture
def made(tmp_path: Path) -> Made:
    environment = Made(tmp_path)
    environment.put("json/__init__.py", "", site=False)
    environment.put("json/decoder.py", "import re\n# one\n  # two\nx = 1  # not a line\n", site=False)
    environment.put("unittest/test/test_x.py", "left out", site=False)
    environment.put("strange_module.py", "not of the standard library", site=False)
    return environment


class TestMadeEnvironment:
    def test_a_package_becomes_documents(self, made: Made) -> None:
        metadata = (
            "Metadata-Version: 2.4\nName: Alpha_Beta\nVersion: 1.0\nLicense-Expression: MIT\n"
            "Project-URL: Changelog, https://alpha.example/changes\nProject-URL: Source Code, https://forge.example/alpha\n"
            "\n# Alpha\n\nÉté.\n"
        )
        info = "alpha_beta-1.0.dist-info"
        made.install("alpha_beta-1.0", metadata, {"alpha/__init__.py": "", f"{info}/licenses/LICENSE": MIT})
        os.utime(made.site / "alpha/__init__.py", (1_500_000_000, 1_500_000_000))
        os.utime(made.site / info / "METADATA", (315_532_800, 315_532_800))  # 1980, the first date of a zip archive
        found = made.documents()
        assert found["stdlib"].keys() == {"json/__init__.py", "json/decoder.py"}
        common = {"package": "alpha-beta", "version": "1.0", "licence": "MIT"}
        assert found["packages"] == {
            "alpha-beta/alpha/__init__.py": {
                "id": "alpha-beta/alpha/__init__.py",
                "text": "",
                "source": "packages",
                "created": "2017-07-14T02:40:00.000Z",
                "metadata": {**common, "path": "alpha/__init__.py"},
            }
        }
        assert found["descriptions"] == {
            "alpha-beta==1.0": {
                "id": "alpha-beta==1.0",
                "text": "# Alpha\n\nÉté.\n",
                "source": "descriptions",
                "url": "https://forge.example/alpha",
                "metadata": {**common, "path": f"{info}/METADATA"},
            }
        }
        assert found["licences"]["alpha-beta==1.0/licenses/LICENSE"]["text"] == MIT

    def test_equal_licences_stay_duplicates(self, made: Made) -> None:
        for name in ("one", "two"):
            made.install(f"{name}-1", f"Name: {name}\nVersion: 1\n", {f"{name}-1.dist-info/LICENSE.txt": MIT})
        texts = [row["text"] for row in made.documents()["licences"].values()]
        assert texts == [MIT, MIT]

    def test_metadata_may_be_poor(self, made: Made) -> None:
        made.install("bare-2.5", None, {"bare.py": "x = 1\n"})
        made.install(
            "old-1", "Name: old\nVersion: 1\nLicense: UNKNOWN\nHome-page: UNKNOWN\n\nUNKNOWN\n", {"old.py": ""}
        )
        made.install(
            "header-1",
            "Name: header\nVersion: 1\nClassifier: License :: OSI Approved\n"
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Home-page: ftp://no.example\nDescription: Title\n        second line\n",
            {},
        )
        made.install("broken-1", b"Name: broken\n\n\xff\xfe", {"broken.py": "y = 1\n"})
        found = made.documents()
        assert found["packages"]["bare/bare.py"]["metadata"] == {"package": "bare", "version": "2.5", "path": "bare.py"}
        assert found["packages"]["broken/broken.py"]["metadata"]["version"] == "1"
        assert found["descriptions"].keys() == {"header==1"}
        assert found["descriptions"]["header==1"]["text"] == "Title\nsecond line"
        assert "url" not in found["descriptions"]["header==1"]
        assert found["descriptions"]["header==1"]["metadata"]["licence"] == "MIT License"
        assert "Left out: 2 packages without readable metadata." in made.description()

    def test_bad_files_are_counted(self, made: Made) -> None:
        files: dict[str, str | bytes] = {
            "p/latin.py": "# -*- coding: latin-1 -*-\n# é\n".encode("latin-1"),
            "p/mark.py": b"\xef\xbb\xbfx = 1\n",
            "p/binary.py": b"x\0y",
            "p/bytes.py": b"x = '\xe9'\n",
            "p/codec.py": b"# coding: rot13\n\xe9",
            "p/data.bin": b"\x01",
        }
        made.install("p-1", "Name: p\nVersion: 1\n", files)
        found = made.documents()["packages"]
        assert {name: row["text"] for name, row in found.items()} == {
            "p/p/latin.py": "# -*- coding: latin-1 -*-\n# é\n",
            "p/p/mark.py": "x = 1\n",
        }
        assert "3 binary or undecodable files" in made.description()

    def test_nothing_outside_is_read(self, made: Made) -> None:
        secret = made.root / "secret.py"
        secret.write_text("secret = 1\n", encoding="utf-8")
        made.install("p-1", "Name: p\nVersion: 1\n", {"p/ok.py": "x = 1\n", "__editable___p_finder.py": "path = 1\n"})
        (made.site / "p/link.py").symlink_to(secret)
        (made.site / "p/inner.py").symlink_to(made.site / "p/ok.py")
        with (made.site / "p-1.dist-info/RECORD").open("a", encoding="utf-8") as record:
            record.write(f"p/link.py,,\np/inner.py,,\n../../secret.py,,\n{secret},,\np/gone.py,,\n")
        assert made.documents()["packages"].keys() == {"p/p/ok.py", "p/p/inner.py"}
        assert (
            "1 links that lead out of the environment, 2 listed files outside the package folder" in made.description()
        )

    def test_system_packages_have_no_record(self, made: Made) -> None:
        made.put("named-1.egg-info/PKG-INFO", "Name: named\nVersion: 1\n\nText.\n")
        made.put("named-1.egg-info/top_level.txt", "inner\nalone\n../../up\n")
        made.put("inner/deep/a.py", "a = 1\n")
        made.put("inner/tests/b.py", "left out")
        made.put("alone.py", "c = 1\n")
        made.put("single-2.egg-info", "Name: single\nVersion: 2\n\nA file instead of a folder.\n")
        made.put("single.py", "d = 1\n")
        found = made.documents()
        assert found["packages"].keys() == {"named/inner/deep/a.py", "named/alone.py", "single/single.py"}
        assert found["descriptions"].keys() == {"named==1", "single==2"}

    def test_one_file_is_one_document(self, made: Made) -> None:
        made.install("b-1", "Name: b\nVersion: 1\n", {"space/__init__.py": ""})
        made.install("a-1", "Name: a\nVersion: 1\n", {"space/__init__.py": ""})
        assert made.documents()["packages"].keys() == {"a/space/__init__.py"}

    def test_the_first_site_wins(self, made: Made) -> None:
        made.install("p-1", "Name: p\nVersion: 1\n\nFirst.\n", {})
        other = made.root / "other" / "site-packages" / "P-2.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Name: P\nVersion: 2\n\nSecond.\n", encoding="utf-8")
        made.environment = Environment(made.stdlib, (made.site, other.parent), "3.11.0")
        assert made.documents()["descriptions"].keys() == {"p==1"}

    def test_fingerprint_does_not_depend_on_place_or_dates(self, made: Made) -> None:
        prints = []
        for number in (1, 2):
            copy = Made(made.root / ("copy" * number))
            copy.put("json/decoder.py", "# é\nx = 1\n", site=False)
            copy.install(
                "p-1", "Name: p\nVersion: 1\nHome-page: https://p.example\n\nText.\n", {"p.py": "", "q.py": "# q"}
            )
            os.utime(copy.stdlib / "json/decoder.py", (1_500_000_000 + number, 1_500_000_000 + number))
            folder = copy.make()
            build([str(folder)], copy.root / "w", workers=1)
            with explorer.open(copy.root / "w") as corpus:
                prints.append(corpus.fingerprint)
        assert prints[0] == prints[1]

    def test_an_empty_environment_is_refused(self, tmp_path: Path) -> None:
        empty = Made(tmp_path)
        with pytest.raises(InputError, match="holds no source file"):
            empty.make()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lib"]

    def test_only_its_own_folder_is_replaced(self, made: Made) -> None:
        folder = made.make()
        before = content(folder)
        (folder / "documents" / "stale.json.gz").write_bytes(b"")
        assert content(made.make()) == before
        (folder / "corpus.toml").write_text("[corpus]\n", encoding="utf-8")
        with pytest.raises(WorkspaceError, match="not a demo corpus"):
            made.make()

    def test_progress_rises_to_one(self, made: Made, tmp_path: Path) -> None:
        seen: list[float] = []
        make_demo_corpus(tmp_path / "corpus", seen.append, environment=made.environment)
        assert seen == sorted(seen)
        assert seen[0] >= 0.0
        assert seen[-1] == 1.0


class TestChoice:
    def test_what_a_source_leaves_goes_to_the_others(self) -> None:
        assert sum(SHARES.values()) == 100
        totals = {"stdlib": 10, "packages": 5000, "descriptions": 5000, "licences": 0}
        granted = allot(totals, 1000)
        # 990 for packages and descriptions, 50 to 15
        assert granted == {"stdlib": 10, "licences": 0, "packages": 761, "descriptions": 228}
        assert allot(totals, 20_000) == totals

    def test_choice_is_a_stable_sample(self) -> None:
        package = Package("p", "1", "", Path())
        files = [Candidate(package, f"p/{i:03}.py", f"{i:03}.py", 10, 0.0) for i in range(200)]
        some = choose("packages", files, 505)
        assert len(some) == 50
        assert some == choose("packages", reversed(files), 505)
        assert some != files[:50]
        # a smaller cap takes a part of what a larger one takes
        assert {c.id for c in choose("packages", files, 200)} < {c.id for c in some}

    def test_a_file_above_the_cap_does_not_stop_the_others(self) -> None:
        package = Package("p", "1", "", Path())
        files = [Candidate(package, "p/large.py", "large.py", 1000, 0.0), Candidate(package, "p/a.py", "a.py", 10, 0.0)]
        assert [c.id for c in choose("packages", files, 100)] == ["p/a.py"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"a\r\nb\r", "a\r\nb\r"),
        ("é".encode(), "é"),
        (b"# coding: latin-1\n\xe9", "# coding: latin-1\né"),
        (b"\xe9", None),
        (b"a\0", None),
        (b"# coding: hex\n\xe9", None),
        (b"# coding: raw_unicode_escape\n\\ud800\xe9", None),
    ],
)
def test_decode(data: bytes, text: str | None) -> None:
    assert decode(data) == text
