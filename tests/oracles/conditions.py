"""Random documents and random conditions for the comparison with the mixer; the same on every run."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.corpora import write_jsonl

SETS = ("b", "a", "c")  # in the order in which they are loaded
_INTEGERS = (0, 1, 2, 3, -1, 60)
_DECIMALS = (0.0, 1.0, 0.5, 0.25, 2.5, -0.5, 60.0, 1e-05)
_TEXTS = ("", "abc", "abd", "é", "1", "B")
_NUMBERS = ("0", "1", "0.5", "1.0", "-1", "2", "0.0", "60", "2.5")
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
# What a key's values are like. Of every shape at once only one is; T is as taggers write them, Z is never there.
_SHAPES = {
    "K": ("spans", "spans", "number", "bool", "text", "null", "object"),
    "L": ("spans", "spans", "number"),
    "P": ("object", "object", "null"),
    "S": ("number", "number", "bool", "text"),
    "R": ("spans", "text"),
    "k": ("spans", "spans", "null"),
    "Q.q": ("spans",),
}
Row = dict[str, Any]


def value(rng: random.Random, key: str, scores: Sequence[float]) -> Any:
    """A value of one of the shapes that a key may have, with numbers out of `scores`."""
    kind = rng.choice(_SHAPES[key])
    if kind == "spans":
        return [[n, n + 2, rng.choice(scores)] for n in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    if kind == "number":
        return rng.choice(scores)
    if kind == "bool":
        return rng.choice((True, False))
    if kind == "text":
        return rng.choice(_TEXTS)
    if kind == "null":
        return None
    if rng.random() < 0.5:
        return {"x": [[0, 1, rng.choice(scores)]] * rng.choice((0, 1, 2)), "t": rng.choice((True, False))}
    return {"x": rng.choice(scores), "y": {"z": rng.choice(_TEXTS)}}


def documents(n: int, rng: random.Random) -> list[tuple[Row, dict[str, Row | None]]]:
    """Documents, and the row of each set: None where its file is empty, no entry where there is no file."""
    found = []
    for number in range(n):
        row: Row = {"id": f"d{number}", "source": rng.choice(("web", "wiki")), "text": "é" * rng.choice((0, 1, 3, 7))}
        row["metadata"] = {
            key: rng.choice((0, 1, 1.0, 0.5, 2, True, "abc", "é", -1)) for key in ("m", "n") if rng.random() < 0.8
        }
        row["metadata"]["always"] = number
        if rng.random() < 0.3:  # a row's own attributes are there before any set
            row["attributes"] = {key: value(rng, key, _INTEGERS) for key in ("K", "R") if rng.random() < 0.7}
        sides: dict[str, Row | None] = {}
        for name in SETS:
            state = rng.random()
            if state < 0.06:
                continue  # no such file
            keys = {"b": ("K", "P", "S"), "a": ("K", "L", "k"), "c": ("S", "Q.q", "L")}[name]
            attributes = {
                key: value(rng, key, _DECIMALS if key in "KPk" else _INTEGERS) for key in keys if rng.random() < 0.75
            }
            if name == "b" and rng.random() < 0.7:  # one key that is always spans, as taggers write them
                attributes["T"] = [[0, len(row["text"]), rng.choice(_DECIMALS)]]
            sides[name] = None if state < 0.12 else {"id": row["id"], "attributes": attributes}
        found.append((row, sides))
    return found


def write(root: Path, found: Sequence[tuple[Row, Mapping[str, Row | None]]]) -> Path:
    """A shard for each document: where one fails in the mixer, no other is lost."""
    for row, sides in found:
        write_jsonl(root / "documents" / f"{row['id']}.jsonl", [row])
        for name, side in sides.items():
            write_jsonl(root / "attributes" / name / f"{row['id']}.jsonl", [side] if side else [])
    return root


_STEPS = (
    "", "", "[0][2]", "[0][2]", "?", "[0]?", "[-1][2]", "[1][2]", "[0]", "[0]?[2]?", "[-2][-1]", "[0][3]",
)  # fmt: skip
_TESTS = ("startswith", "endswith", "contains")
_QUOTED = ('"a"', '"bc"', '"é"', '"w"', '""')
_KEYS = ("K", "K", "L", "P", "S", "T", "Z", "R", "k", "Q.q")


class JsonPaths:
    """Conditions in the mixer's jsonpath."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def condition(self) -> str:
        kind = self.rng.randrange(20)
        if kind == 0:
            return f"$.attributes{self.steps()}"
        if kind == 1:
            return f"$.attributes.T[?(@[2] {self.rng.choice(_COMPARISONS)} {self.rng.choice(_NUMBERS)})]"
        if kind == 2:
            return f"$.metadata[?({self.within('metadata', 2)})]"
        if kind == 3:
            return f"$[?({self.within('', 2)})]"
        if kind == 4:
            return f"$@.attributes[?({self.within('attributes', 1)})]"
        if kind == 5:
            return f"$.{self.rng.choice(('metadata.m', 'metadata.n', 'source', 'metadata', 'attributes.K.x[0][2]'))}"
        if kind < 9:
            return f"$.attributes[?({self.guarded()})]"
        return f"$.attributes[?({self.within('attributes', 3)})]"

    def guarded(self) -> str:
        key, operator, number = self.rng.choice("KLST"), self.rng.choice(_COMPARISONS), self.rng.choice(_NUMBERS)
        return f"@.{key} && @.{key}[0] && @.{key}[0][2] {operator} {number}"

    def within(self, base: str, depth: int) -> str:
        kind = self.rng.randrange(10)
        if depth == 0 or kind < 4:
            return self.atom(base)
        if kind == 4:
            return f"!({self.within(base, depth - 1)})"
        if kind == 5:
            return f"({self.within(base, depth - 1)})"
        sign = "&&" if kind < 8 else "||"
        return f"{self.within(base, depth - 1)} {sign} {self.within(base, depth - 1)}"

    def atom(self, base: str) -> str:
        kind = self.rng.randrange(10)
        if kind < 2:
            return self.operand(base)
        if kind == 2:
            return f"!{self.operand(base)}"
        left, right = self.operand(base), self.operand(base) if kind == 3 else self.constant()
        operator = self.rng.choice(_COMPARISONS)
        if kind == 4:
            left, right = right, left
        return f"{left} {operator} {right}"

    def constant(self) -> str:
        return self.rng.choice((*_NUMBERS, *_NUMBERS, "true", "false", "null", "'abc'", "'é'", "''"))

    def operand(self, base: str) -> str:
        kind = self.rng.randrange(8)
        if kind == 0:
            return self.rng.choice(
                ("$.metadata.m", "$.metadata.n", "$.source", "$.attributes.K", "$.attributes.T[0][2]")
            )
        if base == "attributes":
            return f"@{self.steps()}"
        if base == "metadata":
            return self.rng.choice(("@.m", "@.n", "@.gone", "@['m']"))
        return self.rng.choice((f"@.attributes{self.steps()}", "@.metadata.m", "@.metadata.n", "@.source", "@.id"))

    def steps(self) -> str:
        key = self.rng.choice(_KEYS)
        path = f"['{key}']" if "." in key or self.rng.random() < 0.1 else f".{key}"
        kind = self.rng.randrange(10)
        if kind < 3:
            return path
        if kind == 3:
            return f"{path}.{self.rng.choice(('x', 't', 'y.z', 'x[0][2]', 'x[0]', 'y', 'x[-1:][2]'))}"
        if kind == 4:
            return f"{path}[{self.rng.randrange(3)}]"
        if kind == 5:
            return f"{path}[-1:][{self.rng.randrange(4)}]"
        if kind == 6:
            return f"{path}[{self.rng.randrange(3)}][{self.rng.randrange(4)}]"
        return f"{path}[0][2]"


