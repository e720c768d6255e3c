"""Duplicates against references: the plain-Python counts of `tests.oracles.duplicates`, which are themselves compared
with figures by hand, with the truth of generated corpora and with the marks of the real toolkit."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow.parquet as pq
import pytest

import explorer.corpus
from explorer.corpus import open_corpus
from tests.corpora import build_corpus, document, write_dolma, write_jsonl
from tests.generate import ODD_SOURCE, cuts, generated
from tests.oracles import duplicates as oracle
from tests.oracles.duplicates import NOTHING, Amount, Corpus, Document, Duplicates

WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
QUICK = ("c4", "news", "sotu", "foldoc", "hackernews")  # sources with little text to learn from


@dataclass(frozen=True)
class Growth:
    """What a corpus is generated with. `exact` and `cross` are rates, `gb` is 1e9 bytes of text."""

    seed: int
    exact: float
    cross: float
    sources: tuple[str, ...] = QUICK
    gb: float = 0.02

    def __str__(self) -> str:
        return f"{self.gb}gb-seed{self.seed}-exact{self.exact}-cross{self.cross}"


# CORPUS_EXPLORER_BIG ("0.2", "0.2 2") adds larger ones.
GROWN = [
    Growth(1, 0.05, 0.3, (*QUICK, "reddit", "stackexchange", "jargon", "gov"), gb=0.01),
    Growth(2, 0.3, 0.9, gb=0.01),
    Growth(3, 0.0, 0.0, gb=0.005),
    Growth(4, 0.9, 1.0, gb=0.005),
    *(
        Growth(seed, 0.04, 0.3, (), float(gb))
        for gb in os.environ.get("CORPUS_EXPLORER_BIG", "").split()
        for seed in (1, 2)
    ),
]
SAMPLES = [*GROWN, "mini-dolma", "hostile"]


@dataclass(frozen=True)
class Sample:
    """A corpus that the reference has read from its files."""

    corpus: Corpus
    files: Path
    truth: dict[str, Any]  # of generated ones
    config: Path | None = None


@pytest.fixture(scope="module", params=SAMPLES, ids=str)
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    if isinstance(request.param, Growth):
        return grow(request.param, request.getfixturevalue("data"), tmp_path_factory.mktemp("grown"))
    if request.param == "hostile":
        return write_hostile(tmp_path_factory.mktemp("hostile"))
    return Sample(request.getfixturevalue("mini"), request.getfixturevalue("mini_dolma"), {})


def grow(growth: Growth, data: Path, root: Path) -> Sample:
    """A corpus made out of mini-dolma."""
    options = {"src": data / "mini-dolma", "out": root, "gb": growth.gb, "seed": growth.seed}
    options |= {"exact": growth.exact, "cross": growth.cross, "format": "parquet", "workers": 1}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    if growth.sources:
        arguments += ["--sources", *growth.sources]
    subprocess.run([sys.executable, data.parent / "tools" / "scale_up.py", *arguments], check=True, capture_output=True)
    truth = json.loads((root / "truth.json").read_text())
    return Sample(oracle.read(parquet_documents(root / "documents")), root / "documents", truth)


def parquet_documents(root: Path) -> Iterator[Document]:
    for path in sorted(root.glob("*/*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(columns=["source", "id", "text", "url"]):
            yield from (Document(**row) for row in batch.to_pylist())


@dataclass(frozen=True)
class Tagged:
    """A document of mini-dolma, in the order of its file, with the toolkit's marks; None where a set has no file."""

    document: Document
    marks: dict[str, dict[str, list[list[int]]] | None]


@pytest.fixture(scope="module")
def tagged(mini_dolma: Path) -> list[Tagged]:
    return [row for path in sorted(mini_dolma.glob("documents/*/*.json.gz")) for row in read_tagged(path)]


@pytest.fixture(scope="module")
def mini(tagged: list[Tagged]) -> Corpus:
    return oracle.read(row.document for row in tagged)


def read_tagged(path: Path) -> Iterator[Tagged]:
    files = {name: Path(str(path).replace("/documents/", f"/attributes/{name}/")) for name in SETS}
    sides = {name: list(rows(file)) for name, file in files.items() if file.exists()}
    for number, row in enumerate(rows(path)):
        for side in sides.values():
            assert side[number]["id"] == row["id"]
        document = Document(row["source"], row["id"], row["text"], row["metadata"].get("url"))
        yield Tagged(document, {name: sides[name][number]["attributes"] if name in sides else None for name in SETS})


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as file:
        yield from map(orjson.loads, file)


SETS = ("dup_text", "dup_url", "dup_paragraphs")


