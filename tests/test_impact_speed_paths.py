"""Every fast path of filter impact gives what the plain path gives: a recipe's conditions joined and asked at once."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from explorer.catalogue import add_statistic, merge_into
from explorer.errors import WorkspaceError
from explorer.impact.cuts import cuts_relation
from explorer.impact.engine import Impact, prepare_hits
from explorer.impact.hits import word_sql
from explorer.impact.source import Source, open_source
from explorer.impact.tables import write_recipe_tables
from explorer.partials import connect
from explorer.recipe.model import Recipe, Rule
from explorer.recipe.read import parse_recipe
from explorer.statistic import load_statistics, with_called
from tests.corpora import MEMORY, attribute_rows, build_corpus, documents, write_dolma
from tests.generate import ODD_KEY, ODD_SET, cuts, generated, write_cut

STATISTICS = [name for name, one in load_statistics().items() if one.section == "filters"]

# {a} and so on are thresholds. One or several attributes of one or two sets, single values, nested ones, measures,
# metadata, positions and sums of spans, jq and jsonpath; the last one's file ends early in one shard.
PLAIN = (
    "exp__tagger__score < {a}",
    "`a \"key\" | with <b>'quotes'</b>` > {b}",
    "exp__tagger__score > {c} and `a \"key\" | with <b>'quotes'</b>` < {b}",
    "number > {a} or flag == true",
    "attributes.nested.deep.er > {d}",
    "n_words < {e}",
    "n_chars > {f} and exp__tagger__score < {c}",
    'language == "de"',
    'metadata.license == "it\'s | mine" and n_bytes > {f}',
    "sum(`a \"key\" | with <b>'quotes'</b>`, score * (end - start)) > {d}",
    "max(`a \"key\" | with <b>'quotes'</b>`) > {a}",
    "coverage(`a \"key\" | with <b>'quotes'</b>`) / n_chars > {a}",
    "Case > {d}",
    "Case > {d} and exp__tagger__score > {c}",
    "attributes.text == 'a|b'",
)
JSONPATH = (
    "$.attributes[?(@.exp__tagger__score && @.exp__tagger__score[0] && @.exp__tagger__score[0][2] < {a})]",
    "$.attributes[?(@.number > {a})]",
)
JQ = (".attributes.exp__tagger__score[0][2] < {a}", ".attributes.number > {a}")
RANGES = {"a": (0, 1), "b": (-300, 1), "c": (0, 1), "d": (0, 300), "e": (0, 60), "f": (0, 400)}


@pytest.fixture(scope="module", params=["uneven", "shuffled"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A workspace of several parts."""
    root = tmp_path_factory.mktemp("speed")
    documents = generated()
    write_cut(root / "in", documents, cuts(len(documents))[request.param])
    build_corpus(root / "in", root / "out", part_bytes=1)
    found = open_source(root / "out")
    assert len(found.parts) > 2
    return found


def plain(source: Source, recipe: Recipe) -> Mapping[str, pl.DataFrame]:
    """All statistics, part by part from the files, nothing kept."""
    known = load_statistics()
    with Impact(source, recipe) as impact:
        bound = impact.bound
    with connect(MEMORY) as connection:
        run = connection.execute
        run("create schema merged").fetchall()
        write_recipe_tables(connection, [bound], source)
        over = [one for one in known.values() if one.over in ("hits", "cuts")]
        for number, part in enumerate(source.parts):
            has_effects = prepare_hits(connection, bound, part, as_table=True)
            for one in over:
                relation = cuts_relation(has_effects) if one.over == "cuts" else "from hits"
                run(f"create or replace temp view part as {relation}").fetchall()
                start = f"insert into partial_{one.name}" if number else f"create table partial_{one.name} as"
                run(f"{start} {one.partial_sql}").fetchall()
        for one in over:
            merge_into(connection, one, f"partial_{one.name}")
        for one in with_called(known[name] for name in STATISTICS):
            add_statistic(connection, one)
        return {name: connection.sql(f"from {name}()").pl() for name in STATISTICS}


def same(impact: Impact, expected: Mapping[str, pl.DataFrame], names: list[str]) -> None:
    for name in names:
        assert_frame_equal(impact.run(name), expected[name], check_exact=True)


