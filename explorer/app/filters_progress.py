"""What the Filters page says about numbers that are still being counted, and when it is drawn again."""

from __future__ import annotations

import math

import streamlit as st

from explorer.app.filters_impact import Background, SharedImpact, current_desk
from explorer.app.text import safe
from explorer.errors import ExplorerError
from explorer.units import format_value

_SECONDS = 1.0  # between two looks at what goes on behind the page
_DOCS_PER_SECOND = 150_000  # of which a sample is drawn, on two busy cores


def waiting(impact: SharedImpact) -> None:
    """In place of numbers: what is done so that there will be some. The page is drawn again when there are."""
    background = impact.background
    assert background is not None
    if not background.drawing.error:
        st.info(
            f"This corpus has {_docs(background)} documents. A sample of them is drawn now, which answers at once from "
            "then on: its numbers come with their errors, until the exact ones are counted. It is drawn once for a "
            f"build and kept beside the index; this takes about {_duration(background)}. The exact numbers are counted "
            "at the same time, and are shown here if they are ready first."
        )
    follow(impact)


def follow(impact: SharedImpact) -> None:
    """When all of a page is drawn: say where its numbers come from, and draw it once more when there are exact ones."""
    if impact.background is None or impact.answers is None:
        return
    if impact.state != "exact":
        _follow(impact, impact.state)
        impact.pursue()
    elif impact.answers.refusal:
        st.warning(f"Not everything can be counted: {safe(impact.answers.refusal)}")
    else:  # where the other line was, so that nothing moves under the reader's hand
        st.markdown(f":green-badge[Exact] Counted in all {_docs(impact.background)} documents.")


@st.fragment(run_every=_SECONDS)
def _follow(impact: SharedImpact, shown: str) -> None:
    background = impact.background
    if background is None:
        return
    if impact.state != shown or not _is_current(background):
        st.rerun(scope="app")
    drawing = background.drawing
    counted = min(1.0, background.counter.share)
    if drawing.sample is not None:
        n_sampled = format_value(drawing.sample.n_docs, "docs")
        st.markdown(
            f":orange-badge[Sample] From a sample of {n_sampled} documents; ± is two standard errors. "
            f"Exact numbers are being counted: {counted:.0%}"
        )
    else:
        if drawing.error:
            st.warning(f"No sample can be drawn: {safe(drawing.error)}. Exact numbers take longer, and follow.")
        else:
            st.progress(min(1.0, drawing.share), "Drawing the sample")
        st.progress(counted, f"Counting exactly, in all {_docs(background)} documents")
    impact.pursue(politely=True)  # another reader's recipe may have taken its place


def _is_current(background: Background) -> bool:
    """Whether no build has put another generation in place."""
    try:
        return current_desk().background is background
    except ExplorerError:
        return False


def _docs(background: Background) -> str:
    return format_value(background.source.n_docs, "docs")


def _duration(background: Background) -> str:
    seconds = math.ceil(background.source.n_docs / _DOCS_PER_SECOND)
    return f"{max(5, 5 * math.ceil(seconds / 5))} seconds" if seconds <= 90 else f"{math.ceil(seconds / 60)} minutes"
