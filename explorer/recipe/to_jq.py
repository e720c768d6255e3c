"""Conditions of jsonpath and of our own syntax as jq that the mixer runs: the same documents, and no failures.

Nothing fails on what is missing: a key is looked up in objects only (a shard without attribute files has no attributes
at all), a position in lists only. Comparisons test the type first, for jq orders values of every kind (null below all
numbers). In jsonpath 1 and 1.0 are never equal, which is kept. A value that is there and null counts as missing in our
own syntax here.
"""

from __future__ import annotations

import json
import re
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
)
from explorer.recipe.jq import RESERVED
from explorer.recipe.parse import number_text
from explorer.recipe.printing import flat, to_plain
from explorer.recipe.syntax import MIRRORED, quoted

_MEASURES = {"n_chars": "(.text | length)", "n_bytes": "(.text | utf8bytelength)"}
_SCORE = 'if type == "array" then (.[0] | if type == "array" then .[2] else null end) else . end'
_FIELDS = ("id", "source", "text")  # the document's own, as we read them too


def to_jq(expression: Expression) -> str:
    """The condition in jq. Raises `UsageError` with the reason where the mixer cannot tell it."""
    if expression.syntax == "jq":
        return expression.text
    try:
        return _Writer(expression).condition(expression.tree)
    except _CannotError as error:
        raise UsageError(f"{quoted(expression.text)} cannot be written for the mixer: {error}") from None


class _CannotError(Exception):
    """The reason why the mixer cannot tell something."""


