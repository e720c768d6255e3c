"""The recipe as it stands, to take away: our TOML, a Dolma mixer config, or a file of the workspace."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import streamlit as st

from explorer.app import session
from explorer.app.filters_recipes import Choice
from explorer.app.text import safe
from explorer.errors import ExplorerError, StorageError, UsageError
from explorer.escape import code_span
from explorer.impact.bind import bind
from explorer.impact.command import shard_globs
from explorer.impact.source import Source
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET
from explorer.recipe.mixer_writing import to_mixer_yaml
from explorer.recipe.model import Recipe
from explorer.recipe.toml import to_toml
from explorer.workspace import Workspace

_MAX_NAME = 80


def file_stem(name: str) -> str:
    """A file's name out of a recipe's: letters, digits, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_MAX_NAME] or "recipe"


def show_export(choice: Choice, recipe: Recipe, source: Source) -> None:
    """Both forms with a button each, and saving under the workspace."""
    st.markdown(
        "The recipe as it stands above: rules that are off are left out, thresholds are where they were moved to."
    )
    if choice.origin == "uploaded":
        st.info(
            "This recipe was uploaded, so that a link to this page cannot bring it along. Download it, or save it in "
            "the workspace: then links work."
        )
    toml, config = st.columns(2, gap="medium")
    with toml:
        _form("TOML", recipe, source, "toml", "application/toml")
    with config:
        _form("Dolma mixer config", recipe, source, "yaml", "application/yaml")
    _save(recipe)


def _form(title: str, recipe: Recipe, source: Source, form: str, mime: str) -> None:
    st.markdown(f"**{title}**")
    try:
        text = written(recipe, form, source)
    except ExplorerError as error:
        st.warning(f"It cannot be written as a {title}: {safe(str(error))}")
        return
    st.download_button(
        f"Download {form.upper()}",
        text,
        f"{file_stem(recipe.name)}.{form}",
        mime,
        key=f"export.{form}",
        on_click="ignore",
        type="primary" if form == "toml" else "secondary",
    )
    st.code(text, form, height=420, wrap_lines=True)


def written(recipe: Recipe, form: str, source: Source) -> str:
    """The text of a recipe as "toml" or as a mixer's "yaml". Raises `ExplorerError` where it cannot be expressed.

    A mixer config needs more than a recipe says: keys with a star are replaced by the corpus's own, documents and sets
    that no stream names are those of the workspace, and the output path is "mixed".
    """
    if form == "toml":
        return to_toml(recipe)
    sets = [name for name in source.sets if name not in (FLAT_SET, ATTRIBUTES_COLUMN)]
    return to_mixer_yaml(bind(recipe, source).resolved, shard_globs(source), sets, "mixed")


def _save(recipe: Recipe) -> None:
    root = session.workspace_path()
    if root is None:
        return
    st.markdown("**Save in the workspace**")
    with st.form("save-recipe", border=False):
        name = st.text_input(
            "Name",
            value=f"{file_stem(recipe.name)}-edited",
            max_chars=_MAX_NAME,
            key="save.name",
            help="The file is recipes/NAME.toml of the workspace. A file that is there is never overwritten. The next "
            "build computes its impact, so that the datasheet and SQL have it too.",
            width=320,
        )
        is_asked = st.form_submit_button("Save")
    if is_asked:
        try:
            path = save(recipe, name, root)
        except ExplorerError as error:
            st.error(safe(str(error)))
            return
        st.success(f"Saved as {code_span(f'recipes/{path.name}')}; it can be chosen above, as {code_span(path.stem)}.")


def save(recipe: Recipe, name: str, root: Path) -> Path:
    """Write a recipe under the workspace, as a new file. Raises `ExplorerError`."""
    stem = file_stem(name)
    text = to_toml(replace(recipe, name=stem))
    folder = Workspace(root).recipes
    path = folder / f"{stem}.toml"
    try:
        folder.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"recipes/{path.name} is there already; choose another name") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None
    return path
