"""Duplicates counted in plain Python, dictionary by dictionary: the reference for the statistics of duplicates.

No engine, no hashes but the md5 that the definition of a text's key names: a URL and a paragraph are their own keys.

Kinds of keys: `url`, the URL as it stands; `text`, md5 of the text's bytes, empty texts apart; `paragraph`, a piece
between line feeds that holds more than White_Space, as it stands. A key's *copies* are the documents that have it, one
for each occurrence (a document may have a paragraph twice); a *cluster* is a key with two copies or more. The *first*
copy is the one with the smallest source number, id and text md5. Bytes are UTF-8, words as `explorer.units` has them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

KINDS = ("url", "text", "paragraph")
_SEPARATORS = re.compile("[\x1c-\x1f]")  # str.split splits at these, although they are not White_Space

Copies = dict[str, list[int]]  # key: documents by number, ascending, one for each copy
Label = Callable[["Document"], str | None]
Rank = Callable[[int], tuple[int, ...]]  # of a document by number; the lowest stays


@dataclass(frozen=True, slots=True)
class Amount:
    """Documents, or copies of a paragraph: how many, and their own size."""

    n: int = 0
    n_bytes: int = 0
    n_words: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.n + other.n, self.n_bytes + other.n_bytes, self.n_words + other.n_words)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.n - other.n, self.n_bytes - other.n_bytes, self.n_words - other.n_words)

    def __mul__(self, times: int) -> Amount:
        return Amount(self.n * times, self.n_bytes * times, self.n_words * times)


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Document:
    source: str
    id: str
    text: str
    url: str | None = None
    domain: str | None = None  # registered domain of the URL
    n_tokens: int | None = None


@dataclass(frozen=True)
class Corpus:
    """Documents in the order in which first copies are found; a document's number is its place among them."""

    sources: tuple[str, ...]  # by source number
    documents: tuple[Document, ...]
    amounts: tuple[Amount, ...]  # of each document
    copies: Mapping[str, Copies]  # by kind

    def sizes(self, kind: str, key: str) -> list[Amount]:
        """Of each copy: the whole document's, or the paragraph's own."""
        numbers = self.copies[kind][key]
        return [measure(key)] * len(numbers) if kind == "paragraph" else [self.amounts[n] for n in numbers]


def count_words(text: str) -> int:
    """Maximal runs without White_Space."""
    return len(_SEPARATORS.sub("x", text).split())


def measure(text: str) -> Amount:
    return Amount(1, len(text.encode()), count_words(text))


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def paragraphs(text: str, min_chars: int = 1) -> Iterator[str]:
    """Pieces between line feeds that are not blank and have `min_chars` characters or more."""
    return (piece for piece in text.split("\n") if len(piece) >= min_chars and count_words(piece))


def read(documents: Iterable[Document], order: Sequence[str] = (), min_paragraph: int = 1) -> Corpus:
    """The corpus of `documents`. Sources are numbered as in `order`, then by name."""
    unsorted = list(documents)
    names = {document.source for document in unsorted}
    sources = (*(name for name in order if name in names), *sorted(names - set(order)))
    number = {source: n for n, source in enumerate(sources)}
    hashes = [md5(document.text) for document in unsorted]
    firsts = sorted(
        range(len(unsorted)),
        key=lambda n: (number[unsorted[n].source], unsorted[n].id, hashes[n], unsorted[n].url or ""),
    )
    found = tuple(unsorted[n] for n in firsts)
    copies: dict[str, Copies] = {kind: defaultdict(list) for kind in KINDS}
    for n, document in enumerate(found):
        if document.url is not None:
            copies["url"][document.url].append(n)
        if document.text:
            copies["text"][hashes[firsts[n]]].append(n)
        for paragraph in paragraphs(document.text, min_paragraph):
            copies["paragraph"][paragraph].append(n)
    amounts = tuple(measure(document.text) for document in found)
    return Corpus(sources, found, amounts, {kind: dict(by_key) for kind, by_key in copies.items()})


@dataclass(frozen=True)
class Overlap:
    """What source a shares with source b; on the diagonal, what is in a more than once."""

    n_keys: int
    documents: Amount  # documents of a with such a key
    n_tokens: int | None  # of those of them that have a count; None where no document of a has one
    copies: Amount  # copies of such keys in a
    containment: float | None  # of a's distinct keys; None where it has none
    jaccard: float | None  # None on the diagonal, and where neither has a key


