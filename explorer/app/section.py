"""A section's page: a card for each of its statistics."""

from __future__ import annotations

import streamlit as st

from explorer.app.card import card
from explorer.app.frame import guarded, heading
from explorer.app.text import safe
from explorer.app.words import section_lead, section_title
from explorer.statistic import load_statistics


@guarded
def section_page(section: str) -> None:
    heading(section_title(section), section_lead(section))
    section_cards(section)


def section_cards(section: str) -> None:
    """A card for each statistic of a section, and links to them."""
    statistics = [statistic for statistic in load_statistics().values() if statistic.section == section]
    if len(statistics) > 2:
        st.markdown(" · ".join(f"[{safe(statistic.title)}](#{statistic.name})" for statistic in statistics))
    for statistic in statistics:
        card(statistic)
