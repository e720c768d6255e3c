"""Clusters of copies, out of the catalogue: the largest ones, the members of one, and the difference of two texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

from explorer.duplicates.stages import DuplicateOptions, document_kinds
from explorer.relations import quote_literal
from explorer.texts import read_texts

MAX_MEMBERS = 200
MAX_CHARS = 20_000  # of each of two texts that are compared word by word
CONTEXT = 300  # characters on either side of what differs

Source = tuple[str, int]  # its name and its number

_CHUNK = 1 << 14
_MAX_STEPS = 10_000_000  # a second
# a word is a run without white space; scripts that write without any go character by character
_WORD = re.compile("(\\s*)([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)")


# ---- clusters


def kinds_looked_for(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds of key that the build looked for, by the workspace's manifest; none without --duplicates."""
    if "duplicates" not in manifest:
        return ()
    return tuple(kind for kind in document_kinds(DuplicateOptions(**manifest["duplicates"])) if kind != "id")


def count_sql(kind: str, among: Sequence[Source]) -> str:
    """One row: `n_clusters`, of those that `clusters_sql` lists."""
    return f"select count(*) as n_clusters\n{_chosen(kind, among)}"


def clusters_sql(kind: str, among: Sequence[Source], limit: int, offset: int) -> str:
    """The largest clusters, a row each with its first document.

    `among` are sources that all have a copy; a source given twice has two. Clusters are then listed with the first
    copy of that source, the largest within it first.
    """
    size = "c.n_copies_in_source" if _is_within(among) else "c.n_copies"
    return (
        "with listed as (\n"
        f"    select c.doc, c.key, c.source_mask, c.n_copies, {size} as size\n"
        f"    {_chosen(kind, among)}\n"
        f"    order by size desc, c.key\n    limit {int(limit)} offset {int(offset)}\n"
        ")\n"
        "select l.key::varchar as key, l.n_copies, l.size, l.source_mask as sources, d.source, d.id, d.url, "
        "d.domain, d.n_bytes, d.n_words\n"
        "from listed as l\njoin documents as d on d.doc = l.doc\norder by l.size desc, l.key"
    )


def _is_within(among: Sequence[Source]) -> bool:
    return len(among) == 2 and among[0] == among[1]


def _chosen(kind: str, among: Sequence[Source]) -> str:
    """One document of each cluster that is asked for."""
    conditions = [f"c.key_kind = {quote_literal(kind)}"]
    conditions += [f"c.source_mask[{int(number) + 1}] = '1'" for _, number in dict.fromkeys(among)]
    if not _is_within(among):
        return f"from document_copies as c where {' and '.join([*conditions, 'c.is_first'])}"
    conditions += ["c.is_first_in_source", "c.is_in_source", f"d.source = {quote_literal(among[0][0])}"]
    return f"from document_copies as c join documents as d on d.doc = c.doc where {' and '.join(conditions)}"


def members_sql(kind: str, key: str, limit: int = MAX_MEMBERS) -> str:
    """The documents of one cluster in the order that the first copy is the first of.

    Of a larger cluster `limit` documents: the first copy, the longest, the first of every source, then the next ones.
    `place` counts from 1 in the whole cluster. `text_number` tells texts apart. `is_kept`: not removed by the steps
    url and text. Raises `ValueError` for a key that is none.
    """
    return (
        "with copies as (\n"
        "    select c.doc, c.is_first, c.is_longest, c.is_first_in_source, c.n_copies, d.part, o.number,\n"
        "        d.source, d.id, d.url, d.domain, d.created, d.added, d.n_bytes, d.n_words, d.text_md5,\n"
        "        row_number() over (order by o.number, d.id, d.text_md5, d.url_md5, c.doc) as place\n"
        "    from document_copies as c\n"
        "    join documents as d on d.doc = c.doc\n"
        "    join source_order as o on o.source = d.source\n"
        f"    where c.key_kind = {quote_literal(kind)} and c.key = {quote_literal(str(UUID(key)))}::uuid\n"
        "),\nshown as (\n"
        "    from copies\n"
        "    order by is_first or is_longest desc, is_first_in_source desc, place\n"
        f"    limit {int(limit)}\n"
        "),\nremoved as (\n"
        "    select distinct doc from document_copies\n"
        "    where is_removed and key_kind in ('url', 'text') and doc in (select doc from shown)\n"
        ")\n"
        "select s.place, s.source, s.id, s.url, s.domain, s.created, s.added, s.n_bytes, s.n_words, s.is_first,\n"
        "    s.is_longest, r.doc is null as is_kept, dense_rank() over (order by f.place) as text_number,\n"
        "    s.n_copies, s.part, s.doc\n"
        "from shown as s\n"
        "join (select text_md5, min(place) as place from shown group by text_md5) as f on f.text_md5 = s.text_md5\n"
        "left join removed as r on r.doc = s.doc\n"
        "order by s.place"
    )


def documents_sql(docs: Sequence[int]) -> str:
    """Everything that the catalogue says of some documents."""
    return f"from documents where doc in ({', '.join(str(int(doc)) for doc in docs)}) order by doc"


