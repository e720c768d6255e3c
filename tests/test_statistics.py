"""Contracts of all statistics, over one generated corpus that is cut into files in several ways."""

from __future__ import annotations

import dataclasses
import math
import re
import shutil
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import duckdb
import polars as pl
import pytest

import explorer
from explorer.catalogue import add_statistic
from explorer.errors import StatisticError
from explorer.partials import connect, merge_sql
from explorer.relations import DOCUMENT_COLUMNS, quote_identifier, quote_literal
from explorer.statistic import Statistic, load_statistics, with_called
from explorer.units import UNITS
from tests.corpora import MEMORY, build_corpus
from tests.generate import ODD_KEY, ODD_SOURCE, cuts, generated, write_cut, write_recipe

STATISTICS = load_statistics()
CASES = Path(__file__).parent / "cases"
CHART_KINDS = {"bar", "line", "histogram", "stacked_bar", "heatmap", "scatter", "waterfall", "upset", "correlation"}
# What speaks of files changes with the files: these columns (None: all) may differ between cuts.
OF_FILES: Mapping[str, set[str] | None] = {"shard_report": None, "attribute_alignment": {"n_files"}}

one_worker = pytest.mark.xdist_group("cut_corpora")  # which builds them once
every_statistic = pytest.mark.parametrize("statistic", STATISTICS.values(), ids=lambda statistic: statistic.name)


@pytest.fixture(scope="session")
def cut_corpora(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, explorer.Corpus]]:
    """One generated corpus, cut into files in several ways; every file is a part of its own but in "whole"."""
    documents = generated()
    opened = {}
    for name, cut in cuts(len(documents)).items():
        root = tmp_path_factory.mktemp(name)
        write_cut(root / "in", documents, cut)
        options = {} if name == "whole" else {"part_bytes": 1}
        report = build_corpus(root / "in", root / "out", recipes=[str(write_recipe(root))], near=0.7, **options)
        assert report.n_parts == (1 if name == "whole" else len(cut) + 2)
        opened[name] = explorer.open(root / "out")
    yield opened
    for corpus in opened.values():
        corpus.close()


@pytest.fixture(scope="session")
def corpus(cut_corpora: Mapping[str, explorer.Corpus]) -> explorer.Corpus:
    return cut_corpora["whole"]


def arguments(statistic: Statistic) -> Iterator[dict[str, object]]:
    """The defaults, and every choice of every parameter that has choices."""
    yield {}
    for param in statistic.params:
        for choice in param.choices:
            if choice != param.default:
                yield {param.name: choice}


@one_worker
@every_statistic
def test_columns_are_as_declared_with_the_types_of_their_units(corpus: explorer.Corpus, statistic: Statistic) -> None:
    described = corpus.sql(f"describe from {statistic.name}()").rows()
    assert [row[0] for row in described] == [column.name for column in statistic.columns]
    for row, column in zip(described, statistic.columns, strict=True):
        assert row[1] in UNITS[column.unit].sql_types, f"{column.name} is {row[1]}, its unit {column.unit}"


@one_worker
@every_statistic
def test_results_do_not_depend_on_the_cut(cut_corpora: Mapping[str, explorer.Corpus], statistic: Statistic) -> None:
    of_files = OF_FILES.get(statistic.name, set())
    for given in arguments(statistic):
        whole = cut_corpora["whole"].show(statistic.name, **given)
        assert whole.height > 0 or given, "the generated corpus has nothing to show"
        for name, other in cut_corpora.items():
            frame = other.show(statistic.name, **given)
            if of_files is not None:
                assert frame.drop(of_files).rows() == whole.drop(of_files).rows(), (name, given)


@every_statistic
def test_statistics_are_documented(statistic: Statistic) -> None:
    docs = [statistic.doc, *(c.doc for c in statistic.columns), *(p.doc for p in statistic.params)]
    assert statistic.title
    assert not statistic.title.endswith(".")
    for doc in [*docs, *([statistic.approx] if statistic.approx else [])]:
        assert doc.endswith("."), doc


@every_statistic
def test_charts_name_result_columns(statistic: Statistic) -> None:
    if not statistic.chart:
        return
    chart = dict(statistic.chart)
    assert chart.pop("kind") in CHART_KINDS
    assert {"x", "y"} <= chart.keys() <= {"x", "y", "color"}
    assert set(chart.values()) <= {column.name for column in statistic.columns}


