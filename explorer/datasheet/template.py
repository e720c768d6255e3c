"""The human part of the `corpus.toml` that `init` writes: every key as a comment, with what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from explorer.datasheet.declared import PURPOSES, Card, Origin, Provider
from explorer.datasheet.questionnaire import SECTIONS
from explorer.toml_checks import toml_string

_COLUMN = 34  # where the explanations begin


def origin_lines(*, is_explained: bool) -> list[str]:
    """Keys of `[sources.<name>]` on where a source comes from; explained at the first source only."""
    if not is_explained:
        return [f'# {each.name} = ""' for each in fields(Origin)]
    return _keys(Origin)


def card_lines() -> list[str]:
    """The table `[card]`."""
    return [
        "# Who made the corpus, why, for what: README.md, croissant.json and DATASHEET.md read it.",
        "# (M2) and the like are the questions of DATASHEET.md that a text answers.",
        "[card]",
        *_keys(Card),
    ]


def answers_lines() -> list[str]:
    """The table `[answers]` with all questions."""
    return [
        "# Answers to the questions of Datasheets for Datasets: what was measured stands beside them by itself.",
        '# "not applicable", or "not applicable: why", says that a question does not arise; one without an answer is',
        "# unknown to the authors. An answer of several lines goes between three quotes.",
        "[answers]",
        *_questions(),
    ]


def purposes_lines() -> list[str]:
    """The table `[purposes]`."""
    return [
        "# What each rule of your recipes is for, by its name (`show filter_rules` lists them):",
        f"# {', '.join(PURPOSES)}. The public summary counts what each purpose removed.",
        "[purposes]",
        '# "name of the rule" = "quality"',
    ]


def provider_lines() -> list[str]:
    """The table `[provider]`."""
    return [
        "# Only for the EU's public summary of training content: who trains a model on the corpus.",
        '# yes and no are never inferred: what is empty is "to be provided" there.',
        "[provider]",
        *_keys(Provider),
    ]


def _keys(kind: type[Card] | type[Origin] | type[Provider]) -> list[str]:
    lines = []
    for each in fields(kind):
        line = f"# {each.name} = {toml_string(each.metadata['example'])}"
        lines.append(f"{line:<{_COLUMN}}  # {each.metadata['doc']}")
    return lines


def _questions() -> Iterator[str]:
    for section, questions in SECTIONS.items():
        yield f"# -- {section}"
        for question in questions:
            yield f"# {question.text}"
            yield f'# {question.id} = ""'
