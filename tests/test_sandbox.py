"""A stranger's SQL: what runs, what is refused, what is killed."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from explorer.errors import QueryError
from explorer.sandbox import run_query
from tests.corpora import build_corpus, documents, write_jsonl


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sandbox")
    build_corpus(write_jsonl(root / "web.jsonl", documents(30)), root / "workspace")
    return root / "workspace" / "corpus.duckdb"


def test_statistics_and_tables_answer(catalogue: Path) -> None:
    answer = run_query(catalogue, "select source, n_docs from composition()")
    assert answer.frame.rows() == [("web", 30)]
    assert not answer.is_cut
    assert run_query(catalogue, "select count(*) from documents;").frame.item() == 30


def test_rows_are_cut_and_said_to_be(catalogue: Path) -> None:
    answer = run_query(catalogue, "from documents", limit=7)
    assert (answer.frame.height, answer.is_cut) == (7, True)
    assert not run_query(catalogue, "from documents", limit=30).is_cut


def test_sums_are_integers(catalogue: Path) -> None:
    value = run_query(catalogue, "select sum(n_docs) from composition").frame.item()
    assert value == 30
    assert isinstance(value, int)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select interval 1 day as a, 2 as a", ("1 day", 2)),
        ("select date '99999-01-01'", ("99999-01-01",)),
        ("select timestamp 'infinity', null::date", ("infinity", None)),
        ("select date '2020-02-03'", (datetime.date(2020, 2, 3),)),
        ("select {'a': [1, 2]}", ({"a": [1, 2]},)),
        ("select map {'k': 1}", ("{k=1}",)),
        ("select 'a'::blob", (b"a",)),
    ],
)
def test_unusual_types_come_through(catalogue: Path, query: str, expected: tuple[object, ...]) -> None:
    assert run_query(catalogue, query).frame.row(0) == expected


def test_every_type_of_the_engine_comes_through(catalogue: Path) -> None:
    assert run_query(catalogue, "from test_all_types()").frame.height == 3


ONLY_SELECT = "only SELECT"
NO_FILES = "LocalFileSystem has been disabled"
UNAVAILABLE = "is not available here"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "empty"),
        ("select 1; select 2", "one statement"),
        ("selec 1", "syntax error"),
        ("select nothing_like_that", "nothing_like_that"),
        ("copy documents to 'out.csv'", ONLY_SELECT),
        ("with x as (copy (select 1) to 'out.csv') select 1", ONLY_SELECT),
        ("with x as (insert into merged.composition from merged.composition returning *) from x", ONLY_SELECT),
        ("with x as (delete from documents returning *) from x", ONLY_SELECT),
        ("with x as (update documents set id = '' returning *) from x", ONLY_SELECT),
        ("select * from (with x as (copy (select 1) to 'out.csv') select 1)", ONLY_SELECT),
        ("export database 'out'", ONLY_SELECT),
        ("attach 'other.duckdb'", ONLY_SELECT),
        ("attach ':memory:' as m", ONLY_SELECT),
        ("create or replace temp view documents as select 1", ONLY_SELECT),
        ("drop table documents", ONLY_SELECT),
        ("install httpfs", ONLY_SELECT),
        ("load httpfs", ONLY_SELECT),
        ("set memory_limit = '100GB'", ONLY_SELECT),
        ("set variable x = 1", ONLY_SELECT),
        ("pragma database_list", ONLY_SELECT),
        ("call duckdb_settings()", ONLY_SELECT),
        ("prepare q as select 1", ONLY_SELECT),
        ("explain select 1", ONLY_SELECT),
        ("from read_text('/etc/passwd')", NO_FILES),
        ("from read_blob('corpus.duckdb')", NO_FILES),
        ("from read_csv('/etc/passwd')", NO_FILES),
        ("from read_parquet('index/documents/*.parquet')", NO_FILES),
        ("from '/etc/passwd'", "does not exist"),
        ("from '../corpus.duckdb'", NO_FILES),
        ("from glob('/*')", NO_FILES),
        ("from sniff_csv('/etc/passwd')", NO_FILES),
        ("from 'http://127.0.0.1:1/x.csv'", NO_FILES),
        ("from arrow_scan(1, 2, 3)", "No function matches"),
        ("select getenv('HOME')", UNAVAILABLE),
        ("select current_setting('temp_directory')", UNAVAILABLE),
        ("from duckdb_settings()", UNAVAILABLE),
        ("from DuckDB_Settings", UNAVAILABLE),
        ('select * from (select * from "duckdb_databases")', UNAVAILABLE),
        ("from duckdb_secrets()", UNAVAILABLE),
        ("from query('select * from duckdb_settings()')", UNAVAILABLE),
        ("from query_table('duckdb_settings')", UNAVAILABLE),
        ("select 1 where exists (from duckdb_logs)", UNAVAILABLE),
        ("select sleep_ms(60000)", UNAVAILABLE),
        ("select write_log('x')", UNAVAILABLE),
        (f"select {'(' * 3000}1{')' * 3000}", "depth"),
        ("select '" + "x" * 30_000 + "'", "longer than"),
    ],
)
def test_refused(catalogue: Path, query: str, reason: str) -> None:
    before = sorted(path.name for path in catalogue.parent.iterdir())
    with pytest.raises(QueryError, match=reason):
        run_query(catalogue, query)
    assert sorted(path.name for path in catalogue.parent.iterdir()) == before


@pytest.mark.parametrize(
    "query",
    [
        "with recursive r as (select 1 as i union all select i + 1 from r) select count(*) from r",
        "select count(*) from range(100000000000)",
        "select repeat('x', 2000000000)",
        "select sum(a.n_bytes * b.n_bytes * c.i) from documents a, documents b, range(100000000) c(i)",
    ],
)
def test_slow_queries_end(catalogue: Path, query: str) -> None:
    with pytest.raises(QueryError, match=r"stopped after 1 seconds|memory"):
        run_query(catalogue, query, seconds=1.0)


@pytest.mark.parametrize("query", ["select list(range(1000000000))", "select array_agg(i) from range(1000000000) t(i)"])
def test_hungry_queries_end(catalogue: Path, query: str) -> None:
    with pytest.raises(QueryError, match=r"(?i)memory|stopped after"):
        run_query(catalogue, query, seconds=2.0)


def test_a_large_result_is_refused(catalogue: Path) -> None:
    with pytest.raises(QueryError, match="too large to show"):
        run_query(catalogue, "select repeat('x', 100000) from range(900)")


def test_no_path_of_this_machine_is_told(catalogue: Path) -> None:
    """Whatever lists the engine's objects names the catalogue by its file name at most."""
    folder = str(catalogue.parent)
    for query in (
        "from duckdb_views()",
        "from duckdb_tables()",
        "from information_schema.schemata",
        "from pg_catalog.pg_database",
        "from duckdb_functions() where not internal",
        "select current_database(), current_schema()",
    ):
        assert folder not in repr(run_query(catalogue, query).frame.rows()), query


@pytest.mark.parametrize("content", [None, b"not a database"])
def test_a_broken_catalogue_is_named_without_its_path(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "corpus.duckdb").write_bytes(content)
    with pytest.raises(QueryError, match="build again") as caught:
        run_query(tmp_path / "corpus.duckdb", "select 1")
    assert str(tmp_path) not in str(caught.value)
