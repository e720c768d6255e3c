"""Recipes from files and back: Dolma mixer configs, our own TOML, and the built-in ones."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError, UsageError
from explorer.recipe.expression import Compare, Constant, Exists, Index, Length, walk
from explorer.recipe.expression import Path as Keys
from explorer.recipe.mixer_writing import to_mixer, to_mixer_json, to_mixer_yaml
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.names import automatic, short_key
from explorer.recipe.parse import parse, parse_span
from explorer.recipe.read import builtin_recipes, parse_recipe, read_recipe
from explorer.recipe.resolve import resolve, starred
from explorer.recipe.toml import to_toml

FILES = Path(__file__).parent / "recipes"


def test_mixer_yaml() -> None:
    recipe = read_recipe(FILES / "web.yaml")
    assert recipe.name == "web"
    assert recipe.extra == {"work_dir": {"input": "work/in", "output": "work/out"}, "processes": 4, "dryrun": False}
    news, forum = recipe.streams
    assert news.documents == ("corpus/documents/news/*.jsonl.gz",)
    assert news.attributes == ("quality", "duplicates", "pii")
    assert news.sources == ()
    assert [(rule.kind, rule.name) for rule in news.rules] == [
        ("exclude", "word_count < 50"),
        ("exclude", "bff_duplicate_docs >= 1"),
        ("exclude", "metadata.length < 100"),
        ("length", "shorter than 1 byte"),
    ]
    assert news.rules[0].expressions[0].syntax == "jsonpath"
    assert news.rules[-1].min_bytes == 1
    assert news.span_rules == (
        SpanRule("bff_duplicate_paragraph_spans", parse_span("$.attributes.bff_duplicate_paragraph_spans", "jsonpath"),
                 0.5, None),
        SpanRule("EMAIL_ADDRESS", parse_span("$.attributes.pii__regex__EMAIL_ADDRESS", "jsonpath"), 0.1, 2.0,
                 " |||EMAIL_ADDRESS||| "),
    )  # fmt: skip
    assert news.output == {"path": "out/news", "max_size_in_bytes": 2**32, "discard_fields": ["attributes"]}
    assert news.compression == {"output": "zst"}
    assert [(rule.kind, rule.name, len(rule.expressions)) for rule in forum.rules] == [
        ("include", "not included: none of 2 conditions", 2),
        ("exclude", "word_count < 50", 1),
        ("exclude", "word_count > 100000", 1),
    ]


def test_equal_rules_of_streams_share_a_name_only_if_they_are_written_alike() -> None:
    recipe = parse_recipe(json.dumps(config(exclude=["$.attributes[?(@.a > 1)]"], streams=2)), "r", "json")
    assert [stream.rules[0].name for stream in recipe.streams] == ["a > 1", "a > 1"]
    recipe = read_recipe(FILES / "web.yaml")  # folded lines become one space, so the two are the same
    assert recipe.streams[0].rules[0] == recipe.streams[1].rules[1]


def test_mixer_jq() -> None:
    recipe = read_recipe(str(FILES / "quality_jq.json"))
    (stream,) = recipe.streams
    assert [rule.name for rule in stream.rules] == [
        "not included: count(dedupe_ngrams) == 0 or sum(dedupe_ngrams, score * (end - st…",
        "en < 0.8",
        "evaluation_sets != null",
        "doc_max > 10",
    ]
    first = stream.rules[0].expressions[0]
    assert any(node == Length(Keys(("text",))) for node in walk(first.tree))
    assert stream.span_rules[0].span.tree == Keys(("attributes", "pii", "email"))
    assert (stream.span_rules[0].min_score, stream.span_rules[0].max_score) == (None, 0.5)
    assert stream.span_rules[0].replacement == "{}"


def test_toml() -> None:
    recipe = read_recipe(FILES / "mixed.toml")
    assert (recipe.title, recipe.doc) == ("Web and books", 'Rules of every kind and syntax.\nTwo lines, with "quotes".')
    assert (recipe.origin, recipe.needs) == ("by hand", ("gopher_v2",))
    assert recipe.extra == {"processes": 2, "work_dir": {"input": "work/in"}}
    web, books = recipe.streams
    assert (web.sources, web.documents, web.attributes) == (("c4", "web*"), (), ("rules", "dup_text"))
    assert [(rule.kind, rule.name) for rule in web.rules] == [
        ("include", "not included: none of 2 conditions"),
        ("exclude", "too short"),
        ("exclude", "count(quality) > 3"),
        ("length", "shorter than 1 byte"),
    ]
    assert [rule.expressions[0].syntax for rule in web.rules[:3]] == ["plain", "plain", "jq"]
    assert web.span_rules[0].name == "pii__EMAIL_ADDRESS"
    assert books.attributes is None
    assert [(rule.name, rule.expressions[0].syntax) for rule in books.rules] == [
        ("quality < 0.25", "jsonpath"),
        ("coverage(dup) / n_chars > 0.3", "plain"),
    ]
    assert books.output == {"path": "out/books", "discard_fields": ["attributes"]}


def test_a_single_stream_needs_no_table() -> None:
    recipe = parse_recipe('min_text_length = 3\n[[rules]]\nexclude = "a > 1"\n', "r", "toml")
    (stream,) = recipe.streams
    assert (stream.name, [rule.name for rule in stream.rules]) == ("all", ["a > 1", "shorter than 3 bytes"])
    assert to_toml(recipe) == ('min_text_length = 3\n\n[[rules]]\nname = "a > 1"\nexclude = "a > 1"\n')


def config(
    include: list[str] | None = None, exclude: list[str] | None = None, streams: int = 1, **fields: Any
) -> dict[str, Any]:
    stream = {"documents": ["d/documents/*"], "attributes": ["s"], "output": {"path": "o"}}
    found = {"include": include or [], "exclude": exclude or []}
    filters = {"filter": found} if include or exclude else {}
    return {"streams": [{"name": f"s{n}", **stream, **filters, **fields} for n in range(streams)]}


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
def test_toml_round_trip(path: Path) -> None:
    recipe = read_recipe(path)
    written = to_toml(recipe)
    again = parse_recipe(written, recipe.name, "toml")
    assert again == recipe
    assert to_toml(again) == written


@pytest.mark.parametrize("name", ["web.yaml", "quality_jq.json"])
def test_mixer_round_trip(name: str) -> None:
    recipe = read_recipe(FILES / name)
    for written, kind in ((to_mixer_json(recipe), "json"), (to_mixer_yaml(recipe), "yaml")):
        assert parse_recipe(written, recipe.name, kind) == recipe
    assert to_mixer(recipe)["streams"][0]["filter"]["syntax"] == ("jsonpath" if name == "web.yaml" else "jq")


def test_a_mixed_recipe_becomes_jq() -> None:
    recipe = read_recipe(FILES / "mixed.toml")
    for stream, fault in zip(recipe.streams, (r'language == "en"', r"coverage\(dup\)"), strict=True):
        with pytest.raises(UsageError, match=f"{fault}.* cannot be written for the mixer: "):
            to_mixer(replace(recipe, streams=(stream,)), documents=["d"], attributes=["a"], output="o")
    web = replace(recipe, streams=(replace(recipe.streams[0], rules=recipe.streams[0].rules[1:]),))
    with pytest.raises(UsageError, match="names no documents"):
        to_mixer(web)
    with pytest.raises(UsageError, match="has no output path"):
        to_mixer(web, documents=["d/*"])
    written = to_mixer(web, documents=["d/*"], output="o")
    (stream,) = written["streams"]
    assert stream["filter"]["syntax"] == "jq"
    assert stream["filter"]["exclude"][1] == '.attributes.a__b__quality | type == "array" and length > 3'
    assert stream["attributes"] == ["rules", "dup_text"]
    assert stream["output"] == {"path": "o", "min_text_length": 1}
    assert written["processes"] == 2
    assert stream["span_replacement"] == [
        {
            "span": ".attributes?.pii__EMAIL_ADDRESS?",
            "syntax": "jq",
            "min_score": 0.5,
            "replacement": " |||EMAIL_ADDRESS||| ",
        }
    ]
    again = parse_recipe(json.dumps(written), "mixed", "json")
    assert [rule.kind for rule in again.streams[0].rules] == ["exclude", "exclude", "length"]
    assert again.streams[0].span_rules[0].span.tree == web.streams[0].span_rules[0].span.tree


def test_what_a_mixer_config_needs() -> None:
    recipe = read_recipe("gopher-quality")
    with pytest.raises(UsageError, match="loads all attribute sets"):
        to_mixer(recipe, documents=["d"], output="o")
    with pytest.raises(UsageError, match="resolve it"):
        to_mixer(recipe, documents=["d"], attributes=["a"], output="o")
    keys = {key: f"exp__{key[1:].replace('?', '2')}" for key in starred(recipe)}
    written = to_mixer_yaml(resolve(recipe, keys), documents=["d"], attributes=["exp"], output="o")
    again = parse_recipe(written, "gopher-quality", "yaml")
    assert [rule.name for rule in again.streams[0].rules][:3] == [
        "word_count < 50", "word_count > 100000", "median_word_length < 3",
    ]  # fmt: skip
    trees = [rule.expressions[0].tree for rule in again.streams[0].rules]
    assert any(node == Keys(("attributes", "exp__gopher_v2__word_count")) for node in walk(trees[0]))


# what is refused


REFUSED: list[tuple[Any, str]] = [
    ([], "a table of fields must stand here, not a list"),
    ({}, "at least one stream"),
    ({"streams": {}}, "streams: a list must stand here, not a table"),
    ({"stream": []}, "'stream' is not known; did you mean streams"),
    ({"streams": [{"name": "a", "docments": []}]}, "stream 1: the field 'docments' is not known; did you mean docu"),
    (config(exclude=["$.attributes.K"], name=None), "stream 1, name: a text must stand here, not nothing"),
    (config(exclude=["$.attributes.K"], documents=[]), "stream 's0': the mixer needs documents"),
    (config(exclude=["$.attributes.K"], documents="d"), "documents: a list must stand here, not 'd'"),
    (config(exclude=["$.attributes.K"], documents=[True]), "documents 1: a text must stand here, not True; put"),
    (config(), "needs a filter or a span_replacement"),
    (config(filter={"include": []}), "filter: the mixer needs include or exclude"),
    (config(filter={"includes": []}), "did you mean include"),
    (config(filter={"exclude": ["$.a"], "syntax": "jsonpth"}), "'jsonpth' is not one of jsonpath, jq; did you mean"),
    (config(filter={"exclude": "$.attributes.K"}), "exclude: a list must stand here"),
    (config(exclude=["$.attributes.K", "$..K"]), "stream 's0', filter, exclude 2 (jsonpath): $..K: at character 2"),
    (config(filter={"include": ["$.attributes.K", 3]}), "include 2: a text must stand here, not 3"),
    (config(exclude=["$.attributes.K"], output=None), "output: a table of fields must stand here"),
    (config(exclude=["$.attributes.K"], output={"path": "o", "min_text_length": -1}), "whole number from 0 must stand"),
    (config(exclude=["$.attributes.K"], output={}), "output, path: a text must stand here"),
    (config(exclude=["$.attributes.K"], compression={"in": "gz"}), "compression: the field 'in' is not known"),
    (config(span_replacement=[{"span": "$.attributes.K"}]), "span_replacement 1: the mixer needs min_score or max_sc"),
    (config(span_replacement=[{"span": "$.attributes.K", "min_score": "high"}]), "min_score: a number must stand here"),
    (config(span_replacement=[{"span": "$.attributes.K", "min_score": True}]), "min_score: a number must stand here"),
    (config(span_replacement=[{"span": "$.attributes.K[0]", "min_score": 1}]), "must name one attribute"),
    (config(span_replacement=[{"span": "$.attributes.K", "min_score": 1, "replacement": "$.x"}]), "begins with $"),
    ({**config(exclude=["$.attributes.K"]), "processes": 0}, "processes: a whole number from 1"),
    ({**config(exclude=["$.attributes.K"]), "dryrun": "no"}, "dryrun: true or false"),
    ({**config(exclude=["$.attributes.K"]), "work_dir": {"in": 1}}, "work_dir: the field 'in' is not known"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_mixer_refuses(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


TOML: list[tuple[str, str]] = [
    ("", "no rules and no spans"),
    ("titel = 'x'\n", "'titel' is not known; did you mean title"),
    ("streams = []\n", "at least one stream"),
    ("title = 3\n[[rules]]\nexclude = 'a > 1'", "title: a text must stand here, not 3"),
    ("[[rules]]\nexclud = 'a > 1'", "rule 1: the field 'exclud' is not known; did you mean exclude"),
    ("[[rules]]\nname = 'x'", "rule 1 ('x'): a rule has either exclude or include"),
    ("[[rules]]\ninclude = 'a > 1'\nexclude = 'a > 1'", "either exclude or include"),
    ("[[rules]]\ninclude = []", "at least one condition"),
    ("[[rules]]\ninclude = 'a > 1'\n[[rules]]\ninclude = 'b > 1'", "put them into one list"),
    ("[[rules]]\nname = 'short'\nexclude = 'a >'", "rule 1 ('short'), exclude (plain): a >: at its end"),
    ("[[rules]]\nexclude = 'a > 1'\nsyntax = 'sql'", "'sql' is not one of jsonpath, jq, plain"),
    ("[[spans]]\nspan = 'a'", "needs min_score or max_score"),
    ("[[spans]]\nspan = 'a > 1'\nmin_score = 1", "name of one attribute"),
    ("[[rules]]\nexclude = 'a > 1'\n[[streams]]\nname = 'x'", "rules: with [[streams]] this belongs into a stream"),
    ("[[streams]]\n[[streams.rules]]\nexclude = 'a > 1'", "stream 1, name: a text must stand here"),
    ("rules = 3", "rules: a list must stand here"),
    ("min_text_length = 1.5", "whole number"),
    ("a = 1\na = 2", "not valid TOML"),
    ("a = " + "[" * 100_000, "nested too deeply"),
    ("a = " + "9" * 10_000, "not valid TOML"),
]


@pytest.mark.parametrize(("text", "message"), TOML, ids=[message for _, message in TOML])
def test_toml_refuses(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe(text, "r", "toml")
    assert message in str(caught.value)


YAML_HEAD = "streams:\n- name: s\n  documents: [d]\n  output: {path: o}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (YAML_HEAD + "  name: t\n", "line 5: the field 'name' stands twice"),
        (YAML_HEAD + "  filter: {exclude: [$.attributes.K], exclude: []}\n", "stands twice"),
        (YAML_HEAD + "  filter: {exclude: [$.attributes.K}\n", "not valid YAML: line 5"),
        ("streams: [\t", "not valid YAML: line 1"),
        ("a: !!python/object:os.system x", "not valid YAML"),
        ("[" * 100_000, "nested too deeply"),
        ("a: &a [*a, *a]\nb: *c", "not valid YAML"),
        ("1" * 10_000 + ": x", "not valid YAML"),
        ("\x00", "not valid YAML"),
        ("", "a table of fields must stand here, not nothing"),
        ("just words", "not 'just words'"),
        ("? [a, b]\n: c", "not valid YAML"),
    ],
)
def test_yaml_refuses(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe(text, "r", "yaml")
    assert message in str(caught.value)


def test_yaml_traps() -> None:
    """Texts and numbers are what the toolkit's reader takes them for, not what YAML 1.1 does."""
    text = YAML_HEAD + (
        "  attributes: [2024-01-01, 12, e1]\n"
        "  span_replacement: [{span: $.attributes.K, min_score: 1e-4, max_score: 1_0.5}]\n"
    )
    (stream,) = parse_recipe(text, "r", "yaml").streams
    assert stream.attributes == ("2024-01-01", "12", "e1")
    assert (stream.span_rules[0].min_score, stream.span_rules[0].max_score) == (0.0001, 10.5)
    with pytest.raises(InputError, match="put it in quotes"):
        parse_recipe(YAML_HEAD.replace("name: s", "name: no") + "  filter: {exclude: [$.attributes.K]}", "r", "yaml")
    merged = "x: &x {path: o}\n" + YAML_HEAD.replace("{path: o}", "{<<: *x, max_size_in_bytes: 5}")
    with pytest.raises(InputError, match="'x' is not known"):
        parse_recipe(merged, "r", "yaml")


