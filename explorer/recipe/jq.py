"""The mixer's jq conditions (as jaq 1 runs them) as trees.

`a | f` is read by putting a in the place of `.` in f; where that could change what fails, it is refused. Precedence is
jq's: | lowest, then //, or, and, comparisons (which cannot be chained), + and -, * and /. As measured against the
mixer: `?` guards the step that it follows and no earlier one, // lets failures through, and `if` without `else` gives
its input, which is refused here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from explorer.recipe.expression import (
    Arithmetic,
    Compare,
    Constant,
    Expression,
    If,
    Index,
    Item,
    Node,
    Otherwise,
    Path,
    Try,
    TypeOf,
    walk,
)
from explorer.recipe.jq_calls import OBJECTS, Calls
from explorer.recipe.jq_values import (
    Each,
    NoList,
    OrNoList,
    Span,
    Value,
    bare,
    is_sure,
    looks_at,
    may_be_nothing,
    may_fail,
)
from explorer.recipe.syntax import COMPARISONS, RefusedError, Token, tokens

_PATTERN = re.compile(
    r"""(?P<space>(?:[ \t\r\n]|\#[^\n]*\n)+)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<variable>[$@][A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\.\.|//=|\|=|[+\-*/%]=|//|==|!=|<=|>=|[<>=+\-*/%|,()\[\]{}:;?.])
    """,
    re.VERBOSE | re.DOTALL,
)
RESERVED = frozenset(
    {"def", "if", "then", "elif", "else", "end", "or", "and", "reduce", "foreach", "as", "try", "catch"}
)


def parse_jq(text: str) -> Expression:
    """A jq condition. Raises `RefusedError` (a `UsageError`) with the place and the reason."""
    return Expression(text, "jq", _Parser(text).condition_of_document())


def parse_jq_span(text: str) -> Expression:
    """The path of a span replacement: one attribute. Raises `RefusedError`."""
    tree = _Parser(text).value_of_document()
    tree = tree.base if isinstance(tree, Try) else tree
    if not isinstance(tree, Path) or len(tree.keys) < 2 or tree.keys[0] != "attributes":
        raise RefusedError(text, 0, "the path of spans must name one attribute, as in .attributes.KEY")
    return Expression(text, "jq", tree)


class _Parser(Calls):
    def __init__(self, text: str) -> None:
        super().__init__(text, tokens(text, _PATTERN, RESERVED))
        self.dot: Value = Path(())

    powers: ClassVar[Mapping[str, int]] = {
        "//": 1, "or": 2, "and": 3, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6,
    }  # fmt: skip

    def condition_of_document(self) -> Node:
        found = self.node(self.pipe(), 0)
        if found == Path(()):
            self.refuse("the document itself holds always; write a condition", 0)
        return self._finished(found)

    def value_of_document(self) -> Node:
        return self._finished(self.node(self.pipe(), 0))

    def _finished(self, tree: Node) -> Node:
        tree = self.finish(tree)
        if any(isinstance(n, Path) and not n.keys for n in walk(tree)):
            self.refuse("the document as a whole cannot be looked at; name one of its values", 0)
        return tree

    def condition(self, value: Any, place: int) -> Node:
        return self.node(value, place)  # in jq any value is true or false

    # operators, loosest first

    def pipe(self) -> Value:
        self.deeper()
        outer = self.dot
        found = self._segment()
        while bar := self.accept("|"):
            if isinstance(found, Each) and isinstance(found.item, Span):
                found = Each(found.base, self.of_each(self.climb))
                continue
            self.dot = found
            after = self._segment()
            if (tree := bare(after)) is not None:
                self.check_size(tree)
            self._check_pipe(found, after, bar.start)
            found = after
        if self.token.kind == ",":
            self.refuse("several outputs (,) are not supported; join conditions with `or`")
        if self.token.kind in ("as", "%", "=", "|=", "+=", "-=", "*=", "/=", "%=", "//="):
            self.refuse(f"{self.token.kind} is not supported")
        self.dot = outer
        self.higher()
        return found

    def _segment(self) -> Value:
        if self.token.text == "select" and self.is_last_select():
            return self.select()
        found: Value = self.climb()
        return found

    def _check_pipe(self, dot: Value, after: Value, bar: int) -> None:
        """Whether putting `dot` into what follows keeps what fails: it must be looked at in any case."""
        inner, seen = bare(dot), bare(after)
        if inner is None or is_sure(inner):
            return
        if seen is None or not looks_at(seen, inner):
            self.refuse("what follows this | may not look at what comes before, or hides its failure; write it "
                        "without the |", bar)  # fmt: skip

    def joined(self, operator: Token, left: Any, right: Any, start: int) -> Value:
        base = self.node(left, start)
        if operator.kind == "//" and isinstance(right, NoList):
            if may_be_nothing(base):
                self.refuse("`? // []` is not supported; test the type with if ... then ... else ... end", start)
            return OrNoList(base)
        other = self.node(right, operator.end)
        if operator.kind == "//":
            return Otherwise(base, other)
        if operator.kind in COMPARISONS:
            return Compare(operator.kind, base, other)  # type: ignore[arg-type]
        return Arithmetic(operator.kind, base, other)  # type: ignore[arg-type]

    def unary(self) -> Value:
        minus = self.accept("-")
        if minus is None:
            return self._postfix()
        if self.token.kind == "-":
            self.refuse("-- is not supported")
        found = self.node(self._postfix(), minus.end)
        if isinstance(found, Constant) and found.place is not None and isinstance(found.value, float):
            return Constant(-found.value, (minus.start, found.place[1]))
        return Arithmetic("-", Constant(0.0), found)

    # terms and what follows them

    def _postfix(self) -> Value:
        start = self.token.start
        before = self.dot  # what the last step stepped from
        found, is_step = self._term()
        while True:
            if self.token.kind == ".." or (self.token.kind == "." and self.peek().kind == ".."):
                self.refuse(".. is not supported")
            if self.token.kind == "[" or (self.token.kind == "." and self.peek().kind == "["):
                self.accept(".")
                before, found, is_step = found, self._bracket(found), True
            elif self.token.kind == ".":
                if not self._is_key(self.advance()):
                    self.refuse("a key must follow the dot")
                before, found, is_step = found, self._key(found), True
            elif self.accept("?"):
                if not is_step and self.token.kind in (".", "["):
                    self.refuse("the mixer takes no key after this ?; put parentheses around what comes before")
                found = self._guarded(found, before if is_step else None, start)
                before, is_step = found, False
            else:
                return found

    def _is_key(self, dot: Token) -> bool:
        """Whether a key follows a dot; a keyword does so only without a space, to be refused: `if . then`."""
        token = self.token
        return token.kind in ("word", "text") or (token.kind in RESERVED and token.start == dot.end)

    def _guarded(self, found: Value, before: Value | None, start: int) -> Value:
        """`?` after a step guards this step alone; after anything else, all of it."""
        node = self.node(found, start)
        if isinstance(before, Node) and may_fail(
            before
        ):  # the steps before fail as they would: they are looked at first
            return If(Compare("==", TypeOf(before), Constant("")), Constant(None), Try(node))
        return Try(node) if may_fail(node) else node

    def _term(self) -> tuple[Value, bool]:
        """The value, and whether it ends in a step into the input, such as .KEY."""
        token = self.advance()
        if token.kind == ".":
            if self._is_key(token):
                return self._key(self.dot), True
            if self.token.kind == "number":
                self.refuse("the mixer's jq wants a digit before the point of a number, as in 0.5", token.start)
            if self.token.kind == "[":
                return self._bracket(self.dot), True
            return self.dot, False
        if token.kind == "(":
            found = self.pipe()
            self.expect(")", "the expression in parentheses")
            return found, False
        if token.kind == "number":
            return self._number(), False
        if token.kind == "text":
            return Constant(self.unquoted(token.text, token.start)), False
        if token.kind == "if":
            return self.conditional(), False
        if token.kind == "[":
            return self.list_of(token.start), False
        if token.kind == "word":
            return self.call(token.text, token.start), False
        names = {"..": "..", "{": "an object", "def": "def", "reduce": "reduce", "foreach": "foreach", "try": "try"}
        if token.kind in names:
            self.refuse(f"{names[token.kind]} is not supported", token.start)
        if token.kind == "variable":
            self.refuse(f"{token.text} is not supported", token.start)
        return self.refuse("a value must stand here", token.start)

    def _number(self) -> Constant:
        token = self.previous
        value = float(token.text)
        if not math.isfinite(value) or (token.text.isdigit() and int(token.text) > 2**53):
            self.refuse("the number is too large", token.start)
        if self.token.start == token.end and self.token.kind in ("word", "number", *RESERVED):
            self.refuse("this is not a number that the mixer reads", token.start)
        return Constant(value, (token.start, token.end))

    def _key(self, base: Value) -> Value:
        token = self.advance()
        if token.kind in RESERVED:
            self.refuse(f'the mixer takes {token.text} for a keyword; write ["{token.text}"]', token.start)
        key = self.unquoted(token.text, token.start) if token.kind == "text" else token.text
        return self._under(base, key, token.start)

    def _under(self, base: Value, key: str, place: int) -> Value:
        if isinstance(base, Try) and isinstance(base.base, Path):
            if not (self.token.kind == "?" or (self.token.kind == "]" and self.peek().kind == "?")):
                self.refuse("a step after a guarded one needs a ? of its own", place)
            return Try(Path((*base.base.keys, key)))
        if not isinstance(base, Path):
            self.refuse("a key is looked up in objects only: the document, metadata, attributes", place)
        return Path((*base.keys, key))

    def _bracket(self, base: Value) -> Value:
        opening = self.expect("[", "the value")
        if self.accept("]"):
            if isinstance(base, Path | Try | OrNoList):
                return Each(base, Span())
            self.refuse("[] is read only after an attribute, as in [.attributes.KEY[] | .[2]] | add", opening.start)
        minus = self.accept("-")
        token = self.advance()
        if self.token.kind in (":", ","):
            self.refuse("slices and several positions are not supported")
        if token.kind == "text" and not minus:
            found = self._under(base, self.unquoted(token.text, token.start), token.start)
            self.expect("]", "a key")
            return found
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 9:
            self.refuse("a key in double quotes or a whole number must stand here", token.start)
        self.expect("]", "a position")
        return self._element(base, -int(token.text) if minus else int(token.text), token.start)

    def _element(self, base: Value, position: int, place: int) -> Value:
        if isinstance(base, Span) or (isinstance(base, Each) and isinstance(base.item, Span)):
            number = position + 3 if position < 0 else position
            if not 0 <= number <= 2:
                self.refuse("a span has three numbers: .[0] start, .[1] end, .[2] score", place)
            return Item(number) if isinstance(base, Span) else Each(base.base, Item(number))
        if isinstance(base, OrNoList):
            return If(base.base, Index(base.base, position), Constant(None))
        node = self.node(base, place)
        if isinstance(node, Path) and node.keys in OBJECTS:
            self.refuse("what is looked at here is an object, not a list", place)
        return Index(node, position)
