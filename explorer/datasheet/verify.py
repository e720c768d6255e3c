"""`verify`: is every published number still what the corpus gives, and does every file say what stats.json says?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import polars as pl

from explorer import __version__
from explorer.corpus import Corpus
from explorer.datasheet.bundle import render_bundle
from explorer.datasheet.compare import Difference, differences, is_equal, line_differences, shown
from explorer.datasheet.conditions import Conditions, renamed
from explorer.datasheet.eu import render as render_eu
from explorer.datasheet.eu_domains import domain_tables
from explorer.datasheet.sheet import Sheet
from explorer.datasheet.stats import STATS_FILE
from explorer.errors import UsageError
from explorer.sheet import TOOL, Entry, stats_of
from explorer.statistic import load_statistics

SAME, CHANGED, UNKNOWN, MISSING = "same", "changed", "not recomputable", "missing"
UNCHECKED = "not checked"  # a file that this version does not render as the one that wrote it did
STATES = (SAME, UNKNOWN, UNCHECKED, MISSING, CHANGED)
# Of `corpus` in stats.json: what the documents give. The rest is declared, or versions.
_MEASURED_FACTS = ("tokenizer", "min_paragraph", "near_threshold", "n_spans_outside")


@dataclass(frozen=True)
class Finding:
    """What became of one statistic, fact or file; or one cell or line of it that differs."""

    kind: str  # statistic, fact or file
    name: str
    state: str  # of STATES
    row: str = ""
    column: str = ""
    published: str = ""
    now: str = ""
    reason: str = ""


def verify(published: Sheet, folder: Path | None, corpus: Corpus) -> list[Finding]:
    """Every statistic and fact of a published sheet against a corpus; and the files of its folder against the sheet.

    `folder` is None where a stats.json alone is held against the corpus. A statistic that this version has and the
    sheet lacks is missing: whoever wants to hide a number takes it out.
    """
    entries, refused = _computed(published, corpus)
    now = renamed(published.stats, stats_of(corpus, entries))
    conditions = Conditions(published.stats, now)
    found = [*_facts(published.stats, now, conditions)]
    for name, entry in published.stats["statistics"].items():
        if name in refused:
            found.append(Finding("statistic", name, UNKNOWN, reason=refused[name]))
        else:
            found += _statistic(name, entry, now["statistics"][name], conditions)
    lacked = f"this version has it, and the sheet (written by {TOOL} {published.stats['versions'].get(TOOL)}) does not"
    found += [
        Finding("statistic", name, MISSING, reason=lacked)
        for name in load_statistics()
        if name not in published.stats["statistics"]
    ]
    if folder is not None:
        found += _files(published, folder, corpus, conditions)
    return found


def unchecked(findings: Sequence[Finding]) -> str:
    """What has to be said loudly of files that nobody checked; empty where all were."""
    files = {one.name: one for one in findings if one.kind == "file"}
    those = [one for one in files.values() if one.state == UNCHECKED]
    if not those:
        return ""
    is_none = not any(one.state in (SAME, CHANGED) for one in files.values())
    how_many = "NO FILE WAS CHECKED" if is_none else f"{len(those):,} of {len(files):,} FILES WERE NOT CHECKED"
    return f"{how_many}: {those[0].reason}"


def shortened(findings: Sequence[Finding], most: int = 10) -> list[Finding]:
    """For a person: at most so many findings of one name, and how many more there are."""
    found: list[Finding] = []
    seen: Counter[tuple[str, str]] = Counter()
    totals = Counter((one.kind, one.name) for one in findings)
    for one in findings:
        place = (one.kind, one.name)
        seen[place] += 1
        if seen[place] <= most:
            found.append(one)
        elif seen[place] == totals[place]:
            found.append(
                replace(one, row="...", column="", published="", now="", reason=f"and {totals[place] - most:,} more")
            )
    return found


def findings_frame(findings: Sequence[Finding]) -> pl.DataFrame:
    """A row a finding, for all formats of output."""
    names = [each.name for each in fields(Finding)]
    return pl.DataFrame([astuple(one) for one in findings], dict.fromkeys(names, pl.String), orient="row")


def counts(findings: Sequence[Finding]) -> str:
    """How many statistics, facts and files are in which state, as a sentence."""
    found: dict[str, Counter[str]] = {}
    for kind, _, state in dict.fromkeys((one.kind, one.name, one.state) for one in findings):
        found.setdefault(kind, Counter())[state] += 1
    return "; ".join(
        f"{kind}s: " + ", ".join(f"{its[state]:,} {state}" for state in STATES if its[state])
        for kind, its in found.items()
    )  # fmt: skip


def _computed(published: Sheet, corpus: Corpus) -> tuple[list[Entry], dict[str, str]]:
    """The published statistics as the corpus gives them; and why some cannot be computed, by name."""
    known = load_statistics()
    entries, refused = [], {}
    for name, entry in published.stats["statistics"].items():
        statistic = known.get(name)
        if statistic is None:
            refused[name] = "this version has no such statistic"
        elif entry["sql_hash"] != statistic.sql_hash:
            refused[name] = f"its SQL is another one now ({statistic.sql_hash}; published: {entry['sql_hash']})"
        elif [c["name"] for c in entry["columns"]] != [c.name for c in statistic.columns]:
            refused[name] = "its columns are not those that its SQL gives"
        else:
            try:
                given = statistic.arguments(entry["parameters"])
            except UsageError as error:
                refused[name] = str(error)
                continue
            entries.append(Entry(statistic, corpus.run(statistic, given), given))
    return entries, refused


def _statistic(
    name: str, entry: Mapping[str, Any], now: Mapping[str, Any], conditions: Conditions
) -> Iterator[Finding]:
    statistic = load_statistics()[name]
    found = [*differences(now["columns"], entry["rows"], now["rows"])]
    found += [
        Difference("", f"({key})", shown(entry[key]), shown(now[key]))
        for key in ("is_exact", "error", "parameters")
        if not is_equal(entry[key], now[key])
    ]
    units = [(c["name"], c["unit"]) for c in entry["columns"]]
    if units != [(c["name"], c["unit"]) for c in now["columns"]]:
        found.append(
            Difference("", "(units)", shown([u for _, u in units]), shown([c["unit"] for c in now["columns"]]))
        )
    yield from _told("statistic", name, found, [conditions.excuse(statistic, one) for one in found])


def _told(kind: str, name: str, found: Sequence[Difference], excuses: Sequence[str]) -> Iterator[Finding]:
    """Every difference that nothing excuses; else one line."""
    for one, excuse in zip(found, excuses, strict=True):
        if not excuse:
            yield Finding(kind, name, CHANGED, one.row, one.column, one.published, one.now)
    reasons = sorted({excuse for excuse in excuses if excuse})
    if reasons:
        yield Finding(kind, name, UNKNOWN, reason="; ".join(reasons))
    elif not found:
        yield Finding(kind, name, SAME)


def _facts(published: Mapping[str, Any], now: Mapping[str, Any], conditions: Conditions) -> Iterator[Finding]:
    """Fingerprints, and what else the head of stats.json states of the documents."""
    facts = published["corpus"]
    # the head says it once for machines and once among the facts that files show
    pairs = [("", published["fingerprint"], now["fingerprint"])]
    pairs += [("corpus", facts.get("fingerprint"), now["fingerprint"])]
    yield from _fact("fingerprint", pairs, "")
    for name, value in published["attribute_fingerprints"].items():
        here = now["attribute_fingerprints"].get(name)
        both = [("", value, here), ("corpus", facts.get(f"fingerprint of {name}"), here)]
        yield from _fact(f"fingerprint of {name}", both, conditions.sets.get(name, ""))
    excuses = {
        "tokenizer": conditions.tokens or conditions.roles.get("n_tokens", ""),
        "min_paragraph": conditions.duplicates,
        "near_threshold": conditions.duplicates,
        "n_spans_outside": next(iter(conditions.sets.values()), ""),
    }
    for name in _MEASURED_FACTS:
        yield from _fact(name, [("", facts.get(name), now["corpus"].get(name))], excuses[name])
    yield from _shards(published, now)


def _fact(name: str, pairs: Sequence[tuple[str, Any, Any]], excuse: str) -> Iterator[Finding]:
    found = [Difference("", place, shown(a), shown(b)) for place, a, b in pairs if a != b]
    yield from _told("fact", name, found, [excuse] * len(found))


def _shards(published: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Finding]:
    """The files: where the documents are the same, another cut of them is no change."""
    columns = [{"name": key, "unit": "name" if key in ("name", "fingerprint") else "count"} for key in _SHARD]
    old, new = ([[shard[key] for key in _SHARD] for shard in stats["shards"]] for stats in (published, now))
    found = [*differences(columns, old, new)]
    names = {shard["name"]: shard["fingerprint"] for shard in now["shards"]}
    is_recut = published["fingerprint"] == now["fingerprint"] and any(
        names.get(shard["name"]) != shard["fingerprint"] for shard in published["shards"]
    )
    cut = f"the same documents lie in other files ({len(old):,} published, {len(new):,} here)" if is_recut else ""
    yield from _told("fact", "shards", found, [cut] * len(found))


_SHARD = ("name", "n_bytes", "n_rows", "n_docs", "fingerprint")


def _files(published: Sheet, folder: Path, corpus: Corpus, conditions: Conditions) -> Iterator[Finding]:
    """The files beside stats.json, held against what is rendered from it."""
    version = published.stats["versions"].get(TOOL)
    other = "" if version == __version__ else f"written by {TOOL} {version}, and this is {__version__}"
    try:
        sheet = replace(published, tables=domain_tables(corpus, published.declared))
        rendered = render_bundle(sheet)
        without = render_eu(replace(published, tables=dict.fromkeys(sheet.tables, ())))
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        # renderers rely on what statistics promise (no null among counts, say); an edited file need not keep it
        reason = f"no file can be rendered from this stats.json ({type(error).__name__}: {error})"
        yield Finding("file", "(all)", UNCHECKED, reason=f"{reason}; {other}" if other else reason)
        return
    excuse = conditions.of_list(load_statistics()["domain_list"])
    for name, content in rendered.items():
        if name == STATS_FILE:
            continue
        found = [*_file(name, folder / name, content)]
        # of other tokens (say) comes another list of domains, and nothing in stats.json tells which it was
        is_listed = name in without and without[name].encode() != content
        state, reason = (UNCHECKED, other) if other else (UNKNOWN, excuse if is_listed else "")
        is_excused = bool(reason) and any(one.state == CHANGED for one in found)
        yield from [Finding("file", name, state, reason=reason)] if is_excused else found


def _file(name: str, path: Path, content: bytes) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding("file", name, MISSING, reason="the bundle must have it")
        return
    try:
        there = path.read_bytes()
    except OSError as error:
        yield Finding("file", name, UNKNOWN, reason=f"cannot be read: {error.strerror}")
        return
    if there == content:
        yield Finding("file", name, SAME)
        return
    try:
        lines = [*line_differences(there.decode(), content.decode())]
    except UnicodeDecodeError:
        lines = []
    if not lines:
        yield Finding("file", name, CHANGED, reason="its bytes are not those that stats.json gives")
    for number, line, due in lines:
        yield Finding("file", name, CHANGED, f"line {number}", "", line, due)
