"""The EU's public summary of training content: `eu/public_summary.md`, `.json`, and the lists of domains.

DRAFT stands at the top while anything is still to be provided; what that is stands at the end.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.datasheet.eu_answers import Gap, answer_all, find_gaps, found_json
from explorer.datasheet.eu_crawl import DOMAIN_KEYS, domain_table
from explorer.datasheet.eu_domains import MAX_OTHER_DOMAINS, OTHER_DOMAINS, OWN_DOMAINS
from explorer.datasheet.eu_facts import NOT_APPLICABLE, SIZES, TO_BE_PROVIDED, Found, Table, is_url
from explorer.datasheet.eu_template import NOT_ADVICE, SECTIONS, TEMPLATE, TEMPLATE_DATE, TITLE, Field
from explorer.datasheet.sheet import Sheet
from explorer.escape import markdown, printable
from explorer.units import UNITS, format_value

_FACTS = ("name", "version", "fingerprint", "tokenizer", "explorer_version", "suffix_list")
_CSV_HEADER = ("rank", "domain", "n_docs", "n_bytes", "n_tokens", "byte_share", "cumulative_byte_share")
# What would open a block at the start of a line: headings, lists, rules under a heading.
_OPENS_BLOCK = re.compile(r"^(\d{1,9}(?=[.)])|(?=[#+=-]))")


def render(sheet: Sheet) -> dict[str, str]:
    """The files of the folder `eu/`."""
    answers = answer_all(sheet)
    gaps = find_gaps(sheet, answers)
    return {
        "eu/public_summary.md": summary_markdown(sheet, answers, gaps),
        "eu/public_summary.json": summary_json(sheet, answers, gaps),
        "eu/top_domains.csv": domains_csv(sheet.tables.get(OWN_DOMAINS, ())),
        "eu/other_domains.csv": domains_csv(sheet.tables.get(OTHER_DOMAINS, ())),
    }


def domains_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Domains by rank; only the header where there are none. Shares keep every digit."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CSV_HEADER)
    writer.writerows([row[key] for key in DOMAIN_KEYS] for row in rows)
    return out.getvalue()


def summary_json(sheet: Sheet, answers: Mapping[str, Found], gaps: Sequence[Gap]) -> str:
    """The same answers for machines, each with its status and what it was taken from."""
    data = {
        "template": {"title": TITLE, "document": TEMPLATE, "date": TEMPLATE_DATE},
        "notice": NOT_ADVICE,
        "is_draft": bool(gaps),
        "corpus": {key: sheet.facts.get(key) for key in _FACTS},
        "sections": [
            {
                "number": section.number,
                "title": section.title,
                "fields": [
                    {
                        "id": field.id,
                        "label": field.label,
                        "kind": field.kind,
                        "is_optional": field.is_optional,
                        **found_json(answers[field.id]),
                    }
                    for field in section.fields
                ],
            }
            for section in SECTIONS
        ],
        "gaps": [{"id": gap.id, "section": gap.section, "label": gap.label, "reason": gap.reason} for gap in gaps],
    }
    return json.dumps(data, indent=1, ensure_ascii=True) + "\n"


def summary_markdown(sheet: Sheet, answers: Mapping[str, Found], gaps: Sequence[Gap]) -> str:
    """The summary under the template's headings, in its order."""
    blocks = [f"# {TITLE}"]
    if gaps:
        n = "One answer is" if len(gaps) == 1 else f"{len(gaps)} answers are"
        blocks.append(f"**DRAFT.** {n} still {TO_BE_PROVIDED}; the end of this file lists them.")
    name, fingerprint = sheet.facts.get("name") or "an unnamed corpus", sheet.facts.get("fingerprint", "")
    blocks.append(
        f"Template: Annex of the Commission's Communication {TEMPLATE} of {TEMPLATE_DATE}. {NOT_ADVICE} Numbers are "
        f"measured over {markdown(name)} (fingerprint {markdown(fingerprint)}); `public_summary.json` says for each "
        "answer where it comes from."
    )
    for section in SECTIONS:
        if section.number:
            blocks.append(f"{'#' * section.level} {section.number}. {section.title}")
        for field in section.fields:
            blocks += _field(field, answers[field.id])
    blocks += _annex(sheet.tables.get(OTHER_DOMAINS, ()))
    if gaps:
        blocks += ["---", "**Still to be provided**"]
        blocks.append("\n".join(f"- {_where(gap)}**{markdown(gap.label)}**: {markdown(gap.reason)}" for gap in gaps))
    return "\n\n".join(blocks) + "\n"


def _where(gap: Gap) -> str:
    return f"{gap.section}. " if gap.section else ""


def _annex(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    n_listed, n_domains = min(rows[0]["n_listed"], MAX_OTHER_DOMAINS), rows[0]["n_domains"]
    text = (
        f"The template asks for the domains of the provider's own crawl only. Of these others, "
        f"{format_value(n_domains, 'count')} domains, the largest {format_value(n_listed, 'count')} are in "
        "`other_domains.csv`; the first of them:"
    )
    table = _table(domain_table("", rows, 20))
    return [
        "---",
        "**Voluntary annex: domains of the sources that are not declared to be the provider's own crawl**",
        text,
        table,
    ]


def _field(field: Field, found: Found) -> list[str]:
    blocks = [f"**{markdown(field.label)}**"]
    if field.kind == "yes_no" and found.value != NOT_APPLICABLE:
        blocks.append(_choice(("Yes", "No"), found.value, "  "))
    elif field.kind == "size" and (found.value in SIZES or found.value == TO_BE_PROVIDED):
        blocks.append(_choice(SIZES, found.value, "  "))
    elif found.value:
        blocks.append(_text(found.value))
    elif field.is_optional:
        blocks.append("Nothing stated.")
    blocks += [_text(lack) for lack in found.lacks]
    for table in found.tables:
        if len(found.tables) > 1:
            blocks.append(f"{markdown(table.title)}:")
        blocks.append(_table(table))
    return blocks + [_text(note) for note in found.notes]


def _choice(options: Sequence[str], value: str, between: str) -> str:
    boxes = between.join(f"{'☒' if option == value else '☐'} {option}" for option in options)
    return boxes if value in options else f"{boxes}{between}{TO_BE_PROVIDED}"


def _text(text: str) -> str:
    """Declared text as paragraphs: every line is one, and none opens a block of Markdown."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n\n".join(_line(line) for line in lines if line)


def _line(line: str) -> str:
    return f"<{line}>" if is_url(line) else _OPENS_BLOCK.sub(lambda found: f"{found[1]}\\", markdown(line))


def _table(table: Table) -> str:
    numeric = [column.unit in UNITS and UNITS[column.unit].is_numeric for column in table.columns]
    lines = [
        f"| {' | '.join(markdown(column.name) for column in table.columns)} |",
        f"| {' | '.join('---:' if is_number else '---' for is_number in numeric)} |",
    ]
    for row in table.rows:
        cells = (_cell(value, column.unit) for value, column in zip(row, table.columns, strict=True))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: Any, unit: str) -> str:
    if unit == "link":
        text = str(value or "")
        return f"<{text}>" if is_url(text) else markdown(text)
    return markdown(printable(format_value(value, unit)))