@one_worker
@every_statistic
def test_no_parameter_hides_a_column(corpus: explorer.Corpus, statistic: Statistic) -> None:
    columns = corpus.sql("select table_name, column_name from duckdb_columns() where not internal").rows()
    named = set(re.findall(r"\w+", statistic.result_sql))  # the result can see what it names
    visible = {column.lower() for table, column in columns if table in named}
    assert visible or "from" not in named
    visible |= set(DOCUMENT_COLUMNS) | {column.name for column in statistic.columns}
    hidden = {param.name for param in statistic.params} & visible
    assert not hidden, f"in SQL a parameter wins over a column of its name: {hidden}"


@every_statistic
def test_parameters_keep_their_own_rules(statistic: Statistic) -> None:
    for param in statistic.params:
        assert param.parse(param.default) == param.default
        assert isinstance(param.default, str) or (param.min is not None and param.max is not None)


@pytest.fixture(scope="session")
def shuffled(
    corpus: explorer.Corpus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[duckdb.DuckDBPyConnection]]:
    """The catalogue's own tables twice, their rows in other orders, with all statistics over them."""
    path = shutil.copyfile(corpus.root / "corpus.duckdb", tmp_path_factory.mktemp("shuffled") / "copy.duckdb")
    connections = []
    for order in ("hash(t)", "hash(t) desc"):
        connection = connect(MEMORY)
        connection.execute("create schema merged").fetchall()
        connection.execute(f"attach {quote_literal(str(path))} as original (read_only)").fetchall()
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'original'"
        ).fetchall():
            name = f"{schema}.{quote_identifier(table)}"
            connection.execute(f"create table {name} as from original.{name} as t order by {order}").fetchall()
        for statistic in with_called(STATISTICS.values()):
            add_statistic(connection, statistic)
        connections.append(connection)
    yield connections
    for connection in connections:
        connection.close()


@one_worker
@every_statistic
def test_results_have_a_total_order(
    corpus: explorer.Corpus, shuffled: list[duckdb.DuckDBPyConnection], statistic: Statistic
) -> None:
    rows = corpus.show(statistic.name).rows()
    for connection in shuffled:
        frame = pl.from_arrow(connection.sql(f"from {statistic.name}()").to_arrow_table())
        assert isinstance(frame, pl.DataFrame)
        assert frame.rows() == rows


@one_worker
@every_statistic
def test_merged_numbers_are_exact(corpus: explorer.Corpus, statistic: Statistic) -> None:
    if statistic.over is None:
        return
    kinds = dict(corpus.sql(f"select column_name, column_type from (describe merged.{statistic.name})").rows())
    assert set(statistic.merge) <= kinds.keys()
    for column, rule in statistic.merge.items():
        assert rule != "sum" or kinds[column] == "BIGINT" or kinds[column].startswith("DECIMAL"), column
    assert not any(kind in ("DOUBLE", "FLOAT", "HUGEINT") for kind in kinds.values()), kinds


def test_a_floating_sum_is_refused() -> None:
    statistic = STATISTICS["composition"]
    with pytest.raises(StatisticError, match=r"a sum of DOUBLE \(n_docs\) depends on the cut"):
        merge_sql(statistic, "t", [("source", "VARCHAR"), ("n_docs", "DOUBLE")])


@one_worker
def test_hostile_names_reach_the_results_as_they_are(corpus: explorer.Corpus) -> None:
    assert ODD_SOURCE in corpus.show("composition")["source"].to_list()
    coverage = corpus.show("attribute_coverage")
    assert ODD_KEY in coverage["key"].to_list()
    one = corpus.show("attribute_scores", only_key=ODD_KEY)
    assert one["key"].unique().to_list() == [ODD_KEY]
    assert corpus.show("attribute_scores", only_set="it's not there").height == 0


@one_worker
def test_facts_of_absence_add_up(corpus: explorer.Corpus) -> None:
    """Present, misaligned and missing: all documents. Absent, empty and with values: those that have the set."""
    coverage = corpus.show("attribute_coverage")
    total = corpus.show("totals")["n_docs"][0]
    covered = coverage["n_present"] + coverage["n_misaligned"]
    assert (covered + coverage["n_missing"] == total).all()
    assert (coverage["n_absent"] + coverage["n_empty"] + coverage["n_with_values"] == covered).all()
    assert coverage["n_misaligned"].max() == 2
    assert coverage["n_empty"].max() > 0  # type: ignore[operator]