def test_json_refuses() -> None:
    for text, message in (
        ('{"streams": [], "streams": []}', "stands twice"),
        ("{", "not valid JSON: line 1"),
        ("[" * 100_000, "nested too deeply"),
        ('{"processes": ' + "9" * 10_000 + "}", "not valid JSON"),
        (json.dumps(config(exclude=["$.attributes['\ud800']"])), "surrogate"),
    ):
        with pytest.raises(InputError, match=message):
            parse_recipe(text, "r", "json")


@pytest.mark.parametrize(
    "text", ["yes", "1e-4", "0x1F", "12:30", "null", "~", "", "a: b", "- a", "é\n\t'\"", "2024-01-01", "x" * 300]
)
def test_texts_survive_yaml(text: str) -> None:
    expression = parse("$.attributes.K", "jsonpath")
    stream = Stream(
        text, (text,), (), (text,), (Rule("", "exclude", (expression,)),),
        (SpanRule("", parse_span("$.attributes.K", "jsonpath"), 1e-7, None, text),), {"path": text},
    )  # fmt: skip
    recipe = automatic(Recipe("r", (stream,)))
    assert parse_recipe(to_mixer_yaml(recipe), "r", "yaml") == recipe
    assert parse_recipe(to_mixer_json(recipe), "r", "json") == recipe
    assert parse_recipe(to_toml(recipe), "r", "toml") == recipe


