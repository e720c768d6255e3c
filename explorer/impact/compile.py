"""Rules' conditions as SQL over one row of inputs a document (see `explorer.impact.inputs`).

A condition's value may be any JSON value, null, nothing at all, or a failure. It is compiled to alternatives (when it
is of which kind, and the SQL of it), so that each syntax keeps its own meaning of what is missing:

- jsonpath (the mixer's): a path that leads nowhere finds nothing; < and > hold between numbers only; equality is that
  of JSON values (1 is not 1.0), and nothing equals nothing; <= and >= are < and > or equality of anything.
- jq (the mixer's, as jaq 1.2 has it): a missing key is null, null orders below every other value, and a key or position
  looked up in what is no object or list fails. A failure stops the mixer at that shard. Where one operand is nothing,
  so is the whole, even if the other failed.
- plain (ours): a comparison with a missing value does not hold; an attribute stands for its first score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from explorer.attributes import Attribute
from explorer.errors import UsageError
from explorer.impact.lookups import Columns, Lookups
from explorer.impact.sql_logic import FALSE, TRUE, all_of, any_of, comparison, none_of, operation
from explorer.impact.values import (
    KEPT_TEXT,
    WHOLE,
    Alternative,
    Fires,
    UntoldError,
    Value,
    boolean,
    joined,
    jq_truth,
    possible,
    with_null,
)
from explorer.recipe.expression import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Coverage,
    Exists,
    Expression,
    Fold,
    If,
    Index,
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
    walk,
)
from explorer.recipe.syntax import quoted
from explorer.relations import quote_literal

_MAX_SQL = 400_000  # characters of one condition: some seconds of the engine's time
_TYPES = {
    "null": "null", "bool": "boolean", "number": "number", "text": "string", "spans": "array", "span": "array",
    "object": "object",
}  # fmt: skip
_RANKS = {"null": 0, "bool": 1, "number": 2, "text": 3, "spans": 4, "span": 4, "object": 5}
_LISTS = frozenset({"spans", "span", "nested"})
_OBJECTS = frozenset({"object", "nested"})


def fires(columns: Columns, expression: Expression) -> Fires:
    """When a rule's expression holds, by the mixer's notion of truth. Raises `UsageError` where it cannot be told.

    In jq the end result holds unless it is null, false, 0 or empty (`evaluate_match`), although inside the expression
    0 and empty are true. A zero that a document writes as 0.0 holds: the mixer knows zeros that were computed and
    integers only.
    """
    with _refusals(expression):
        value = _Tree(columns, expression).value(expression.tree)
        holds = [all_of(a.when, _is_truthy(columns, a)) for a in value.alternatives]
        return Fires(any_of(*holds), value.failed)


def _is_truthy(columns: Columns, one: Alternative) -> str:
    if one.kind in ("null", "object", "nested"):
        if one.sql == WHOLE:
            raise UntoldError("whether the whole object is empty is not in the index; name one of its values")
        return FALSE if one.kind == "null" else TRUE
    if one.kind == "bool":
        return one.sql
    if one.kind == "number":
        return TRUE if one.is_read and one.written == "decimal" else f"({one.sql} <> 0)"
    if one.kind == "text":
        return f"({one.sql} <> '')"
    return f"({columns.number_of(one.sql)} > 0)" if one.kind == "spans" else TRUE


def span_lists(columns: Columns, expression: Expression) -> list[tuple[str, Attribute]]:
    """The attributes that a path to spans may lead to, each with the SQL of when it does. Raises `UsageError`."""
    with _refusals(expression):
        value = _Tree(columns, expression).value(expression.tree)
        return [(a.when, columns.attributes[a.sql]) for a in value.alternatives if a.kind == "spans"]


def operand(columns: Columns, expression: Expression, node: Node) -> Sequence[Alternative]:
    """What a part of an expression may be, as it is compared. Raises `UsageError`."""
    with _refusals(expression):
        return _Tree(columns, expression).operand(node).alternatives


@contextmanager
def _refusals(expression: Expression) -> Iterator[None]:
    try:
        yield
    except UntoldError as error:
        raise UsageError(f"{quoted(expression.text)}: {error}") from None


@dataclass(frozen=True)
class _Truth:
    """When a value inside an expression counts as true, as false, fails, or is nothing."""

    yes: str
    no: str
    failed: str = FALSE
    nothing: str = FALSE


class _Tree:
    """One expression's compilation: how each kind of node becomes a value in its syntax."""

    def __init__(self, columns: Columns, expression: Expression) -> None:
        self.expression = expression
        self.syntax = expression.syntax
        self.columns = columns
        look = Lookups(columns, expression, self.value)
        self._nodes: Mapping[type, Callable[..., Value]] = {
            Path: look.path, Index: look.index, Length: look.length, Fold: look.fold, Coverage: look.coverage,
            Measure: look.measure, Constant: look.constant, Arithmetic: self._arithmetic, Compare: self._compare,
            And: self._and, Or: self._or, Not: self._not, Exists: self._exists, TypeOf: self._type, If: self._if,
            Otherwise: self._otherwise, Try: self._try, Matches: self._matches,
        }  # fmt: skip

    def value(self, node: Node) -> Value:
        found = self._nodes[type(node)](node)
        size = len(found.failed) + len(found.nothing) + sum(len(one.when) + len(one.sql) for one in found.alternatives)
        if size > _MAX_SQL:
            raise UntoldError(
                "what it looks at has so many forms that it would take too long; split it, or test fewer keys"
            )
        return found

    @property
    def is_jq(self) -> bool:
        return self.syntax == "jq"

    # operations

    def operand(self, node: Node) -> Value:
        """A value to compute or compare with: in our own syntax an attribute stands for its first score."""
        value = self.value(node)
        if self.syntax != "plain" or not any(one.kind == "spans" for one in value.alternatives):
            return value
        found = [
            one
            if one.kind != "spans"
            else Alternative(all_of(one.when, f"({self.columns.number_of(one.sql)} > 0)"), "number", f"{one.sql}_first")
            for one in value.alternatives
        ]
        return Value(tuple(found), value.failed, value.nothing)

    def _arithmetic(self, node: Arithmetic) -> Value:
        left, right = self.operand(node.left), self.operand(node.right)
        found = []
        failed, nothing = joined(left, right)
        for a in with_null(left):
            for b in with_null(right):
                when = all_of(a.when, b.when)
                if when == FALSE:
                    continue
                kinds = {a.kind, b.kind}
                if kinds == {"number"}:
                    if node.operator == "/" and self.syntax == "plain":  # what is divided by 0 is missing
                        when = all_of(when, f"({b.sql} <> 0)")
                    found.append(Alternative(when, "number", operation(node.operator, a.sql, b.sql)))
                elif self.is_jq and node.operator == "+" and "null" in kinds:
                    other = b if a.kind == "null" else a
                    found.append(replace(other, when=when))
                elif self.is_jq:
                    if _may_be_joined(node.operator, a.kind, b.kind):
                        raise UntoldError("arithmetic on texts, lists and objects is not supported")
                    failed = any_of(failed, when)
        return Value(tuple(found), failed, nothing, left.is_complete and right.is_complete and self.is_jq)

    def _compare(self, node: Compare) -> Value:
        left, right = self.operand(node.left), self.operand(node.right)
        failed, nothing = joined(left, right)
        has_division = any(isinstance(n, Arithmetic) and n.operator == "/" for n in walk(node))
        if self.is_jq:
            holds = [
                all_of(a.when, b.when, self._order(node.operator, a, b, has_division))
                for a in with_null(left)
                for b in with_null(right)
            ]
            yes = any_of(*holds)
            return boolean(yes, none_of(yes, failed, nothing), failed, nothing)
        holds = [
            all_of(a.when, b.when, self._found(node.operator, a, b))
            for a in left.alternatives
            for b in right.alternatives
        ]
        if self.syntax == "jsonpath" and node.operator not in ("<", ">"):  # the rest is equality, or includes it
            found = any_of(*holds, all_of(left.is_missing(), right.is_missing()))
            yes = none_of(found) if node.operator == "!=" else found
        else:
            yes = any_of(*holds)
        return boolean(yes, none_of(yes))

    def _order(self, operator: str, a: Alternative, b: Alternative, has_division: bool) -> str:
        """A comparison by jq's total order of values."""
        if "whole text" in (a.kind, b.kind):
            raise UntoldError("the text itself is not in the index; its length is")
        ranks = [_RANKS.get(one.kind, 4.5) for one in (a, b)]
        if ranks[0] != ranks[1]:
            is_below = ranks[0] < ranks[1]
            holds = {"<": is_below, "<=": is_below, ">": not is_below, ">=": not is_below, "!=": True}
            return TRUE if holds.get(operator, False) else FALSE
        if a.kind == "null":
            return TRUE if operator in ("<=", ">=", "==") else FALSE
        if a.kind in ("spans", "span", "object", "nested"):
            raise UntoldError("lists and objects cannot be compared with one another")
        if a.kind == "text":
            self._check_text(a, b)
            if a.sql.startswith("'") and b.sql.startswith("'") and operator in ("==", "!="):  # such as a type's name
                return TRUE if (a.sql == b.sql) == (operator == "==") else FALSE
        sql = comparison(operator, a.sql, b.sql)
        if has_division and a.kind == "number":  # jaq's order puts 0/0 below every number, the engine above
            is_nan = (f"isnan(({a.sql})::double)", f"isnan(({b.sql})::double)")
            low = {"<": (TRUE, FALSE), "<=": (TRUE, FALSE), ">": (FALSE, TRUE), ">=": (FALSE, TRUE)}
            when_a, when_b = low.get(operator, (FALSE, FALSE))
            return f"(case when {is_nan[0]} then {when_a} when {is_nan[1]} then {when_b} else {sql} end)"
        return sql

    def _found(self, operator: str, a: Alternative, b: Alternative) -> str:
        """A comparison of two values that are there (jsonpath and our own)."""
        if "whole text" in (a.kind, b.kind):
            raise UntoldError("the text itself is not in the index; its length is")
        is_jsonpath = self.syntax == "jsonpath"
        is_equality = operator in ("==", "!=") or (is_jsonpath and operator in ("<=", ">=") and a.kind != "number")
        sign = "==" if is_jsonpath and is_equality else operator
        if a.kind != b.kind:
            return TRUE if sign == "!=" else FALSE
        if a.kind == "null":
            return TRUE if sign == "==" else FALSE
        if a.kind == "bool":
            return comparison(sign, a.sql, b.sql) if is_equality else FALSE
        if a.kind == "number":
            return self._numbers(sign, a, b)
        if a.kind == "text":
            self._check_text(a, b)
            return comparison(sign, a.sql, b.sql) if is_equality or self.syntax == "plain" else FALSE
        if not is_equality:
            return FALSE
        raise UntoldError("lists and objects cannot be compared with one another")

    def _numbers(self, operator: str, a: Alternative, b: Alternative) -> str:
        """A comparison of numbers. To the mixer's jsonpath 1 and 1.0 are never equal: 1 >= 1.0 does not hold."""
        if self.syntax != "jsonpath" or operator in ("<", ">") or not (a.written and b.written):
            return comparison(operator, a.sql, b.sql)
        if "both" in (a.written, b.written):
            self.columns.notes.append(
                "some documents write this number as an integer and some as a decimal: to the mixer 1 and 1.0 are "
                "never equal, here they are; documents that lie on the threshold itself may differ"
            )
        elif a.written != b.written:
            if not (a.is_told or b.is_told):
                self.columns.notes.append(
                    f"values are written as {a.written}s and compared with {b.written}s: to the mixer 1 and 1.0 are "
                    f"never equal, so that {operator} leaves out equality; write the threshold as the values are "
                    "written"
                )
            if operator == "==":
                return FALSE
            return TRUE if operator == "!=" else comparison(operator[0], a.sql, b.sql)
        return comparison(operator, a.sql, b.sql)

    def _check_text(self, a: Alternative, b: Alternative) -> None:
        for one in (a, b):
            if one.sql.startswith("'") and len(one.sql) > KEPT_TEXT:
                raise UntoldError(f"texts of attributes are kept to {KEPT_TEXT} characters; compare with a shorter one")

    # logic

    def _truth(self, node: Node) -> _Truth:
        value = self.value(node)
        if not self.is_jq:
            yes = any_of(*(all_of(a.when, a.sql) for a in value.alternatives if a.kind == "bool"))
            return _Truth(yes, none_of(yes))
        yes = any_of(*(all_of(a.when, jq_truth(a)) for a in value.alternatives))
        no = any_of(*(all_of(a.when, none_of(jq_truth(a))) for a in value.alternatives), value.is_missing())
        return _Truth(yes, no, value.failed, value.nothing)

    def _and(self, node: And) -> Value:
        a, b = self._truth(node.left), self._truth(node.right)
        if not self.is_jq:
            yes = all_of(a.yes, b.yes)
            return boolean(yes, none_of(yes))
        failed, nothing = any_of(a.failed, all_of(a.yes, b.failed)), any_of(a.nothing, all_of(a.yes, b.nothing))
        return boolean(all_of(a.yes, b.yes), any_of(a.no, all_of(a.yes, b.no)), failed, nothing)

    def _or(self, node: Or) -> Value:
        a, b = self._truth(node.left), self._truth(node.right)
        if not self.is_jq:
            yes = any_of(a.yes, b.yes)
            return boolean(yes, none_of(yes))
        failed, nothing = any_of(a.failed, all_of(a.no, b.failed)), any_of(a.nothing, all_of(a.no, b.nothing))
        return boolean(any_of(a.yes, all_of(a.no, b.yes)), all_of(a.no, b.no), failed, nothing)

    def _not(self, node: Not) -> Value:
        base = self._truth(node.base)
        return boolean(base.no, base.yes, base.failed, base.nothing)

    def _exists(self, node: Exists) -> Value:
        there = self.value(node.base).is_there()
        return boolean(there, none_of(there))

    def _type(self, node: TypeOf) -> Value:
        base = self.value(node.base)
        found: dict[str, list[str]] = {}
        for one in with_null(base):
            kind = "text" if one.kind == "whole text" else one.kind
            if kind == "nested":
                raise UntoldError("the type of a nested value is not in the index")
            found.setdefault(_TYPES[kind], []).append(one.when)
        alternatives = tuple(Alternative(any_of(*whens), "text", quote_literal(name)) for name, whens in found.items())
        return Value(alternatives, base.failed, base.nothing, is_complete=True)

    def _if(self, node: If) -> Value:
        test = self._truth(node.condition)
        then, other = self.value(node.then), self.value(node.otherwise)
        found = [replace(a, when=all_of(test.yes, a.when)) for a in then.alternatives]
        found += [replace(a, when=all_of(test.no, a.when)) for a in other.alternatives]
        failed = any_of(test.failed, all_of(test.yes, then.failed), all_of(test.no, other.failed))
        nothing = any_of(test.nothing, all_of(test.yes, then.nothing), all_of(test.no, other.nothing))
        return Value(possible(found), failed, nothing, then.is_complete and other.is_complete)

    def _otherwise(self, node: Otherwise) -> Value:
        """jq says that a failure counts as null here; jaq 1.2, which the mixer runs, lets it through."""
        base, other = self.value(node.base), self.value(node.other)
        good = [replace(a, when=all_of(a.when, jq_truth(a))) for a in base.alternatives]
        rest = none_of(*(a.when for a in good), base.failed)
        found = good + [replace(a, when=all_of(rest, a.when)) for a in other.alternatives]
        failed = any_of(base.failed, all_of(rest, other.failed))
        return Value(possible(found), failed, all_of(rest, other.nothing), other.is_complete)

    def _try(self, node: Try) -> Value:
        base = self.value(node.base)
        return Value(base.alternatives, FALSE, any_of(base.nothing, base.failed), base.is_complete)

    def _matches(self, node: Matches) -> Value:
        base = self.value(node.base)
        function = {"contains": "contains", "startswith": "starts_with", "endswith": "ends_with"}[node.kind]
        holds = []
        failed = base.failed
        for one in with_null(base):
            if one.kind == "whole text":
                raise UntoldError("the text itself is not in the index; its length is")
            if one.kind == "text":
                holds.append(all_of(one.when, f"{function}({one.sql}, {quote_literal(node.text)})"))
            elif node.kind != "contains":  # to jaq, what is neither text nor list nor object contains what it equals
                failed = any_of(failed, one.when)
        yes = any_of(*holds)
        failed = failed if self.is_jq else FALSE
        return boolean(yes, none_of(yes, failed, base.nothing), failed, base.nothing)


def _may_be_joined(operator: str, a: str, b: str) -> bool:
    """Whether jq can do arithmetic on values of these kinds, of which one at least is no number; else it fails."""
    kinds = {"text" if kind == "whole text" else kind for kind in (a, b)}
    if operator == "*":  # a text is repeated, objects are merged
        return kinds == {"text", "number"} or kinds <= _OBJECTS
    return operator == "+" and (kinds == {"text"} or kinds <= _LISTS or kinds <= _OBJECTS)
