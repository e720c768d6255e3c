"""Conditions of jsonpath and of our own syntax as jq that the mixer runs: the same documents, and no failures.

Values are written so that what is missing is null and nothing fails: a key is looked up in objects only, a position in
lists only. Comparisons test the type first, for jq orders values of every kind (null below all numbers). A value that
is there and null counts as missing in our own syntax here, and jq knows no difference between 1 and 1.0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from explorer.errors import UsageError
from explorer.recipe.expression import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Coverage,
    Exists,
    Expression,
    Fold,
    Index,
    Item,
    Length,
    Matches,
    Measure,
    Node,
    Not,
    Or,
    Path,
    Syntax,
)
from explorer.recipe.parse import number_text
from explorer.recipe.printing import flat, to_plain
from explorer.recipe.syntax import quoted

_ORDERS = ("<", "<=", ">", ">=")
_MEASURES = {"n_chars": "(.text | length)", "n_bytes": "(.text | utf8bytelength)"}
_FIELDS = ("id", "source", "text")  # the document's own, as we read them too


def to_jq(expression: Expression) -> str:
    """The condition in jq. Raises `UsageError` with the reason where the mixer cannot tell it."""
    if expression.syntax == "jq":
        return expression.text
    try:
        return _Writer(expression.syntax).condition(expression.tree)
    except _CannotError as error:
        raise UsageError(f"{quoted(expression.text)} cannot be written for the mixer: {error}") from None


class _CannotError(Exception):
    """The reason why the mixer cannot tell something."""


class _Writer:
    def __init__(self, syntax: Syntax) -> None:
        self.is_plain = syntax == "plain"
        self._conditions: Mapping[type, Callable[..., str]] = {
            And: lambda node: self._chain(node, And, " and "),
            Or: lambda node: self._chain(node, Or, " or "),
            Not: lambda node: f"({self.condition(node.base)} | not)",
            Compare: self._compare,
            Exists: lambda node: self._exists(node.base),
            Matches: self._matches,
        }  # fmt: skip

    def condition(self, node: Node) -> str:
        if type(node) not in self._conditions:
            raise _CannotError(f"{to_plain(node)} is no condition")
        return self._conditions[type(node)](node)

    def _chain(self, node: And | Or, kind: type[And] | type[Or], word: str) -> str:
        return f"({word.join(self.condition(part) for part in flat(node, kind))})"

    def _matches(self, node: Matches) -> str:
        text = json.dumps(node.text, ensure_ascii=False)
        return f'({self._value(node.base)} | type == "string" and {node.kind}({text}))'

    def _compare(self, node: Compare) -> str:
        left, right = node.left, node.right
        if isinstance(left, Constant) and not isinstance(right, Constant):
            mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(node.operator, node.operator)
            return self._compare(Compare(mirrored, right, left))  # type: ignore[arg-type]
        if isinstance(right, Constant):
            return self._compare_constant(node.operator, left, right)
        return self._compare_values(node)

    def _compare_values(self, node: Compare) -> str:
        """Two values of the document: of one kind; in jsonpath two that are missing are equal."""
        a, b = self._number_or_value(node.left), self._number_or_value(node.right)
        operator = node.operator
        if operator == "!=" and self.is_plain:
            return f"({a} != null and {b} != null and {a} != {b})"
        if operator == "!=":
            return f"({self._equal_values(node, a, b)} | not)"
        if operator == "==":
            return self._equal_values(node, a, b)
        kinds = ("number", "string") if self.is_plain else ("number",)
        found = " or ".join(f'(({a} | type) == "{kind}" and ({b} | type) == "{kind}")' for kind in kinds)
        ordered = f"(({found}) and {a} {operator} {b})"
        or_equal = not self.is_plain and operator in ("<=", ">=")
        return f"({ordered} or {self._equal_values(node, a, b)})" if or_equal else ordered

    def _equal_values(self, node: Compare, a: str, b: str) -> str:
        if self.is_plain:
            return f"({a} != null and {a} == {b})"
        for side in (node.left, node.right):
            if not isinstance(side, Path | Index):
                raise _CannotError(f"{to_plain(side)} is compared with a value that may be missing too")
        there, other = self._exists(node.left), self._exists(node.right)
        return f"({there} == {other} and {a} == {b})"

    def _compare_constant(self, operator: str, left: Node, right: Constant) -> str:
        if isinstance(left, Constant):
            return f"({_constant(left)} {operator} {_constant(right)})"
        value = right.value
        kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
        subject = self._number_or_value(left)
        if value is None:
            there = self._exists(left)
            if operator in ("==", "!="):
                found = f"({there} and ({subject} | . == null))"
                return found if operator == "==" else self._unequal(found, f"({there} and ({subject} | . != null))")
            return f"({there} and {subject} == null)" if operator in ("<=", ">=") and not self.is_plain else "false"
        if operator in _ORDERS and (kind == "boolean" or (kind == "string" and not self.is_plain)):
            raise _CannotError(f"{to_plain(Compare(operator, left, right))} has no order there")  # type: ignore[arg-type]
        if operator == "!=":
            same = f'({subject} | type == "{kind}" and . == {_constant(right)})'
            there = f"({subject} | . != null and . != {_constant(right)})"
            return self._unequal(same, there)
        return f'({subject} | type == "{kind}" and . {operator} {_constant(right)})'

    def _unequal(self, same: str, differs: str) -> str:
        """Not equal: in jsonpath what is missing is unequal too, in our own syntax it is not."""
        return differs if self.is_plain else f"({same} | not)"

    # values: jq that gives null where there is none, and never fails

    def _number_or_value(self, node: Node) -> str:
        found = self._value(node)
        if self.is_plain and isinstance(node, Path) and node.keys[0] == "attributes":
            score = '(.[0] | if type == "array" then .[2] else null end)'
            return f'({found} | if type == "array" then {score} else . end)'
        return found

    def _value(self, node: Node) -> str:
        if isinstance(node, Path):
            return self._path(node)
        if isinstance(node, Index):
            return f'({self._value(node.base)} | if type == "array" then .[{node.position}] else null end)'
        if isinstance(node, Constant):
            return _constant(node)
        if isinstance(node, Length):
            return f'({self._value(node.base)} | if type == "boolean" or type == "object" then null else length end)'
        if isinstance(node, Fold):
            return self._fold(node)
        if isinstance(node, Arithmetic):
            return self._arithmetic(node)
        if isinstance(node, Measure) and node.column in _MEASURES:
            return _MEASURES[node.column]
        if isinstance(node, Measure):
            raise _CannotError(f"the mixer does not count {node.column}; tag it, and name the attribute")
        if isinstance(node, Coverage):
            reason = "is the union of spans, which jq cannot tell; sum(KEY, end - start) counts overlaps twice"
            raise _CannotError(f"{to_plain(node)} {reason}")
        raise _CannotError(f"{to_plain(node)} is a condition, not a value")

    def _path(self, node: Path) -> str:
        head, *rest = node.keys
        if any(key.startswith("*") for key in rest[:1]) and head == "attributes":
            raise _CannotError(f"{rest[0]} stands for the key that ends so; resolve it against a workspace first")
        if head not in ("attributes", "metadata"):
            if self.is_plain and head not in _FIELDS:
                raise _CannotError(f"{head} is found by the index, not in the document")
            return f".{head}" if not rest else _nested(node.keys)
        return _nested(node.keys)

    def _fold(self, node: Fold) -> str:
        add = {"sum": "add", "max": "max", "min": "min"}[node.kind]
        empty = " // 0" if node.kind == "sum" and self.is_plain else ""
        item = f'map(if type == "array" then {_item(node.item)} else null end) | map(select(. != null)) | {add}{empty}'
        return f'({self._value(node.base)} | if type == "array" then ({item}) else null end)'

    def _arithmetic(self, node: Arithmetic) -> str:
        a, b = self._number_or_value(node.left), self._number_or_value(node.right)
        numbers = [f'({side} | type == "number")' for side in (a, b)]
        return f"(if {' and '.join(numbers)} then {a} {node.operator} {b} else null end)"

    def _exists(self, node: Node) -> str:
        if isinstance(node, Index):
            length = node.position if node.position >= 0 else -node.position - 1
            return f'({self._value(node.base)} | type == "array" and length > {length})'
        if not isinstance(node, Path):
            raise _CannotError(f"present({to_plain(node)}) names no key")
        self._path(node)
        *above, key = node.keys
        base = _nested(tuple(above)) if above else "."
        return f'({base} | type == "object" and has({json.dumps(key, ensure_ascii=False)}))'


def _nested(keys: tuple[str, ...]) -> str:
    """A value by its keys: null where one of them leads nowhere."""
    found = f".{keys[0]}" if keys[0].isidentifier() and keys[0].isascii() else f".[{json.dumps(keys[0])}]"
    for key in keys[1:]:
        found = f'({found} | if type == "object" then .[{json.dumps(key, ensure_ascii=False)}] else null end)'
    return found


def _item(node: Node) -> str:
    if isinstance(node, Item):
        return f".[{node.position}]"
    if isinstance(node, Arithmetic):
        return f"({_item(node.left)} {node.operator} {_item(node.right)})"
    return _constant(node)


def _constant(node: Node) -> str:
    assert isinstance(node, Constant)
    if isinstance(node.value, float) and not isinstance(node.value, bool):
        return number_text(node.value)
    return json.dumps(node.value, ensure_ascii=False)


def nested_key(tree: Node) -> str:
    """The path of spans in jq: nothing where a key leads nowhere."""
    assert isinstance(tree, Path)
    return "." + ".".join(f"{_key(key)}?" if n > 1 else _key(key) for n, key in enumerate(tree.keys))


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
