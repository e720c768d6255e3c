"""The documents of a synthetic index in the Dolma toolkit's files, with made-up texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from explorer.attributes import attribute_from_json
from explorer.workspace import Workspace, read_receipt
from tests.benchmarks.synthetic_keys import SETS

MAX_TEXT = 2000  # characters; the spans of longer documents are cut to it


def write_corpus(root: Path, folder: Path, condition: Mapping[str, Any]) -> dict[str, Any]:
    """Write the corpus of a workspace below `folder`; returns a mixer configuration with `condition` as its filter."""
    workspace = Workspace(root)
    for number, part in enumerate(workspace.read_manifest()["parts"]):
        documents = pl.read_parquet(workspace.documents(part["key"]), columns=["id", "source", "n_chars"])
        lengths = documents["n_chars"].clip(upper_bound=MAX_TEXT).to_list()
        words = "lorem ipsum dolor sit amet, " * (MAX_TEXT // 28 + 1)
        ids, sources = documents["id"].to_list(), documents["source"].to_list()
        texts = (
            {"id": name, "source": source, "text": words[:length]}
            for name, source, length in zip(ids, sources, lengths, strict=True)
        )
        _write(folder / "documents" / f"{number}.jsonl", texts)
        for name in SETS:
            rows = _attributes(workspace, part["sets"][name], lengths)
            _write(folder / "attributes" / name / f"{number}.jsonl", _named(ids, rows))
    stream = {
        "name": "stream",
        "documents": [str(folder / "documents" / "*.jsonl")],
        "attributes": list(SETS),
        "filter": {"include": [], **condition},
        "output": {"path": str(folder / "out"), "max_size_in_bytes": 1 << 40},
    }
    work = {"input": str(folder / "in"), "output": str(folder / "work")}
    return {"streams": [stream], "work_dir": work, "processes": 1}


def _attributes(workspace: Workspace, key: str, lengths: list[int]) -> Iterator[dict[str, Any]]:
    """Each document's attributes; where there are several spans, as many one after the other."""
    path = workspace.attributes(key)
    receipt = read_receipt(path)
    assert receipt is not None
    attributes = [attribute_from_json(one) for one in receipt["attributes"]]
    columns = [f"{one.column}_{suffix}" for one in attributes for suffix in ("n", "first")]
    rows = pl.read_parquet(path, columns=columns).select(columns).iter_rows()
    for length, row in zip(lengths, rows, strict=True):
        found = {}
        for attribute, n, first in zip(attributes, row[::2], row[1::2], strict=True):
            if n is not None:
                found[attribute.key] = [[length * i // n, length * (i + 1) // n, first] for i in range(n)]
        yield found


def _named(ids: list[str], rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from ({"id": name, "attributes": found} for name, found in zip(ids, rows, strict=True))


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