def drawn(rng: random.Random, n_rules: int, *, more: str = "") -> Recipe:
    lines = [more]
    for number in range(n_rules):
        syntax, choices = rng.choices([("plain", PLAIN), ("jsonpath", JSONPATH), ("jq", JQ)], [10, 3, 1])[0]
        text = rng.choice(choices).format(**thresholds(rng))
        kind = f'include = ["""{text}""", """{rng.choice(choices).format(**thresholds(rng))}"""]'
        if number or rng.random() < 0.7:
            kind = f'exclude = """{text}"""'
        lines += [f'[[rules]]\nname = "rule {number}"\nsyntax = "{syntax}"\n{kind}']
    return parse_recipe("\n".join(lines), "drawn", "toml")


def thresholds(rng: random.Random) -> dict[str, str]:
    return {name: f"{rng.uniform(low, high):.3f}" for name, (low, high) in RANGES.items()}


def changed(recipe: Recipe, **fields: object) -> Recipe:
    """The recipe of one stream, with other fields of it."""
    return replace(recipe, streams=(replace(recipe.streams[0], **fields),))  # type: ignore[arg-type]


def moved(rng: random.Random, recipe: Recipe) -> Recipe:
    """A recipe near another: a threshold moved, a rule left out, added, or somewhere else."""
    stream = recipe.streams[0]
    rules = list(stream.rules)
    other = drawn(rng, 2).streams[0].rules[1]
    step = rng.choice(["move", "move", "leave out", "add", "reorder", "length"])
    at = rng.randrange(len(rules))
    if step == "move":
        rules[at] = replace(other, name=rules[at].name)
    elif step == "leave out" and len(rules) > 1:
        del rules[at]
    elif step == "add":
        rules.insert(at, replace(other, name=f"added {rng.random()}"))
    elif step == "length":
        rules = [r for r in rules if r.kind != "length"] + [Rule("length", "length", (), rng.randrange(200))]
    else:
        rng.shuffle(rules)
    return changed(recipe, rules=tuple(rules))


STREAMS = f"""
[[streams]]
name = "odd"
sources = ["it's*", "tiny"]
attributes = ["rules"]
[[streams.rules]]
exclude = "exp__tagger__score < {{a}}"
[[streams.rules]]
exclude = "n_words < {{e}}"

[[streams]]
name = "by path"
documents = ["**/part-1*", "**/moved*"]
attributes = ['''{ODD_SET}''', "rules"]
[[streams.rules]]
exclude = "Case > {{d}}"
[[streams.rules]]
exclude = "exp__tagger__score < {{a}}"
"""
SPANS = f"""
min_text_length = 20
[[rules]]
exclude = "exp__tagger__score < {{a}}"
[[rules]]
exclude = "number > {{c}}"
[[spans]]
span = '''`{ODD_KEY}`'''
max_score = {{b}}
replacement = "<{{{{}}}}>"
[[spans]]
span = "exp__tagger__score"
min_score = {{c}}
"""


@pytest.mark.parametrize("seed", range(2))
def test_recipes_tried_one_after_another_are_as_if_each_were_the_first(source: Source, seed: int) -> None:
    rng = random.Random(seed)
    recipe = drawn(rng, rng.randrange(1, 7))
    first = impact = Impact(source, recipe)
    expected = plain(source, recipe)
    same(impact, expected, rng.sample(STATISTICS, 4))
    for _ in range(6):
        recipe = moved(rng, recipe)
        impact = impact.with_recipe(recipe)
        same(impact, plain(source, recipe), rng.sample(STATISTICS, 4))
    same(first, expected, STATISTICS)  # the first is as it was


@pytest.mark.parametrize("text", [STREAMS, SPANS], ids=["streams", "spans"])
def test_streams_and_spans_move_too(source: Source, text: str) -> None:
    rng = random.Random(5)
    impact = None
    for _ in range(4):
        recipe = parse_recipe(text.format(**thresholds(rng)), "text", "toml")
        impact = Impact(source, recipe) if impact is None else impact.with_recipe(recipe)
        same(impact, plain(source, recipe), STATISTICS)
    other = drawn(rng, 3)
    assert impact is not None
    same(impact.with_recipe(other), plain(source, other), STATISTICS)


def test_another_choice_of_stream_is_another_recipe(source: Source) -> None:
    recipe = parse_recipe(STREAMS.format(**thresholds(random.Random(1))), "text", "toml")
    with Impact(source, recipe) as impact:
        both = impact.run("filter_totals")["n_docs"][0]
        one = impact.with_recipe(recipe, only_stream="by path")
        assert one.run("filter_totals")["n_docs"][0] < both
        assert_frame_equal(one.run("filter_rules"), Impact(source, recipe, only_stream="by path").run("filter_rules"))


