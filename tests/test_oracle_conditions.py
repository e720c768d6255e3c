"""Single conditions against the Dolma toolkit's mixer: random documents of every shape, random expressions.

Every document is a shard of its own, because one that fails takes its shard with it. For each expression the mixer says
of each document whether it is removed, kept or lost, and the compiled SQL over a workspace must say the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from explorer.errors import UsageError
from explorer.impact.bind import bind
from explorer.impact.inputs import inputs_relation
from explorer.impact.source import Source, open_source
from explorer.recipe.expression import Expression, Syntax
from explorer.recipe.model import Recipe, Rule, Stream
from explorer.recipe.parse import parse
from tests.corpora import build_corpus
from tests.oracles import conditions
from tests.oracles.client import Config, Mixer

N_DOCS = 50


@dataclass(frozen=True)
class Corpus:
    """The documents as files, and the workspace that was built from them."""

    root: Path
    ids: tuple[str, ...]
    source: Source
    sets: tuple[str, ...] = conditions.SETS


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("conditions")
    found = conditions.documents(N_DOCS, random.Random(5))
    conditions.write(folder / "corpus", found)
    build_corpus(folder / "corpus", folder / "workspace")
    return Corpus(folder / "corpus", tuple(row["id"] for row, _ in found), open_source(folder / "workspace"))


@dataclass(frozen=True)
class Verdict:
    """The ids of the documents that a condition holds for, and of those that it fails for."""

    holds: frozenset[str]
    fails: frozenset[str]


def bound(expressions: Sequence[Expression], corpus: Corpus) -> Recipe:
    rules = tuple(Rule(f"rule {n}", "exclude", (one,)) for n, one in enumerate(expressions))
    return Recipe("conditions", (Stream("all", attributes=corpus.sets, rules=rules),))


def judged(expressions: Sequence[Expression], corpus: Corpus) -> dict[str, Verdict]:
    """What our compiler says of each condition."""
    found = bind(bound(expressions, corpus), corpus.source)
    (part,) = corpus.source.parts
    verdicts = {}
    with duckdb.connect() as connection:
        relation = inputs_relation(part, found.needs, [], ("id",))
        connection.execute(f"create temp table inputs as {relation}").fetchall()
        for one, own in zip(expressions, found.streams[0].rules, strict=True):
            rows = connection.execute(f"select id, {own.holds}, {own.fails} from inputs").fetchall()
            verdicts[one.text] = Verdict(
                frozenset(row[0] for row in rows if row[1]), frozenset(row[0] for row in rows if row[2])
            )
    return verdicts


def answerable(texts: Sequence[str], syntax: Syntax, corpus: Corpus) -> tuple[list[Expression], dict[str, str]]:
    """The expressions that we read and can answer, and the reasons for which the others are refused."""
    found = []
    refused = {}
    for text in texts:
        try:
            expression = parse(text, syntax)
            bind(bound([expression], corpus), corpus.source)
        except UsageError as error:
            refused[text] = str(error)
        else:
            found.append(expression)
    return found, refused


def stream(expression: str, syntax: Syntax, ids: Iterable[str], corpus: Corpus, *, is_apart: bool) -> dict[str, object]:
    """A stream over some documents: a shard of each, or one of all."""
    return {
        "name": "all",
        "documents": [str(corpus.root / "documents" / f"{one}.jsonl") for one in ids],
        "attributes": list(corpus.sets),
        "filter": {"include": [], "exclude": [expression], "syntax": syntax},
        "output": {"max_size_in_bytes": 1} if is_apart else {},
        "compression": {"output": ""},
    }


def compare(mixer: Mixer, expression: Expression, verdict: Verdict, corpus: Corpus) -> str:
    """What the mixer says otherwise; empty where it agrees."""
    text, syntax = expression.text, expression.syntax
    sound = [one for one in corpus.ids if one not in verdict.fails]
    found = []
    if sound:
        outcome = mixer.mix_one(Config({"streams": [stream(text, syntax, sound, corpus, is_apart=False)]}))
        kept = {row.id for row in outcome.kept}
        if outcome.error is not None:
            return f"{text}: fails in the mixer only: {outcome.error:.300}"
        if more := kept & verdict.holds:
            found.append(f"removed here only: {sorted(more)}")
        if more := set(sound) - kept - verdict.holds:
            found.append(f"removed by the mixer only: {sorted(more)}")
    if verdict.fails:  # `| false`: what does not fail is kept
        probe = stream(f"({text}) | false", syntax, sorted(verdict.fails), corpus, is_apart=True)
        if kept := {row.id for row in mixer.mix_one(Config({"streams": [probe]})).kept}:
            found.append(f"fails here only: {sorted(kept)}")
    return f"{text}: {'; '.join(found)}" if found else ""


def check(mixer: Mixer, texts: Sequence[str], syntax: Syntax, corpus: Corpus) -> tuple[Mapping[str, Verdict], float]:
    """Compare all; returns our verdicts and the share that was refused."""
    found, refused = answerable(texts, syntax, corpus)
    verdicts = judged(found, corpus)
    differences = [text for one in found if (text := compare(mixer, one, verdicts[one.text], corpus))]
    assert differences == []
    return verdicts, len(refused) / len(texts)


def generated(generator: conditions.JsonPaths | conditions.Jq, n: int) -> list[str]:
    return list(dict.fromkeys(generator.condition() for _ in range(n)))


def test_random_jsonpath_conditions_are_those_of_the_mixer(mixer: Mixer, corpus: Corpus) -> None:
    texts = generated(conditions.JsonPaths(random.Random(1)), 400)
    verdicts, refused_share = check(mixer, texts, "jsonpath", corpus)
    assert refused_share < 0.05
    assert sum(0 < len(one.holds) < N_DOCS for one in verdicts.values()) > 120


def test_random_jq_conditions_are_those_of_the_mixer(mixer: Mixer, corpus: Corpus) -> None:
    texts = generated(conditions.Jq(random.Random(1)), 400)
    verdicts, refused_share = check(mixer, texts, "jq", corpus)
    assert refused_share < 0.2
    assert sum(0 < len(one.holds) < N_DOCS for one in verdicts.values()) > 80
    assert sum(0 < len(one.fails) < N_DOCS for one in verdicts.values()) > 60


@pytest.mark.parametrize("syntax", ["jsonpath", "jq"])
def test_what_the_mixer_refuses_of_slightly_wrong_conditions_is_refused(
    mixer: Mixer, corpus: Corpus, syntax: Syntax
) -> None:
    """What we read of them we read as the mixer does; most of it neither takes."""
    rng = random.Random(2)
    generator = conditions.JsonPaths(rng) if syntax == "jsonpath" else conditions.Jq(rng)
    texts = [conditions.spoiled(generator.condition(), rng) for _ in range(200)]
    _, refused_share = check(mixer, texts, syntax, corpus)
    assert refused_share > 0.2


ATTRIBUTES = {"z": 0.0, "i": 0, "h": 0.5, "spans": [[0, 1, 0.0]], "two": [[0, 1, 0.0], [1, 2, 0.0]], "t": "x"}


@pytest.fixture(scope="module")
def one_document(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("one")
    row = {"id": "a", "source": "web", "text": "abc", "metadata": {"m": 1, "z": 0.0}}
    conditions.write(folder / "corpus", [(row, {"a": {"id": "a", "attributes": ATTRIBUTES}})])
    build_corpus(folder / "corpus", folder / "workspace")
    return Corpus(folder / "corpus", ("a",), open_source(folder / "workspace"), ("a",))


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        (".attributes.z", True),
        (".attributes.spans[0][2]", True),
        (".attributes.spans | map(.[2]) | max", True),
        (".attributes.spans | map(.[2]) | add", True),  # null plus a number is this number
        (".metadata.z", True),
        (".attributes.i", False),
        (".attributes.spans[0][0]", False),
        (".attributes.two | map(.[2]) | add", False),
        (".attributes.spans | map(.[2] * 2) | add", False),
        (".attributes.h - 0.5", False),
        (".attributes.z * 1", False),
    ],
)
def test_a_zero_that_the_document_writes_as_a_decimal_holds_in_jq(
    mixer: Mixer, one_document: Corpus, expression: str, holds: bool
) -> None:
    """Surprise: 0 and what was computed do not hold, 0.0 as it was read does. We follow the mixer."""
    verdicts, _ = check(mixer, [expression], "jq", one_document)
    assert bool(verdicts[expression].holds) == holds


@pytest.mark.parametrize(
    ("expression", "is_failing"),
    [
        (".attributes.t[0] == .attributes.t[0]?", False),
        (".attributes.t[0]? == .attributes.t[0]", False),
        (".attributes.t[0] / .attributes.t[0]?", False),
        (".attributes.t[0] and .attributes.t[0]?", True),
        (".attributes.t[0]? and .attributes.t[0]", False),
        (".attributes.t[0] == 1", True),
    ],
)
def test_an_operand_that_is_nothing_hides_the_failure_of_the_other(
    mixer: Mixer, one_document: Corpus, expression: str, is_failing: bool
) -> None:
    """Surprise: an operator is computed for each pair of outputs, of which there is none. We follow the mixer."""
    verdicts, _ = check(mixer, [expression], "jq", one_document)
    assert bool(verdicts[expression].fails) == is_failing


@pytest.mark.parametrize(
    "expression",
    [
        "$.attributes[?(@.gone <= @.lost)]",
        "$.attributes[?(@.gone == @.lost)]",
        "$.attributes[?(@.t >= 'x')]",
        "$.attributes[?(@.gone != 5)]",
        "$.attributes[?(@.i >= 0)]",
        "$.attributes[?(@.z >= 0.0)]",
    ],
)
def test_at_most_and_at_least_hold_between_any_equal_values_in_jsonpath(
    mixer: Mixer, one_document: Corpus, expression: str
) -> None:
    """Surprise: two missing values are equal, texts too. We follow the mixer."""
    verdicts, _ = check(mixer, [expression], "jsonpath", one_document)
    assert verdicts[expression].holds


@pytest.mark.parametrize(
    "expression",
    [
        "$.attributes[?(@.i >= 0.0)]",
        "$.attributes[?(@.i == 0.0)]",
        "$.attributes[?(@.z <= 0)]",
        "$.attributes[?(@.z == 0)]",
        "$.attributes.spans[?(@[2] >= 0)]",
        "$.attributes[?(@.t < 'y')]",
        "$.attributes[?(@.gone < 1)]",
    ],
)
def test_one_and_one_point_nought_are_never_equal_in_jsonpath(
    mixer: Mixer, one_document: Corpus, expression: str
) -> None:
    """Surprise: 1 >= 1.0 does not hold. We follow the mixer, as the index knows how numbers were written."""
    verdicts, _ = check(mixer, [expression], "jsonpath", one_document)
    assert not verdicts[expression].holds


def small(folder: Path, *found: tuple[conditions.Row, Mapping[str, conditions.Row | None]]) -> Corpus:
    """A corpus of a few documents, with the one set `a`."""
    conditions.write(folder / "corpus", found)
    build_corpus(folder / "corpus", folder / "workspace")
    return Corpus(folder / "corpus", tuple(row["id"] for row, _ in found), open_source(folder / "workspace"), ("a",))


def removed_by_both(mixer: Mixer, expression: Expression, corpus: Corpus) -> tuple[set[str], set[str]]:
    """The ids of what we and of what the mixer removes; none of it fails."""
    verdict = judged([expression], corpus)[expression.text]
    whole = stream(expression.text, expression.syntax, corpus.ids, corpus, is_apart=False)
    outcome = mixer.mix_one(Config({"streams": [whole]}))
    assert outcome.error is None
    return set(verdict.holds), set(corpus.ids) - {row.id for row in outcome.kept}


def test_of_numbers_that_documents_write_both_ways_we_differ_at_the_threshold_and_say_so(
    mixer: Mixer, tmp_path: Path
) -> None:
    """The index knows of an attribute whether it is written as integers, decimals or both, not of each document."""
    rows = [
        ({"id": f"d{n}", "source": "s", "text": ""}, {"a": {"id": f"d{n}", "attributes": {"K": value}}})
        for n, value in enumerate((1, 1.0, 0.5, 2))
    ]
    corpus = small(tmp_path, *rows)
    expression = parse("$.attributes[?(@.K >= 1.0)]", "jsonpath")
    assert removed_by_both(mixer, expression, corpus) == ({"d0", "d1", "d3"}, {"d1", "d3"})
    (rule,) = bind(bound([expression], corpus), corpus.source).streams[0].rules
    assert "never equal" in rule.notes[0]


@pytest.mark.parametrize(("value", "is_kept_in_index"), [(1, True), ("x" * 501, False), ([1], False), (None, False)])
def test_metadata_that_the_index_leaves_out_counts_as_missing(
    mixer: Mixer, tmp_path: Path, value: object, is_kept_in_index: bool
) -> None:
    """Not followed: long texts, lists, objects and nulls of metadata are not in the index, so that only comparisons
    with single values can be judged, not whether a value is there."""
    row = {"id": "d", "source": "s", "text": "", "metadata": {"m": value, "always": 1, "other": [2]}}
    corpus = small(tmp_path, (row, {"a": {"id": "d", "attributes": {}}}))
    ours, theirs = removed_by_both(mixer, parse("$.metadata.m", "jsonpath"), corpus)
    assert theirs == {"d"}
    assert bool(ours) == is_kept_in_index


def test_an_empty_object_of_attributes_counts_as_null(mixer: Mixer, tmp_path: Path) -> None:
    """Not followed: to the index {} and null are the same."""
    corpus = small(tmp_path, ({"id": "d", "source": "s", "text": ""}, {"a": {"id": "d", "attributes": {"K": {}}}}))
    assert removed_by_both(mixer, parse(".attributes.K == null", "jq"), corpus) == ({"d"}, set())
    assert removed_by_both(mixer, parse("$.attributes.K", "jsonpath"), corpus) == ({"d"}, {"d"})


def test_without_any_attribute_file_jq_fails(mixer: Mixer, tmp_path: Path) -> None:
    """Surprise: such a document has no attributes at all, not even none, and a key of nothing fails."""
    rows = [({"id": f"d{n}", "source": "s", "text": ""}, {"a": {"id": "d0", "attributes": {}}} if not n else {})
            for n in range(2)]  # fmt: skip
    corpus = small(tmp_path, *rows)
    verdicts, _ = check(mixer, [".attributes.K == null"], "jq", corpus)
    assert verdicts[".attributes.K == null"] == Verdict(frozenset({"d0"}), frozenset({"d1"}))


@pytest.mark.parametrize("syntax", ["jsonpath", "jq"])
def test_the_url_of_metadata_is_not_the_field_url(corpus: Corpus, syntax: Syntax) -> None:
    text = "$[?(@.url == 'x')]" if syntax == "jsonpath" else '.url == "x"'
    with pytest.raises(UsageError, match="as it stood in the row"):
        bind(bound([parse(text, syntax)], corpus), corpus.source)