def overlap(corpus: Corpus, kind: str) -> dict[tuple[str, str], Overlap]:
    """Every ordered pair of sources."""
    distinct: Counter[str] = Counter()
    n_keys: Counter[tuple[str, str]] = Counter()
    copies: dict[tuple[str, str], Amount] = defaultdict(Amount)
    met: dict[int, set[str]] = defaultdict(set)  # document: the sources that have one of its keys
    for key, numbers in corpus.copies[kind].items():
        sources = Counter(corpus.documents[n].source for n in numbers)
        distinct.update(sources.keys())
        sizes = corpus.sizes(kind, key) if len(numbers) > 1 else []
        for a, b in shared(sources):
            n_keys[a, b] += 1
            for n, size in zip(numbers, sizes, strict=True):
                if corpus.documents[n].source == a:
                    copies[a, b] += size
                    met[n].add(b)
    documents: dict[tuple[str, str], Amount] = defaultdict(Amount)
    with_key: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n, others in met.items():
        for b in others:
            documents[corpus.documents[n].source, b] += corpus.amounts[n]
            with_key[corpus.documents[n].source, b].append(n)
    counted = {source: tokens(corpus, of_source(corpus, source)) for source in corpus.sources}
    found = {}
    for pair in ((a, b) for a in corpus.sources for b in corpus.sources):
        n, (a, b) = n_keys[pair], pair
        jaccard = None if a == b else ratio(n, distinct[a] + distinct[b] - n)
        n_tokens = None if counted[a] is None else tokens(corpus, with_key[pair]) or 0
        found[pair] = Overlap(n, documents[pair], n_tokens, copies[pair], ratio(n, distinct[a]), jaccard)
    return found


def of_source(corpus: Corpus, source: str) -> list[int]:
    return [n for n, document in enumerate(corpus.documents) if document.source == source]


def tokens(corpus: Corpus, documents: Iterable[int]) -> int | None:
    """Tokens of the documents that have a count; None where none has."""
    counts = [n_tokens for n in documents if (n_tokens := corpus.documents[n].n_tokens) is not None]
    return sum(counts) if counts else None


