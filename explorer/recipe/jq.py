"""The mixer's jq conditions (as jaq 1 runs them) as trees.

`a | f` is read by putting a in the place of `.` in f; where that could change what fails, it is refused. Precedence is
jq's: | lowest, then //, or, and, comparisons (which cannot be chained), + and -, * and /. As measured against the
mixer: `?` guards the step that it follows and no earlier one, // lets failures through, and `if` without `else` gives
its input, which is refused here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, TypeAlias, cast

from explorer.recipe.expression import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Exists,
    Expression,
    If,
    Index,
    Item,
    Length,
    Matches,
    Node,
    Not,
    Or,
    Otherwise,
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
    bare,
    folded,
    is_sure,
    looks_at,
    may_be_nothing,
    may_fail,
    node_of,
    quantified,
)
from explorer.recipe.syntax import COMPARISONS, END, LITERALS, Cursor, RefusedError, Token, tokens

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
_OBJECTS = ((), ("attributes",), ("metadata",))
_FUNCTIONS = "length, type, not, has, add, max, min, map, any, all, select, startswith, endswith and contains"


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


_Kind: TypeAlias = Literal["contains", "startswith", "endswith"]


class _Parser(Cursor):
    def __init__(self, text: str) -> None:
        super().__init__(text, tokens(text, _PATTERN, RESERVED))
        self.dot: Value = Path(())

    powers: ClassVar[Mapping[str, int]] = {
        "//": 1, "or": 2, "and": 3, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6,
    }  # fmt: skip

    def condition_of_document(self) -> Node:
        found = self._node(self._pipe(), 0)
        if found == Path(()):
            self.refuse("the document itself holds always; write a condition", 0)
        return self._finished(found)

    def value_of_document(self) -> Node:
        return self._finished(self._node(self._pipe(), 0))

    def _finished(self, tree: Node) -> Node:
        tree = self.finish(tree)
        if any(isinstance(n, Path) and not n.keys for n in walk(tree)):
            self.refuse("the document as a whole cannot be looked at; name one of its values", 0)
        return tree

    def condition(self, value: Any, place: int) -> Node:
        return self._node(value, place)  # in jq any value is true or false

    def _node(self, value: Value, place: int) -> Node:
        return node_of(self, value, place)

    # operators, loosest first

    def _pipe(self) -> Value:
        self.deeper()
        outer = self.dot
        found = self._segment()
        while bar := self.accept("|"):
            if isinstance(found, Each) and isinstance(found.item, Span):
                found = Each(found.base, self._argument(self.climb))
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
        if self.token.text == "select" and self._is_last_select():
            return self._select()
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
        base = self._node(left, start)
        if operator.kind == "//" and isinstance(right, NoList):
            if may_be_nothing(base):
                self.refuse("`? // []` is not supported; test the type with if ... then ... else ... end", start)
            return OrNoList(base)
        other = self._node(right, operator.end)
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
        found = self._node(self._postfix(), minus.end)
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
        node = self._node(found, start)
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
            found = self._pipe()
            self.expect(")", "the expression in parentheses")
            return found, False
        if token.kind == "number":
            return self._number(), False
        if token.kind == "text":
            return Constant(self._text(token.text, token.start)), False
        if token.kind == "if":
            return self._if(), False
        if token.kind == "[":
            return self._list(token.start), False
        if token.kind == "word":
            return self._call(token.text, token.start), False
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

    def _text(self, quoted: str, place: int) -> str:
        if re.search(r"(?<!\\)(?:\\\\)*\\\(", quoted):
            self.refuse(r"\(...) inside a text is not supported", place)
        return self.decoded(quoted, place)

    def _key(self, base: Value) -> Value:
        token = self.advance()
        if token.kind in RESERVED:
            self.refuse(f'the mixer takes {token.text} for a keyword; write ["{token.text}"]', token.start)
        key = self._text(token.text, token.start) if token.kind == "text" else token.text
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
            found = self._under(base, self._text(token.text, token.start), token.start)
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
        node = self._node(base, place)
        if isinstance(node, Path) and node.keys in _OBJECTS:
            self.refuse("what is looked at here is an object, not a list", place)
        return Index(node, position)

    # constructs

    def _if(self) -> Node:
        start = self.previous.start
        condition = self._node(self._pipe(), start)
        self.expect("then", "a condition")
        then = self._node(self._pipe(), start)
        if self.accept("elif"):
            self.deeper()
            otherwise: Node = self._if()
            self.higher()
        elif self.accept("else"):
            otherwise = self._node(self._pipe(), start)
            self.expect("end", "else")
        else:
            self.refuse("`if` without `else` gives its input where the condition does not hold; add else false")
        return If(condition, then, otherwise)

    def _list(self, start: int) -> Value:
        if self.accept("]"):
            return NoList()
        found = self._pipe()
        self.expect("]", "the list")
        if not isinstance(found, Each) or isinstance(found.item, Span):
            self.refuse("a list is read only as [.attributes.KEY[] | ...] over an attribute's spans", start)
        return found

    def _argument(self, part: Callable[[], Value]) -> Node:
        """What is computed of each span, with `.` standing for the span."""
        outer, self.dot = self.dot, Span()
        start = self.token.start
        found = self._node(part(), start)
        self.dot = outer
        if any(not isinstance(n, Item | Constant | Arithmetic | Compare) for n in walk(found)):
            self.refuse("of each span only arithmetic and comparisons of its numbers .[0], .[1], .[2] are read", start)
        return found

    def _call(self, name: str, place: int) -> Value:
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
            return Not(self._node(self.dot, place))
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
            return Each(base, self._argument(self._pipe))
        if name in ("any", "all"):
            over: Value = Each(self._list_of_spans(place), Span()) if not self._has_generator() else self._pipe()
            if self.token.kind == ";":
                self.advance()
            if not isinstance(over, Each) or not isinstance(over.item, Span):
                self.refuse(f"{name} is read over an attribute's spans: {name}(.attributes.KEY[]; .[2] > 0.5)", place)
            return quantified(self, name, Each(over.base, self._argument(self._pipe)), place)
        token = self.advance()
        if token.kind != "text":
            self.refuse(f"{name} is read with a text in double quotes", token.start)
        text = self._text(token.text, token.start)
        if name != "has":
            return Matches(cast("_Kind", name), self._node(self.dot, place), text)
        if not isinstance(self.dot, Path):
            self.refuse("has(...) is read of the document, metadata, attributes and the objects in them", place)
        found = Path((*self.dot.keys, text))
        if self.dot.keys in _OBJECTS:
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
        node = self._node(self.dot, place)
        if not isinstance(node, Path | Try) or (isinstance(node, Path) and len(node.keys) < 2):
            self.refuse("this is read of an attribute, as in .attributes.KEY | map(...)", place)
        return node

    def _of_list(self, kind: type[Length] | type[TypeOf], of_no_list: Constant, place: int) -> Node:
        if isinstance(self.dot, OrNoList):
            return If(self.dot.base, kind(self.dot.base), of_no_list)
        return kind(self._node(self.dot, place))

    # select

    def _is_last_select(self) -> bool:
        level, n = 0, 1
        while self._depth == 1 and (kind := self.peek(n).kind) != END:
            level += (kind == "(") - (kind == ")")
            n += 1
            if level == 0:
                return self.peek(n).kind == END
        return False

    def _select(self) -> Node:
        """`select(C)` at the very end: whether C holds, for what it selects is an object, which counts as true."""
        place = self.advance().start
        self.expect("(", "select")
        if not isinstance(self.dot, Path) or self.dot.keys not in _OBJECTS:
            self.refuse("select is read of the document, .attributes and .metadata", place)
        condition = self._node(self._pipe(), place)
        self.expect(")", "select")
        is_truth = isinstance(condition, Compare | And | Or | Not | Exists | Matches)
        return condition if is_truth else If(condition, Constant(True), Constant(False))
