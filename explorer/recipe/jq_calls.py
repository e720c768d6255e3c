"""jq's constructs and functions: if, lists, map, add, max, min, any, all, select and the rest that is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeAlias, cast

from explorer.recipe.expression import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Exists,
    If,
    Item,
    Length,
    Matches,
    Node,
    Not,
    Or,
    Path,
    Try,
    TypeOf,
    walk,
)
from explorer.recipe.jq_values import (
    Each,
    NoList,
    OrNoList,
    Span,
    Value,
    folded,
    node_of,
    quantified,
)
from explorer.recipe.syntax import END, LITERALS, Cursor

OBJECTS = ((), ("attributes",), ("metadata",))
_FUNCTIONS = "length, type, not, has, add, max, min, map, any, all, select, startswith, endswith and contains"
_Kind: TypeAlias = Literal["contains", "startswith", "endswith"]


class Calls(Cursor):
    """The part of the jq parser that reads constructs and functions; `dot` is what `.` stands for."""

    dot: Value

    def pipe(self) -> Value:
        """The expression that follows."""
        raise NotImplementedError

    def node(self, value: Value, place: int) -> Node:
        return node_of(self, value, place)

    def unquoted(self, quoted: str, place: int) -> str:
        if re.search(r"(?<!\\)(?:\\\\)*\\\(", quoted):
            self.refuse(r"\(...) inside a text is not supported", place)
        return self.decoded(quoted, place)

    # constructs

    def conditional(self) -> Node:
        start = self.previous.start
        condition = self.node(self.pipe(), start)
        self.expect("then", "a condition")
        then = self.node(self.pipe(), start)
        if self.accept("elif"):
            self.deeper()
            otherwise: Node = self.conditional()
            self.higher()
        elif self.accept("else"):
            otherwise = self.node(self.pipe(), start)
            self.expect("end", "else")
        else:
            self.refuse("`if` without `else` gives its input where the condition does not hold; add else false")
        return If(condition, then, otherwise)

    def list_of(self, start: int) -> Value:
        if self.accept("]"):
            return NoList()
        found = self.pipe()
        self.expect("]", "the list")
        if not isinstance(found, Each) or isinstance(found.item, Span):
            self.refuse("a list is read only as [.attributes.KEY[] | ...] over an attribute's spans", start)
        return found

    def of_each(self, part: Callable[[], Value]) -> Node:
        """What is computed of each span, with `.` standing for the span."""
        outer, self.dot = self.dot, Span()
        start = self.token.start
        found = self.node(part(), start)
        self.dot = outer
        if any(not isinstance(n, Item | Constant | Arithmetic | Compare) for n in walk(found)):
            self.refuse("of each span only arithmetic and comparisons of its numbers .[0], .[1], .[2] are read", start)
        return found

    def call(self, name: str, place: int) -> Value:
        if name in LITERALS:
            return Constant(LITERALS[name])
        if name == "select":
            self.refuse("select is read only at the end of the whole expression", place)
        if name in ("map", "any", "all", "has", "startswith", "endswith", "contains") and self.token.kind == "(":
            self.advance()
            self.deeper()
            found = self._called(name, place)
            self.higher()
            self.expect(")", f"the argument of {name}")
            return found
        if self.token.kind == "(":
            self.refuse(f"the function {name}(...) is not supported; {_FUNCTIONS} are", place)
        if name == "not":
            return Not(self.node(self.dot, place))
        if name == "length":
            if isinstance(self.dot, Each):
                self.refuse("the length of a mapped list is not supported; take the length of the attribute", place)
            return self._of_list(Length, Constant(0.0), place)
        if name == "type":
            return self._of_list(TypeOf, Constant("array"), place)
        if name in ("add", "max", "min"):
            return folded(self, name, self.dot, place)
        if name in ("any", "all"):
            return quantified(self, name, self.dot, place)
        return self.refuse(f"the function {name} is not supported; {_FUNCTIONS} are", place)

    def _called(self, name: str, place: int) -> Value:
        if name == "map":
            base = self._list_of_spans(place)
            return Each(base, self.of_each(self.pipe))
        if name in ("any", "all"):
            over: Value = Each(self._list_of_spans(place), Span()) if not self._has_generator() else self.pipe()
            if self.token.kind == ";":
                self.advance()
            if not isinstance(over, Each) or not isinstance(over.item, Span):
                self.refuse(f"{name} is read over an attribute's spans: {name}(.attributes.KEY[]; .[2] > 0.5)", place)
            return quantified(self, name, Each(over.base, self.of_each(self.pipe)), place)
        token = self.advance()
        if token.kind != "text":
            self.refuse(f"{name} is read with a text in double quotes", token.start)
        text = self.unquoted(token.text, token.start)
        if name != "has":
            return Matches(cast("_Kind", name), self.node(self.dot, place), text)
        if not isinstance(self.dot, Path):
            self.refuse("has(...) is read of the document, metadata, attributes and the objects in them", place)
        found = Path((*self.dot.keys, text))
        if self.dot.keys in OBJECTS:
            return Exists(found)
        return If(
            Compare("==", TypeOf(self.dot), Constant("object")), Exists(found), found
        )  # it fails as the path does

    def _has_generator(self) -> bool:
        """Whether the call at hand has two arguments, any(GENERATOR; CONDITION)."""
        level, n = 1, 0
        while (kind := self.peek(n).kind) != END:
            level += (kind in ("(", "[", "{")) - (kind in (")", "]", "}"))
            if level == 0:
                return False
            if kind == ";" and level == 1:
                return True
            n += 1
        return False

    def _list_of_spans(self, place: int) -> Node | OrNoList:
        if isinstance(self.dot, OrNoList):
            return self.dot
        node = self.node(self.dot, place)
        if not isinstance(node, Path | Try) or (isinstance(node, Path) and len(node.keys) < 2):
            self.refuse("this is read of an attribute, as in .attributes.KEY | map(...)", place)
        return node

    def _of_list(self, kind: type[Length] | type[TypeOf], of_no_list: Constant, place: int) -> Node:
        if isinstance(self.dot, OrNoList):
            return If(self.dot.base, kind(self.dot.base), of_no_list)
        return kind(self.node(self.dot, place))

    # select

    def is_last_select(self) -> bool:
        level, n = 0, 1
        while self._depth == 1 and (kind := self.peek(n).kind) != END:
            level += (kind == "(") - (kind == ")")
            n += 1
            if level == 0:
                return self.peek(n).kind == END
        return False

    def select(self) -> Node:
        """`select(C)` at the very end: whether C holds, for what it selects is an object, which counts as true."""
        place = self.advance().start
        self.expect("(", "select")
        if not isinstance(self.dot, Path) or self.dot.keys not in OBJECTS:
            self.refuse("select is read of the document, .attributes and .metadata", place)
        condition = self.node(self.pipe(), place)
        self.expect(")", "select")
        is_truth = isinstance(condition, Compare | And | Or | Not | Exists | Matches)
        return condition if is_truth else If(condition, Constant(True), Constant(False))
