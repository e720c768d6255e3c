"""What the EU's public summary is filled from: the sources with what is declared of them, and the template's limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from explorer.config import SourceNote
from explorer.datasheet.declared import Origin
from explorer.datasheet.eu_template import EU_LANGUAGES, eu_language
from explorer.datasheet.sheet import Sheet

SIZES = ("Less than 1 billion tokens", "1 billion to 10 trillions tokens", "More than 10 trillions tokens")
TO_BE_PROVIDED = "TO BE PROVIDED"
NOT_APPLICABLE = "Not applicable"
MAX_ROWS = 50  # of a table in the summary
MAX_OTHER_LANGUAGES = 20


@dataclass(frozen=True)
class Column:
    name: str
    unit: str  # of explorer.units, or `link`


@dataclass(frozen=True)
class Table:
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Found:
    """What is known of a field. With `lacks` the answer is still to be provided, and the rest says what is known."""

    value: str = ""
    status: str = "declared"  # measured | declared | missing
    sources: tuple[Mapping[str, Any], ...] = ()  # of the numbers and of the words: see `measured` and `declared`
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One source of the corpus: its measures, and what is declared of it."""

    name: str
    n_docs: int
    n_bytes: int
    n_tokens: int | None
    note: SourceNote
    origin: Origin

    @property
    def title(self) -> str:
        return self.note.title or self.name

    @property
    def link(self) -> str:
        """Where it is published; empty where nobody said so, or not as a URL."""
        return self.origin.url or (self.note.origin if is_url(self.note.origin) else "")

    @property
    def content(self) -> str:
        """What is declared of its content; empty where nothing is."""
        return joined([self.note.document_type, "" if is_url(self.note.origin) else self.note.origin])

    @property
    def description(self) -> str:
        """The same with what was taken of it, where that is not all."""
        selection = self.origin.selection
        return joined([self.content, "" if selection.strip().lower() == "all" else selection])


@dataclass(frozen=True)
class Dataset:
    """A public dataset: the sources that are published at one address are not counted apart."""

    sources: tuple[Source, ...]

    @property
    def n_bytes(self) -> int:
        return sum(source.n_bytes for source in self.sources)

    @property
    def title(self) -> str:
        return ", ".join(dict.fromkeys(source.title for source in self.sources))


class Facts:
    """A sheet as the summary needs it."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.provider = sheet.declared.provider

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Largest first, as the composition has them."""
        notes, origins = self.sheet.config.sources, self.sheet.declared.origins
        return tuple(
            Source(
                row["source"],
                row["n_docs"],
                row["n_bytes"],
                row["n_tokens"],
                notes.get(row["source"], SourceNote()),
                origins.get(row["source"], Origin()),
            )
            for row in self.sheet.rows("composition")
        )

    def of_class(self, origin_class: str) -> tuple[Source, ...]:
        return tuple(source for source in self.sources if source.origin.origin_class == origin_class)

    @property
    def totals(self) -> Mapping[str, Any]:
        rows = self.sheet.rows("totals")
        return rows[0] if rows else {}

    @property
    def n_docs(self) -> int:
        return self.totals.get("n_docs") or 0

    @property
    def n_uncounted_docs(self) -> int:
        """Documents without a number of tokens, where others have one."""
        found = [row["n_found"] for row in self.sheet.rows("checks") if row["check_name"] == "missing token counts"]
        return found[0] if found else 0

    def dates(self, statistic: str) -> Mapping[str, Mapping[str, Any]]:
        """Rows of a statistic of dates by source."""
        return {row["source"]: row for row in self.sheet.rows(statistic) if row["source"] is not None}

    def collected(self, source: Source) -> tuple[str, str, str]:
        """(first month, last month, status) of a source's collection; empty texts where it is not known.

        What is not declared is measured, where every document says when it was acquired.
        """
        origin = source.origin
        begin, end = month(origin.collected_from), month(origin.collected_to)
        if begin and end:
            return begin, end, "declared"
        coverage = self.dates("date_coverage").get(source.name, {})
        span = self.dates("date_range").get(source.name, {})
        if span.get("first_added") and coverage.get("n_added") == source.n_docs:
            return begin or month(span["first_added"]), end or month(span["last_added"]), "measured"
        return begin, end, "declared"

    def measured(self, statistic: str, **parameters: Any) -> Mapping[str, Any]:
        """Where a number comes from, so that it can be computed again."""
        entry = self.sheet.stats["statistics"].get(statistic, {})
        return {
            "statistic": statistic,
            "parameters": {**entry.get("parameters", {}), **parameters},
            "sql_hash": entry.get("sql_hash"),
            "is_exact": entry.get("is_exact"),
            "error": entry.get("error"),
        }

    def languages(self, names: Iterable[str] | None = None) -> tuple[list[tuple[str, int, int]], int, int]:
        """(label, documents, bytes) of every language stated, largest first; documents and bytes that state none.

        `names` restricts to some sources. Labels of one official language of the Union are taken together.
        """
        wanted = None if names is None else set(names)
        found: dict[str, tuple[int, int]] = {}
        silent = (0, 0)
        for row in self.sheet.rows("languages_by_source"):
            if wanted is not None and row["source"] not in wanted:
                continue
            if row["language"] is None:
                silent = (silent[0] + row["n_docs"], silent[1] + row["n_bytes"])
                continue
            label = eu_language(row["language"]) or row["language"]
            n_docs, n_bytes = found.get(label, (0, 0))
            found[label] = (n_docs + row["n_docs"], n_bytes + row["n_bytes"])
        ordered = sorted(found.items(), key=lambda item: (-item[1][1], item[0]))
        return [(label, *counts) for label, counts in ordered], *silent


