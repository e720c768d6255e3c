"""Names of rules that have none: what they test, in few words, and no two different rules under one name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from explorer.recipe.expression import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Exists,
    Expression,
    If,
    Length,
    Node,
    Not,
    Or,
    Path,
    TypeOf,
    walk,
)
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.parse import number_text
from explorer.recipe.printing import flat, to_plain
from explorer.recipe.showing import first_score_of
from explorer.recipe.syntax import chain

_LENGTH = 80


def named(streams: Sequence[Stream]) -> tuple[Stream, ...]:
    """The streams with a name for every rule that has none. Equal rules of several streams share theirs."""
    rules = _Names([rule.name for stream in streams for rule in stream.rules if rule.name])
    spans = _Names([rule.name for stream in streams for rule in stream.span_rules if rule.name])
    for stream in streams:
        for rule in stream.rules:
            rules.add(_of_rule(rule), [_rule_name(rule, key) for key in _KEYS]) if not rule.name else None
        for span in stream.span_rules:
            spans.add(_of_spans(span), _span_names(span)) if not span.name else None
    own = rules.chosen()
    own_spans = spans.chosen()
    return tuple(
        replace(
            stream,
            rules=tuple(r if r.name else replace(r, name=own[_of_rule(r)]) for r in stream.rules),
            span_rules=tuple(r if r.name else replace(r, name=own_spans[_of_spans(r)]) for r in stream.span_rules),
        )
        for stream in streams
    )


def automatic(recipe: Recipe) -> Recipe:
    """The recipe with the names that its rules would have if none had been given."""
    bare = [
        replace(
            stream,
            rules=tuple(replace(rule, name="") for rule in stream.rules),
            span_rules=tuple(replace(rule, name="") for rule in stream.span_rules),
        )
        for stream in recipe.streams
    ]
    return replace(recipe, streams=named(bare))


def short_key(key: str) -> str:
    """An attribute's key without experiment and tagger: word_count, toxic, bff_duplicate_docs."""
    parts = key.lstrip("*").split("__", 2)
    last = parts[2] if len(parts) == 3 else parts[-1] if key.startswith("*") else key
    return last.removeprefix("__label__") or key


def _tagger_key(key: str) -> str:
    parts = key.lstrip("*").split("__", 2)
    return f"{parts[1]} {short_key(key)}" if len(parts) == 3 else key


_KEYS: tuple[Callable[[str], str], ...] = (short_key, _tagger_key, str)


class _Names:
    """Names for things, each the shortest of its candidates that nothing else has."""

    def __init__(self, taken: Sequence[str]) -> None:
        self.taken = set(taken)
        self.candidates: dict[Hashable, list[str]] = {}

    def add(self, thing: Hashable, candidates: list[str]) -> None:
        self.candidates.setdefault(thing, [_cut(name) for name in candidates])

    def chosen(self) -> dict[Hashable, str]:
        level = dict.fromkeys(self.candidates, 0)
        while True:
            by_name: dict[str, list[Hashable]] = {}
            for thing, n in level.items():
                by_name.setdefault(self.candidates[thing][n], []).append(thing)
            clashing = [
                thing
                for name, things in by_name.items()
                if len(things) > 1 or name in self.taken
                for thing in things
                if level[thing] + 1 < len(self.candidates[thing])
            ]
            if not clashing:
                break
            for thing in clashing:
                level[thing] += 1
        found: dict[Hashable, str] = {}
        taken = set(self.taken)
        for thing, n in level.items():
            name = first = self.candidates[thing][n]
            number = 2
            while name in taken:
                name = f"{first} ({number})"
                number += 1
            taken.add(name)
            found[thing] = name
        return found


def _cut(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LENGTH else f"{name[: _LENGTH - 1]}…"


def _of_rule(rule: Rule) -> Hashable:
    return (rule.kind, rule.min_bytes, tuple((e.syntax, e.text) for e in rule.expressions))


def _of_spans(rule: SpanRule) -> Hashable:
    return (rule.span.syntax, rule.span.text, rule.min_score, rule.max_score, rule.replacement)


def _rule_name(rule: Rule, key: Callable[[str], str]) -> str:
    if rule.kind == "length":
        return f"shorter than {rule.min_bytes} byte{'' if rule.min_bytes == 1 else 's'}"
    if rule.kind == "exclude":
        return _gist_text(rule.expressions[0], key)
    if len(rule.expressions) == 1:
        return f"not included: {_gist_text(rule.expressions[0], key)}"
    return f"not included: none of {len(rule.expressions)} conditions"


def _span_names(rule: SpanRule) -> list[str]:
    found = [to_plain(rule.span.tree, key) for key in _KEYS]
    low = "" if rule.min_score is None else f" from {number_text(rule.min_score)}"
    high = "" if rule.max_score is None else f" below {number_text(rule.max_score)}"
    return [*found, f"{found[-1]}{low}{high}"]


def _gist_text(expression: Expression, key: Callable[[str], str]) -> str:
    tree = _gist(expression.tree)
    if isinstance(tree, Exists):
        return f"has {to_plain(tree.base, key)}"
    return to_plain(tree, key)


def _gist(node: Node) -> Node:
    """The tree without its guards, an attribute's first score as its key: for names, where exactness is not asked."""
    if isinstance(node, If) and node.otherwise == Constant(False):
        return _gist(And(node.condition, node.then))
    if isinstance(node, If):
        then, otherwise = _gist(node.then), _gist(node.otherwise)
        return then if otherwise in (then, Constant(None)) else node
    if isinstance(node, And):
        parts = [part for part in flat(node, And) if part != Exists(Path(("attributes",)))]
        kept = [part for part in parts if not _guards(part, [other for other in parts if other is not part])]
        return chain(And, [_gist(part) for part in kept or parts])
    if isinstance(node, Or):
        return chain(Or, [_gist(part) for part in flat(node, Or)])
    if isinstance(node, Not):
        return Not(_gist(node.base))
    if isinstance(node, Compare):
        return Compare(node.operator, _gist(node.left), _gist(node.right))
    if isinstance(node, Arithmetic):
        return Arithmetic(node.operator, _gist(node.left), _gist(node.right))
    return first_score_of(node) or node


def _guards(part: Node, others: Sequence[Node]) -> bool:
    """Whether a part only tests that what another part looks at is there."""
    subject: Node | None = None
    if isinstance(part, Exists):
        subject = part.base
    elif isinstance(part, Compare) and isinstance(part.right, Constant):
        left = part.left
        is_length = isinstance(left, Length) and (part.operator, part.right.value) in (
            (">", 0.0),
            (">=", 1.0),
            ("!=", 0.0),
        )
        is_there = part.operator == "!=" and part.right.value is None
        if isinstance(left, TypeOf | Length) and (isinstance(left, TypeOf) or is_length):
            subject = left.base
        elif is_there:
            subject = left
    if subject is None or not others:
        return False
    if isinstance(subject, Path) and len(subject.keys) < 2:
        return isinstance(part, Compare)  # .attributes | type == "object"
    return any(n == subject for other in others for n in walk(other) if other != part)
