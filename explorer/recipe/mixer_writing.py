"""Recipes as Dolma mixer configs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from explorer.errors import UsageError
from explorer.recipe.checks import name_shown
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.plain import starred_keys
from explorer.recipe.to_jq import span_path, to_jq


def to_mixer(
    recipe: Recipe, documents: Sequence[str] = (), attributes: Sequence[str] = (), output: str = ""
) -> dict[str, Any]:
    """The content of a mixer config.

    A stream's expressions stay as they are where the mixer takes them as one filter (all jsonpath, or all jq);
    otherwise all of them are written in jq. Streams that name no documents, attribute sets or output path take the
    given ones. Raises `UsageError` for what the mixer needs or cannot express. Names of rules and streams' sources
    are not part of a mixer config.
    """
    streams = [_stream(stream, documents, attributes, output) for stream in recipe.streams]
    return {"streams": streams, **recipe.extra}


def to_mixer_json(
    recipe: Recipe, documents: Sequence[str] = (), attributes: Sequence[str] = (), output: str = ""
) -> str:
    return json.dumps(to_mixer(recipe, documents, attributes, output), indent=2, ensure_ascii=False) + "\n"


def to_mixer_yaml(
    recipe: Recipe, documents: Sequence[str] = (), attributes: Sequence[str] = (), output: str = ""
) -> str:
    content = to_mixer(recipe, documents, attributes, output)
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)


class _Dumper(yaml.SafeDumper):
    """YAML that every reader takes for the same: texts that are no plain words stand in double quotes (1e-4 and yes
    are a number and true to some), and nothing refers to another place."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_word = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) and text.lower() not in _ODD_WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_word else '"')


_ODD_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_Dumper.add_representer(str, _represent_text)


def _stream(stream: Stream, documents: Sequence[str], attributes: Sequence[str], output: str) -> dict[str, Any]:
    place = f"stream {name_shown(stream.name)!r}"
    sets = list(attributes) if stream.attributes is None else list(stream.attributes)
    if stream.attributes is None and not attributes:
        raise UsageError(f"{place} loads all attribute sets, which the mixer wants by name; give their names")
    found = list(stream.documents or documents)
    if not found:
        raise UsageError(f"{place} names no documents, which the mixer wants as paths; give the paths")
    written = {"path": output, **stream.output} if output else dict(stream.output)
    if "path" not in written:
        raise UsageError(f"{place} has no output path, which the mixer needs; give a path")
    for rule in stream.rules:
        if rule.kind == "length":
            written["min_text_length"] = rule.min_bytes
    content: dict[str, Any] = {"name": stream.name, "documents": found, "attributes": sets}
    if rules := [rule for rule in stream.rules if rule.kind != "length"]:
        content["filter"] = _filter(rules)
    if stream.span_rules:
        content["span_replacement"] = [_span(rule) for rule in stream.span_rules]
    if len(content) == 3:
        raise UsageError(f"{place} has no conditions and no spans, one of which the mixer needs")
    content["output"] = written
    if stream.compression:
        content["compression"] = dict(stream.compression)
    return content


def _filter(rules: Sequence[Rule]) -> dict[str, Any]:
    expressions = [expression for rule in rules for expression in rule.expressions]
    is_jsonpath = all(expression.syntax == "jsonpath" for expression in expressions)
    texts = {
        kind: [e.text if is_jsonpath else to_jq(e) for rule in rules if rule.kind == kind for e in rule.expressions]
        for kind in ("include", "exclude")
    }
    return {**texts, "syntax": "jsonpath" if is_jsonpath else "jq"}


def _span(rule: SpanRule) -> dict[str, Any]:
    span, syntax = rule.span.text, rule.span.syntax
    if syntax == "plain":
        if starred := starred_keys(rule.span.tree):
            raise UsageError(f"{starred[0]} stands for the key that ends so; resolve it against a workspace first")
        span, syntax = span_path(rule.span.tree), "jq"
    found: dict[str, Any] = {"span": span, "syntax": syntax}
    scores = (("min_score", rule.min_score), ("max_score", rule.max_score))
    found |= {key: score for key, score in scores if score is not None}
    return {**found, "replacement": rule.replacement}
