"""What people say of a corpus, beside what is measured: the tables of `corpus.toml` that only cards and summaries read.

    [card]            who made it, why, for what: see `Card`
    [sources.<name>]  where a source comes from: see `Origin`
    [answers]         answers to questions of Datasheets for Datasets by their id (M1, C3 ...)
    [provider]        who trains a model on it, for the EU's public summary: see `Provider`
    [purposes]        name of a rule of a recipe = what it is for: quality, duplicates, personal_data, illegal_content,
                      opt_out

Nothing here is ever inferred: what is not declared is an empty text, and every card says that it is missing.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from explorer.datasheet.eu_template import FIELDS
from explorer.datasheet.questionnaire import QUESTIONS, SECTIONS
from explorer.errors import UsageError
from explorer.toml_checks import check_url, one_of, only, read_toml, table, texts

ORIGIN_CLASSES = (
    "public_dataset",
    "licensed",
    "private_third_party",
    "own_crawl",
    "user_data",
    "synthetic",
    "other",
)
PURPOSES = ("quality", "duplicates", "personal_data", "illegal_content", "opt_out")
YES_NO = ("yes", "no")
DECLARED_TABLES = ("card", "answers", "provider", "purposes")  # beside [corpus], [columns] and [sources]


def _says(doc: str, example: str = "") -> Any:
    """A text that nobody has to give. `doc` says what it is for: in `init`'s file and beside the dashboard's fields."""
    return field(default="", metadata={"doc": doc, "example": example})


@dataclass(frozen=True)
class Card:
    """The human part of a card. Texts may have several lines."""

    pretty_name: str = _says("the name as people read it", "My corpus, version 1")
    date: str = _says("day of publication, YYYY-MM-DD (D3)", "2026-01-31")
    creators: str = _says("who made it, for which organisation (M2)")
    funders: str = _says("who paid for it, under which grant (M3)")
    contact: str = _says("how its curators are reached (N2)")
    takedown: str = _says("where people ask for removal of what is theirs (K11)")
    purpose: str = _says("why it was made (M1)")
    intended_uses: str = _says("what it can be used for (U3)")
    forbidden_uses: str = _says("what it should not be used for (U5)")
    limitations: str = _says("what users must know before they use it (U4)")
    biases: str = _says("whom or what it shows too much or too little of (U4)")
    personal_data: str = _says("what was done about personal data (C15)")
    maintenance: str = _says("who keeps it up, how often it is updated (N1, N4)")
    citation: str = _says("BibTeX; of several lines in three quotes")
    licence_link: str = _says("address of the licence's text (D4)", "https://example.org/licence")


@dataclass(frozen=True)
class Origin:
    """Where one source comes from; an addition to `explorer.config.SourceNote`."""

    origin_class: str = _says(f"one of {', '.join(ORIGIN_CLASSES)}")
    url: str = _says("where it is published", "https://example.org/dump")
    version: str = _says("which version, snapshot or dump")
    provider: str = _says("who gave it: of licensed or third-party data")
    collected_from: str = _says("when its collection began: YYYY-MM or YYYY-MM-DD", "2025-01")
    collected_to: str = _says("when its collection ended", "2025-06")
    selection: str = _says("which part of it was taken, and how")
    crawler: str = _says("name of the crawler: of an own crawl")
    crawl_behaviour: str = _says("what the crawler did at robots.txt, captchas and paywalls")
    generator: str = _says("the model that wrote it: of synthetic data")


@dataclass(frozen=True)
class Provider:
    """The provider's part of the EU public summary of training content; yes/no fields are `yes`, `no` or empty."""

    name: str = _says("the provider's name")
    contact: str = _says("the provider's contact")
    representative: str = _says("authorised representative, of a provider outside the Union")
    models: str = _says("names and versions of the models trained on it")
    model_dependencies: str = _says("models that these were made from, and where their summary is")
    market_date: str = _says("when the models were placed on the Union's market")
    is_sme: str = _says("a small or medium enterprise: yes or no (it sets the length of the list of domains)")
    code_of_practice: str = _says("signatory of the Code of Practice: yes or no")
    opt_out_measures: str = _says("how reservations of rights against text and data mining were kept")
    copyright_policy: str = _says("address of the copyright policy")
    illegal_content_measures: str = _says("how illegal content was kept out")
    other_modalities: str = _says("what else than text the models were trained on, and how much")
    uses_public_datasets: str = _says("trained on publicly available datasets: yes or no")
    uses_licensed_data: str = _says("on commercially licensed data: yes or no")
    uses_third_party_data: str = _says("on other private data of third parties: yes or no")
    uses_own_crawl: str = _says("on data that the provider crawled or had crawled: yes or no")
    uses_user_data: str = _says("on data of the provider's users: yes or no")
    uses_synthetic_data: str = _says("on data that was generated by or for the provider: yes or no")
    uses_other_data: str = _says("on data from anywhere else: yes or no")
    other_information: str = _says("anything else on how the data was processed")