def declared(*keys: str) -> tuple[Mapping[str, Any], ...]:
    """Where words come from: keys of corpus.toml."""
    return tuple({"corpus_toml": key} for key in keys)


def is_url(text: str) -> bool:
    """Whether a text is one http(s) address without anything that Markdown could trip over."""
    return re.fullmatch(r"https?://[A-Za-z0-9._~/?#&=%:+,@!-]+", text.strip()) is not None


def joined(texts: Iterable[str]) -> str:
    """Different texts on one line."""
    return "; ".join(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))


def month(date: str | None) -> str:
    """MM/YYYY of a date that begins with YYYY-MM; empty where there is none."""
    return f"{date[5:7]}/{date[:4]}" if date and len(date) >= 7 else ""


def sort_key(month_year: str) -> str:
    """MM/YYYY in the order of time."""
    return month_year[3:] + month_year[:2]


def size_class(n_tokens: int) -> str:
    """The template's range; 1 billion and 10 trillions themselves are in the middle one."""
    return SIZES[0] if n_tokens < 10**9 else SIZES[1] if n_tokens <= 10**13 else SIZES[2]


def datasets(sources: Iterable[Source]) -> list[Dataset]:
    """Public datasets out of sources, largest first."""
    found: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        link = source.link.strip().rstrip("/")
        found.setdefault(("link", link) if link else ("source", source.name), []).append(source)
    return sorted((Dataset(tuple(its)) for its in found.values()), key=lambda one: (-one.n_bytes, one.title))


def is_large(dataset: Dataset, of: Sequence[Dataset]) -> bool:
    """Whether it exceeds 3 % of all public datasets; exactly 3 % does not."""
    return dataset.n_bytes * 100 > 3 * sum(one.n_bytes for one in of)


def language_tables(facts: Facts, names: Iterable[str] | None = None) -> tuple[Table, ...]:
    """The 24 official languages of the Union, always all of them, and the largest others."""
    stated, n_silent_docs, n_silent_bytes = facts.languages(names)
    total = sum(n_bytes for _, _, n_bytes in stated) + n_silent_bytes
    by_label = {label: (n_docs, n_bytes) for label, n_docs, n_bytes in stated}

    def row(label: str, n_docs: int, n_bytes: int) -> tuple[Any, ...]:
        return label, n_docs, n_bytes, n_bytes / total if total else None

    columns = (
        Column("Language", "name"),
        Column("Documents", "docs"),
        Column("Bytes", "bytes"),
        Column("Share of bytes", "share"),
    )
    official = tuple(row(label, *by_label.get(label, (0, 0))) for label in EU_LANGUAGES)
    others = [row(*one) for one in stated if one[0] not in EU_LANGUAGES]
    rest = others[MAX_OTHER_LANGUAGES:]
    shown = others[:MAX_OTHER_LANGUAGES]
    if rest:
        shown.append(row(f"{len(rest)} more", sum(one[1] for one in rest), sum(one[2] for one in rest)))
    if n_silent_docs:
        shown.append(row("(not stated)", n_silent_docs, n_silent_bytes))
    tables = [Table("Official languages of the European Union", columns, official)]
    return (*tables, Table("Other languages", columns, tuple(shown))) if shown else tuple(tables)