def texts_of(root: Path, manifest: Mapping[str, Any], places: Sequence[tuple[int, int]]) -> list[str]:
    """The texts of documents given as (part, doc), as the catalogue numbers them.

    Raises `WorkspaceError` where the workspace keeps no text, or a shard has gone or changed since the build.
    """
    parts = manifest["parts"]
    first = list(accumulate((part["n_docs"] for part in parts), initial=0))
    found: dict[int, str] = {}
    for number in sorted({part for part, _ in places}):
        own = [doc - first[number] for part, doc in places if part == number]
        frame = read_texts(root, parts[number], own)
        found |= {first[number] + doc: text for doc, text in zip(frame["doc"], frame["text"], strict=True)}
    return [found[doc] for _, doc in places]


# ---- the difference of two texts


@dataclass(frozen=True)
class Piece:
    """A run of a text. It stands opposite the piece of that number of the other text, which is equal where `is_same`;
    where only one text has something, the other's piece is empty."""

    text: str
    is_same: bool


@dataclass(frozen=True)
class Side:
    """One of two texts, and how many of its characters are left out: `n_before` at its beginning and `n_after` at its
    end, which are the same in the other text, and `n_cut` between the pieces and that end, which are not compared."""

    pieces: tuple[Piece, ...]
    n_before: int
    n_cut: int
    n_after: int


@dataclass(frozen=True)
class Difference:
    """Two texts compared, in as many pieces."""

    left: Side
    right: Side


def difference(left: str, right: str, max_chars: int = MAX_CHARS, context: int = CONTEXT) -> Difference:
    """Compare two texts word by word.

    What is the same at the beginning and at the end is left out but for `context` characters, then each text is cut
    at `max_chars`, so that longer texts do not take longer to compare.
    """
    n_same = _n_common(left, right)
    n_before = max(0, n_same - context)
    n_after = max(0, _n_common(left[n_same:][::-1], right[n_same:][::-1]) - context)
    rests = [text[n_before : len(text) - n_after] for text in (left, right)]
    windows = [_window(rest, max_chars) for rest in rests]
    is_cut = [len(window) < len(rest) for window, rest in zip(windows, rests, strict=True)]
    ours, theirs = _compare(*windows)
    # what only one side has at the end of its window may follow on the other side beyond the cut
    if ours and any(cut and not pieces[-1].text for cut, pieces in zip(is_cut, (ours, theirs), strict=True)):
        ours, theirs = ours[:-1], theirs[:-1]
    sides = [
        Side(pieces, n_before, len(rest) - sum(len(piece.text) for piece in pieces), n_after)
        for pieces, rest in zip((ours, theirs), rests, strict=True)
    ]
    return Difference(*sides)


def _n_common(left: str, right: str) -> int:
    """The number of characters that are the same at the beginning."""
    shorter = min(len(left), len(right))
    done = 0
    while done < shorter and left[done : done + _CHUNK] == right[done : done + _CHUNK]:
        done += _CHUNK
    pairs = zip(left[done : done + _CHUNK], right[done : done + _CHUNK], strict=False)
    return next((done + n for n, (ours, theirs) in enumerate(pairs) if ours != theirs), shorter)


def _window(text: str, max_chars: int) -> str:
    """The beginning of a text, up to a word's end."""
    if len(text) <= max_chars:
        return text
    cut = text[:max_chars]
    return cut[:-100] + re.sub(r"\s+\S*\Z", "", cut[-100:])


class _Matcher(SequenceMatcher[str]):
    """Compares words, with a bound on its steps: few different words, of which each occurs very often, would take
    minutes. What is not reached in `_MAX_STEPS` counts as different."""

    def __init__(self, ours: Sequence[str], theirs: Sequence[str]) -> None:
        super().__init__(None, ours, theirs, autojunk=False)
        n_places = Counter(theirs)
        steps = (1 + n_places[word] for word in ours)
        self._steps = list(accumulate(steps, initial=0))  # up to each word
        self._n_left = _MAX_STEPS

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        n_steps = self._steps[-1 if ahi is None else ahi] - self._steps[alo]
        if n_steps > self._n_left:
            return Match(alo, blo, 0)
        self._n_left -= n_steps
        return super().find_longest_match(alo, ahi, blo, bhi)


def _compare(left: str, right: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    ours, theirs = _words(left), _words(right)
    matcher = _Matcher([word for _, word in ours], [word for _, word in theirs])
    runs: list[tuple[str, str, bool]] = []  # of both texts, and whether they are the same
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            for (space, word), (other, _) in zip(ours[i1:i2], theirs[j1:j2], strict=True):
                runs += [(space, other, space == other), (word, word, True)]
            continue
        texts = ["".join(space + word for space, word in words) for words in (ours[i1:i2], theirs[j1:j2])]
        space = ours[i1][0] if i1 < i2 and j1 < j2 and ours[i1][0] == theirs[j1][0] else ""
        runs += [(space, space, True), (texts[0][len(space) :], texts[1][len(space) :], False)]
    filled = (run for run in runs if run[0] or run[1])
    joined = [
        ("".join(piece), "".join(other), is_same)
        for is_same, group in groupby(filled, key=itemgetter(2))
        for piece, other, _ in [zip(*group, strict=True)]
    ]
    return tuple(Piece(one, is_same) for one, _, is_same in joined), tuple(Piece(o, same) for _, o, same in joined)


def _words(text: str) -> list[tuple[str, str]]:
    """(white space before it, word) for each word; last the white space at the end, with an empty word."""
    found = [(match[1], match[2]) for match in _WORD.finditer(text)]
    n_read = sum(len(space) + len(word) for space, word in found)
    return [*found, (text[n_read:], "")]
