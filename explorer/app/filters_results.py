"""What a recipe does, as cards: the statistics of queries/filters over the recipe as it stands in the panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl
import streamlit as st

from explorer.app.card import Answer, Supply, card
from explorer.app.filters_errors import errors_declared, sample_note, spread, with_errors
from explorer.app.filters_impact import SharedImpact
from explorer.app.text import safe
from explorer.escape import code_span
from explorer.impact.hits import hits_relation
from explorer.statistic import Statistic, Value, load_statistics
from explorer.units import format_value

MEASURES: Mapping[str, str] = {"documents": "doc", "bytes": "byte", "words": "word", "tokens": "token"}
ATTRIBUTIONS: Mapping[str, str] = {
    "Shapley share": "removed_shapley",
    "alone": "removed_alone",
    "only by it": "removed_uniquely",
    "in order": "removed_in_order",
    "without it": "removed_without",
}
_BADGES = {"error": ":red-badge[Error]", "warning": ":orange-badge[Warning]", "note": ":blue-badge[Note]"}
_MAX_WARNINGS = 4
REPEAT = (
    "The relation `hits` is made from the recipe as it stands on this page, and kept nowhere; its SQL is at the foot "
    "of the page. Save the recipe under `recipes/` of the workspace and build, and it is in `corpus.duckdb` too; "
    "or run `corpus-explorer impact` with the exported file."
)


@dataclass(frozen=True)
class View:
    """How the numbers are looked at."""

    measure: str  # documents, bytes, words or tokens
    source: str  # only this one; empty for all
    order: str  # names of rules, one a line


def supply(impact: SharedImpact, view: View, *, is_short: bool = False) -> Supply:
    """The cards' frames out of an impact."""

    def run(statistic: Statistic, arguments: Mapping[str, Value]) -> Answer:
        numbers = impact.numbers(statistic.name, **arguments)
        frame = with_errors(numbers)
        if statistic.name == "filter_sources":  # by the measure that is looked at
            share = f"removed_{MEASURES[view.measure]}_share"
            frame = frame.sort([share, "source"], descending=[True, False], nulls_last=True)
        return Answer(frame.drop("recipe", strict=False), sample_note(numbers))

    given = {"measure": view.measure, "only_source": view.source, "rule_order": view.order}
    return Supply(run, REPEAT, given, f"n_{_plural(view.measure)}", is_short)


def _plural(measure: str) -> str:
    return "docs" if measure == "documents" else measure


def show_cards(impact: SharedImpact, view: View, *names: str, is_short: bool = False) -> None:
    """Cards of some of the section's statistics, charts by the page's measure."""
    for name in names:
        statistic = load_statistics().get(name)
        if statistic is not None:
            shown = _charted(statistic, view)
            card(errors_declared(shown) if impact.has_sample else shown, supply(impact, view, is_short=is_short))


def _charted(statistic: Statistic, view: View) -> Statistic:
    """The statistic with its chart by the page's measure."""
    unit = MEASURES[view.measure]
    columns = {column.name for column in statistic.columns}
    chart = {
        key: next((new for new in (_measured(str(value), unit),) if new in columns), value)
        for key, value in statistic.chart.items()
    }
    return replace(statistic, chart=chart)


def _measured(column: str, unit: str) -> str:
    plural = "docs" if unit == "doc" else f"{unit}s"
    return column.replace("_doc_", f"_{unit}_").replace("n_docs", f"n_{plural}")


def headline(impact: SharedImpact) -> None:
    """What is kept, with the share that is removed; standard errors where it is estimated."""
    statistic = load_statistics()["filter_totals"]
    numbers = impact.numbers("filter_totals")
    row = next(numbers.frame.iter_rows(named=True), None)
    if row is None:
        st.info("The recipe's streams take no document of this corpus.")
        return
    with st.grid(min_column_width=250 if numbers.is_sample else 165):
        for title, unit, column in (
            ("Kept documents", "docs", "n_kept_docs"),
            ("Kept bytes", "bytes", "n_kept_bytes"),
            ("Kept words", "words", "n_kept_words"),
            ("Kept tokens", "tokens", "n_kept_tokens"),
        ):
            share = row[f"kept_{unit.removesuffix('s')}_share"]
            if row[column] is None:
                continue
            said = [spread(numbers, column, unit)] if numbers.is_sample else []
            if share is not None:
                said.append(f"{format_value(share, 'share')} kept")
            st.metric(
                title,
                format_value(row[column], unit),
                delta=" · ".join(said) or None,
                delta_color="off",
                delta_arrow="off",
                border=True,
                height="stretch",
                help=safe(statistic.column(column).doc),
            )
    said = [f"{format_value(row['n_docs'], 'docs')} documents in the recipe's streams"]
    if row["n_docs_outside"]:
        said.append(f"{format_value(row['n_docs_outside'], 'docs')} in none of them")
    st.caption(f"{', '.join(said)}. Counted before spans are replaced.")


