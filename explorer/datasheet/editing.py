"""Editing the human part of a `corpus.toml` in place: comments and everything else in the file stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import tomlkit
import tomlkit.exceptions
from tomlkit.items import Table

from explorer.config import parse_config
from explorer.datasheet.declared import (
    ORIGIN_CLASSES,
    PURPOSES,
    YES_NO,
    YES_NO_KEYS,
    Card,
    Declared,
    Origin,
    Provider,
    parse_declared,
)
from explorer.datasheet.eu_template import FIELDS
from explorer.datasheet.questionnaire import QUESTIONS
from explorer.errors import UsageError
from explorer.workspace import replacing

Place = tuple[str, ...]  # tables and the key: ("card", "purpose"), ("sources", "web", "url")


@dataclass(frozen=True)
class Field:
    """One thing that people may say: where it stands, what it is for, what it says now."""

    place: Place
    doc: str
    value: str
    choices: tuple[str, ...] = ()


def declared_fields(declared: Declared, sources: Iterable[str], rules: Iterable[str]) -> dict[str, list[Field]]:
    """Everything that can be declared, by heading, in the order of the file; `sources` and `rules` are by name."""
    found = {"The corpus and who made it": _fields("card", declared.card)}
    for source in sources:
        found[f"Source: {source}"] = _fields("sources", declared.origins.get(source, Origin()), source)
    found["Questions"] = [
        Field(("answers", id), question.text, declared.answers.get(id, "")) for id, question in QUESTIONS.items()
    ]
    purposes = [
        Field(("purposes", rule), "what this rule is for", declared.purposes.get(rule, ""), PURPOSES) for rule in rules
    ]
    if purposes:
        found["Purposes of rules"] = purposes
    found["Provider of a model (EU summary)"] = _fields("provider", declared.provider)
    found["Fields of the EU summary"] = [
        Field(("answers", id), field.label, declared.answers.get(id, "")) for id, field in FIELDS.items()
    ]
    return found


def _fields(table: str, value: Card | Origin | Provider, *inner: str) -> list[Field]:
    return [
        Field((table, *inner, each.name), each.metadata["doc"], getattr(value, each.name), _choices(each.name))
        for each in fields(value)
    ]


def _choices(key: str) -> tuple[str, ...]:
    if key == "origin_class":
        return ORIGIN_CLASSES
    return YES_NO if key in YES_NO_KEYS else ()


def write_declared(path: Path, changes: Mapping[Place, str]) -> None:
    """Write some answers into a `corpus.toml`, which need not exist; an empty text takes one away.

    Raises `UsageError` where the file would not be valid any more (nothing is written then), `StorageError` where the
    disk refuses.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        document = tomlkit.parse(text)
        for place, value in changes.items():
            _set(document, place, value)
        after = tomlkit.dumps(document)
    except tomlkit.exceptions.TOMLKitError as error:
        raise UsageError(f"{path}: cannot be edited here ({error}); edit the file itself") from None
    data = tomlkit.parse(after).unwrap()
    parse_config(data, str(path))
    parse_declared(data, str(path))
    with replacing(path) as temporary:
        temporary.write_text(after, encoding="utf-8")


def _set(document: tomlkit.TOMLDocument, place: Place, value: str) -> None:
    *tables, key = place
    here: tomlkit.TOMLDocument | Table = document
    for name in tables:
        if name not in here:
            if not value.strip():
                return
            here[name] = tomlkit.table(is_super_table=name == "sources")
        inner = here[name]
        if not isinstance(inner, Table):
            raise UsageError(f"{'.'.join(tables)} is not a table of its own in corpus.toml; edit the file itself")
        here = inner
    if value.strip():
        here[key] = tomlkit.string(value.strip(), multiline="\n" in value.strip())
    elif key in here:
        del here[key]
