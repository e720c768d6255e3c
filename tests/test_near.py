"""Near-duplicates: what is found of pairs whose similarity is known, and that no cut, order or size of data matters."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.duplicates import components, near
from explorer.duplicates.components import CAP, Hashes, Signatures
from explorer.duplicates.minhash import N_PERMUTATIONS, NO_SIGNATURE, bands_of
from explorer.duplicates.minhash import signatures as signatures_of
from explorer.errors import ExplorerError, WorkspaceError
from explorer.statistic import load_statistics
from explorer.workspace import TEMPORARY, Workspace

MEMORY = 256 << 20
ROOT = Path(__file__).parents[1]
Pair = tuple[int, int]


# ---- corpora


@dataclass(frozen=True)
class Signed:
    """Texts by their md5, and their signatures (n, N_PERMUTATIONS)."""

    md5: list[bytes]
    signatures: Signatures

    @property
    def refs(self) -> list[int]:
        return [int.from_bytes(md5[:8]) for md5 in self.md5]

    def take(self, rows: Sequence[int]) -> Signed:
        return Signed([self.md5[row] for row in rows], self.signatures[list(rows)])


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = text.split()
    return frozenset(tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))) if words else frozenset()


def sign(texts: Sequence[str]) -> Signed:
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)])
    rows = signatures_of(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)
    return Signed([hashlib.md5(text).digest() for text in encoded], rows)


def random_signed(n: int, seed: int) -> Signed:
    rng = np.random.default_rng(seed)
    return Signed([rng.bytes(16) for _ in range(n)], rng.integers(0, 2**32 - 1, (n, N_PERMUTATIONS), dtype=np.uint32))


def changed(signatures: Signatures, share: float, seed: int) -> Signatures:
    """Signatures of which about a share of the positions are others."""
    rng = np.random.default_rng(seed)
    others = rng.integers(0, 2**32 - 1, signatures.shape, dtype=np.uint32)
    return np.where(rng.random(signatures.shape) < share, others, signatures)


def near_copies(n_families: int, n_copies: int, seed: int) -> list[str]:
    """Texts of random words, and copies of each with up to a tenth of their words replaced."""
    rng = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(3000)]
    texts = []
    for _ in range(n_families):
        words = rng.choices(vocabulary, k=rng.randint(40, 400))
        texts.append(" ".join(words))
        for _ in range(n_copies):
            rate = rng.uniform(0.0, 0.1)
            texts.append(" ".join(rng.choice(vocabulary) if rng.random() < rate else word for word in words))
    return list(dict.fromkeys(texts))


def true_pairs(texts: Sequence[str]) -> dict[Pair, float]:
    """The Jaccard similarity of all pairs of texts that share a shingle, by brute force."""
    sets = [shingles(text) for text in texts]
    holders = defaultdict(list)
    for number, found in enumerate(sets):
        for one in found:
            holders[one].append(number)
    shared: dict[Pair, int] = defaultdict(int)
    for numbers in holders.values():
        for pair in combinations(numbers, 2):
            shared[pair] += 1
    return {(a, b): n / (len(sets[a]) + len(sets[b]) - n) for (a, b), n in shared.items()}


# ---- running the stages


@dataclass(frozen=True)
class Result:
    clusters: Mapping[int, tuple[str, int]]  # by ref: key, n_texts
    report: near.NearReport
    ranges: Sequence[near.PairsReport]
    pairs: frozenset[Pair]  # candidates

    @property
    def members(self) -> list[list[int]]:
        """The refs of each cluster."""
        found = defaultdict(list)
        for ref, (key, _) in self.clusters.items():
            found[key].append(ref)
        return sorted(found.values())


def write_part(folder: Path, signed: Signed) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part.bin").write_bytes(signed.signatures.astype("<u4").tobytes())
    uuids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array(signed.md5, pa.binary(16)))
    numbers = pa.array(range(len(signed.md5)), pa.int32())
    pq.write_table(pa.table({"doc": numbers, "text_md5": uuids}), folder / "part.parquet", row_group_size=700)
    return folder / "part.bin", folder / "part.parquet"


def find(
    folder: Path,
    parts: Sequence[Signed],
    threshold: float = 0.7,
    n_ranges: int = 3,
    not_first: Mapping[int, Sequence[int]] | None = None,
) -> Result:
    """All three stages over some parts."""
    paths = [write_part(folder / str(number), signed) for number, signed in enumerate(parts)]
    bands = []
    for number, (signatures, documents) in enumerate(paths):
        left_out = None
        if not_first is not None:
            left_out = folder / f"not-first{number}"
            pq.write_table(pa.table({"doc": pa.array(not_first.get(number, []), pa.int32())}), left_out)
        bands.append(folder / f"bands{number}")
        n_rows = near.write_bands(signatures, documents, left_out, bands[-1], threshold)
        assert n_rows == pq.read_metadata(bands[-1]).num_rows
    bounds = [number * 2**64 // n_ranges for number in range(n_ranges + 1)]
    pairs = [folder / f"pairs{number}" for number in range(n_ranges)]
    ranges = [
        near.write_pairs(bands, low, high - 1, target, MEMORY)
        for target, (low, high) in zip(pairs, pairwise(bounds), strict=True)
    ]
    shares: list[float] = []
    report = near.write_clusters(pairs, paths, folder / "clusters", threshold, MEMORY, shares.append)
    assert sum(shares) == pytest.approx(1.0)
    assert not list(folder.rglob(f"*{TEMPORARY}*"))
    table = pq.read_table(folder / "clusters")
    refs = table["ref"].to_pylist()
    assert refs == sorted(set(refs))
    columns = (refs, table["key"].to_pylist(), table["n_texts"].to_pylist())
    clusters = {ref: (str(key), n) for ref, key, n in zip(*columns, strict=True)}
    found = frozenset(pair for path in pairs for pair in read_pairs(path))
    return Result(clusters, report, ranges, found)


def read_pairs(path: Path) -> list[Pair]:
    table = pq.read_table(path)
    return list(zip(table["a"].to_pylist(), table["b"].to_pylist(), strict=True))


# ---- what is found


@dataclass(frozen=True)
class Known:
    """Texts whose similarities (of pairs of numbers) are known by brute force."""

    signed: Signed
    similarity: Mapping[Pair, float]


@pytest.fixture(scope="module")
def generated() -> Known:
    texts = near_copies(60, 6, seed=1)
    return Known(sign(texts), true_pairs(texts))


@pytest.fixture(scope="module")
def real(mini_dolma: Path) -> Known:
    """Two dictionaries that share articles, and two editions of speeches."""
    texts = []
    for source in ("foldoc", "jargon", "gov", "sotu"):
        with gzip.open(mini_dolma / "documents" / source / f"{source}-0000.json.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    texts = list(dict.fromkeys(texts))
    return Known(sign(texts), true_pairs(texts))


@dataclass(frozen=True)
class Quality:
    """Of pairs of texts whose signatures were found to agree, against brute force."""

    known: Known
    threshold: float
    found: frozenset[Pair]
    together: frozenset[Pair]  # in one cluster

    def recall(self, at_least: float) -> float:
        wanted = {pair for pair, similarity in self.known.similarity.items() if similarity >= at_least}
        assert wanted, "no pair to judge by"
        return len(wanted & self.found) / len(wanted)

    def precision(self, at_least: float, pairs: frozenset[Pair] | None = None) -> float:
        pairs = self.found if pairs is None else pairs
        return sum(self.known.similarity.get(pair, 0.0) >= at_least for pair in pairs) / len(pairs)

    def report(self) -> None:
        similar = sum(similarity >= self.threshold for similarity in self.known.similarity.values())
        print(
            f"\nthreshold {self.threshold}: {similar} pairs, recall {self.recall(self.threshold):.3f} "
            f"({self.recall(0.8):.3f} at 0.8, {self.recall(0.9):.3f} at 0.9), precision "
            f"{self.precision(self.threshold):.3f} ({self.precision(self.threshold - 0.1):.3f} within 0.1); "
            f"pairs in one cluster: precision {self.precision(self.threshold, self.together):.3f}"
        )


def judge(folder: Path, known: Known, threshold: float) -> Quality:
    """Find the near-duplicates of texts in two parts."""
    signed = known.signed
    half = len(signed.md5) // 2
    rows = range(len(signed.md5))
    result = find(folder, [signed.take(rows[:half]), signed.take(rows[half:])], threshold)
    numbers = {ref: number for number, ref in enumerate(signed.refs)}
    candidates = {ordered(numbers[a], numbers[b]) for a, b in result.pairs}
    found = {(a, b) for a, b in candidates if (signed.signatures[a] == signed.signatures[b]).mean() >= threshold}
    assert (result.report.n_candidate_pairs, result.report.n_pairs) == (len(candidates), len(found))
    together = {ordered(numbers[a], numbers[b]) for members in result.members for a, b in combinations(members, 2)}
    assert found <= together
    judged = Quality(known, threshold, frozenset(found), frozenset(together))
    judged.report()
    return judged


def ordered(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_near_copies_against_brute_force(tmp_path: Path, generated: Known, threshold: float) -> None:
    judged = judge(tmp_path, generated, threshold)
    # The bands are made to find 0.95 of the pairs that are above the threshold by a third of what is left to 1.
    assert judged.recall(threshold + (1 - threshold) / 3) >= 0.95
    assert judged.precision(threshold - 0.1) >= 0.98
    if threshold == 0.7:
        assert judged.recall(0.8) >= 0.95


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_real_texts_against_brute_force(tmp_path: Path, real: Known, threshold: float) -> None:
    judged = judge(tmp_path, real, threshold)
    assert judged.recall(threshold + (1 - threshold) / 3) >= 0.95
    assert judged.precision(threshold - 0.1) >= 0.98
    if threshold == 0.7:  # what `near_search` tells its readers
        n_pairs = sum(similarity >= 0.7 for similarity in real.similarity.values())
        measured = (
            f"{n_pairs} pairs of real texts at or above 0.7: {judged.recall(0.7):.2f} of them were found, all of those "
            f"at 0.8 and above; of what was found {judged.precision(0.7):.2f} is at 0.7 or above, all of it above 0.6."
        )
        assert load_statistics()["near_search"].approx.startswith(measured)
        assert (judged.recall(0.8), judged.precision(0.6)) == (1, 1)


def test_agreement_at_the_threshold_is_enough(tmp_path: Path) -> None:
    signed = random_signed(4, seed=1)
    signed.signatures[1, :96] = signed.signatures[0, :96]
    signed.signatures[3, :95] = signed.signatures[2, :95]
    result = find(tmp_path, [signed], 0.75)  # of 128 positions, 96
    assert len(result.pairs) == 2
    assert result.members == [sorted(signed.refs[:2])]


def test_clusters_are_named_by_their_smallest_text(tmp_path: Path) -> None:
    signed = random_signed(50, seed=2)
    signed.signatures[40:] = signed.signatures[:10]
    result = find(tmp_path, [signed.take(range(25)), signed.take(range(25, 50))])
    expected = {}
    for one, other in zip(signed.md5[:10], signed.md5[40:], strict=True):
        for md5 in (one, other):
            expected[int.from_bytes(md5[:8])] = (str(UUID(bytes=min(one, other))), 2)
    assert result.clusters == expected


def test_sql_makes_the_same_ref(tmp_path: Path) -> None:
    """As the queries that read clusters do: over the whole range of both halves."""
    signed = random_signed(100, seed=3)
    _, documents = write_part(tmp_path, signed)
    with duckdb.connect() as connection:
        refs = connection.execute(
            "select (text_md5::uhugeint >> 64)::ubigint from read_parquet($documents) order by doc",
            {"documents": str(documents)},
        ).fetchall()
    assert [ref for (ref,) in refs] == signed.refs
    (texts,) = components.read_signed(*write_part(tmp_path, signed), n_docs=100)
    assert texts.refs.tolist() == signed.refs
    assert components.to_uuids(texts.refs, texts.rests).storage.to_pylist() == signed.md5


# ---- cuts, order, copies


def families(n: int, seed: int) -> Signed:
    """Texts of which a quarter are alike in threes, in no order."""
    signed = random_signed(n, seed)
    k = n // 12
    for copy in (1, 2):
        signed.signatures[copy * k : (copy + 1) * k] = changed(signed.signatures[:k], 0.15, seed + copy)
    return signed.take(np.random.default_rng(seed).permutation(n).tolist())


@pytest.mark.parametrize(("n_parts", "n_ranges", "seed"), [(1, 1, 1), (2, 5, 2), (7, 2, 3), (40, 4, 4)])
def test_cuts_and_order_change_nothing(tmp_path: Path, n_parts: int, n_ranges: int, seed: int) -> None:
    signed = families(2400, seed=5)
    whole = find(tmp_path / "whole", [signed], n_ranges=3)
    assert whole.report.n_clusters > 150
    rng = np.random.default_rng(seed)
    order = rng.permutation(2400).tolist()
    cuts = [0, *sorted(rng.integers(0, 2401, n_parts - 1).tolist()), 2400]  # some parts are empty
    parts = [signed.take(order[low:high]) for low, high in pairwise(cuts)]
    cut = find(tmp_path / "cut", parts, n_ranges=n_ranges)
    assert cut.clusters == whole.clusters
    assert cut.report == whole.report
    assert cut.pairs == whole.pairs
    for count in ("n_groups", "n_capped_groups", "n_skipped_pairs"):
        assert sum(getattr(one, count) for one in cut.ranges) == sum(getattr(one, count) for one in whole.ranges)


def test_a_text_takes_part_once(tmp_path: Path) -> None:
    """Copies of one text are one text, whether they are left out or not."""
    signed = families(600, seed=6)
    whole = find(tmp_path / "whole", [signed])
    copies = list(range(0, 600, 3))
    parts = [signed.take([*range(600), *copies]), signed.take([*copies, 0, 0])]
    left_out = {0: range(600, 600 + len(copies)), 1: range(len(copies) + 2)}
    without = find(tmp_path / "without", parts, not_first=left_out)
    assert sum(pq.read_metadata(tmp_path / "without" / f"bands{n}").num_rows for n in (0, 1)) == 600 * bands_of(0.7)[0]
    assert (without.clusters, without.report, without.ranges) == (whole.clusters, whole.report, whole.ranges)
    with_copies = find(tmp_path / "with", parts)
    assert (with_copies.clusters, with_copies.report, with_copies.ranges) == (
        whole.clusters,
        whole.report,
        whole.ranges,
    )


def test_left_out_documents_are_in_no_cluster(tmp_path: Path) -> None:
    signed = random_signed(6, seed=7)
    signed.signatures[3:] = signed.signatures[:3]
    result = find(tmp_path, [signed], not_first={0: [1, 5]})
    assert result.members == [sorted([signed.refs[0], signed.refs[3]])]


# ---- large groups


def test_a_group_of_thousands_is_one_cluster_without_all_its_pairs(tmp_path: Path) -> None:
    n = 3000
    signed = random_signed(n, seed=8)
    signed.signatures[:] = changed(np.repeat(signed.signatures[:1], n, axis=0), 0.02, seed=9)
    result = find(tmp_path, [signed.take(range(1000)), signed.take(range(1000, n))])
    assert result.report.n_clusters == 1
    assert (result.report.n_texts, result.report.n_largest) == (n, n)
    assert len(result.pairs) <= 2 * n * bands_of(0.7)[0]
    assert sum(one.n_capped_groups for one in result.ranges) == bands_of(0.7)[0]
    assert sum(one.n_skipped_pairs for one in result.ranges) > 10**7


@pytest.mark.parametrize("n", [CAP - 1, CAP, CAP + 1, CAP + 2])
def test_the_cap_is_exact(tmp_path: Path, n: int) -> None:
    signed = random_signed(n, seed=10)
    signed.signatures[:] = signed.signatures[0]
    result = find(tmp_path, [signed])
    n_bands, _ = bands_of(0.7)
    n_pairs = n * (n - 1) // 2
    taken = n_pairs if n <= CAP else 2 * n - 3
    assert len(result.pairs) == taken
    assert sum(one.n_groups for one in result.ranges) == n_bands
    assert sum(one.n_capped_groups for one in result.ranges) == (n_bands if n > CAP else 0)
    assert sum(one.n_skipped_pairs for one in result.ranges) == n_bands * (n_pairs - taken)
    assert result.report.n_largest == n


def test_rows_that_repeat_count_once(tmp_path: Path) -> None:
    """Copies that were not left out, more of them than the engine gives at once."""
    refs = np.repeat(as_hashes([7, 5]), 100_000)
    pq.write_table(pa.table([np.ones_like(refs), refs], schema=near.BANDS_SCHEMA), tmp_path / "bands")
    report = near.write_pairs([tmp_path / "bands"], 0, 2**64 - 1, tmp_path / "pairs", MEMORY)
    assert report == near.PairsReport(1, 0, 0, 1)
    assert read_pairs(tmp_path / "pairs") == [(5, 7)]


def plain_pairs(groups: Sequence[Sequence[int]]) -> tuple[set[Pair], tuple[int, int, int]]:
    """What `components.candidates` says that it does, one group after the other."""
    pairs: set[Pair] = set()
    n_groups = n_capped = n_skipped = 0
    for group in groups:
        refs = sorted(group)
        everything = set(combinations(refs, 2))
        taken = everything if len(refs) <= CAP else {(refs[0], ref) for ref in refs[1:]} | set(pairwise(refs))
        pairs |= taken
        n_groups += len(refs) > 1
        n_capped += len(refs) > CAP
        n_skipped += len(everything) - len(taken)
    return pairs, (n_groups, n_capped, n_skipped)


@given(
    st.lists(st.one_of(st.integers(1, 4), st.integers(CAP - 2, CAP + 2), st.integers(1, 200)), max_size=8),
    st.integers(1, 90),
    st.randoms(use_true_random=False),
)
@settings(max_examples=200, deadline=None)
def test_candidates_do_not_depend_on_batches(sizes: list[int], n_rows: int, rng: random.Random) -> None:
    groups = [rng.sample(range(1000), size) for size in sizes]
    rows = [(key, ref) for key, group in enumerate(groups) for ref in sorted(group)]
    batches = (
        (as_hashes([key for key, _ in some]), as_hashes([ref for _, ref in some]))
        for some in (rows[start : start + n_rows] for start in range(0, len(rows), n_rows))
    )
    found = list(components.candidates(batches))
    pairs = {pair for one in found for pair in zip(one.a.tolist(), one.b.tolist(), strict=True)}
    totals = tuple(
        sum(getattr(one, count) for one in found) for count in ("n_groups", "n_capped_groups", "n_skipped_pairs")
    )
    assert (pairs, totals) == plain_pairs(groups)


def as_hashes(numbers: Sequence[int]) -> Hashes:
    return np.array(numbers, dtype=np.uint64)


@given(
    st.integers(1, 300).flatmap(
        lambda n: st.tuples(
            st.just(n), st.lists(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=60))
        )
    )
)
@settings(max_examples=200, deadline=None)
def test_components_against_plain_search(graph: tuple[int, list[list[Pair]]]) -> None:
    n, batches = graph
    labels = np.arange(n)
    neighbours: dict[int, set[int]] = defaultdict(set)
    for edges in batches:
        components.join(labels, np.array([a for a, _ in edges], int), np.array([b for _, b in edges], int))
        for a, b in edges:
            neighbours[a].add(b)
            neighbours[b].add(a)
    sizes = np.zeros(n, dtype=np.int64)
    components.settle(labels, sizes)
    expected: dict[int, int] = {}
    for node in range(n):
        if node not in expected:  # the smallest of its component, because the others are in it already
            reached, todo = {node}, [node]
            while todo:
                new = neighbours[todo.pop()] - reached
                reached |= new
                todo += new
            expected |= dict.fromkeys(reached, node)
            assert sizes[node] == len(reached)
    assert labels.tolist() == [expected[node] for node in range(n)]


@pytest.mark.parametrize("shape", ["path", "star"])
def test_long_components_take_few_rounds(shape: str) -> None:
    """A path or a star of a million nodes, in one batch: a step a node would not end."""
    n = 1_000_000
    labels, sizes = np.arange(n), np.zeros(n, dtype=np.int64)
    a = np.arange(n - 1)
    b = np.arange(1, n) if shape == "path" else np.full(n - 1, n - 1)
    components.join(labels, a, b)
    components.settle(labels, sizes)
    assert not labels.any()
    assert sizes[0] == n


# ---- little and nothing


def test_random_signatures_are_in_no_cluster(tmp_path: Path) -> None:
    result = find(tmp_path, [random_signed(3000, seed=11)])
    assert result.clusters == {}
    assert result.report == near.NearReport(0, 0, 0, 0, 0)


def test_texts_without_words_are_in_no_cluster(tmp_path: Path) -> None:
    signed = random_signed(5, seed=12)
    signed.signatures[:] = NO_SIGNATURE
    result = find(tmp_path, [signed, signed.take([])])
    assert pq.read_metadata(tmp_path / "bands0").num_rows == 0
    assert result.clusters == {}


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_document(tmp_path: Path, n: int) -> None:
    result = find(tmp_path, [random_signed(n, seed=13)])
    assert pq.read_metadata(tmp_path / "bands0").num_rows == n * bands_of(0.7)[0]
    assert result.clusters == {}


def test_no_part_at_all(tmp_path: Path) -> None:
    assert find(tmp_path, []).clusters == {}


def test_the_largest_threshold_finds_equal_signatures(tmp_path: Path) -> None:
    signed = random_signed(4, seed=14)
    signed.signatures[1] = signed.signatures[0]
    signed.signatures[3, :-1] = signed.signatures[2, :-1]
    assert find(tmp_path, [signed], 1.0).members == [sorted(signed.refs[:2])]


# ---- files


def test_a_range_of_keys_reads_little_of_a_run(tmp_path: Path) -> None:
    signed = random_signed(80_000, seed=15)
    signatures, documents = write_part(tmp_path, signed)
    pq.write_table(pa.table({"doc": pa.array([7, 79_999], pa.int32())}), tmp_path / "not-first")
    target = tmp_path / "bands"
    near.write_bands(signatures, documents, tmp_path / "not-first", target, 0.7)
    table = pq.read_table(target)
    assert set(table["ref"].to_pylist()) == set(signed.refs[:7] + signed.refs[8:-1])
    keys = table["band_key"].to_numpy()
    assert len(keys) == 79_998 * bands_of(0.7)[0]
    n_runs = 1 + int((keys[1:] < keys[:-1]).sum())
    assert n_runs == 2
    metadata = pq.read_metadata(target)
    statistics = [metadata.row_group(n).column(0).statistics for n in range(metadata.num_row_groups)]
    low, high = 2**63, 2**63 + 2**58  # a sixty-fourth
    read = sum(one.min <= high and one.max >= low for one in statistics)
    assert 0 < read <= 2 * n_runs
    assert len(statistics) > 30
    assert abs(float(np.mean(keys < 2**60)) - 1 / 16) < 0.01  # evenly spread, as ranges need


def test_bands_hash_to_fixed_numbers() -> None:
    """Files outlive the process that wrote them."""
    rows = random_signed(3, seed=19).signatures
    expected = []
    for row in rows.tolist():
        for band in range(4):
            key = (band + 1) * 0x9E3779B97F4A7C15 % 2**64
            for value in row[band * 3 : band * 3 + 3]:
                key = (key ^ value) * 0xD6E8FEB86659FD93 % 2**64
                key ^= key >> 32
            expected.append(key)
    assert near.band_keys(rows, 4, 3).ravel().tolist() == expected


def test_bands_differ_by_number_and_by_order() -> None:
    rows = np.array([[1, 2, 1, 2], [2, 1, 2, 1], [1, 2, 2, 1]], dtype=np.uint32)
    keys = near.band_keys(rows, 2, 2)
    assert len(set(keys.ravel().tolist())) == 4
    assert keys[0, 0] == keys[2, 0]
    assert keys[1, 1] == keys[2, 1]


def test_signatures_of_other_documents_are_refused(tmp_path: Path) -> None:
    signatures, documents = write_part(tmp_path, random_signed(3, seed=16))
    signatures.write_bytes(signatures.read_bytes()[:-4])
    with pytest.raises(WorkspaceError, match=r"part\.bin: has 1532 bytes where .* need 1536"):
        near.write_bands(signatures, documents, None, tmp_path / "bands", 0.7)
    assert not (tmp_path / "bands").exists()


def test_pairs_of_other_documents_are_refused(tmp_path: Path) -> None:
    signed = random_signed(4, seed=17)
    signed.signatures[:] = signed.signatures[0]
    find(tmp_path, [signed])
    parts = [write_part(tmp_path / "other", signed.take([0, 1, 2]))]
    pairs = [tmp_path / f"pairs{number}" for number in range(3)]
    with pytest.raises(WorkspaceError, match="1 of the 4 texts to compare have no signature"):
        near.write_clusters(pairs, parts, tmp_path / "refused", 0.7, MEMORY, lambda share: None)
    assert not list(tmp_path.glob("refused*"))


def test_reports_are_json() -> None:
    report = near.NearReport(1, 2, 3, 4, 5)
    assert near.NearReport(**json.loads(json.dumps(report.to_json()))) == report
    ranges = near.PairsReport(1, 2, 3, 4)
    assert near.PairsReport(**json.loads(json.dumps(ranges.to_json()))) == ranges


def test_a_killed_task_leaves_only_what_is_swept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    folder = workspace.root / "index" / "near"
    signed = families(600, seed=18)
    expected = find(folder, [signed])
    (folder / "clusters").unlink()
    before = set(folder.rglob("*"))
    killed = run_python(
        """
        pairs = [folder / f"pairs{number}" for number in range(3)]
        parts = [(folder / "0" / "part.bin", folder / "0" / "part.parquet")]
        near.write_clusters(pairs, parts, folder / "clusters", 0.7, 256 << 20, lambda share: os._exit(9))
        """,
        folder,
    )
    assert killed.returncode == 9, killed.stderr
    assert set(folder.rglob("*")) > before
    workspace.sweep()
    assert set(folder.rglob("*")) == before
    assert find(folder, [signed]).clusters == expected.clusters


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with the modules of the stages and a `folder`."""
    head = (
        "import os\nfrom pathlib import Path\n"
        f"from explorer.duplicates import components, near\nfolder = Path({str(folder)!r})\n"
    )
    return subprocess.run(
        [sys.executable, "-c", head + dedent(code)], cwd=ROOT, capture_output=True, text=True, check=False
    )


