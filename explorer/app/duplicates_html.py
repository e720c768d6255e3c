"""Two documents as HTML: everything that comes from data is escaped before anything is marked in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from explorer.duplicates.clusters import CONTEXT, Piece, Side
from explorer.escape import printable

# Half transparent colours and the page's own text colour: the same marks serve on light and on dark. Underlines tell
# the marked words from others without any colour.
STYLE = """<style>
.ce-text { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 34rem; overflow-y: auto; padding: 0.75rem;
  border: 1px solid rgba(128, 140, 155, 0.35); border-radius: 0.5rem; font-size: 0.92rem; line-height: 1.5; }
.ce-facts { width: 100%; border-collapse: collapse; font-size: 0.92rem; table-layout: fixed; }
.ce-facts th, .ce-facts td { padding: 0.3rem 0.5rem; text-align: start; vertical-align: top; overflow-wrap: anywhere;
  border-bottom: 1px solid rgba(128, 140, 155, 0.25); font-weight: inherit; }
.ce-facts th:first-child { width: 28%; opacity: 0.75; }
.ce-facts thead th { font-weight: 600; }
.ce-left, .ce-right { color: inherit; border-radius: 0.2em; box-decoration-break: clone; }
.ce-left { background: rgba(213, 94, 0, 0.24); text-decoration: underline 2px rgba(213, 94, 0, 0.85); }
.ce-right { background: rgba(53, 142, 178, 0.28); text-decoration: underline 2px rgba(53, 142, 178, 0.95); }
.ce-gap { opacity: 0.65; font-style: italic; white-space: normal; }
</style>"""
_KEPT = re.compile("([\n\t\u200c\u200d])")  # joiners belong to the spelling of some scripts
_MAX_VALUE = 300

Fact = tuple[str, str, str]  # its name, and what it is of the left and of the right document


def escaped(text: str) -> str:
    """Text as HTML: lines and tabs stay, other characters that cannot be seen are shown as their escapes."""
    pieces = _KEPT.split(text)
    return html.escape("".join(piece if n % 2 else printable(piece) for n, piece in enumerate(pieces)))


def side_html(side: Side, name: str, label: str, *, is_whole: bool) -> str:
    """One side of a difference as a box. `name` is left or right; without `is_whole` long runs of what is the same
    are folded."""
    return _box("".join(_pieces(side, f"ce-{name}", is_whole=is_whole)), label)


def text_html(text: str, label: str) -> str:
    """A text in the same kind of box."""
    return _box(escaped(text), label)


def _box(body: str, label: str) -> str:
    return (
        f'<div class="ce-text" dir="auto" tabindex="0" role="region" aria-label="{html.escape(label)}">'
        f"{body or _gap('No text.')}</div>"
    )


def _pieces(side: Side, name: str, *, is_whole: bool) -> Iterator[str]:
    if side.n_before:
        yield _gap(f"{side.n_before:,} characters the same in both … ")
    for number, piece in enumerate(side.pieces):
        if not piece.is_same and not piece.text:
            continue
        if not piece.is_same:
            yield f'<mark class="{name}">{escaped(piece.text)}</mark>'
        elif is_whole:
            yield escaped(piece.text)
        else:
            yield _folded(piece, is_first=number == 0, is_last=number == len(side.pieces) - 1)
    if side.n_cut:
        yield _gap(f" … {side.n_cut:,} more characters, which are not compared ")
    if side.n_after:
        yield _gap(f" … the last {side.n_after:,} characters are the same in both")


def _folded(piece: Piece, *, is_first: bool, is_last: bool) -> str:
    """What is the same, but for its ends next to a difference, cut between words where there are any."""
    head = "" if is_first else re.sub(r"\s\S{0,50}\Z", "", piece.text[:CONTEXT])
    tail = "" if is_last else re.sub(r"\A\S{0,50}\s", "", piece.text[-CONTEXT:])
    n_folded = len(piece.text) - len(head) - len(tail)
    if n_folded <= CONTEXT:
        return escaped(piece.text)
    return escaped(head) + _gap(f" … {n_folded:,} characters the same in both … ") + escaped(tail)


def _gap(text: str) -> str:
    return f'<span class="ce-gap">{html.escape(text)}</span>'


def facts_html(facts: Sequence[Fact]) -> str:
    """What is known of two documents, a row each; where they differ both values are marked."""
    rows = []
    for name, *values in facts:
        cells = [escaped(_short(value)) or "–" for value in values]
        if values[0] != values[1]:
            cells = [f'<mark class="ce-{s}">{c}</mark>' for s, c in zip(("left", "right"), cells, strict=True)]
        rows.append(
            f'<tr><th scope="row">{escaped(name).replace(".", ".<wbr>")}</th>'
            f'<td dir="auto">{cells[0]}</td><td dir="auto">{cells[1]}</td></tr>'
        )
    return (
        '<table class="ce-facts"><thead><tr><th></th><th>Left</th><th>Right</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _short(value: str) -> str:
    return value if len(value) <= _MAX_VALUE else f"{value[:_MAX_VALUE]}… ({len(value):,} characters)"
