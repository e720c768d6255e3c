"""A recipe's impact as a whole: for a terminal, as JSON and as Markdown, from the same statistics as the dashboard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from explorer.errors import UsageError
from explorer.escape import markdown, printable
from explorer.impact.engine import SECTION, Impact
from explorer.impact.explore import compare
from explorer.render import to_markdown, to_table, units_of
from explorer.sheet import Entry, entry_json, entry_markdown
from explorer.statistic import Value, find_statistic, load_statistics

FORMATS = ("table", "json", "md")
# What `--fail-on` may name, and the kinds of findings that each means.
FINDINGS: Mapping[str, tuple[str, ...]] = {
    "dead": ("dead rule", "dead span rule"),
    "partly-dead": ("partly dead rule", "rule without attributes"),
    "alarm": ("source alarm",),
    "failing": ("failing rule", "misaligned attributes"),
    "missing": ("missing attributes",),
    "stream": ("stream without documents", "stream on all documents"),
    "never": ("rule that never fires",),
    "always": ("rule that always fires",),
    "covered": ("covered rule",),
    "number": ("form of a number",),
}
_BRIEF = ("filter_totals", "filter_rules", "filter_sources", "filter_intersections", "filter_spans")
_COMPARED = {"n_docs": "docs", "n_bytes": "bytes", "n_words": "words", "n_tokens": "tokens"}


@dataclass(frozen=True)
class View:
    """How the numbers are wanted."""

    measure: str = "documents"
    source: str = ""
    order: Sequence[str] = field(default_factory=tuple)  # names of rules
    alarm_share: float = 0.5

    def arguments(self, name: str) -> dict[str, Value]:
        """Those of a statistic's parameters that this view sets."""
        given: dict[str, Value] = {
            "measure": self.measure, "only_source": self.source, "rule_order": "\n".join(self.order),
            "alarm_share": self.alarm_share,
        }  # fmt: skip
        known = {param.name for param in find_statistic(name).params}
        return {key: value for key, value in given.items() if key in known}


def check_order(impact: Impact, view: View) -> None:
    """Raises `UsageError` for a rule that the recipe does not have."""
    names = [rule.name for rule in impact.bound.rules]
    for name in view.order:
        if name not in names:
            raise UsageError(f"no rule is called {name!r}; rules: {', '.join(names)}")


def check_findings(wanted: Sequence[str]) -> None:
    """Raises `UsageError` for a kind of findings that there is not."""
    for name in wanted:
        if name not in FINDINGS:
            raise UsageError(f"--fail-on {name}: not one of {', '.join(FINDINGS)}")


def what_is_needed(impact: Impact) -> str:
    """Which taggers would make the attributes of a recipe that finds none of them; empty where it finds some."""
    bound, needs = impact.bound, impact.bound.recipe.needs
    of_attributes = [rule for stream in bound.streams for rule in stream.rules if rule.n_keys]
    if not needs or not of_attributes or not all(rule.is_dead for rule in of_attributes):
        return ""
    return f"this workspace has none of the recipe's attributes; they are made by: {', '.join(needs)}"


def findings(impact: Impact, wanted: Sequence[str], alarm_share: float) -> list[str]:
    """The warnings that `wanted` (keys of `FINDINGS`) names, one line each. Raises `UsageError` for another key."""
    check_findings(wanted)
    kinds = {kind for name in wanted for kind in FINDINGS[name]}
    found = impact.run("filter_warnings", alarm_share=alarm_share).filter(pl.col("kind").is_in(list(kinds)))
    return [f"{row['kind']} {row['subject']}: {row['message']}" for row in found.to_dicts()]


