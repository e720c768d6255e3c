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

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from explorer.attributes import Attribute
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
    Syntax,
    Try,
    TypeOf,
    walk,
)
from explorer.relations import quote_identifier, quote_literal

TRUE, FALSE = "true", "false"
_WHOLE = "*"  # the SQL of an object that is all of metadata or attributes
_MAX_SQL = 200_000  # characters of one condition: some seconds of the engine's time
_KEPT_TEXT = 200  # characters of an attribute's text that the index keeps
_MEASURES = ("n_chars", "n_bytes", "n_words", "n_lines", "n_paragraphs", "n_tokens")
_TEXT_FIELDS = ("id", "source", "url", "host", "domain", "suffix", "language", "licence", "scheme")
_TYPES = {
    "null": "null", "bool": "boolean", "number": "number", "text": "string", "spans": "array", "span": "array",
    "object": "object",
}  # fmt: skip
_RANKS = {"null": 0, "bool": 1, "number": 2, "text": 3, "spans": 4, "span": 4, "object": 5}


def all_of(*conditions: str) -> str:
    """SQL that all hold, folded where a condition is constant."""
    if FALSE in conditions:
        return FALSE
    kept = [c for c in dict.fromkeys(conditions) if c != TRUE]
    return TRUE if not kept else kept[0] if len(kept) == 1 else f"({' and '.join(kept)})"


def any_of(*conditions: str) -> str:
    """SQL that one holds, folded."""
    if TRUE in conditions:
        return TRUE
    kept = [c for c in dict.fromkeys(conditions) if c != FALSE]
    return FALSE if not kept else kept[0] if len(kept) == 1 else f"({' or '.join(kept)})"


def none_of(*conditions: str) -> str:
    found = any_of(*conditions)
    return FALSE if found == TRUE else TRUE if found == FALSE else f"(not {found})"


@dataclass(frozen=True)
class Alternative:
    """The value is of this kind, with this SQL, when `when` holds (SQL that is never null)."""

    when: str
    kind: str  # null, bool, number, text, spans (sql: the attribute's stem), span (stem:position), object, nested
    sql: str
    written: str = ""  # how JSON wrote the number: integer, decimal, both (in different documents), or not known
    is_told: bool = False  # `when` tells how it was written, for each document
    is_read: bool = False  # the number is as it stood in the document: nothing was computed


@dataclass(frozen=True)
class Value:
    """A value: one of its alternatives, or else missing, where it neither failed nor is nothing."""

    alternatives: tuple[Alternative, ...] = ()
    failed: str = FALSE
    nothing: str = FALSE  # jq's empty
    is_complete: bool = False  # never missing: some alternative holds, or it failed or is nothing

    def is_there(self) -> str:
        return any_of(*(a.when for a in self.alternatives))

    def is_missing(self) -> str:
        return FALSE if self.is_complete else none_of(self.is_there(), self.failed, self.nothing)


def _boolean(yes: str, no: str, failed: str = FALSE, nothing: str = FALSE) -> Value:
    found = (Alternative(yes, "bool", TRUE), Alternative(no, "bool", FALSE))
    return Value(_possible(found), failed, nothing, is_complete=True)


@dataclass(frozen=True)
class Fires:
    """When a condition holds, and when it fails; SQL that is never null."""

    holds: str
    fails: str = FALSE


@dataclass(frozen=True)
class Loaded:
    """What a stream loads, for compiling: its sets in order (the last wins), each with its attributes.

    `short` names the sets of which some attribute file ends before its documents do: their number in the inputs.
    """

    sets: tuple[tuple[str, tuple[Attribute, ...]], ...]
    short: Mapping[str, int]
    written: Mapping[str, str] = field(default_factory=dict)  # by stem, how JSON wrote an attribute's numbers
    nulls: frozenset[str] = frozenset()  # stems of the nested attributes that are null wherever they are there

    def seen_by(self, syntax: Syntax) -> Sequence[tuple[str, tuple[Attribute, ...]]]:
        """Flat columns of a table are attributes to us; a mixer would not see them."""
        return [s for s in self.sets if s[0] != "columns"] if syntax != "plain" else self.sets


