"""A corpus with attributes of filters, for tests of what recipes do to it on a page."""

from __future__ import annotations

from pathlib import Path

from tests.corpora import Row, attribute_rows, build_corpus, document, write_dolma

HOSTILE = "<b>:red[x]</b> | `y`"  # a source's name, and the beginning of its texts
OWN = f"""
title = "Short and {HOSTILE.replace('"', "")}"
doc = "A recipe of the workspace."

[[rules]]
name = "short"
exclude = "*gopher_v?__word_count < 50"

[[rules]]
exclude = "*gopher_v?__symbol_to_word_ratio > 0.1"

[[rules]]
name = "no symbols known"
exclude = "*gopher_v?__nothing_of_the_kind > 0.5"

[[spans]]
name = "e-mail"
span = "*pii_regex_with_counts_v2__EMAIL_ADDRESS"
min_score = 0.5
replacement = " |||EMAIL||| "
"""


def rows_of_filters(n: int = 60) -> list[Row]:
    """Documents of `i` words (0 to n - 1), in two sources."""
    return [
        document(i, HOSTILE if i % 3 == 0 else "web", text=" ".join([HOSTILE, *(["word"] * i)])[: max(20, i * 6)])
        for i in range(n)
    ]


def write_filters(root: Path, *, has_model: bool = False, n: int = 60) -> Path:
    """A Dolma folder: word_count is the document's number, symbol_to_word_ratio a hundredth of it modulo 20."""
    rows = rows_of_filters(n)
    numbers = {row["id"]: i for i, row in enumerate(rows)}

    def score(key: str, value: float, row: Row) -> list[list[float]]:
        return [[0, len(row["text"]), value]]

    def count(row: Row) -> list[list[float]]:
        return score("word_count", float(numbers[row["id"]]), row)

    def symbols(row: Row) -> list[list[float]]:
        return score("symbols", numbers[row["id"]] % 20 / 100, row)

    def quality(row: Row) -> list[list[float]]:
        return score("quality", numbers[row["id"]] / n, row)

    def email(row: Row) -> list[list[float]]:
        return [[0, 3, 1.0]] if numbers[row["id"]] % 5 == 0 else []

    values = {
        "exp__gopher_v2__word_count": count,
        "exp__gopher_v2__symbol_to_word_ratio": symbols,
        "exp__pii_regex_with_counts_v2__EMAIL_ADDRESS": email,
    }
    if has_model:
        values["exp__ft_quality_v1__hq"] = quality
    return write_dolma(root, {"a.jsonl": rows}, {"exp": {"a.jsonl": attribute_rows(rows, **values)}})


def build_filters(root: Path, *, own: str = OWN, has_model: bool = False) -> Path:
    """A workspace with one recipe of its own (none where `own` is empty)."""
    write_filters(root / "input", has_model=has_model)
    workspace = root / "workspace"
    build_corpus(root / "input", workspace)
    if own:
        (workspace / "recipes").mkdir(exist_ok=True)
        (workspace / "recipes" / "own.toml").write_text(own, encoding="utf-8")
    return workspace
