"""Two documents side by side: what is known of both, and their texts with the differences marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import streamlit as st

from explorer.app import session
from explorer.app.duplicates_html import STYLE, Fact, facts_html, side_html, text_html
from explorer.app.text import safe
from explorer.duplicates.clusters import MAX_CHARS, Difference, Piece, difference, documents_sql, texts_of
from explorer.errors import ExplorerError
from explorer.escape import code_span
from explorer.units import format_value

_MAX_SAME = 2_000  # characters of a text that both have
_MAX_FIELDS = 60
_FIELDS: Mapping[str, tuple[str, str]] = {
    "source": ("Source", "name"),
    "id": ("Id", "name"),
    "url": ("URL", "name"),
    "domain": ("Domain", "name"),
    "created": ("Created", "date"),
    "added": ("Added", "date"),
    "language": ("Language", "name"),
    "licence": ("Licence", "name"),
    "n_bytes": ("Bytes", "bytes"),
    "n_chars": ("Characters", "chars"),
    "n_words": ("Words", "words"),
    "n_lines": ("Lines", "lines"),
    "n_paragraphs": ("Paragraphs", "paragraphs"),
    "n_tokens": ("Tokens", "tokens"),
    "text_md5": ("MD5 of the text", "name"),
}


def show_two(left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
    """Compare two rows of `members_sql`."""
    if left["doc"] == right["doc"]:
        st.info("Both are the same document. Choose another one on one side.")
        return
    st.html(STYLE)
    try:
        if left["text_number"] == right["text_number"]:
            _same(left)
        else:
            _different(left, right)
    except ExplorerError as error:
        st.warning(f"The texts cannot be shown. {safe(str(error))}")
    found = {row["doc"]: row for row in session.query(documents_sql([left["doc"], right["doc"]])).iter_rows(named=True)}
    _facts(facts_of(found[left["doc"]], found[right["doc"]]))


def _facts(facts: Sequence[Fact]) -> None:
    """What is known of both, what differs first."""
    different = [fact for fact in facts if fact[1] != fact[2]]
    alike = [fact for fact in facts if fact[1] == fact[2]]
    if different:
        st.markdown("**What is known of them, and differs**")
        st.html(facts_html(different))
    if alike:
        with st.expander(f"What is the same of both ({len(alike)})", type="compact"):
            st.html(facts_html(alike))


def _same(member: Mapping[str, Any]) -> None:
    beginning, n_chars = _beginning(_generation(), (member["part"], member["doc"]))
    st.markdown("**The texts are the same, byte for byte.** Only what is known of them can differ.")
    st.html(text_html(beginning, "Text of both"))
    if n_chars > len(beginning):
        st.caption(f"The first {len(beginning):,} of {n_chars:,} characters.")


def _different(left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
    found = _difference(_generation(), (left["part"], left["doc"]), (right["part"], right["doc"]))
    is_cut = bool(found.left.n_cut or found.right.n_cut)
    counts = [_words(_n_words(side.pieces)) for side in (found.left, found.right)]
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        where = " (of what is compared)" if is_cut else ""
        st.markdown(f"{counts[0]} only on the left, {counts[1]} only on the right{where}.", width="content")
        is_whole = st.toggle(
            "Whole texts", key="whole", bind="query-params", help="Else long runs that both texts have are folded."
        )
    if is_cut:
        st.caption(
            f"Long texts: {MAX_CHARS:,} characters of each are compared, from a little before the first difference; "
            "what is left out is said where it would stand."
        )
    columns = st.columns(2, gap="medium")
    for column, name, side, member in zip(
        columns, ("left", "right"), (found.left, found.right), (left, right), strict=True
    ):
        with column:
            st.markdown(f"**{name.capitalize()}** · {safe(member['source'])} · {code_span(str(member['id'])[:200])}")
            st.html(side_html(side, name, f"Text on the {name}", is_whole=is_whole))


def _n_words(pieces: Iterable[Piece]) -> int:
    return sum(len(piece.text.split()) for piece in pieces if not piece.is_same)


def _words(n: int) -> str:
    return f"{n:,} word{'' if n == 1 else 's'}"


def facts_of(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Fact]:
    """What the catalogue says of two documents: every field that one of them has, then what else their rows carry."""
    facts = [
        (title, format_value(left[name], unit), format_value(right[name], unit))
        for name, (title, unit) in _FIELDS.items()
        if left[name] is not None or right[name] is not None
    ]
    ours, theirs = (orjson.loads(row["metadata"]) if row["metadata"] else {} for row in (left, right))
    names = list(dict.fromkeys([*ours, *theirs]))
    facts += [(f"metadata.{name}", _scalar(ours.get(name)), _scalar(theirs.get(name))) for name in names[:_MAX_FIELDS]]
    if len(names) > _MAX_FIELDS:
        facts.append((f"and {len(names) - _MAX_FIELDS:,} more fields", "", ""))
    return facts


def _scalar(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()


def _generation() -> str:
    root = session.workspace_path()
    return f"{root} {session.generation(root)}" if root is not None else ""


@st.cache_data(max_entries=50, max_size="50MB", show_spinner=False)
def _difference(generation: str, left: tuple[int, int], right: tuple[int, int]) -> Difference:
    corpus = session.current_corpus()
    ours, theirs = texts_of(corpus.root, corpus.manifest, [left, right])
    return difference(ours, theirs)


@st.cache_data(max_entries=50, show_spinner=False)
def _beginning(generation: str, place: tuple[int, int]) -> tuple[str, int]:
    """The beginning of a document's text, and its length in characters."""
    corpus = session.current_corpus()
    (text,) = texts_of(corpus.root, corpus.manifest, [place])
    return text[:_MAX_SAME], len(text)
