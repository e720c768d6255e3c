"""Trees as text in our own syntax."""

from __future__ import annotations

import json
from collections.abc import Callable

from explorer.recipe.expression import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Coverage,
    Exists,
    Fold,
    If,
    Index,
    Item,
    Length,
    Matches,
    Measure,
    Node,
    Not,
    Or,
    Otherwise,
    Path,
    Try,
    TypeOf,
)
from explorer.recipe.parse import number_text
from explorer.recipe.plain import FIELDS, ITEMS, key_text
from explorer.recipe.syntax import chain

_POWERS = {"+": 5, "-": 5, "*": 6, "/": 6}
_WHOLE, _ATOM = 0, 9

KeyName = Callable[[str], str]  # how an attribute's key is shown


def to_plain(tree: Node, key_name: KeyName | None = None) -> str:
    """A tree in our own syntax, such that a tree of our own syntax reads back as the same.

    What only jq has (if, //, ?, type) is written for reading, and does not read back. `key_name` may shorten the keys
    of attributes, which does not read back either.
    """
    return _Printer(key_name).text(tree, _WHOLE)


class _Printer:
    def __init__(self, key_name: KeyName | None) -> None:
        self.key_name = key_name

    def text(self, node: Node, level: int) -> str:
        """The node, in parentheses where it binds no tighter than `level` asks."""
        written, power = self._written(node)
        return f"({written})" if power < level else written

    def _written(self, node: Node) -> tuple[str, int]:
        if isinstance(node, Constant):
            return self._constant(node), _ATOM
        if isinstance(node, Path):
            return self._path(node), _ATOM
        if isinstance(node, Index):
            return self._index(node), _ATOM
        if isinstance(node, Measure):
            return node.column, _ATOM
        if isinstance(node, Item):
            return ITEMS[node.position], _ATOM
        if isinstance(node, Compare):
            return f"{self.text(node.left, 5)} {node.operator} {self.text(node.right, 5)}", 4
        if isinstance(node, Arithmetic):
            power = _POWERS[node.operator]
            return f"{self.text(node.left, power)} {node.operator} {self.text(node.right, power + 1)}", power
        if isinstance(node, And):
            return self._chain(node, And, "and", 2)
        if isinstance(node, Or):
            return self._chain(node, Or, "or", 1)
        if isinstance(node, Not):
            return f"not {self.text(node.base, 3)}", 3
        return self._call(node), (_WHOLE if isinstance(node, If | Otherwise) else _ATOM)

    def _call(self, node: Node) -> str:
        if isinstance(node, Exists):
            return f"present({self.text(node.base, _WHOLE)})"
        if isinstance(node, Length):
            return f"count({self.text(node.base, _WHOLE)})"
        if isinstance(node, Coverage):
            return f"coverage({self.text(node.base, _WHOLE)})"
        if isinstance(node, TypeOf):
            return f"type({self.text(node.base, _WHOLE)})"
        if isinstance(node, Fold):
            item = "" if node.item == Item(2) else f", {self.text(node.item, _WHOLE)}"
            return f"{node.kind}({self.text(node.base, _WHOLE)}{item})"
        if isinstance(node, Matches):
            return f"{node.kind}({self.text(node.base, _ATOM)}, {json.dumps(node.text, ensure_ascii=False)})"
        if isinstance(node, Try):
            return f"{self.text(node.base, _ATOM)}?"
        if isinstance(node, Otherwise):
            return f"{self.text(node.base, 1)} // {self.text(node.other, 1)}"
        assert isinstance(node, If)
        parts = (self.text(part, _WHOLE) for part in (node.condition, node.then, node.otherwise))
        return "if {} then {} else {} end".format(*parts)

    def _chain(self, node: And | Or, kind: type[And] | type[Or], word: str, power: int) -> tuple[str, int]:
        parts = flat(node, kind)
        if chain(kind, parts) != node:  # joined in another order than it would be read
            parts = [node.left, node.right]
            return f" {word} ".join(self.text(part, power + 1) for part in parts), power
        return f" {word} ".join(self.text(part, power + 1) for part in parts), power

    def _constant(self, node: Constant) -> str:
        if node.value is None or isinstance(node.value, bool):
            return {None: "null", True: "true", False: "false"}[node.value]
        return json.dumps(node.value, ensure_ascii=False) if isinstance(node.value, str) else number_text(node.value)

    def _path(self, node: Path) -> str:
        head, *rest = node.keys or ("",)
        if head == "attributes" and rest and self.key_name is not None:
            return ".".join([self.key_name(rest[0]), *rest[1:]])
        if head == "attributes" and rest:
            return ".".join(key_text(key, is_first=not n) for n, key in enumerate(rest))
        if head in ("attributes", "metadata"):
            return ".".join([head, *(key_text(key, is_first=False) for key in rest)])
        if head in FIELDS and not rest:
            return head
        return ".".join(["$", *(key_text(key, is_first=False) for key in node.keys)])  # nothing that our syntax reads

    def _index(self, node: Index) -> str:
        inner = node.base
        if isinstance(inner, Index) and 0 <= node.position < len(ITEMS):
            return f"{self.text(inner.base, _ATOM)}[{inner.position}].{ITEMS[node.position]}"
        return f"{self.text(inner, _ATOM)}[{node.position}]"


def flat(node: Node, kind: type[And] | type[Or]) -> list[Node]:
    """The parts that are joined by `and` (or `or`), from the left."""
    if not isinstance(node, And | Or) or not isinstance(node, kind):
        return [node]
    return [*flat(node.left, kind), *flat(node.right, kind)]
