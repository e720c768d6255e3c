"""Dolma mixer configs as recipes: what the mixer takes is read, with the mixer's own checks; the rest is refused."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any, cast

import yaml

from explorer.errors import InputError
from explorer.recipe import checks
from explorer.recipe.expression import Syntax
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.names import named

_TOP = ("streams", "work_dir", "processes", "dryrun", "shuffle")
_STREAM = ("name", "documents", "attributes", "filter", "span_replacement", "output", "compression")
_FILTER = ("include", "exclude", "syntax")
_SPANS = ("span", "min_score", "max_score", "replacement", "syntax")
_OUTPUT = ("path", "max_size_in_bytes", "discard_fields", "min_text_length")
_SYNTAXES = ("jsonpath", "jq")


class _Loader(yaml.SafeLoader):
    """YAML without its traps: a key given twice is an error, and dates stay texts."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen and key.tag != "tag:yaml.org,2002:merge":
                raise InputError(f"line {key.start_mark.line + 1}: the field {checks.name_shown(name)!r} stands twice")
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    """The content of a YAML file. Raises `InputError` with the line."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise InputError(f"not valid YAML: {place}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"not valid YAML: {checks.name_shown(error)}") from None
    except RecursionError:
        raise InputError("not a recipe: its lists or tables are nested too deeply") from None


def load_json(text: str) -> Any:
    """The content of a JSON file. Raises `InputError` with the line."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise InputError(f"not valid JSON: line {error.lineno}: {error.msg}") from None
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"not valid JSON: {checks.name_shown(error)}") from None
    except RecursionError:
        raise InputError("not a recipe: its lists or tables are nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"the field {checks.name_shown(key)!r} stands twice")
        found[key] = value
    return found


def from_mixer(data: Any, name: str) -> Recipe:
    """The recipe of a mixer config's content. Raises `InputError` with the stream, the rule and the reason."""
    fields = checks.table(data, "the config", _TOP)
    found = checks.items(fields.pop("streams", None), "streams")
    if not found:
        raise InputError("streams: the mixer needs at least one stream")
    _check_extra(fields)
    streams = [_stream(one, n) for n, one in enumerate(found, start=1)]
    return Recipe(name, named(streams), extra=_given(fields))


def _check_extra(fields: Mapping[str, Any]) -> None:
    if fields.get("processes") is not None:
        checks.whole(fields["processes"], "processes", 1)
    for name in ("dryrun", "shuffle"):
        if not isinstance(fields.get(name, False), bool):
            raise InputError(f"{name}: true or false must stand here, not {checks.kind_of(fields[name])}")
    if fields.get("work_dir") is not None:
        for key, value in checks.table(fields["work_dir"], "work_dir", ("input", "output")).items():
            if value is not None:
                checks.text(value, f"work_dir.{key}")


def _stream(value: Any, number: int) -> Stream:
    fields = checks.table(value, f"stream {number}", _STREAM)
    name = checks.text(fields.get("name"), f"stream {number}, name", may_be_number=True)
    place = f"stream {checks.name_shown(name)!r}"
    documents = checks.texts(fields.get("documents"), f"{place}, documents")
    if not documents:
        raise InputError(f"{place}: the mixer needs documents, a list of paths")
    if fields.get("filter") is None and not fields.get("span_replacement"):
        raise InputError(f"{place}: the mixer needs a filter or a span_replacement")
    output = checks.table(fields.get("output"), f"{place}, output", _OUTPUT)
    rules = [] if fields.get("filter") is None else _rules(fields["filter"], f"{place}, filter")
    if length := _min_text_length(output.pop("min_text_length", None), f"{place}, output"):
        rules.append(Rule("", "length", min_bytes=length))
    _check_output(output, f"{place}, output")
    spans = checks.items(fields.get("span_replacement"), f"{place}, span_replacement")
    return Stream(
        name,
        documents,
        attributes=checks.texts(fields.get("attributes"), f"{place}, attributes", may_be_number=True),
        rules=tuple(rules),
        span_rules=tuple(_span_rule(one, f"{place}, span_replacement {n}") for n, one in enumerate(spans, start=1)),
        output=_given(output),
        compression=_compression(fields.get("compression"), f"{place}, compression"),
    )


def _min_text_length(value: Any, place: str) -> int:
    return 0 if value is None else checks.whole(value, f"{place}, min_text_length")


def _check_output(output: Mapping[str, Any], place: str) -> None:
    checks.text(output.get("path"), f"{place}, path")
    if output.get("max_size_in_bytes") is not None:
        checks.whole(output["max_size_in_bytes"], f"{place}, max_size_in_bytes", 1)
    checks.texts(output.get("discard_fields"), f"{place}, discard_fields")


def _compression(value: Any, place: str) -> dict[str, Any]:
    if value is None:
        return {}
    fields = checks.table(value, place, ("input", "output"))
    for key, one in fields.items():
        if one is not None:
            checks.text(one, f"{place}, {key}")
    return _given(fields)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold something: to the mixer null is the same as nothing."""
    return {
        key: _given(value) if isinstance(value, Mapping) else value
        for key, value in fields.items()
        if value is not None
    }


def _rules(value: Any, place: str) -> list[Rule]:
    fields = checks.table(value, place, _FILTER)
    syntax = cast("Syntax", checks.choice(fields.get("syntax", "jsonpath"), f"{place}, syntax", _SYNTAXES))
    include = checks.items(fields.get("include"), f"{place}, include")
    exclude = checks.items(fields.get("exclude"), f"{place}, exclude")
    if not include and not exclude:
        raise InputError(f"{place}: the mixer needs include or exclude in a filter")
    rules = []
    if include:
        found = [checks.condition(one, syntax, f"{place}, include {n}") for n, one in enumerate(include, start=1)]
        rules.append(Rule("", "include", tuple(found)))
    for n, one in enumerate(exclude, start=1):
        rules.append(Rule("", "exclude", (checks.condition(one, syntax, f"{place}, exclude {n}"),)))
    return rules


def _span_rule(value: Any, place: str) -> SpanRule:
    fields = checks.table(value, place, _SPANS)
    syntax = cast("Syntax", checks.choice(fields.get("syntax", "jsonpath"), f"{place}, syntax", _SYNTAXES))
    span = checks.span(fields.get("span"), syntax, f"{place}, span")
    low, high = (
        None if fields.get(key) is None else checks.number(fields[key], f"{place}, {key}")
        for key in ("min_score", "max_score")
    )
    return checks.span_rule(
        "", span, low, high, checks.text(fields.get("replacement", ""), f"{place}, replacement"), place
    )
