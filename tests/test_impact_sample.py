"""Estimates from a sample: right on average, with errors that mean what they say, the same for every cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from explorer.impact.engine import Impact
from explorer.impact.estimate import SampledImpact
from explorer.impact.sample import MEASURES, Sample, draw_sample, sample_of, wants_sample
from explorer.impact.source import Source, open_source
from explorer.recipe.model import Recipe
from explorer.recipe.read import parse_recipe
from explorer.statistic import load_statistics
from tests.benchmarks.impact import recipe_of
from tests.benchmarks.synthetic_index import synthesise
from tests.benchmarks.synthetic_keys import recipe_25
from tests.corpora import build_corpus
from tests.generate import cuts, generated, write_cut

STATISTICS = [name for name, one in load_statistics().items() if one.section == "filters"]
ESTIMATED = ("filter_totals", "filter_sources", "filter_rules", "filter_rules_by_source")
KEYS = {"filter_sources": ["source"], "filter_rules": ["rule"], "filter_rules_by_source": ["rule", "source"]}
RECIPE = recipe_of(recipe_25())


def small(source: Source) -> Sample:
    return draw_sample(source, sample_docs=1000, source_docs=400)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(synthesise(tmp_path_factory.mktemp("index"), 20_000, 57, n_sources=4, part_docs=7_000))


def scores(source: Source, sample: Sample, recipe: Recipe) -> list[float]:
    """How many standard errors each estimate is from the truth; those of which all documents were drawn are exact."""
    found: list[float] = []
    with Impact(source, recipe) as exact, SampledImpact(source, recipe, sample) as estimate:
        for name in ESTIMATED:
            for parameters in ({}, {"measure": "bytes"}) if "rules" in name else ({},):
                frame = estimate.run(name, **parameters)
                keys = KEYS.get(name, [])
                true = exact.run(name, **parameters)
                if keys:
                    true = frame.select(keys).join(true, on=keys, how="left", nulls_equal=True, maintain_order="left")
                errors = estimate.errors(name, **parameters)
                assert errors
                for column, error in errors.items():
                    gap = (frame[column] - true[column]).abs()
                    is_exact = error == 0
                    assert (gap.filter(is_exact) <= 2).all()
                    found += (gap / error).filter(~is_exact).drop_nulls().to_list()
    return found


def test_the_truth_is_within_two_standard_errors_in_95_of_100_cases(tmp_path: Path) -> None:
    shares = []
    for seed in range(10):
        one = open_source(synthesise(tmp_path / str(seed), 20_000, 57, n_sources=4, seed=seed))
        found = scores(one, small(one), RECIPE)
        assert len(found) > 500
        shares.append(sum(score <= 2 for score in found) / len(found))
    assert 0.92 <= sum(shares) / len(shares) <= 0.99, shares


def test_a_sample_says_so_and_adds_up_to_what_is_known(source: Source) -> None:
    sample = small(source)
    assert 1000 <= sample.n_docs < 5000
    with SampledImpact(source, RECIPE, sample) as impact, Impact(source, RECIPE) as exact:
        assert impact.is_sample
        assert impact.n_sampled == sample.n_docs
        assert not exact.is_sample
        assert exact.n_sampled == source.n_docs
        for name in STATISTICS:
            frame = impact.run(name)
            assert frame.schema == exact.run(name).schema, name
        totals = impact.run("filter_totals")
        assert totals["n_docs"].to_list() == [source.n_docs]
        outcomes = [one.run("filter_outcomes").group_by("source").agg(pl.col("n_docs", "n_bytes").sum()).sort("source")
                    for one in (impact, exact)]  # fmt: skip
        assert_frame_equal(*outcomes)


def test_with_a_recipe_moved_it_is_as_if_begun_anew(source: Source) -> None:
    sample = small(source)
    moved = recipe_of(recipe_25(80))
    with SampledImpact(source, RECIPE, sample) as impact, SampledImpact(source, moved, sample) as anew:
        impact.run("filter_rules")
        other = impact.with_recipe(moved)
        assert other.is_sample
        for name in ("filter_rules", "filter_by_language", "filter_by_domain"):
            assert_frame_equal(other.run(name), anew.run(name))
        for column, error in other.errors("filter_rules").items():
            assert error.to_list() == pytest.approx(anew.errors("filter_rules")[column].to_list())


def test_the_sample_is_drawn_once_and_is_the_same_for_every_cut(tmp_path: Path) -> None:
    documents = generated()
    recipe = parse_recipe(
        '[[rules]]\nexclude = "exp__tagger__score < 0.3"\n[[rules]]\nexclude = "n_words < 9"\n', "r", "toml"
    )
    found = {}
    for name, cut in cuts(len(documents)).items():
        write_cut(tmp_path / name / "in", documents, cut)
        build_corpus(tmp_path / name / "in", tmp_path / name / "out", part_bytes=None if name == "whole" else 1)
        source = open_source(tmp_path / name / "out")
        assert sample_of(source) is None
        sample = draw_sample(source, sample_docs=40, source_docs=10)
        assert sample_of(source) == sample
        drawn = pl.concat(pl.read_parquet(part.indexed.documents, hive_partitioning=False) for part in sample.parts)
        with SampledImpact(source, recipe, sample) as impact:
            frames = [impact.run(one) for one in ("filter_rules", "filter_sources", "filter_by_length")]
            errors = {column: error.to_list() for column, error in impact.errors("filter_rules").items()}
        found[name] = (drawn.select("source", "id").sort("source", "id"), frames, errors, sample.totals)
    for name in ("uneven", "shuffled"):
        assert_frame_equal(found[name][0], found["whole"][0])
        assert found[name][3] == found["whole"][3]
        for mine, other in zip(found[name][1], found["whole"][1], strict=True):
            assert_frame_equal(mine, other, check_exact=True)
        for column, error in found[name][2].items():
            assert error == pytest.approx(found["whole"][2][column]), column


def test_everything_drawn_is_exact(source: Source) -> None:
    sample = draw_sample(source, sample_docs=20_000)
    assert sample.n_docs == source.n_docs
    with SampledImpact(source, RECIPE, sample) as impact, Impact(source, RECIPE) as exact:
        for name in STATISTICS:
            assert_frame_equal(impact.run(name), exact.run(name))
        for error in impact.errors("filter_rules").values():
            assert error.to_list() == [0.0] * len(error)


def test_a_damaged_sample_or_one_of_another_index_is_none(source: Source) -> None:
    sample = small(source)
    assert sample_of(replace(source, parts=source.parts[:1])) is None
    path = sample.parts[0].indexed.documents
    path.write_bytes(path.read_bytes()[:-1])
    assert sample_of(source) is None
    assert small(source) == sample
    assert sorted(path.name for path in (source.root / "index" / "samples").iterdir() if ".writing" in path.name) == []


def test_only_large_corpora_want_one(source: Source) -> None:
    assert not wants_sample(source)
    assert set(MEASURES) >= set(small(source).totals[0].whole)
