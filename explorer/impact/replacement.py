"""What span rules do to texts, exactly as the Dolma mixer (1.2.1) does it: with the texts, and without them.

The spans of a document are those whose score passes their rule, in order of the rules and then of the attribute's
list, sorted by start (equal starts keep that order). The mixer works through them with one pass over the characters:

- A span is replaced by its rule's text, in which `{}` stands for what it replaces; an end past the text is its end.
- A span that begins inside one that was replaced is dropped: its tail stays. Of equal starts the first counts.
- A span without characters (end <= start) or one that begins at or after the end of the text never ends. So no later
  span is replaced, the character at its start vanishes, and its replacement is put in once more after the text (there
  `{}` is the text from the last start that was met). A replacement without characters hides all of it but the
  vanished character.
- An offset that is no natural number (negative, or 1.0) stops the mixer: the thread dies, the whole shard is missing
  from the output, and `dolma mix` ends as if nothing had happened. Any span of the attribute does that, whatever its
  score. Here negative ones count as 0.

Offsets are code points. The documents of a part are numbered from 0; `n_chars` gives the length of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from explorer.errors import UsageError
from explorer.measures import TEXT_COUNTS, TokenCounter
from explorer.spans import Ints
from explorer.textcount import count_texts

MAX_SPAN_RULES = 64
_HOLE = "{}"  # in a replacement: what is replaced


@dataclass(frozen=True)
class Spans:
    """Spans of many documents: arrays of equal length, in the mixer's order within each document (see above)."""

    docs: Ints
    starts: Ints
    ends: Ints
    rules: Ints  # positions in the list of replacements

    def take(self, chosen: npt.NDArray[np.bool_] | Ints) -> Spans:
        return Spans(self.docs[chosen], self.starts[chosen], self.ends[chosen], self.rules[chosen])


@dataclass(frozen=True)
class Segments:
    """Pieces of texts that the same span rules cover: arrays of equal length, in order of document and place."""

    docs: Ints
    masks: npt.NDArray[np.uint64]  # bit r: rule r covers it; never 0
    n_chars: Ints


def replaced(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """A text after span replacement; `spans` are (start, end, replacement) in the mixer's order."""
    ordered = sorted(spans, key=_start)
    written = []
    for start, end, which in _pieces(len(text), [(start, end) for start, end, _ in ordered]):
        piece = text[start:end]
        written.append(piece if which is None else ordered[which][2].replace(_HOLE, piece))
    return "".join(written)


def _start(span: tuple[int, int, object]) -> int:
    return max(0, span[0])


def _pieces(n_chars: int, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int | None]]:
    """What is written for a text, in order: (start, end, None) is copied, (start, end, i) replaced as span i says.

    `spans` are (start, end), sorted by start.
    """
    done = 0  # characters before this one are dealt with
    begun = 0  # the last start that was met
    first_seen = 0  # a span's end before this one is not noticed
    which = 0
    while which < len(spans):
        start, end = max(0, spans[which][0]), max(0, spans[which][1])
        if end <= start or start >= n_chars:
            break
        yield done, start, None
        yield start, min(end, n_chars), which
        if end >= n_chars:
            return
        done, begun, first_seen = end, start, end + 1
        while which < len(spans) and spans[which][0] < end:
            which += 1
    else:
        yield done, n_chars, None
        return
    # this span never ends
    if first_seen <= end < min(start, n_chars):
        yield done, end, None
        yield begun, end, which
        done = end
    if start < n_chars:
        yield done, start, None
        if first_seen <= start == end:
            yield start, end, which
        begun, done = start, start + 1
    yield done, n_chars, None
    yield begun, n_chars, which


