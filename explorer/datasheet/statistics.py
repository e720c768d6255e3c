"""STATISTICS.md: every statistic of the sheet with its definition, its numbers and its provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from explorer.datasheet.blocks import call_span, is_estimated, markdown_table
from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, fenced, markdown
from explorer.units import MEASURES

MAX_ROWS = 50  # of a table; stats.json has them all

Named = tuple[str, Mapping[str, Any]]  # a statistic's name and its entry in stats.json


def render_statistics(sheet: Sheet) -> Mapping[str, str]:
    """The file: identity, definitions, then a section for each folder of statistics."""
    name = sheet.facts.get("name") or "unnamed corpus"
    blocks = [f"# Statistics: {markdown(name)}", identity(sheet.facts), _definitions(sheet.facts)]
    entries: Mapping[str, Mapping[str, Any]] = sheet.stats["statistics"]
    for section, found in groupby(entries.items(), key=lambda named: str(named[1]["section"])):
        its = list(found)
        blocks.append(f"## {markdown(section.capitalize())}")
        if any(entry["rows"] for _, entry in its):
            # a recipe whose kept documents are an estimate makes all of its section one
            is_estimate = any(row.get("is_estimate") for statistic, _ in its for row in sheet.rows(statistic))
            blocks += [block for one in its for block in _statistic(one, is_estimate=is_estimate)]
        else:
            blocks.append(_empty_section(section, its))
    blocks.append(_repeat())
    return {"STATISTICS.md": "\n\n".join(blocks) + "\n"}


def identity(facts: Mapping[str, str]) -> str:
    """What the corpus is and what the numbers were made from, as a table with a note."""
    rows = [
        ("Description", facts.get("description")),
        ("Version", facts.get("version")),
        ("Licence", facts.get("licence")),
        ("Homepage", facts.get("homepage")),
        ("Tokenizer", facts.get("tokenizer")),
        ("Fingerprint of the documents", facts.get("fingerprint")),
        *((f"F{name[1:]}", value) for name, value in sorted(facts.items()) if name.startswith("fingerprint of ")),
        ("Files passed over, being no shards", facts.get("n_files_passed_over")),
        ("Shortest paragraph that duplicates are sought among, in characters", facts.get("min_paragraph")),
        ("Near-duplicates from a Jaccard similarity of", facts.get("near_threshold")),
        ("Public suffix list", facts.get("suffix_list")),
        ("Made with", f"corpus-explorer {facts.get('explorer_version')}, DuckDB {facts.get('duckdb_version')}"),
    ]
    note = (
        "The fingerprint covers every document's source, id, text and URL; it does not depend on how the shards are "
        "cut or ordered. That of an attribute set covers each document's values and spans. Numbers are exact unless "
        "their section says that they are estimated."
    )
    return (
        markdown_table(("Fact", "Value"), ("name", "text"), [(a, b or "not stated") for a, b in rows]) + f"\n\n{note}"
    )


def _definitions(facts: Mapping[str, str]) -> str:
    lines = ["## Definitions", ""]
    for measure in MEASURES:
        tokenizer = facts.get("tokenizer")
        named = f" Tokenizer: {code_span(tokenizer)}." if measure.unit == "tokens" and tokenizer else ""
        lines.append(f"- **{measure.unit.capitalize()}**: {markdown(measure.definition)}{named}")
    return "\n".join(lines)


def _empty_section(section: str, entries: Iterable[Named]) -> str:
    """One sentence for a section in which nothing was counted."""
    names = ", ".join(code_span(name) for name, _ in entries)
    reason = (
        "The workspace has no recipe of filters (`build --recipe` adds one)"
        if section == "filters"
        else "The corpus holds nothing that these statistics count"
    )
    return f"{reason}: {names}."


def _statistic(named: Named, *, is_estimate: bool) -> list[str]:
    """A statistic as blocks: title, definition, table, columns, provenance.

    `is_estimate` says that even an exact statistic stands on estimates.
    """
    name, entry = named
    rows, columns = entry["rows"], entry["columns"]
    blocks = [f"### {markdown(entry['title'])}", markdown(entry["definition"])]
    if entry["error"]:
        blocks.append(f"**Estimated.** {markdown(entry['error'])}")
    filled = [place for place in range(len(columns)) if not rows or any(row[place] is not None for row in rows)]
    kept = [columns[place] for place in filled]
    if not rows:
        blocks.append("No rows: the corpus holds nothing that this statistic counts.")
    else:
        values = [[row[place] for place in filled] for row in rows[:MAX_ROWS]]
        blocks.append(markdown_table([c["name"] for c in kept], [c["unit"] for c in kept], values))
    notes = []
    if len(rows) > MAX_ROWS:
        notes.append(f"The first {MAX_ROWS} of {len(rows):,} rows; `stats.json` has them all.")
    if len(kept) < len(columns):
        empty = [code_span(column["name"]) for place, column in enumerate(columns) if place not in filled]
        notes.append(f"Without any value, and left out: {', '.join(empty)}.")
    if notes:
        blocks.append(" ".join(notes))
    items = [f"{code_span(c['name'])} ({c['unit']}): {markdown(c['definition'])}" for c in kept]
    blocks.append(f"Columns: {' · '.join(items)}")
    exact = "estimated" if is_estimated(entry) or is_estimate else "exact"
    blocks.append(
        f"Provenance: {call_span(name, entry)} on `corpus.duckdb` · SQL {code_span(entry['sql_hash'])} · {exact}"
    )
    return blocks


def _repeat() -> str:
    example = (
        'corpus-explorer show composition WORKSPACE --format csv\nduckdb WORKSPACE/corpus.duckdb "from composition()"'
    )
    return "## How to repeat a number\n\nEvery table is a macro of the catalogue:\n\n" + fenced(example, "sh")
