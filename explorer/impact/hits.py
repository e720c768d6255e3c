"""The relation `hits`: a row per document of each stream, with the rules that would remove it as bits of a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from explorer.impact.bind import BoundRecipe, BoundRule, BoundStream
from explorer.relations import quote_literal

COUNTS = ("n_chars", "n_bytes", "n_words", "n_tokens")
WORD = 64  # rules to an integer of the mask; a mask of more words is a bit string


def hits_relation(
    bound: BoundRecipe, streams: Sequence[BoundStream], more: Sequence[str] = (), *, has_effects: bool = False
) -> str:
    """SQL of the hits over the relation `inputs`, for some of the recipe's streams.

    Columns: recipe, stream, doc, source, `more` columns of the documents, n_chars, n_bytes, n_words, n_tokens, the same
    after span replacement (n_chars_after, ...), mask (UBIGINT, or BIT with more than 64 rules; bit 0 is rule 0), is_kept,
    failing_rule (the rule at which the mixer would stop, or null). With `has_effects`, the relation `effects` says what
    span rules leave of a document.
    """
    return "\nunion all\n".join(_stream_hits(bound, stream, more, has_effects) for stream in streams)


def stream_inputs(stream: BoundStream, *, has_effects: bool) -> str:
    """SQL of the inputs of one stream's documents, with their counts after span replacement (n_chars_after, ...)."""
    after = ", ".join(
        f"coalesce(e.{name}_after, i.{name}) as {name}_after" if has_effects else f"i.{name} as {name}_after"
        for name in (*COUNTS, "n_bytes_trimmed")
    )
    effects = f" left join effects as e on e.doc = i.doc and e.stream = {stream.number}" if has_effects else ""
    return f"select i.*, {after} from inputs as i{effects} where i.in_{stream.number} and {stream.condition}"


def _stream_hits(bound: BoundRecipe, stream: BoundStream, more: Sequence[str], has_effects: bool) -> str:
    n_rules = len(bound.rules)
    columns = ", ".join(("doc", "source", *more, *COUNTS, *(f"{name}_after" for name in COUNTS)))
    masked = (
        f"select {columns}, {mask_sql(stream.rules, n_rules)} as mask, {failing_sql(stream.rules)} as failing_rule "
        f"from ({stream_inputs(stream, has_effects=has_effects)})"
    )
    return (
        f"select {quote_literal(bound.recipe.name)} as recipe, {stream.number}::integer as stream, *, "
        f"mask = {no_rule(n_rules)} as is_kept from ({masked})"
    )


def no_rule(n_rules: int) -> str:
    """SQL of the mask of a document that no rule hits."""
    return "0" if n_rules <= WORD else f"'{'0' * (-(-n_rules // WORD) * WORD)}'::bit"


def mask_sql(rules: Sequence[BoundRule], n_rules: int) -> str:
    """The mask of a stream's rules; rules of other streams never fire in it."""
    words = [
        " | ".join(
            f"({rule.holds}::ubigint << {rule.number % WORD})"
            for rule in rules
            if rule.number // WORD == word and rule.holds != "false"
        )
        for word in range(max(1, -(-n_rules // WORD)))
    ]
    filled = [f"({word or '0'})::ubigint" for word in words]
    return filled[0] if len(filled) == 1 else " || ".join(f"({word})::bit" for word in reversed(filled))


def failing_sql(rules: Sequence[BoundRule]) -> str:
    """The rule at which the mixer stops: it evaluates them in order until one has removed the document."""
    if all(rule.fails == "false" for rule in rules):
        return "null::integer"
    cases = []
    for rule in rules:
        if rule.fails != "false":
            cases.append(f"when {rule.fails} then {rule.number}")
        if rule.holds != "false":
            cases.append(f"when {rule.holds} then null")
    return f"(case {' '.join(cases)} end)::integer"


def empty_relations() -> Mapping[str, str]:
    """SQL of the relations without a row: what a catalogue without recipes is made from."""
    hits = {
        "recipe": "varchar", "stream": "integer", "doc": "integer", "source": "varchar", "language": "varchar",
        "domain": "varchar", **dict.fromkeys(COUNTS, "bigint"), **{f"{name}_after": "bigint" for name in COUNTS},
        "mask": "ubigint", "failing_rule": "integer", "is_kept": "boolean",
    }  # fmt: skip
    cuts = {
        "recipe": "varchar", "source": "varchar", "span_rule": "integer", "n_sharing": "integer", "is_kept": "boolean",
        "n_docs": "bigint", "n_spans": "bigint", "n_chars": "bigint", "n_chars_after": "bigint",
        "n_covered_chars": "bigint",
    }  # fmt: skip
    return {
        name: f"select {', '.join(f'null::{kind} as {column}' for column, kind in columns.items())} where false"
        for name, columns in (("hits", hits), ("cuts", cuts))
    }