def n_chars_after(n_chars: Ints, spans: Spans, replacements: Sequence[str]) -> Ints:
    """Characters of each document (like `n_chars`) after span replacement: the length of `replaced`, without texts."""
    after = n_chars.copy()
    if not len(spans.docs):
        return after
    n_fixed = np.array([len(text.replace(_HOLE, "")) for text in replacements], dtype=np.int64)
    n_holes = np.array([text.count(_HOLE) for text in replacements], dtype=np.int64)
    lengths = n_chars[spans.docs]
    starts = np.maximum(spans.starts, 0)
    never_end = (np.maximum(spans.ends, 0) <= starts) | (starts >= lengths)
    if never_end.any():
        is_odd = np.zeros(len(n_chars), dtype=bool)
        is_odd[spans.docs[never_end]] = True
        odd = is_odd[spans.docs]
        _walk(after, spans.take(odd), n_fixed, n_holes)
        spans, starts, lengths = spans.take(~odd), starts[~odd], lengths[~odd]
    # all documents on one line, each after the one before
    offsets = _offsets(n_chars)[spans.docs]
    low = starts + offsets
    order = np.argsort(low, kind="stable")
    low = low[order]
    high = (np.minimum(spans.ends, lengths) + offsets)[order]
    kept = _not_dropped(low, high)
    order, n_taken = order[kept], (high - low)[kept]
    rules = spans.rules[order]
    np.add.at(after, spans.docs[order], n_fixed[rules] + (n_holes[rules] - 1) * n_taken)
    return after


def _offsets(n_chars: Ints) -> Ints:
    """Where each document begins on a line of all documents, with a gap after each."""
    return np.concatenate([[0], np.cumsum(n_chars + 1)])[:-1].astype(np.int64)


def _not_dropped(low: Ints, high: Ints) -> npt.NDArray[np.bool_]:
    """Which spans do not begin inside one that is kept. `low` is sorted; no span is empty."""
    kept = np.ones(len(low), dtype=bool)
    kept[1:] = low[1:] >= np.maximum.accumulate(high)[:-1]  # those that overlap nothing before them
    is_free = kept.copy()
    at = np.flatnonzero(is_free[:-1] & ~is_free[1:])  # each group of overlapping spans begins with one
    while len(at):  # in every group at once, from one that is kept to the next
        at = np.searchsorted(low, high[at])
        at = at[at < len(low)]
        at = at[~is_free[at]]
        kept[at] = True
    return kept


def _walk(after: Ints, spans: Spans, n_fixed: Ints, n_holes: Ints) -> None:
    """Set the lengths of some documents one by one; `after` holds their lengths as they are."""
    spans = spans.take(np.argsort(spans.docs, kind="stable"))
    docs, firsts = np.unique(spans.docs, return_index=True)
    fixed, holes = n_fixed.tolist(), n_holes.tolist()
    rows = list(zip(spans.starts.tolist(), spans.ends.tolist(), spans.rules.tolist(), strict=True))
    for doc, first, last in zip(docs.tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(rows)], strict=True):
        ordered = sorted(rows[first:last], key=_start)
        total = 0
        for start, end, which in _pieces(int(after[doc]), [(start, end) for start, end, _ in ordered]):
            n = end - start
            total += n if which is None else fixed[ordered[which][2]] + holes[ordered[which][2]] * n
        after[doc] = total


