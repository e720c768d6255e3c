"""Statistics of a small real corpus against counts in plain Python."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import publicsuffixlist
import pytest
import tldextract

import explorer
from tests.corpora import build_corpus

_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD = re.compile(f"[^{_SPACE}]+")


@pytest.fixture(scope="session")
def mini(mini_dolma: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[explorer.Corpus]:
    out = tmp_path_factory.mktemp("mini") / "out"
    build_corpus(mini_dolma, out, workers=2, memory=1 << 30)
    with explorer.open(out) as opened:
        yield opened


@pytest.fixture(scope="session")
def rows_of_mini(mini_dolma: Path) -> list[dict[str, Any]]:
    rows = []
    for path in sorted(mini_dolma.glob("documents/**/*.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            rows += [json.loads(line) for line in lines]
    return rows


@pytest.mark.xdist_group("mini")
def test_totals_equal_the_known_truth(mini: explorer.Corpus, mini_dolma: Path) -> None:
    truth = json.loads((mini_dolma / "truth.json").read_text(encoding="utf-8"))
    totals = mini.show("totals").row(0, named=True)
    assert totals["n_docs"] == truth["documents"]
    assert totals["n_sources"] == truth["sources"]
    assert totals["n_bytes"] == truth["text_bytes"]


@pytest.mark.xdist_group("mini")
def test_composition_equals_a_count_in_plain_python(mini: explorer.Corpus, rows_of_mini: list[dict[str, Any]]) -> None:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows_of_mini:
        text = row["text"]
        lines = text.split("\n")
        counted[row["source"]].update(
            n_docs=1,
            n_bytes=len(text.encode()),
            n_chars=len(text),
            n_words=len(_WORD.findall(text)),
            n_lines=len(lines) if text else 0,
            n_paragraphs=sum(1 for line in lines if _WORD.search(line)),
        )
    shown = mini.show("composition")
    measures = ["n_docs", "n_bytes", "n_chars", "n_words", "n_lines", "n_paragraphs"]
    assert {row[0]: dict(zip(measures, row[1:], strict=True)) for row in shown.select("source", *measures).rows()} == {
        source: dict(counts) for source, counts in counted.items()
    }


@pytest.mark.xdist_group("mini")
def test_domains_equal_tldextract_in_plain_python(mini: explorer.Corpus, rows_of_mini: list[dict[str, Any]]) -> None:
    suffix_list = Path(publicsuffixlist.__file__).with_name("public_suffix_list.dat")
    extract = tldextract.TLDExtract(suffix_list_urls=[suffix_list.as_uri()], cache_dir=None, fallback_to_snapshot=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its list to the garbage collector
        extract("example.com")
    counted: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for row in rows_of_mini:
        url = row.get("url") or (row.get("metadata") or {}).get("url")
        if url is None and re.match(r"https?://", row["id"]):
            url = row["id"]
        if url is None:
            continue
        parts = extract(url)
        domain = (parts.top_domain_under_public_suffix or parts.fqdn or parts.domain).lower()
        domain = domain.encode("idna").decode()
        counted[domain] += 1
        size[domain] += len(row["text"].encode())
    shown = mini.show("domains", top_n=10_000)
    assert dict(shown.select("domain", "n_docs").rows()) == counted
    assert dict(shown.select("domain", "n_bytes").rows()) == size
