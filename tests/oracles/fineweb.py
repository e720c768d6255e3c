"""DataTrove's measures of quality and repetition, read plainly: one text at a time, words by `str.split`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from explorer.taggers.fineweb import stop_chars
from explorer.taggers.gopher_quality import symbols

Words = Callable[[str], list[str]]


def fineweb(text: str, words: Words = str.split) -> dict[str, float]:
    """The scores of `fineweb_v1`; a measure that is divided by nothing is absent."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return {"line_count": 0}
    return {
        "line_count": len(lines),
        "line_punct_ratio": sum(bool(stop_chars()[ord(line[-1])]) for line in lines) / len(lines),
        "short_line_ratio": sum(len(line) <= 30 for line in lines) / len(lines),
        "char_dup_ratio": sum(map(len, copies(lines))) / (len(text) - text.count("\n")),
        "list_ratio": text.count("\n") / len(words(text)),
    }


def repetition(text: str, words: Words = str.split) -> dict[str, float]:
    """The scores of `repetition_v1`."""
    if not text:
        return {}
    found: dict[str, float] = {}
    for name, pieces in (("para", re.split(r"\n{2,}", text.strip())), ("line", re.split(r"\n+", text))):
        again = copies(pieces)
        found[f"dup_{name}_frac"] = len(again) / len(pieces)
        found[f"dup_{name}_char_frac"] = sum(map(len, again)) / len(text)
    tokens = words(text)
    for n in (2, 3, 4):
        counts = Counter(" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
        if counts:
            most = max(counts.values())
            found[f"top_{n}_gram"] = next(len(gram) for gram in counts if counts[gram] == most) * most / len(text)
    for n in range(5, 11):
        found[f"duplicated_{n}_n_grams"] = copied_chars(tokens, n) / len(text)
    return found


def gopher(text: str, words: Words = str.split) -> dict[str, float]:
    """The scores of `gopher_quality_v1`, and `alpha_word_ratio`: words that hold a letter, by words."""
    tokens = words(text)
    true = [token for token in tokens if not all(symbols()[ord(char)] for char in token)]
    lines = text.splitlines()
    stop_words = {"the", "be", "to", "of", "and", "that", "have", "with"}
    found: dict[str, float] = {
        "non_symbol_word_count": len(true),
        "stop_word_count": sum(word in tokens for word in stop_words),
    }
    if true:
        found["mean_word_length"] = sum(map(len, true)) / len(true)
    if tokens:
        found["hash_to_word_ratio"] = text.count("#") / len(tokens)
        found["ellipsis_to_word_ratio"] = (text.count("...") + text.count("…")) / len(tokens)
        found["alpha_word_ratio"] = sum(any(map(str.isalpha, token)) for token in tokens) / len(tokens)
    if lines:
        found["bullet_line_ratio"] = sum(line.lstrip().startswith(("•", "-")) for line in lines) / len(lines)
        found["ellipsis_line_ratio"] = sum(line.rstrip().endswith(("...", "…")) for line in lines) / len(lines)
    return found


def copies(pieces: Sequence[str]) -> list[str]:
    """The pieces that stand in the list before."""
    met: set[str] = set()
    found = []
    for piece in pieces:
        if piece in met:
            found.append(piece)
        met.add(piece)
    return found


def copied_chars(tokens: Sequence[str], n: int) -> int:
    """Characters of the runs of n words that are copies; a copy is passed over as a whole."""
    met: set[str] = set()
    total = place = 0
    while place + n <= len(tokens):
        run = "".join(tokens[place : place + n])
        is_copy = run in met
        met.add(run)
        total += len(run) * is_copy
        place += n if is_copy else 1
    return total
