"""`corpus.toml`: what the shards cannot say about themselves.

Everything is optional. `[columns]` maps roles to columns where sniffing is not enough; `[sources.<name>]`
describes a source; the rest names the corpus.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import UsageError

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
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; `corpus-explorer init` writes one to fill in") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a corpus.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    return parse_config(data, str(path))


def parse_config(data: Mapping[str, Any], where: str) -> CorpusConfig:
    """Check the parsed TOML. Raises `UsageError`."""
    _only(data, ("corpus", "columns", "sources"), where, "")
    corpus = _table(data, "corpus", where)
    _only(corpus, _CORPUS, where, "corpus.")
    columns = _table(data, "columns", where)
    _only(columns, ROLES, where, "columns.")
    sources = {}
    for name, note in _table(data, "sources", where).items():
        if not isinstance(note, dict):
            raise UsageError(f"{where}: sources.{name} is not a table")
        _only(note, _SOURCE, where, f"sources.{name}.")
        sources[name] = SourceNote(**_texts(note, where, f"sources.{name}."))
    for role, column in _texts(columns, where, "columns.").items():
        if column.startswith("attribute:") and (role not in ("language", "n_tokens") or "/" not in column):
            raise UsageError(f"{where}: columns.{role} = {column!r}: only language and n_tokens take attribute:SET/KEY")
    return CorpusConfig(**_texts(corpus, where, "corpus."), columns=_texts(columns, where, "columns."), sources=sources)


def _table(data: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise UsageError(f"{where}: {key} is not a table")
    return value


def _only(data: Mapping[str, Any], known: tuple[str, ...], where: str, prefix: str) -> None:
    for key in data:
        if key not in known:
            raise UsageError(f"{where}: {prefix}{key} is not known; known: {', '.join(known)}")


def _texts(data: Mapping[str, Any], where: str, prefix: str) -> dict[str, str]:
    for key, value in data.items():
        if not isinstance(value, str):
            raise UsageError(f"{where}: {prefix}{key} must be a text in quotes, not {value!r}")
    return dict(data)


def toml_string(text: str) -> str:
    """A TOML basic string: corpus text may hold quotes, backslashes and control characters."""
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(c, c)
        if c.isprintable() or c in "\n\t\r"
        else f"\\U{ord(c):08x}"
        for c in text
    )
    return f'"{escaped}"'


def template(sources: Mapping[str, int]) -> str:
    """A commented `corpus.toml` for the given sources (name to number of documents)."""
    lines = [
        "# What the shards cannot say about themselves. Every line is optional.",
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
    for name, n_docs in sources.items():
        lines += [
            f"[sources.{toml_string(name)}]  # {n_docs:,} documents",
            '# title = ""',
            '# document_type = ""               # web pages, code, papers, books, encyclopedic, social media ...',
            '# licence = ""',
            '# origin = ""                      # a URL or a citation',
            "",
        ]
    return "\n".join(lines)
