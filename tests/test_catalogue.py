"""`corpus.duckdb` in the hands of a plain DuckDB client."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

import explorer
from explorer.details import readable_names
from explorer.errors import WorkspaceError
from explorer.statistic import load_statistics
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma

CLIENT = """
import sys, duckdb
assert "explorer" not in sys.modules
con = duckdb.connect(sys.argv[1], read_only=True)
print(con.execute(sys.argv[2]).fetchall())
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("catalogue")
    rows = documents(4)
    marks = {
        "web.jsonl": attribute_rows(rows, **{"e__t__Score": [[0, 5, 0.5]], "e__t__score": [[0, 5, 0.25]], 'q"x': 1.5})
    }
    write_dolma(root / "in", {"web.jsonl": rows}, {"marks": marks})
    build_corpus(root / "in", root / "w")
    return root / "w"


def client(catalogue: Path, query: str, cwd: Path) -> str:
    """A process with DuckDB alone, in another folder."""
    command = [sys.executable, "-I", "-c", CLIENT, str(catalogue), query]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=True).stdout.strip()


def test_opens_after_a_move_from_any_folder(workspace: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(workspace, moved)
    query = "select source, n_docs from composition()"
    assert client(moved / "corpus.duckdb", query, tmp_path) == "[('web', 4)]"
    assert client(moved / "corpus.duckdb", "select count(*) from documents", tmp_path) == "[(4,)]"


def test_views_of_a_large_corpus_follow_a_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.catalogue.MAX_TABLE_DOCS", 3)
    rows = documents(4)
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"s": {"a.jsonl": attribute_rows(rows, k=[[0, 1, 0.5]])}})
    build_corpus(tmp_path / "in", tmp_path / "w")
    queries = ["select count(*), sum(n_words)::bigint from documents", "select sum(k)::double from scores_s"]
    with explorer.open(tmp_path / "w") as corpus:
        assert corpus.facts["detail_relations"] == "views"
        expected = [corpus.sql(query).rows() for query in queries]
    assert expected[1] == [(2.0,)]
    (tmp_path / "w").rename(tmp_path / "it's moved")
    with explorer.open(tmp_path / "it's moved") as corpus:
        assert [corpus.sql(query).rows() for query in queries] == expected
    moved = tmp_path / "it's moved" / "corpus.duckdb"
    assert client(moved, queries[0], tmp_path) == str(expected[0])
    comments = "select count(*) from duckdb_columns() where table_name = 'documents' and comment is null"
    assert client(moved, comments, tmp_path) == "[(0,)]"
    before = moved.stat().st_mtime_ns
    (tmp_path / "link").symlink_to(moved.parent)
    explorer.open(tmp_path / "link").close()  # the same folder by another name is no move
    assert moved.stat().st_mtime_ns == before


def test_a_statistic_newer_than_the_workspace(workspace: Path) -> None:
    newer = replace(load_statistics()["composition"], name="not_yet_there")
    with explorer.open(workspace) as corpus, pytest.raises(WorkspaceError, match="built before the statistic not_yet"):
        corpus.run(newer, {})


def test_several_readers_at_once(workspace: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(workspace / "corpus.duckdb"), read_only=True) as first:
        assert first.execute("select count(*) from documents").fetchall() == [(4,)]
        assert client(workspace / "corpus.duckdb", "select count(*) from documents", tmp_path) == "[(4,)]"
        with explorer.open(workspace) as corpus:
            assert corpus.show("composition")["n_docs"].to_list() == [4]


def test_attached_beside_another_database(workspace: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{workspace / 'corpus.duckdb'}' as c (read_only)").fetchall()
        assert connection.execute("select n_docs from c.composition").fetchall() == [(4,)]
        connection.execute("use c").fetchall()
        assert connection.execute("select n_docs from composition()").fetchall() == [(4,)]


def test_every_statistic_has_macro_view_and_comments(workspace: Path) -> None:
    with explorer.open(workspace) as corpus:
        macros = corpus.sql(
            "select function_name, comment from duckdb_functions() where function_type = 'table_macro' and not internal"
        )
        views = corpus.sql("select view_name, comment from duckdb_views() where not internal")
        columns = corpus.sql("select table_name, column_name, comment from duckdb_columns() where schema_name = 'main'")
    macro_docs = dict(macros.iter_rows())
    view_docs = dict(views.iter_rows())
    column_docs = {(table, column): comment for table, column, comment in columns.iter_rows()}
    for statistic in load_statistics().values():
        assert statistic.doc in macro_docs[statistic.name]
        assert statistic.doc in view_docs[statistic.name]
        for column in statistic.columns:
            assert column.doc in column_docs[statistic.name, column.name]
    assert column_docs["documents", "n_words"]
    assert all(comment for (table, _), comment in column_docs.items() if table in ("documents", "shards", "attributes"))


def test_attributes_are_readable_whatever_their_keys(workspace: Path) -> None:
    with explorer.open(workspace) as corpus:
        scores = corpus.sql('select "e__t__Score", "e__t__score_2", "q""x" from scores_marks order by id limit 1')
        assert scores.row(0) == (0.5, 0.25, 1.5)
        values = corpus.sql(
            "select key, shape, n_values, first_score, n_covered_chars from attribute_values order by doc, key limit 3"
        )
        assert values.rows() == [
            ("e__t__Score", "spans", 1, 0.5, 5),
            ("e__t__score", "spans", 1, 0.25, 5),
            ('q"x', "number", 1, 1.5, None),
        ]
        listed = corpus.sql("select key, tagger, span_type from attributes order by key")
        assert listed.rows() == [("e__t__Score", "t", "Score"), ("e__t__score", "t", "score"), ('q"x', 'q"x', 'q"x')]


def test_readable_names_are_unique_without_case() -> None:
    assert readable_names(["A", "a", "a_2", "b"]) == ["A", "a_2", "a_2_2", "b"]
    assert readable_names(["ID"], taken=("id",)) == ["ID_2"]


def test_fingerprint_is_recomputed_from_the_documents(workspace: Path) -> None:
    """The published hash is what its definition says, computed here from the catalogue alone."""
    with explorer.open(workspace) as corpus:
        rows = corpus.sql("select source, id, text_md5::varchar as h, url from documents").rows()
        total = 0
        for source, name, text, url in rows:
            fields = (source.encode(), name.encode(), bytes.fromhex(text.replace("-", "")), (url or "").encode())
            key = b"".join(len(field).to_bytes(8) + field for field in fields)
            total += int.from_bytes(hashlib.md5(key).digest())
        assert corpus.fingerprint == f"{total % 2**128:032x}"
        assert corpus.facts["fingerprint"] == corpus.fingerprint
