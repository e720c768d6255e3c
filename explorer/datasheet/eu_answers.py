"""The answers of the EU's public summary: for every field of the template, what is measured or declared of it.

Nothing is inferred from silence: a yes/no question is Yes where somebody said so, No where somebody said so, and to be
provided otherwise. A field's own entry in [answers] wins over what is measured, which then stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.datasheet.eu_crawl import CRAWL
from explorer.datasheet.eu_facts import NOT_APPLICABLE, TO_BE_PROVIDED, Facts, Found, Source, declared
from explorer.datasheet.eu_general import GENERAL
from explorer.datasheet.eu_processing import PROCESSING
from explorer.datasheet.eu_sources import SOURCES, USER_QUESTIONS, class_of
from explorer.datasheet.eu_template import FIELDS, SECTIONS, Field
from explorer.datasheet.sheet import Sheet
from explorer.escape import printable

MAX_NAMES = 20  # of sources in one gap

FILLERS: Mapping[str, Callable[[Facts], Found]] = {**GENERAL, **SOURCES, **CRAWL, **PROCESSING}


@dataclass(frozen=True)
class Gap:
    """What is still to be provided, and how."""

    id: str
    section: str
    label: str
    reason: str


def answer_all(sheet: Sheet) -> dict[str, Found]:
    """Every field of the template by its id, in its order."""
    facts = Facts(sheet)
    answers: dict[str, Found] = {}
    for field in FIELDS.values():
        answers[field.id] = _answer(field, facts, answers)
    return answers


def find_gaps(sheet: Sheet, answers: Mapping[str, Found]) -> list[Gap]:
    """Every field that must be answered and is not, and sources of which nobody says where they come from."""
    gaps = []
    for section in SECTIONS:
        for field in section.fields:
            found = answers[field.id]
            if found.status == "missing" and not field.is_optional:
                gaps.append(Gap(field.id, section.number, field.label, " ".join(found.lacks)))
        if section.number == "2":
            gaps += _gap_of_origins(Facts(sheet).of_class(""))
    return gaps


def _gap_of_origins(sources: Sequence[Source]) -> list[Gap]:
    if not sources:
        return []
    names = ", ".join(printable(source.name) for source in sources[:MAX_NAMES])
    more = f" and {len(sources) - MAX_NAMES} more" if len(sources) > MAX_NAMES else ""
    reason = f"No origin_class is declared of: {names}{more}. Until then no section of 2 is known to be complete."
    return [Gap("eu_2_origins", "2", "Origin of every source", reason)]


def _answer(field: Field, facts: Facts, answers: Mapping[str, Found]) -> Found:
    conditions = [answers[id] for id in field.depends_on]
    if conditions and all(found.value == "No" for found in conditions):
        sources = tuple(source for found in conditions for source in found.sources)
        return Found(NOT_APPLICABLE, "declared", sources)
    filler = FILLERS.get(field.id)
    found = filler(facts) if filler else Found(status="missing")
    given = facts.sheet.declared.answers.get(field.id, "").strip()
    if given:
        return _given(field, given, found, facts)
    if conditions and not any(found.value == "Yes" for found in conditions):
        numbers = " and ".join(_section_of(id) for id in field.depends_on[:1])
        return replace(
            found, value=TO_BE_PROVIDED, status="missing", lacks=(f"Answer the question of {numbers} first.",)
        )
    if found.status != "missing" and not found.lacks:
        return found
    if field.is_optional:
        return replace(found, value="", status="missing", lacks=())
    hint = f"answers.{field.id}"
    lacks = found.lacks or (f"Fill in {field.key}, or {hint}." if field.key else f"Fill in {hint}.",)
    return replace(found, value=TO_BE_PROVIDED, status="missing", lacks=lacks)


def _given(field: Field, given: str, found: Found, facts: Facts) -> Found:
    sources = (*declared(f"answers.{field.id}"), *found.sources)
    if field.kind == "yes_no":
        value = {"yes": "Yes", "no": "No"}.get(given.lower())
        if value is None:
            return Found(TO_BE_PROVIDED, "missing", lacks=(f"answers.{field.id} must be yes or no.",))
        contradiction = _contradiction(field, value, found, facts)
        if contradiction:
            return Found(TO_BE_PROVIDED, "missing", sources, lacks=(contradiction,))
        return Found(value, "declared", sources)
    notes = found.notes
    if found.value and found.value != TO_BE_PROVIDED:
        notes = (f"Of this corpus: {found.value}", *notes)
    return Found(given, "declared", sources, notes, found.tables)


def _contradiction(field: Field, value: str, found: Found, facts: Facts) -> str:
    """Why a No cannot be true, given what else is declared; of user data, two questions may share one Yes."""
    is_user_data = class_of(field.id) == "user_data"
    says_yes = found.value == "Yes" or (bool(class_of(field.id)) and bool(found.lacks))
    both = [facts.sheet.declared.answers.get(id, "").strip().lower() for id in USER_QUESTIONS]
    if value == "Yes" or not says_yes or (is_user_data and both != ["no", "no"]):
        return ""
    return f"answers.{field.id} says no, but the provider's entry or the sources say otherwise: one of them is wrong."


def _section_of(id: str) -> str:
    return next(section.number for section in SECTIONS if any(field.id == id for field in section.fields))


def found_json(found: Found) -> dict[str, Any]:
    """An answer as the JSON file has it."""
    return {
        "value": found.value,
        "status": found.status,
        "sources": list(found.sources),
        "notes": list(found.notes),
        "lacks": list(found.lacks),
        "tables": [
            {
                "title": table.title,
                "columns": [{"name": column.name, "unit": column.unit} for column in table.columns],
                "rows": [list(row) for row in table.rows],
            }
            for table in found.tables
        ],
    }
