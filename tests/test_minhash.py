"""MinHash signatures against datasketch's, and shingles against their definition in plain Python."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pytest
from datasketch import LeanMinHash, MinHash
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.config import CorpusConfig
from explorer.duplicates import minhash
from explorer.duplicates.minhash import NO_SIGNATURE, bands_of, find_shingles, permutations, signatures
from explorer.errors import UsageError
from explorer.index_documents import index_part
from explorer.ingest.shards import find_shards
from explorer.plan import IndexOptions, make_part
from explorer.workspace import Workspace, read_receipt
from tests.corpora import write_dolma
from tests.test_measures import NASTY, WHITE
from tests.test_measures import texts as hostile
from tests.test_paragraphs import buffers

Signature = npt.NDArray[np.uint32]
_WORD = re.compile(f"[^{WHITE}]+")
_MASK = 2**64 - 1

few_words = st.lists(st.sampled_from(["a", "b", "é", "文字", "😀x", "\x1c"]), max_size=14)
spaced = st.tuples(few_words, st.sampled_from(WHITE)).map(lambda parts: parts[1].join(parts[0]))
texts = st.one_of(spaced, hostile, st.lists(st.sampled_from(NASTY), max_size=80).map("".join))


def shingles_of(found: list[str]) -> list[list[int]]:
    """The 32-bit hashes of each text's shingles."""
    made: list[list[int]] = [[] for _ in found]
    for piece in find_shingles(*buffers(found)):
        ends = np.cumsum(piece.counts).tolist()
        for number, (end, count) in enumerate(zip(ends, piece.counts.tolist(), strict=True)):
            made[piece.first_text + number] += piece.hashes[end - count : end].tolist()
    return made


def defined(text: str) -> list[int]:
    words = _WORD.findall(text)
    frame = pl.DataFrame({"w": words}, schema={"w": pl.String})
    hashes = frame.select(plh.col("w").nchash.xxh3_64()).to_series().to_list()
    shingles = [hashes[i : i + 5] for i in range(len(hashes) - 4)] or ([hashes] if hashes else [])
    made = []
    for shingle in shingles:
        value = 0
        for word in shingle:
            value = (value * 0x9E3779B97F4A7C15 + word) & _MASK
        value ^= value >> 32
        made.append((value * 0xD6E8FEB86659FD93 & _MASK) >> 32)
    return made


def datasketch(shingles: list[int]) -> Signature:
    made = MinHash(num_perm=128, seed=1, hashfunc=int)
    if shingles:
        made.update_batch(shingles)
    return np.asarray(made.hashvalues, dtype=np.uint32)


@settings(max_examples=200, deadline=None)
@given(st.lists(texts, max_size=6))
@example(["a b c d e", "", "a b c d", "f", "a b c d e f", "g h", " ", "a", "b", "a b c d e\u3000f\x85g"])
@example(["ab", "cd", "ef gh ", " ij", "k"])
def test_shingles_are_those_of_the_definition(found: list[str]) -> None:
    assert shingles_of(found) == [defined(text) for text in found]


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, max_size=5), st.data())
def test_steps_and_pieces_change_no_shingle(found: list[str], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minhash, "_STEP_BYTES", data.draw(st.integers(1, 30)))
        patch.setattr(minhash, "_PIECE_BYTES", data.draw(st.integers(4, 12)))
        assert shingles_of(found) == [defined(text) for text in found]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=40), min_size=1, max_size=8), st.integers(1, 50))
def test_signatures_are_those_of_datasketch(shingles: list[list[int]], piece: int) -> None:
    counts = np.array([len(own) for own in shingles])
    hashes = np.array([one for own in shingles for one in own], dtype=np.uint32)
    found = np.full((len(shingles), 128), NO_SIGNATURE)
    filled = np.flatnonzero(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minhash, "_PIECE_SHINGLES", piece)
        minhash._permute(hashes, np.cumsum(counts[filled]), filled, found)
    assert np.array_equal(found, np.stack([datasketch(own) for own in shingles]))