def shared(copies: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """The pairs of sources in which a key with `copies` by source counts as shared."""
    return ((a, b) for a in copies for b in copies if a != b or copies[a] > 1)


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass
class Duplicates:
    """Duplicates among the documents of one label (a source, a domain), or of all.

    `copies` are those of clusters, all k of them; `removable` those of them that are not the cluster's first (k - 1).
    A cluster is anywhere in the corpus: `within` and `across` are its copies by whether all are of one label.
    `alone` is what would be removable if each label's documents were the whole corpus.
    """

    documents: Amount = NOTHING  # documents with a key
    n_keys: int = 0
    n_clusters: int = 0  # with a copy of the label
    n_clusters_across: int = 0
    copies: Amount = NOTHING
    removable: Amount = NOTHING
    within: Amount = NOTHING
    across: Amount = NOTHING
    alone: Amount = NOTHING


@dataclass(frozen=True)
class Counted:
    total: Duplicates = field(default_factory=Duplicates)
    by_label: dict[str | None, Duplicates] = field(default_factory=lambda: defaultdict(Duplicates))


def by_source(document: Document) -> str | None:
    return document.source


def by_domain(document: Document) -> str | None:
    return document.domain


def duplicates(corpus: Corpus, kind: str, label: Label = by_source) -> Counted:
    """Duplicates in total and by label. Documents without a label have one in common: None."""
    counted = Counted()
    labels = [label(document) for document in corpus.documents]
    with_key: set[int] = set()
    for key, numbers in corpus.copies[kind].items():
        with_key.update(numbers)
        found = {labels[n] for n in numbers}
        for one in (counted.total, *(counted.by_label[name] for name in found)):
            one.n_keys += 1
            if len(numbers) > 1:
                one.n_clusters += 1
                one.n_clusters_across += len(found) > 1
        if len(numbers) > 1:
            _count_cluster(counted, [labels[n] for n in numbers], corpus.sizes(kind, key))
    for n in with_key:
        for one in (counted.total, counted.by_label[labels[n]]):
            one.documents += corpus.amounts[n]
    return counted


def _count_cluster(counted: Counted, labels: Sequence[str | None], sizes: Sequence[Amount]) -> None:
    """Count one cluster's copies, the first of which comes first."""
    is_across = len(set(labels)) > 1
    seen: set[str | None] = set()
    for place, (name, size) in enumerate(zip(labels, sizes, strict=True)):
        for one in (counted.total, counted.by_label[name]):
            one.copies += size
            one.removable += size * (place > 0)
            one.alone += size * (name in seen)
            one.across += size * is_across
            one.within += size * (not is_across)
        seen.add(name)


def cluster_sizes(corpus: Corpus, kind: str) -> Counter[int]:
    """Distinct keys by number of copies; those with one copy too."""
    return Counter(len(numbers) for numbers in corpus.copies[kind].values())


@dataclass(frozen=True)
class Cluster:
    key: str
    n_copies: int
    n_documents: int
    n_sources: int
    first: int  # number of the document with the first copy
    first_amount: Amount
    amount: Amount  # all copies


def largest(corpus: Corpus, kind: str, limit: int) -> list[Cluster]:
    """The clusters with the most copies; of equals, those whose first copy comes first, then by key."""
    keys = (key for key, numbers in corpus.copies[kind].items() if len(numbers) > 1)
    best = sorted(keys, key=lambda key: (-len(corpus.copies[kind][key]), corpus.copies[kind][key][0], key))[:limit]
    return [_cluster(corpus, kind, key, corpus.copies[kind][key]) for key in best]


def _cluster(corpus: Corpus, kind: str, key: str, numbers: Sequence[int]) -> Cluster:
    sources = {corpus.documents[n].source for n in numbers}
    sizes = corpus.sizes(kind, key)
    return Cluster(key, len(numbers), len(set(numbers)), len(sources), numbers[0], sizes[0], sum(sizes, NOTHING))


def boilerplate(corpus: Corpus, at_least: Sequence[int]) -> dict[tuple[str | None, int], tuple[int, Amount]]:
    """For each k of `at_least` and each source, or None for all: how many different paragraphs there are that k or more
    documents of the corpus have, and the source's copies of them."""
    found = {(source, k): (0, NOTHING) for k in at_least for source in (None, *corpus.sources)}
    for key, numbers in corpus.copies["paragraph"].items():
        n_documents, size = len(set(numbers)), measure(key)
        sources = Counter(corpus.documents[n].source for n in numbers)
        for k in at_least:
            for source, n in ((None, len(numbers)), *sources.items()) if n_documents >= k else ():
                n_keys, copies = found[source, k]
                found[source, k] = n_keys + 1, copies + size * n
    return found


def keep_first(number: int) -> tuple[int, ...]:
    return (number,)


def keep_longest(corpus: Corpus) -> Rank:
    """Most bytes; of equals the first."""
    return lambda n: (-corpus.amounts[n].n_bytes, n)


def keep_priority(corpus: Corpus, sources: Sequence[str]) -> Rank:
    """The copy in the source that is named first, sources that are not named last; of equals the first."""
    place = {source: n for n, source in enumerate(sources)}
    return lambda n: (place.get(corpus.documents[n].source, len(place)), n)


def by_sources(corpus: Corpus, documents: Iterable[int]) -> dict[str, Amount]:
    """Documents by source, sources without any too."""
    found = dict.fromkeys(corpus.sources, NOTHING)
    for n in documents:
        found[corpus.documents[n].source] += corpus.amounts[n]
    return found


def remaining(corpus: Corpus, kind: str, rank: Rank = keep_first) -> dict[str, Amount]:
    """Documents that are left, by source, when of each cluster of a url or a text the copy of the lowest rank stays."""
    return by_sources(corpus, keep(corpus, kind, range(len(corpus.documents)), rank))


def keep(corpus: Corpus, kind: str, documents: Iterable[int], rank: Rank = keep_first) -> list[int]:
    """Those of `documents` that are left when of each cluster among them the copy of the lowest rank stays."""
    left = set(documents)
    removed: set[int] = set()
    for numbers in corpus.copies[kind].values():
        here = sorted((n for n in numbers if n in left), key=rank)
        removed.update(here[1:])
    return sorted(left - removed)


def removed_paragraphs(corpus: Corpus, documents: Iterable[int], rank: Rank = keep_first) -> dict[str, Amount]:
    """Copies of paragraphs, by source, that go from `documents` when one of each stays, in that of the lowest rank."""
    removed = dict.fromkeys(corpus.sources, NOTHING)
    there = set(documents)
    for key, numbers in corpus.copies["paragraph"].items():
        for n in sorted((n for n in numbers if n in there), key=rank)[1:]:
            removed[corpus.documents[n].source] += measure(key)
    return removed


@dataclass(frozen=True)
class Step:
    """One step of the waterfall: documents (of the step `paragraph`: copies of paragraphs) removed, by source."""

    kind: str
    removed: dict[str, Amount]
    left: dict[str, Amount]  # documents; after the step `paragraph` without the bytes and words of those copies


def waterfall(corpus: Corpus) -> list[Step]:
    """URLs, then texts, then paragraphs, each among what the steps before have left; first copies stay."""
    steps = []
    left = list(range(len(corpus.documents)))
    for kind in ("url", "text"):
        kept = keep(corpus, kind, left, keep_first)
        steps.append(Step(kind, by_sources(corpus, set(left) - set(kept)), by_sources(corpus, kept)))
        left = kept
    removed = removed_paragraphs(corpus, left)
    after = {
        name: amount - Amount(0, removed[name].n_bytes, removed[name].n_words)
        for name, amount in steps[-1].left.items()
    }
    return [*steps, Step("paragraph", removed, after)]