def covered_segments(n_chars: Ints, spans: Spans, n_rules: int) -> Segments:
    """The texts cut where the set of span rules that cover them changes; what no rule covers is left out.

    This is the account of what span rules take: unions of spans clipped to the text, whatever the mixer drops of
    overlapping ones. Over the segments, the characters that a rule takes alone are those with its bit, those only it
    takes have no other bit, its Shapley share is the sum of n_chars / (number of bits), and all together are the sum.
    Raises `UsageError` for more than 64 rules.
    """
    if n_rules > MAX_SPAN_RULES:
        raise UsageError(
            f"{n_rules} span rules in one stream; at most {MAX_SPAN_RULES} can be told apart: split the stream"
        )
    lengths = n_chars[spans.docs]
    offsets = _offsets(n_chars)
    low = np.clip(spans.starts, 0, lengths) + offsets[spans.docs]
    high = np.clip(spans.ends, 0, lengths) + offsets[spans.docs]
    filled = high > low
    rules, low, high = spans.rules[filled], low[filled], high[filled]
    if not len(low):
        return Segments(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int64))
    rules, low, high = _unions(rules, low, high, int(n_chars.sum()) + len(n_chars))
    # a rule's spans no longer touch, so each place where one begins or ends flips the rule's bit
    places = np.concatenate([low, high])
    flips = np.left_shift(np.uint64(1), np.concatenate([rules, rules]).astype(np.uint64))
    order = np.argsort(places, kind="stable")
    places = places[order]
    masks = np.bitwise_xor.accumulate(flips[order])[:-1]
    taken = np.diff(places)
    kept = (masks != 0) & (taken > 0)
    docs = np.searchsorted(offsets, places[:-1][kept], side="right") - 1
    return Segments(docs.astype(np.int64), masks[kept], taken[kept])


def _unions(rules: Ints, low: Ints, high: Ints, n_line: int) -> tuple[Ints, Ints, Ints]:
    """(rule, start, end) of the unions of each rule's spans. All starts and ends are below `n_line`."""
    shift = rules * n_line
    order = np.argsort(low + shift, kind="stable")
    low, reached = (low + shift)[order], np.maximum.accumulate((high + shift)[order])
    begins = np.ones(len(low), dtype=bool)
    begins[1:] = low[1:] > reached[:-1]
    ends = np.append(begins[1:], True)
    rules = rules[order][begins]
    return rules, low[begins] - rules * n_line, reached[ends] - rules * n_line


def rewritten(
    texts: pl.DataFrame, spans: Spans, replacements: Sequence[str], count: TokenCounter | None = None
) -> pl.DataFrame:
    """Measures of texts after span replacement, from the texts themselves; a row for each row of `texts`, in its order.

    `texts` has the columns doc and text; `spans` may hold other documents too. Columns: doc, n_chars_after,
    n_bytes_after, n_bytes_trimmed_after (what the mixer compares with min_text_length), n_words_after, and with
    `count` n_tokens_after; by the definitions of `explorer.units.MEASURES`.
    """
    docs = texts["doc"].to_list()
    after = pl.Series("text", list(map(_rewriter(spans, docs, replacements), docs, texts["text"].to_list())), pl.String)
    data = [text.encode() for text in after.to_list()]
    offsets = np.cumsum([0, *map(len, data)], dtype=np.int64)
    words = count_texts(np.frombuffer(b"".join(data), dtype=np.uint8), offsets).n_words
    counts = after.to_frame().lazy().select(*TEXT_COUNTS).collect(engine="in-memory")
    names = ("n_chars", "n_bytes", "n_bytes_trimmed")
    frame = pl.DataFrame([
        texts["doc"],
        *(counts[name].alias(f"{name}_after") for name in names),
        pl.Series("n_words_after", words, dtype=pl.Int64),
    ])  # fmt: skip
    if count is None:
        return frame
    return frame.with_columns(pl.Series("n_tokens_after", list(count(after.to_list())), dtype=pl.Int64))


def _rewriter(spans: Spans, docs: Sequence[int], replacements: Sequence[str]) -> Callable[[int, str], str]:
    """A function of a document and its text to the text after span replacement."""
    chosen = spans.take(np.isin(spans.docs, np.array(docs, dtype=np.int64)))
    by_doc: dict[int, list[tuple[int, int, str]]] = {}
    columns = (chosen.docs, chosen.starts, chosen.ends, chosen.rules)
    for doc, start, end, rule in zip(*(column.tolist() for column in columns), strict=True):
        by_doc.setdefault(doc, []).append((start, end, replacements[rule]))
    return lambda doc, text: replaced(text, by_doc[doc]) if doc in by_doc else text