@settings(max_examples=50, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
@example(["", "a", "a b c d", "a b c d e", "a b c d e f", "\u3000"])
def test_texts_have_the_signatures_of_datasketch(found: list[str]) -> None:
    wanted = np.stack([datasketch(defined(text)) for text in found])
    assert np.array_equal(signatures(*buffers(found)), wanted)


def test_permutations_are_those_that_datasketch_makes_by_itself() -> None:
    made = MinHash(num_perm=128, seed=1)
    assert made.scheme == "affine32"
    assert all(np.array_equal(a, b) for a, b in zip(permutations(), made.permutations, strict=True))


def test_datasketch_takes_a_signature() -> None:
    rows = signatures(*buffers(["a b c d e f", "a b c d e f", "z y x w v u"]))
    same, again, other = (LeanMinHash(seed=1, hashvalues=row, scheme="affine32") for row in rows)
    assert (same.jaccard(again), same.jaccard(other)) == (1.0, 0.0)


def words(rng: random.Random, n: int) -> list[str]:
    return [f"w{rng.randrange(10**9)}" for _ in range(n)]


@settings(max_examples=30, deadline=None)
@given(st.lists(texts, min_size=1, max_size=8), st.randoms(), st.integers(0, 8))
def test_order_and_batches_change_nothing(found: list[str], rng: random.Random, cut: int) -> None:
    whole = signatures(*buffers(found))
    halves = [signatures(*buffers(found[:cut])), signatures(*buffers(found[cut:]))]
    assert np.array_equal(np.concatenate(halves), whole)
    order = list(range(len(found)))
    rng.shuffle(order)
    assert np.array_equal(signatures(*buffers([found[i] for i in order])), whole[order])


def test_a_text_is_cut_into_steps_without_loss() -> None:
    rng = random.Random(5)
    long = " ".join(words(rng, 150_000))  # three steps
    giant = "x" * 1_200_000
    found = ["a b", long, "", giant, f"{giant} a b {giant}\n{giant}", f"{giant} a b c d {giant}", "c"]
    assert np.array_equal(signatures(*buffers(found)), np.stack([datasketch(defined(text)) for text in found]))


@pytest.mark.parametrize("changed", [2, 10, 40, 120])
def test_an_estimate_is_near_the_jaccard(changed: int) -> None:
    rng = random.Random(changed)
    errors = []
    for _ in range(60):
        one = words(rng, 600)
        other = list(one)
        for place in rng.sample(range(600), changed):
            other[place] = f"v{rng.randrange(10**9)}"
        a, b = shingles_of([" ".join(one), " ".join(other)])
        jaccard = len(set(a) & set(b)) / len(set(a) | set(b))
        rows = signatures(*buffers([" ".join(one), " ".join(other)]))
        error = float((rows[0] == rows[1]).mean()) - jaccard
        spread = (jaccard * (1 - jaccard) / 128) ** 0.5
        assert abs(error) <= 5 * spread
        errors.append(error / spread)
    # unbiased, and as far off as 128 draws are: the mean of 60 such errors has a deviation of 0.13, their square 0.18
    assert abs(np.mean(errors)) < 0.5
    assert 0.4 < np.mean(np.square(errors)) < 1.8


@pytest.mark.parametrize(
    ("threshold", "bands"), [(0.7, (18, 7)), (0.8, (12, 10)), (0.5, (25, 5)), (0.9, (8, 16)), (1.0, (1, 128))]
)
def test_bands_of_a_threshold(threshold: float, bands: tuple[int, int]) -> None:
    assert bands_of(threshold) == bands


@given(st.floats(0.01, 1.0))
def test_bands_find_what_they_promise(threshold: float) -> None:
    n_bands, rows = bands_of(threshold)
    similar = threshold + (1 - threshold) / 3
    assert n_bands == 128 // rows
    assert 1 - (1 - similar**rows) ** n_bands >= 0.95
    if rows < 128:
        assert 1 - (1 - similar ** (rows + 1)) ** (128 // (rows + 1)) < 0.95


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01, float("nan")])
def test_what_is_no_threshold_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        bands_of(threshold)


_LONG = """
import resource, sys
import numpy as np
from explorer.duplicates.minhash import permutations, signatures
from explorer.duplicates.paragraphs import paragraphs_of
from explorer.textcount import count_texts
text = np.random.default_rng(1).integers(97, 122, 50_000_000, dtype=np.uint8)
text[::6] = 32
if sys.argv[1] == "lines":
    text[::3] = 10
offsets = np.array([0, len(text)])
permutations()
signatures(text[:2_000_000], np.array([0, 2_000_000]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert signatures(text, offsets).max() < 2**32 - 1
count_texts(text, offsets, lambda lines: paragraphs_of(lines, 1) and None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["words", "lines"])
def test_a_text_of_50_mb_needs_little_memory(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LONG, kind], capture_output=True, text=True, check=True, env=os.environ
    )
    assert int(done.stdout) < 250_000  # KB; all its words at once take over 700,000


def test_a_part_has_a_row_of_its_file_for_each_document(tmp_path: Path) -> None:
    found = ["one two three", "", "\n", "a b c d e f g", "one two three"]
    rows = [{"id": str(i), "source": "s", "text": text} for i, text in enumerate(found)]
    write_dolma(tmp_path / "in", {"s/a.jsonl": rows[:2], "s/b.jsonl": rows[2:]}, {})
    options = IndexOptions(CorpusConfig(), "", keep_text=True, min_paragraph=None, signatures=True)
    part = make_part(tuple(find_shards([str(tmp_path / "in")])), options.key)
    workspace = Workspace(tmp_path / "w")
    workspace.create()
    index_part(workspace.root, part, options, lambda amount: None)
    stored = np.fromfile(workspace.signatures(part.key), dtype="<u4").reshape(-1, 128)
    assert np.array_equal(stored, signatures(*buffers(found)))
    assert not workspace.paragraphs(part.key).exists()
    receipt = read_receipt(workspace.documents(part.key))
    assert receipt is not None
    assert (receipt["n_docs"], receipt["sources"]) == (5, ["s"])
    workspace.signatures(part.key).unlink()
    assert read_receipt(workspace.documents(part.key)) is None
