"""One threshold looked at: the curve of what is kept over it, and the documents just on either side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from explorer.app.card import Answer, Supply, card
from explorer.app.filters_edit import Dial, Entry
from explorer.app.filters_exact import NotYetError
from explorer.app.filters_impact import SharedImpact
from explorer.app.filters_panel import dial_title, short
from explorer.app.meaning import captions, meanings, named_in
from explorer.app.text import safe
from explorer.errors import ExplorerError, UsageError
from explorer.escape import code_span
from explorer.impact import explore
from explorer.impact.engine import Impact
from explorer.recipe.expression import Threshold, thresholds
from explorer.statistic import Column, Statistic

_N_AROUND = 5
_MAX_TEXT = 1500  # characters of a document that are shown
_CURVE = Statistic(
    "filters", "threshold_curve", "What is kept as this threshold moves",
    "Everything else stays as it is. At most some 200 thresholds, which are quantiles of the values of the corpus; "
    "each point is exact.",
    None, 0, {"kind": "curve", "x": "threshold", "y": "kept_doc_share"}, (), {}, None,
    (
        Column("threshold", "score", "Where the threshold would stand."),
        Column("n_docs_kept", "docs", "Documents that the whole recipe would keep."),
        Column("kept_doc_share", "share", "Those, of the documents in the recipe's streams."),
        Column("n_bytes_kept", "bytes", "Their UTF-8 bytes of text."),
        Column("kept_byte_share", "share", "Those, of all bytes."),
        Column("n_words_kept", "words", "Their words."),
        Column("n_tokens_kept", "tokens", "Their tokens; null when none were counted."),
        Column("kept_token_share", "share", "Those, of all tokens."),
        Column("is_chosen", "flag", "Whether the threshold stands here now."),
    ),
    "", "", "",
)  # fmt: skip
_REPEAT = "Computed for the recipe as it stands on this page; the SQL of its rules is at the foot of the page."


@dataclass(frozen=True)
class Spot:
    """A threshold of a rule that is on, as the impact numbers it."""

    title: str
    rule: int
    place: int  # of the rule's expressions
    threshold: Threshold


def spots(on: Sequence[Entry], impact: SharedImpact) -> list[Spot]:
    """Every threshold that can be looked at, of the entries that are on; titles keep while numbers move."""
    bound = impact.bound
    found = []
    for number, entry in enumerate(one for one in on if not one.is_span):
        if number >= len(bound.rules) or all(r.is_dead for s in bound.streams for r in s.rules if r.number == number):
            continue
        for dial in entry.dials:
            if dial.threshold is None:
                continue
            # the bound rule's own places: a starred key is longer there than in the recipe
            own = thresholds(bound.rules[number].expressions[dial.expression])
            if dial.number < len(own):
                found.append(Spot(_title(entry, dial), number, dial.expression, own[dial.number]))
    return found


def _title(entry: Entry, dial: Dial) -> str:
    title = dial_title(dial)
    return f"{entry.key}: {title}" + (f" ({dial.key})" if dial.key else "")


def show_explore(on: Sequence[Entry], impact: SharedImpact) -> None:
    found = {spot.title: spot for spot in spots(on, impact)}
    if not found:
        st.info("No rule that is on compares a number with a threshold. Switch one on in the panel.")
        return
    chosen = st.selectbox("Threshold", list(found), key="threshold", bind="query-params", width=480)
    spot = found[chosen or next(iter(found))]
    st.caption(
        f"It stands at {code_span(short(spot.threshold.value))}: the rule fires where the value is "
        f"{code_span(f'{spot.threshold.operator} {short(spot.threshold.value)}')}. Move it in the panel above."
    )
    captions(named_in([spot.threshold.subject], meanings()))
    # both are asked before either is waited for
    if not all([_is_counted(impact, spot, _curve), _is_counted(impact, spot, _nearest)]):
        st.info("The curve and the documents on either side are looked for in all documents; they follow.")
        return
    card(_CURVE, Supply(lambda statistic, arguments: _curve(impact, spot), _REPEAT, {}, ""))
    _around(impact, spot)


def _is_counted(impact: SharedImpact, spot: Spot, ask: Callable[[SharedImpact, Spot], object]) -> bool:
    try:
        ask(impact, spot)
    except NotYetError:
        return False
    except ExplorerError:
        return True  # it is said where the answer is shown
    return True


def _curve(impact: SharedImpact, spot: Spot) -> Answer:
    def ask(held: Impact) -> tuple[pl.DataFrame, dict[str, Any]]:
        frame = explore.curve(held, spot.rule, spot.threshold, spot.place)
        return frame, held.run("filter_totals").row(0, named=True)

    frame, totals = impact.remembered(("curve", spot), ask)
    for unit in ("doc", "byte", "token"):
        kept, share = totals[f"n_kept_{unit}s"], totals[f"kept_{unit}_share"]
        at_chosen = frame.filter("is_chosen")[f"n_{unit}s_kept"]
        # what is kept now is kept / share of all; where nothing is kept, the shares are of documents only
        whole = totals["n_docs"] if unit == "doc" else kept / share if kept and share else None
        if not at_chosen.len() or not whole:
            frame = frame.with_columns(pl.lit(None, pl.Float64).alias(f"kept_{unit}_share"))
        else:
            frame = frame.with_columns((pl.col(f"n_{unit}s_kept") / whole).alias(f"kept_{unit}_share"))
    return Answer(frame.select([column.name for column in _CURVE.columns]))


def _around(impact: SharedImpact, spot: Spot) -> None:
    """The nearest documents with their texts, kept ones beside removed ones."""
    with st.container(border=True, key="card-around"):
        st.subheader("Documents on either side of it", anchor="around")
        st.markdown("The nearest ones that no other rule removes: what this threshold alone decides about.")
        try:
            frame = _nearest(impact, spot)
        except UsageError as error:
            st.info(safe(str(error)))
            return
        except ExplorerError as error:
            st.error(safe(str(error)))
            return
        columns = st.columns(2, gap="medium")
        for column, outcome in zip(columns, ("kept", "removed"), strict=True):
            with column:
                st.markdown(f"**Just {outcome}**")
                own = frame.filter(pl.col("outcome") == outcome) if frame.height else frame
                if not own.height:
                    st.info(f"No document is {outcome} by this threshold alone.")
                for row in own.iter_rows(named=True):
                    _document(row)


def _nearest(impact: SharedImpact, spot: Spot) -> pl.DataFrame:
    def ask(held: Impact) -> pl.DataFrame:
        found = explore.around(held, spot.rule, spot.threshold, _N_AROUND, spot.place)
        return explore.texts(held, found) if found.height else found

    return impact.remembered(("around", spot), ask)


def _document(row: Mapping[str, object]) -> None:
    """One document: its value, whose it is, and the beginning of its text, as it stands."""
    text = row["text"]
    facts = [
        f"value **{safe(_number(row['value']))}**",
        safe(str(row["source"] or "")),
        code_span(str(row["id"] or "")),
    ]
    if row["url"]:
        facts.append(code_span(str(row["url"])[:200]))
    n_words = row["n_words"]
    if isinstance(n_words, int):
        facts.append(f"{n_words:,} words")
    st.markdown(" · ".join(fact for fact in facts if fact))
    if isinstance(text, str):
        st.code(text[:_MAX_TEXT] or " ", None, wrap_lines=True, height=200 if len(text) > 200 else "content")
        if len(text) > _MAX_TEXT:
            st.caption(f"The first {_MAX_TEXT:,} of {len(text):,} characters.")
    else:
        st.caption("Its text could not be read again.")


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
