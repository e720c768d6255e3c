"""The pages: the overview, one for each section that has statistics, and the tools."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.app.frame import FRAMED
from explorer.app.section import section_page
from explorer.app.words import section_title
from explorer.statistic import sections, site_root

ICON = Path(__file__).with_name("icon.png")


def pages() -> dict[str, list[Any]]:
    """Pages by group, for `st.navigation`. A section without a file in pages/ is shown all the same."""
    st.session_state[FRAMED] = True
    corpus = [st.Page(_file("overview"), title="Overview", default=True)]
    for section in sections():
        source = _file(section) if _file(section).is_file() else partial(section_page, section)
        corpus.append(st.Page(source, title=section_title(section), url_path=section))
    tools = [
        st.Page(_file("sql"), title="SQL", url_path="sql"),
        st.Page(_file("datasheet"), title="Datasheet", url_path="datasheet"),
    ]
    return {"Corpus": corpus, "Tools": tools}


def _file(name: str) -> Path:
    return site_root() / "pages" / f"{name}.py"
