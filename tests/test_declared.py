"""The human part of corpus.toml: what is read, what is refused, and the file that `init` writes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from explorer.config import parse_config, read_config, template
from explorer.datasheet.declared import (
    CARD_KEYS,
    ORIGIN_KEYS,
    PROVIDER_KEYS,
    YES_NO_KEYS,
    Card,
    Declared,
    Origin,
    Provider,
    read_declared,
)
from explorer.datasheet.questionnaire import DOLMA_SECTIONS, QUESTIONS, SECTIONS
from explorer.errors import UsageError
from tests.corpora import build_corpus, documents, write_jsonl

FULL = '''
[corpus]
name = "N"

[card]
pretty_name = " Pretty "
date = 2026-01-31
purpose = """
First.

  Second.
"""

[sources."a|b"]
title = "T"
origin_class = "own_crawl"
collected_from = "2025-01"
collected_to = 2025-01-15
crawler = "bot"

[sources.other]
licence = "MIT"

[answers]
C13 = "no"
N1 = "  "

[provider]
name = "P"
is_sme = "yes"
uses_own_crawl = "no"

[purposes]
"a rule | x" = "opt_out"
unsaid = ""
'''


def write(folder: Path, text: str) -> Path:
    path = folder / "corpus.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_table_is_read(tmp_path: Path) -> None:
    declared = read_declared(write(tmp_path, FULL))
    assert declared.card == Card(pretty_name="Pretty", date="2026-01-31", purpose="First.\n\n  Second.")
    crawl = Origin(origin_class="own_crawl", collected_from="2025-01", collected_to="2025-01-15", crawler="bot")
    assert declared.origins == {"a|b": crawl, "other": Origin()}
    assert declared.answers == {"C13": "no"}
    assert declared.provider == Provider(name="P", is_sme="yes", uses_own_crawl="no")
    assert declared.purposes == {"a rule | x": "opt_out"}


def test_the_other_part_is_read_as_before(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, FULL))
    assert (config.name, config.sources["a|b"].title, config.sources["other"].licence) == ("N", "T", "MIT")


def test_nothing_said_is_nothing_declared(tmp_path: Path) -> None:
    assert read_declared(write(tmp_path, "")) == Declared()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[card]\nwhy = "x"', "card.why is not known; known: pretty_name, date"),
        ("[card]\npurpose = 3", "card.purpose must be a text in quotes, not 3"),
        ('card = "x"', "card is not a table"),
        ('[card]\ndate = "31.1.2026"', "card.date = '31.1.2026' is not a date; write YYYY-MM-DD"),
        ('[card]\ndate = "2026-02-30"', "card.date = '2026-02-30' is not a date"),
        ('[card]\ndate = "2026-01"', "card.date = '2026-01' is not a date; write YYYY-MM-DD"),
        ('[card]\ndate = "2026-W01-1"', "card.date = '2026-W01-1' is not a date"),
        ("[card]\ndate = 2026-01-31T10:00:00", "card.date must be a text in quotes"),
        (
            '[sources.a]\nwho = "x"',
            "sources.a.who is not known; known: title, document_type, licence, origin, origin_c",
        ),
        ('[sources]\na = "x"', "sources.a is not a table"),
        ('[sources.a]\norigin_class = "crawl"', "sources.a.origin_class = 'crawl' is not one of public_dataset, licen"),
        ('[sources.a]\ncollected_from = "2025"', "sources.a.collected_from = '2025' is not a date; write YYYY-MM or"),
        ('[sources.a]\ncollected_to = "2025-13"', "sources.a.collected_to = '2025-13' is not a date"),
        (
            '[sources.a]\ncollected_from = "2025-03-01"\ncollected_to = "2025-02"',
            "sources.a.collected_from = '2025-03-01' is after collected_to = '2025-02'",
        ),
        ('[answers]\nc13 = "x"', "answers.c13 is not the id of a question; known: M1 to M3, C1 to C16, K1 to K12, P1"),
        ('[answers]\nC17 = "x"', "answers.C17 is not the id of a question"),
        ("[answers]\nC1 = ['x']", "answers.C1 must be a text in quotes"),
        ('[provider]\nwho = "x"', "provider.who is not known; known: name, contact"),
        ('[provider]\nis_sme = "maybe"', "provider.is_sme = 'maybe' is not one of yes, no"),
        ("[provider]\nis_sme = true", 'provider.is_sme must be "yes" or "no", in quotes'),
        (
            '[purposes]\nrule = "safety"',
            "purposes.rule = 'safety' is not one of quality, duplicates, personal_data, il",
        ),
        ('[cards]\npurpose = "x"', "cards is not known; known: corpus, columns, sources, card, answers, provider"),
    ],
)
def test_mistakes_are_named_with_file_key_and_choices(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_a_month_and_a_day_in_it_are_in_order(tmp_path: Path) -> None:
    text = '[sources.a]\ncollected_from = "2025-03-31"\ncollected_to = "2025-03"'
    assert read_declared(write(tmp_path, text)).origins["a"].collected_to == "2025-03"


def test_a_build_refuses_a_slip_on_the_card(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(2))
    with pytest.raises(UsageError, match=r"card\.purposes is not known"):
        build_corpus(tmp_path / "in", tmp_path / "w", config_path=write(tmp_path, '[card]\npurposes = "x"'))


def test_declared_tables_change_nothing_that_is_indexed(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(2))
    build_corpus(tmp_path / "in", tmp_path / "w")
    report = build_corpus(tmp_path / "in", tmp_path / "w", config_path=write(tmp_path, FULL))
    assert report.n_parts_indexed == 0


HOSTILE = ('quo"te\n|x', "]\n[card]\npurpose = 'taken over'", "\u202edna", "back\\slash", "# comment")


def test_the_template_has_every_key_once_and_is_read() -> None:
    text = template(dict.fromkeys(HOSTILE, 3))
    assert set(parse_config(tomllib.loads(text), "t").sources) == set(HOSTILE)
    tables = text.split("\n[card]\n")[1]
    for key in (*CARD_KEYS, *PROVIDER_KEYS, *QUESTIONS):
        found = re.findall(rf"^# {key} = ", tables, re.MULTILINE)
        assert len(found) == (2 if key in CARD_KEYS and key in PROVIDER_KEYS else 1), key
    sources = text.split("\n[card]\n")[0].partition("\n[sources.")[2]
    for key in ORIGIN_KEYS:
        assert len(re.findall(rf"^# {key} = ", sources, re.MULTILINE)) == len(HOSTILE), key
    for question in QUESTIONS.values():
        assert f"# {question.text}\n# {question.id} = " in text


def test_the_template_is_read_when_everything_in_it_is_filled_in(tmp_path: Path) -> None:
    text = template({"web": 3})
    yes = "|".join(YES_NO_KEYS)
    text = re.sub(rf'^# ({yes}) = ""', r'\1 = "yes"', text, flags=re.MULTILINE)
    text = re.sub(r'^# origin_class = ""', 'origin_class = "other"', text, flags=re.MULTILINE)
    text = re.sub(r'^# (\w+|"name of the rule") = ""', r'\1 = "said"', text, flags=re.MULTILINE)
    text = re.sub(r'^# (\w+|"name of the rule") = "', r'\1 = "', text, flags=re.MULTILINE)
    path = write(tmp_path, text)
    declared = read_declared(path)
    assert read_config(path).sources["web"].title == "said"
    for part in (declared.card, declared.origins["web"], declared.provider):
        assert all(asdict(part).values()), part
    assert set(declared.answers) == set(QUESTIONS)
    assert declared.purposes == {"name of the rule": "quality"}


def test_there_are_52_questions_in_both_orders() -> None:
    sizes = [len(questions) for questions in SECTIONS.values()]
    assert sizes == [3, 16, 12, 3, 5, 6, 7]
    assert len(QUESTIONS) == 52
    assert sorted(q.id for its in DOLMA_SECTIONS.values() for q in its) == sorted(QUESTIONS)
    assert [name[:3] for name in DOLMA_SECTIONS] == [f"N.{n}" for n in range(1, 8)]
    assert len({question.text for question in QUESTIONS.values()}) == 52
