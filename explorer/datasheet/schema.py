"""The JSON Schema of `stats.json` (2020-12), and a check against it that needs no other package.

Strict: no key that is not described, no value of another type. What a schema cannot say (a row has a cell for each
column, of the type of its unit) is checked in `explorer.datasheet.published`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from explorer.config import ROLES, CorpusConfig, SourceNote
from explorer.datasheet.declared import PURPOSES, Card, Origin, Provider
from explorer.datasheet.eu_template import FIELDS
from explorer.datasheet.questionnaire import ORDERS, QUESTIONS
from explorer.sheet import SCHEMA_FILE, SHEET_FORMAT, TOOL
from explorer.units import UNITS

Schema = Mapping[str, Any]
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_PRINT = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_HASH16 = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_SHARE_OR_NULL = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _object(properties: Mapping[str, Schema], *, doc: str = "") -> dict[str, Any]:
    """An object with these keys, all of them, and no others."""
    said = {"description": doc} if doc else {}
    return {
        "type": "object", **said, "properties": dict(properties), "required": list(properties),
        "additionalProperties": False,
    }  # fmt: skip


def _map(value: Schema, *, names: Schema | None = None, doc: str = "") -> Schema:
    said = {"description": doc} if doc else {}
    return {"type": "object", **said, **({"propertyNames": names} if names else {}), "additionalProperties": value}


def _list(items: Schema, *, doc: str = "") -> Schema:
    return {"type": "array", **({"description": doc} if doc else {}), "items": items}


def _texts(kind: type[Any], *, without: tuple[str, ...] = ()) -> Schema:
    return _object({each.name: _TEXT for each in fields(kind) if each.name not in without})


def schema() -> dict[str, Any]:
    """The schema of `stats.json`."""
    column = _object({"name": _TEXT, "unit": {"enum": sorted(UNITS)}, "definition": _TEXT})
    statistic = _object({
        "section": _TEXT,
        "title": _TEXT,
        "definition": _TEXT,
        "is_exact": {"type": "boolean"},
        "error": {"type": ["string", "null"], "description": "The bound of an estimate; null where all is exact."},
        "sql_hash": {**_HASH16, "description": "Of the SQL that made it: partial, merge and result."},
        "parameters": _map({"type": ["string", "number", "boolean"]}, doc="The arguments that the SQL was given."),
        "columns": _list(column),
        "rows": _list(_list({}), doc="A cell for each column, in their order."),
    }) | {
        "if": {"properties": {"is_exact": {"const": True}}},
        "then": {"properties": {"error": {"type": "null"}}},
        "else": {"properties": {"error": {"type": "string"}}},
    }  # fmt: skip
    shard = _object({
        "name": {**_TEXT, "description": "Path below the input."},
        "n_bytes": {**_COUNT, "description": "Size of the file."},
        "n_rows": {**_COUNT, "description": "Rows in it."},
        "n_docs": {**_COUNT, "description": "Documents taken from it."},
        "fingerprint": {**_PRINT, "description": "Of its documents; all add up to the corpus's, mod 2^128."},
    })  # fmt: skip
    tags = _object({"attribute_set": _TEXT, "taggers": _list(_TEXT), "version": _TEXT})
    options = _object(
        {
            "columns": _map(_TEXT, names={"enum": list(ROLES)}, doc="[columns] of the corpus.toml then."),
            "keep_text": {"type": "boolean"},
            "min_paragraph": {
                "type": ["integer", "null"],
                "minimum": 1,
                "description": "null: duplicates were not sought.",
            },
            "near_threshold": {**_SHARE_OR_NULL, "description": "null: near-duplicates were not sought."},
            "recipes": _map(_TEXT, doc="The workspace's recipes, as TOML, by their names."),
            "source_order": _list(_TEXT, doc="Of equal documents the one of the first source counts as the first."),
            "tags": {"anyOf": [{"type": "null"}, tags]},
            "tokenizer": {**_TEXT, "description": "Empty: tokens were not counted, or are the rows' own."},
        },
        doc="What the build was asked for, as far as numbers depend on it.",
    )
    data_file = _object({
        "path": _TEXT, "n_bytes": _COUNT, "n_rows": _COUNT, "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "columns": _list({"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}),
    })  # fmt: skip
    config = _object(
        {
            "corpus": _texts(CorpusConfig, without=("columns", "sources")),
            "columns": _map(_TEXT, names={"enum": list(ROLES)}),
            "sources": _map(_texts(SourceNote)),
        }
    )
    declared = _object({
        "card": _texts(Card), "origins": _map(_texts(Origin)),
        "answers": _map(_TEXT, names={"enum": [*QUESTIONS, *FIELDS]}), "provider": _texts(Provider),
        "purposes": _map({"enum": list(PURPOSES)}),
    }, doc="What people said of the corpus in its corpus.toml; nothing of it is measured.")  # fmt: skip
    whole = _object({
        "$schema": {"const": SCHEMA_FILE},
        "format": {"const": SHEET_FORMAT},
        "tool": {"const": TOOL},
        "versions": _map(_TEXT, doc="Of the tool and of the engines that the numbers depend on."),
        "fingerprint": {**_PRINT, "description": "Order-free hash of every document's source, id, text and URL."},
        "attribute_fingerprints": _map(_HASH16, doc="By attribute set: of each document's values and spans."),
        "options": options,
        "shards": _list(shard, doc="The files that were read, by name."),
        "corpus": _map(_TEXT, doc="Facts of the corpus and of the build."),
        "config": config,
        "declared": declared,
        "bundle": _object({"order": {"enum": list(ORDERS)}, "files": _list(data_file, doc="Data beside the card.")}),
        "statistics": _map(statistic, names={"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}),
    })  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "stats.json of corpus-explorer",
        "description": "Every number of a corpus with its definition and provenance.",
        **whole,
    }


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
    "object": (dict,), "array": (list,),
}  # fmt: skip


def faults(value: Any, rule: Schema, place: str = "") -> Iterator[str]:
    """What of `value` breaks `rule`, each as "place: fault". Knows the words of the schema above, and no others."""
    if "const" in rule and (type(value) is not type(rule["const"]) or value != rule["const"]):
        yield f"{place or 'the file'}: is not {rule['const']!r}"
    if "enum" in rule and not (isinstance(value, str) and value in rule["enum"]):
        yield f"{place}: {shown(value)} is not one of {', '.join(rule['enum'][:12])}"
    if "type" in rule and not _is_a(value, rule["type"]):
        kinds = rule["type"] if isinstance(rule["type"], str) else " or ".join(rule["type"])
        yield f"{place or 'the file'}: {shown(value)} is not of type {kinds}"
        return
    if "anyOf" in rule and all(any(True for _ in faults(value, one, place)) for one in rule["anyOf"]):
        yield from faults(value, rule["anyOf"][-1], place)
    if isinstance(value, str) and "pattern" in rule and not re.search(rule["pattern"], value):
        yield f"{place}: {shown(value)} does not match {rule['pattern']}"
    if isinstance(value, int | float) and not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        yield f"{place}: {shown(value)} is out of range"
    if isinstance(value, list):
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)):
            yield f"{place}: has {len(value)} items"
        if rule.get("items"):
            for number, one in enumerate(value):
                yield from faults(one, rule["items"], f"{place}[{number}]")
    if isinstance(value, dict):
        yield from _object_faults(value, rule, place)


def _object_faults(value: dict[str, Any], rule: Schema, place: str) -> Iterator[str]:
    known = rule.get("properties", {})
    lacking = [key for key in rule.get("required", ()) if key not in value]
    if lacking:
        yield f"{place or 'the file'}: lacks {', '.join(lacking)}"
    for key, one in value.items():
        inside = f"{place}.{shown(key)[1:-1]}" if place else shown(key)[1:-1]
        if key in known:
            yield from faults(one, known[key], inside)
        elif rule.get("additionalProperties") is False:
            yield f"{inside}: is not known"
        elif isinstance(rule.get("additionalProperties"), Mapping):
            yield from faults(one, rule["additionalProperties"], inside)
        if "propertyNames" in rule:
            yield from faults(key, rule["propertyNames"], inside)
    if "if" in rule:
        holds = not any(True for _ in faults(value, rule["if"], place))
        yield from faults(value, rule["then" if holds else "else"], place)


def _is_a(value: Any, kinds: str | list[str]) -> bool:
    names = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool):
        return "boolean" in names
    if isinstance(value, float) and value.is_integer() and "integer" in names:
        return True  # 1.0 is an integer in JSON Schema
    return any(isinstance(value, _TYPES[name]) for name in names)


def shown(value: Any) -> str:
    """A value of somebody's file, short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
