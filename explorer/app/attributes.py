"""The Attributes page: its cards, and what the taggers of the corpus measure."""

from __future__ import annotations

from explorer.app.frame import guarded, heading
from explorer.app.meaning import definitions_by_tagger, meanings
from explorer.app.section import section_cards
from explorer.app.words import section_lead, section_title


@guarded
def attributes_page() -> None:
    heading(section_title("attributes"), section_lead("attributes"))
    known = meanings()
    if known:
        definitions_by_tagger(known)
    section_cards("attributes")
