"""The mixer's jsonpath conditions (the dialect of jsonpath-rust 0.3) as trees.

What the mixer takes otherwise than one would expect is refused with the reason: it must mean the same here, or not be
read. As measured against the mixer: `!` belongs to the comparison that follows it, `&&` binds tighter than `||`, texts
and keys stand in single quotes without escapes, and whitespace may stand anywhere but after a dot or inside ['...'].
"""

from __future__ import annotations

import math
import re
from typing import NoReturn

from explorer.recipe.expression import (
    And,
    Compare,
    Constant,
    Exists,
    Expression,
    Fold,
    Index,
    Item,
    Node,
    Not,
    Or,
    Path,
    walk,
)
from explorer.recipe.syntax import COMPARISONS, LITERALS, MIRRORED, Cursor, RefusedError, chain, tokens

_PATTERN = re.compile(
    r"""(?P<space>(?:[ \t\n]|\r\n)+)
    | (?P<key>\.[A-Za-z0-9_\-/\\\#]+)
    | (?P<quoted>\.?\['[^'"\\]*'\])
    | (?P<text>'[^'"\\]*')
    | (?P<odd>"[^"]*"?|'[^']*'?)
    | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\.\.|\.|&&|\|\||==|!=|~=|<=|>=|[<>!()\[\]?:,*@$]|-)
    """,
    re.VERBOSE,
)
_OBJECTS = ((), ("attributes",), ("metadata",))
_WORDS = frozenset({*LITERALS, "in", "nin", "size", "noneOf", "anyOf", "subsetOf"})
_QUOTES = "the mixer's jsonpath takes texts and keys in single quotes only, without quotes or backslashes inside"


def parse_jsonpath(text: str) -> Expression:
    """A jsonpath condition. Raises `RefusedError` (a `UsageError`) with the place and the reason."""
    parser = _Parser(text)
    return Expression(text, "jsonpath", parser.finish(parser.condition_of_document()))


def parse_jsonpath_span(text: str) -> Expression:
    """The path of a span replacement: one attribute. Raises `RefusedError`."""
    parser = _Parser(text)
    parser.root()
    tree = parser.finish(parser.steps(Path(())))
    if not isinstance(tree, Path) or len(tree.keys) < 2 or tree.keys[0] != "attributes":
        raise RefusedError(text, 0, "the path of spans must name one attribute, as in $.attributes.KEY")
    return Expression(text, "jsonpath", tree)


