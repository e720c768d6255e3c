"""A recipe: streams of documents, the rules that remove some of them, and the spans that are cut out of the rest.

The words are the Dolma mixer's: a stream names its documents and the attribute sets that it loads, in order (of two
sets with the same key the later wins); include and exclude conditions; span replacement; a minimum length after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from explorer.recipe.expression import Expression, Syntax

RuleKind: TypeAlias = Literal["exclude", "include", "length"]


@dataclass(frozen=True)
class Rule:
    """What removes a document: an exclude condition that holds; no include condition that holds (all of them are one
    rule); or a text that is too short after span replacement (`min_bytes` of the trimmed text, the mixer's
    min_text_length)."""

    name: str
    kind: RuleKind
    expressions: tuple[Expression, ...] = ()  # one of an exclude rule, one or more of an include rule
    min_bytes: int = 0  # of a length rule


@dataclass(frozen=True)
class SpanRule:
    """Spans of an attribute that are replaced where min_score <= score < max_score; {} stands for the span's text."""

    name: str
    span: Expression  # its tree is a Path to the attribute
    min_score: float | None
    max_score: float | None
    replacement: str = ""


@dataclass(frozen=True)
class Stream:
    """Documents that are treated alike.

    They are those of `sources` (globs of names; empty: of all) whose shard matches one of `documents` (globs of paths,
    as a mixer config has them; empty: any). `attributes` are the sets that are loaded, in order; None is all sets of
    the workspace in order of their names. `rules` are in the mixer's order: include, exclude, length.
    """

    name: str
    documents: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    attributes: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = ()
    span_rules: tuple[SpanRule, ...] = ()
    output: Mapping[str, Any] = field(default_factory=dict)  # of a mixer config, as it stood (no min_text_length)
    compression: Mapping[str, Any] = field(default_factory=dict)  # of a mixer config


@dataclass(frozen=True)
class Recipe:
    name: str
    streams: tuple[Stream, ...]
    title: str = ""
    doc: str = ""
    origin: str = ""  # where a built-in recipe's numbers come from
    needs: tuple[str, ...] = ()  # taggers that make the attributes (built-in recipes)
    extra: Mapping[str, Any] = field(default_factory=dict)  # of a mixer config: work_dir, processes, ...


__all__ = ["Recipe", "Rule", "RuleKind", "SpanRule", "Stream", "Syntax"]
