"""What holds for the statistics of duplicates on every corpus: small random ones, built and shown as any other."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import explorer
from explorer.statistic import load_statistics
from tests.corpora import Row, build_corpus, write_dolma
from tests.oracles import duplicates as oracle
from tests.oracles.duplicates import Amount, Document

SOURCES = ("web", 'it\'s "b" | <i>', "ü")
URLS = {None: None, "https://www.d.org/1": "d.org", "https://d.org/1": "d.org", "http://e.co.uk/": "e.co.uk"}
PARAGRAPHS = ("a", "b", "Menu | <b>", "b\r", " b", "ä b c", "", " \u2003", "two words")
KINDS = ("url", "text", "paragraph")
LIMITS = (2, 3, 5, 10, 100, 1000, 10000)
NAMES = ("duplicates", "overlap", "cluster_sizes", "boilerplate", "duplicate_domains", "paragraph_repetition")
Rows = list[dict[str, Any]]

kinds = pytest.mark.parametrize("kind", KINDS)


def random_documents(seed: int) -> list[Document]:
    """Up to 60 documents of one to three sources; the fewer paragraphs to choose from, the more copies."""
    rng = random.Random(seed)
    sources = SOURCES[: rng.randint(1, 3)] if seed else SOURCES
    paragraphs = rng.sample(PARAGRAPHS, rng.randint(2, len(PARAGRAPHS)))
    documents = []
    for number in range(rng.randint(1, 60)):
        text = "\n".join(rng.choices(paragraphs, k=rng.choice((0, 1, 1, 2, 3, 30))))
        url = rng.choice([*URLS, f"https://once.net/{number}"])
        domain = URLS.get(url, "once.net")
        documents.append(Document(rng.choice(sources), f"{number:02}", text, url, domain))
    return documents


def rows_of(documents: Sequence[Document]) -> list[Row]:
    return [{"id": d.id, "source": d.source, "text": d.text, "url": d.url} for d in documents]


@contextmanager
def built(root: Path, shards: Sequence[Sequence[Row]], **options: Any) -> Iterator[explorer.Corpus]:
    """The corpus of some shards, in files of which the first has the last name."""
    names = [f"{len(shards) - n:03}.jsonl" for n in range(len(shards))]
    write_dolma(root / "in", dict(zip(names, shards, strict=True)))
    build_corpus(root / "in", root / "out", **options)
    with explorer.open(root / "out") as opened:
        yield opened


@pytest.fixture(scope="module", params=(0, 1, 4, 5, 9))
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[explorer.Corpus, oracle.Corpus]]:
    """A corpus as it is built, and as plain Python reads it."""
    documents = random_documents(request.param)
    with built(tmp_path_factory.mktemp("random"), [rows_of(documents)]) as opened:
        yield opened, oracle.read(documents)


def shown(corpus: explorer.Corpus, name: str, **given: object) -> Rows:
    return corpus.show(name, **given).to_dicts()


def everything(corpus: explorer.Corpus) -> dict[tuple[str, object], pl.DataFrame]:
    """Every statistic of these, of every kind."""
    found: dict[tuple[str, object], pl.DataFrame] = {}
    for name in NAMES:
        param = next((param for param in load_statistics()[name].params if param.name == "kind"), None)
        for kind in param.choices if param else (None,):
            found[name, kind] = corpus.show(name, **({"kind": kind} if kind else {}))
    return found


# ---- against plain Python


@kinds
def test_overlap_is_counted_right(both: tuple[explorer.Corpus, oracle.Corpus], kind: str) -> None:
    corpus, reference = both
    with_key = {source: one.documents for source, one in oracle.duplicates(reference, kind).by_label.items()}
    expected = {
        (a, b): {
            "n_keys": one.n_keys,
            "n_docs": one.documents.n,
            "n_bytes": one.documents.n_bytes,
            "n_words": one.documents.n_words,
            "n_tokens": None,
            "containment": one.containment,
            "jaccard": one.jaccard,
            "n_copies": one.copies.n if kind == "paragraph" else None,
            "n_key_bytes": one.copies.n_bytes if kind == "paragraph" else None,
            "doc_share": one.documents.n / with_key[a].n if a in with_key else None,
            "byte_share": one.documents.n_bytes / with_key[a].n_bytes
            if a in with_key and with_key[a].n_bytes
            else None,
        }
        for (a, b), one in oracle.overlap(reference, kind).items()
    }
    assert {(row.pop("source_a"), row.pop("source_b")): row for row in shown(corpus, "overlap", kind=kind)} == expected


@pytest.mark.parametrize("kind", ["url", "text"])
def test_documents_are_counted_right(both: tuple[explorer.Corpus, oracle.Corpus], kind: str) -> None:
    corpus, reference = both
    counted = oracle.duplicates(reference, kind)
    rows = {row["source"]: row for row in shown(corpus, "duplicates") if row["key_kind"] == kind}
    expected = {None: counted.total, **counted.by_label} if counted.total.n_keys else {}
    assert rows.keys() == expected.keys()
    for source, one in expected.items():
        row = rows[source]
        assert (row["n_docs"], row["n_keys"], row["n_clusters"]) == (one.documents.n, one.n_keys, one.n_clusters)
        assert Amount(row["n_cluster_docs"], row["n_cluster_bytes"], row["n_cluster_words"]) == one.copies
        removable = Amount(row["n_removable_docs"], row["n_removable_bytes"], row["n_removable_words"])
        assert removable == one.removable
        assert row["n_removable_in_source"] == one.alone.n
        assert row["cluster_doc_share"] == pytest.approx(one.copies.n / one.documents.n)
        if source is not None:
            assert row["n_docs_own_only"] == one.within.n
            assert row["n_docs_others_only"] + row["n_docs_both"] == one.across.n


def test_paragraphs_are_counted_right(both: tuple[explorer.Corpus, oracle.Corpus]) -> None:
    corpus, reference = both
    counted = oracle.duplicates(reference, "paragraph")
    rows = {row["source"]: row for row in shown(corpus, "paragraph_repetition")}
    of_documents = {row["source"]: row for row in shown(corpus, "duplicates") if row["key_kind"] == "paragraph"}
    expected = {None: counted.total, **counted.by_label} if counted.total.n_keys else {}
    assert rows.keys() == of_documents.keys() == expected.keys()
    for source, one in expected.items():
        row = rows[source]
        assert (row["n_keys"], row["n_repeated"], row["n_repeated_bytes"]) == (
            one.n_keys,
            one.copies.n,
            one.copies.n_bytes,
        )
        removable = Amount(row["n_removable"], row["n_removable_bytes"], row["n_removable_words"])
        assert removable == one.removable
        assert row["n_removable_in_source"] == one.alone.n
        assert row["n_repeated_keys"] == one.n_clusters
        if source is not None:
            assert row["n_own_only"] == one.within.n
            assert row["n_others_only"] + row["n_both"] == one.across.n
        document = of_documents[source]
        assert (document["n_docs"], document["n_keys"]) == (one.documents.n, one.n_keys)
        assert document["n_clusters"] == one.n_clusters
        assert document["n_removable_docs"] is None


@kinds
def test_sizes_are_counted_right(both: tuple[explorer.Corpus, oracle.Corpus], kind: str) -> None:
    corpus, reference = both
    sizes = oracle.cluster_sizes(reference, kind)
    rows = shown(corpus, "cluster_sizes", kind=kind)
    for row in rows:
        within = {size: n for size, n in sizes.items() if row["bin_start"] <= size < row["bin_end"]}
        assert row["n_clusters"] == sum(within.values()) > 0
        assert row["n_copies"] == sum(size * n for size, n in within.items())
        assert row["n_removable"] == row["n_copies"] - row["n_clusters"]
    total = oracle.duplicates(reference, kind).total
    assert sum(row["n_clusters"] for row in rows) == total.n_clusters
    assert sum(row["n_bytes"] for row in rows) == total.copies.n_bytes
    assert sum(row["n_removable_bytes"] for row in rows) == total.removable.n_bytes
    in_one_source = sum(row["n_in_one_source"] for row in rows)
    assert in_one_source == total.n_clusters - total.n_clusters_across


def test_boilerplate_is_counted_right(both: tuple[explorer.Corpus, oracle.Corpus]) -> None:
    corpus, reference = both
    found = oracle.boilerplate(reference, (1, *LIMITS))
    rows = {(row["source"], row["least_docs"]): row for row in shown(corpus, "boilerplate")}
    assert rows.keys() == {(source, k) for source, k in found if k > 1 and found[source, 1][0]}
    for (source, k), row in rows.items():
        n_keys, copies = found[source, k]
        assert (row["n_keys"], Amount(row["n_copies"], row["n_bytes"], row["n_words"])) == (n_keys, copies)
        assert row["byte_share"] == pytest.approx(copies.n_bytes / found[source, 1][1].n_bytes)


@pytest.mark.parametrize("kind", ["url", "text"])
def test_domains_are_counted_right(both: tuple[explorer.Corpus, oracle.Corpus], kind: str) -> None:
    corpus, reference = both
    counted = oracle.duplicates(reference, kind, oracle.by_domain).by_label
    rows = {row["domain"]: row for row in shown(corpus, "duplicate_domains", kind=kind)}
    assert rows.keys() == {domain for domain, one in counted.items() if domain is not None and one.copies.n}
    in_domain = Counter(
        reference.documents[n].domain
        for numbers in reference.copies[kind].values()
        for n in numbers
        if sum(reference.documents[m].domain == reference.documents[n].domain for m in numbers) > 1
    )
    sizes = Counter(document.domain for document in reference.documents)
    for domain, row in rows.items():
        one = counted[domain]
        assert (row["n_docs"], row["n_cluster_docs"], row["n_removable_docs"]) == (
            sizes[domain],
            one.copies.n,
            one.removable.n,
        )
        assert (row["n_docs_in_domain"], row["n_docs_elsewhere"]) == (in_domain[domain], one.across.n)
        assert row["n_removable_bytes"] == one.removable.n_bytes
    ranks = [(-row["n_cluster_docs"], row["domain"]) for row in rows.values()]
    assert ranks == sorted(ranks)


# ---- with each other


@kinds
def test_matrices_agree_with_the_sources(both: tuple[explorer.Corpus, oracle.Corpus], kind: str) -> None:
    corpus, _ = both
    sources = {row["source"]: row for row in shown(corpus, "duplicates") if row["key_kind"] == kind}
    pairs = {(row["source_a"], row["source_b"]): row for row in shown(corpus, "overlap", kind=kind)}
    n_docs = dict(corpus.show("composition").select("source", "n_docs").iter_rows())
    assert len(pairs) == len(n_docs) ** 2
    for (a, b), row in pairs.items():
        assert row["n_docs"] <= n_docs[a]
        if kind == "paragraph":
            assert row["n_docs"] <= row["n_copies"]
            assert row["n_keys"] <= row["n_copies"]
        assert (row["containment"] is None) == (a not in sources)
        if a != b:
            assert (row["n_keys"], row["jaccard"]) == (pairs[b, a]["n_keys"], pairs[b, a]["jaccard"])
            assert row["n_docs"] <= sources.get(a, {}).get("n_cluster_docs", 0)
        elif a in sources:  # the diagonal: what occurs more than once within the source
            assert row["n_docs"] == sources[a]["n_docs_own_only"] + sources[a]["n_docs_both"]


@kinds
def test_the_two_definitions_differ_by_the_clusters(both: tuple[explorer.Corpus, oracle.Corpus], kind: str) -> None:
    """WIMBD counts all k copies of a cluster, Dolma k - 1."""
    corpus, reference = both
    if kind == "paragraph":
        (row,) = shown(corpus, "paragraph_repetition")[:1]
        (counted,) = (r for r in shown(corpus, "duplicates") if r["source"] is None and r["key_kind"] == kind)
        assert row["n_repeated"] - counted["n_clusters"] == row["n_removable"] == row["n_copies"] - row["n_keys"]
        return
    rows = [row for row in shown(corpus, "duplicates") if row["key_kind"] == kind]
    assert bool(rows) == bool(reference.copies[kind])
    if not rows:
        return
    total, *of_sources = rows
    assert total["n_cluster_docs"] - total["n_clusters"] == total["n_removable_docs"]
    assert total["n_docs"] - total["n_keys"] == total["n_removable_docs"]
    for column in ("n_docs", "n_cluster_docs", "n_removable_docs", "n_removable_in_source", "n_docs_both"):
        assert sum(row[column] for row in of_sources) == total[column]
    for row in rows:
        parts = row["n_docs_own_only"] + row["n_docs_others_only"] + row["n_docs_both"]
        assert parts == row["n_cluster_docs"]


# ---- whole corpora


def test_shards_in_another_order_and_cut_change_nothing(tmp_path: Path) -> None:
    rows = rows_of(random_documents(5))
    shuffled = random.Random(1).sample(rows, len(rows))
    cut = len(rows) // 3
    with built(tmp_path / "whole", [rows], near=0.5) as corpus:
        expected = everything(corpus)
    assert all(frame.height for frame in expected.values())
    with built(tmp_path / "cut", [shuffled[:cut], shuffled[cut:], []], part_bytes=1, near=0.5) as corpus:
        found = everything(corpus)
    for key, frame in expected.items():
        assert found[key].equals(frame), key


def test_a_corpus_and_its_copy_overlap_fully(tmp_path: Path) -> None:
    documents = [replace(document, source="original") for document in random_documents(0)]
    copies = [replace(document, source="copy") for document in documents]
    with built(tmp_path, [rows_of(documents), rows_of(copies)]) as corpus:
        for kind in KINDS:
            pairs = {(row["source_a"], row["source_b"]): row for row in shown(corpus, "overlap", kind=kind)}
            there, back = pairs["original", "copy"], pairs["copy", "original"]
            assert there["containment"] == there["jaccard"] == back["containment"] == 1
            assert there | {"source_a": "", "source_b": ""} == back | {"source_a": "", "source_b": ""}
            rows = [row for row in shown(corpus, "duplicates") if row["key_kind"] == kind]
            assert [row["cluster_doc_share"] for row in rows] == [1, 1, 1]
            assert [row["n_docs_own_only"] for row in rows] == [0, 0, 0]
            assert {row["n_in_one_source"] for row in shown(corpus, "cluster_sizes", kind=kind)} == {0}
        first, second = (r for r in shown(corpus, "duplicates") if r["key_kind"] == "text" and r["source"])
        assert (first["source"], second["source"]) == ("copy", "original")
        assert first["n_removable_docs"] == first["n_removable_in_source"]  # by name the first
        assert second["n_removable_docs"] == second["n_docs"]


def test_copies_are_near_duplicates_too(tmp_path: Path) -> None:
    documents = [document for document in random_documents(5) if oracle.count_words(document.text)]
    longer = [
        replace(d, id=f"{d.id} again", source="ü", text=f"{d.text}\nagain") for d in documents if len(d.text) > 60
    ]
    with built(tmp_path, [rows_of([*documents, *longer])], near=0.7) as corpus:
        texts = corpus.show("overlap").select("source_a", "source_b", "n_docs")
        near = corpus.show("overlap", kind="near").select("source_a", "source_b", "n_docs")
        pairs = texts.join(near, on=["source_a", "source_b"], suffix="_near")
        assert (pairs["n_docs_near"] >= pairs["n_docs"]).all()
        total, *_ = (row for row in shown(corpus, "duplicates") if row["key_kind"] == "near")
        of_text = next(row for row in shown(corpus, "duplicates") if row["key_kind"] == "text")
        assert total["n_docs"] == of_text["n_docs"] == len(documents) + len(longer)
        assert total["n_removable_docs"] >= of_text["n_removable_docs"] + len(longer) > len(longer)
        assert total["n_cluster_docs"] - total["n_clusters"] == total["n_removable_docs"]


def test_a_document_with_many_repeated_paragraphs_counts_once(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "source": "a", "text": "\n".join(["x", "y", "x", "z"] * 50)},
        {"id": "2", "source": "a", "text": "unlike"},
        {"id": "3", "source": "b", "text": "z\ny\nx"},
    ]
    with built(tmp_path, [rows]) as corpus:
        own, across, back, _ = shown(corpus, "overlap", kind="paragraph")
        assert (own["n_docs"], own["n_keys"], own["n_copies"]) == (1, 3, 200)
        assert (across["n_docs"], across["n_bytes"], across["n_copies"]) == (1, 399, 200)
        assert (back["n_docs"], back["n_bytes"], back["n_copies"]) == (1, 5, 3)
        counted = [row["n_cluster_docs"] for row in shown(corpus, "duplicates") if row["key_kind"] == "paragraph"]
        assert counted == [2, 1, 1]
        in_two = corpus.show("boilerplate").filter(pl.col("source").is_null() & (pl.col("least_docs") == 2))
        assert in_two.row(0, named=True)["n_keys"] == 3
        assert corpus.show("boilerplate").filter(pl.col("least_docs") > 2)["n_copies"].sum() == 0


def one(n: int, text: str, **fields: Any) -> Row:
    return {"id": str(n), "source": "s", "text": text, **fields}


DEGENERATE: Mapping[str, list[Row]] = {
    "one document": [one(1, "alone")],
    "empty texts": [one(1, ""), one(2, ""), one(3, "", url="https://a.org/")],
    "blank texts": [one(1, " \n"), one(2, " \n")],
    "one source, no URLs": [one(1, "x\nx"), one(2, "x\nx"), one(3, "x")],
    "all alike": [one(n, "x\ny", url="https://a.org/") for n in range(9)],
}


@pytest.mark.parametrize("rows", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_corpora_of_little_do_not_fail(tmp_path: Path, rows: list[Row]) -> None:
    with built(tmp_path, [rows]) as corpus:
        found = everything(corpus)
        texts = [str(row["text"]) for row in rows if row["text"]]
        urls = [str(row["url"]) for row in rows if row.get("url")]
        for kind, keys in (("text", texts), ("url", urls)):
            counted = [(row["n_docs"], row["n_keys"]) for row in shown(corpus, "duplicates") if row["key_kind"] == kind]
            assert counted == ([(len(keys), len(set(keys)))] * 2 if keys else [])
            (pair,) = found["overlap", kind].to_dicts()
            assert pair["n_docs"] == sum(n for n in Counter(keys).values() if n > 1)
            assert found["cluster_sizes", kind]["n_copies"].sum() == pair["n_docs"]
        assert found["overlap", "near"].height == found["cluster_sizes", "near"].height == 0


def test_where_duplicates_are_not_looked_for_nothing_is_claimed(tmp_path: Path) -> None:
    with built(tmp_path, [rows_of(random_documents(0))], duplicates=False) as corpus:
        for (name, kind), frame in everything(corpus).items():
            assert frame.height == 0, (name, kind)
            assert frame.columns == [column.name for column in load_statistics()[name].columns]


@pytest.mark.parametrize("n_sources", [50, 51])
def test_pairs_that_share_nothing_are_left_out_of_large_matrices_only(tmp_path: Path, n_sources: int) -> None:
    rows = [
        {"id": "1", "source": f"s{n:02}", "text": "shared" if n in (7, 49) else f"text {n}"} for n in range(n_sources)
    ]
    with built(tmp_path, [rows]) as corpus:
        pairs = corpus.show("overlap")
        shared = pairs.filter(pl.col("n_keys") > 0).select("source_a", "source_b").rows()
        assert shared == [("s07", "s49"), ("s49", "s07")]
        assert pairs.height == (2500 if n_sources == 50 else n_sources + 2)
        assert pairs.filter(pl.col("source_a") == pl.col("source_b")).height == n_sources
