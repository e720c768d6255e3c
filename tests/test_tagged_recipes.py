"""Built-in recipes on a corpus that was tagged by its own build: they work at once, and no rule of theirs is dead."""

from __future__ import annotations

from pathlib import Path

import pytest

import explorer
from explorer.definitions import declared_keys
from explorer.impact.bind import bind
from explorer.impact.engine import Impact
from explorer.impact.source import Source, open_source
from explorer.recipe.read import builtin_recipes, read_recipe
from explorer.taggers.registry import known_taggers
from tests.corpora import build_corpus, document, write_jsonl

TAGGED = ["c4", "fineweb-quality", "gopher-quality", "gopher-repetition", "gopher-repetition-datatrove", "pii-masking"]
PROSE = "The quick brown fox jumps over the lazy dog that have to be of and with it. "


def taggers_of(name: str) -> list[str]:
    return [one for one in builtin_recipes()[name].needs if one in known_taggers()]


def all_taggers() -> list[str]:
    return sorted({one for name in builtin_recipes() for one in taggers_of(name)})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Prose that every recipe keeps, what each removes, and nothing with javascript or an IP address."""
    root = tmp_path_factory.mktemp("tagged")
    sentences = [f"Sentence {i} says that {i * 7} of the foxes have {i * i} dogs to be with.\n" for i in range(60)]
    good = "".join(sentences)
    rows = [
        document(1, text=good),
        document(2, text="Too short."),
        document(3, text="the same line\n" * 200),
        document(4, text=f"{good}{{}}"),
        document(5, text="\n".join(f"- {i} #" for i in range(90))),
        document(6, text=good + "Write to somebody@example.org or call 555 123 4567 for it."),
        document(7, text=good + "".join(f"Write to name{i}@example.org for it.\n" for i in range(7))),
        document(8, text="Ein Satz auf Deutsch, der nicht englisch ist und von Hunden handelt. " * 20),
    ]
    build_corpus(write_jsonl(root / "in.jsonl", rows), root / "workspace", tag=all_taggers())
    return open_source(root / "workspace")


def removed(source: Source, name: str) -> set[str]:
    with Impact(source, read_recipe(name)) as impact:
        taken = impact.run("filter_rules")
    return {row["rule"] for row in taken.iter_rows(named=True) if row["removed_alone"]}


def dead(source: Source, name: str) -> set[str]:
    bound = bind(builtin_recipes()[name], source)
    rules = {one.rule.name for stream in bound.streams for one in stream.rules if one.missing}
    return rules | {one.rule.name for stream in bound.streams for one in stream.spans if one.missing}


def test_these_need_nothing_but_tags() -> None:
    assert [name for name, one in builtin_recipes().items() if set(one.needs) <= known_taggers().keys()] == TAGGED


@pytest.mark.parametrize("name", TAGGED)
def test_no_rule_is_dead(source: Source, name: str) -> None:
    assert dead(source, name) == set()


def test_of_redpajama_s_rules_only_the_list_of_domains_is_missing(source: Source) -> None:
    assert dead(source, "redpajama-v2") == {"blocklisted domain"}


def test_what_nothing_makes_is_dead(source: Source) -> None:
    assert dead(source, "dolma-v1.5-web") == {
        "contamination", "duplicate paragraphs", "hate speech", "not safe for work",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("c4", {"not English", "curly brace"}),
        ("fineweb-quality", {"few lines end in punctuation", "short lines", "characters in duplicate lines", "lists"}),
        ("gopher-quality", {"fewer than 50 words", "few common words", "bullet points", "symbols"}),
        ("gopher-repetition", {"duplicate lines", "most common 2-gram", "duplicate 10-grams"}),
        ("gopher-repetition-datatrove", {"duplicate lines", "most common 2-gram", "duplicate 10-grams"}),
        ("pii-masking", {"more than 5 PII spans"}),
        ("redpajama-v2", {"fewer than 50 words", "curly brackets", "duplicate 10-grams"}),
    ],
)
def test_they_take_what_they_are_made_for(source: Source, name: str, rules: set[str]) -> None:
    assert removed(source, name) >= rules


def test_personal_data_is_masked(source: Source) -> None:
    with Impact(source, read_recipe("pii-masking")) as impact:
        spans = {row["span_rule"]: row["n_spans"] for row in impact.run("filter_spans").iter_rows(named=True)}
    assert spans["e-mail addresses"] == 1  # the document with seven is removed
    assert spans["phone numbers"] == 1


def test_what_was_looked_for_and_not_found_is_listed(source: Source) -> None:
    with explorer.open(source.root) as corpus:
        listed = {row["key"]: row for row in corpus.show("attribute_list").iter_rows(named=True)}
    assert set(declared_keys("tags", all_taggers())) <= listed.keys()
    assert listed["tags__c4_v2__has_javascript"]["n_with_values"] == 0
    assert listed["tags__c4_v2__has_javascript"]["definition"]
    assert listed["tags__c4_v2__has_curly_brace"]["n_with_values"] == 1


def test_each_names_where_its_numbers_come_from(request: pytest.FixtureRequest) -> None:
    docs = (Path(request.config.rootpath) / "docs" / "recipes.md").read_text(encoding="utf-8")
    for name in (*TAGGED, "redpajama-v2"):
        assert f"| `{name}` | `--tag {','.join(taggers_of(name))}` |" in docs
