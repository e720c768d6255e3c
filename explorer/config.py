"""`corpus.toml`: what the shards cannot say about themselves.

Everything is optional. `[columns]` maps roles to columns where sniffing is not enough; `[sources.<name>]` describes a
source; `[corpus]` names the corpus. What only cards and summaries read is in `explorer.datasheet.declared`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.datasheet.declared import DECLARED_TABLES, ORIGIN_KEYS, parse_declared
from explorer.datasheet.template import answers_lines, card_lines, origin_lines, provider_lines, purposes_lines
from explorer.errors import UsageError
from explorer.toml_checks import check_url, only, read_toml, table, texts
from explorer.toml_checks import toml_string as toml_string

ROLES = ("id", "text", "source", "url", "created", "added", "language", "licence", "n_tokens")
_CORPUS = ("name", "version", "licence", "description", "homepage", "tokenizer")
_SOURCE = ("title", "document_type", "licence", "origin")


@dataclass(frozen=True)
class SourceNote:
    """What `corpus.toml` says of one source."""

    title: str = ""
    document_type: str = ""
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True)
class CorpusConfig:
    """The checked content of a `corpus.toml`.

    `columns` maps a role (`ROLES`) to a column, a dotted path into `metadata`, or, for `language` and
    `n_tokens`, to `attribute:SET/KEY` (for `language` the KEY is a prefix: the highest score under it wins).
    """

    name: str = ""
    version: str = ""
    licence: str = ""
    description: str = ""
    homepage: str = ""
    tokenizer: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, SourceNote] = field(default_factory=dict)

    @property
    def document_columns(self) -> dict[str, str]:
        """The part of the mapping that the index pass reads (attribute expressions come later)."""
        return {role: path for role, path in self.columns.items() if not path.startswith("attribute:")}

    @property
    def attribute_columns(self) -> dict[str, tuple[str, str]]:
        """Role to (set, key) for roles that an attribute fills."""
        found = {}
        for role, path in self.columns.items():
            if path.startswith("attribute:"):
                attribute_set, _, key = path.removeprefix("attribute:").partition("/")
                found[role] = (attribute_set, key)
        return found


def read_config(path: Path) -> CorpusConfig:
    """Read and check a `corpus.toml`. Raises `UsageError` with the file, the key and the choices."""
    return parse_config(read_toml(path), str(path))


def parse_config(data: Mapping[str, Any], where: str) -> CorpusConfig:
    """Check the parsed TOML, the tables that only cards read included. Raises `UsageError`."""
    only(data, ("corpus", "columns", "sources", *DECLARED_TABLES), where, "")
    parse_declared(data, where)  # a slip in what people say should not wait for the datasheet
    corpus = table(data, "corpus", where)
    only(corpus, _CORPUS, where, "corpus.")
    check_url(str(corpus.get("homepage", "")), where, "corpus.homepage")
    columns = table(data, "columns", where)
    only(columns, ROLES, where, "columns.")
    sources = {}
    for name, note in table(data, "sources", where).items():
        only(note, (*_SOURCE, *ORIGIN_KEYS), where, f"sources.{name}.")
        own = {key: value for key, value in note.items() if key in _SOURCE}
        sources[name] = SourceNote(**texts(own, where, f"sources.{name}."))
    for role, column in texts(columns, where, "columns.").items():
        if column.startswith("attribute:") and (role not in ("language", "n_tokens") or "/" not in column):
            raise UsageError(f"{where}: columns.{role} = {column!r}: only language and n_tokens take attribute:SET/KEY")
    return CorpusConfig(**texts(corpus, where, "corpus."), columns=texts(columns, where, "columns."), sources=sources)


def template(sources: Mapping[str, int]) -> str:
    """A commented `corpus.toml` for the given sources (name to number of documents)."""
    lines = [
        "# What the shards cannot say about themselves. Every line is optional: take away the # of what you fill in.",
        "# Nothing is guessed: what is not said here is missing on the card, and unknown in DATASHEET.md.",
        "",
        "[corpus]",
        '# name = "My corpus"',
        '# version = "1.0"',
        '# licence = "ODC-By-1.0"            # an SPDX identifier',
        '# description = "One sentence."',
        '# homepage = "https://example.org/my-corpus"',
        '# tokenizer = "gpt2"                # the tokenizer behind an existing token-count column',
        "",
        "[columns]                           # only where sniffing is not enough; metadata.x reaches into metadata",
        '# text = "content"',
        '# source = "metadata.subset"',
        '# n_tokens = "token_count"',
        '# language = "metadata.lang"        # or "attribute:SET/KEY_PREFIX"',
        "",
    ]
    for n, (name, n_docs) in enumerate(sources.items()):
        lines += [
            f"[sources.{toml_string(name)}]  # {n_docs:,} documents",
            '# title = ""',
            '# document_type = ""               # web pages, code, papers, books, encyclopedic, social media ...',
            '# licence = ""',
            '# origin = ""                      # a URL or a citation',
            *origin_lines(is_explained=n == 0),
            "",
        ]
    for lines_of in (card_lines, answers_lines, purposes_lines, provider_lines):
        lines += [*lines_of(), ""]
    return "\n".join(lines)
