"""Closed lists of the formats that a card is written in, kept beside this file as facts: they change, and no network is
asked. A value that is on no list is never written as if it were."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# Buckets of a Hugging Face card, by the first number of examples that is beyond each.
SIZE_CATEGORIES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
    (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)
LARGEST = "n>1T"
OTHER = "other"


def size_category(n_rows: int) -> str:
    """The bucket of a number of rows; a number at a border belongs to the bucket above it."""
    return next((name for beyond, name in SIZE_CATEGORIES if n_rows < beyond), LARGEST)


def language_code(text: str) -> str:
    """The ISO 639 code that a label begins with (en, eng_Latn, zh-Hant), in lower case; empty where it is none."""
    code = re.split(r"[-_]", text.strip().lower(), maxsplit=1)[0]
    return code if code in _languages() else ""


def hub_licence(text: str) -> str:
    """The identifier of a licence on a Hugging Face card, from that or from SPDX's; empty where it has none.

    `other` and `unknown` are identifiers of their own, and not found by their names.
    """
    return _hub_licences().get(text.strip().lower(), "")


def spdx_licence(text: str) -> str:
    """The SPDX identifier of a licence in its own spelling, from that or from a card's; empty where it has none."""
    name = text.strip().lower()
    return _spdx().get(name) or _spdx_of_hub().get(name, "")


def _lines(name: str) -> list[str]:
    text = (Path(__file__).parent / name).read_text(encoding="ascii")
    return [line for line in text.splitlines() if not line.startswith("#")]


@cache
def _languages() -> frozenset[str]:
    return frozenset(code for line in _lines("languages.txt") for code in line.split())


@cache
def _spdx() -> Mapping[str, str]:
    return {licence.lower(): licence for line in _lines("spdx.txt") for licence in line.split()}


@cache
def _hub_licences() -> Mapping[str, str]:
    rows = [line.split() for line in _lines("hub_licences.txt")]
    return {name.lower(): names[0] for names in rows for name in names if names[0] not in (OTHER, "unknown")}


@cache
def _spdx_of_hub() -> Mapping[str, str]:
    """A card's identifier to SPDX's, where it stands for one alone."""
    return {names[0]: names[1] for names in map(str.split, _lines("hub_licences.txt")) if len(names) == 2}
