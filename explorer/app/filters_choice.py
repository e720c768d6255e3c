"""Choosing a recipe on the Filters page: from a list, from a file; and what it is, where it cannot be applied too."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.app import session
from explorer.app.filters_impact import current_source
from explorer.app.filters_recipes import UPLOADED, Choice, Offer, default_choice, offered, read_upload
from explorer.app.text import safe
from explorer.definitions import is_shipped
from explorer.errors import ExplorerError
from explorer.escape import code_span
from explorer.impact.source import Source
from explorer.recipe.model import Recipe


def choose(offer: Offer, source: Source) -> Choice | None:
    names = [choice.name for choice in offer.choices]
    if not names:
        return None
    default = _default(offer, source)
    index = names.index(default.name) if default is not None else 0
    chosen = st.selectbox(
        "Recipe",
        names,
        index,
        key="recipe",
        bind="query-params",
        width=250,
        help="The workspace's own recipes first, then those that come with the explorer, then one that was uploaded.",
    )
    return offer.find(chosen)


def _default(offer: Offer, source: Source) -> Choice | None:
    """The recipe to begin with; which built-in that is, is found out once for a workspace."""
    names = [choice.name for choice in offer.choices]
    root = session.workspace_path()
    generation = session.generation(root) if root is not None else ""
    return offer.find(_default_name(generation, tuple(names), offer, source))


@st.cache_data(max_entries=20, show_spinner=False)
def _default_name(generation: str, names: tuple[str, ...], _offer: Offer, _source: Source) -> str | None:
    choice = default_choice(_offer, _source)
    return choice.name if choice is not None else None


def upload() -> None:
    """A file of the reader's own; what is wrong with it is said where it was given."""
    with st.popover("Upload a recipe"):
        file = st.file_uploader(
            "TOML, or a Dolma mixer config in YAML or JSON",
            ["toml", "yaml", "yml", "json"],
            key="upload",
            max_upload_size=2,
            on_change=_take,
        )
        st.caption("It stays in this session: a link cannot bring it along. Save it in the workspace to keep it.")
    reason = st.session_state.get("upload.refused")
    if reason and file is not None:
        st.error(f"The recipe was refused. {safe(reason)}")


def _take() -> None:
    """Read an upload and choose it."""
    st.session_state["upload.refused"] = ""
    file = st.session_state.get("upload")
    if file is None:
        return
    try:
        recipe = read_upload(file.name, file.getvalue())
    except ExplorerError as error:
        st.session_state["upload.refused"] = str(error)
        return
    st.session_state[UPLOADED] = recipe
    uploaded = next(choice for choice in offered(current_source()).choices if choice.origin == "uploaded")
    st.session_state["recipe"] = uploaded.name


def account(recipe: Recipe) -> None:
    """What the recipe is, and where its numbers come from."""
    said = []
    if recipe.title:
        said.append(f"**{safe(recipe.title)}**")
    if recipe.doc:
        said.append(safe(recipe.doc))
    if said:
        st.markdown(" · ".join(said))
    if recipe.origin:
        st.caption(f"From {safe(recipe.origin)}")


def tag_build(taggers: Sequence[str]) -> None:
    """The command that gives a corpus the attributes of some taggers."""
    st.code(f"corpus-explorer build INPUT --out WORKSPACE --tag {','.join(taggers)}", "bash", wrap_lines=True)


def no_attributes() -> None:
    """A corpus without any attributes: what would make some."""
    st.info("The corpus has no attributes, so that rules on them find nothing. A build makes some on the way:")
    tag_build(["gopher_v2", "c4_v2"])
    st.markdown("`corpus-explorer list --taggers` names more; `corpus-explorer tag` writes them as files.")


def dead_recipe(recipe: Recipe, dead: dict[str, str]) -> None:
    """A recipe that finds none of its attributes: what would make them."""
    st.info("No rule of this recipe finds its attributes in this corpus, so that it would remove nothing.")
    if recipe.needs:
        taggers = ", ".join(code_span(name) for name in recipe.needs)
        st.markdown(f"Its attributes are made by {taggers}.")
        own = [name for name in recipe.needs if is_shipped(name)]
        if own:
            st.markdown("A build makes them" if len(own) == len(recipe.needs) else "A build makes some of them")
            tag_build(own)
            st.markdown(
                "`corpus-explorer tag` writes them as files. Or put those that you have beside the documents, in "
                "`attributes/<set>/`, and build again: the texts are not read a second time."
            )
    with st.expander("What each rule looks for", expanded=not recipe.needs):
        st.markdown("\n".join(f"- {code_span(name)}: {safe(reason)}" for name, reason in dead.items()))
    st.markdown("Or choose another recipe above.")