def test_words_are_runs_without_white_space() -> None:
    assert all(oracle.count_words(f"a{mark}b") == 2 for mark in WHITE_SPACE)
    others = (chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000 and chr(n) not in WHITE_SPACE)
    assert oracle.count_words(" ".join(f"a{mark}b" for mark in others)) == sys.maxunicode + 1 - 2048 - len(WHITE_SPACE)
    assert oracle.count_words("\x1c \x1f\n") == 2
    assert list(oracle.paragraphs("a\n \u2003\n\n b \n\x1c", 1)) == ["a", " b ", "\x1c"]
    assert list(oracle.paragraphs("a\nbb\r", 2)) == ["bb\r"]


HAND = oracle.read(
    [
        Document("c", "c1", "q\ny"),
        Document("a", "a2", "x\ny"),
        Document("a", "a1", "x\nx\n \nz", "u1", "d.org"),
        Document("b", "b3", "", "u1", "d.org"),
        Document("b", "b2", "x\ny", "u2", "e.org"),
        Document("b", "b1", "x\ny", "u1", "d.org"),
    ],
    order=("b", "nowhere", "a"),
)


def test_overlap_by_hand() -> None:
    assert HAND.sources == ("b", "a", "c")
    text = oracle.overlap(HAND, "text")
    assert list(text) == [(a, b) for a in "bac" for b in "bac"]
    assert text["b", "b"] == oracle.Overlap(1, Amount(2, 6, 4), None, Amount(2, 6, 4), 1.0, None)
    assert text["b", "a"] == oracle.Overlap(1, Amount(2, 6, 4), None, Amount(2, 6, 4), 1.0, 0.5)
    assert text["a", "b"] == oracle.Overlap(1, Amount(1, 3, 2), None, Amount(1, 3, 2), 0.5, 0.5)
    assert text["a", "a"] == oracle.Overlap(0, NOTHING, None, NOTHING, 0.0, None)
    url = oracle.overlap(HAND, "url")
    assert url["b", "b"] == oracle.Overlap(1, Amount(2, 3, 2), None, Amount(2, 3, 2), 0.5, None)
    assert url["a", "b"] == oracle.Overlap(1, Amount(1, 7, 3), None, Amount(1, 7, 3), 1.0, 0.5)
    assert url["c", "a"] == oracle.Overlap(0, NOTHING, None, NOTHING, None, 0.0)
    paragraph = oracle.overlap(HAND, "paragraph")
    assert paragraph["a", "a"] == oracle.Overlap(1, Amount(2, 10, 5), None, Amount(3, 3, 3), 1 / 3, None)
    assert paragraph["a", "b"] == oracle.Overlap(2, Amount(2, 10, 5), None, Amount(4, 4, 4), 2 / 3, 2 / 3)
    assert paragraph["c", "a"] == oracle.Overlap(1, Amount(1, 3, 2), None, Amount(1, 1, 1), 1 / 2, 1 / 4)
    assert paragraph["b", "b"] == oracle.Overlap(2, Amount(2, 6, 4), None, Amount(4, 4, 4), 1.0, None)


def test_duplicates_by_hand() -> None:
    text = oracle.duplicates(HAND, "text")
    two, three = Amount(2, 6, 4), Amount(3, 9, 6)
    assert text.total == Duplicates(Amount(5, 19, 11), 3, 1, 1, three, two, NOTHING, three, Amount(1, 3, 2))
    one = Amount(1, 3, 2)
    assert text.by_label["a"] == Duplicates(Amount(2, 10, 5), 2, 1, 1, one, one, NOTHING, one, NOTHING)
    assert text.by_label["c"] == Duplicates(one, 1)
    paragraph = oracle.duplicates(HAND, "paragraph").total  # x five times, y four, z and q once
    assert (paragraph.n_keys, paragraph.n_clusters, paragraph.copies.n, paragraph.removable.n) == (4, 2, 9, 7)
    assert (paragraph.documents, paragraph.alone.n) == (Amount(5, 19, 11), 1 + 2 + 1)
    domains = oracle.duplicates(HAND, "url", oracle.by_domain)
    assert domains.total.within == Amount(3, 10, 5)
    assert domains.by_label["d.org"].n_clusters == 1
    assert None not in domains.by_label
    assert oracle.cluster_sizes(HAND, "paragraph") == {5: 1, 4: 1, 1: 2}
    assert oracle.largest(HAND, "paragraph", 1) == [oracle.Cluster("x", 5, 4, 2, 0, Amount(1, 1, 1), Amount(5, 5, 5))]
    assert [one.key for one in oracle.largest(HAND, "paragraph", 9)] == ["x", "y"]
    copies = oracle.boilerplate(HAND, (4, 5))
    of_four = {None: (2, Amount(9, 9, 9)), "b": (2, Amount(4, 4, 4)), "a": (2, Amount(4, 4, 4))}
    of_four["c"] = (1, Amount(1, 1, 1))
    assert copies == {(source, k): of_four[source] if k == 4 else (0, NOTHING) for source in of_four for k in (4, 5)}


