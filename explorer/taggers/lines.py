"""What lines and paragraphs are: every tool has its own reading, and taggers follow those of theirs.

`Texts.lines` are the pieces between line feeds, all of them; these are the others.
"""

from __future__ import annotations

import numpy as np

from explorer.taggers.arrays import Bools
from explorer.taggers.texts import Pieces, Texts

_RETURN, _NEWLINE = b"\r\n"
_BREAKS = "\x85\u2028\u2029"  # that end lines for `str.splitlines`, of several bytes


def last_lines(texts: Texts) -> Bools:
    """Which of `Texts.lines` are the last of their texts, so that no line feed of the text ends them."""
    found = np.zeros(len(texts.lines.begin), dtype=bool)
    found[texts.lines.bounds[1:] - 1] = True
    return found


def inked_lines(texts: Texts) -> Pieces:
    """The lines that hold more than white space."""
    lines = texts.lines
    has_ink = lines.end > lines.begin
    unsure = np.flatnonzero(has_ink & texts.is_space[lines.begin])
    if len(unsure):
        # a newline ends each line, so a word that begins before it is the line's
        words = np.append(texts.words.begin, texts.n_bytes)
        has_ink[unsure] = words[np.searchsorted(words, lines.begin[unsure])] < lines.end[unsure]
    return lines.only(np.flatnonzero(has_ink))


def parted_lines(texts: Texts) -> Pieces:
    """What lies between runs of line feeds: an empty line is left only where a text begins or ends with a line feed,
    or is empty."""
    lines = texts.lines
    is_edge = (lines.begin == texts.offsets[lines.text]) | (lines.end == texts.ends[lines.text])
    return lines.only(np.flatnonzero((lines.end > lines.begin) | is_edge))


def split_lines(texts: Texts) -> Pieces:
    """The lines that `str.splitlines` finds: it breaks at more than line feeds, and leaves out an empty end."""
    data = texts.data[: texts.n_bytes]
    is_break = data - np.uint8(0x0A) < 4
    is_break |= data - np.uint8(0x1C) < 3
    places = np.flatnonzero(is_break)
    widths = np.ones(len(places), dtype=np.int64)
    if not texts.is_ascii:
        longer = {char: texts.places_of(char) for char in _BREAKS}
        sizes = [np.full(len(found), len(char.encode())) for char, found in longer.items()]
        places = np.concatenate([places, *longer.values()])
        order = np.argsort(places)
        widths = np.concatenate([widths, *sizes])[order]
        places = places[order]
    begin = np.concatenate([np.zeros(min(1, len(places)), dtype=np.int64), (places + widths)[:-1]])
    bounds = np.searchsorted(places, texts.offsets)
    text = np.repeat(np.arange(texts.n_texts), np.diff(bounds))
    # neither what lies between a carriage return and its line feed is a line, nor what ends where the text does
    is_pair = (data[places] == _NEWLINE) & (texts.data[begin - 1] == _RETURN)
    kept = np.flatnonzero((begin < places) | ~is_pair & (places < texts.ends[text]))
    return Pieces(begin, places, text, bounds).only(kept)


def paragraphs(texts: Texts) -> Pieces:
    """The toolkit's paragraphs: lines together with their newline, but for those of white space alone (str.strip)."""
    lines = inked_lines(texts)
    end = np.minimum(lines.end + 1, texts.ends[lines.text])  # the last line of a text has no newline
    return Pieces(lines.begin, end, lines.text, lines.bounds)


def blocks(texts: Texts) -> Pieces:
    """DataTrove's paragraphs: what lies between two line feeds or more, from the first word of a text to its last;
    without words, one empty piece."""
    words = texts.words
    is_blank = words.counts == 0
    first = np.where(is_blank, texts.offsets[:-1], 0)
    last = first.copy()
    inked = np.flatnonzero(~is_blank)
    first[inked] = words.begin[words.bounds[:-1][inked]]
    last[inked] = words.end[words.bounds[1:][inked] - 1]
    newlines = texts.lines.end
    # the places where runs of line feeds begin and end (exclusive)
    breaks = np.flatnonzero(np.diff(newlines) != 1) + 1
    begin = newlines[np.concatenate([[0], breaks])] if len(newlines) else newlines
    end = newlines[np.append(breaks, len(newlines)) - 1] + 1 if len(newlines) else newlines
    inner = end - begin > 1
    begin, end = begin[inner], end[inner]
    owner = texts.owners(begin)
    inner = (begin > first[owner]) & (end < last[owner])
    begin, end, owner = begin[inner], end[inner], owner[inner]
    starts = np.concatenate([first, end])
    stops = np.concatenate([begin, last])
    starts.sort()
    stops.sort()
    owners = np.sort(np.concatenate([np.arange(texts.n_texts), owner]))
    return Pieces(starts, stops, owners, np.searchsorted(owners, np.arange(texts.n_texts + 1)))
