"""What removing duplicates leaves, against plain Python on random corpora: every rule of which copy stays, two cuts."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import explorer
from tests.corpora import build_corpus, write_jsonl

SOURCES = ("b", "a", "c, too", "é")  # the first two as corpus.toml orders them
PRIORITY = ("é", "nobody", "c, too")
MEASURES = ("n_docs", "n_bytes", "n_words", "n_tokens")

Document = dict[str, Any]
Counts = dict[str | None, list[int]]


def random_corpus(seed: int) -> list[Document]:
    """Documents whose URLs, texts and paragraphs repeat, with ids that do not follow the sources."""
    rng = random.Random(seed)
    paragraphs = ["one", "two words", "és", "a longer paragraph\r", " ", ""]
    documents = []
    for number in rng.sample(range(1000), 40):
        text = "\n".join(rng.choice(paragraphs) for _ in range(rng.randint(0, 4)))
        document = {"id": f"{number:03}", "source": rng.choice(SOURCES), "text": text, "n_tokens": rng.randint(0, 9)}
        if rng.random() < 0.7:
            document["url"] = f"https://x.org/{rng.randint(0, 9)}"
        documents.append(document)
    return documents


def order(document: Document) -> tuple[int, str]:
    return SOURCES.index(document["source"]), document["id"]


def by_priority(document: Document) -> tuple[int, int, str]:
    source = document["source"]
    return PRIORITY.index(source) if source in PRIORITY else len(PRIORITY), *order(document)


def by_length(document: Document) -> tuple[int, int, str]:
    return -len(document["text"].encode()), *order(document)


RULES: Mapping[str, Callable[[Document], Any]] = {"first": order, "longest": by_length, "priority": by_priority}


def key_of(document: Document, kind: str) -> str | None:
    found: str | None = document.get("url") if kind == "url" else document["text"] or None
    return found


def kept(documents: Iterable[Document], kind: str, rule: Callable[[Document], Any]) -> list[Document]:
    """The documents that stay when of each key one does."""
    clusters: dict[Hashable, list[Document]] = defaultdict(list)
    for document in documents:
        clusters[key_of(document, kind) or (document["source"], document["id"])].append(document)
    return [min(cluster, key=rule) for cluster in clusters.values()]


def without_repeats(documents: Sequence[Document], place: Callable[[Document], Any]) -> list[Document]:
    """The documents with the paragraphs that stay when of each one occurrence does; other lines as they are."""
    seen = set()
    left = []
    for document in sorted(documents, key=place):
        lines = []
        for line in document["text"].split("\n"):
            if line.strip() and line in seen:
                line = ""
            seen.add(line)
            lines.append(line)
        left.append({**document, "text": "\n".join(lines)})
    return left


def counts(documents: Iterable[Document]) -> Counts:
    """Documents, bytes, words and tokens by source, and of all together."""
    found: Counts = {source: [0, 0, 0, 0] for source in (None, *SOURCES)}
    for document in documents:
        text = document["text"]
        own = (1, len(text.encode()), len(text.split()), document["n_tokens"])
        for of in (found[None], found[document["source"]]):
            of[:] = [a + b for a, b in zip(of, own, strict=True)]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_and_what_goes_in_steps(tmp_path: Path, seed: int) -> None:
    documents = random_corpus(seed)
    present = {document["source"] for document in documents} | {None}
    (tmp_path / "corpus.toml").write_text("[sources.b]\n[sources.nobody]\n[sources.a]\n")
    for n_files in (1, 5):
        root = tmp_path / str(n_files)
        for number in range(n_files):
            write_jsonl(root / "in" / f"{number}.jsonl", documents[number::n_files])
        build_corpus(root / "in", root / "ws", config_path=tmp_path / "corpus.toml", part_bytes=1)
        before = counts(documents)
        with explorer.open(root / "ws") as corpus:
            for kind in ("url", "text", "paragraph"):
                for keep, rule in RULES.items():
                    frame = corpus.show("deduplicated_mix", kind=kind, keep=keep, priority='["é", "nobody", "c, too"]')
                    if kind == "paragraph":
                        after = counts(without_repeats(documents, order if keep == "longest" else rule))
                    else:
                        after = counts(kept(documents, kind, rule))
                    check_mix(frame.rows(named=True), before, after, is_of_paragraphs=kind == "paragraph")
                    assert set(frame["source"]) == present
            steps = [documents, kept(documents, "url", order)]
            steps.append(kept(steps[-1], "text", order))
            steps.append(without_repeats(steps[-1], order))
            frame = corpus.show("duplicate_waterfall", per="source")
            assert frame.height == 3 * len(present)
            for row in frame.iter_rows(named=True):
                step_before, step_after = (counts(steps[row["place"] - n])[row["source"]] for n in (1, 0))
                n_known = 3 if row["step"] == "paragraph" else 4
                assert [row[name] for name in MEASURES] == step_before
                assert [row[f"{name}_left"] for name in MEASURES[:n_known]] == step_after[:n_known]
                gone = [a - b for a, b in zip(step_before, step_after, strict=True)]
                assert [row[f"{name}_removed"] for name in MEASURES[:n_known]] == gone[:n_known]
                assert row["n_tokens_left"] is None or n_known == 4


def check_mix(rows: Iterable[Mapping[str, Any]], before: Counts, after: Counts, *, is_of_paragraphs: bool) -> None:
    n_known = 3 if is_of_paragraphs else 4
    mix = 1 if is_of_paragraphs else 3  # bytes, tokens
    for row in rows:
        source = row["source"]
        assert [row[name] for name in MEASURES] == before[source]
        assert [row[f"n_kept_{name[2:]}"] for name in MEASURES[:n_known]] == after[source][:n_known]
        assert row["n_kept_tokens"] is None or not is_of_paragraphs
        assert row["removed_byte_share"] == pytest.approx(1 - after[source][1] / before[source][1])
        assert row["mix_share_before"] == pytest.approx(before[source][mix] / before[None][mix])
        assert row["mix_share_after"] == pytest.approx(after[source][mix] / after[None][mix])
        assert row["mix_unit"] == ("bytes" if is_of_paragraphs else "tokens")
