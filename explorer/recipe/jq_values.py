"""What a jq expression is made of before it is a tree: the spans that `.` stands for inside map(...), and lists of
something of each span, until add, max, min, any or all makes one value of them. And what of a tree may fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from explorer.recipe.expression import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Exists,
    Fold,
    If,
    Item,
    Node,
    Not,
    Or,
    Otherwise,
    Path,
    Try,
    TypeOf,
    walk,
)
from explorer.recipe.syntax import MIRRORED, Cursor, children


@dataclass(frozen=True)
class Span:
    """What `.` stands for inside map(...) over an attribute's spans."""


@dataclass(frozen=True)
class Each:
    """Something of each span of an attribute: `map(ITEM)`, `[.K[] | ITEM]`, and `.K[]` on the way there."""

    base: Node | OrNoList
    item: Node | Span


@dataclass(frozen=True)
class NoList:
    """The literal []."""


@dataclass(frozen=True)
class OrNoList:
    """`base // []`, until it is known what is asked of it."""

    base: Node


Value: TypeAlias = Node | Span | Each | NoList | OrNoList
_Kind: TypeAlias = Literal["sum", "max", "min"]


def node_of(cursor: Cursor, value: Value, place: int) -> Node:
    """A value that the tree has a node for. Raises `RefusedError` for the others."""
    if isinstance(value, Span):
        cursor.refuse("a span is a list; name one of its numbers: .[0] start, .[1] end, .[2] score", place)
    if isinstance(value, Each):
        cursor.refuse("several values at once are read only under add, max, min, any and all", place)
    if isinstance(value, NoList | OrNoList):
        cursor.refuse("[] is read only as `// []` where a length or numbers of spans are asked for", place)
    return value


def folded(cursor: Cursor, name: str, value: Value, place: int) -> Node:
    """`add`, `max` or `min` of a value."""
    if not isinstance(value, Each):
        cursor.refuse(f"{name} of a list that is not made by map(...) cannot be told: the index keeps spans, not "
                      f"lists of numbers; write map(.[2]) | {name}", place)  # fmt: skip
    item = node_of(cursor, value.item, place)
    if not is_number(item):
        cursor.refuse(f"{name} is read of numbers, as in map(.[2]) | {name}", place)
    return _fold("sum" if name == "add" else name, value.base, item)


def _fold(kind: str, base: Node | OrNoList, item: Node) -> Node:
    own = cast("_Kind", kind)
    if isinstance(base, OrNoList):
        return If(base.base, Fold(own, base.base, item), Constant(None))
    return Fold(own, base, item)


def quantified(cursor: Cursor, name: str, value: Value, place: int) -> Node:
    """Whether any or all spans compare so, as a comparison of the largest or smallest number."""
    item = value.item if isinstance(value, Each) else None
    if not isinstance(value, Each) or not isinstance(item, Compare) or item.operator not in MIRRORED:
        cursor.refuse(f"{name} is read of one comparison by < or > of each span's numbers, as in {name}(.[2] > 0.5)",
                      place)  # fmt: skip
    left, right, sign = item.left, item.right, str(item.operator)
    if not any(isinstance(n, Item) for n in walk(left)):
        left, right, sign = right, left, MIRRORED[sign]
    if any(isinstance(n, Item) for n in walk(right)) or not (is_number(left) and is_number(right)):
        cursor.refuse("a span's number must be compared with a fixed number here", place)
    is_upper = (">" in sign) == (name == "any")
    fold = _fold("max" if is_upper else "min", value.base, left)
    found = Compare(sign, fold, right)  # type: ignore[arg-type]
    none = Constant(None)  # what no spans give; it would sort below every number
    if name == "all":
        return Or(Compare("==", fold, none), found)
    return found if is_upper else And(Compare("!=", fold, none), found)


def bare(value: Value) -> Node | None:
    """What is looked at, beneath what is computed of it."""
    while isinstance(value, Each | OrNoList):
        value = value.base
    return value if isinstance(value, Node) else None


def may_fail(node: Node) -> bool:
    if isinstance(node, Path):
        return len(node.keys) > 2  # the document, attributes and metadata are objects
    if isinstance(node, Constant | Item | Try | Exists):
        return False
    if isinstance(node, Compare | And | Or | Not | TypeOf | If | Otherwise):
        return any(may_fail(child) for child in children(node))
    return not isinstance(node, Arithmetic) or any(not isinstance(n, Item | Constant | Arithmetic) for n in walk(node))


def may_be_nothing(node: Node) -> bool:
    return any(isinstance(n, Try) for n in walk(node))


def is_sure(node: Node) -> bool:
    return not may_fail(node) and not may_be_nothing(node)


def looks_at(tree: Node, looked_at: Node) -> bool:
    """Whether a value is looked at whenever the tree is, so that its failure is the tree's failure."""
    if tree is looked_at:
        return True
    if isinstance(tree, Path):
        return isinstance(looked_at, Path) and tree.keys[: len(looked_at.keys)] == looked_at.keys
    if isinstance(tree, And | Or):
        return looks_at(tree.left, looked_at)
    if isinstance(tree, If):
        both = looks_at(tree.then, looked_at) and looks_at(tree.otherwise, looked_at)
        return both or looks_at(tree.condition, looked_at)
    if isinstance(tree, Otherwise | Try | Exists):
        return False
    return any(looks_at(child, looked_at) for child in children(tree))


def is_number(node: Node) -> bool:
    """Whether something of a span is a number."""
    return all(isinstance(n, Item | Arithmetic) or (isinstance(n, Constant) and _is_real(n.value)) for n in walk(node))


def _is_real(value: Any) -> bool:
    return isinstance(value, float) and not isinstance(value, bool)
