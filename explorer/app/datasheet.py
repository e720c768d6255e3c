"""The datasheet page: the Markdown as it will be downloaded, shown."""

from __future__ import annotations

import streamlit as st

from explorer.app import session
from explorer.app.frame import guarded, heading


@guarded
def datasheet_page() -> None:
    heading("Datasheet", "Every statistic with its definition and provenance, as one Markdown file.")
    text = session.datasheet()
    st.download_button(
        "Download Markdown",
        text,
        "DATASHEET.md",
        "text/markdown",
        key="datasheet.md",
        on_click="ignore",
        type="primary",
    )
    shown, source = st.tabs(["Preview", "Markdown"])
    with shown, st.container(border=True, height=900):
        st.markdown(text)
    with source:
        st.code(text, "markdown", height=900, wrap_lines=True)
