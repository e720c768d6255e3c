"""DataTrove's filters as a program: questions in (JSON lines), answers out (JSON lines), in the same order.

Run by the oracle's python; `tests.oracles.datatrove` starts it and says what can be asked.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

FILTERS = {  # in FineWeb's order
    "gopher_repetition": "gopher_repetition_filter.GopherRepetitionFilter",
    "gopher_quality": "gopher_quality_filter.GopherQualityFilter",
    "c4_quality": "c4_filters.C4QualityFilter",
    "fineweb_quality": "fineweb_quality_filter.FineWebQualityFilter",
}
_PACKAGE = "datatrove.pipeline.filters"


def load_filter(name: str, spacy: bool, **cut_offs: float) -> Any:
    """A filter, at its default cut-offs where no others are given."""
    module_name, _, class_name = FILTERS[name].partition(".")
    module = importlib.import_module(f"{_PACKAGE}.{module_name}")
    if hasattr(module, "split_into_words"):
        own = importlib.import_module("datatrove.utils.text").split_into_words
        module.split_into_words = own if spacy else lambda text, language: text.split()  # type: ignore[attr-defined]
    return getattr(module, class_name)(**cut_offs)


def load_document(text: str) -> Any:
    return importlib.import_module("datatrove.data").Document(text=text, id="")


def reason(found: bool | tuple[bool, str]) -> str | None:
    """The reason of a filter's answer; None where it keeps the document."""
    if isinstance(found, tuple):
        return None if found[0] else found[1]
    return None if found else "?"


def measures(text: str, quality: Any, repetition_filter: Any) -> dict[str, float]:
    """The measures of both filters by DataTrove's functions, each as the filter calls it."""
    repetition = importlib.import_module(f"{_PACKAGE}.gopher_repetition_filter")
    words = text.split()
    lines = [line for line in text.split("\n") if line.strip() != ""]
    found: dict[str, float] = {"line_count": len(lines)}
    if lines:
        found |= {
            "line_punct_ratio": sum(line.endswith(quality.stop_chars) for line in lines) / len(lines),
            "short_line_ratio": sum(len(line) <= quality.short_line_length for line in lines) / len(lines),
            "char_dup_ratio": repetition.find_duplicates(lines)[1] / len(text.replace("\n", "")),
            "list_ratio": text.count("\n") / len(words),
        }
    if not text:
        return found
    pieces = {
        "para": repetition_filter.paragraph_exp.split(text.strip()),
        "line": repetition_filter._line_splitter.split(text),
    }
    for name, parts in pieces.items():
        n_copies, n_chars = repetition.find_duplicates(parts)
        found |= {f"dup_{name}_frac": n_copies / len(parts), f"dup_{name}_char_frac": n_chars / len(text)}
    for n, _ in repetition_filter.top_n_grams:
        grams = repetition.get_n_grams(words, n)
        if grams:
            found[f"top_{n}_gram"] = repetition.find_top_duplicate(grams) / len(text)
    for n, _ in repetition_filter.dup_n_grams:
        found[f"duplicated_{n}_n_grams"] = repetition.find_all_duplicate(words, n) / len(text)
    return found


def cut_offs(quality: Any, repetition_filter: Any) -> dict[str, float]:
    found = {
        "line_punct_ratio": quality.line_punct_thr,
        "short_line_ratio": quality.short_line_threshold,
        "char_dup_ratio": quality.char_duplicates_ratio,
        "list_ratio": quality.new_line_ratio,
    }
    for name in ("dup_para_frac", "dup_para_char_frac", "dup_line_frac", "dup_line_char_frac"):
        found[name] = getattr(repetition_filter, name)
    found |= {f"top_{n}_gram": cut for n, cut in repetition_filter.top_n_grams}
    return found | {f"duplicated_{n}_n_grams": cut for n, cut in repetition_filter.dup_n_grams}


def seconds(texts: Sequence[str]) -> dict[str, float]:
    filters = {name: load_filter(name, spacy=True) for name in FILTERS}
    split = importlib.import_module("datatrove.utils.text").split_into_parts
    for each in filters.values():
        each.filter(load_document("Once, to load what is loaded late. " * 20))
    found: dict[str, float] = {}
    for name, each in filters.items():
        split.cache_clear()
        documents = [load_document(text) for text in texts]
        begun = time.process_time()
        for document in documents:
            each.filter(document)
        found[name] = time.process_time() - begun
    split.cache_clear()
    documents = [load_document(text) for text in texts]
    begun = time.process_time()
    for document in documents:
        for each in filters.values():
            if reason(each.filter(document)) is not None:
                break
    found["pipeline"] = time.process_time() - begun
    return found


def answer(question: dict[str, Any]) -> Any:
    texts = question["texts"]
    filters = [load_filter(name, spacy=False) for name in ("fineweb_quality", "gopher_repetition")]
    match question["question"]:
        case "measures":
            return [measures(text, *filters) for text in texts]
        case "reasons":
            chosen = load_filter(question["filter"], question["spacy"], **question["cut_offs"])
            return [reason(chosen.filter(load_document(text))) for text in texts]
        case "seconds":
            return seconds(texts)
        case "words":
            split = importlib.import_module("datatrove.utils.text").split_into_words
            return [split(text) for text in texts]
        case "cut_offs":
            return cut_offs(*filters)
        case "stop_chars":
            return "".join(sorted(filters[0].stop_chars))
        case "symbols":
            return "".join(sorted(importlib.import_module("datatrove.utils.text").PUNCTUATION_SET))
    raise ValueError(question["question"])


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
