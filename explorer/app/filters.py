"""The Filters page: a recipe, its numbers in the reader's hands, and what it does to the corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from explorer.app import session
from explorer.app.filters_choice import account, choose, dead_recipe, no_attributes, upload
from explorer.app.filters_compare import show_compare
from explorer.app.filters_edit import entries
from explorer.app.filters_explore import show_explore
from explorer.app.filters_export import show_export
from explorer.app.filters_impact import SharedImpact, current_impact, current_source
from explorer.app.filters_order import chosen_order, show_order
from explorer.app.filters_panel import Panel, panel, reset
from explorer.app.filters_progress import follow, waiting
from explorer.app.filters_ranges import Quantiles, read_quantiles
from explorer.app.filters_recipes import (
    Choice,
    Offer,
    offered,
)
from explorer.app.filters_results import (
    MEASURES,
    View,
    dead_rules,
    has_tokens,
    headline,
    rules_card,
    show_cards,
    show_sql,
    source_names,
    warnings,
)
from explorer.app.frame import guarded, heading
from explorer.app.text import safe
from explorer.app.words import section_lead, section_title
from explorer.errors import ExplorerError, UsageError
from explorer.escape import code_span
from explorer.impact.source import Source
from explorer.recipe.showing import shown
from explorer.statistic import load_statistics

_TABS = ("Rules", "Sources", "Together", "Documents", "Threshold", "Compare", "Export")
_HEIGHT = 640  # of the panel, which scrolls inside


@guarded
def filters_page() -> None:
    heading(section_title("filters"), section_lead("filters"))
    try:
        source = current_source()
    except UsageError as error:
        st.error(safe(str(error)))
        return
    offer = offered(source)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="filters-choice"):
        choice = choose(offer, source)
        upload()
        controls = st.container(horizontal=True, gap="medium", vertical_alignment="bottom", width="content")
    for name, reason in offer.refused:
        st.warning(f"{code_span(f'recipes/{name}')} is left out: {safe(reason)}")
    if choice is None:
        st.info(
            "There is no recipe yet. Upload one (TOML, or a Dolma mixer config in YAML or JSON), or put it under "
            "`recipes/` of the workspace."
        )
        return
    if not any(source.sets.values()):
        no_attributes()
    account(choice.recipe)
    try:
        impact = current_impact(choice.recipe)
    except ExplorerError as error:
        st.error(f"This recipe cannot be applied to this corpus. {safe(str(error))}")
        st.markdown("Choose or upload another one.")
        return
    dead = dead_rules(impact)
    bound = impact.bound
    if len(dead) == len(bound.rules) + len(bound.span_rules) > 0:
        dead_recipe(choice.recipe, dead)
        return
    _body(choice, offer, controls, dead)


def _body(choice: Choice, offer: Offer, controls: st.delta_generator.DeltaGenerator, dead: dict[str, str]) -> None:
    quantiles = _quantiles()
    figures = st.container()
    left, right = st.columns([6, 7], gap="medium")
    with left, st.container(height=_HEIGHT, key="panel"):
        seen = panel(choice, quantiles, dead, partial(shown, is_spans=_is_spans(current_source())))
    recipe = seen.recipe
    try:
        impact = current_impact(recipe)
        if recipe != choice.recipe:
            controls.button("Reset", on_click=reset, args=(choice,), help="Put every rule and threshold back.")
        if not impact.begin():
            with figures:
                waiting(impact)
            return
        document_rules = [entry for entry in entries(choice.recipe) if not entry.is_span]
        order = chosen_order(choice.name, len(document_rules))
        view = _view(impact, controls, _names_in_order(seen, [document_rules[n].key for n in order]))
        with figures:
            headline(impact)
            status = st.container()
            warnings(impact)
        with right:
            show_cards(impact, view, "filter_waterfall", is_short=True)
            show_order(choice.name, [entry.rule.name for entry in document_rules], order)
    except ExplorerError as error:
        st.error(f"These numbers cannot be had. {safe(str(error))}")
        return
    _tabs(choice, offer, seen, impact, view, quantiles)
    show_sql(impact)
    with status:
        follow(impact)


def _is_spans(source: Source) -> Callable[[tuple[str, ...]], bool]:
    """Whether an attribute has spans, as far as the corpus knows it."""
    shapes: dict[tuple[str, ...], set[str]] = {}
    for attributes in source.sets.values():
        for one in attributes:
            shapes.setdefault(one.path, set()).add(one.shape)
    return lambda keys: shapes.get(keys) == {"spans"}


def _tabs(choice: Choice, offer: Offer, seen: Panel, impact: SharedImpact, view: View, quantiles: Quantiles) -> None:
    """The rest, a tab at a time: only the open one is computed."""
    tabs = st.tabs(_TABS, key="tab", bind="query-params")
    for name, tab in zip(_TABS, tabs, strict=True):
        if not tab.open:
            continue
        with tab:
            if name == "Rules":
                rules_card(impact, view)
            elif name == "Sources":
                show_cards(impact, view, "filter_sources", "filter_rules_by_source")
            elif name == "Together":
                show_cards(impact, view, "filter_intersections", "filter_correlations")
            elif name == "Documents":
                show_cards(impact, view, "filter_by_language", "filter_by_domain", "filter_by_length")
                show_cards(impact, view, "filter_spans", "filter_outcomes")
            elif name == "Threshold":
                show_explore(seen.on, impact)
            elif name == "Compare":
                show_compare(seen.recipe, choice, offer, quantiles, view)
            else:
                show_export(choice, seen.recipe, current_source())


def _names_in_order(seen: Panel, keys: Sequence[str]) -> str:
    """The rules that are on, by the names that they have now, one a line; empty in the recipe's own order."""
    on = [entry for entry in seen.on if not entry.is_span]
    names = {entry.key: now.rule.name for entry, now in zip(on, entries(seen.recipe), strict=False)}
    wanted = [names[key] for key in keys if key in names]
    return "" if wanted == list(names.values()) else "\n".join(wanted)


def _view(impact: SharedImpact, controls: st.delta_generator.DeltaGenerator, order: str) -> View:
    """How the numbers are looked at: controls beside the recipe."""
    measures = [name for name in MEASURES if name != "tokens" or has_tokens(impact)]
    with controls:
        measure = st.segmented_control(
            "Count", measures, default="documents", required=True, key="measure", bind="query-params", wrap=True
        )
        only = st.selectbox(
            "Source", source_names(impact), None, key="source", bind="query-params", placeholder="all", width=150,
            help="Rules, waterfall, combinations, correlations and spans of this source alone.",
        )  # fmt: skip
    return View(measure or "documents", only or "", order)


def _quantiles() -> Quantiles:
    """The quantiles of every attribute's scores, out of the catalogue: what sliders range over."""
    statistic = load_statistics().get("attribute_quantiles")
    if statistic is None:
        return {}
    try:
        return read_quantiles(session.run(statistic, statistic.arguments({})))
    except ExplorerError:
        return {}  # sliders then range around the numbers of the recipe