def test_what_remains_by_hand() -> None:
    c = {"c": Amount(1, 3, 2)}
    assert oracle.remaining(HAND, "text") == {"b": Amount(2, 3, 2), "a": Amount(1, 7, 3)} | c
    by_priority = oracle.remaining(HAND, "text", oracle.keep_priority(HAND, ["a"]))
    assert by_priority == {"b": Amount(1), "a": Amount(2, 10, 5)} | c
    by_length = oracle.remaining(HAND, "url", oracle.keep_longest(HAND))
    assert by_length == {"b": Amount(1, 3, 2), "a": Amount(2, 10, 5)} | c
    url, text, paragraph = oracle.waterfall(HAND)
    assert url.removed == {"b": Amount(1), "a": Amount(1, 7, 3), "c": NOTHING}
    assert text.removed == {"b": Amount(1, 3, 2), "a": Amount(1, 3, 2), "c": NOTHING}
    assert text.left == {"b": Amount(1, 3, 2), "a": NOTHING} | c
    assert paragraph.removed == {"b": NOTHING, "a": NOTHING, "c": Amount(1, 1, 1)}
    assert paragraph.left == {"b": Amount(1, 3, 2), "a": NOTHING, "c": Amount(1, 2, 1)}


@pytest.mark.parametrize("sample", GROWN, indirect=True, ids=str)
def test_exact_texts_are_those_of_the_truth(sample: Sample) -> None:
    corpus, truth = sample.corpus, sample.truth["exact_duplicates"]
    overlap = oracle.overlap(corpus, "text")
    pairs = {(a, b): overlap[a, b] for n, a in enumerate(corpus.sources) for b in corpus.sources[n:]}
    found = {
        pair: {
            "distinct_texts_in_both": one.n_keys,
            "docs_in_a": one.documents.n,
            "docs_in_b": overlap[pair[::-1]].documents.n,
        }
        for pair, one in pairs.items()
        if one.n_keys
    }
    assert found == {(row.pop("a"), row.pop("b")): row for row in map(dict, truth["by_source_pair"])}
    total = oracle.duplicates(corpus, "text").total
    assert total.documents.n == len(corpus.documents) == sample.truth["totals"]["docs"]
    assert total.n_keys == truth["distinct_texts"]
    assert total.n_clusters == truth["texts_seen_more_than_once"]
    assert total.copies.n == truth["docs_in_duplicate_groups"]
    assert total.removable.n == truth["removable_docs"]
    assert sum(oracle.remaining(corpus, "text").values(), NOTHING).n == truth["distinct_texts"]
    sizes = oracle.cluster_sizes(corpus, "text")
    assert max(sizes) == truth["largest_group"]
    capped = {str(min(size, 50)): 0 for size in sizes}
    for size, n in sizes.items():
        capped[str(min(size, 50))] += n
    assert capped == truth["group_size_histogram"]


@pytest.mark.parametrize("kind", oracle.KINDS)
@pytest.mark.parametrize("sample", [*GROWN, "hostile"], indirect=True, ids=str)
def test_figures_agree_with_each_other(sample: Sample, kind: str) -> None:
    corpus = sample.corpus
    overlap = oracle.overlap(corpus, kind)
    counted = oracle.duplicates(corpus, kind)
    for (a, b), one in overlap.items():
        assert one.n_keys <= one.copies.n
        assert one.documents.n <= min(counted.by_label[a].documents.n, one.copies.n)
        if a != b:
            assert (one.n_keys, one.jaccard) == (overlap[b, a].n_keys, overlap[b, a].jaccard)
    of_sources = [counted.by_label[source] for source in corpus.sources]
    for name in ("documents", "copies", "removable", "within", "across", "alone"):
        assert sum((getattr(one, name) for one in of_sources), NOTHING) == getattr(counted.total, name)
    for each in (*of_sources, counted.total):
        assert each.within + each.across == each.copies
        assert each.alone.n <= each.removable.n <= each.copies.n
    assert counted.total.removable.n == counted.total.copies.n - counted.total.n_clusters
    assert sum(n * size for size, n in oracle.cluster_sizes(corpus, kind).items() if size > 1) == counted.total.copies.n
    if kind == "paragraph":
        n_keys, copies = oracle.boilerplate(corpus, [1])[None, 1]
        assert (n_keys, copies.n) == (counted.total.n_keys, sum(map(len, corpus.copies[kind].values())))
        return
    for rank in (oracle.keep_longest(corpus), oracle.keep_priority(corpus, corpus.sources[::-1])):
        left = sum(oracle.remaining(corpus, kind, rank).values(), NOTHING)
        assert left.n == len(corpus.documents) - counted.total.removable.n