plain_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(plain_texts, plain_texts, plain_texts, st.lists(plain_texts, max_size=3), st.floats(0, 1))
def test_any_text_survives_toml(name: str, doc: str, replacement: str, sources: list[str], score: float) -> None:
    rule = Rule(name or "r", "exclude", (parse("a > 1", "plain"),))
    span = SpanRule(name or "s", parse_span("a", "plain"), score, None, replacement.lstrip("$"))
    stream = Stream(
        name, sources=tuple(sources), rules=(rule,), span_rules=(span,), output={name: doc, "n": {"m": [doc]}}
    )
    recipe = Recipe("r", (stream,), title=name, doc=doc, needs=tuple(sources))
    assert parse_recipe(to_toml(recipe), "r", "toml") == recipe


# names


def test_names_tell_rules_apart() -> None:
    rules = [
        "$.attributes[?(@.e__gopher_v1__word_count[0][2] < 50)]",
        "$.attributes[?(@.e__gopher_v2__word_count[0][2] < 50)]",
        "$.attributes[?(@.f__gopher_v2__word_count[0][2] < 50)]",
        "$.attributes[?(@.e__gopher_v2__word_count[0][2] < 5)]",
        "$.attributes[?(@.e__t____label__toxic[0][2] > 0.4)]",
        "$.attributes.e__c4_v2__has_naughty_word",
        "$.attributes[?(!@.x)]",
        "$.attributes[?(@.e__gopher_v2__word_count && @.e__gopher_v2__word_count[0][2] < 5)]",
        "$.attributes[?(@.e__u__present && !(@.e__u__allowed))]",
    ]
    recipe = parse_recipe(json.dumps(config(exclude=rules)), "r", "json")
    names = [rule.name for rule in recipe.streams[0].rules]
    assert names == [
        "gopher_v1 word_count < 50",
        "e__gopher_v2__word_count < 50",
        "f__gopher_v2__word_count < 50",
        "e__gopher_v2__word_count < 5",
        "toxic > 0.4",
        "has has_naughty_word",
        "not present(x)",
        "e__gopher_v2__word_count < 5 (2)",
        "present(present) and not present(allowed)",
    ]


