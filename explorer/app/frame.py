"""What every page has: a heading, the corpus in the sidebar, and a friendly page where no workspace can be opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import streamlit as st

from explorer.app import session
from explorer.app.text import safe
from explorer.errors import StatisticError, WorkspaceError
from explorer.escape import code_span

FRAMED = "is_framed"  # in a session's state: app.py has made the navigation


def guarded(page: Callable[..., None]) -> Callable[..., None]:
    """A page that explains itself where the workspace is missing, unfinished or of another version."""

    @wraps(page)
    def shown(*arguments: str) -> None:
        if FRAMED not in st.session_state:
            _enter_by_app()
        try:
            facts = session.facts()
            _sidebar(facts)
            page(*arguments)
        except WorkspaceError as error:
            no_workspace(error)
        except StatisticError as error:
            st.title("A statistic cannot be read")
            st.error(safe(str(error)))

    return shown


def _enter_by_app() -> None:
    """Start again from app.py.

    Until a new server has met `st.navigation`, Streamlit takes pages/ for its older kind of app and runs the page of a
    link without app.py, so without our navigation and layout.
    """
    from explorer.app.navigation import pages

    st.navigation(pages(), position="hidden")
    st.rerun()


def corpus_name(facts: dict[str, str]) -> str:
    root = session.workspace_path()
    return facts.get("name") or (root.name if root is not None else "Corpus")


def heading(title: str, lead: str) -> None:
    """The page's title, which may come from data, and a line under it (Markdown)."""
    st.set_page_config(page_title=f"{title} · Corpus explorer")
    st.title(safe(title), anchor=False)
    if lead:
        st.markdown(lead)


def _sidebar(facts: dict[str, str]) -> None:
    with st.sidebar:
        st.markdown(f"**{safe(corpus_name(facts))}**")
        st.caption(f"Fingerprint {code_span(facts.get('fingerprint', '')[:12])}")


def no_workspace(error: WorkspaceError) -> None:
    """What to run, instead of a traceback."""
    root = session.workspace_path()
    st.title("No corpus to show yet", anchor=False)
    if root is None:
        st.markdown("The dashboard shows a *workspace*: the folder that a build writes. None was named.")
    else:
        st.markdown(f"The dashboard shows a *workspace*: the folder that a build writes. {safe(str(error))}")
    st.markdown("**Try it without any data.** This makes a small real corpus out of the Python environment it runs in:")
    st.code("corpus-explorer demo", "bash")
    st.markdown("**Build your own**, from Parquet or JSONL shards, then open it:")
    st.code("corpus-explorer build SHARDS --out WORKSPACE\ncorpus-explorer app WORKSPACE", "bash")
    st.markdown("This page finds the workspace by itself once it is built.")
    st.button("Look again", type="primary")