def test_mini_dolma_is_as_its_truth_says(mini: Corpus, mini_dolma: Path) -> None:
    truth = json.loads((mini_dolma / "truth.json").read_text())
    total = oracle.duplicates(mini, "text").total
    assert len(mini.documents) == truth["documents"]
    assert sum(mini.amounts, NOTHING).n_bytes == truth["text_bytes"]
    assert total.n_keys == truth["distinct_texts"]
    assert total.removable.n == truth["exact_duplicate_documents_after_the_first"]
    assert total.n_clusters == truth["exact_duplicate_clusters"]
    assert total.n_clusters_across == truth["exact_duplicate_clusters_across_sources"]


# The rule of the toolkit (src/deduper.rs of dolma 1.2.1) with skip_empty, one thread, documents in the order of files.
# A mark's end takes in the newline unless the end, in characters, has come to the number of *bytes* less one.
def toolkit_marks(texts: Iterable[str]) -> Iterator[list[list[int]] | None]:
    """The marks of each text's paragraphs; None for an empty text, which gets no attribute."""
    seen: set[str] = set()
    for text in texts:
        n_bytes, start = len(text.encode()), 0
        marks = []
        for piece in text.split("\n"):
            end = start + len(piece)
            if oracle.count_words(piece):
                if piece in seen:
                    marks.append([start, end + (end < n_bytes - 1), 1])
                seen.add(piece)
            start = end + 1
        yield marks if text else None


@pytest.fixture(scope="module")
def agreed(tagged: list[Tagged]) -> list[list[list[int]] | None]:
    """The marks of mini-dolma's paragraphs by that rule."""
    return list(toolkit_marks(row.document.text for row in tagged))


DEDUPE = "import sys; sys.path.append(sys.argv[1]); import mixer; mixer.load_toolkit().deduper_entrypoint(sys.argv[2])"


def dedupe_paragraphs(python: Path, root: Path) -> list[list[list[int]] | None]:
    """What the real toolkit marks in the documents below `root`, in the order of files; writes beside them."""
    config = {
        "documents": [str(root / "documents" / "*" / "*")],
        "work_dir": {"input": str(root / "in"), "output": str(root / "out")},
        "processes": 1,
        "dedupe": {
            "name": "dedupe", "paragraphs": {"attribute_name": "marks"}, "skip_empty": True, "min_length": 0,
            "min_words": 0, "num_partitions": 1, "partition_index": 0, "document_dir": "documents",
        },
        "bloom_filter": {  # 4 MiB for these paragraphs: a false positive has a chance of less than 1e-8 in all
            "file": str(root / "filter"), "read_only": False, "size_in_bytes": 1 << 22, "estimated_doc_count": 500_000,
            "desired_false_positive_rate": 0,
        },
        "compression": {"input": None, "output": None},
    }  # fmt: skip
    subprocess.run(
        [python, "-c", DEDUPE, Path(oracle.__file__).parent, json.dumps(config)], check=True, capture_output=True
    )
    files = sorted((root / "attributes" / "dedupe").glob("*/*"))
    return [row["attributes"].get("marks") for path in files for row in rows(path)]


def test_the_toolkit_marks_every_paragraph_but_the_first_copy(
    dolma_python: Path, mini_dolma: Path, mini: Corpus, agreed: list[list[list[int]] | None], tmp_path: Path
) -> None:
    """On texts that try its rule, and on all of mini-dolma: as many as the reference has removable ones."""
    texts = ["a\nb\na\n", "a\n", "b", "é\nb", "é\nb\n", " \n\n \u2003\na \n\u3000", "", "x\r\nx\r", "\x1c\n\x1c\n\x85"]
    texts += [
        "\u200b\n\u200b",
        "y\ny\n",
        "é" * 9 + "\na",
        "\n\n",
        "a\n\n\nb",
        "\x00\n\x00",
        "A\nÉ\nE\u0301",
        "a\u2028a\na",
    ]
    write_jsonl(tmp_path / "documents" / "a" / "0.jsonl.gz", [document(n, text=text) for n, text in enumerate(texts)])
    assert dedupe_paragraphs(dolma_python, tmp_path) == list(toolkit_marks(texts))
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "documents").symlink_to(mini_dolma / "documents")
    marks = dedupe_paragraphs(dolma_python, whole)
    assert marks == agreed
    removable = oracle.duplicates(mini, "paragraph").total.removable
    assert sum(len(one or ()) for one in marks) == removable.n == 42_916


