"""The relation `hits`: a row per document of each stream, with the rules that would remove it as bits of a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from explorer.impact.bind import BoundRecipe, BoundRule, BoundStream
from explorer.impact.inputs import in_shards
from explorer.impact.source import SourcePart
from explorer.impact.sql_logic import FALSE, all_of
from explorer.relations import quote_literal

COUNTS = ("n_chars", "n_bytes", "n_words", "n_tokens")
BROKEN_DOWN = ("language", "domain")  # columns of the documents that removals are also given by
MORE = ("n_chars", "n_bytes_trimmed", *BROKEN_DOWN)  # columns of the inputs that not every question needs
WORD = 64  # rules to an integer of the mask; a mask of more words is a bit string

# Conditions whose answers are in the inputs: which integer has them, and which of its bits.
Places: TypeAlias = Mapping[str, tuple[str, int]]
NOTHING: Places = {}


def hits_relation(
    bound: BoundRecipe,
    streams: Sequence[BoundStream],
    more: Sequence[str] = MORE,
    *,
    has_effects: bool = False,
    places: Places = NOTHING,
) -> str:
    """SQL of the hits over the relation `inputs`, for some of the recipe's streams.

    Columns: recipe, stream, doc, source, language, domain, n_chars, n_bytes, n_words, n_tokens, these four after span
    replacement (n_chars_after, ...), mask (UBIGINT, or BIT with more than 64 rules; bit 0 is rule 0), is_kept,
    failing_rule (the rule at which the mixer would stop, or null); of those in `MORE` only what `more` names, and
    n_bytes_trimmed must be among them for a minimum length. With `has_effects`, the relation `effects` says what span
    rules leave of a document. `places` says which conditions need not be asked.
    """
    return "\nunion all\n".join(_stream_hits(bound, stream, more, has_effects, places) for stream in streams)


def stream_condition(part: SourcePart, stream: BoundStream) -> str:
    """SQL over the documents of a part: which of them are in a stream."""
    return all_of(in_shards(stream.shards(part), part), stream.condition)


def stream_inputs(stream: BoundStream, more: Sequence[str] = MORE, *, has_effects: bool) -> str:
    """SQL of the inputs of one stream's documents, with their counts after span replacement (n_chars_after, ...)."""
    after = ", ".join(
        f"coalesce(e.{name}_after, i.{name}) as {name}_after" if has_effects else f"i.{name} as {name}_after"
        for name in (*COUNTS, "n_bytes_trimmed")
        if name in more or name not in MORE
    )
    effects = f" left join effects as e on e.doc = i.doc and e.stream = {stream.number}" if has_effects else ""
    return f"select i.*, {after} from inputs as i{effects} where i.in_{stream.number}"


def _stream_hits(
    bound: BoundRecipe, stream: BoundStream, more: Sequence[str], has_effects: bool, places: Places
) -> str:
    n_rules = len(bound.rules)
    counts = [name for name in COUNTS if name in more or name not in MORE]
    names = [name for name in BROKEN_DOWN if name in more]
    columns = ", ".join(("doc", "source", *names, *counts, *(f"{name}_after" for name in counts)))
    masked = (
        f"select {columns}, {mask_sql(stream.rules, n_rules, places)} as mask, "
        f"{failing_sql(stream.rules, places)} as failing_rule "
        f"from ({stream_inputs(stream, more, has_effects=has_effects)})"
    )
    return (
        f"select {quote_literal(bound.recipe.name)} as recipe, {stream.number}::integer as stream, *, "
        f"mask = {no_rule(n_rules)} as is_kept from ({masked})"
    )


def n_words_of(n_rules: int) -> int:
    """Integers of a mask."""
    return max(1, -(-n_rules // WORD))


def no_rule(n_rules: int) -> str:
    """SQL of the mask of a document that no rule hits."""
    return "0" if n_rules <= WORD else f"'{'0' * (n_words_of(n_rules) * WORD)}'::bit"


def mask_sql(rules: Sequence[BoundRule], n_rules: int, places: Places = NOTHING) -> str:
    """The mask of a stream's rules; rules of other streams never fire in it."""
    held = {rule.number: rule.holds for rule in rules}
    conditions = [held.get(number, FALSE) for number in range(n_rules)]
    words = [word_sql(conditions, word, places) for word in range(n_words_of(n_rules))]
    return words[0] if len(words) == 1 else " || ".join(f"({word})::bit" for word in reversed(words))


def word_sql(conditions: Sequence[str], word: int, places: Places = NOTHING) -> str:
    """Sixty-four conditions as bits of a UBIGINT, which is null nowhere: bit i of word w is condition 64 w + i.

    Answers that are there already are taken as they lie, all that move by the same distance at once.
    """
    taken: dict[tuple[str, int], int] = {}
    asked = []
    for bit, condition in enumerate(conditions[word * WORD : (word + 1) * WORD]):
        if condition in places:
            column, place = places[condition]
            taken[column, place - bit] = taken.get((column, place - bit), 0) | 1 << place
        elif condition != FALSE:
            asked.append(f"case when {condition} then {1 << bit}::ubigint else 0::ubigint end")
    moved = [
        f"(({column} & {bits}::ubigint) {'>>' if distance >= 0 else '<<'} {abs(distance)})"
        for (column, distance), bits in taken.items()
    ]
    return f"({' | '.join((*moved, *asked)) or '0::ubigint'})"


def test_sql(condition: str, places: Places) -> str:
    """SQL of one condition, or of where its answer is."""
    if condition not in places:
        return condition
    column, place = places[condition]
    return f"({column} & {1 << place}::ubigint <> 0)"


def failing_sql(rules: Sequence[BoundRule], places: Places = NOTHING) -> str:
    """The rule at which the mixer stops: it evaluates them in order until one has removed the document."""
    if all(rule.fails == FALSE for rule in rules):
        return "null::integer"
    cases = []
    for rule in rules:
        if rule.fails != FALSE:
            cases.append(f"when {test_sql(rule.fails, places)} then {rule.number}")
        if rule.holds != FALSE:
            cases.append(f"when {test_sql(rule.holds, places)} then null")
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
