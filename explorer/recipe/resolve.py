"""Starred keys: `*gopher_v?__word_count` stands for the one key of a workspace that ends so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from explorer.recipe.model import Recipe
from explorer.recipe.plain import resolved, starred_keys


def starred(recipe: Recipe) -> tuple[str, ...]:
    """The starred keys of a recipe, each once, in order."""
    trees = [e.tree for s in recipe.streams for rule in s.rules for e in rule.expressions]
    trees += [rule.span.tree for s in recipe.streams for rule in s.span_rules]
    return tuple(dict.fromkeys(key for tree in trees for key in starred_keys(tree)))


def resolve(recipe: Recipe, keys: Mapping[str, str]) -> Recipe:
    """The recipe with starred keys (star included) replaced by the given ones, in the texts and in the trees."""
    return replace(
        recipe,
        streams=tuple(
            replace(
                stream,
                rules=tuple(
                    replace(rule, expressions=tuple(resolved(e, keys) for e in rule.expressions))
                    for rule in stream.rules
                ),
                span_rules=tuple(replace(rule, span=resolved(rule.span, keys)) for rule in stream.span_rules),
            )
            for stream in recipe.streams
        ),
    )
