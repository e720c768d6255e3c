"""The Duplicates page: a card for each of the section's statistics, and the clusters behind the figures."""

from __future__ import annotations

import streamlit as st

from explorer.app import session
from explorer.app.card import card
from explorer.app.duplicates_clusters import show_clusters
from explorer.app.frame import guarded, heading
from explorer.app.text import safe
from explorer.app.words import section_lead, section_title
from explorer.duplicates.clusters import kinds_looked_for
from explorer.statistic import load_statistics

_SECTION = "duplicates"


@guarded
def duplicates_page() -> None:
    heading(section_title(_SECTION), section_lead(_SECTION))
    kinds = kinds_looked_for(session.current_corpus().manifest)
    if not kinds:
        st.info("Duplicates were not looked for in this build. Build again to find them:")
        st.code("corpus-explorer build SHARDS --out WORKSPACE --duplicates", "bash", wrap_lines=True)
    # only the open tab is computed
    figures, clusters = st.tabs(("Figures", "Clusters"), key="view", bind="query-params")
    with figures:
        if figures.open:
            _cards()
    with clusters:
        if clusters.open:
            show_clusters(kinds)


def _cards() -> None:
    statistics = [statistic for statistic in load_statistics().values() if statistic.section == _SECTION]
    st.markdown(" · ".join(f"[{safe(statistic.title)}](#{statistic.name})" for statistic in statistics))
    for statistic in statistics:
        card(statistic)
