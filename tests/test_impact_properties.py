"""What holds for every recipe: random ones on the generated corpus."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from explorer.impact.engine import Impact
from explorer.impact.source import Source, open_source
from explorer.recipe.model import Recipe, Rule, Stream
from explorer.recipe.parse import parse
from tests.corpora import build_corpus
from tests.generate import ODD_KEY, SOURCES, cuts, generated, write_cut

MEASURES = ("documents", "bytes", "words")
SCORE = "exp__tagger__score"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("properties")
    documents = generated()
    write_cut(folder / "corpus", documents, cuts(len(documents))["uneven"])
    build_corpus(folder / "corpus", folder / "workspace")
    return open_source(folder / "workspace")


def random_rule(rng: random.Random, number: int) -> Rule:
    """A rule by attributes of every shape, measures and fields; some hit all, some nothing."""
    number_text = f"{rng.uniform(0, 1):.2f}"
    text = rng.choice((
        f"{SCORE} {rng.choice(('<', '>'))} {number_text}",
        f"number < 0.{rng.randint(0, 3)}",
        f"n_words {rng.choice(('<', '>='))} {rng.choice((0, 1, 10, 40, 100))}",
        "flag == true or language == 'de'",
        "not present(number)",
        f"`{ODD_KEY}` < {rng.choice((-300, -50, 0))}",
        f"count(`{ODD_KEY}`) > 1",
        f"nested.deep.er >= {rng.choice((0, 100, 400))}",
        f"source == 'web' and {SCORE} > {number_text}",
        "gone > 1",
    ))  # fmt: skip
    if number == 0 and rng.random() < 0.4:
        return Rule("included", "include", (parse(text, "plain"), parse("n_chars > 60", "plain")))
    return Rule(f"rule {number}", "exclude", (parse(text, "plain"),))


def random_recipe(seed: int) -> Recipe:
    rng = random.Random(seed)
    rules = tuple(random_rule(rng, number) for number in range(rng.randint(2, 7)))
    return Recipe("random", (Stream("all", rules=rules),))


def with_rules(recipe: Recipe, rules: Sequence[Rule]) -> Recipe:
    return replace(recipe, streams=(replace(recipe.streams[0], rules=tuple(rules)),))


def lost(impact: Impact) -> dict[str, dict[str, int]]:
    """What each source loses by each measure, counted document by document."""
    found: dict[str, dict[str, int]] = {}
    for part in impact.source.parts:
        impact.hits(part, as_table=True)
        query = "select source, count(*), sum(n_bytes), sum(n_words) from hits where mask <> 0 group by source"
        for source, *counts in impact.connection.execute(query).fetchall():
            own = found.setdefault(source, dict.fromkeys(MEASURES, 0))
            for measure, n in zip(MEASURES, counts, strict=True):
                own[measure] += int(n)
    return found


def removed(impact: Impact, measure: str) -> int:
    return sum(own[measure] for own in lost(impact).values())


def rules(impact: Impact, measure: str, **parameters: str) -> dict[str, dict[str, Any]]:
    found = impact.run("filter_rules", measure=measure, **parameters)
    return {row["rule"]: row for row in found.to_dicts()}


@pytest.mark.parametrize("seed", range(12))
def test_shares_add_up_and_lie_between_unique_and_alone(source: Source, seed: int) -> None:
    with Impact(source, random_recipe(seed)) as impact:
        (totals,) = impact.run("filter_totals").to_dicts()
        assert totals["n_docs"] == source.n_docs
        assert totals["n_kept_docs"] + removed(impact, "documents") == source.n_docs
        for measure in MEASURES:
            whole = removed(impact, measure)
            found = rules(impact, measure).values()
            assert sum(row["removed_shapley"] for row in found) == pytest.approx(whole)
            assert sum(row["removed_in_order"] for row in found) == whole
            for row in found:
                assert row["removed_uniquely"] <= row["removed_shapley"] + 1e-6
                assert row["removed_shapley"] <= row["removed_alone"] + 1e-6
                assert row["removed_uniquely"] <= row["removed_in_order"] <= row["removed_alone"] <= whole
                assert row["removed_without"] == whole - row["removed_uniquely"]
            by_source = impact.run("filter_rules_by_source", measure=measure).to_dicts()
            for row in found:
                own = [part for part in by_source if part["rule"] == row["rule"]]
                for column in ("removed_alone", "removed_uniquely", "removed_shapley"):
                    assert sum(part[column] for part in own) == pytest.approx(row[column])


@pytest.mark.parametrize("seed", range(8))
def test_of_each_source_shares_add_up_to_what_it_loses(source: Source, seed: int) -> None:
    with Impact(source, random_recipe(seed)) as impact:
        by_hand = lost(impact)
        for measure in MEASURES:
            by_source = impact.run("filter_rules_by_source", measure=measure).to_dicts()
            for name in SOURCES:
                shares = [part["removed_shapley"] for part in by_source if part["source"] == name]
                assert sum(shares) == pytest.approx(by_hand.get(name, {}).get(measure, 0))


@pytest.mark.parametrize("seed", range(8))
def test_a_rule_alone_and_left_out_is_what_recipes_of_these_rules_remove(source: Source, seed: int) -> None:
    recipe = random_recipe(seed)
    own = recipe.streams[0].rules
    with Impact(source, recipe) as impact:
        expected = {measure: rules(impact, measure) for measure in MEASURES}
        together = {measure: removed(impact, measure) for measure in MEASURES}
    for rule in own:
        others = [one for one in own if one is not rule]
        with Impact(source, with_rules(recipe, [rule])) as alone, Impact(source, with_rules(recipe, others)) as without:
            for measure in MEASURES:
                assert removed(alone, measure) == expected[measure][rule.name]["removed_alone"]
                assert removed(without, measure) == expected[measure][rule.name]["removed_without"]
                assert removed(without, measure) <= together[measure]


@pytest.mark.parametrize("seed", range(8))
def test_order_changes_only_what_is_removed_in_order(source: Source, seed: int) -> None:
    recipe = random_recipe(seed)
    own = list(recipe.streams[0].rules)
    random.Random(seed).shuffle(own)
    own.sort(key=lambda rule: rule.kind != "include")  # as a recipe's file has them
    names = [rule.name for rule in own]
    with Impact(source, recipe) as impact, Impact(source, with_rules(recipe, own)) as shuffled:
        dragged = rules(impact, "bytes", rule_order="\n".join(names))
        assert {name: row["removed_in_order"] for name, row in dragged.items()} == {
            name: row["removed_in_order"] for name, row in rules(shuffled, "bytes").items()
        }
        before, after = (rules(one, "bytes") for one in (impact, shuffled))
        for name in names:
            for column in ("removed_alone", "removed_uniquely", "removed_without"):
                assert before[name][column] == dragged[name][column] == after[name][column]
            assert before[name]["removed_shapley"] == pytest.approx(after[name]["removed_shapley"])
        ends = [
            impact.run("filter_waterfall", rule_order=order).row(-1, named=True) for order in ("", "\n".join(names))
        ]
        assert ends[0]["n_docs_left"] == ends[1]["n_docs_left"] == source.n_docs - removed(impact, "documents")
        assert ends[0]["n_bytes_left"] == ends[1]["n_bytes_left"]
        # of rules with equal shares the first is the worst
        sources = [one.run("filter_sources").drop("worst_rule") for one in (impact, shuffled)]
        assert sources[0].equals(sources[1])


@pytest.mark.parametrize("seed", range(6))
def test_a_rule_added_twice_removes_nothing_of_its_own(source: Source, seed: int) -> None:
    recipe = random_recipe(seed)
    first = recipe.streams[0].rules[-1]
    again = replace(first, name="again")
    with Impact(source, recipe) as impact, Impact(source, with_rules(recipe, [*recipe.streams[0].rules, again])) as two:
        assert removed(impact, "bytes") == removed(two, "bytes")
        found = rules(two, "bytes")
        assert found[first.name]["removed_alone"] == found["again"]["removed_alone"]
        assert found[first.name]["removed_uniquely"] == found["again"]["removed_uniquely"] == 0
        assert found["again"]["removed_in_order"] == 0
        assert found["again"]["removed_shapley"] == found[first.name]["removed_shapley"]


@pytest.mark.parametrize("seed", range(3))
def test_cutting_the_shards_otherwise_changes_nothing(tmp_path: Path, source: Source, seed: int) -> None:
    documents = generated()
    write_cut(tmp_path / "corpus", documents, cuts(len(documents))["shuffled"])
    build_corpus(tmp_path / "corpus", tmp_path / "workspace")
    recipe = random_recipe(seed)
    with Impact(source, recipe) as here, Impact(open_source(tmp_path / "workspace"), recipe) as there:
        for name in ("filter_totals", "filter_rules", "filter_rules_by_source", "filter_intersections"):
            assert here.run(name).equals(there.run(name))


def test_random_recipes_are_not_trivial(source: Source) -> None:
    shares = []
    for seed in range(12):
        with Impact(source, random_recipe(seed)) as impact:
            shares.append(removed(impact, "documents") / source.n_docs)
    assert sum(0.05 < share < 1 for share in shares) >= 6
