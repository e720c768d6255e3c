"""Small bundles for the tests of the card and of Croissant: data files, a workspace of them, and what is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import explorer
from explorer.datasheet.bundle import read_sheet
from explorer.datasheet.card import render_card
from explorer.datasheet.charts import render_charts
from explorer.datasheet.croissant import render_croissant
from explorer.datasheet.data_files import data_files
from explorer.datasheet.sheet import Sheet
from tests.corpora import build_corpus, write_jsonl, write_parquet

TOML = """
[corpus]
name = "small"
version = "1.2"
licence = "ODC-By-1.0"
description = "Three documents\\n\\n# and no heading"
homepage = "https://example.org/small"

[card]
pretty_name = "A small corpus"
date = "2026-01-15"
creators = "Example Lab"
takedown = "takedown@example.org"
purpose = "Tests."
intended_uses = "Tests."
forbidden_uses = "Everything else."
limitations = "It is small."
biases = "It is made up."
personal_data = "There is none."
maintenance = "None."
citation = "@misc{small, title={Small}}"

[sources.web]
licence = "CC0-1.0"
origin = "https://example.org/web"
origin_class = "own_crawl"
collected_from = "2019-01"
collected_to = "2020-03"

[sources.books]
origin_class = "public_dataset"
url = "https://example.org/books"
"""

Shards = Mapping[str, Sequence[Mapping[str, Any]]]  # path below data/ to rows; its ending says the format


def write_shards(folder: Path, shards: Shards) -> Path:
    for name, rows in shards.items():
        if name.endswith(".parquet"):
            write_parquet(folder / name, rows)
        else:
            write_jsonl(folder / name, rows)
    return folder


def small_sheet(root: Path, shards: Shards, toml: str = "", *, with_data: bool = True, **options: Any) -> Sheet:
    """Write `root`/bundle/data, build `root`/workspace from it and read its sheet."""
    data = write_shards(root / "bundle" / "data", shards)
    if toml:
        (root / "corpus.toml").write_text(toml)
        options["config_path"] = root / "corpus.toml"
    build_corpus(data, root / "workspace", **options)
    files = data_files(root / "bundle", data) if with_data else ()
    with explorer.open(root / "workspace") as corpus:
        return read_sheet(corpus, files)


def render_all(sheet: Sheet) -> dict[str, str | bytes]:
    return {**render_card(sheet), **render_croissant(sheet)}


def write_all(sheet: Sheet, root: Path) -> Path:
    """Write the card, its charts and croissant.json into `root`/bundle; returns that."""
    folder = root / "bundle"
    for name, content in {**render_all(sheet), **render_charts(sheet)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def readme(sheet: Sheet) -> str:
    return render_card(sheet)["README.md"]


def yaml_of(text: str) -> dict[str, Any]:
    """The front matter of a card."""
    assert text.startswith("---\n")
    block, closing, _ = text.removeprefix("---\n").partition("\n---\n")
    assert closing
    fields = yaml.safe_load(block)
    assert isinstance(fields, dict)
    return fields