class Compiler:
    """Compiles the conditions of one stream; gathers which columns of the inputs they need."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.columns: set[str] = set()  # of the documents
        self.attributes: dict[str, Attribute] = {}  # by stem; whose wide columns are needed
        self.lists: dict[str, Attribute] = {}  # by stem; whose spans are needed one by one
        self.notes: list[str] = []  # what a user should know of the conditions compiled so far

    def fires(self, expression: Expression) -> Fires:
        """When a rule's expression holds, by the mixer's notion of truth. Raises `UsageError` where it cannot be told.

        In jq the end result holds unless it is null, false, 0 or empty (`evaluate_match`), although inside the
        expression 0 and empty are true. A zero that a document writes as 0.0 holds: the mixer knows zeros that were
        computed and integers only.
        """
        try:
            value = _Tree(self, expression).value(expression.tree)
            holds = [all_of(a.when, self._is_truthy(a)) for a in value.alternatives]
        except UntoldError as error:
            raise UsageError(f"{expression.text}: {error}") from None
        return Fires(any_of(*holds), value.failed)

    def _is_truthy(self, one: Alternative) -> str:
        if one.kind in ("null", "object", "nested"):
            if one.sql == _WHOLE:
                raise UntoldError("whether the whole object is empty is not in the index; name one of its values")
            return FALSE if one.kind == "null" else TRUE
        if one.kind == "bool":
            return one.sql
        if one.kind == "number":
            return TRUE if one.is_read and one.written == "decimal" else f"({one.sql} <> 0)"
        if one.kind == "text":
            return f"({one.sql} <> '')"
        return f"({self.number_of(one.sql)} > 0)" if one.kind == "spans" else TRUE

    def span_lists(self, expression: Expression) -> list[tuple[str, Attribute]]:
        """The attributes that a path to spans may lead to, each with the SQL of when it does."""
        try:
            value = _Tree(self, expression).value(expression.tree)
        except UntoldError as error:
            raise UsageError(f"{expression.text}: {error}") from None
        return [(a.when, self.attributes[a.sql]) for a in value.alternatives if a.kind == "spans"]

    def operand(self, expression: Expression, node: Node) -> Sequence[Alternative]:
        """What a part of an expression may be, as it is compared."""
        return _Tree(self, expression).operand(node).alternatives

    # the inputs' columns

    def document(self, column: str) -> str:
        self.columns.add(column)
        return quote_identifier(column)

    def wide(self, attribute: Attribute, suffix: str) -> str:
        """A column of an attribute in the index: n, first, max, chars or text."""
        self.attributes[attribute.column] = attribute
        return f"{attribute.column}_{suffix}"

    def number_of(self, stem: str) -> str:
        return f"{stem}_n"

    def spans(self, stem: str) -> str:
        """The list of an attribute's spans, as structs of three numbers (start, end, score)."""
        self.lists[stem] = self.attributes[stem]
        return f"{stem}_spans"


@dataclass(frozen=True)
class _Truth:
    """When a value inside an expression counts as true, as false, fails, or is nothing."""

    yes: str
    no: str
    failed: str = FALSE
    nothing: str = FALSE


class UntoldError(Exception):
    """A condition that the index cannot answer; the reason."""