def test_given_names_are_kept_and_not_given_twice() -> None:
    text = '[[rules]]\nname = "a > 1"\nexclude = "b > 1"\n[[rules]]\nexclude = "a > 1"\n'
    (stream,) = parse_recipe(text, "r", "toml").streams
    assert [rule.name for rule in stream.rules] == ["a > 1", "a > 1 (2)"]


@pytest.mark.parametrize(
    ("key", "short"),
    [
        ("gopher_rules__gopher_v1__word_count", "word_count"),
        ("e__jigsaw_hatespeech_sentence_v2____label__toxic", "toxic"),
        ("bff_duplicate_docs", "bff_duplicate_docs"),
        ("*gopher_v?__word_count", "word_count"),
        ("a__b", "a__b"),
        ("", ""),
        ("a__b__", "a__b__"),
    ],
)
def test_short_key(key: str, short: str) -> None:
    assert short_key(key) == short


def test_names_stay_short() -> None:
    for key in ("x" * 10_000, "a\nb"):
        recipe = parse_recipe(json.dumps(config(exclude=[f"$.attributes[?(@['{key}'] > 1)]"])), "r", "json")
        name = recipe.streams[0].rules[0].name
        assert len(name) <= 80
        assert "\n" not in name


# built-in recipes


def test_built_in_recipes() -> None:
    assert list(builtin_recipes()) == [
        "c4", "dolma-v1.5-web", "dolma-v1.5-web-as-committed", "dolma-v1.6-web", "dolma-v1.6-web-as-committed",
        "fineweb-quality", "gopher-quality", "gopher-repetition", "gopher-repetition-datatrove", "pii-masking",
        "redpajama-v2",
    ]  # fmt: skip


