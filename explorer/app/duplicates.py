"""The Duplicates page: a card for each of the section's statistics, and the clusters behind the figures."""

from __future__ import annotations

import streamlit as st

from explorer.app import session
from explorer.app.duplicates_clusters import show_clusters
from explorer.app.frame import guarded, heading
from explorer.app.section import section_cards
from explorer.app.words import section_lead, section_title
from explorer.duplicates.clusters import kinds_looked_for

_SECTION = "duplicates"


@guarded
def duplicates_page() -> None:
    heading(section_title(_SECTION), section_lead(_SECTION))
    kinds = kinds_looked_for(session.current_corpus().manifest)
    if not kinds:
        st.info("Duplicates were not looked for in this build. Build again to find them:")
        st.code("corpus-explorer build SHARDS --out WORKSPACE --duplicates", "bash", wrap_lines=True)
        return
    # only the open tab is computed
    figures, clusters = st.tabs(("Figures", "Clusters"), key="view", bind="query-params")
    with figures:
        if figures.open:
            section_cards(_SECTION)
    with clusters:
        if clusters.open:
            show_clusters(kinds)
