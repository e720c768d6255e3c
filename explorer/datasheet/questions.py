"""DATASHEET.md: the questions of Datasheets for Datasets, each with what is measured and what is declared.

Nothing is guessed: a question that no statistic touches and nobody answered is unknown to the authors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from explorer.datasheet import findings_content as content
from explorer.datasheet import findings_process as process
from explorer.datasheet.alerts import alerts_markdown
from explorer.datasheet.blocks import markdown_table, quoted
from explorer.datasheet.findings import Finder, Finding, provenance
from explorer.datasheet.questionnaire import ORDERS, Question
from explorer.datasheet.sheet import Sheet
from explorer.datasheet.statistics import identity
from explorer.escape import markdown

MEASURED, DECLARED, BOTH = "measured", "declared", "measured and declared"
UNKNOWN, NOT_APPLICABLE = "unknown", "not applicable"
STATUSES = (BOTH, MEASURED, DECLARED, NOT_APPLICABLE, UNKNOWN)

# What measures a question. All other questions are for people alone.
FINDERS: Mapping[str, tuple[Finder, ...]] = {
    "C1": (content.instances,),
    "C2": (content.numbers, content.languages),
    "C3": (content.coverage,),
    "C4": (content.fields,),
    "C5": (content.labels,),
    "C6": (content.missing,),
    "C7": (content.relations,),
    "C9": (content.redundancies, content.noise),
    "C10": (content.resources,),
    "C11": (content.personal_data_elsewhere,),
    "C12": (content.offensive,),
    "C13": (content.people,),
    "C14": (content.subpopulations,),
    "C15": (content.personal_data,),
    "C16": (content.personal_data_elsewhere,),
    "K1": (process.inferred,),
    "K5": (process.timeframe,),
    "K8": (process.origins,),
    "K10": (process.opted_out,),
    "P1": (process.cleaning, process.deduplicated),
    "U4": (process.alerted,),
    "D2": (process.shipped,),
    "D4": (process.licences,),
    "D5": (process.licences_by_source,),
}
# Statistics answer these questions as they are asked; of all others they answer a part.
COMPLETE = frozenset({"C2", "C4", "C6"})

# Texts of [card] and [corpus] that answer a question, with the words before them where the question needs them.
_CARD: Mapping[str, tuple[tuple[str, Callable[[Sheet], str]], ...]] = {
    "M1": (("", lambda sheet: sheet.declared.card.purpose),),
    "M2": (("", lambda sheet: sheet.declared.card.creators),),
    "M3": (("", lambda sheet: sheet.declared.card.funders),),
    "C15": (("What was done about personal data:", lambda sheet: sheet.declared.card.personal_data),),
    "K11": (("Requests for removal:", lambda sheet: sheet.declared.card.takedown),),
    "U3": (("Intended uses:", lambda sheet: sheet.declared.card.intended_uses),),
    "U4": (
        ("Limitations:", lambda sheet: sheet.declared.card.limitations),
        ("Biases:", lambda sheet: sheet.declared.card.biases),
    ),
    "U5": (("", lambda sheet: sheet.declared.card.forbidden_uses),),
    "D2": (("Homepage:", lambda sheet: sheet.config.homepage),),
    "D3": (("Published on:", lambda sheet: sheet.declared.card.date),),
    "D4": (
        ("Licence of the corpus:", lambda sheet: sheet.config.licence),
        ("Its text:", lambda sheet: sheet.declared.card.licence_link),
    ),
    "N1": (("", lambda sheet: sheet.declared.card.maintenance),),
    "N2": (("", lambda sheet: sheet.declared.card.contact),),
    "N4": (("", lambda sheet: sheet.declared.card.maintenance),),
}
# Keys of [sources.<name>] that answer a question, with their headings.
_ORIGINS: Mapping[str, Mapping[str, str]] = {
    "C3": {"selection": "Part that was taken"},
    "K1": {"origin_class": "Class of origin", "url": "Published at", "version": "Version", "generator": "Written by"},
    "K2": {"crawler": "Crawler", "crawl_behaviour": "What it did at robots.txt, captchas, paywalls"},
    "K3": {"selection": "Part that was taken"},
    "K5": {"collected_from": "Collected from", "collected_to": "to"},
    "K8": {"origin_class": "Class of origin", "provider": "Obtained from"},
}


@dataclass(frozen=True)
class Answer:
    """A question with its status, what is measured and what is declared (Markdown)."""

    question: Question
    status: str
    measured: tuple[Finding, ...]
    declared: tuple[str, ...]


def answer(sheet: Sheet, question: Question) -> Answer:
    """What the sheet says to one question."""
    measured = tuple(found for finder in FINDERS.get(question.id, ()) if (found := finder(sheet)))
    own = sheet.declared.answers.get(question.id, "")
    is_inapplicable = own.casefold().startswith(NOT_APPLICABLE)
    if own.casefold().rstrip(".") in ("unknown", "unknown to the authors"):
        own = ""
    declared = tuple(chain([quoted(own)] if own else [], _from_card(sheet, question), _from_origins(sheet, question)))
    if is_inapplicable:
        status = NOT_APPLICABLE
    elif any(not found.is_aside for found in measured):
        status = BOTH if declared else MEASURED
    else:
        status = DECLARED if declared else UNKNOWN
    return Answer(question, status, measured, declared)


def _from_card(sheet: Sheet, question: Question) -> list[str]:
    texts = ((label, text(sheet)) for label, text in _CARD.get(question.id, ()))
    return [f"{label}\n\n{quoted(text)}".lstrip() for label, text in texts if text.strip()]


def _from_origins(sheet: Sheet, question: Question) -> list[str]:
    """A table of what corpus.toml says of each source; sources in its order, those that say nothing left out."""
    headings = _ORIGINS.get(question.id, {})
    rows = [(source, *(getattr(origin, key) for key in headings)) for source, origin in sheet.declared.origins.items()]
    filled = [row for row in rows if any(row[1:])]
    if not filled:
        return []
    kept = [place for place in range(len(headings) + 1) if any(row[place] for row in filled)]
    names = ["Source", *headings.values()]
    return [markdown_table([names[k] for k in kept], ["text"] * len(kept), [[row[k] for k in kept] for row in filled])]


def render_questions(sheet: Sheet) -> Mapping[str, str]:
    """The file. Its order of questions is `sheet.order`, a key of `questionnaire.ORDERS`."""
    sections = {
        section: [answer(sheet, question) for question in questions]
        for section, questions in ORDERS[sheet.order].items()
    }
    name = sheet.declared.card.pretty_name or sheet.config.name or sheet.facts.get("name") or "unnamed corpus"
    blocks = [f"# Datasheet: {markdown(name)}", _introduction(), "## Alerts", alerts_markdown(sheet)]
    blocks += ["## The corpus", identity(_facts(sheet)), "## Answers", _summary(sections)]
    for section, answers in sections.items():
        blocks.append(f"## {markdown(section)}")
        blocks += [block for one in answers for block in _blocks(sheet, one)]
    return {"DATASHEET.md": "\n\n".join(blocks) + "\n"}


def _facts(sheet: Sheet) -> Mapping[str, str]:
    """The catalogue's facts; of names and licence what corpus.toml says now, which need not be built again for it."""
    config = sheet.config
    now = {
        "description": config.description,
        "version": config.version,
        "licence": config.licence,
        "homepage": config.homepage,
    }
    return {**sheet.facts, **{key: text for key, text in now.items() if text}}