def test_marked_documents_are_the_reference_s(tagged: list[Tagged], mini: Corpus) -> None:
    """48 texts and 16 URLs: in each source as many as are removable, and always all copies but the first in the files.

    dup_url has a file for just the sources in which every document has a URL: the toolkit stops at one without.
    """
    for kind, expected in (("text", 48), ("url", 16)):
        name = f"dup_{kind}"
        seen: set[str] = set()
        found: Counter[str] = Counter()
        for row in tagged:
            marks, key = row.marks[name], getattr(row.document, kind)
            if marks is not None:
                assert marks == ({name: [[0, len(key.encode()), 1]]} if key in seen else {})
                found[row.document.source] += bool(marks)
                seen.add(key)
        counted = oracle.duplicates(mini, kind)
        assert found == {source: counted.by_label[source].removable.n for source in found}
        assert sum(found.values()) == counted.total.removable.n == expected
    without_url = {row.document.source for row in tagged if row.document.url is None}
    assert without_url == {row.document.source for row in tagged if row.marks["dup_url"] is None}
    assert len(without_url) == 7


def test_every_difference_of_marked_paragraphs_has_a_reason(
    tagged: list[Tagged], mini: Corpus, agreed: list[list[list[int]] | None]
) -> None:
    """42,979 marks in dup_paragraphs against 42,916 removable paragraphs.

    Where they begin: all at a paragraph. Where they end: 40,873 behind the newline, 1,800 at the text's end, and 306
    one character behind it, where the text has at least two bytes more than characters.

    Which: of 24,701 clusters in which they agree the copies but the first in the order of the files, 42,916 in all.
    63 more are first copies themselves, 35 of them of paragraphs with no other copy. No false positives of the Bloom
    filter, which would be of any length: the longest has 34 characters (17 % of all paragraphs are that short), and
    they are mostly lines of program code. The filter knew them: none is in the sources read first (books and c4, with
    13 % of the paragraphs), so a source between c4 and foldoc was read that is no longer in the corpus, such as the
    source `code` that scale_up.py has a share for. Without it the toolkit marks 42,916 (the test above).
    """
    ends: Counter[str] = Counter()
    extra: dict[str, str] = {}  # paragraph: the source where it was marked
    for row, expected in zip(tagged, agreed, strict=True):
        text = row.document.text
        marks = (row.marks["dup_paragraphs"] or {}).get("dup_paragraphs")
        assert (marks is None) == (expected is None) == (text == "")
        for mark in marks or ():
            piece, ends_at = paragraph_at(text, mark[0])
            ends[end_class(text, ends_at, mark[1])] += 1
            if mark not in (expected or ()):
                assert piece not in extra  # its first copy only
                extra[piece] = row.document.source
        assert [mark for mark in expected or () if mark not in (marks or ())] == []
    assert ends == {"newline": 40_873, "text": 1_800, "overshoot": 306}
    copies = mini.copies["paragraph"]
    assert sum(len(marks or ()) for marks in agreed) == sum(len(numbers) - 1 for numbers in copies.values()) == 42_916
    assert sum(len(numbers) > 1 for key, numbers in copies.items() if key not in extra) == 24_701
    assert (len(extra), sum(len(copies[piece]) == 1 for piece in extra)) == (63, 35)
    before = {key for key, numbers in copies.items() if mini.documents[numbers[0]].source in ("books", "c4")}
    assert mini.sources[:3] == ("books", "c4", "foldoc")
    assert len(before) > 0.13 * len(copies)
    assert not before & extra.keys()
    assert max(map(len, extra)) == 34
    assert sum(len(key) <= 34 for key in copies) < 0.18 * len(copies)


def paragraph_at(text: str, start: int) -> tuple[str, int]:
    """The paragraph that begins there and where it ends."""
    assert start == 0 or text[start - 1] == "\n"
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    assert oracle.count_words(text[start:end])
    return text[start:end], end


def end_class(text: str, end: int, marked: int) -> str:
    """Why a mark of the paragraph that ends at `end` ends where it does."""
    if end < len(text):
        assert marked == end + 1
        return "newline"
    n_more_bytes = len(text.encode()) - len(text)
    assert marked == end + (n_more_bytes > 1)
    return "overshoot" if n_more_bytes > 1 else "text"


