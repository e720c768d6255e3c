"""The datasheet: every statistic with its definition and its provenance, as Markdown and as `stats.json`.

Byte-stable: the same corpus and the same files of statistics give the same bytes on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from explorer.corpus import Corpus
from explorer.escape import code_span, fenced, markdown
from explorer.render import plain, to_markdown, units_of
from explorer.statistic import Statistic, Value, load_statistics
from explorer.units import MEASURES
from explorer.workspace import disk_errors, replacing

SHEET_FORMAT = 1
MAX_ROWS = 50  # of a table in the Markdown; stats.json has them all


@dataclass(frozen=True)
class Entry:
    """One statistic of one corpus."""

    statistic: Statistic
    frame: pl.DataFrame
    given: Mapping[str, Value] = field(default_factory=dict)  # parameters that are not the defaults


def collect(corpus: Corpus) -> list[Entry]:
    """All statistics of a corpus, in reading order."""
    return [Entry(statistic, corpus.run(statistic, {})) for statistic in load_statistics().values()]


def write_datasheet(corpus: Corpus, folder: Path) -> list[Path]:
    """Write `DATASHEET.md` and `stats.json` into `folder` and return their paths. Raises `StorageError`."""
    entries = collect(corpus)
    contents = {"DATASHEET.md": to_datasheet(corpus, entries), "stats.json": to_stats_json(corpus, entries)}
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [folder / name for name in contents]


def datasheet_markdown(corpus: Corpus) -> str:
    """The Markdown datasheet of a corpus."""
    return to_datasheet(corpus, collect(corpus))


def to_stats_json(corpus: Corpus, entries: Iterable[Entry]) -> str:
    """Every number with its unit, definition, SQL hash, parameters and exactness."""
    data = {
        "format": SHEET_FORMAT,
        "corpus": dict(sorted(corpus.facts.items())),
        "statistics": {entry.statistic.name: entry_json(entry) for entry in entries},
    }
    return json.dumps(data, indent=1, ensure_ascii=True) + "\n"


def entry_json(entry: Entry, *, is_estimate: bool = False) -> dict[str, Any]:
    """A statistic as `stats.json` has it; `is_estimate` says that even an exact statistic stands on estimates."""
    statistic = entry.statistic
    return {
        "section": statistic.section,
        "title": statistic.title,
        "definition": statistic.doc,
        "is_exact": not statistic.error(entry.given, entry.frame) and not is_estimate,
        "error": statistic.error(entry.given, entry.frame) or None,
        "sql_hash": statistic.sql_hash,
        "parameters": statistic.arguments(entry.given),
        "columns": [{"name": c.name, "unit": c.unit, "definition": c.doc} for c in statistic.columns],
        "rows": [[plain(value) for value in row] for row in entry.frame.iter_rows()],
    }


def to_datasheet(corpus: Corpus, entries: Iterable[Entry]) -> str:
    """The Markdown: identity, definitions, then a section for each folder of statistics."""
    facts = corpus.facts
    name = facts.get("name") or "unnamed corpus"
    blocks = [f"# Datasheet: {markdown(name)}"]
    blocks += [_identity(facts), _definitions(facts)]
    for section, found in groupby(entries, key=lambda entry: entry.statistic.section):
        its = list(found)
        blocks.append(f"## {section.capitalize()}")
        if any(entry.frame.height for entry in its):
            # a recipe whose kept documents are an estimate makes all of its section one
            is_estimate = any(e.frame["is_estimate"].any() for e in its if "is_estimate" in e.frame.columns)
            blocks += [block for entry in its for block in entry_markdown(entry, is_estimate=is_estimate)]
        else:
            blocks.append(_empty_section(section, its))
    blocks.append(_repeat())
    return "\n\n".join(blocks) + "\n"


def _identity(facts: dict[str, str]) -> str:
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
    frame = pl.DataFrame([(a, b or "not stated") for a, b in rows], schema=["Fact", "Value"], orient="row")
    note = (
        "The fingerprint covers every document's source, id, text and URL; it does not depend on how the shards are "
        "cut or ordered. That of an attribute set covers each document's values and spans. Numbers are exact unless "
        "their section says that they are estimated."
    )
    return f"{to_markdown(frame, {'Fact': 'name', 'Value': 'text'})}\n{note}"


def _definitions(facts: dict[str, str]) -> str:
    lines = ["## Definitions", ""]
    for measure in MEASURES:
        named = (
            f" Tokenizer: {code_span(facts['tokenizer'])}."
            if measure.unit == "tokens" and facts.get("tokenizer")
            else ""
        )
        lines.append(f"- **{measure.unit.capitalize()}**: {markdown(measure.definition)}{named}")
    return "\n".join(lines)


def _empty_section(section: str, entries: Iterable[Entry]) -> str:
    """One sentence for a section in which nothing was counted."""
    names = ", ".join(code_span(entry.statistic.name) for entry in entries)
    reason = (
        "The workspace has no recipe of filters (`build --recipe` adds one)"
        if section == "filters"
        else "The corpus holds nothing that these statistics count"
    )
    return f"{reason}: {names}."


def entry_markdown(entry: Entry, where: str = "", *, is_estimate: bool = False) -> list[str]:
    """A statistic as blocks of Markdown: title, definition, table, columns, provenance.

    `where` names what it was computed for where that is not the catalogue; `is_estimate` says that even an exact
    statistic stands on estimates there.
    """
    statistic, frame = entry.statistic, entry.frame
    blocks = [f"### {markdown(statistic.title)}", markdown(statistic.doc)]
    if error := statistic.error(entry.given, entry.frame):
        blocks.append(f"**Estimated.** {markdown(error)}")
    empty = [column for column in frame.columns if frame.height and frame[column].null_count() == frame.height]
    shown = frame.head(MAX_ROWS).drop(empty)
    if not frame.height:
        blocks.append("No rows: the corpus holds nothing that this statistic counts.")
    else:
        blocks.append(to_markdown(shown, units_of(shown, statistic)).rstrip())
    notes = []
    if frame.height > MAX_ROWS:
        notes.append(f"The first {MAX_ROWS} of {frame.height:,} rows; `stats.json` has them all.")
    if empty:
        notes.append(f"Without any value, and left out: {', '.join(map(code_span, empty))}.")
    if notes:
        blocks.append(" ".join(notes))
    provenance = _provenance(entry, where, is_estimate=is_estimate)
    blocks.append(f"{_column_notes(statistic, shown.columns)}\n\n{provenance}")
    return blocks


def _column_notes(statistic: Statistic, names: Iterable[str]) -> str:
    kept = set(names)
    items = [f"{code_span(c.name)} ({c.unit}): {markdown(c.doc)}" for c in statistic.columns if c.name in kept]
    return "Columns: " + " · ".join(items)


def _provenance(entry: Entry, where: str, *, is_estimate: bool) -> str:
    statistic = entry.statistic
    parameters = ", ".join(f"{name} := {value!r}" for name, value in statistic.arguments(entry.given).items())
    call = code_span(f"from {statistic.name}({parameters})")
    exact = "estimated" if statistic.error(entry.given, entry.frame) or is_estimate else "exact"
    on = f"for {where}" if where else "on `corpus.duckdb`"
    return f"Provenance: {call} {on} · SQL {code_span(statistic.sql_hash)} · {exact}"


def _repeat() -> str:
    example = (
        'corpus-explorer show composition WORKSPACE --format csv\nduckdb WORKSPACE/corpus.duckdb "from composition()"'
    )
    return "## How to repeat a number\n\nEvery table is a macro of the catalogue:\n\n" + fenced(example, "sh")
