"""A part of mini-dolma with more attributes, for whole recipes: what taggers of the toolkit never write, and what
goes wrong in the field. The same on every run; nothing of the real data is copied but by links."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.corpora import write_jsonl

SOURCES = ("c4", "news", "stackexchange", "sotu", "wiki")
OWN = "own"  # a source of ours, whose rows carry attributes themselves
N_OWN = 60
N_SHORT = 300  # rows of the set `short` for c4, which has more documents
WORD_COUNT = "dolma_rules__gopher_v2__word_count"
Row = Mapping[str, Any]


def write_corpus(mini_dolma: Path, root: Path) -> Path:
    """Lay out documents and attributes below `root`."""
    for source in SOURCES:
        for folder in (mini_dolma / "documents", *(mini_dolma / "attributes").iterdir()):
            if (there := folder / source).is_dir():
                link = root / there.relative_to(mini_dolma)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(there)
    own = [own_document(number) for number in range(N_OWN)]
    write_jsonl(root / "documents" / OWN / "own-0000.json.gz", own)
    for source in (*SOURCES, OWN):
        (path,) = (root / "documents" / source).iterdir()
        rows = list(read(path))
        for name, values in sets(source, rows).items():
            write_jsonl(root / "attributes" / name / source / path.name, values)
    return root


def read(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def own_document(number: int) -> dict[str, Any]:
    rng = random.Random(number)
    text = "".join(rng.choices("ab é\n\u2003😀{}$文", k=rng.randint(0, 90)))
    row: dict[str, Any] = {"id": f"own/{number}", "source": OWN, "text": text}
    row["metadata"] = {"length": len(text), "title": rng.choice(("Über", "A", "")), "n": number}
    score = round(rng.random(), 5)
    row["attributes"] = {"own_score": [[0, len(text) // 2 + 1, score]]} if number % 3 else {"toxicity": score}
    return row


def sets(source: str, rows: list[Row]) -> dict[str, list[Row]]:
    """The rows of each further set for one source's documents."""
    found: dict[str, list[Row]] = {"override": [_row(row, override(row)) for row in rows]}
    found["short"] = [_row(row, {"late": 1}) for row in rows[:N_SHORT]]
    if source != "sotu":
        found["extra"] = [_row(row, extra(row)) for row in rows]
    if source in ("news", "wiki"):
        found["partial"] = [_row(row, {"part": number % 3}) for number, row in enumerate(rows)]
    return found


def _row(document: Row, attributes: Row) -> Row:
    return {"id": document["id"], "attributes": attributes}


def extra(document: Row) -> dict[str, Any]:
    """Single values, nested ones, empty lists, nulls and spans that overlap."""
    rng = random.Random(f"extra {document['id']}")
    n = len(document["text"])
    found: dict[str, Any] = {"zero": 0.0, "flag": rng.random() < 0.3}
    if rng.random() < 0.8:
        found["toxicity"] = round(rng.random(), 2)
    if rng.random() < 0.9:
        found["quality"] = rng.randint(0, 6)
    if rng.random() < 0.5:
        found["label"] = rng.choice(("good", "bad é", ""))
    if rng.random() < 0.2:
        found["maybe"] = None
    if rng.random() < 0.5:
        pii: dict[str, Any] = {"too_much_pii": rng.random() < 0.2, "deep": {"level": rng.randint(0, 4)}}
        if rng.random() < 0.6:
            pii["email"] = spans(rng, n, 3)
        found["pii"] = pii
    if rng.random() < 0.8:
        found["marks"] = spans(rng, n, 4)
    found["moves"] = spans(rng, n, 4)
    if n:
        found["odd"] = [[*rng.choice(([3, 3], [n, n + 4], [5, 2], [0, n], [n // 2, n + 9])), rng.choice((0.1, 0.9))]]
    return found


def spans(rng: random.Random, n: int, most: int) -> list[list[float]]:
    """Spans in any order, with characters in each, some beyond the text's end; none in a short text."""
    if n < 10:
        return []
    starts = [rng.randrange(n) for _ in range(rng.randint(0, most))]
    return [[start, start + rng.randint(1, 60), round(rng.random(), 3)] for start in starts]


def override(document: Row) -> dict[str, Any]:
    """For a third of the documents other values of keys that other sets have too."""
    rng = random.Random(f"override {document['id']}")
    if rng.random() < 0.66:
        return {}
    found: dict[str, Any] = {WORD_COUNT: [[0, len(document["text"]), float(rng.randint(0, 400))]]}
    if rng.random() < 0.5:
        found["toxicity"] = round(rng.random(), 2)
    if rng.random() < 0.3:
        found["pii"] = {"too_much_pii": False}  # the whole object is another one
    return found


def completed(stream: Row) -> dict[str, Any]:
    """A stream of a mixer config as the toolkit's command line hands it on: with its defaults written out."""
    found = dict(stream)
    if found.get("filter") is not None:
        found["filter"] = {"include": [], "exclude": [], "syntax": "jsonpath"} | dict(found["filter"])
    if "span_replacement" in found:
        defaults = {"replacement": "", "syntax": "jsonpath"}
        found["span_replacement"] = [defaults | dict(one) for one in found["span_replacement"]]
    return {"attributes": [], **found}