# ---- estimated columns keep their stated error


def test_length_bins_are_exact_below_128_and_within_their_bound() -> None:
    query = """
        select
            max(abs(length_bin_value(length_bin(n)) - n) / n),
            min(n) filter (length_bin_value(length_bin(n)) <> n),
            count(*) filter (
                chart_bin(n) <> chart_bin(length_bin(n)) or n < chart_bin(n) or n >= chart_bin_end(chart_bin(n))
            )
        from (from range(1, 300000) union all select 2 ** 40 - range from range(300000)) as t(m),
        lateral (select m::bigint as n)
    """
    with connect(MEMORY) as connection:
        ((worst, first_inexact, misplaced),) = connection.execute(query).fetchall()
    assert 0.007 < worst < 0.008
    assert first_inexact == 129
    assert misplaced == 0


def test_score_bins_are_within_their_bound() -> None:
    query = """
        select
            max(abs(log_bin_value(log_bin(x)) - x) / abs(x)),
            count(*) filter (score < score_bin(score) or score >= score_bin_end(score_bin(score))),
            any_value(log_bin_value(log_bin(0)))
        from (select (n - 200000) / 1000 as x, fixed_score(x) as score from range(400000) as t(n) where n <> 200000)
    """
    with connect(MEMORY) as connection:
        ((worst, misplaced, zero),) = connection.execute(query).fetchall()
    assert 0.009 < worst < 0.01
    assert misplaced == 0
    assert zero == 0


def test_scores_that_are_no_ordinary_number_do_no_harm() -> None:
    query = "select fixed_score(x::double)::double from unnest(['nan', 'inf', '-inf', '1e300', '-1e300']) as t(x)"
    with connect(MEMORY) as connection:
        assert connection.execute(query).fetchall() == [(None,), (None,), (None,), (1e12,), (-1e12,)]


def nearest_rank(values: list[float], percent: int) -> float:
    return sorted(values)[max(0, math.ceil(Fraction(percent, 100) * len(values)) - 1)]


@one_worker
@pytest.mark.parametrize("unit", ["bytes", "chars", "words", "lines", "paragraphs", "tokens"])
def test_length_quantiles_are_within_their_bound(corpus: explorer.Corpus, unit: str) -> None:
    lengths = corpus.sql(f"select source, n_{unit} as n from documents where n_{unit} is not null")
    shown = corpus.show("length_quantiles", unit=unit)
    for row in shown.iter_rows(named=True):
        values = lengths.filter(pl.col("source") == row["source"]) if row["source"] else lengths
        n = values["n"].to_list()
        weighted = n if row["weighted_by"] == "docs" else [x for x in n for _ in range(x)]
        assert (row["n_docs"], row["smallest"], row["largest"]) == (len(n), min(n), max(n))
        for percent in (5, 25, 50, 75, 95, 99):
            exact = nearest_rank(weighted, percent)
            assert abs(row[f"p{percent:02}_approx"] - exact) <= (0.008 * exact if exact >= 128 else 0), (row, percent)


@one_worker
def test_score_quantiles_are_within_their_bound(corpus: explorer.Corpus) -> None:
    values = corpus.sql("select attribute_set, key, first_score from attribute_values where first_score is not null")
    shown = corpus.show("attribute_quantiles").filter(pl.col("score_kind") == "first")
    assert shown.height == values.select("attribute_set", "key").unique().height
    for row in shown.iter_rows(named=True):
        own = values.filter((pl.col("attribute_set") == row["attribute_set"]) & (pl.col("key") == row["key"]))
        scores = [min(1e12, round(x, 5)) for x in own["first_score"].to_list()]
        assert row["n_docs"] == len(scores)
        for percent in (5, 25, 50, 75, 95, 99):
            exact = nearest_rank(scores, percent)
            assert abs(row[f"p{percent:02}_approx"] - exact) <= 0.01 * abs(exact), (row, percent)


def test_a_partial_of_a_changed_file_differs() -> None:
    """What a stored partial is found by: its SQL and relation, not its title."""
    one = STATISTICS["domains"]
    assert dataclasses.replace(one, title="Another").partial_key == one.partial_key
    assert dataclasses.replace(one, partial_sql=one.partial_sql + " having count(*) > 1").partial_key != one.partial_key
