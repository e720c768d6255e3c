"""What people declare of a corpus, edited on the Datasheet page and kept in the workspace's corpus.toml."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.app import session
from explorer.app.text import safe
from explorer.datasheet.declared import Declared, read_declared
from explorer.datasheet.editing import Field, Place, declared_fields, write_declared
from explorer.errors import ExplorerError
from explorer.escape import printable
from explorer.statistic import load_statistics
from explorer.workspace import Workspace

_UNSET = ""


def show_answers() -> None:
    root = session.workspace_path()
    if root is None:
        return
    path = Workspace(root).config
    declared = read_declared(path) if path.exists() else Declared()
    groups = declared_fields(declared, _names("source", "composition"), _names("rule", "filter_rules"))
    st.caption(
        "They are kept in corpus.toml of the workspace; nothing is ever inferred from an empty field. "
        "`corpus-explorer init` writes the same file with every key explained."
    )
    titles = list(groups)
    title = st.selectbox(
        "Part",
        titles,
        key="part",
        format_func=lambda name: printable(f"{name} ({_n_filled(groups[name])} of {len(groups[name])})"),
        width=480,
    )
    if title in groups:
        _form(title, groups[title])


def _names(column: str, statistic: str) -> list[str]:
    return list(dict.fromkeys(session.run(load_statistics()[statistic], {})[column].to_list()))


def _n_filled(fields: Sequence[Field]) -> int:
    return sum(bool(field.value) for field in fields)


def _form(title: str, fields: Sequence[Field]) -> None:
    with st.form(f"answers.{title}", border=False):
        given = {field.place: _input(field) for field in fields}
        is_asked = st.form_submit_button("Save", type="primary")
    changes = {field.place: given[field.place] for field in fields if given[field.place] != field.value}
    root = session.workspace_path()
    if not is_asked or root is None:
        return
    if not changes:
        st.info("Nothing was changed.")
        return
    try:
        write_declared(Workspace(root).config, changes)
    except ExplorerError as error:
        st.error(safe(str(error)))
        return
    st.success(f"Saved: {len(changes)} of {len(fields)} fields changed. The files show it.")


def _input(field: Field) -> str:
    label, key = safe(_label(field.place)), ".".join(("answer", *field.place))
    if field.choices:
        options = [_UNSET, *field.choices]
        index = options.index(field.value) if field.value in options else 0
        chosen = st.selectbox(
            label, options, index, key=key, help=field.doc, format_func=lambda name: name or "not declared", width=320
        )
        return chosen or _UNSET
    if field.place[0] == "answers":
        return st.text_area(f"{label}: {field.doc}", field.value, key=key, max_chars=20_000, height=100).strip()
    return st.text_area(label, field.value, key=key, help=field.doc, max_chars=20_000, height=68).strip()


def _label(place: Place) -> str:
    return place[-1].replace("_", " ") if place[0] not in ("answers", "purposes") else place[-1]
