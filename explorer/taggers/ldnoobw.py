"""The list of bad words that C4's rule and RedPajama's signal look for; see the head of `data/ldnoobw_en.txt`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def naughty_words() -> tuple[str, ...]:
    """The entries: words, and phrases with single spaces; lower case."""
    text = files("explorer.taggers").joinpath("data", "ldnoobw_en.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))