class _Tree:
    """One expression's compilation: how each kind of node becomes a value in its syntax."""

    def __init__(self, compiler: Compiler, expression: Expression) -> None:
        self.compiler = compiler
        self.expression = expression
        self.syntax = expression.syntax
        self._nodes: Mapping[type, Callable[..., Value]] = {
            Path: self._path, Index: self._index, Length: self._length, Fold: self._fold, Coverage: self._coverage,
            Measure: self._measure, Constant: self._constant, Arithmetic: self._arithmetic, Compare: self._compare,
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

    # values of the document

    def _path(self, node: Path) -> Value:
        head, *rest = node.keys
        if head == "attributes":
            return self._attribute(tuple(rest)) if rest else Value((Alternative(TRUE, "object", _WHOLE),))
        if head == "metadata":
            return self._metadata(rest)
        if rest:
            raise UntoldError(
                f"{'.'.join(node.keys)} is not in the index; it knows attributes, metadata and single fields"
            )
        if head == "text":
            return Value((Alternative(TRUE, "whole text", ""),))
        if head in _TEXT_FIELDS and (self.syntax == "plain" or head in ("id", "source")):
            return self._text_column(self.compiler.document(head))
        if head == "created" and self.syntax == "plain":
            column = self.compiler.document("created")
            return self._text_column(f"strftime({column}, '%Y-%m-%dT%H:%M:%S')")
        raise UntoldError(f"the field {head} is not in the index as it stood in the row")

    def _text_column(self, sql: str) -> Value:
        return Value((Alternative(f"({sql} is not null)", "text", sql),))

    def _metadata(self, keys: Sequence[str]) -> Value:
        """A document without metadata and one whose metadata is empty are the same to the index: without."""
        column = self.compiler.document("metadata")
        if not keys:
            return Value((Alternative(f"({column} is not null)", "object", _WHOLE),))
        if len(keys) > 1:
            raise UntoldError(f"metadata.{'.'.join(keys)} is nested; the index keeps metadata's single values only")
        pointer = keys[0].replace("~", "~0").replace("/", "~1")
        found = f"json_extract({column}, {quote_literal('/' + pointer)})"
        kind = f"coalesce(json_type({found}), '')"
        text = f"({found} ->> '$')"
        number = f"try_cast({text} as double)"
        return Value((
            Alternative(f"({kind} in ('UBIGINT', 'BIGINT'))", "number", number, "integer", is_told=True, is_read=True),
            Alternative(f"({kind} = 'DOUBLE')", "number", number, "decimal", is_told=True, is_read=True),
            Alternative(f"({kind} = 'VARCHAR')", "text", text),
            Alternative(f"({kind} = 'BOOLEAN')", "bool", f"coalesce({text} = 'true', false)"),
            Alternative(f"({kind} = 'NULL')", "null", ""),
        ), f"({column} is null)" if self.is_jq else FALSE)  # fmt: skip

    def _attribute(self, path: tuple[str, ...]) -> Value:
        """An attribute over the stream's sets: the last set that has its top-level key for a document wins."""
        found: list[Alternative] = []
        failed = FALSE
        is_later_there = FALSE
        for name, attributes in reversed(self.compiler.loaded.seen_by(self.syntax)):
            own = [a for a in attributes if a.path[0] == path[0]]
            if not own:
                continue
            is_free = all_of(none_of(is_later_there), self._is_read(name))
            for attribute in own:
                there = all_of(is_free, f"({self.compiler.wide(attribute, 'n')} is not null)")
                if attribute.path == path:
                    found += self._alternatives(attribute, is_free)
                elif attribute.path[: len(path)] == path:
                    found.append(Alternative(there, "object", ""))
                elif path[: len(attribute.path)] == attribute.path and self.is_jq:
                    failed = any_of(failed, there)  # a key of what is no object
            is_there = any_of(*(f"({self.compiler.wide(a, 'n')} is not null)" for a in own))
            is_later_there = any_of(is_later_there, all_of(self._is_read(name), is_there))
        value = Value(_one_object(found), failed)
        if len(path) > 1 and self.is_jq:
            above = self._attribute(path[:-1])  # null has no keys either
            return Value(value.alternatives, any_of(value.failed, above.is_missing(), above.failed))
        return value

    def _is_read(self, name: str) -> str:
        """The mixer stops loading sets for a document at the first whose file has ended."""
        order = [one for one, _ in self.compiler.loaded.sets]
        before = order[: order.index(name)]
        short = [self.compiler.loaded.short[one] for one in before if one in self.compiler.loaded.short]
        for number in short:
            self.compiler.columns.add(f"is_short_{number}")
        return none_of(*(f"is_short_{number}" for number in short))

    def _alternatives(self, attribute: Attribute, is_free: str) -> list[Alternative]:
        column = self.compiler.wide
        there = all_of(is_free, f"({column(attribute, 'n')} is not null)")
        if attribute.shape == "spans":
            return [Alternative(there, "spans", attribute.column)]
        if attribute.shape == "number":
            written = self._written(attribute.column)
            return [Alternative(there, "number", column(attribute, "first"), written, is_read=True)]
        if attribute.shape == "bool":
            return [Alternative(there, "bool", f"({column(attribute, 'first')} = 1)")]
        if attribute.shape == "text":
            return [Alternative(there, "text", column(attribute, "text"))]
        empty = all_of(is_free, f"coalesce({column(attribute, 'n')} = 0, false)")
        if attribute.column in self.compiler.loaded.nulls:
            return [Alternative(empty, "null", "")]
        full = all_of(is_free, f"coalesce({column(attribute, 'n')} > 0, false)")
        return [Alternative(empty, "null", ""), Alternative(full, "nested", "")]

    def _index(self, node: Index) -> Value:
        base = self.value(node.base)
        found: list[Alternative] = []
        failed = base.failed
        for one in base.alternatives:
            if one.kind == "spans":
                found.append(self._nth(one, node.position))
            elif one.kind == "span":
                place = node.position if node.position >= 0 else node.position + 3
                if 0 <= place < 3:
                    written = self._written(one.sql.split(":")[0]) if place == 2 else "integer"
                    sql = self._field(one.sql, place)
                    found.append(Alternative(one.when, "number", sql, written, is_read=True))
            elif one.kind == "nested":
                raise UntoldError(
                    "its values are lists or objects of other forms, of which the index keeps the beginning"
                )
            elif self.is_jq:
                failed = any_of(failed, one.when)
        if self.is_jq:
            failed = any_of(failed, base.is_missing())
        return Value(tuple(found), failed, base.nothing)

    def _nth(self, one: Alternative, position: int) -> Alternative:
        least = position + 1 if position >= 0 else -position
        when = all_of(one.when, f"({self.compiler.number_of(one.sql)} >= {least})")
        return Alternative(when, "span", f"{one.sql}:{position}")

    def _field(self, span: str, place: int) -> str:
        """A number of a span that is written as stem:position."""
        stem, position = span.split(":")
        if place == 2 and position == "0":
            return f"{stem}_first"
        at = int(position)
        return f"({self.compiler.spans(stem)})[{at + 1 if at >= 0 else at}][{quote_literal(_FIELDS[place])}]"

    def _length(self, node: Length) -> Value:
        base = self.value(node.base)
        found = []
        failed = base.failed
        for one in base.alternatives:
            if one.kind == "spans":
                found.append(Alternative(one.when, "number", self.compiler.number_of(one.sql)))
            elif one.kind == "whole text":
                found.append(Alternative(one.when, "number", self.compiler.document("n_chars")))
            elif one.kind == "text":
                found.append(Alternative(one.when, "number", f"length({one.sql})"))
            elif one.kind == "null":
                found.append(Alternative(one.when, "number", "0"))
            elif one.kind == "number":
                found.append(Alternative(one.when, "number", f"abs({one.sql})"))
            elif one.kind == "bool":
                failed = any_of(failed, one.when)
            else:
                raise UntoldError("the length of an object or of a nested value is not in the index")
        missing = base.is_missing()
        if missing != FALSE:
            found.append(Alternative(missing, "number", "0"))
        return Value(tuple(found), failed if self.is_jq else FALSE, base.nothing, is_complete=self.is_jq)

    def _fold(self, node: Fold) -> Value:
        base = self.value(node.base)
        found = []
        failed = base.failed
        for one in base.alternatives:
            if one.kind != "spans":
                if one.kind == "nested":
                    raise UntoldError("its values are lists of other forms than spans")
                failed = any_of(failed, one.when)
                continue
            n = self.compiler.number_of(one.sql)
            if node.kind == "max" and node.item == Item(2):
                sql = f"{one.sql}_max"
            else:
                item = self._item(node.item)
                sql = f"list_{node.kind}(list_transform({self.compiler.spans(one.sql)}, lambda x: {item}))"
            written = self._written_item(one.sql, node.item)
            if node.kind == "sum" and written:  # of one number it is this number
                alone = all_of(one.when, f"({n} = 1)")
                found.append(Alternative(alone, "number", sql, written, is_read=True))
                found.append(Alternative(all_of(one.when, f"({n} > 1)"), "number", sql))
            else:
                found.append(Alternative(all_of(one.when, f"({n} > 0)"), "number", sql, written, is_read=bool(written)))
            if node.kind == "sum" and not self.is_jq:
                found.append(Alternative(all_of(one.when, f"({n} = 0)"), "number", "0"))
        if self.is_jq:
            failed = any_of(failed, base.is_missing())
        return Value(tuple(found), failed if self.is_jq else FALSE, base.nothing)

    def _written_item(self, stem: str, item: Node) -> str:
        if not isinstance(item, Item):
            return ""
        return self._written(stem) if item.position == 2 else "integer"

    def _item(self, node: Node) -> str:
        if isinstance(node, Item):
            return f"x[{quote_literal(_FIELDS[node.position])}]"
        if isinstance(node, Constant) and isinstance(node.value, float):
            return _number(node.value)
        if isinstance(node, Arithmetic):
            return f"({self._item(node.left)} {node.operator} {self._item(node.right)})"
        raise UntoldError("what is computed of each span must be arithmetic on its three numbers")

    def _coverage(self, node: Coverage) -> Value:
        base = self.value(node.base)
        found = [
            Alternative(one.when, "number", f"{one.sql}_chars") for one in base.alternatives if one.kind == "spans"
        ]
        return Value(tuple(found))

    def _measure(self, node: Measure) -> Value:
        if node.column not in _MEASURES:
            raise UntoldError(f"{node.column} is not one of {', '.join(_MEASURES)}")
        column = self.compiler.document(node.column)
        return Value((Alternative(f"({column} is not null)", "number", column),))

    def _constant(self, node: Constant) -> Value:
        value = node.value
        if value is None:
            return Value((Alternative(TRUE, "null", ""),))
        if isinstance(value, bool):
            return Value((Alternative(TRUE, "bool", TRUE if value else FALSE),))
        if isinstance(value, str):
            return Value((Alternative(TRUE, "text", quote_literal(value)),))
        text = self.expression.text[slice(*node.place)] if node.place else "."
        is_integer = text.lstrip("+-").isdigit()
        return Value((Alternative(TRUE, "number", _number(value), "integer" if is_integer else "decimal"),))

    def _written(self, stem: str) -> str:
        return self.compiler.loaded.written.get(stem, "")

    # operations

    def operand(self, node: Node) -> Value:
        """A value to compute or compare with: in our own syntax an attribute stands for its first score."""
        value = self.value(node)
        if self.syntax != "plain" or not any(one.kind == "spans" for one in value.alternatives):
            return value
        found = [
            one
            if one.kind != "spans"
            else Alternative(
                all_of(one.when, f"({self.compiler.number_of(one.sql)} > 0)"), "number", f"{one.sql}_first"
            )
            for one in value.alternatives
        ]
        return Value(tuple(found), value.failed, value.nothing)

    def _arithmetic(self, node: Arithmetic) -> Value:
        left, right = self.operand(node.left), self.operand(node.right)
        found = []
        failed, nothing = _joined(left, right)
        for a in _with_null(left):
            for b in _with_null(right):
                when = all_of(a.when, b.when)
                if when == FALSE:
                    continue
                kinds = {a.kind, b.kind}
                if kinds == {"number"}:
                    found.append(Alternative(when, "number", _operation(node.operator, a.sql, b.sql)))
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
        failed, nothing = _joined(left, right)
        has_division = any(isinstance(n, Arithmetic) and n.operator == "/" for n in walk(node))
        if self.is_jq:
            holds = [
                all_of(a.when, b.when, self._order(node.operator, a, b, has_division))
                for a in _with_null(left)
                for b in _with_null(right)
            ]
            yes = any_of(*holds)
            return _boolean(yes, none_of(yes, failed, nothing), failed, nothing)
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
        return _boolean(yes, none_of(yes))

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
        sql = _comparison(operator, a.sql, b.sql)
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
            return _comparison(sign, a.sql, b.sql) if is_equality else FALSE
        if a.kind == "number":
            return self._numbers(sign, a, b)
        if a.kind == "text":
            self._check_text(a, b)
            return _comparison(sign, a.sql, b.sql) if is_equality or self.syntax == "plain" else FALSE
        if not is_equality:
            return FALSE
        raise UntoldError("lists and objects cannot be compared with one another")

    def _numbers(self, operator: str, a: Alternative, b: Alternative) -> str:
        """A comparison of numbers. To the mixer's jsonpath 1 and 1.0 are never equal: 1 >= 1.0 does not hold."""
        if self.syntax != "jsonpath" or operator in ("<", ">") or not (a.written and b.written):
            return _comparison(operator, a.sql, b.sql)
        if "both" in (a.written, b.written):
            self.compiler.notes.append(
                "some documents write this number as an integer and some as a decimal: to the mixer 1 and 1.0 are "
                "never equal, here they are; documents that lie on the threshold itself may differ"
            )
        elif a.written != b.written:
            if not (a.is_told or b.is_told):
                self.compiler.notes.append(
                    f"values are written as {a.written}s and compared with {b.written}s: to the mixer 1 and 1.0 are "
                    f"never equal, so that {operator} leaves out equality; write the threshold as the values are "
                    "written"
                )
            if operator == "==":
                return FALSE
            return TRUE if operator == "!=" else _comparison(operator[0], a.sql, b.sql)
        return _comparison(operator, a.sql, b.sql)

    def _check_text(self, a: Alternative, b: Alternative) -> None:
        for one in (a, b):
            if one.sql.startswith("'") and len(one.sql) > _KEPT_TEXT:
                raise UntoldError(
                    f"texts of attributes are kept to {_KEPT_TEXT} characters; compare with a shorter one"
                )

    # logic

    def _truth(self, node: Node) -> _Truth:
        value = self.value(node)
        if not self.is_jq:
            yes = any_of(*(all_of(a.when, a.sql) for a in value.alternatives if a.kind == "bool"))
            return _Truth(yes, none_of(yes))
        yes = any_of(*(all_of(a.when, _jq_truth(a)) for a in value.alternatives))
        no = any_of(*(all_of(a.when, none_of(_jq_truth(a))) for a in value.alternatives), value.is_missing())
        return _Truth(yes, no, value.failed, value.nothing)

    def _and(self, node: And) -> Value:
        a, b = self._truth(node.left), self._truth(node.right)
        if not self.is_jq:
            yes = all_of(a.yes, b.yes)
            return _boolean(yes, none_of(yes))
        failed, nothing = any_of(a.failed, all_of(a.yes, b.failed)), any_of(a.nothing, all_of(a.yes, b.nothing))
        return _boolean(all_of(a.yes, b.yes), any_of(a.no, all_of(a.yes, b.no)), failed, nothing)

    def _or(self, node: Or) -> Value:
        a, b = self._truth(node.left), self._truth(node.right)
        if not self.is_jq:
            yes = any_of(a.yes, b.yes)
            return _boolean(yes, none_of(yes))
        failed, nothing = any_of(a.failed, all_of(a.no, b.failed)), any_of(a.nothing, all_of(a.no, b.nothing))
        return _boolean(any_of(a.yes, all_of(a.no, b.yes)), all_of(a.no, b.no), failed, nothing)

    def _not(self, node: Not) -> Value:
        base = self._truth(node.base)
        return _boolean(base.no, base.yes, base.failed, base.nothing)

    def _exists(self, node: Exists) -> Value:
        there = self.value(node.base).is_there()
        return _boolean(there, none_of(there))

    def _type(self, node: TypeOf) -> Value:
        base = self.value(node.base)
        found: dict[str, list[str]] = {}
        for one in _with_null(base):
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
        return Value(_possible(found), failed, nothing, then.is_complete and other.is_complete)

    def _otherwise(self, node: Otherwise) -> Value:
        """jq says that a failure counts as null here; jaq 1.2, which the mixer runs, lets it through."""
        base, other = self.value(node.base), self.value(node.other)
        good = [replace(a, when=all_of(a.when, _jq_truth(a))) for a in base.alternatives]
        rest = none_of(*(a.when for a in good), base.failed)
        found = good + [replace(a, when=all_of(rest, a.when)) for a in other.alternatives]
        failed = any_of(base.failed, all_of(rest, other.failed))
        return Value(_possible(found), failed, all_of(rest, other.nothing), other.is_complete)

    def _try(self, node: Try) -> Value:
        base = self.value(node.base)
        return Value(base.alternatives, FALSE, any_of(base.nothing, base.failed), base.is_complete)

    def _matches(self, node: Matches) -> Value:
        base = self.value(node.base)
        function = {"contains": "contains", "startswith": "starts_with", "endswith": "ends_with"}[node.kind]
        holds = []
        failed = base.failed
        for one in _with_null(base):
            if one.kind == "whole text":
                raise UntoldError("the text itself is not in the index; its length is")
            if one.kind == "text":
                holds.append(all_of(one.when, f"{function}({one.sql}, {quote_literal(node.text)})"))
            elif node.kind != "contains":  # to jaq, what is neither text nor list nor object contains what it equals
                failed = any_of(failed, one.when)
        yes = any_of(*holds)
        failed = failed if self.is_jq else FALSE
        return _boolean(yes, none_of(yes, failed, base.nothing), failed, base.nothing)


_FIELDS = ("start", "end", "score")
_LISTS = frozenset({"spans", "span", "nested"})
_OBJECTS = frozenset({"object", "nested"})


def _joined(left: Value, right: Value) -> tuple[str, str]:
    """When an operator's operands fail, and when one is nothing."""
    failed = any_of(all_of(left.failed, none_of(right.nothing)), all_of(right.failed, none_of(left.nothing)))
    return failed, any_of(left.nothing, right.nothing)


def _may_be_joined(operator: str, a: str, b: str) -> bool:
    """Whether jq can do arithmetic on values of these kinds, of which one at least is no number; else it fails."""
    kinds = {"text" if kind == "whole text" else kind for kind in (a, b)}
    if operator == "*":  # a text is repeated, objects are merged
        return kinds == {"text", "number"} or kinds <= _OBJECTS
    return operator == "+" and (kinds == {"text"} or kinds <= _LISTS or kinds <= _OBJECTS)


def _number(value: float) -> str:
    return f"{value!r}::double" if "e" not in repr(value) and "inf" not in repr(value) else f"'{value!r}'::double"


def _operation(operator: str, a: str, b: str) -> str:
    return f"(({a})::double {operator} ({b})::double)"


def _comparison(operator: str, a: str, b: str) -> str:
    sign = {"==": "=", "!=": "<>"}.get(operator, operator)
    return f"({a} {sign} {b})"


def _jq_truth(one: Alternative) -> str:
    """Inside a jq expression only null and false are not true."""
    if one.kind == "bool":
        return one.sql
    return FALSE if one.kind == "null" else TRUE


def _with_null(value: Value) -> list[Alternative]:
    """The alternatives, and null where the value is missing."""
    missing = value.is_missing()
    null = [] if missing == FALSE else [Alternative(missing, "null", "")]
    return [*value.alternatives, *null]


def _possible(found: Iterable[Alternative]) -> tuple[Alternative, ...]:
    return tuple(one for one in found if one.when != FALSE)


def _one_object(found: Sequence[Alternative]) -> tuple[Alternative, ...]:
    """Several keys inside the same object make it one object."""
    objects = [one.when for one in found if one.kind == "object"]
    others = [one for one in found if one.kind != "object"]
    return (*others, Alternative(any_of(*objects), "object", "")) if objects else tuple(others)