def report(impact: Impact, form: str, view: View, other: Impact | None = None, *, width: int | None = None) -> str:
    """The impact in one of `FORMATS`; `other` is a recipe to compare with. Raises `UsageError`."""
    if form not in FORMATS:
        raise UsageError(f"format {form!r} is not one of {', '.join(FORMATS)}")
    check_order(impact, view)
    if view.measure == "tokens" and impact.run("filter_totals")["n_kept_tokens"].is_null().all():
        raise UsageError("no tokens were counted; build again with --tokenizer, or choose another --measure")
    if view.source:
        sources = impact.run("filter_sources")["source"].to_list()
        if view.source not in sources:
            raise UsageError(f"no source is called {view.source!r}; sources: {', '.join(map(str, sources))}")
    names = _BRIEF if form == "table" else [s.name for s in load_statistics().values() if s.section == SECTION]
    entries = [
        Entry(find_statistic(name), impact.run(name, **view.arguments(name)), view.arguments(name)) for name in names
    ]
    if form == "json":
        return _json(impact, entries, other)
    return _markdown(impact, entries, other) if form == "md" else _table(impact, entries, view, other, width)


def _json(impact: Impact, entries: Sequence[Entry], other: Impact | None) -> str:
    is_estimate = bool(impact.run("filter_totals")["is_estimate"].any())
    data = {
        "recipe": impact.bound.recipe.name,
        "fingerprint": impact.source.fingerprint,
        "is_estimate": is_estimate,
        "is_exact_after_replacement": impact.reader is not None,
        "rules": [
            {
                "name": rule.name,
                "kind": rule.kind,
                "expressions": [expression.text for expression in rule.expressions],
                "min_bytes": rule.min_bytes or None,
            }
            for rule in impact.bound.rules
        ],
        "statistics": {entry.statistic.name: entry_json(entry, is_estimate=is_estimate) for entry in entries},
    }
    if other is not None:
        data["comparison"] = {"with": other.bound.recipe.name, "rows": compare(impact, other).to_dicts()}
    return json.dumps(data, indent=1, ensure_ascii=True) + "\n"


def _markdown(impact: Impact, entries: Sequence[Entry], other: Impact | None) -> str:
    recipe = impact.bound.recipe
    blocks = [f"# Impact of the recipe {markdown(recipe.name)}"]
    blocks += [markdown(text) for text in (recipe.title, recipe.doc, recipe.origin) if text]
    blocks.append(f"Fingerprint of the documents: `{impact.source.fingerprint}`.")
    is_estimate = bool(impact.run("filter_totals")["is_estimate"].any())
    for entry in entries:
        blocks += entry_markdown(entry, "this recipe", is_estimate=is_estimate)
    if other is not None:
        frame = compare(impact, other)
        blocks += [f"## Compared with {markdown(other.bound.recipe.name)}", to_markdown(frame, _compared_units(frame))]
    return "\n\n".join(block.rstrip() for block in blocks) + "\n"


def _table(impact: Impact, entries: Sequence[Entry], view: View, other: Impact | None, width: int | None) -> str:
    """For a person at a terminal: the figures, what is wrong, rules, sources."""
    blocks = []
    for entry in entries:
        frame = entry.frame
        if not frame.height:
            continue
        shown = frame.drop("recipe")
        if entry.statistic.name == "filter_intersections":
            shown = shown.head(10)
        title = entry.statistic.title
        if entry.statistic.name == "filter_rules":
            title += f", by {view.measure}" + (f", of the source {printable(view.source)}" if view.source else "")
        blocks.append(f"{title}\n{to_table(shown, units_of(shown, entry.statistic), width)}")
    warnings = impact.run("filter_warnings", **view.arguments("filter_warnings"))
    if warnings.height:
        lines = [
            printable(f"{row['severity']}: {row['kind']} {row['subject']}: {row['message']}")
            for row in warnings.to_dicts()
        ]
        blocks.insert(1, "Findings\n" + "\n".join(lines) + "\n")
    if other is not None:
        frame = compare(impact, other)
        name = printable(other.bound.recipe.name)
        blocks.append(f"Compared with {name} (all sources first)\n{to_table(frame, _compared_units(frame), width)}")
    return "\n".join(blocks)


def _compared_units(frame: pl.DataFrame) -> dict[str, str]:
    return {name: _COMPARED.get(name, "name") for name in frame.columns}
