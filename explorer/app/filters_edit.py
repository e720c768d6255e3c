"""What a reader may change about a recipe on the Filters page: which rules are on, and where their numbers stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from explorer.recipe.expression import Threshold, thresholds
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.names import automatic, named
from explorer.recipe.parse import moved

DialKind: TypeAlias = Literal["threshold", "length", "min_score", "max_score"]


@dataclass(frozen=True)
class Dial:
    """A number of a rule that can be moved."""

    key: str  # within its rule: empty for the first, then "2", "3", ...
    kind: DialKind
    value: float  # as the recipe has it
    threshold: Threshold | None = None
    expression: int = 0  # of the rule's expressions, the one it stands in
    number: int = 0  # among the thresholds of that expression


@dataclass(frozen=True)
class Entry:
    """A rule as the page lists it: once, whatever the number of streams that have it."""

    key: str  # unlike any other of the recipe; its name, and a number where a name occurs twice
    rule: Rule | SpanRule
    dials: tuple[Dial, ...]

    @property
    def is_span(self) -> bool:
        return isinstance(self.rule, SpanRule)


def entries(recipe: Recipe) -> tuple[Entry, ...]:
    """Document rules in the recipe's order, then span rules. A document rule's place is its number in an impact."""
    rules: list[Rule | SpanRule] = [rule for stream in recipe.streams for rule in stream.rules]
    spans: list[Rule | SpanRule] = [rule for stream in recipe.streams for rule in stream.span_rules]
    seen: Counter[str] = Counter()
    found = []
    for rule in dict.fromkeys([*rules, *spans]):
        seen[rule.name] += 1
        key = rule.name if seen[rule.name] == 1 else f"{rule.name} ({seen[rule.name]})"
        found.append(Entry(key, rule, _span_dials(rule) if isinstance(rule, SpanRule) else _dials(rule)))
    return tuple(found)


def _dials(rule: Rule) -> tuple[Dial, ...]:
    if rule.kind == "length":
        return (Dial("", "length", float(rule.min_bytes)),)
    found = [
        (one, e, n) for e, expression in enumerate(rule.expressions) for n, one in enumerate(thresholds(expression))
    ]
    return tuple(Dial(_key(k), "threshold", one.value, one, e, n) for k, (one, e, n) in enumerate(found))


def _span_dials(rule: SpanRule) -> tuple[Dial, ...]:
    bounds: list[tuple[DialKind, float | None]] = [("min_score", rule.min_score), ("max_score", rule.max_score)]
    given = [(kind, value) for kind, value in bounds if value is not None]
    return tuple(Dial(_key(n), kind, value) for n, (kind, value) in enumerate(given))


def _key(number: int) -> str:
    return str(number + 1) if number else ""


def edited(recipe: Recipe, off: Collection[str], values: Mapping[tuple[str, str], float]) -> Recipe:
    """The recipe without the entries that are off and with numbers moved, by the keys of entry and dial."""
    changed: dict[Rule | SpanRule, Rule | SpanRule | None] = {}
    bare = _automatic_names(recipe)
    for entry in entries(recipe):
        rule = as_moved(entry, values)
        if entry.key in off:
            changed[entry.rule] = None
        elif rule != entry.rule:
            changed[entry.rule] = replace(rule, name="") if rule.name in bare else rule
    if not changed:
        return recipe
    streams = tuple(_with(stream, changed) for stream in recipe.streams)
    return replace(recipe, streams=named(streams))


def _automatic_names(recipe: Recipe) -> frozenset[str]:
    """Names that say what the rules test, because nobody gave them one: they follow a number that is moved."""
    pairs = zip(_names(recipe), _names(automatic(recipe)), strict=True)
    return frozenset(own for own, made in pairs if own == made)


def _names(recipe: Recipe) -> list[str]:
    rules = [rule.name for stream in recipe.streams for rule in stream.rules]
    return rules + [rule.name for stream in recipe.streams for rule in stream.span_rules]


def as_moved(entry: Entry, values: Mapping[tuple[str, str], float]) -> Rule | SpanRule:
    """An entry's rule with its numbers moved."""
    moves = {dial: values[entry.key, dial.key] for dial in entry.dials if (entry.key, dial.key) in values}
    moves = {dial: value for dial, value in moves.items() if value != dial.value}
    return _moved(entry.rule, moves) if moves else entry.rule


def _with(stream: Stream, changed: Mapping[Rule | SpanRule, Rule | SpanRule | None]) -> Stream:
    rules = [changed.get(rule, rule) for rule in stream.rules]
    spans = [changed.get(rule, rule) for rule in stream.span_rules]
    return replace(
        stream,
        rules=tuple(rule for rule in rules if isinstance(rule, Rule)),
        span_rules=tuple(rule for rule in spans if isinstance(rule, SpanRule)),
    )


def _moved(rule: Rule | SpanRule, moves: Mapping[Dial, float]) -> Rule | SpanRule:
    if isinstance(rule, SpanRule):
        bounds = {dial.kind: value for dial, value in moves.items()}
        low, high = bounds.get("min_score", rule.min_score), bounds.get("max_score", rule.max_score)
        return replace(rule, min_score=low, max_score=high)
    if rule.kind == "length":
        return replace(rule, min_bytes=max(0, int(next(iter(moves.values())))))
    expressions = list(rule.expressions)
    # from the last to the first: a number of another length shifts what stands behind it
    for dial, value in sorted(moves.items(), key=lambda move: _place(move[0]), reverse=True):
        expressions[dial.expression] = moved(expressions[dial.expression], _place(dial), value)
    return replace(rule, expressions=tuple(expressions))


def _place(dial: Dial) -> tuple[int, int]:
    assert dial.threshold is not None
    return dial.threshold.place


def in_order(n_rules: int, wanted: str) -> list[int]:
    """Positions in an order that an address gives ("3,1": the third, then the first); the others follow."""
    given = [int(piece) - 1 for piece in wanted.split(",") if piece.isascii() and piece.isdigit() and len(piece) < 6]
    first = [position for position in dict.fromkeys(given) if 0 <= position < n_rules]
    return [*first, *(position for position in range(n_rules) if position not in first)]


def order_text(order: Sequence[int]) -> str:
    """An order as an address gives it: as short as it can be, empty for the recipe's own."""
    given = list(order)
    while given and in_order(len(order), _joined(given[:-1])) == list(order):
        given.pop()
    return _joined(given)


def _joined(order: Sequence[int]) -> str:
    return ",".join(str(position + 1) for position in order)
