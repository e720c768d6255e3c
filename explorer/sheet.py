"""What a datasheet states: every statistic with its definition and its provenance.

`stats.json` holds it, and the other files of a bundle are rendered from that alone (`explorer.datasheet`).
Byte-stable: the same corpus and the same files of statistics give the same bytes on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

import polars as pl

from explorer.config import CorpusConfig, read_config
from explorer.corpus import Corpus
from explorer.datasheet.declared import Declared, read_declared
from explorer.errors import QueryError, WorkspaceError
from explorer.escape import code_span, markdown
from explorer.index_documents import sum_fingerprints
from explorer.render import plain, to_markdown, units_of
from explorer.statistic import Statistic, Value, load_statistics
from explorer.workspace import Workspace

SHEET_FORMAT = 2
TOOL = "corpus-explorer"
SCHEMA_FILE = "stats.schema.json"
MAX_ROWS = 50  # of a table in Markdown
_ESTIMATED_KEPT = (
    "It stands on an estimate: a minimum length applies after span replacement, and the texts were not read again."
)


@dataclass(frozen=True)
class Entry:
    """One statistic of one corpus."""

    statistic: Statistic
    frame: pl.DataFrame
    given: Mapping[str, Value] = field(default_factory=dict)  # parameters that are not the defaults


def collect(corpus: Corpus) -> list[Entry]:
    """All statistics of a corpus, in reading order."""
    return [Entry(statistic, corpus.run(statistic, {})) for statistic in load_statistics().values()]


def stats_of(corpus: Corpus, entries: Iterable[Entry]) -> dict[str, Any]:
    """The content of `stats.json`: every number with its unit, definition, SQL hash, parameters and exactness; and all
    that it takes to make them again, and to render every file of the bundle.

    Raises `WorkspaceError` where the workspace is older than what is stated, `UsageError` for a wrong corpus.toml.
    """
    facts = corpus.facts
    options, shards = _build_options(corpus), _shards(corpus)
    path = Workspace(corpus.root).config
    config = read_config(path) if path.exists() else CorpusConfig()
    declared = read_declared(path) if path.exists() else Declared()
    prefix = "fingerprint of "
    versions = options.pop("versions")
    return {
        "$schema": SCHEMA_FILE,
        "format": SHEET_FORMAT,
        "tool": TOOL,
        "versions": {
            TOOL: facts["explorer_version"],
            **dict(sorted(versions.items())),
            "public suffix list": facts["suffix_list"],
        },
        "fingerprint": facts["fingerprint"],
        "attribute_fingerprints": {
            name.removeprefix(prefix): value for name, value in sorted(facts.items()) if name.startswith(prefix)
        },
        "options": options,
        "shards": shards,
        "corpus": dict(sorted(facts.items())),
        "config": config_json(config),
        "declared": asdict(declared),
        "bundle": {"order": "datasheets", "files": []},
        "statistics": _statistics(entries),
    }


def _build_options(corpus: Corpus) -> dict[str, Any]:
    try:
        rows = corpus.sql("select name, value from build_options order by name").rows()
    except QueryError:
        raise WorkspaceError(
            f"{corpus.root}: was built by an older version, which noted neither the build's options nor a fingerprint "
            "of each shard; build again (all text is read)"
        ) from None
    return {name: json.loads(value) for name, value in rows}


def _shards(corpus: Corpus) -> list[dict[str, Any]]:
    """The files that were read; the runs of row groups that a large file was read in are added up."""
    frame = corpus.sql("select name, n_file_bytes, n_rows, n_docs, fingerprint from shards order by name, shard")
    found = []
    for name, rows in groupby(frame.iter_rows(named=True), key=lambda row: row["name"]):
        pieces = list(rows)
        found.append({
            "name": name,
            "n_bytes": pieces[0]["n_file_bytes"],
            "n_rows": sum(piece["n_rows"] for piece in pieces),
            "n_docs": sum(piece["n_docs"] for piece in pieces),
            "fingerprint": sum_fingerprints(piece["fingerprint"] for piece in pieces),
        })  # fmt: skip
    return found


def config_json(config: CorpusConfig) -> dict[str, Any]:
    """[corpus], [columns] and [sources] of a corpus.toml, for `explorer.config.parse_config`."""
    data = asdict(config)
    columns, sources = data.pop("columns"), data.pop("sources")
    return {"corpus": data, "columns": columns, "sources": sources}


def _statistics(entries: Iterable[Entry]) -> dict[str, Any]:
    stated: dict[str, Any] = {}
    for _, found in groupby(entries, key=lambda entry: entry.statistic.section):
        its = list(found)
        # a recipe whose kept documents are an estimate makes all of its section one
        is_estimate = any(e.frame["is_estimate"].any() for e in its if "is_estimate" in e.frame.columns)
        stated |= {entry.statistic.name: entry_json(entry, is_estimate=is_estimate) for entry in its}
    return stated


def entry_json(entry: Entry, *, is_estimate: bool = False) -> dict[str, Any]:
    """A statistic as `stats.json` has it; `is_estimate` says that even an exact statistic stands on estimates."""
    statistic = entry.statistic
    is_estimate = is_estimate and entry.frame.height > 0
    error = statistic.error(entry.given, entry.frame) or (_ESTIMATED_KEPT if is_estimate else None)
    return {
        "section": statistic.section,
        "title": statistic.title,
        "definition": statistic.doc,
        "is_exact": error is None,
        "error": error,
        "sql_hash": statistic.sql_hash,
        "parameters": statistic.arguments(entry.given),
        "columns": [{"name": c.name, "unit": c.unit, "definition": c.doc} for c in statistic.columns],
        "rows": [[plain(value) for value in row] for row in entry.frame.iter_rows()],
    }


def dump_stats(stats: Mapping[str, Any]) -> str:
    """`stats.json`: a row, a column, a shard each on one line, so that a difference of two files can be read."""
    return "".join(_lines(stats, "")) + "\n"


def _lines(value: Any, indent: str, *, in_list: bool = False) -> Iterator[str]:
    inner = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []
    is_long = isinstance(value, Mapping) and not in_list and len(indent) < 3
    if not inner or not (is_long or any(isinstance(one, Mapping | list | tuple) and one for one in inner)):
        yield json.dumps(value, ensure_ascii=True)
        return
    begin, end = "{}" if isinstance(value, Mapping) else "[]"
    heads = [f"{json.dumps(key)}: " for key in value] if isinstance(value, Mapping) else [""] * len(inner)
    yield f"{begin}\n"
    for place, (head, one) in enumerate(zip(heads, inner, strict=True)):
        yield f"{indent} {head}"
        yield from _lines(one, indent + " ", in_list=begin == "[")
        yield ",\n" if place < len(inner) - 1 else "\n"
    yield f"{indent}{end}"


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