@pytest.mark.parametrize("name", list(builtin_recipes()))
def test_built_in(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.title
    assert len(recipe.doc) > 100
    assert recipe.origin
    assert recipe.needs
    names = [rule.name for stream in recipe.streams for rule in stream.rules]
    assert len(names) == len(set(names))
    assert parse_recipe(to_toml(recipe), name, "toml") == recipe


def limits(recipe: Recipe) -> list[tuple[str, str, float]]:
    """(key, operator, threshold) of every rule's last comparison."""
    found: list[tuple[str, str, float]] = []
    for rule in recipe.streams[0].rules:
        for expression in rule.expressions:
            node = [n for n in walk(expression.tree) if isinstance(n, Compare)][-1]
            subject: Any = node.left
            while isinstance(subject, Index):
                subject = subject.base
            assert isinstance(node.right, Constant)
            found.append((subject.keys[1], node.operator, float(node.right.value or 0)))
    return found


COMMON = [
    ("word_count", "<", 50), ("word_count", ">", 100_000), ("median_word_length", "<", 3),
    ("median_word_length", ">", 10), ("symbol_to_word_ratio", ">", 0.1),
    ("fraction_of_words_with_alpha_character", "<", 0.8), ("required_word_count", "<", 2),
    ("fraction_of_lines_starting_with_bullet_point", ">", 0.9), ("fraction_of_lines_ending_with_ellipsis", ">", 0.3),
    ("fraction_of_duplicate_lines", ">", 0.3), ("fraction_of_characters_in_duplicate_lines", ">", 0.3),
    *((f"fraction_of_characters_in_most_common_{n}gram", ">", t) for n, t in ((2, 0.2), (3, 0.18), (4, 0.16))),
    *((f"fraction_of_characters_in_duplicate_{n}grams", ">", t)
      for n, t in ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.1))),
]  # fmt: skip
PII = ("pii_detection__pii_regex_with_counts_fast_v2__doc_count", ">", 5)