@pytest.fixture(scope="module")
def built(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[explorer.corpus.Corpus]:
    """The catalogue of the same files, made in several parts."""
    out = tmp_path_factory.mktemp("built") / "workspace"
    part_bytes = max(1 << 10, sum(amount.n_bytes for amount in sample.corpus.amounts) // 5)
    build_corpus(sample.files, out, config_path=sample.config, part_bytes=part_bytes, near=0, memory=512 << 20)
    with open_corpus(out) as opened:
        assert len(opened.manifest["parts"]) > 1
        yield opened


def write_hostile(root: Path) -> Sample:
    """Generated documents under odd names, among whose texts, paragraphs and URLs are many copies; out of order."""
    rng = random.Random(11)
    documents = generated(400)
    for number, row in enumerate(documents):
        other = documents[rng.randrange(number + 1)]
        if rng.random() < 0.3:
            row["metadata"]["url"] = other["metadata"]["url"]
        if rng.random() < 0.4:
            row["text"] = other["text"]
        else:
            row["text"] += "".join(
                rng.choice(("\n", "\nx\r", "\n x", "\n\x1c", "\n\u2003", "\ndéjà")) for _ in range(number % 5)
            )
    cut = {f"{n}.jsonl": [documents[i] for i in places] for n, places in enumerate(cuts(len(documents))["shuffled"])}
    files = write_dolma(root / "corpus", cut)
    config = root / "corpus.toml"
    order = (ODD_SOURCE, "nowhere", "tiny")
    config.write_text("".join(f"[sources.{json.dumps(name)}]\n" for name in order), encoding="utf-8")
    found = [
        Document(row["source"], row["id"], row["text"], row["metadata"]["url"], n_tokens=row.get("n_tokens"))
        for row in documents
    ]
    return Sample(oracle.read(found, order), files, {}, config)


@pytest.fixture(scope="module")
def corpus(sample: Sample, built: explorer.corpus.Corpus) -> Corpus:
    """The reference's corpus with the catalogue's domains."""
    domains = dict(built.sql("select distinct url, domain from documents").iter_rows())
    documents = tuple(replace(document, domain=domains[document.url]) for document in sample.corpus.documents)
    return replace(sample.corpus, documents=documents)


def rows_of(frame: pl.DataFrame, *columns: str) -> Counter[tuple[Any, ...]]:
    return Counter(frame.select(columns).iter_rows())


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_overlap_is_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus, kind: str) -> None:
    found = built.show("overlap", kind=kind)
    columns = ("n_keys", "n_docs", "n_bytes", "n_words", "n_tokens", "containment", "jaccard")
    assert rows_of(found, "source_a", "source_b", *columns) == Counter(
        (*pair, one.n_keys, *astuple(one.documents), one.n_tokens, one.containment, one.jaccard)
        for pair, one in oracle.overlap(corpus, kind).items()
    )
    assert rows_of(found, "source_a", "source_b", "n_copies", "n_key_bytes") == Counter(
        (*pair, *((one.copies.n, one.copies.n_bytes) if kind == "paragraph" else (None, None)))
        for pair, one in oracle.overlap(corpus, kind).items()
    )


def test_copies_of_each_document_are_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus) -> None:
    found = built.sql(
        "select d.source, d.id, replace(d.text_md5::varchar, '-', '') as md5, c.* exclude (doc, key) "
        "from document_copies as c join documents as d using (doc) where c.key_kind <> 'id'"
    )
    expected = Counter(tuple(one.get(name) for name in found.columns) for one in copies_of(corpus))
    assert rows_of(found, *found.columns) == expected


def copies_of(corpus: Corpus) -> Iterator[dict[str, Any]]:
    """What `document_copies` says of each document and kind."""
    by_length = oracle.keep_longest(corpus)
    left = list(range(len(corpus.documents)))
    for kind in ("url", "text"):
        kept = oracle.keep(corpus, kind, left)
        removed = set(left) - set(kept)
        for numbers in corpus.copies[kind].values():
            documents = [corpus.documents[n] for n in numbers]
            sources = Counter(document.source for document in documents)
            domains = Counter(document.domain for document in documents)
            for place, (n, one) in enumerate(zip(numbers, documents, strict=True)) if len(numbers) > 1 else ():
                yield named(corpus, n) | {
                    "key_kind": kind,
                    "source_mask": mask(corpus, sources),
                    "n_texts": len({document.text for document in documents}),
                    "n_copies": len(numbers),
                    "n_copies_in_source": sources[one.source],
                    "is_in_source": sources[one.source] > 1,
                    "n_copies_in_domain": None if one.domain is None else domains[one.domain],
                    "is_first": place == 0,
                    "is_first_in_source": one.source not in {before.source for before in documents[:place]},
                    "is_longest": n == min(numbers, key=by_length),
                    "is_removed": n in removed,
                }
        left = kept
    repeated: dict[int, list[tuple[str, Counter[str]]]] = defaultdict(list)
    for key, numbers in corpus.copies["paragraph"].items():
        sources = Counter(corpus.documents[n].source for n in numbers)
        for n in numbers if len(numbers) > 1 else ():
            repeated[n].append((key, sources))
    for n, found in repeated.items():
        own = sum((oracle.measure(key) for key, _ in found), NOTHING)
        yield named(corpus, n) | {
            "key_kind": "paragraph",
            "source_mask": mask(corpus, (source for _, sources in found for source in sources)),
            "n_copies": max(sources.total() for _, sources in found),
            "is_in_source": any(sources[corpus.documents[n].source] > 1 for _, sources in found),
            "n_repeated": own.n,
            "n_repeated_bytes": own.n_bytes,
            "n_repeated_words": own.n_words,
        }