def _introduction() -> str:
    return (
        "The questions are those of Datasheets for Datasets (Gebru et al., arXiv 1803.09010), in other words. "
        "**Measured** was computed from the documents: each number names its statistic and the hash of its SQL, and "
        "can be recomputed; `STATISTICS.md` has all of them. **Declared** is what people wrote into corpus.toml, "
        "quoted as it stands. What nobody measured or declared is **unknown** to the authors, and never guessed."
    )


def _summary(sections: Mapping[str, Sequence[Answer]]) -> str:
    """How many questions have which status, by section, and which are unknown."""
    rows: list[list[object]] = []
    whole: Counter[str] = Counter()
    for section, answers in sections.items():
        found = Counter(one.status for one in answers)
        whole.update(found)
        rows.append([section, *(found[status] for status in STATUSES), len(answers)])
    rows.append(["All", *(whole[status] for status in STATUSES), whole.total()])
    headings = ["Section", *(status.capitalize() for status in STATUSES), "Questions"]
    text = markdown_table(headings, ["name", *["count"] * (len(STATUSES) + 1)], rows)
    unknown = [one.question.id for answers in sections.values() for one in answers if one.status == UNKNOWN]
    return f"{text}\n\nUnknown to the authors: {', '.join(unknown)}." if unknown else f"{text}\n\nNone is unknown."


def _blocks(sheet: Sheet, one: Answer) -> list[str]:
    """Heading, status, what is measured, what is declared."""
    blocks = [f"### {one.question.id}. {markdown(one.question.text)}", f"Status: **{one.status}**"]
    if one.status == UNKNOWN:
        blocks.append("Unknown to the authors.")
    for found in one.measured:
        blocks.append(f"Beside it, though no answer: {found.text}" if found.is_aside else found.text)
        if found.statistics:
            blocks.append(provenance(sheet, found.statistics))
    if one.declared:
        blocks += ["Declared:", *one.declared]
    elif one.status == MEASURED and one.question.id not in COMPLETE:
        blocks.append("The rest is unknown to the authors.")
    return blocks