@dataclass(frozen=True)
class Declared:
    """The checked human part of a `corpus.toml`."""

    card: Card = field(default_factory=Card)
    origins: Mapping[str, Origin] = field(default_factory=dict)  # by source
    answers: Mapping[str, str] = field(default_factory=dict)  # by id of a question
    provider: Provider = field(default_factory=Provider)
    purposes: Mapping[str, str] = field(default_factory=dict)  # by name of a rule


def _names(kind: type[Card] | type[Origin] | type[Provider]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


CARD_KEYS = _names(Card)
ORIGIN_KEYS = _names(Origin)
PROVIDER_KEYS = _names(Provider)
YES_NO_KEYS = tuple(key for key in PROVIDER_KEYS if key.startswith("uses_") or key in ("is_sme", "code_of_practice"))

_Table = TypeVar("_Table", Card, Origin, Provider)


def read_declared(path: Path) -> Declared:
    """The human part of a `corpus.toml`. Raises `UsageError` with the file, the key and the choices."""
    return parse_declared(read_toml(path), str(path))


def parse_declared(data: Mapping[str, Any], where: str) -> Declared:
    """Check the parsed TOML; tables that are not of this module are passed over. Raises `UsageError`.

    Texts lose the white space around them, so that one in three quotes may begin and end on lines of its own.
    """
    origins = {}
    for source, note in table(data, "sources", where).items():
        if not isinstance(note, dict):
            raise UsageError(f"{where}: sources.{source} is not a table")
        known = {key: value for key, value in note.items() if key in ORIGIN_KEYS}
        origins[source] = _origin(_filled(Origin, known, where, f"sources.{source}."), where, f"sources.{source}.")
    card = _filled(Card, table(data, "card", where), where, "card.")
    _check_date(card.date, where, "card.date", is_month_enough=False)
    check_url(card.licence_link, where, "card.licence_link")
    provider = _filled(Provider, table(data, "provider", where), where, "provider.")
    for key in YES_NO_KEYS:
        one_of(getattr(provider, key), YES_NO, where, f"provider.{key}")
    return Declared(card, origins, _answers(data, where), provider, _purposes(data, where))


def _filled(kind: type[_Table], data: Mapping[str, Any], where: str, prefix: str) -> _Table:
    only(data, _names(kind), where, prefix)
    for key, value in data.items():
        if key in YES_NO_KEYS and isinstance(value, bool):
            raise UsageError(f'{where}: {prefix}{key} must be "yes" or "no", in quotes')
    # TOML has dates of its own: 2026-01-31 without quotes is one
    plain = {key: value.isoformat() if type(value) is datetime.date else value for key, value in data.items()}
    return kind(**{key: text.strip() for key, text in texts(plain, where, prefix).items()})


def _origin(origin: Origin, where: str, prefix: str) -> Origin:
    one_of(origin.origin_class, ORIGIN_CLASSES, where, f"{prefix}origin_class")
    check_url(origin.url, where, f"{prefix}url")
    begin, end = origin.collected_from, origin.collected_to
    _check_date(begin, where, f"{prefix}collected_from", is_month_enough=True)
    _check_date(end, where, f"{prefix}collected_to", is_month_enough=True)
    shared = min(len(begin), len(end))  # a month and a day are compared as months
    if begin and end and begin[:shared] > end[:shared]:
        raise UsageError(f"{where}: {prefix}collected_from = {begin!r} is after collected_to = {end!r}")
    return origin


def _check_date(text: str, where: str, key: str, *, is_month_enough: bool) -> None:
    forms = "YYYY-MM or YYYY-MM-DD" if is_month_enough else "YYYY-MM-DD"
    is_date = re.fullmatch(r"[0-9]{4}-[0-9]{2}" + ("(-[0-9]{2})?" if is_month_enough else "-[0-9]{2}"), text)
    try:
        datetime.date.fromisoformat(f"{text}-01" if is_date and len(text) == len("YYYY-MM") else text or "2000-01-01")
    except ValueError:
        is_date = None
    if text and not is_date:
        raise UsageError(f"{where}: {key} = {text!r} is not a date; write {forms}")


def _answers(data: Mapping[str, Any], where: str) -> dict[str, str]:
    answers = texts(table(data, "answers", where), where, "answers.")
    for id in answers:
        if id not in QUESTIONS and id not in FIELDS:
            known = ", ".join(f"{its[0].id} to {its[-1].id}" for its in SECTIONS.values())
            raise UsageError(
                f"{where}: answers.{id} is not the id of a question; known: {known}, and eu_... of the EU's summary"
            )
    return {id: text.strip() for id, text in answers.items() if text.strip()}


def _purposes(data: Mapping[str, Any], where: str) -> dict[str, str]:
    purposes = texts(table(data, "purposes", where), where, "purposes.")
    for rule, purpose in purposes.items():
        one_of(purpose, PURPOSES, where, f"purposes.{rule}")
    return {rule: purpose for rule, purpose in purposes.items() if purpose}