def named(corpus: Corpus, number: int) -> dict[str, Any]:
    document = corpus.documents[number]
    n_bytes = corpus.amounts[number].n_bytes
    return {
        "source": document.source, "domain": document.domain, "id": document.id, "md5": oracle.md5(document.text),
        "n_bytes": n_bytes,
    }  # fmt: skip


def mask(corpus: Corpus, sources: Iterable[str]) -> str:
    found = set(sources)
    return "".join("01"[source in found] for source in corpus.sources)


def with_total(amounts: Mapping[Any, Amount]) -> dict[str | None, Amount]:
    return {None: sum(amounts.values(), NOTHING), **amounts}


def test_duplicates_by_kind_are_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus) -> None:
    found = built.show("duplicates")
    copies = list(copies_of(corpus))
    for kind in oracle.KINDS:
        counted = oracle.duplicates(corpus, kind)
        for source, one in ((None, counted.total), *counted.by_label.items()):
            (row,) = found.filter(key_kind=kind).filter(pl.col("source").eq_missing(pl.lit(source))).to_dicts()
            assert (row["n_docs"], row["n_keys"], row["n_clusters"]) == (one.documents.n, one.n_keys, one.n_clusters)
            own = [c for c in copies if c["key_kind"] == kind and source in (None, c["source"])]
            where = Counter((c["is_in_source"], c["source_mask"].count("1") > 1) for c in own)
            assert row["n_cluster_docs"] == len(own)
            assert row["n_cluster_bytes"] == sum(c["n_bytes"] for c in own)
            assert row["n_docs_own_only"] == where[True, False]
            assert row["n_docs_others_only"] == where[False, True]
            assert row["n_docs_both"] == where[True, True]
            removable = [row[f"n_removable_{unit}"] for unit in ("docs", "bytes", "words")]
            assert removable == [None] * 3 if kind == "paragraph" else list(astuple(one.removable))
            assert row["n_removable_in_source"] == (None if kind == "paragraph" else one.alone.n)
            assert row["cluster_doc_share"] == len(own) / one.documents.n
        assert len(found.filter(key_kind=kind)) == 1 + len(counted.by_label)


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_sizes_of_clusters_are_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus, kind: str) -> None:
    clusters = oracle.largest(corpus, kind, sys.maxsize)
    found = built.show("cluster_sizes", kind=kind)
    assert found["n_clusters"].sum() == len(clusters)
    for row in found.iter_rows(named=True):
        start, end = row["bin_start"], row["bin_end"]
        assert end - start == 1 or start >= 12
        within = [one for one in clusters if start <= one.n_copies < end]
        every = sum((one.amount for one in within), NOTHING)
        removable = every - sum((one.first_amount for one in within), NOTHING)
        assert (row["n_clusters"], row["n_copies"], row["n_bytes"]) == (len(within), every.n, every.n_bytes)
        assert (row["n_removable"], row["n_removable_bytes"]) == (removable.n, removable.n_bytes)
        assert row["n_in_one_source"] == sum(one.n_sources == 1 for one in within)


@pytest.mark.parametrize("kind", ["url", "text"])
def test_duplicates_by_domain_are_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus, kind: str) -> None:
    found = built.show("duplicate_domains", kind=kind, top_n=10_000)
    counted = oracle.duplicates(corpus, kind, oracle.by_domain).by_label
    n_docs = Counter(document.domain for document in corpus.documents)
    inside: Counter[str | None] = Counter()
    elsewhere: Counter[str | None] = Counter()
    for one in copies_of(corpus):
        if one["key_kind"] == kind and one["domain"] is not None:
            inside[one["domain"]] += one["n_copies_in_domain"] > 1
            elsewhere[one["domain"]] += one["n_copies"] > one["n_copies_in_domain"]
    columns = (
        "domain", "n_docs", "n_cluster_docs", "n_cluster_bytes", "n_docs_in_domain", "n_docs_elsewhere",
        "n_removable_docs", "n_removable_bytes",
    )  # fmt: skip
    assert rows_of(found, *columns) == Counter(
        (
            name, n_docs[name], one.copies.n, one.copies.n_bytes, inside[name], elsewhere[name],
            one.removable.n, one.removable.n_bytes,
        )
        for name, one in counted.items()
        if name is not None and one.copies.n
    )  # fmt: skip


def test_repeated_paragraphs_are_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus) -> None:
    every = oracle.boilerplate(corpus, [1, 2, 3, 5, 10, 100, 1000, 10_000])
    columns = ("source", "least_docs", "n_keys", "n_copies", "n_bytes", "n_words", "byte_share")
    assert rows_of(built.show("boilerplate"), *columns) == Counter(
        (source, k, n_keys, *astuple(copies), copies.n_bytes / every[source, 1][1].n_bytes)
        for (source, k), (n_keys, copies) in every.items()
        if k > 1 and every[source, 1][0]
    )
    counted = oracle.duplicates(corpus, "paragraph")
    columns = ("source", "n_copies", "n_keys", "n_repeated", "n_removable", "n_repeated_bytes", "n_removable_bytes")
    assert rows_of(built.show("paragraph_repetition"), *columns) == Counter(
        (source, every[source, 1][1].n, one.n_keys, *figures(one))
        for source, one in ((None, counted.total), *counted.by_label.items())
    )


