"""Our own syntax for conditions, read.

    word_count < 50                         the first span's score, or the value itself where it is a single one
    `odd key` > 0.5 and not present(pii)    keys with other characters in backticks
    coverage(duplicates) / n_chars > 0.3    measures of the text; characters that an attribute's spans cover
    sum(repeats, score * (end - start))     something of every span; max(key) and min(key) of their scores
    metadata.length < 500, source == "web"  values of the document
    *gopher_v?__word_count < 50             the one key that ends so, whatever its experiment is called

A comparison with a missing value does not hold; what is divided by 0 is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, cast

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
    walk,
)
from explorer.recipe.syntax import COMPARISONS, LITERALS, Cursor, RefusedError, Token, tokens

_PATTERN = re.compile(
    r"""(?P<space>\s+)
    | (?P<backticked>`(?:[^`]|``)*`)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_?]*)
    | (?P<sign>==|!=|<=|>=|&&|\|\||[<>=!+\-*/().,\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)
FIELDS = ("id", "source", "url", "host", "domain", "suffix", "language", "licence", "created", "text")
OBJECTS = ("metadata", "attributes")
MEASURES = ("n_chars", "n_words", "n_bytes", "n_tokens", "n_lines", "n_paragraphs")
WORDS = frozenset({"and", "or", "not", *LITERALS})
RESERVED = frozenset({*FIELDS, *OBJECTS, *MEASURES, *WORDS})
ITEMS = ("start", "end", "score")
_FOLDS = ("sum", "max", "min")
_MATCHES = ("contains", "startswith", "endswith")
FUNCTIONS = ("present", "count", *_FOLDS, "coverage", *_MATCHES)
_WRITTEN = {"&&": "and", "||": "or", "!": "not", "=": "=="}


def parse_plain(text: str) -> Expression:
    """A condition. Raises `RefusedError` (a `UsageError`) with the place and the reason."""
    parser = _Parser(text)
    found = parser.climb()
    return Expression(text, "plain", parser.finish(parser.condition(found, 0)))


def parse_plain_span(text: str) -> Expression:
    """The key of an attribute whose spans are replaced. Raises `RefusedError`."""
    parser = _Parser(text)
    tree = parser.finish(parser.climb())
    if not isinstance(tree, Path) or len(tree.keys) < 2 or tree.keys[0] != "attributes":
        raise RefusedError(text, 0, "the name of one attribute must stand here")
    return Expression(text, "plain", tree)


def resolved(expression: Expression, keys: Mapping[str, str]) -> Expression:
    """The expression with starred keys (`*gopher_v?__word_count`, star included) replaced by the given ones, in its
    text and tree. Others, and expressions in another syntax, stay."""
    if expression.syntax != "plain" or not any(key in keys for key in starred_keys(expression.tree)):
        return expression
    parser = _Parser(expression.text)
    parser.climb()
    text = expression.text
    for start, end, key in reversed(parser.starred):
        if key in keys:
            text = text[:start] + key_text(keys[key]) + text[end:]
    return parse_plain_span(text) if isinstance(expression.tree, Path) else parse_plain(text)


def starred_keys(tree: Node) -> list[str]:
    """Keys that stand for the one key that ends so, each once, in order."""
    keys = [n.keys[1] for n in walk(tree) if isinstance(n, Path) and n.keys[0] == "attributes" and len(n.keys) > 1]
    return [key for key in dict.fromkeys(keys) if key.startswith("*")]


def key_text(key: str, is_first: bool = True) -> str:
    """A key as it is written: bare where it can be, else in backticks."""
    is_bare = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) and not (is_first and key in RESERVED)
    if is_bare or (is_first and re.fullmatch(r"\*[A-Za-z_?][A-Za-z0-9_?]*", key)):
        return key
    return f"`{key.replace('`', '``')}`"


class _Parser(Cursor):
    powers: ClassVar[Mapping[str, int]] = {
        "or": 1, "and": 2, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6,
    }  # fmt: skip

    def __init__(self, text: str) -> None:
        super().__init__(text, tokens(text, _PATTERN, WORDS))
        self.starred: list[tuple[int, int, str]] = []
        self._is_item = False  # inside sum(key, ...)

    def condition(self, value: Any, place: int) -> Node:
        if self.token.kind in _WRITTEN:
            self.refuse(f"{self.token.kind} is written {_WRITTEN[self.token.kind]}")
        if not isinstance(value, Compare | And | Or | Not | Exists | Matches):
            self.refuse("this is a value, not a condition: compare it, or write present(...)", place)
        return cast("Node", value)

    def _value(self, node: Node, place: int) -> Node:
        if isinstance(node, Compare | And | Or | Not | Exists | Matches):
            self.refuse("this is a condition, not a value to compare or to compute with", place)
        return node

    def joined(self, operator: Token, left: Any, right: Any, start: int) -> Node:
        base, other = self._value(left, start), self._value(right, operator.end)
        if operator.kind in COMPARISONS:
            if self._is_item:
                self.refuse("of each span a number is computed, not a condition", operator.start)
            return Compare(operator.kind, base, other)  # type: ignore[arg-type]
        for node, place in ((base, start), (other, operator.end)):
            if isinstance(node, Constant) and node.place is None:
                self.refuse("texts, true, false and null are not computed with", place)
        return Arithmetic(operator.kind, base, other)  # type: ignore[arg-type]

    def unary(self) -> Node:
        start = self.token.start
        if self.accept("not"):
            self.deeper()
            found: Node = Not(self.condition(self.climb(3), self.previous.end))
            self.higher()
            return found
        if self.accept("-"):
            self.deeper()
            inner = self._value(self.unary(), start)
            self.higher()
            if isinstance(inner, Constant) and inner.place is not None and self.text[inner.place[0]] != "-":
                return Constant(-cast("float", inner.value), (start, inner.place[1]))
            return Arithmetic("-", Constant(0.0), inner)
        return self._primary()

    def _primary(self) -> Node:
        token = self.advance()
        if token.kind == "(":
            self.deeper()
            found = cast("Node", self.climb())
            self.higher()
            self.expect(")", "the expression in parentheses")
            return found
        if token.kind == "number":
            return self._number(token)
        if token.kind == "text":
            return Constant(self._text(token))
        if token.kind in LITERALS:
            return Constant(LITERALS[token.kind])
        if token.kind in ("name", "backticked") or self._is_star(token):
            if token.kind == "name" and self.token.kind == "(":
                return self._call(token)
            if self._is_item and token.kind == "name" and token.text in ITEMS:
                return Item(ITEMS.index(token.text))
            return self._path(token)
        if token.kind in _WRITTEN:
            self.refuse(f"{token.kind} is written {_WRITTEN[token.kind]}", token.start)
        return self.refuse("a key, a number, a text in quotes or a function must stand here", token.start)

    def _number(self, token: Token) -> Constant:
        try:
            value = float(token.text)
        except ValueError:
            self.refuse("this is not a number", token.start)
        if not math.isfinite(value):
            self.refuse("the number is too large", token.start)
        if self.token.start == token.end and self.token.kind in ("name", "number", *WORDS):
            self.refuse("this is neither a number nor a key; keys that begin with a digit stand in backticks",
                        token.start)  # fmt: skip
        return Constant(value, (token.start, token.end))

    def _text(self, token: Token) -> str:
        inner = token.text[1:-1]
        if token.text[0] == "'":
            inner = re.sub(r"\\'|\"", lambda m: "'" if m.group() == "\\'" else '\\"', inner)
        return self.decoded(f'"{inner}"', token.start)

    # values

    def _is_star(self, token: Token) -> bool:
        return token.kind == "*" and self.token.kind == "name" and self.token.start == token.end

    def _key(self, token: Token, is_first: bool) -> str:
        if token.kind == "backticked":
            return token.text[1:-1].replace("``", "`")
        if token.kind == "*" and is_first:
            return f"*{self.advance().text}"
        if token.kind not in ("name", *WORDS) or "?" in token.text:
            self.refuse("a key must stand here; one with other characters stands in backticks", token.start)
        return token.text

    def _path(self, token: Token) -> Node:
        if self._is_item:
            self.refuse("of each span only start, end and score are known", token.start)
        name = self._key(token, is_first=True)
        is_name = token.kind == "name"
        if is_name and name in MEASURES:
            return self._single(Measure(name), name)
        if is_name and name in FIELDS:
            return self._single(Path((name,)), name)
        if name.startswith("*"):
            self.starred.append((token.start, self.previous.end, name))
        keys = (name,) if is_name and name in OBJECTS else ("attributes", name)
        while self.token.kind == "." and self.accept("."):
            keys = (*keys, self._key(self.advance(), is_first=False))
        node: Node = Path(keys)
        if self.token.kind == "[":
            node = Index(node, self._position())
            if self.accept("."):
                name = self.advance().text
                if name not in ITEMS:
                    self.refuse("a span has .start, .end and .score", self.previous.start)
                return Index(node, ITEMS.index(name))
            if self.token.kind == "[":
                node = Index(node, self._position())
        return node

    def _single(self, node: Node, name: str) -> Node:
        if self.token.kind in (".", "["):
            self.refuse(f"{name} is a single value; an attribute of that name is written `{name}`")
        return node

    def _position(self) -> int:
        self.expect("[", "a list")
        sign = -1 if self.accept("-") else 1
        token = self.advance()
        if not re.fullmatch(r"[0-9]{1,9}", token.text):
            self.refuse("a whole number must stand here: [0] is the first, [-1] the last", token.start)
        self.expect("]", "a position")
        return sign * int(token.text)

    def _call(self, name: Token) -> Node:
        if name.text not in FUNCTIONS:
            self.refuse(f"there is no function {name.text}; functions: {', '.join(FUNCTIONS)}", name.start)
        if self._is_item:
            self.refuse("of each span only start, end and score are known", name.start)
        self.expect("(", "a function")
        self.deeper()
        start = self.token.start
        base = self.unary()
        found = self._called(name, base, start)
        self.higher()
        self.expect(")", f"the arguments of {name.text}")
        return found

    def _called(self, name: Token, base: Node, start: int) -> Node:
        is_attribute = isinstance(base, Path) and base.keys[0] == "attributes" and len(base.keys) > 1
        if name.text in _MATCHES:
            self._value(base, start)
            self.expect(",", "the value")
            token = self.advance()
            if token.kind != "text":
                self.refuse("a text in quotes must stand here", token.start)
            return Matches(name.text, base, self._text(token))  # type: ignore[arg-type]
        if name.text in ("present", "count"):
            if not isinstance(base, Path | Index):
                self.refuse(f"{name.text}(...) takes a key", start)
            return Exists(base) if name.text == "present" else Length(base)
        if not is_attribute:
            self.refuse(f"{name.text}(...) takes the key of an attribute", start)
        if name.text == "coverage":
            return Coverage(base)
        item: Node = Item(2)
        if self.accept(","):
            self._is_item = True
            start = self.token.start
            item = self._value(self.climb(), start)
            self._is_item = False
            if any(isinstance(n, Constant) and n.place is None and n.value != 0 for n in walk(item)):
                self.refuse("of each span a number is computed", start)
        return Fold(name.text, base, item)  # type: ignore[arg-type]
