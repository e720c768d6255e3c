"""Our own recipe files, TOML, read and written.

    title = "Web pages"

    [[streams]]
    name = "web"
    sources = ["c4", "web*"]                 # globs; left out: all documents
    attributes = ["dolma_rules", "dup_text"] # sets in the order in which they are loaded; left out: all
    min_text_length = 1

    [[streams.rules]]
    name = "too short"                       # left out: made from the condition
    exclude = "gopher_v2__word_count < 50"

    [[streams.rules]]
    include = ["a > 1", "b > 2"]             # kept where one of them holds
    syntax = "plain"                         # or jq or jsonpath

    [[streams.spans]]
    span = "pii__EMAIL_ADDRESS"
    min_score = 0.5
    replacement = " |||EMAIL_ADDRESS||| "

A recipe of one stream may have rules, spans and the rest at the top instead of [[streams]].
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, cast

from explorer.config import toml_string
from explorer.errors import InputError, UsageError
from explorer.recipe import checks
from explorer.recipe.expression import SYNTAXES, Syntax
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.names import named

ONLY_STREAM = "all"  # the name of the stream of a recipe that writes none
_OF_RECIPE = ("title", "doc", "origin", "needs", "mixer", "streams")
_OF_STREAM = (
    "sources", "documents", "attributes", "syntax", "min_text_length", "rules", "spans", "output", "compression",
)  # fmt: skip
_RULE = ("name", "exclude", "include", "syntax")
_SPANS = ("name", "span", "min_score", "max_score", "replacement", "syntax")


def from_toml(text: str, name: str) -> Recipe:
    """The recipe of a file's text. Raises `InputError` with the stream, the rule and the reason."""
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise InputError(f"not valid TOML: {checks.name_shown(error)}") from None
    except RecursionError:
        raise InputError("not a recipe: its lists or tables are nested too deeply") from None
    has_streams = "streams" in data
    known = _OF_RECIPE if has_streams else (*_OF_RECIPE, *_OF_STREAM)
    if has_streams and (both := [key for key in data if key in _OF_STREAM]):
        raise InputError(f"{both[0]}: with [[streams]] this belongs into a stream")
    fields = checks.table(data, "the recipe", known)
    if has_streams:
        found = checks.items(fields["streams"], "streams")
        streams = [_named_stream(one, n) for n, one in enumerate(found, start=1)]
    else:
        streams = [_stream(ONLY_STREAM, {key: fields[key] for key in _OF_STREAM if key in fields}, "the recipe")]
    if not streams:
        raise InputError("streams: a recipe needs at least one stream")
    return Recipe(
        name,
        named(streams),
        title=checks.text(fields.get("title", ""), "title"),
        doc=checks.text(fields.get("doc", ""), "doc"),
        origin=checks.text(fields.get("origin", ""), "origin"),
        needs=checks.texts(fields.get("needs"), "needs"),
        extra=_mapping(fields.get("mixer"), "mixer"),
    )


def _named_stream(value: Any, number: int) -> Stream:
    fields = checks.table(value, f"stream {number}", ("name", *_OF_STREAM))
    name = checks.text(fields.pop("name", None), f"stream {number}, name")
    return _stream(name, fields, f"stream {checks.name_shown(name)!r}")


def _stream(name: str, fields: Mapping[str, Any], place: str) -> Stream:
    syntax = checks.choice(fields.get("syntax", "plain"), f"{place}, syntax", SYNTAXES)
    found = [
        _rule(one, syntax, f"{place}, {_label(one, 'rule', n)}")
        for n, one in enumerate(checks.items(fields.get("rules"), f"{place}, rules"), start=1)
    ]
    includes = [rule for rule in found if rule.kind == "include"]
    if len(includes) > 1:
        raise InputError(
            f"{place}: the mixer keeps what one include condition holds for, so one rule has them all; put them into "
            "one list, or exclude the opposite"
        )
    rules = [*includes, *(rule for rule in found if rule.kind == "exclude")]
    if length := checks.whole(fields.get("min_text_length", 0), f"{place}, min_text_length"):
        rules.append(Rule("", "length", min_bytes=length))
    spans = checks.items(fields.get("spans"), f"{place}, spans")
    span_rules = [_span(one, syntax, f"{place}, {_label(one, 'spans', n)}") for n, one in enumerate(spans, start=1)]
    if not rules and not span_rules:
        raise InputError(f"{place}: it has no rules and no spans; add [[rules]] with exclude or include")
    return Stream(
        name,
        documents=checks.texts(fields.get("documents"), f"{place}, documents"),
        sources=checks.texts(fields.get("sources"), f"{place}, sources"),
        attributes=checks.texts(fields["attributes"], f"{place}, attributes") if "attributes" in fields else None,
        rules=tuple(rules),
        span_rules=tuple(span_rules),
        output=_mapping(fields.get("output"), f"{place}, output"),
        compression=_mapping(fields.get("compression"), f"{place}, compression"),
    )


def _label(value: Any, kind: str, number: int) -> str:
    name = value.get("name") if isinstance(value, Mapping) else None
    return f"{kind} {number}" + (f" ({checks.name_shown(name)!r})" if isinstance(name, str) and name else "")


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{place}: a table must stand here, not {checks.kind_of(value)}")
    return value


