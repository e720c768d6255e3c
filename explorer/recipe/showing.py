"""How a condition is shown to people: in our own syntax where that says exactly the same, and in short for names."""

from __future__ import annotations

from collections.abc import Callable

from explorer.recipe.expression import (
    And,
    Compare,
    Constant,
    Exists,
    Expression,
    If,
    Index,
    Length,
    Node,
    Not,
    Or,
    Path,
    TypeOf,
)
from explorer.recipe.printing import flat, to_plain
from explorer.recipe.syntax import chain

IsSpans = Callable[[tuple[str, ...]], bool]  # of an attribute's keys: whether its values are spans
_FALSE = Constant(False)


def shown(expression: Expression, is_spans: IsSpans | None = None) -> str:
    """The condition in our own syntax, guards left out, where that means the same for every document; else as it was
    written, on one line.

    In our own syntax a key alone is an attribute's first score or its single value, while the mixer's expressions tell
    the two apart. Where it is known which of both an attribute has (`is_spans`), keys are shown alone.
    """
    tree = plain_form(expression, is_spans)
    return " ".join(expression.text.split()) if tree is None else to_plain(tree)


def plain_form(expression: Expression, is_spans: IsSpans | None = None) -> Node | None:
    """The tree in our own syntax that means the same, or None."""
    if expression.syntax == "plain":
        return expression.tree
    try:
        tree = _from_jsonpath(expression.tree) if expression.syntax == "jsonpath" else _from_jq(expression.tree)
        return _with_bare_keys(tree, is_spans)
    except _DiffersError:
        return None


class _DiffersError(Exception):
    """Our own syntax would mean something else."""


def _from_jsonpath(node: Node) -> Node:
    if isinstance(node, And):
        parts = [_from_jsonpath(part) for part in flat(node, And)]
        needed = [_needed(part) for part in parts]
        kept = [
            part
            for n, part in enumerate(parts)
            if not (isinstance(part, Exists) and any(part.base in own for m, own in enumerate(needed) if m != n))
        ]
        return chain(And, kept)
    if isinstance(node, Or):
        return chain(Or, [_from_jsonpath(part) for part in flat(node, Or)])
    if isinstance(node, Not):
        return Not(_from_jsonpath(node.base))
    if isinstance(node, Compare):
        if not isinstance(node.left, Constant) and not isinstance(node.right, Constant):
            raise _DiffersError  # where both are missing they are equal
        if node.operator == "!=":
            return Not(Compare("==", node.left, node.right))  # what is missing is unequal too
        return node
    return node


def _needed(node: Node) -> list[Node]:
    """The values without which a condition of ours does not hold."""
    if not isinstance(node, Compare):
        return []
    found: list[Node] = []
    for side in (node.left, node.right):
        inner = side
        while isinstance(inner, Index):
            found.append(inner)
            inner = inner.base
        found.append(inner)
    return found


def _from_jq(node: Node) -> Node:
    """The guarded form `if type == "array" and length > 0 ... then .[0][2] < T else false end`, which cannot fail."""
    parts = _jq_parts(node)
    kept = [part for part in parts if not _jq_guard(part)]
    guards = [part for part in parts if _jq_guard(part)]
    for part in kept:
        subject = part.left if isinstance(part, Compare) else None
        if not isinstance(part, Compare) or not isinstance(part.right, Constant) or part.operator == "!=":
            raise _DiffersError
        if not isinstance(subject, Index) or not isinstance(subject.base, Index) or part.right.value is None:
            raise _DiffersError
        of, element = subject.base.base, subject.base
        is_list = Compare("==", TypeOf(of), Constant("array")) in guards
        is_long = any(_is_some_length(g, of) for g in guards) and element.position in (0, -1)
        is_there = Compare("!=", element, Constant(None)) in guards
        if not (is_list and (is_long or is_there)) or isinstance(part.right.value, bool | str):
            raise _DiffersError
    if not kept or parts[0] in kept:
        raise _DiffersError
    return chain(And, kept)


def _jq_parts(node: Node) -> list[Node]:
    if isinstance(node, And):
        return [*_jq_parts(node.left), *_jq_parts(node.right)]
    if isinstance(node, If) and node.otherwise == _FALSE:
        return [*_jq_parts(node.condition), *_jq_parts(node.then)]
    return [node]


def _jq_guard(node: Node) -> bool:
    if not isinstance(node, Compare):
        return False
    is_type = isinstance(node.left, TypeOf) and node.operator == "=="
    is_there = node.operator == "!=" and node.right == Constant(None)
    return is_type or is_there or (isinstance(node.left, Length) and _is_some_length(node, node.left.base))


def _is_some_length(node: Node, of: Node) -> bool:
    if not isinstance(node, Compare) or node.left != Length(of) or not isinstance(node.right, Constant):
        return False
    return (node.operator, node.right.value) in ((">", 0.0), (">=", 1.0), ("!=", 0.0))


def _with_bare_keys(node: Node, is_spans: IsSpans | None) -> Node:
    if isinstance(node, And | Or):
        kind = And if isinstance(node, And) else Or
        return chain(kind, [_with_bare_keys(part, is_spans) for part in flat(node, kind)])
    if isinstance(node, Not):
        return Not(_with_bare_keys(node.base, is_spans))
    if not isinstance(node, Compare):
        return node
    is_number = any(isinstance(s, Constant) and isinstance(s.value, float) for s in (node.left, node.right))
    return Compare(node.operator, _bare(node.left, is_spans, is_number), _bare(node.right, is_spans, is_number))


def _bare(node: Node, is_spans: IsSpans | None, is_number: bool) -> Node:
    if isinstance(node, Path) and node.keys[0] == "attributes" and is_number:
        if is_spans is None or is_spans(node.keys[1:]):
            raise _DiffersError  # a list is no number to the mixer; to us it is its first score
        return node
    base = first_score_of(node)
    return node if base is None or is_spans is None or not is_spans(base.keys[1:]) else base


def first_score_of(node: Node) -> Path | None:
    """The attribute whose first score this is."""
    if isinstance(node, Index) and node.position in (2, -1) and isinstance(node.base, Index) and not node.base.position:
        base = node.base.base
        return base if isinstance(base, Path) and base.keys[0] == "attributes" else None
    return None