def test_dolma_as_committed() -> None:
    committed = [(f"gopher_rules__gopher_v1__{key}", operator, limit) for key, operator, limit in COMMON]
    five, six = read_recipe("dolma-v1.5-web-as-committed"), read_recipe("dolma-v1.6-web-as-committed")
    assert limits(five) == [*committed, ("bff_duplicate_paragraph_spans_decontamination", ">=", 1), PII]
    assert five.streams[0].attributes == (
        "perplexity_suite_v3_option2", "dedupe_paragraphs", "gopher_rules", "hatespeech_nsfw_cc_v3", "pii_detection",
    )  # fmt: skip
    repetitions = "tokenizer_repetitions_v2r2__tokenizer_repetitions_v2r2__doc_max_score_repetition"
    six_rules = replace(six, streams=(replace(six.streams[0], rules=six.streams[0].rules[:-1]),))
    assert limits(six_rules) == [*committed, PII, (repetitions, ">=", 100), ("bff_duplicate_docs", ">=", 1)]
    assert six.streams[0].rules[-1] == Rule("shorter than 1 byte", "length", min_bytes=1)
    assert six.streams[0].attributes == (
        "dedupe_paragraphs", "gopher_rules", "hatespeech_nsfw_cc_v3", "pii_detection", "tokenizer_repetitions_v2r2",
        "dedupe_docs_v2",
    )  # fmt: skip
    for recipe in (five, six):
        assert {e.syntax for rule in recipe.streams[0].rules for e in rule.expressions} == {"jsonpath"}
        guards = recipe.streams[0].rules[0].expressions[0].tree
        key = Keys(("attributes", "gopher_rules__gopher_v1__word_count"))
        assert [n for n in walk(guards) if isinstance(n, Exists)] == [Exists(key), Exists(Index(key, 0))]
        assert [(rule.span.text, rule.min_score, rule.replacement) for rule in recipe.streams[0].span_rules] == [
            ("$.attributes.bff_duplicate_paragraph_spans", 0.5, ""),
            ("$.attributes.hatespeech_nsfw_cc_v3__jigsaw_hatespeech_sentence_v2____label__toxic", 0.4, ""),
            ("$.attributes.hatespeech_nsfw_cc_v3__jigsaw_nsfw_sencence_v2____label__nsfw", 0.4, ""),
            *(
                (f"$.attributes.pii_detection__pii_regex_with_counts_fast_v2__{kind}", 0.5, f" |||{kind}||| ")
                for kind in ("EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS")
            ),
        ]