def _rule(value: Any, syntax: str, place: str) -> Rule:
    fields = checks.table(value, place, _RULE)
    own = cast("Syntax", checks.choice(fields.get("syntax", syntax), f"{place}, syntax", SYNTAXES))
    name = checks.text(fields.get("name", ""), f"{place}, name")
    if ("exclude" in fields) == ("include" in fields):
        raise InputError(f"{place}: a rule has either exclude or include")
    if "exclude" in fields:
        return Rule(name, "exclude", (checks.condition(fields["exclude"], own, f"{place}, exclude"),))
    include = fields["include"]
    texts = [include] if isinstance(include, str) else checks.items(include, f"{place}, include")
    if not texts:
        raise InputError(f"{place}, include: name at least one condition")
    found = [checks.condition(one, own, f"{place}, include {n}") for n, one in enumerate(texts, start=1)]
    return Rule(name, "include", tuple(found))


def _span(value: Any, syntax: str, place: str) -> SpanRule:
    fields = checks.table(value, place, _SPANS)
    own = cast("Syntax", checks.choice(fields.get("syntax", syntax), f"{place}, syntax", SYNTAXES))
    low, high = (
        checks.number(fields[key], f"{place}, {key}") if key in fields else None for key in ("min_score", "max_score")
    )
    return checks.span_rule(
        checks.text(fields.get("name", ""), f"{place}, name"),
        checks.span(fields.get("span"), own, f"{place}, span"),
        low,
        high,
        checks.text(fields.get("replacement", ""), f"{place}, replacement"),
        place,
    )


# writing


def to_toml(recipe: Recipe) -> str:
    """A recipe as a file's text: the same text for the same recipe, and the same recipe when read again."""
    lines = [*_texts(recipe)]
    is_single = len(recipe.streams) == 1 and recipe.streams[0].name == ONLY_STREAM
    if is_single:
        lines += _stream_lines(recipe.streams[0], "")
    if recipe.extra:
        lines += ["", "[mixer]", *_fields(recipe.extra, "mixer")]
    if not is_single:
        for stream in recipe.streams:
            lines += ["", "[[streams]]", f"name = {_text(stream.name)}", *_stream_lines(stream, "streams.")]
    return "\n".join(lines).lstrip("\n") + "\n"


def _texts(recipe: Recipe) -> Iterator[str]:
    for key in ("title", "doc", "origin"):
        if value := getattr(recipe, key):
            yield f"{key} = {_text(value)}"
    if recipe.needs:
        yield f"needs = {_value(list(recipe.needs))}"


def _stream_lines(stream: Stream, prefix: str) -> Iterator[str]:
    syntax = _common_syntax(stream)
    for key in ("sources", "documents"):
        if value := getattr(stream, key):
            yield f"{key} = {_value(list(value))}"
    if stream.attributes is not None:
        yield f"attributes = {_value(list(stream.attributes))}"
    if syntax != "plain":
        yield f"syntax = {_text(syntax)}"
    yield from (f"min_text_length = {rule.min_bytes}" for rule in stream.rules if rule.kind == "length")
    for rule in stream.rules:
        if rule.kind != "length":
            yield from ["", f"[[{prefix}rules]]", f"name = {_text(rule.name)}"]
            texts = [expression.text for expression in rule.expressions]
            yield f"{rule.kind} = {_text(texts[0]) if len(texts) == 1 else _value(texts)}"
            if rule.expressions[0].syntax != syntax:
                yield f"syntax = {_text(rule.expressions[0].syntax)}"
    for span in stream.span_rules:
        yield from ["", f"[[{prefix}spans]]", f"name = {_text(span.name)}", f"span = {_text(span.span.text)}"]
        scores = (("min_score", span.min_score), ("max_score", span.max_score))
        yield from (f"{key} = {score!r}" for key, score in scores if score is not None)
        if span.replacement:
            yield f"replacement = {_text(span.replacement)}"
        if span.span.syntax != syntax:
            yield f"syntax = {_text(span.span.syntax)}"
    for key in ("output", "compression"):
        if value := getattr(stream, key):
            yield from ["", f"[{prefix}{key}]", *_fields(value, f"{prefix}{key}")]


def _common_syntax(stream: Stream) -> str:
    """The syntax of most of a stream's expressions; the first such."""
    found = [e.syntax for rule in stream.rules for e in rule.expressions] + [r.span.syntax for r in stream.span_rules]
    return max(SYNTAXES, key=lambda syntax: (found.count(syntax), syntax == "plain"))


def _fields(values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """A table's fields; tables in it come last, as they must."""
    inner = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    for key, value in values.items():
        if key not in inner and value is not None:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        yield from ["", f"[{prefix}.{_key(key)}]", *_fields(value, f"{prefix}.{_key(key)}")]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_string(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        parts = [_value(one) for one in value]
        short = f"[{', '.join(parts)}]"
        return short if len(short) <= 100 else "[\n" + "".join(f"  {part},\n" for part in parts) + "]"
    if not isinstance(value, str):
        raise UsageError(f"{checks.kind_of(value)} cannot be written to a recipe")
    return _text(value)


def _text(text: str) -> str:
    """A literal text in single quotes where double ones would need escapes, else a basic one; lines as lines."""
    if "\n" in text and "'''" not in text and text.replace("\n", "").isprintable() and not text.endswith("'"):
        return f"'''\n{text}'''"
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return toml_string(text)
