"""What the three expression parsers share: tokens with their places, refusals that point at them, bounded depth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NoReturn

from explorer.errors import UsageError
from explorer.escape import printable
from explorer.recipe.expression import And, Node, Or

END = "the end"  # the kind of the token after the last
MAX_NESTING = 50  # parentheses within one another: each is some six calls deep
MAX_DEPTH = 100  # levels of a tree: what reads it goes down by recursion
MAX_NODES = 50_000  # of a tree: `a | . + . | . + .` doubles it with every |
MAX_LENGTH = 1_000_000  # characters of an expression
_LEFT_FOLDED = 16  # longer chains of `and` or `or` are halved, so that hundreds of conditions stay shallow
_SHOWN = 160
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
LITERALS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}


class RefusedError(UsageError):
    """An expression that cannot be read: its text, the place (an offset in characters) and the reason."""

    def __init__(self, text: str, place: int, reason: str) -> None:
        self.text, self.place, self.reason = text, place, reason
        super().__init__(f"{quoted(text)}: {where(text, place)}: {reason}")


def quoted(text: str) -> str:
    """An expression for a message: on one line, shortened, nothing invisible in it."""
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"


def where(text: str, place: int) -> str:
    rest = " ".join(text[place : place + 60].split())
    if not rest:
        return "at its end"
    shown = rest if len(rest) <= 24 else f"{rest[:23]}…"
    return f"at character {place + 1} ({printable(shown)})"


@dataclass(frozen=True)
class Token:
    """A piece of an expression. `kind` is the name of the pattern's group, or `END`; signs and words are their own
    kind, so that a parser asks for "&&" or "and"."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str, pattern: re.Pattern[str], words: frozenset[str] = frozenset()) -> list[Token]:
    """Cut a text by a pattern of named groups: `space` is left out, `sign` and the given words become their own kinds.

    Raises `RefusedError` at the first character that no group takes.
    """
    if len(text) > MAX_LENGTH:
        raise RefusedError(text, 0, f"longer than {MAX_LENGTH:,} characters")
    found = []
    at = 0
    while at < len(text):
        match = pattern.match(text, at)
        if match is None or match.end() == at:
            raise RefusedError(text, at, f"the character {printable(repr(text[at]))} has no meaning here")
        kind = match.lastgroup or ""
        if kind != "space":
            own = kind == "sign" or match.group() in words
            found.append(Token(match.group() if own else kind, match.group(), at, match.end()))
        at = match.end()
    return [*found, Token(END, "", len(text), len(text))]


class Cursor:
    """Tokens that are read one after another."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self.text = text
        self._tokens = found
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    @property
    def previous(self) -> Token:
        return self._tokens[self._at - 1]

    def peek(self, n: int = 1) -> Token:
        return self._tokens[min(self._at + n, len(self._tokens) - 1)]

    def advance(self) -> Token:
        token = self.token
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def accept(self, *kinds: str) -> Token | None:
        return self.advance() if self.token.kind in kinds else None

    def expect(self, kind: str, after: str) -> Token:
        if self.token.kind != kind:
            self.refuse(f"{kind} must follow {after}")
        return self.advance()

    def refuse(self, reason: str, place: int | None = None) -> NoReturn:
        raise RefusedError(self.text, self.token.start if place is None else place, reason)

    def deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self.refuse(f"nested more than {MAX_NESTING} levels deep; split the rule")

    def higher(self) -> None:
        self._depth -= 1

    def decoded(self, quoted: str, place: int) -> str:
        """What a JSON text in double quotes stands for."""
        try:
            found = json.loads(quoted, strict=False)
        except json.JSONDecodeError:
            self.refuse(r"escapes in texts are \" \\ \/ \b \f \n \r \t and \uXXXX", place)
        if any("\ud800" <= char <= "\udfff" for char in found):
            self.refuse("half of a surrogate pair is no text", place)
        return str(found)

    # operators by precedence climbing: jq and our own syntax

    powers: ClassVar[Mapping[str, int]] = {}

    def unary(self) -> Any:
        """An operand. Parsers that climb have one."""
        raise NotImplementedError

    def condition(self, value: Any, place: int) -> Node:
        """An operand of `and` or `or`, checked."""
        raise NotImplementedError

    def joined(self, operator: Token, left: Any, right: Any, start: int) -> Any:
        """What an operator makes of two operands; `start` is where the left one begins."""
        raise NotImplementedError

    def climb(self, level: int = 0) -> Any:
        """Operands joined by operators that bind tighter than `level`, from the left."""
        start = self.token.start
        left = self.unary()
        while (power := self.powers.get(self.token.kind, 0)) > level:
            operator = self.advance()
            if operator.kind in ("and", "or"):
                parts = [self.condition(left, start)]
                while True:
                    place = self.token.start
                    parts.append(self.condition(self.climb(power), place))
                    if not self.accept(operator.kind):
                        break
                left = chain(And if operator.kind == "and" else Or, parts)
                continue
            left = self.joined(operator, left, self.climb(power), start)
            if operator.kind in COMPARISONS and self.token.kind in COMPARISONS:
                self.refuse("comparisons cannot be chained; use parentheses or `and`")
        return left

    def finish(self, tree: Node) -> Node:
        """The tree, once all tokens are read. Raises `RefusedError` for a rest or for a tree that is too deep."""
        if self.token.kind != END:
            self.refuse("the expression should have ended here")
        self.check_size(tree)
        return tree

    def check_size(self, tree: Node) -> None:
        levels, nodes = _measured(tree)
        if levels > MAX_DEPTH:
            self.refuse(f"more than {MAX_DEPTH} levels deep; split the rule", 0)
        if nodes > MAX_NODES:
            self.refuse(f"more than {MAX_NODES:,} parts, each use of . after a | counted; split the rule", 0)


def children(node: Node) -> Iterator[Node]:
    for field in fields(node):
        inner = getattr(node, field.name)
        if isinstance(inner, Node):
            yield inner


def depth(tree: Node) -> int:
    """Levels of a tree."""
    return _measured(tree)[0]


def _measured(tree: Node) -> tuple[int, int]:
    """Levels and nodes of a tree, counted without recursion; parts that are shared are looked at once."""
    found: dict[int, tuple[int, int]] = {}
    stack = [(tree, False)]
    while stack:
        node, is_ready = stack.pop()
        if id(node) in found:
            continue
        inner = list(children(node))
        if is_ready:
            parts = [found[id(child)] for child in inner]
            found[id(node)] = (1 + max((p[0] for p in parts), default=0), 1 + sum(p[1] for p in parts))
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in inner)
    return found[id(tree)]


def chain(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """Conditions joined by `and` or `or`, from the left; long chains by halves."""
    if len(parts) > _LEFT_FOLDED:
        half = len(parts) // 2
        return kind(chain(kind, parts[:half]), chain(kind, parts[half:]))
    tree = parts[0]
    for part in parts[1:]:
        tree = kind(tree, part)
    return tree
