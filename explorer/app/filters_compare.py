"""Two recipes side by side: what both keep, what only one keeps, and what neither does."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl
import streamlit as st

from explorer.app.card import Answer, Supply, card
from explorer.app.filters_edit import edited, entries
from explorer.app.filters_exact import NotYetError
from explorer.app.filters_impact import SharedImpact, current_impact
from explorer.app.filters_ranges import QUANTILES, Quantiles
from explorer.app.filters_recipes import Choice, Offer
from explorer.app.filters_results import MEASURES, View
from explorer.app.text import safe
from explorer.errors import ExplorerError
from explorer.impact import explore
from explorer.impact.engine import Impact
from explorer.recipe.expression import Path, walk
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.parse import parse
from explorer.recipe.plain import key_text
from explorer.statistic import Column, Statistic
from explorer.units import format_value

KINDS = "heuristic against model-based"
UNEDITED = "this recipe, unchanged"
# taggers by what they do: a trained model's opinion of quality, or a rule of thumb
_MODEL = re.compile(
    r"(quality|classifier|fasttext|\bft_|_ft_|dclm|fineweb|edu_|_edu|int_score|cc_multi_bin|perplexity|ccnet|jigsaw|"
    r"hatespeech|nsfw|toxic|oh_uc|wanjuan|askllm)",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"(cld[23]|lang_?id|lingua|language)", re.IGNORECASE)
_COMPARISON = Statistic(
    "filters", "recipes_compared", "Two recipes, source by source",
    "What both recipes keep of each source, what only one of them keeps, and what neither does. A document that no "
    "stream of a recipe takes is not kept by it.",
    None, 0, {"kind": "stacked_bar", "x": "n_docs", "y": "source", "color": "outcome"}, (), {}, None,
    (
        Column("source", "name", "Source."),
        Column("outcome", "name", "Which of the two recipes keep the documents."),
        Column("n_docs", "docs", "Documents."),
        Column("n_bytes", "bytes", "UTF-8 bytes of text."),
        Column("n_words", "words", "Words."),
        Column("n_tokens", "tokens", "Tokens; null when none were counted."),
    ),
    "", "", "",
)  # fmt: skip
_REPEAT = "Computed for both recipes as they stand on this page; the SQL of the first one's rules is at its foot."


@dataclass(frozen=True)
class Pair:
    """Two recipes to compare, and what is said about them (Markdown)."""

    first: Recipe
    second: Recipe
    doc: str


def is_model(key: str) -> bool:
    """Whether an attribute is a trained model's score of quality or content; models of language are neither kind."""
    return bool(_MODEL.search(key)) and not _LANGUAGE.search(key)


def show_compare(recipe: Recipe, choice: Choice, offer: Offer, quantiles: Quantiles, view: View) -> None:
    others = [one.name for one in offer.choices if one.name != choice.name]
    options = [KINDS, *([UNEDITED] if recipe != choice.recipe else []), *others]
    chosen = st.selectbox(
        "Compare with",
        options,
        None,
        key="with",
        bind="query-params",
        width=420,
        placeholder="choose a recipe",
    )
    if chosen is None:
        st.info("Choose a second recipe, or the ready-made comparison of heuristic with model-based filters.")
        return
    if chosen == KINDS:
        pair = kinds_pair(recipe, quantiles)
        if isinstance(pair, str):
            st.info(pair)
            return
    else:
        other = choice if chosen == UNEDITED else offer.find(chosen)
        assert other is not None
        second = replace(other.recipe, name=f"{other.name} (unchanged)" if chosen == UNEDITED else other.name)
        pair = Pair(replace(recipe, name=choice.name), second, "")
    if pair.doc:
        st.markdown(pair.doc)
    try:
        frame = _compared(current_impact(pair.first), current_impact(pair.second), pair.second)
    except NotYetError as error:
        st.info(safe(str(error)))
        return
    except ExplorerError as error:
        st.error(f"The other recipe cannot be applied to this corpus: {safe(str(error))}")
        return
    _figures(frame, view, pair)
    by_source = frame.filter(pl.col("source").is_not_null() | pl.lit(not frame["source"].drop_nulls().len()))
    measure = f"n_{MEASURES[view.measure]}s"
    statistic = replace(_COMPARISON, chart={**_COMPARISON.chart, "x": measure})
    card(statistic, Supply(lambda _, __: Answer(by_source), _REPEAT, {}, measure))


