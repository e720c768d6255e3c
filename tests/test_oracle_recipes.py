"""Whole recipes against the Dolma toolkit's mixer: the documents kept, and the length of each text as it is written.

The recipes are the files of tests/oracle_recipes. Each says what it is about; ${DATA} in it stands for the corpus, a
part of mini-dolma with more attributes (tests/oracles/recipes.py).

What surprises of the mixer, and is followed here: a set whose file ends early takes the sets after it along
(short-sets); a set without files is not missed (absent-sets); to jsonpath 1 >= 1.0 does not hold (unguarded, scalars,
committed); of spans that overlap the later is dropped and its tail stays (overlapping-spans); spans that are empty or
run backwards eat and repeat characters (odd-spans); jq that fails loses the whole shard (jq-failing), which we count
as failing documents instead of removed ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from explorer.impact.bind import bind
from explorer.impact.documents import write_documents
from explorer.impact.engine import Impact
from explorer.impact.source import Source, open_source
from explorer.recipe.mixer import load_json, load_yaml
from explorer.recipe.mixer_writing import to_mixer, to_mixer_json, to_mixer_yaml
from explorer.recipe.model import Recipe
from explorer.recipe.read import builtin_recipes, parse_recipe
from explorer.recipe.toml import to_toml
from explorer.relations import quote_literal
from tests.corpora import build_corpus
from tests.oracles.client import Config, Mixer, Outcome
from tests.oracles.recipes import OWN, SOURCES, completed, write_corpus

RECIPES = Path(__file__).with_name("oracle_recipes")
FILES = sorted(path.name for path in RECIPES.iterdir())
FAILING = {"jq-failing.yaml"}
Text = tuple[str, str, str, int, int]  # stream, source, id, characters, bytes


@dataclass(frozen=True)
class Corpus:
    root: Path
    source: Source


@pytest.fixture(scope="module")
def corpus(mini_dolma: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("recipes")
    root = write_corpus(mini_dolma, folder / "corpus")
    build_corpus(root, folder / "workspace", memory=1 << 30)
    return Corpus(root, open_source(folder / "workspace"))


def read(name: str, corpus: Corpus) -> tuple[Recipe, dict[str, Any]]:
    """A recipe of ours from a file, and what the mixer gets."""
    path = RECIPES / name
    text = path.read_text("utf-8").replace("${DATA}", str(corpus.root))
    recipe = parse_recipe(text, path.stem, path.suffix[1:], path.name)
    if path.suffix == ".toml":
        return recipe, to_mixer(named_in_full(recipe, corpus), output="out")
    return recipe, load_json(text) if path.suffix == ".json" else load_yaml(text)


def named_in_full(recipe: Recipe, corpus: Corpus) -> Recipe:
    """The recipe with its starred keys resolved against the corpus."""
    return replace(recipe, streams=tuple(one.stream for one in bind(recipe, corpus.source).streams))


def mixed(mixer: Mixer, config: Mapping[str, Any]) -> tuple[Counter[Text], Outcome]:
    """What the mixer writes."""
    outcome = mixer.mix_one(Config({"streams": [completed(one) for one in config["streams"]], "processes": 2}))
    return Counter((row.stream, row.source, row.id, row.n_chars, row.n_bytes) for row in outcome.kept), outcome


@dataclass(frozen=True)
class Ours:
    """What we say of a recipe."""

    kept: Counter[Text]
    failing: frozenset[tuple[str, str]]  # (stream, source) of the documents at which the mixer stops: its lost shards
    n_docs: int
    totals: Mapping[str, Any]


def computed(recipe: Recipe, corpus: Corpus, path: Path) -> Ours:
    with Impact(corpus.source, recipe, exact=True) as impact:
        write_documents(impact, path)
        (totals,) = impact.run("filter_totals").to_dicts()
        failing = set()
        for part in impact.source.parts:
            impact.hits(part, as_table=True)
            names = {one.number: one.stream.name for one in impact.bound.streams}
            query = (
                "select distinct h.stream, d.source from hits as h join "
                f"read_parquet({quote_literal(str(part.indexed.documents))}) as d on d.doc = h.doc "
                "where h.failing_rule is not null"
            )
            failing |= {(names[number], source) for number, source in impact.connection.execute(query).fetchall()}
    rows = pl.read_parquet(path).filter(pl.col("stream").is_not_null())
    assert not rows["is_estimate"].any()
    kept = rows.filter("is_kept").select("stream", "source", "id", "n_chars_after", "n_bytes_after")
    return Ours(Counter(kept.iter_rows()), frozenset(failing), rows.height, totals)


def compare(mixer: Mixer, recipe: Recipe, config: Mapping[str, Any], corpus: Corpus, path: Path) -> Ours:
    """Check that we and the mixer keep the same documents with texts of the same length."""
    ours = computed(recipe, corpus, path / "documents.parquet")
    theirs, outcome = mixed(mixer, config)
    assert (outcome.error is not None) == bool(ours.failing), outcome.error
    sound = Counter({row: n for row, n in ours.kept.items() if row[:2] not in ours.failing})
    only_ours, only_theirs = sound - theirs, theirs - sound
    assert (list(only_ours)[:5], list(only_theirs)[:5]) == ([], [])
    assert ours.totals["n_docs"] == ours.n_docs
    assert ours.totals["n_kept_docs"] == ours.kept.total()
    return ours


@pytest.mark.parametrize("name", FILES)
def test_a_recipe_keeps_what_the_mixer_keeps(mixer: Mixer, corpus: Corpus, name: str, tmp_path: Path) -> None:
    recipe, config = read(name, corpus)
    ours = compare(mixer, recipe, config, corpus, tmp_path)
    assert 0 < ours.kept.total() <= ours.n_docs
    streams = {one["name"] for one in config["streams"]}
    assert {row[0] for row in ours.kept} == streams
    assert bool(ours.failing) == (name in FAILING)
    if name not in ("odd-spans.yaml", "own-attributes.yaml"):
        assert ours.kept.total() < ours.n_docs  # it removes something


def test_jq_that_fails_loses_exactly_the_shards_that_we_name(mixer: Mixer, corpus: Corpus, tmp_path: Path) -> None:
    """sotu has no set `extra`, so its `.attributes.zero == 0` is false and `marks` is not looked at; the other sources
    have documents without marks."""
    recipe, config = read("jq-failing.yaml", corpus)
    ours = computed(recipe, corpus, tmp_path / "documents.parquet")
    theirs, outcome = mixed(mixer, config)
    lost = {("failing", source) for source in (*SOURCES, OWN)} - {row[:2] for row in theirs}
    assert outcome.is_raised
    assert ours.failing == lost == {("failing", source) for source in ("c4", "news", "stackexchange", "wiki", OWN)}


BUILT_IN = ["gopher-quality", "gopher-repetition", "c4", "dolma-v1.5-web"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_recipe_written_for_the_mixer_keeps_the_same(
    mixer: Mixer, corpus: Corpus, name: str, tmp_path: Path
) -> None:
    """TOML to mixer config to the mixer, and read back from both kinds of file. Rules without any attribute here, whose
    short names stand for nothing, are left out of the config."""
    sets = ("dolma_rules", "dup_text", "dup_paragraphs")
    documents = tuple(str(corpus.root / "documents" / source / "*") for source in SOURCES)
    recipe = builtin_recipes()[name]
    recipe = replace(recipe, streams=tuple(replace(s, attributes=sets, documents=documents) for s in recipe.streams))
    alive = without_dead_rules(recipe, corpus)
    if not any(one.rules or one.span_rules for one in alive.streams):
        pytest.fail("nothing of this recipe is in the corpus")
    ours = compare(mixer, recipe, to_mixer(alive, output="out"), corpus, tmp_path)
    assert ours.kept.total() < ours.n_docs
    for text, kind in ((to_mixer_yaml(alive, output="out"), "yaml"), (to_mixer_json(alive, output="out"), "json")):
        again = computed(parse_recipe(text, name, kind), corpus, tmp_path / f"{kind}.parquet")
        assert again.kept == ours.kept


def without_dead_rules(recipe: Recipe, corpus: Corpus) -> Recipe:
    """The recipe with its starred keys resolved, without what names attributes that are not there."""
    return replace(
        recipe,
        streams=tuple(
            replace(
                one.stream,
                rules=tuple(own.rule for own in one.rules if not own.is_dead),
                span_rules=tuple(own.rule for own in one.spans if not own.missing),
            )
            for one in bind(recipe, corpus.source).streams
        ),
    )


@pytest.mark.parametrize("name", ["guarded.yaml", "jq-guarded.yaml", "overlapping-spans.yaml", "streams.yaml"])
def test_a_mixer_config_written_as_toml_and_for_the_mixer_again_keeps_the_same(
    mixer: Mixer, corpus: Corpus, name: str, tmp_path: Path
) -> None:
    recipe, _ = read(name, corpus)
    again = parse_recipe(to_toml(recipe), recipe.name, "toml")
    compare(mixer, recipe, to_mixer(again), corpus, tmp_path)