class Jq:
    """Conditions in jq; many of them fail for some documents."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def condition(self) -> str:
        kind = self.rng.randrange(12)
        if kind == 0:
            return self.typed()
        if kind == 1:
            return self.weighted()
        if kind == 2:
            return self.called()
        if kind == 3:
            return self.value(2)
        return self.within(3)

    def called(self) -> str:
        choice = self.rng.choice
        return choice((
            f'.attributes | has("{choice(_KEYS)}")',
            f'.metadata | has("{choice(("m", "n", "gone"))}")',
            f"select({self.within(2)})",
            "any(.attributes.T[]; .[2] > 0.5)",
            "all(.attributes.T[]; .[2] >= 0.5)",
            f".attributes | {self.within(1).replace('.attributes.', '.')}",
            f".{choice(('metadata.m', 'source', 'id'))} | {choice(_TESTS)}({choice(_QUOTED)})",
        ))  # fmt: skip

    def typed(self) -> str:
        path, number = self.path(), self.rng.choice(_NUMBERS)
        is_list = f'({path} | type) == "array"'
        kind = self.rng.choice(("array", "null", "object", "number", "string", "boolean"))
        return self.rng.choice((
            f'{path} | if type == "array" and length > 0 then .[0][2] {self.sign()} {number} else false end',
            f"if {is_list} then {path} | length {self.sign()} {number} else {self.atom()} end",
            f"{path} != null and {is_list} and ({path} | length) > 0 and {path}[0][2] {self.sign()} {number}",
            f"if {path} == null then {self.atom()} elif {is_list} then {path}[0][2] > {number} else {self.atom()} end",
            f'({path} | type) == "{kind}"',
        ))  # fmt: skip

    def weighted(self) -> str:
        path, number = self.path(), self.rng.choice(_NUMBERS)
        item = self.rng.choice((".[2]", ".[2] * (.[1] - .[0])", ".[1] - .[0]", ".[2] + 1", ".[0]"))
        fold = self.rng.choice(("add", "add", "max", "min"))
        return self.rng.choice((
            f"({path} | length == 0) or (({path} | map({item}) | {fold}) / (.text | length) <= {number})",
            f"({path} | map({item}) | {fold}) {self.sign()} {number}",
            f"({path} // [] | map({item}) | {fold}) {self.sign()} {number}",
            f"[{path}[] | {item}] | {fold} {self.sign()} {number}",
            f"[{path}[]? | {item}] | {fold} {self.sign()} {number}",
            f"{path} | any(.[]; .[2] {self.rng.choice(('<', '<=', '>', '>='))} {number})",
            f"({path} // [])[0][2] {self.sign()} {number}",
        ))  # fmt: skip

    def within(self, depth: int) -> str:
        kind = self.rng.randrange(12)
        if depth == 0 or kind < 4:
            return self.atom()
        if kind == 4:
            return f"({self.within(depth - 1)} | not)"
        if kind == 5:
            return f"if {self.within(depth - 1)} then {self.within(depth - 1)} else {self.within(depth - 1)} end"
        if kind == 6:
            return f"(({self.within(depth - 1)}) // {self.within(depth - 1)})"
        if kind == 7:
            return f"({self.within(depth - 1)})?"
        sign = "and" if kind < 10 else "or"
        return f"({self.within(depth - 1)} {sign} {self.within(depth - 1)})"

    def atom(self) -> str:
        kind = self.rng.randrange(8)
        if kind == 0:
            return self.value(1)
        left, right = self.value(1), self.value(1) if kind == 1 else self.constant()
        if kind == 2:
            left, right = right, left
        return f"{left} {self.sign()} {right}"

    def sign(self) -> str:
        return self.rng.choice(_COMPARISONS)

    def constant(self) -> str:
        return self.rng.choice((*_NUMBERS, *_NUMBERS, "true", "false", "null", '"abc"', '"é"', '""'))

    def value(self, depth: int) -> str:
        kind = self.rng.randrange(14)
        if kind == 0:
            return self.rng.choice(
                (".metadata.m", ".metadata.n", ".source", ".metadata.gone", ".attributes", ".metadata")
            )
        if kind == 1:
            return self.rng.choice(("(.text | length)", "(.source | length)", "(.metadata.m | length)"))
        if kind == 2:
            return f"({self.path()} | length)"
        if kind == 3:
            return f"({self.path()} | type)"
        if kind == 4 and depth:
            return f"({self.value(depth - 1)} {self.rng.choice('+-*/')} {self.value(depth - 1)})"
        if kind == 5 and depth:
            return f"({self.value(depth - 1)} // {self.constant()})"
        if kind == 6 and depth:
            return f"({self.value(depth - 1)} {self.rng.choice('+-*/')} {self.rng.choice(_NUMBERS)})"
        if kind == 7 and depth:
            return f"({self.path()}[0][2]? // {self.rng.choice(_NUMBERS)})"
        return self.path() + self.rng.choice(_STEPS)

    def path(self) -> str:
        key = self.rng.choice((*_KEYS, "T", "T"))
        path = f'.attributes["{key}"]' if "." in key or self.rng.random() < 0.1 else f".attributes.{key}"
        return path + self.rng.choice(("",) * 9 + (".x", ".t", ".y.z", ".x?"))


def spoiled(text: str, rng: random.Random) -> str:
    """A text with one character taken out, put in or changed."""
    at = rng.randrange(2, len(text))
    more = rng.choice(" .[]()@$!&|<>=?'\"0-1e,:")
    return text[:at] + rng.choice(("", more, more + text[at])) + text[at + 1 :]