def test_dolma_as_meant_names_what_the_tagger_writes() -> None:
    meant = [(re.sub(r"(common_.gram)$", r"\1s", key), operator, limit) for key, operator, limit in COMMON]
    for name in ("dolma-v1.5-web", "dolma-v1.6-web"):
        recipe = read_recipe(name)
        rules = replace(recipe, streams=(replace(recipe.streams[0], rules=recipe.streams[0].rules[: len(meant)]),))
        assert limits(rules) == [(f"*gopher_v?__{key}", operator, limit) for key, operator, limit in meant]
        assert recipe.streams[0].attributes is None
        pairs = zip(
            recipe.streams[0].span_rules, read_recipe(f"{name}-as-committed").streams[0].span_rules, strict=True
        )
        for own, committed in pairs:
            assert (own.name, own.min_score, own.replacement) == (
                committed.name, committed.min_score, committed.replacement,
            )  # fmt: skip


def test_thresholds_of_the_papers() -> None:
    """Gopher's table A1, and the filters' defaults of FineWeb."""
    assert [limit for _, _, limit in limits(read_recipe("gopher-repetition"))] == [
        0.3, 0.2, 0.2, 0.18, 0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.1,
    ]  # fmt: skip
    assert limits(read_recipe("fineweb-quality")) == [
        ("*line_punct_ratio", "<", 0.12), ("*short_line_ratio", ">", 0.67), ("*char_dup_ratio", ">", 0.01),
        ("*list_ratio", ">", 0.3),
    ]  # fmt: skip


# files


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match=r"did you mean gopher-quality\? built-in: c4, "):
        read_recipe("gopher-qualty")
    for name in ("", "\x00", "x" * 5000, "/", "no/such/file.toml"):
        with pytest.raises(UsageError, match="neither a file nor a built-in recipe"):
            read_recipe(name)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"title = '\xe9'")
    with pytest.raises(InputError, match="not UTF-8"):
        read_recipe(tmp_path / "latin.toml")
    with pytest.raises(UsageError, match="neither a file"):
        read_recipe(tmp_path)
    with pytest.raises(UsageError, match="neither a file"):
        read_recipe(Path("c4"))  # a path is never a built-in


@pytest.mark.parametrize("name", ["web.yaml", "quality_jq.json", "mixed.toml"])
def test_kinds_are_told_from_the_text(name: str, tmp_path: Path) -> None:
    for copy in ("recipe", "recipe.txt"):
        path = tmp_path / copy
        path.write_bytes(b"\xef\xbb\xbf" + (FILES / name).read_bytes())
        assert replace(read_recipe(path), name="x") == replace(read_recipe(FILES / name), name="x")