def figures(one: Duplicates) -> tuple[int, int, int, int]:
    return one.copies.n, one.removable.n, one.copies.n_bytes, one.removable.n_bytes


def test_largest_clusters_are_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus) -> None:
    for kind in ("url", "text"):
        found = built.show("largest_clusters", kind=kind, top_n=100)
        sizes = [one.n_copies for one in oracle.largest(corpus, kind, 100)]
        assert found["n_copies"].to_list() == sizes
        of_first = {
            (corpus.documents[one.first].source, corpus.documents[one.first].id, one.n_copies, one.n_sources)
            for one in oracle.largest(corpus, kind, sys.maxsize)
        }
        assert rows_of(found, "source", "id", "n_copies", "n_sources").keys() <= of_first
    found = built.show("repeated_paragraphs", top_n=100)
    assert found["n_copies"].to_list() == [one.n_copies for one in oracle.largest(corpus, "paragraph", 100)]
    clusters = Counter(
        (one.key[:200], one.n_copies, one.n_documents, one.n_sources, one.amount.n_bytes)
        for one in oracle.largest(corpus, "paragraph", sys.maxsize)
    )
    assert rows_of(found, "sample", "n_copies", "n_docs", "n_sources", "n_total_bytes") <= clusters


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_what_remains_is_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus, kind: str) -> None:
    everything = range(len(corpus.documents))
    order = corpus.sources[:0:-2]
    longest = oracle.keep_first if kind == "paragraph" else oracle.keep_longest(corpus)  # equal paragraphs are as long
    ranks = {"first": oracle.keep_first, "longest": longest, "priority": oracle.keep_priority(corpus, order)}
    for rule, rank in ranks.items():
        if kind == "paragraph":
            gone = oracle.removed_paragraphs(corpus, everything, rank)
            whole = oracle.by_sources(corpus, everything)
            left = {source: amount - replace(gone[source], n=0) for source, amount in whole.items()}
        else:
            left = oracle.remaining(corpus, kind, rank)
        found = built.show("deduplicated_mix", kind=kind, keep=rule, priority=json.dumps(["nobody", *order]))
        assert rows_of(found, "source", "n_kept_docs", "n_kept_bytes", "n_kept_words") == Counter(
            (source, *astuple(amount)) for source, amount in with_total(left).items()
        )
        kept = [] if kind == "paragraph" else oracle.keep(corpus, kind, everything, rank)
        for source, n_tokens, n_kept_tokens in found.select("source", "n_tokens", "n_kept_tokens").iter_rows():
            n_before, n_after = (
                oracle.tokens(corpus, (n for n in numbers if source in (None, corpus.documents[n].source)))
                for numbers in (everything, kept)
            )
            assert n_tokens == n_before
            assert n_kept_tokens == (None if n_before is None or kind == "paragraph" else n_after or 0)


def test_removal_in_steps_is_the_reference_s(corpus: Corpus, built: explorer.corpus.Corpus) -> None:
    found = built.show("duplicate_waterfall", per="source")
    removed = ("n_docs_removed", "n_bytes_removed", "n_words_removed")
    expected = Counter[tuple[Any, ...]]()
    for step in oracle.waterfall(corpus):
        for source in (None, *corpus.sources):
            gone, left = (
                sum(one.values(), NOTHING) if source is None else one[source] for one in (step.removed, step.left)
            )
            if step.kind == "paragraph":
                gone = replace(gone, n=0)
            expected[(source, step.kind, *astuple(gone), *astuple(left))] += 1
    assert rows_of(found, "source", "step", *removed, "n_docs_left", "n_bytes_left", "n_words_left") == expected


@pytest.mark.parametrize("sample", ["mini-dolma"], indirect=True)
def test_the_toolkit_s_marks_are_compared_as_the_reference_has_them(built: explorer.corpus.Corpus) -> None:
    """The 63 first copies that are marked, 35 of them of paragraphs without another copy, and nothing else."""
    columns = ("key_kind", "n_marked", "n_ours", "n_agreed", "n_marked_alone", "n_marked_too_often", "n_only_ours")
    assert rows_of(built.show("existing_marks"), *columns) == {
        ("url", 16, 16, 16, 0, 0, 0): 1,
        ("text", 48, 48, 48, 0, 0, 0): 1,
        ("paragraph", 42_979, 42_916, 42_916, 35, 28, 0): 1,
    }
