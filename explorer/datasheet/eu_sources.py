"""Section 2 of the EU's public summary: the sources by their declared class of origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from explorer.datasheet.eu_facts import (
    MAX_ROWS,
    Column,
    Dataset,
    Facts,
    Found,
    Source,
    Table,
    datasets,
    declared,
    is_large,
    joined,
    sort_key,
)
from explorer.escape import printable
from explorer.units import format_value

# Section to the class of origin that it speaks of, and the provider's yes or no.
_CLASSES: Mapping[str, tuple[str, str]] = {
    "2_1": ("public_dataset", "uses_public_datasets"),
    "2_2_1": ("licensed", "uses_licensed_data"),
    "2_2_2": ("private_third_party", "uses_third_party_data"),
    "2_3": ("own_crawl", "uses_own_crawl"),
    "2_4": ("user_data", "uses_user_data"),
    "2_5": ("synthetic", "uses_synthetic_data"),
    "2_6": ("other", "uses_other_data"),
}
USER_QUESTIONS = ("eu_2_4_prompts", "eu_2_4_services")
ORIGINS = declared("sources.*.origin_class")


def class_of(id: str) -> str:
    """The class of origin that a yes/no field of section 2 asks after; empty for other fields."""
    section = id.removeprefix("eu_").removesuffix("_used")
    if id in USER_QUESTIONS:
        return "user_data"
    return _CLASSES[section][0] if id.endswith("_used") and section in _CLASSES else ""


def names_of(sources: Sequence[Source]) -> str:
    more = f" and {len(sources) - MAX_ROWS} more" if len(sources) > MAX_ROWS else ""
    return ", ".join(printable(source.name) for source in sources[:MAX_ROWS]) + more


def _used(section: str, facts: Facts) -> Found:
    """Yes where the provider or the origin of a source says so; No where the provider says so and no source differs."""
    origin_class, key = _CLASSES[section]
    said, found = getattr(facts.provider, key), facts.of_class(origin_class)
    if said == "no" and found:
        lack = f"provider.{key} says no, but of this class are: {names_of(found)}. One of the two is wrong."
        return Found(status="missing", lacks=(lack,))
    if found:
        return Found("Yes", "declared", (*ORIGINS, *declared(f"provider.{key}")[: bool(said)]))
    if said:
        return Found("Yes" if said == "yes" else "No", "declared", declared(f"provider.{key}"))
    return Found(status="missing")


def _user_data(facts: Facts) -> Found:
    """One No answers both questions of section 2.4; a Yes does not say which."""
    found = _used("2_4", facts)
    if found.value != "Yes":
        return found
    lack = (
        "User data is declared: say whether it came from interactions with the model (answers.eu_2_4_prompts = yes or "
        "no) and from other services (answers.eu_2_4_services = yes or no)."
    )
    return Found(status="missing", sources=found.sources, lacks=(lack,))


def _modalities(section: str, facts: Facts) -> Found:
    origin_class, _ = _CLASSES[section]
    if not any(source.n_docs for source in facts.of_class(origin_class)):
        lack = f"No source of the corpus is of the class {origin_class}: fill in answers.eu_{section}_modalities."
        return Found(status="missing", lacks=(lack,))
    note = "Of what the corpus holds; further modalities are answered in 1.3."
    return Found("Text", "measured", (*ORIGINS, facts.measured("composition")), (note,))


# ---- 2.1: public datasets

_LARGE = (
    Column("Dataset", "name"),
    Column("Link", "link"),
    Column("Version", "name"),
    Column("Share of all public datasets", "share"),
    Column("Documents", "docs"),
    Column("Bytes", "bytes"),
    Column("Collected from", "name"),
    Column("Collected to", "name"),
    Column("What was taken", "text"),
)


def _public(facts: Facts) -> tuple[list[Dataset], list[Dataset], int]:
    """Large public datasets, the others, and the bytes of all."""
    found = datasets(facts.of_class("public_dataset"))
    large = [one for one in found if is_large(one, found)]
    return large, [one for one in found if not is_large(one, found)], sum(one.n_bytes for one in found)


def period_of(facts: Facts, sources: Sequence[Source]) -> tuple[str, str]:
    spans = [facts.collected(source) for source in sources]
    begins = [begin for begin, _, _ in spans]
    ends = [end for _, end, _ in spans]
    begin = min(begins, key=sort_key) if begins and all(begins) else "not known"
    return begin, max(ends, key=sort_key) if ends and all(ends) else "not known"


def _large(facts: Facts) -> Found:
    large, _, total = _public(facts)
    sources = (*ORIGINS, *declared("sources.*.url"), facts.measured("composition"))
    if not large:
        return _no_public(facts) if not total else Found("None exceeds 3 %.", "measured", sources)
    rows, lacks = [], []
    for one in large:
        its = one.sources
        selection = joined([source.origin.selection for source in its])
        link = next((source.link for source in its if source.link), "")
        if not link and not any(source.content for source in its):
            lacks.append(f"Neither a url nor a description is declared of: {names_of(its)}.")
        unselected = [source for source in its if not source.origin.selection]
        if unselected:
            lacks.append(f"No selection is declared ('all' where all was taken) of: {names_of(unselected)}.")
        taken = selection if link else joined([source.description for source in its])
        rows.append(
            (
                one.title,
                link,
                joined([source.origin.version for source in its]),
                one.n_bytes / total,
                sum(source.n_docs for source in its),
                one.n_bytes,
                *period_of(facts, its),
                taken,
            )
        )
    value = (
        f"{len(large)} of {len(datasets(facts.of_class('public_dataset')))} public datasets exceed 3 % of "
        f"{format_value(total, 'bytes')} bytes of text:"
    )
    notes = (
        "Sizes are bytes of text after pre-processing, as the corpus holds it. Sources that are published at one "
        "address are one dataset.",
    )
    tables = (Table("Large publicly available datasets", _LARGE, tuple(rows)),)
    return Found(value, "declared", sources, notes, tables, tuple(lacks))


def _others(facts: Facts) -> Found:
    _, others, total = _public(facts)
    sources = (*ORIGINS, *declared("sources.*.document_type"), facts.measured("composition"))
    if not others:
        return Found("None.", "measured", sources) if total else _no_public(facts)
    return described(facts, [source for one in others for source in one.sources], sources)


def _no_public(facts: Facts) -> Found:
    lack = "No source of the corpus is a public dataset: name those that were used elsewhere."
    return Found(status="missing", lacks=(lack,) if facts.provider.uses_public_datasets == "yes" else ())


_DESCRIBED = (
    Column("Source", "name"),
    Column("Content", "text"),
    Column("Languages", "text"),
    Column("Documents", "docs"),
    Column("Bytes", "bytes"),
    Column("Collected from", "name"),
    Column("Collected to", "name"),
)


def described(facts: Facts, chosen: Sequence[Source], sources: tuple[Mapping[str, object], ...]) -> Found:
    """A general description: what is declared of the content, and what is measured."""
    silent = [source for source in chosen if not source.content]
    rows = tuple(
        (
            source.title,
            source.description,
            _main_languages(facts, source),
            source.n_docs,
            source.n_bytes,
            *period_of(facts, [source]),
        )
        for source in chosen[:MAX_ROWS]
    )
    value = f"{len(chosen)} {'source' if len(chosen) == 1 else 'sources'} of text:"
    lacks = (f"No document_type is declared of: {names_of(silent)}.",) if silent else ()
    notes = (f"The first {MAX_ROWS} of them.",) if len(chosen) > MAX_ROWS else ()
    return Found(value, "declared", sources, notes, (Table("Sources", _DESCRIBED, rows),), lacks)


def _main_languages(facts: Facts, source: Source) -> str:
    stated, _, n_silent_bytes = facts.languages([source.name])
    total = sum(one[2] for one in stated) + n_silent_bytes
    if not stated:
        return "not stated"
    return ", ".join(f"{label} {format_value(n / total if total else None, 'share')}" for label, _, n in stated[:5])


def _description(section: str, facts: Facts) -> Found:
    chosen = facts.of_class(_CLASSES[section][0])
    if not chosen:
        return Found(status="missing")
    sources = (*ORIGINS, *declared("sources.*.document_type"), facts.measured("composition"))
    return described(facts, chosen, sources)


def _private_list(facts: Facts) -> Found:
    chosen = facts.of_class("private_third_party")
    named = [source for source in chosen if source.origin.provider or source.link]
    if not named:
        lack = (
            "No provider and no url is declared of private data from third parties: fill them in where they are "
            "publicly known, else answers.eu_2_2_2_list."
        )
        return Found(status="missing", lacks=(lack,))
    columns = (Column("Dataset", "name"), Column("From", "name"), Column("Link", "link"))
    rows = tuple((source.title, source.origin.provider, source.link) for source in named[:MAX_ROWS])
    keys = declared("sources.*.provider", "sources.*.url")
    return Found(f"{len(named)} named:", "declared", keys, tables=(Table("Private datasets", columns, rows),))


def each_of(key: str, read: Callable[[Source], str], origin_class: str, facts: Facts) -> Found:
    """What is declared of every source of a class: one text where all say the same, else a table."""
    chosen = facts.of_class(origin_class)
    silent = [source for source in chosen if not read(source).strip()]
    said = list(dict.fromkeys(read(source).strip() for source in chosen if read(source).strip()))
    lacks = (f"No {key} is declared of: {names_of(silent)}.",) if silent else ()
    if not said:
        return Found(status="missing", lacks=lacks)
    if len(said) == 1:
        return Found(said[0], "declared", declared(f"sources.*.{key}"), lacks=lacks)
    rows = tuple((source.name, read(source)) for source in chosen[:MAX_ROWS] if read(source).strip())
    table = Table(key, (Column("Source", "name"), Column("Declared", "text")), rows)
    return Found(f"{len(said)} are declared:", "declared", declared(f"sources.*.{key}"), tables=(table,), lacks=lacks)


def _generators(facts: Facts) -> Found:
    return each_of("generator", lambda source: source.origin.generator, "synthetic", facts)


SOURCES: Mapping[str, Callable[[Facts], Found]] = {
    **{f"eu_{section}_used": partial(_used, section) for section in _CLASSES if section != "2_4"},
    **dict.fromkeys(USER_QUESTIONS, _user_data),
    **{f"eu_{section}_modalities": partial(_modalities, section) for section in _CLASSES if section != "2_6"},
    "eu_2_1_large": _large,
    "eu_2_1_others": _others,
    "eu_2_2_2_list": _private_list,
    "eu_2_2_2_description": partial(_description, "2_2_2"),
    "eu_2_4_description": partial(_description, "2_4"),
    "eu_2_5_models": _generators,
    "eu_2_6_description": partial(_description, "2_6"),
}