# ---- memory


PEAK = """
def peak():  # kilobytes; what a process inherits counts in its resource usage, but not here
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def measured(code: str, folder: Path) -> list[int]:
    """The numbers that code prints, in a process of its own; `peak()` is the most memory that it has had."""
    done = run_python(PEAK + dedent(code), folder)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


@needs_proc
def test_pairs_keep_within_their_memory(tmp_path: Path) -> None:
    """Many rows in one range: the engine sorts them on disk. With memory enough for all it takes several times that."""
    rng = np.random.default_rng(20)
    keys = rng.integers(0, 2**64, 8_000_000, dtype=np.uint64)
    keys[: 10**5] = keys[-(10**5) :]
    refs = rng.integers(0, 2**64, len(keys), dtype=np.uint64)
    pq.write_table(pa.table([keys, refs], schema=near.BANDS_SCHEMA), tmp_path / "bands")
    code = """
        before = peak()
        report = near.write_pairs([folder / "bands"], 0, 2**64 - 1, folder / "pairs", {memory})
        print(report.n_pairs, peak() - before)
    """
    n_little, little = measured(code.format(memory=32 << 20), tmp_path)
    n_ample, ample = measured(code.format(memory=4 << 30), tmp_path)
    assert n_little == n_ample == 10**5
    print(f"peak over the start: {little} kB of {ample} kB")
    assert little < ample / 2


@needs_proc
def test_signatures_are_not_held_in_memory(tmp_path: Path) -> None:
    code = """
        parts = [(folder / "part.bin", folder / "part.parquet")]
        before = peak()
        report = near.write_clusters([folder / "pairs"], parts, folder / "clusters", 0.7, 64 << 20, lambda share: None)
        print(report.n_texts, peak() - before)
    """
    growth = []
    for n in (40_000, 160_000):
        signed = random_signed(n, seed=21)
        signed.signatures[1::2] = signed.signatures[::2]
        write_part(tmp_path, signed)
        refs = np.sort(as_hashes(signed.refs).reshape(-1, 2), axis=1)
        pq.write_table(pa.table([refs[:, 0], refs[:, 1]], schema=near.PAIRS_SCHEMA), tmp_path / "pairs")
        n_texts, kilobytes = measured(code, tmp_path)
        assert n_texts == n
        growth.append(kilobytes << 10)
    print(f"peaks over the start: {growth}")
    assert 0 < growth[1] - growth[0] < signed.signatures.nbytes / 3


def test_too_little_memory_is_said(tmp_path: Path) -> None:
    parts = [write_part(tmp_path, random_signed(40_000, seed=22))]
    near.write_bands(*parts[0], None, tmp_path / "bands", 0.7)
    with pytest.raises(ExplorerError, match=r"pairs: finding duplicates needs more memory .* give more --memory"):
        near.write_pairs([tmp_path / "bands"], 0, 2**64 - 1, tmp_path / "pairs", 1 << 20)
    assert not list(tmp_path.glob("pairs*"))


@pytest.mark.parametrize(
    ("fault", "message"),
    [("Out of Memory", "give more --memory"), ("no space left on device", "free space and run the same command again")],
)
def test_faults_of_the_engine_in_the_middle_of_its_rows(tmp_path: Path, fault: str, message: str) -> None:
    query = f"select case when range < 300000 then range else error('{fault}') end as x, 1 as y from range(400000)"
    with pytest.raises(ExplorerError, match=message), near._engine(tmp_path / "target", MEMORY) as (connection, _):
        for _ in near._batches(connection, query):
            pass
