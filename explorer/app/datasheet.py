"""The Datasheet page: each file of the bundle as it will render, what people declare, and the bundle as a zip."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Mapping

import polars as pl
import streamlit as st

from explorer.app import session
from explorer.app.datasheet_answers import show_answers
from explorer.app.frame import guarded, heading
from explorer.app.text import safe
from explorer.errors import ExplorerError

_LEAD = (
    "Cards and summaries of the corpus, every number of them from its statistics. What only people know is asked for "
    "under Answers; what is not answered is said to be missing."
)
_FIRST = ("README.md", "DATASHEET.md", "datasheet.html")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip
_IMAGE = re.compile(r"^!\[([^\]]*)\]\((charts/[\w.-]+)\)$", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


@guarded
def datasheet_page() -> None:
    heading("Datasheet", _LEAD)
    try:
        files = session.bundle()
    except ExplorerError as error:  # a corpus.toml that somebody edited by hand
        st.error(safe(str(error)))
        return
    st.download_button(
        "Download all files",
        zipped(files),
        "datasheet.zip",
        "application/zip",
        key="datasheet.zip",
        on_click="ignore",
        type="primary",
    )
    preview, answers = st.tabs(("Files", "Answers"), key="view", bind="query-params")
    with preview:
        if preview.open:
            _show_files(files)
    with answers:
        if answers.open:
            show_answers()


def _show_files(files: Mapping[str, bytes]) -> None:
    names = [name for name in files if not name.endswith(".svg")]  # each stands beside the same as PNG
    names.sort(key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), "/" in name, name))
    name = st.selectbox("File", names, key="file", bind="query-params", width=360)
    if name not in files:
        return
    st.download_button(f"Download {name.rpartition('/')[2]}", files[name], name.rpartition("/")[2], key=f"get.{name}")
    with st.container(border=True, height=900):  # of a height, so that wide tables scroll inside
        show_file(name, files)


def show_file(name: str, files: Mapping[str, bytes]) -> None:
    """A file as whoever gets it will see it."""
    content = files[name]
    if name.endswith(".png"):
        st.image(content)
    elif name.endswith(".html"):
        st.iframe(content.decode(), height=900)
    elif name.endswith(".csv"):
        st.dataframe(table_of(content.decode()), hide_index=True, height="auto")
    elif name.endswith(".json"):
        st.json(json.loads(content), expanded=1)
    else:
        show_markdown(content.decode(), files)


def show_markdown(text: str, files: Mapping[str, bytes]) -> None:
    """Markdown with the charts that stand beside it; its front matter as the text that it is."""
    front = _FRONT_MATTER.match(text)
    if front is not None:
        with st.expander("Front matter"):
            st.code(front.group(1), "yaml")
        text = text[front.end() :]
    place = 0
    for image in _IMAGE.finditer(text):
        st.markdown(text[place : image.start()])
        if image.group(2) in files:
            st.image(files[image.group(2)], caption=safe(image.group(1)) or None)
        place = image.end()
    st.markdown(text[place:])


def table_of(text: str) -> pl.DataFrame:
    """A CSV as the texts that it holds."""
    rows = list(csv.reader(io.StringIO(text)))
    return pl.DataFrame(rows[1:], schema=rows[0], orient="row") if rows else pl.DataFrame()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files in one archive; equal files give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