class _Parser(Cursor):
    def __init__(self, text: str) -> None:
        super().__init__(text, tokens(text, _PATTERN, _WORDS))
        self._is_span = False  # @ stands for a span

    def root(self) -> None:
        if not self.accept("$", "@"):
            self.refuse("a condition begins with $, as in $.attributes[?(@.KEY > 1)]")
        if self.previous.kind == "$":
            self.accept("@")

    def condition_of_document(self) -> Node:
        self.root()
        base = self.steps(Path(()))
        if not self.accept("["):
            if base == Path(()):
                self.refuse("$ alone holds for every document; name a value", 0)
            return Exists(base)
        self._expect_filter()
        if not isinstance(base, Path):
            self.refuse("a filter [?(...)] must follow $, $.attributes, $.metadata or an attribute")
        if base.keys in _OBJECTS:
            return self._filter_of_object(base)
        return self._filter_of_spans(base)

    def _expect_filter(self) -> None:
        if not self.accept("?"):
            self._refuse_step()
        if not self.accept("("):
            self.refuse("the mixer's jsonpath needs parentheses around a filter: [?(...)]")

    def _filter_of_object(self, base: Path) -> Node:
        found = self._or(base)
        self._close_filter()
        # Where the object itself is missing nothing is found, whatever the condition says.
        needs_object = base.keys != () and _holds_of_nothing(found, base)
        return And(Exists(base), found) if needs_object else found

    def _filter_of_spans(self, base: Path) -> Node:
        """`$.attributes.K[?(@[2] > 0.5)]`: any span, which is a comparison of the largest or smallest number."""
        start = self.token.start
        whole = f"$[?(@.{'.'.join(base.keys)}...)]"
        if not (self.token.kind == "@" and self.peek().kind == "[") and self.token.kind != "number":
            self.refuse(f"a filter of a value below {base.keys[0]} is read only as a comparison of its spans' numbers, "
                        f"@[2] > 0.5; put the whole path into the filter instead: {whole}")  # fmt: skip
        self._is_span = True
        left = self._operand(Path(()))
        operator = self.accept(*COMPARISONS)
        if operator is None:
            self.refuse("one comparison of a span's number is read here, as in @[2] > 0.5")
        right = self._operand(Path(()))
        self._close_filter()
        sign = operator.kind
        if isinstance(left, Constant):
            left, right, sign = right, left, MIRRORED.get(sign, sign)
        if not isinstance(left, Index) or left.base != Path(()) or not isinstance(right, Constant):
            self.refuse("a span's number must be compared with a number here", start)
        if not isinstance(right.value, float) or not 0 <= left.position <= 2:
            self.refuse("a span has the numbers @[0], @[1] and @[2], to be compared with a number", start)
        if sign not in MIRRORED:
            self.refuse(f"whether any span's number is {sign} another cannot be told; use < or >", operator.start)
        return Compare(sign, Fold("max" if ">" in sign else "min", base, Item(left.position)), right)  # type: ignore[arg-type]

    def _close_filter(self) -> None:
        if self.accept(")") is None:
            self.refuse("the filter should have ended here: )]")
        if self.accept("]") is None:
            self.refuse("] must close the filter")
        if self.token.kind in ("[", "key", "quoted"):
            self.refuse("nothing may follow a filter; write the whole condition inside it")

    # paths

    def steps(self, node: Node) -> Node:
        """The keys and positions that follow; stops before a filter."""
        while True:
            if token := self.accept("key", "quoted"):
                if token.kind == "key" and self.token.kind == "(" and self.token.start == token.end:
                    self.refuse(f"the function {token.text[1:]}() is not supported", token.start)
                key = token.text[1:] if token.kind == "key" else token.text.removeprefix(".")[2:-2]
                if not isinstance(node, Path):
                    self.refuse("a key cannot follow a position in a list", token.start)
                node = Path((*node.keys, key))
            elif self.token.kind == "[" and self.peek().kind == "?":
                return node
            elif self.token.kind == "[" or (self.token.kind == "." and self.peek().kind == "["):
                self.accept(".")
                if self.peek().kind == "?":
                    self.refuse("the mixer takes no dot before a filter")
                node = self._position(node)
            elif self.token.kind in ("..", ".", "*"):
                self._refuse_step()
            else:
                return node

    def _position(self, node: Node) -> Node:
        self.accept("[")
        token = self.token
        if token.kind != "number":
            self._refuse_step()
        self.advance()
        if token.text == "-1" and self.accept(":"):
            position = -1
        elif re.fullmatch(r"0|[1-9][0-9]{0,8}", token.text):
            position = int(token.text)
        else:
            self.refuse("a position is a whole number from 0; the last element is [-1:]", token.start)
        if self.token.kind in (":", ","):
            self.refuse("slices and lists of positions give several values at once, which is not supported")
        self.expect("]", "a position")
        if isinstance(node, Path) and node.keys in _OBJECTS and not self._is_span:
            self.refuse("what is looked at here is an object, not a list", token.start)
        return Index(node, position)

    def _refuse_step(self) -> NoReturn:
        reasons = {
            "..": "$..KEY looks at every level of the document, which is not supported; write the whole path",
            "*": "* gives several values at once, which is not supported",
            "odd": _QUOTES, "text": "whitespace inside ['...'] is refused by the mixer",
            ":": "slices give several values at once, which is not supported; the last element is [-1:]",
        }  # fmt: skip
        self.refuse(reasons.get(self.token.kind, "a key or a position must stand here"))

    # conditions

    def _or(self, base: Path) -> Node:
        self.deeper()
        parts = [self._and(base)]
        while self.accept("||"):
            parts.append(self._and(base))
        self.higher()
        return chain(Or, parts)

    def _and(self, base: Path) -> Node:
        parts = [self._not(base)]
        while self.accept("&&"):
            parts.append(self._not(base))
        return chain(And, parts)

    def _not(self, base: Path) -> Node:
        if not self.accept("!"):
            return self._atom(base)
        if self.token.kind == "!":
            self.refuse("the mixer refuses !!; write !(!(...))")
        return Not(self._atom(base))

    def _atom(self, base: Path) -> Node:
        if self.accept("("):
            found = self._or(base)
            self.expect(")", "the condition in parentheses")
            if self.token.kind in COMPARISONS:
                self.refuse("the mixer compares values, not conditions in parentheses")
            return found
        start = self.token.start
        left = self._operand(base)
        operator = self.accept(*COMPARISONS)
        if operator is None:
            self._refuse_operator()
            if isinstance(left, Constant):
                self.refuse("a literal alone holds for every document; compare it with a value", start)
            return Exists(left)
        right = self._operand(base)
        if self.token.kind in COMPARISONS:
            self.refuse("comparisons cannot be chained; join them with &&")
        return Compare(operator.kind, left, right)  # type: ignore[arg-type]

    def _refuse_operator(self) -> None:
        kind = self.token.kind
        if kind in _WORDS or kind == "~=":
            self.refuse(f"the operator {kind} is not supported; {', '.join(COMPARISONS)}, &&, || and ! are")
        if kind == "odd":
            self.refuse(_QUOTES)

    def _operand(self, base: Path) -> Node:
        token = self.advance()
        if token.kind in ("@", "$"):
            root = base if token.kind == "@" else Path(())
            node = self.steps(root)
            if self.token.kind == "[":
                self.refuse("a filter inside a filter is not supported")
            if node == root:
                self.refuse(f"{token.kind} alone is no value to test; name one, as in {token.kind}.KEY", token.start)
            return node
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value) or (token.text.lstrip("-").isdigit() and abs(int(token.text)) > 2**53):
                self.refuse("the number is too large", token.start)
            return Constant(value, (token.start, token.end))
        if token.kind == "text":
            return Constant(token.text[1:-1])
        if token.kind in LITERALS:
            return Constant(LITERALS[token.kind])
        if token.kind == "odd":
            self.refuse(_QUOTES, token.start)
        if token.kind in ("key", "quoted", "word"):
            self.refuse("a path inside a filter begins with @, as in @.KEY", token.start)
        return self.refuse("a path (@.KEY), a number or a text in single quotes must stand here", token.start)


def _holds_of_nothing(tree: Node, base: Path) -> bool:
    """Whether a condition may hold where the object that its @ stands for is missing."""
    if any(isinstance(n, Path) and n.keys[: len(base.keys)] != base.keys for n in walk(tree)):
        return True  # it also looks elsewhere
    return _of_nothing(tree)


def _of_nothing(node: Node) -> bool:
    if isinstance(node, And):
        return _of_nothing(node.left) and _of_nothing(node.right)
    if isinstance(node, Or):
        return _of_nothing(node.left) or _of_nothing(node.right)
    if isinstance(node, Not):
        return not _of_nothing(node.base)
    if isinstance(node, Compare):
        constants = isinstance(node.left, Constant), isinstance(node.right, Constant)
        if all(constants):
            return True
        # nothing equals nothing, and only nothing
        return (node.operator == "!=") if any(constants) else node.operator in ("==", "<=", ">=")
    return False
