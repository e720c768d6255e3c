"""A rule's condition as a small tree: what all three syntaxes (jsonpath, jq, our own) are parsed into.

The tree says what is looked at; the syntax that it was written in says what happens where something is missing (see
`explorer.impact.compile`): jsonpath finds nothing and does not match, jq compares null or fails, our own does not
match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeAlias

Syntax: TypeAlias = Literal["jsonpath", "jq", "plain"]
SYNTAXES: tuple[Syntax, ...] = ("jsonpath", "jq", "plain")


@dataclass(frozen=True)
class Path:
    """A value of the document, by its keys: ("attributes", "pii", "email"), ("metadata", "length"), ("source",)."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """An element of a list, from 0; a negative position counts from the end. Of a span: start, end, score."""

    base: Node
    position: int


@dataclass(frozen=True)
class Length:
    """How many elements a list has, or characters (code points) a text; 0 of null."""

    base: Node


@dataclass(frozen=True)
class Fold:
    """One number out of the spans of an attribute: the sum, maximum or minimum of `item`, in which `Item` stands for
    a span's numbers. The sum of no spans is null in jq and 0 in our own syntax; maximum and minimum of none are null.
    """

    kind: Literal["sum", "max", "min"]
    base: Node
    item: Node


@dataclass(frozen=True)
class Item:
    """Inside a `Fold`: a number of the span at hand (0 start, 1 end, 2 score)."""

    position: int


@dataclass(frozen=True)
class Coverage:
    """Characters in the union of an attribute's spans, clipped to the text (our own syntax only)."""

    base: Node


@dataclass(frozen=True)
class Measure:
    """A count of the document's text: a column of the index such as n_words (our own syntax only)."""

    column: str


@dataclass(frozen=True)
class Constant:
    """A literal; `place` is where a number stands in the expression's text, so that it can be moved."""

    value: bool | float | str | None
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Arithmetic:
    operator: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True)
class Compare:
    operator: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Node
    right: Node


@dataclass(frozen=True)
class And:
    left: Node
    right: Node


@dataclass(frozen=True)
class Or:
    left: Node
    right: Node


@dataclass(frozen=True)
class Not:
    base: Node


@dataclass(frozen=True)
class Exists:
    """Whether the document has the value at all; an empty list, false and null count (jsonpath, our own `present`)."""

    base: Node


@dataclass(frozen=True)
class TypeOf:
    """jq's `type`: "null", "boolean", "number", "string", "array" or "object"."""

    base: Node


@dataclass(frozen=True)
class If:
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Otherwise:
    """jq's `a // b`: b where a is null, false or nothing. In the mixer's jq a failure of a stays one."""

    base: Node
    other: Node


@dataclass(frozen=True)
class Try:
    """jq's `?`: nothing instead of a failure. Nothing is neither true nor false: a rule of it does not fire."""

    base: Node


@dataclass(frozen=True)
class Matches:
    """Whether a text holds, begins or ends with another text (jq's contains, startswith, endswith)."""

    kind: Literal["contains", "startswith", "endswith"]
    base: Node
    text: str


Node: TypeAlias = (
    Path | Index | Length | Fold | Item | Coverage | Measure | Constant | Arithmetic | Compare | And | Or | Not
    | Exists | TypeOf | If | Otherwise | Try | Matches
)  # fmt: skip


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for field in fields(node):
        inner = getattr(node, field.name)
        if isinstance(inner, Node):
            yield from walk(inner)


def substitute(node: Node, old: Node, new: Node) -> Node:
    """The tree with one node replaced."""
    if node is old:
        return new
    changed = {
        field.name: substitute(inner, old, new)
        for field in fields(node)
        if isinstance(inner := getattr(node, field.name), Node)
    }
    return replace(node, **changed) if changed else node  # type: ignore[arg-type]


@dataclass(frozen=True)
class Expression:
    """A condition as it was written, and its tree."""

    text: str
    syntax: Syntax
    tree: Node


@dataclass(frozen=True)
class Threshold:
    """A number that a value is compared with: what a slider moves."""

    subject: Node  # what is compared
    operator: str  # as seen from the subject: subject operator value
    value: float
    place: tuple[int, int]  # in the expression's text


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def thresholds(expression: Expression) -> list[Threshold]:
    """The numbers of an expression that can be moved, in order of their places.

    Equalities and comparisons with the length of a guard (`length > 0`) are no thresholds.
    """
    found = []
    for node in walk(expression.tree):
        if not isinstance(node, Compare) or node.operator in ("==", "!="):
            continue
        for subject, operator, limit in (
            (node.left, node.operator, node.right),
            (node.right, _MIRRORED[node.operator], node.left),
        ):
            if not isinstance(limit, Constant) or limit.place is None or isinstance(subject, Constant):
                continue
            if isinstance(limit.value, bool) or not isinstance(limit.value, float):
                continue
            if isinstance(subject, Length) and limit.value == 0:
                continue
            found.append(Threshold(subject, operator, limit.value, limit.place))
    return sorted(found, key=lambda threshold: threshold.place)