class _Writer:
    """Writes conditions of the document: `.` is the document wherever one begins."""

    def __init__(self, expression: Expression) -> None:
        self.text = expression.text
        self.is_plain = expression.syntax == "plain"
        self._conditions: Mapping[type, Callable[..., str]] = {
            And: lambda node: self._chain(node, And, " and "),
            Or: lambda node: self._chain(node, Or, " or "),
            Not: lambda node: f"({self.condition(node.base)} | not)",
            Compare: self._compare,
            Exists: lambda node: self._exists(node.base),
            Matches: self._matches,
        }

    def condition(self, node: Node) -> str:
        if type(node) not in self._conditions:
            raise _CannotError(f"{to_plain(node)} is no condition")
        return self._conditions[type(node)](node)

    def _chain(self, node: And | Or, kind: type[And] | type[Or], word: str) -> str:
        return f"({word.join(self.condition(part) for part in flat(node, kind))})"

    def _matches(self, node: Matches) -> str:
        return self._tested(node.base, f'type == "string" and {node.kind}({_quoted(node.text)})')

    def _compare(self, node: Compare) -> str:
        left, right = node.left, node.right
        if isinstance(left, Constant) and isinstance(right, Constant):
            return f"({_constant(left)} {node.operator} {_constant(right)})"
        if isinstance(left, Constant):
            return self._compare_constant(Compare(MIRRORED.get(node.operator, node.operator), right, left))  # type: ignore[arg-type]
        return self._compare_constant(node) if isinstance(right, Constant) else self._compare_values(node)

    def _compare_constant(self, node: Compare) -> str:
        assert isinstance(node.right, Constant)
        value, operator, limit = node.right.value, node.operator, _constant(node.right)
        kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
        if operator == "!=" and self.is_plain:
            return self._tested(node.left, f". != null and . != {limit}")
        if operator == "!=":  # what is missing is unequal too
            return f"({self._compare(Compare('==', node.left, node.right))} | not)"
        if operator != "==" and (kind == "boolean" or value is None or (kind == "string" and not self.is_plain)):
            raise _CannotError(f"{to_plain(node)} has no order there")
        if value is None:
            return f"({self._exists(node.left)} and {self._tested(node.left, '. == null')})"
        if kind == "number" and not self.is_plain and operator not in ("<", ">"):
            return self._tested(node.left, self._strict(operator, limit, node.right))
        return self._tested(node.left, f'type == "{kind}" and . {operator} {limit}')

    def _strict(self, operator: str, limit: str, constant: Constant) -> str:
        """Equal as JSON is: both whole numbers, or both with a decimal point."""
        is_whole = constant.place is not None and self.text[slice(*constant.place)].lstrip("-").isdigit()
        is_decimal = '(tojson | contains(".") or contains("e"))'
        equal = f". == {limit} and {f'({is_decimal} | not)' if is_whole else is_decimal}"
        return f'type == "number" and {equal if operator == "==" else f"(. {operator[0]} {limit} or ({equal}))"}'

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
        return f"({self._exists(node.left)} == {self._exists(node.right)} and ({a} | tojson) == ({b} | tojson))"

    def _tested(self, node: Node, test: str) -> str:
        """Whether a value passes a test of `.`, which must not pass null where what is missing should not."""
        if isinstance(node, Index):
            return self._tested_as_it_is(node.base, f'type == "array" and (.[{node.position}] | {test})')
        if self.is_plain and isinstance(node, Path) and node.keys[0] == "attributes":
            test = f"{_SCORE} | {test}"
        return self._tested_as_it_is(node, test)

    def _tested_as_it_is(self, node: Node, test: str) -> str:
        if isinstance(node, Index):
            return self._tested(node, test)
        if not isinstance(node, Path):
            return f"({self._value(node)} | {test})"
        head, *keys = self._checked(node)
        for key in reversed(keys):
            test = f'type == "object" and ({_step(key)} | {test})'
        return f"({_step(head)} | {test})"

    def _exists(self, node: Node) -> str:
        if isinstance(node, Index):
            length = node.position if node.position >= 0 else -node.position - 1
            return self._tested_as_it_is(node.base, f'type == "array" and length > {length}')
        if not isinstance(node, Path):
            raise _CannotError(f"present({to_plain(node)}) names no key")
        *above, key = self._checked(node)
        has = f"has({_quoted(key)})"
        return self._tested_as_it_is(Path(tuple(above)), f'type == "object" and {has}') if above else has

    # values: jq that gives null where there is none, and never fails

    def _number_or_value(self, node: Node) -> str:
        if self.is_plain and isinstance(node, Path) and node.keys[0] == "attributes":
            return self._of_path(node, _SCORE)
        return self._value(node)

    def _value(self, node: Node) -> str:
        if isinstance(node, Path):
            return self._of_path(node, ".")
        if isinstance(node, Index):
            return f'({self._value(node.base)} | if type == "array" then .[{node.position}] else null end)'
        if isinstance(node, Length) and isinstance(node.base, Path):
            length = 'if type == "boolean" or type == "object" then null else length end'
            return self._of_path(node.base, length, "0")
        if isinstance(node, Fold) and isinstance(node.base, Path):
            return self._of_path(node.base, self._fold(node))
        if isinstance(node, Arithmetic):
            return self._arithmetic(node)
        if isinstance(node, Measure) and node.column in _MEASURES:
            return _MEASURES[node.column]
        if isinstance(node, Constant):
            return _constant(node)
        raise _CannotError(self._reason(node))

    def _reason(self, node: Node) -> str:
        if isinstance(node, Measure):
            return f"the mixer does not count {node.column}; tag it, and name the attribute"
        if isinstance(node, Coverage):
            reason = "is the union of spans, which jq cannot tell; sum(KEY, end - start) counts overlaps twice"
            return f"{to_plain(node)} {reason}"
        return f"{to_plain(node)} is no value that it can tell"

    def _of_path(self, node: Path, of_value: str, otherwise: str = "null") -> str:
        """Something of a value, or `otherwise` where its keys lead nowhere."""
        head, *keys = self._checked(node)
        for key in reversed(keys):
            inner = _step(key) if of_value == "." else f"({_step(key)} | {of_value})"
            of_value = f'if type == "object" then {inner} else {otherwise} end'
        return _step(head) if of_value == "." else f"({_step(head)} | {of_value})"

    def _checked(self, node: Path) -> tuple[str, ...]:
        head, *rest = node.keys
        if head == "attributes" and rest and rest[0].startswith("*"):
            raise _CannotError(f"{rest[0]} stands for the key that ends so; resolve it against a workspace first")
        if self.is_plain and head not in ("attributes", "metadata", *_FIELDS):
            raise _CannotError(f"{head} is found by the index, not in the document")
        return node.keys

    def _fold(self, node: Fold) -> str:
        add = {"sum": "add", "max": "max", "min": "min"}[node.kind]
        spans = f'if (.[0] | type) == "array" then (map({_item(node.item)}) | {add}) else null end'
        if node.kind == "sum" and self.is_plain:
            spans = f"if length == 0 then 0 else ({spans}) end"
        return f'if type == "array" then ({spans}) else null end'

    def _arithmetic(self, node: Arithmetic) -> str:
        a, b = self._number_or_value(node.left), self._number_or_value(node.right)
        unsure = [side for side, n in ((a, node.left), (b, node.right)) if not isinstance(n, Constant | Measure)]
        if not unsure and (node.operator != "/" or not self.is_plain):
            return f"({a} {node.operator} {b})"
        tests = [f'({side} | type == "number")' for side in unsure]
        if node.operator == "/" and self.is_plain:
            tests.append(f"{b} != 0")  # what is divided by 0 has no value
        numbers = " and ".join(tests)
        return f"(if {numbers} then {a} {node.operator} {b} else null end)"


def span_path(tree: Node) -> str:
    """The path of an attribute's spans: nothing where a key leads nowhere."""
    assert isinstance(tree, Path)
    return "".join(f"{_step(key)}?" for key in tree.keys)


def _step(key: str) -> str:
    return f".{key}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) and key not in RESERVED else f".[{_quoted(key)}]"


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
    return _quoted(node.value) if isinstance(node.value, str) else json.dumps(node.value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
