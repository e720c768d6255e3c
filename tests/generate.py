"""A generated corpus with everything that statistics must bear, and ways to cut it into files.

Deterministic: the same documents on every run. Names are hostile on purpose.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.corpora import write_dolma, write_lines

ODD_SOURCE = 'it\'s "odd" | *source* <b>`x`</b>'
ODD_SET = "odd 'set' | <i>"
ODD_KEY = "a \"key\" | with <b>'quotes'</b>"
SOURCES = ("web", ODD_SOURCE, "bücher", "tiny")
URLS = (
    "https://www.example.com/{n}",
    "https://d{n}.org/",
    "http://blog.example.co.uk/{n}?a=b|c",
    "https://example.com/<script>{n}",
    "https://münchen.de/{n}",
    "http://192.0.2.7/{n}",
    "https://[2001:db8::1]/{n}",
    "http://localhost:8000/{n}",
    "ftp://files.example.org/{n}",
    "https:///no-host/{n}",
    "not a url {n}",
    None,
)
DATES = ("2019-03-0{d}T10:00:00Z", "2021-1{m}-11", "2023", "1999-12-31T23:59:59+02:00", "yesterday", None, None)
WORDS = (
    "the",
    "of",
    "añb",
    "文字",
    "naïve",
    "corpus\u00a0text",
    "😀",
    "line\nbreak",
    "para\n\ngraph",
    "tab\there",
    "x",
)

Document = dict[str, Any]


def generated(n: int = 300, seed: int = 7) -> list[Document]:
    """`n` documents: null keys, empty texts, missing tokens, hostile names, repeated ids, lengths,
    URLs, texts and paragraphs."""
    rng = random.Random(seed)
    documents: list[Document] = []
    for number in range(n):
        source = SOURCES[min(3, int(rng.expovariate(1.2)))]
        text = _copied(_text(rng, number), source, number, documents)
        document: Document = {"id": f"{number - number % 40 if number % 40 == 3 else number}", "source": source}
        document |= {"text": text, "created": _date(rng), "added": "2024-05-01T00:00:00Z" if number % 3 else None}
        url = rng.choice(URLS)
        document["metadata"] = {
            "url": documents[number - 7]["metadata"]["url"] if number % 19 == 9 else url and url.format(n=number),
            "language": rng.choice(["en", "de", 'x"|<i>', None]),
            "license": rng.choice(["CC-BY-4.0", "it's | mine", None, None]),
        }
        if number % 5:
            document["n_tokens"] = len(text) // 4
        if number % 43 == 20:  # the same again under another URL, which alone tells which of them is the first
            metadata = {**document["metadata"], "url": f"https://again.net/{number}"}
            document = {**documents[-1], "metadata": metadata}
        documents.append(document)
    return documents


def _text(rng: random.Random, number: int) -> str:
    if number % 29 == 0:
        return ""
    if number % 31 == 0:
        return " \n\t"
    if number % 6 == 0:
        return "x" * 500  # one length, far more frequent than its neighbours
    words = [rng.choice(WORDS) for _ in range(int(rng.lognormvariate(3, 1.2)))]
    return " ".join(words) + ("\ufffd" if number % 17 == 0 else "")


def _copied(text: str, source: str, number: int, before: Sequence[Document]) -> str:
    """Some texts are those of earlier documents, and some have paragraphs that others have, too, or they themselves."""
    if number % 23 == 11:
        return str(before[number - (1 if number % 2 else 10)]["text"])
    if number % 13 == 3:
        return f"{text}\nHome | <b>Menu</b>\n{text}\nHome | <b>Menu</b>\r\n \nPages of {source}"
    return f"Pages of {source}\n{text}" if number % 37 == 1 else text


def _date(rng: random.Random) -> str | None:
    form = rng.choice(DATES)
    return form and form.format(d=rng.randint(1, 9), m=rng.randint(0, 2))


def rules(document: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Attributes of every shape; keys that are absent, empty and filled."""
    length = len(document["text"])
    values: dict[str, Any] = {"exp__tagger__score": [[0, length, round(number % 97 / 96, 5)]]}
    if number % 3:
        values[ODD_KEY] = [[0, 3, -1.5 * number], [2, length + 5, 0.5]] if number % 3 == 1 else []
    if number % 4 == 0:
        values |= {"number": number * 1e-3, "flag": number % 8 == 0, "text": "a|b", "nested": {"deep": {"er": number}}}
        values["huge"] = 10.0**300
    if number % 23 == 11:  # these are copies
        values["bff_duplicate_text"] = [[0, length, 1]]
    return values


Cut = Sequence[Sequence[int]]


def cuts(n: int) -> dict[str, Cut]:
    """Ways to lay `n` documents into files: whole, uneven, and shuffled with a nearly empty file."""
    order = list(range(n))
    random.Random(3).shuffle(order)
    return {
        "whole": [range(n)],
        "uneven": [range(n // 7), range(n // 7, n // 2), range(n // 2, n)],
        "shuffled": [order[: n // 3], order[n // 3 : n // 3 + 1], order[n // 3 + 1 :]],
    }


def write_cut(root: Path, documents: Sequence[Document], cut: Cut) -> Path:
    """Write a Dolma folder. Two files are the same in every cut: there sets are missing or misaligned, rows broken."""
    shards: dict[str, list[Document]] = {}
    attributes: dict[str, dict[str, list[Document]]] = {"rules": {}, ODD_SET: {}}
    for number, part in enumerate(cut):
        name = f"generated/part-{number}.jsonl"
        shards[name] = [documents[i] for i in part]
        attributes["rules"][name] = [{"id": documents[i]["id"], "attributes": rules(documents[i], i)} for i in part]
        attributes[ODD_SET][name] = [{"id": documents[i]["id"], "attributes": {"Case": i, "case": -i}} for i in part]
    moved = [{"id": f"moved-{i}", "source": "tiny", "text": f"Moved document {i}."} for i in range(6)]
    shards["generated/moved.jsonl"] = moved
    rows = [{"id": row["id"], "attributes": rules(row, i)} for i, row in enumerate(moved)]
    attributes["rules"]["generated/moved.jsonl"] = [rows[1], rows[0], *rows[2:5], {"id": "nobody", "attributes": {}}]
    write_dolma(root, shards, attributes)
    lines = [b'{"id": "lone", "source": "tiny", "text": "Alone."}', b"{not json", b'{"id": "textless"}']
    write_lines(root / "documents" / "generated" / "without-attributes.jsonl", lines)
    return root


RECIPE = """
title = "Rules for the generated corpus | <b>"
attributes = ["rules", "odd 'set' | <i>"]
min_text_length = 3

[[rules]]
name = "low | <b>score</b>"
exclude = "`exp__tagger__score` < 0.25"

[[rules]]
name = "long"
exclude = "n_words > 20 and not present(flag)"

[[rules]]
name = "dead"
exclude = "exp__tagger__scores > 0.5"

[[rules]]
name = "included"
include = ["number < 0.5", "not present(number)", "language == 'en'"]

[[spans]]
name = "odd"
span = "`a \\"key\\" | with <b>'quotes'</b>`"
min_score = 0.5
replacement = "[ö]"
"""


def write_recipe(root: Path) -> Path:
    """A recipe with every kind of rule, as a file."""
    path = root / "generated.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path