def warnings(impact: SharedImpact) -> None:
    """The worst findings; all of them on request."""
    if "filter_warnings" not in load_statistics():
        return
    frame = impact.numbers("filter_warnings").frame
    if not frame.height:
        return
    lines = [
        f"{_BADGES.get(row['severity'], '')} **{safe(row['subject'] or '')}** {safe(row['message'])}"
        for row in frame.iter_rows(named=True)
    ]
    with st.container(border=True, key="filter-warnings", gap="small"):
        for line in lines[:_MAX_WARNINGS]:
            st.markdown(line)
        if len(lines) > _MAX_WARNINGS:
            n_more = len(lines) - _MAX_WARNINGS
            with st.expander(f"{n_more:,} more finding{'s' if n_more > 1 else ''}", type="compact"):
                for line in lines[_MAX_WARNINGS:]:
                    st.markdown(line)


def rules_card(impact: SharedImpact, view: View) -> None:
    """What each rule takes, drawn by the attribution that the reader chooses."""
    chosen = st.segmented_control(
        "Chart of what a rule takes",
        list(ATTRIBUTIONS),
        default="Shapley share",
        required=True,
        key="attribution",
        bind="query-params",
        wrap=True,
        help="Shapley: a document that k rules hit counts 1/k for each of them, whatever the order. Alone: all that "
        "the rule hits. Only by it: what no other rule hits. In order: what is left for it by the rules before it. "
        "Without it: what the recipe would remove if the rule were left out.",
    )
    statistic = load_statistics()["filter_rules"]
    statistic = errors_declared(statistic) if impact.has_sample else statistic
    card(
        replace(statistic, chart={**statistic.chart, "x": ATTRIBUTIONS[chosen or "Shapley share"]}),
        supply(impact, view),
    )


def source_names(impact: SharedImpact) -> list[str]:
    """The sources of the recipe's streams, in order of their names."""
    found = impact.numbers("filter_sources").frame["source"].drop_nulls().to_list()
    return sorted(str(name) for name in found)


def has_tokens(impact: SharedImpact) -> bool:
    frame = impact.numbers("filter_totals").frame
    return frame.height > 0 and frame["n_kept_tokens"][0] is not None


def dead_rules(impact: SharedImpact) -> dict[str, str]:
    """Rules by name that can do nothing here, with what is missing."""
    from explorer.impact.bind import described

    bound = impact.bound
    found = {}
    for number, rule in enumerate(bound.rules):
        own = [r for s in bound.streams for r in s.rules if r.number == number]
        if own and all(r.is_dead for r in own):
            found[rule.name] = described([m for r in own[:1] for m in r.missing])
    for number, span_rule in enumerate(bound.span_rules):
        spans = [r for s in bound.streams for r in s.spans if r.number == number]
        if spans and all(r.missing for r in spans):
            found[span_rule.name] = described([m for r in spans[:1] for m in r.missing])
    return found


def show_sql(impact: SharedImpact) -> None:
    """What the rules compile to, so that it can be checked."""
    bound = impact.bound
    with st.expander("The rules as SQL", type="compact"):
        st.markdown(
            "Each condition over `inputs`, a row per document with the columns of the index that the rules look at: "
            "`_n` is how many spans an attribute has, `_first` the score of the first, `_max` the highest."
        )
        columns = pl.DataFrame({
            "column": [a.column for a in bound.needs.attributes.values()],
            "attribute": [a.key for a in bound.needs.attributes.values()],
            "set": [a.attribute_set for a in bound.needs.attributes.values()],
        }).sort("column")  # fmt: skip
        if columns.height:
            st.dataframe(
                columns, hide_index=True, lazy=False, alt="Columns of inputs", height=min(300, 38 + 35 * columns.height)
            )
        lines = []
        for stream in bound.streams:
            lines.append(f"-- stream {stream.number}: {' '.join(stream.stream.name.split())}")
            lines += [f"-- rule {r.number}: {' '.join(r.rule.name.split())}\n{r.holds}" for r in stream.rules]
        st.code("\n".join(lines), "sql", wrap_lines=True)
        st.markdown("The relation `hits`:")
        st.code(hits_relation(bound, bound.streams), "sql", wrap_lines=True, height=320)
    st.caption(
        f"Recipe {code_span(bound.recipe.name)}, {len(bound.rules):,} rules, {len(bound.span_rules):,} span rules."
    )