@pytest.mark.parametrize("n_rules", [64, 65, 130])
def test_more_rules_than_an_integer_has_bits(source: Source, n_rules: int) -> None:
    recipe = parse_recipe(
        "\n".join(f'[[rules]]\nname = "r{n}"\nexclude = "Case == {n}"' for n in range(n_rules)), "many", "toml"
    )
    rules = recipe.streams[0].rules
    with Impact(source, recipe) as impact:
        same(impact, plain(source, recipe), ["filter_rules", "filter_sources"])
        turned = changed(recipe, rules=(*rules[n_rules // 2 :], *rules[: n_rules // 2 - 1]))
        same(impact.with_recipe(turned), plain(source, turned), ["filter_rules", "filter_sources"])


@pytest.mark.parametrize("budget", [0, 1_000_000])
def test_without_room_in_memory_parts_are_read_again(source: Source, budget: int) -> None:
    rng = random.Random(9)
    recipe = drawn(rng, 4)
    with Impact(source, recipe, budget=budget) as impact:
        for _ in range(4):
            same(impact, plain(source, recipe), ["filter_rules", "filter_by_domain", "filter_warnings"])
            recipe = moved(rng, recipe)
            impact = impact.with_recipe(recipe)
        tables = impact.connection.sql("select table_name from duckdb_tables() where table_name like 'held_%'")
        assert (len(tables) > 0) == (budget > 0)


def test_counts_beyond_four_bytes_and_counts_out_of_an_attribute(tmp_path: Path) -> None:
    rows = documents(40)
    values = attribute_rows(rows, tokens=lambda row: 1e11 + len(row["text"]), score=lambda row: len(row["id"]))
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"own": {"a.jsonl": values}})
    (tmp_path / "corpus.toml").write_text('[columns]\nn_tokens = "attribute:own/tokens"\n', encoding="utf-8")
    build_corpus(tmp_path / "in", tmp_path / "out", config_path=tmp_path / "corpus.toml")
    found = open_source(tmp_path / "out")
    recipe = parse_recipe('[[rules]]\nexclude = "score > 5"\n', "tokens", "toml")
    with Impact(found, recipe) as impact:
        assert impact.run("filter_totals")["n_kept_tokens"][0] > 1e11
        same(impact, plain(found, recipe), STATISTICS)
        recipe = parse_recipe('[[rules]]\nexclude = "score > 4"\n', "tokens", "toml")
        same(impact.with_recipe(recipe), plain(found, recipe), STATISTICS)


def test_a_file_of_another_length_is_refused(source: Source, tmp_path: Path) -> None:
    recipe = drawn(random.Random(0), 2)
    part = source.parts[0]
    wrong = replace(part, indexed=replace(part.indexed, n_docs=part.n_docs + 1))
    with pytest.raises(WorkspaceError, match="build the workspace again"):
        Impact(replace(source, parts=(wrong,)), recipe).run("filter_totals")


def test_a_closed_impact_leaves_the_others_open(source: Source) -> None:
    recipe = drawn(random.Random(2), 2)
    first = Impact(source, recipe)
    second = first.with_recipe(recipe)
    expected = first.run("filter_rules")
    first.close()
    first.close()
    assert_frame_equal(second.run("filter_rules"), expected)
    second.close()
    with pytest.raises(duckdb.ConnectionException):
        second.run("filter_totals")


def test_answers_are_moved_to_any_bit() -> None:
    rng = random.Random(3)
    for _ in range(20):
        n = rng.choice([5, 64, 100])
        conditions = [f"(x = {i})" for i in range(n)]
        kept = rng.sample(conditions, n // 2)
        places = {condition: (f"w{i // 64}", i % 64) for i, condition in enumerate(kept)}
        held = ", ".join(
            " | ".join(["0::ubigint", *(f"({c}::ubigint << {bit})" for c, (w, bit) in places.items() if w == word)])
            + f" as {word}"
            for word in ("w0", "w1")
        )
        rng.shuffle(conditions)
        numbers = duckdb.execute(
            f"select x, {word_sql(conditions, 0, places)} as a, {word_sql(conditions, 1, places)} as b "
            f"from (select x, {held} from range({n}) as r(x))"
        ).fetchall()
        for x, low, high in numbers:
            assert low | high << 64 == 1 << conditions.index(f"(x = {x})")