def _compared(first: SharedImpact, second: SharedImpact, recipe: Recipe) -> pl.DataFrame:
    def ask(held: Impact) -> pl.DataFrame:
        with held.with_recipe(recipe) as other:
            return explore.compare(held, other)

    return first.remembered(("compare", second.key), ask)


def _figures(frame: pl.DataFrame, view: View, pair: Pair) -> None:
    """The four outcomes over all sources, those without a document too."""
    column = f"n_{MEASURES[view.measure]}s"
    total = dict(frame.filter(pl.col("outcome").is_not_null() & pl.col("source").is_null())["outcome", column].rows())
    whole = sum(total.values()) or 1
    outcomes = ("kept by both", f"only by {pair.first.name}", f"only by {pair.second.name}", "by neither")
    with st.grid(min_column_width=190):
        for outcome in dict.fromkeys([*outcomes, *total]):
            value = total.get(outcome) or 0
            st.metric(
                safe(outcome[:1].upper() + outcome[1:]),
                format_value(value, column.removeprefix("n_")),
                delta=format_value(value / whole, "share"),
                delta_color="off",
                delta_arrow="off",
                border=True,
                height="stretch",
            )


def kinds_pair(recipe: Recipe, quantiles: Quantiles) -> Pair | str:
    """Heuristic against model-based filters: the recipe's own rules of each kind, or a cut at the median of a score.

    Where one kind is not there, what would make it (Markdown).
    """
    listed = entries(recipe)
    model = {entry.key for entry in listed if _looks_at_model(entry.rule)}
    heuristic = {entry.key for entry in listed} - model
    everything = {entry.key for entry in listed}
    if not heuristic:
        return (
            "Every rule of this recipe looks at a model's score. Choose one with heuristic rules, such as Gopher's or "
            "C4's: the taggers `gopher_v2` and `c4_v2` make their attributes."
        )
    first = replace(edited(recipe, everything - heuristic, {}), name="heuristic rules")
    if model:
        second = replace(edited(recipe, everything - model, {}), name="model-based rules")
        return Pair(
            first, second, "The rules of this recipe that look at a model's score, against all its other rules."
        )
    keys = sorted({key for key, kind in quantiles if kind == "first" and is_model(key)})
    if not keys:
        return (
            "This corpus has attributes of heuristic taggers only. The second kind needs the score of a trained model "
            "beside the documents: a quality classifier (fastText or other), a perplexity, or a classifier of toxic or "
            "adult text, such as the toolkit's `jigsaw_hatespeech_document_v2`. Tag the shards with one of them, build "
            "again (no text is read a second time), and the comparison is made here."
        )
    key = keys[0]
    values = quantiles[key, "first"]
    middle = values[min(len(values) - 1, QUANTILES.index("p50_approx"))]
    rule = Rule(f"{key} below its median", "exclude", (parse(f"{key_text(key)} < {middle!r}", "plain"),))
    second = Recipe("model-based rule", (Stream("all", rules=(rule,)),))
    return Pair(
        first,
        second,
        f"The rules of this recipe, against one rule that removes what scores below {format_value(middle, 'score')}, "
        f"the median of {safe(key)}. (No recipe here has a rule on it; write one to compare at its own threshold.)",
    )


def _looks_at_model(rule: Rule | SpanRule) -> bool:
    expressions = [rule.span] if isinstance(rule, SpanRule) else rule.expressions
    paths = [n for e in expressions for n in walk(e.tree) if isinstance(n, Path) and n.keys[0] == "attributes"]
    return any(is_model(path.keys[-1]) for path in paths)
