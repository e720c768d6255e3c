"""The three syntaxes of conditions: what they are read as, what is refused, and that numbers can be moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    substitute,
    thresholds,
    walk,
)
from explorer.recipe.parse import moved, number_text, parse, parse_span
from explorer.recipe.plain import key_text, resolved
from explorer.recipe.printing import to_plain
from explorer.recipe.showing import shown
from explorer.recipe.syntax import MAX_DEPTH, RefusedError, depth
from explorer.recipe.to_jq import to_jq


def bare(tree: Node) -> Node:
    """The tree without the places of its numbers."""
    for node in list(walk(tree)):
        if isinstance(node, Constant) and node.place is not None:
            tree = substitute(tree, node, replace(node, place=None))
    return tree


def number(value: float) -> Constant:
    return Constant(float(value))


K = Path(("attributes", "K"))
FIRST = Index(Index(K, 0), 2)
A, B, C = (Path(("attributes", name)) for name in "abc")
IS_A, IS_B, IS_C = Exists(A), Exists(B), Exists(C)

JSONPATH: list[tuple[str, Node]] = [
    ("$.attributes[?(@.K && @.K[0] && @.K[0][2] < 50)]",
     And(And(Exists(K), Exists(Index(K, 0))), Compare("<", FIRST, number(50)))),
    ("$@.attributes[?(@.K[0][2] >= 1.0)]", Compare(">=", FIRST, number(1))),
    ("$.attributes[?(@.a || @.b && @.c)]", Or(IS_A, And(IS_B, IS_C))),
    ("$.attributes[?(@.a && @.b || @.c)]", Or(And(IS_A, IS_B), IS_C)),
    ("$.attributes[?((@.a || @.b) && @.c)]", And(Or(IS_A, IS_B), IS_C)),
    ("$.attributes[?(@.a && !@.b)]", And(IS_A, Not(IS_B))),
    ("$.attributes[?(!@.a == 1 || @.b)]",
     And(Exists(Path(("attributes",))), Or(Not(Compare("==", A, number(1))), IS_B))),
    ("$.attributes[?(!(@.a || @.b) && @.c)]", And(Not(Or(IS_A, IS_B)), IS_C)),
    ("$.metadata[?(@.length < 10000)]", Compare("<", Path(("metadata", "length")), number(10000))),
    ("$[?(@.source == 's')]", Compare("==", Path(("source",)), Constant("s"))),
    ("$.attributes.K", Exists(K)),
    ("$.attributes['K']", Exists(K)),
    ("$['attributes'].['odd key'].x", Exists(Path(("attributes", "odd key", "x")))),
    ("$.attributes[?(@['K'][0][2] > 0.5)]", Compare(">", FIRST, number(0.5))),
    ("$.attributes[?(@.K[-1:][2] > 0.5)]", Compare(">", Index(Index(K, -1), 2), number(0.5))),
    ("$.attributes[?(@.pii.too_much_pii == true)]",
     Compare("==", Path(("attributes", "pii", "too_much_pii")), Constant(True))),
    ("$.attributes[?(@.e__t____label__toxic[0][2] > 4e-1)]",
     Compare(">", Index(Index(Path(("attributes", "e__t____label__toxic")), 0), 2), number(0.4))),
    ("$.attributes[?(@.a-b/c#d > 1)]", Compare(">", Path(("attributes", "a-b/c#d")), number(1))),
    ("$.attributes[?(0.5 < @.K)]", Compare("<", number(0.5), K)),
    ("$.attributes[?(@.a == @.b)]", And(Exists(Path(("attributes",))), Compare("==", A, B))),
    ("$.attributes[?(@.a < @.b)]", Compare("<", A, B)),
    ("$.attributes[?(@.a == null)]", Compare("==", A, Constant(None))),
    ("$.metadata[?(@.x != 5)]",
     And(Exists(Path(("metadata",))), Compare("!=", Path(("metadata", "x")), number(5)))),
    ("$[?(@.metadata.x != 5)]", Compare("!=", Path(("metadata", "x")), number(5))),
    ("$.attributes[?($.source == 'x' && @.a)]",
     And(Exists(Path(("attributes",))), And(Compare("==", Path(("source",)), Constant("x")), IS_A))),
    ("$.attributes.K[?(@[2] > 0.5)]", Compare(">", Fold("max", K, Item(2)), number(0.5))),
    ("$.attributes.K[?(0.5 > @[1])]", Compare("<", Fold("min", K, Item(1)), number(0.5))),
    (" $ .attributes [ ?(\n @ .K [ 0 ] [2]\t<50 \n) ] ", Compare("<", FIRST, number(50))),
]  # fmt: skip

IS_ARRAY = Compare("==", TypeOf(K), Constant("array"))
JQ: list[tuple[str, Node]] = [
    (".attributes.K[0][2] < 50", Compare("<", FIRST, number(50))),
    ('.attributes["K"][0][-1] > 1', Compare(">", Index(Index(K, 0), -1), number(1))),
    ('.["attributes"]."K" == null', Compare("==", K, Constant(None))),
    (".attributes?.K?", K),
    (".attributes.K[0]?[2]? > 1", Compare(">", Try(Index(Try(Index(K, 0)), 2)), number(1))),
    ("(.attributes.K[0][2])? > 1", Compare(">", Try(FIRST), number(1))),
    (".attributes.K[0][2]?",
     If(Compare("==", TypeOf(Index(K, 0)), Constant("")), Constant(None), Try(FIRST))),
    (".attributes.K.x?", Try(Path(("attributes", "K", "x")))),
    (".attributes.pii?.email?[0]?", Try(Index(Try(Path(("attributes", "pii", "email"))), 0))),
    (".attributes.a or .attributes.b and .attributes.c", Or(A, And(B, C))),
    (".attributes.a and .attributes.b | not", Not(And(A, B))),
    (".attributes | .a and (.b | not)", And(A, Not(B))),
    (".attributes.a // .attributes.b or .attributes.c", Otherwise(A, Or(B, C))),
    (".attributes.a // .attributes.b == 1", Otherwise(A, Compare("==", B, number(1)))),
    ("1 - 2 * 3 - 4 < -5", Compare("<", Arithmetic("-", Arithmetic("-", number(1), Arithmetic("*", number(2),
     number(3))), number(4)), number(-5))),
    (".attributes.K | length > 0", Compare(">", Length(K), number(0))),
    (".text | length > 14", Compare(">", Length(Path(("text",))), number(14))),
    (".attributes.K | if type == \"array\" and length > 0 and .[0][2] != null then .[0][2] < 0.8 else false end",
     If(And(And(IS_ARRAY, Compare(">", Length(K), number(0))), Compare("!=", FIRST, Constant(None))),
        Compare("<", FIRST, number(0.8)), Constant(False))),
    ("if .attributes.a then 1 elif .attributes.b then 2 else 3 end", If(A, number(1), If(B, number(2), number(3)))),
    ("((.attributes.K | map(.[2]*(.[1]-.[0])) | add) / (.text | length)) <= 0.3",
     Compare("<=", Arithmetic("/", Fold("sum", K, Arithmetic("*", Item(2), Arithmetic("-", Item(1), Item(0)))),
                              Length(Path(("text",)))), number(0.3))),
    ("[.attributes.K[] | .[2] * 2] | max > 1", Compare(">", Fold("max", K, Arithmetic("*", Item(2), number(2))),
     number(1))),
    (".attributes.K | [.[][2]] | min > 1", Compare(">", Fold("min", K, Item(2)), number(1))),
    (".attributes.K | any(.[2] > 0.5)", Compare(">", Fold("max", K, Item(2)), number(0.5))),
    ("any(.attributes.K[]; .[2] < 0.5)",
     And(Compare("!=", Fold("min", K, Item(2)), Constant(None)), Compare("<", Fold("min", K, Item(2)), number(0.5)))),
    (".attributes.K | map(.[2] >= 0.5) | all",
     Or(Compare("==", Fold("min", K, Item(2)), Constant(None)), Compare(">=", Fold("min", K, Item(2)), number(0.5)))),
    ("(.attributes.K // []) | length > 0", Compare(">", If(K, Length(K), number(0)), number(0))),
    ("((.attributes.K // []) | map(.[2]) | add // 0) > 1",
     Compare(">", Otherwise(If(K, Fold("sum", K, Item(2)), Constant(None)), number(0)), number(1))),
    ('.attributes | has("K")', Exists(K)),
    ('.attributes.K | type == "object" and has("x")',
     And(Compare("==", TypeOf(K), Constant("object")), If(Compare("==", TypeOf(K), Constant("object")),
         Exists(Path(("attributes", "K", "x"))), Path(("attributes", "K", "x"))))),
    ('.metadata.name | startswith("x\\u0041")', Matches("startswith", Path(("metadata", "name")), "xA")),
    ("select(.attributes.a == 1)", Compare("==", A, number(1))),
    (".attributes | select(.a)", If(A, Constant(True), Constant(False))),
    (".attributes.K | if . then true else false end", If(K, Constant(True), Constant(False))),
    (".attributes.K[0][2] | . > 0.5 and . < 0.8", And(Compare(">", FIRST, number(0.5)), Compare("<", FIRST,
     number(0.8)))),
    ("(.attributes.a # the first\n) and .attributes.b", And(A, B)),
]  # fmt: skip

PLAIN: list[tuple[str, Node]] = [
    ("word_count < 50", Compare("<", Path(("attributes", "word_count")), number(50))),
    ("`odd ``key`.`x y`.z > 1_000.5e1", Compare(">", Path(("attributes", "odd `key", "x y", "z")), number(10005))),
    ("*gopher_v?__word_count < 50", Compare("<", Path(("attributes", "*gopher_v?__word_count")), number(50))),
    ("a * b > 1", Compare(">", Arithmetic("*", A, B), number(1))),
    ("metadata.length < 500", Compare("<", Path(("metadata", "length")), number(500))),
    ("source == \"we\\\"b\" or domain == 'it\\'s \"x\"'",
     Or(Compare("==", Path(("source",)), Constant('we"b')), Compare("==", Path(("domain",)), Constant("it's \"x\"")))),
    ("`source` == true", Compare("==", Path(("attributes", "source")), Constant(True))),
    ("n_words / n_chars < .5", Compare("<", Arithmetic("/", Measure("n_words"), Measure("n_chars")), number(0.5))),
    ("present(K) and count(K) == 0", And(Exists(K), Compare("==", Length(K), number(0)))),
    ("max(K) > min(K, start)", Compare(">", Fold("max", K, Item(2)), Fold("min", K, Item(0)))),
    ("sum(K, score * (end - start)) > 3",
     Compare(">", Fold("sum", K, Arithmetic("*", Item(2), Arithmetic("-", Item(1), Item(0)))), number(3))),
    ("coverage(K) / n_chars > 0.3", Compare(">", Arithmetic("/", Coverage(K), Measure("n_chars")), number(0.3))),
    ("K[0].start < K[-1].score", Compare("<", Index(Index(K, 0), 0), Index(Index(K, -1), 2))),
    ("not a == 1 and not not b == 2", And(Not(Compare("==", A, number(1))), Not(Not(Compare("==", B, number(2)))))),
    ("a == 1 or b == 1 and c == 1", Or(Compare("==", A, number(1)), And(Compare("==", B, number(1)),
     Compare("==", C, number(1))))),
    ("a - b - -2 > -c",
     Compare(">", Arithmetic("-", Arithmetic("-", A, B), number(-2)), Arithmetic("-", number(0), C))),
    ('contains(url, "x") and endswith(pii.who, "y")',
     And(Matches("contains", Path(("url",)), "x"), Matches("endswith", Path(("attributes", "pii", "who")), "y"))),
    ("start > 1", Compare(">", Path(("attributes", "start")), number(1))),
    ("max > max(max)", Compare(">", Path(("attributes", "max")), Fold("max", Path(("attributes", "max")), Item(2)))),
]  # fmt: skip

READ: list[tuple[Syntax, str, Node]] = [
    *(("jsonpath", text, tree) for text, tree in JSONPATH),
    *(("jq", text, tree) for text, tree in JQ),
    *(("plain", text, tree) for text, tree in PLAIN),
]


@pytest.mark.parametrize(("syntax", "text", "tree"), READ, ids=[text for _, text, _ in READ])
def test_read(syntax: Syntax, text: str, tree: Node) -> None:
    found = parse(text, syntax)
    assert (found.text, found.syntax) == (text, syntax)
    assert bare(found.tree) == tree


@pytest.mark.parametrize(("syntax", "text", "tree"), READ, ids=[text for _, text, _ in READ])
def test_places(syntax: Syntax, text: str, tree: Node) -> None:
    """Every number's place holds that number."""
    for node in walk(parse(text, syntax).tree):
        if isinstance(node, Constant) and isinstance(node.value, float) and node.place is not None:
            written = text[slice(*node.place)].replace(" ", "")
            assert float(written) == node.value


REFUSED: list[tuple[Syntax, str, int, str]] = [
    ("jsonpath", "$..K", 2, "every level"),
    ("jsonpath", "$.attributes.*", 13, "key or a position"),
    ("jsonpath", "$.attributes[?(@.K ~= 'a')]", 20, "~= is not supported"),
    ("jsonpath", "$.attributes[?(@.K in ['a'])]", 20, "in is not supported"),
    ("jsonpath", "$.attributes[?(@.K size 3)]", 20, "size is not supported"),
    ("jsonpath", "$.attributes[?(@.K.length() > 1)]", 19, "length() is not supported"),
    ("jsonpath", "$.attributes[?(@.K[0:1][2] > 1)]", 21, "several values"),
    ("jsonpath", "$.attributes[?(@.K[0,1])]", 21, "several values"),
    ("jsonpath", "$.attributes[?(@.K[*] > 1)]", 20, "several values"),
    ("jsonpath", "$.attributes[?(@.K[-1] > 1)]", 20, "[-1:]"),
    ("jsonpath", "$.attributes[?(@.K[00] > 1)]", 21, "] must follow"),
    ("jsonpath", '$.attributes[?(@.K == "a")]', 23, "single quotes"),
    ("jsonpath", '$.attributes["K"]', 14, "single quotes"),
    ("jsonpath", "$.attributes[?(@.K == 'a\\'b')]", 23, "single quotes"),
    ("jsonpath", "$.attributes[?(@[ 'K' ])]", 19, "whitespace"),
    ("jsonpath", "$.attributes[?(@. K)]", 17, "key or a position"),
    ("jsonpath", "$.attributes[?(!!@.K)]", 17, "!!"),
    ("jsonpath", "$.attributes[?((@.K) == 1)]", 22, "not conditions in parentheses"),
    ("jsonpath", "$.attributes[?(@.K == 1 == 1)]", 25, "chained"),
    ("jsonpath", "$.attributes[?(@.K > 1.)]", 23, "should have ended"),
    ("jsonpath", "$.attributes[?(@.K > .5)]", 22, "begins with @"),
    ("jsonpath", "$.attributes[?(@.K > 1e400)]", 22, "too large"),
    ("jsonpath", "$.attributes[?(.K)]", 16, "begins with @"),
    ("jsonpath", "$.attributes[?@.K]", 15, "parentheses"),
    ("jsonpath", "$.attributes[?(true)]", 16, "every document"),
    ("jsonpath", "$.attributes[?(@)]", 16, "@ alone"),
    ("jsonpath", "$.attributes[?(@.K[?(@[2] > 1)])]", 19, "filter inside a filter"),
    ("jsonpath", "$.attributes.K[?(@.x == 1)]", 18, "put the whole path into the filter"),
    ("jsonpath", "$.attributes.K[?(@[2] == 1)]", 23, "use < or >"),
    ("jsonpath", "$.attributes[?(@.K)].x", 21, "nothing may follow"),
    ("jsonpath", "$.attributes.é", 14, "no meaning"),
    ("jsonpath", "$", 1, "every document"),
    ("jsonpath", "attributes.K", 1, "begins with $"),
    ("jsonpath", "", 1, "begins with $"),
    ("jsonpath", "$.attributes[0]", 14, "an object"),
    ("jq", ".attributes.a, .attributes.b", 14, "several outputs"),
    ("jq", ".attributes.K[]", 1, "several values"),
    ("jq", ".attributes.K[0:1]", 16, "slices"),
    ("jq", ".attributes.K | add", 17, "lists of numbers"),
    ("jq", ".attributes.K | map(.[2]) | length", 29, "mapped list"),
    ("jq", ".attributes.K | map(.[2] | tostring) | add", 28, "tostring is not supported"),
    ("jq", ".attributes.K | map(.[3]) | add", 23, "three numbers"),
    ("jq", ".attributes.K | any(.[2] == 1)", 17, "< or >"),
    ("jq", "if .attributes.a then .attributes.b end", 37, "without `else`"),
    ("jq", ".attributes.if", 13, "keyword"),
    ("jq", ".attributes.a as $x | $x", 15, "not supported"),
    ("jq", "$__loc__", 1, "not supported"),
    ("jq", ".attributes.a |= 1", 15, "not supported"),
    ("jq", ".attributes.a % 2", 15, "not supported"),
    ("jq", "1 < 2 < 3", 7, "chained"),
    ("jq", "1 < 2 == true", 7, "chained"),
    ("jq", ".5 == 1", 1, "a digit before the point"),
    ("jq", "0100 == 100", 1, "not a number"),
    ("jq", "99999999999999999999 > 1", 1, "too large"),
    ("jq", '.metadata.name | test("x")', 18, "test(...) is not supported"),
    ("jq", '"\\(1)" == "1"', 1, "inside a text"),
    ("jq", '"\\x" == "x"', 1, "escapes"),
    ("jq", '"\\ud800" == "x"', 1, "surrogate"),
    ("jq", "'a' == 'a'", 1, "no meaning"),
    ("jq", ".attributes.K[0] | true or .[2] > 1", 18, "may not look at"),
    ("jq", ".attributes.K[0]? | . // 1", 19, "may not look at"),
    ("jq", "(.attributes.a)?.b", 17, "no key after this ?"),
    ("jq", ".attributes | select(.a) | .b", 15, "end of the whole"),
    ("jq", ".", 1, "holds always"),
    ("jq", "..", 1, ".. is not supported"),
    ("jq", ".attributes.a #", 15, "no meaning"),
    ("jq", "(.attributes.a", 15, ") must follow"),
    ("jq", "", 1, "a value must stand here"),
    ("plain", "a and b == 1", 1, "a value, not a condition"),
    ("plain", "a = 1", 3, "written =="),
    ("plain", "a == 1 && b == 1", 8, "written and"),
    ("plain", "!a == 1", 1, "written not"),
    ("plain", "1 < a < 2", 7, "chained"),
    ("plain", "(a == 1) == 2", 1, "a condition, not a value"),
    ("plain", "2grams > 1", 1, "backticks"),
    ("plain", "a-b.c? > 1", 5, "backticks"),
    ("plain", "word_count", 1, "a value, not a condition"),
    ("plain", "counts(a) > 1", 1, "no function counts"),
    ("plain", "coverage(n_chars) > 1", 10, "key of an attribute"),
    ("plain", "sum(a, b) > 1", 8, "start, end and score"),
    ("plain", "n_words.x > 1", 8, "single value"),
    ("plain", "a > 'x", 5, "no meaning"),
    ("plain", 'a + "x" > 1', 4, "not computed with"),
    ("plain", "a > 1e999", 5, "too large"),
    ("plain", "a[0].middle > 1", 6, ".start, .end and .score"),
    ("plain", "a[x] > 1", 3, "whole number"),
    ("plain", "a[99999999999] > 1", 3, "whole number"),
    ("plain", "", 1, "must stand here"),
]


@pytest.mark.parametrize(("syntax", "text", "place", "reason"), REFUSED, ids=[f"{r[0]} {r[1]}" for r in REFUSED])
def test_refused(syntax: Syntax, text: str, place: int, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(text, syntax)
    error = caught.value
    assert (error.place + 1, error.text) == (place, text)
    assert reason in error.reason
    assert str(error).startswith(f"{text}: ")
    assert str(error).endswith(error.reason)
    assert f"at character {place} " in str(error) or (place > len(text.rstrip()) and "at its end" in str(error))


@pytest.mark.parametrize("syntax", ["jsonpath", "jq", "plain"])
def test_deep_nesting_is_refused(syntax: Syntax) -> None:
    inner = {"jsonpath": "@.a", "jq": ".attributes.a", "plain": "a > 1"}[syntax]
    for n in (300, 100_000):
        text = "(" * n + inner + ")" * n
        with pytest.raises(RefusedError, match="levels deep"):
            parse(f"$.attributes[?({text})]" if syntax == "jsonpath" else text, syntax)
    text = "(" * 30 + inner + ")" * 30
    parse(f"$.attributes[?({text})]" if syntax == "jsonpath" else text, syntax)


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("plain", "not " * 500 + "a > 1"),
        ("plain", "-" * 500 + "a > 1"),
        ("plain", " - ".join(["a"] * 500) + " > 1"),
        ("jq", "-" * 500 + "1"),
        ("jq", ".attributes.a" + " | . + ." * 60),
        ("jq", "(" + " - ".join(["1"] * 5000) + ")?"),
        ("jq", ".attributes.a" + " | not" * 500),
        ("jq", "if " * 500 + "1"),
        ("jq", "if 1 then 2 " + "elif 1 then 2 " * 500 + "else 3 end"),
        ("jq", "[" * 500),
        ("jq", ".attributes.K" + "[0]" * 500),
        ("jsonpath", "$.attributes.K" + "[0]" * 500),
        ("jsonpath", "$.attributes[?(" + "!(" * 500 + "@.a" + ")" * 500 + ")]"),
    ],
)
def test_deep_trees_are_refused(syntax: Syntax, text: str) -> None:
    with pytest.raises(RefusedError):
        parse(text, syntax)


def test_long_chains_stay_shallow() -> None:
    for word, syntax, part in ((" or ", "plain", "a{} > 1"), (" and ", "jq", ".attributes.a{} > 1")):
        text = word.join(part.format(n) for n in range(2000))
        found = parse(text, syntax)  # type: ignore[arg-type]
        assert depth(found.tree) < MAX_DEPTH / 2
        limits = thresholds(found)
        assert len(limits) == 2000
        assert [text[slice(*t.place)] for t in limits[:3]] == ["1", "1", "1"]
    found = parse(" or ".join(f"a{n} > 1" for n in range(200)), "plain")
    assert bare(parse(to_plain(found.tree), "plain").tree) == bare(found.tree)


def test_hostile_keys() -> None:
    for key in [
        "a`b",
        "``",
        "",
        "a\nb",
        "'\"",
        "é",
        "x" * 10_000,
        "not",
        "null",
        "a.b",
        "*x",
        "\x00",
        "<script>",
        "\u202e",
    ]:
        tree = Compare(">", Path(("attributes", key)), number(1))
        assert bare(parse(to_plain(tree), "plain").tree) == tree
        assert "\n" not in str_of_refusal(to_plain(tree) + " nonsense")
        if key and not key.startswith("*"):
            written = to_jq(Expression("", "plain", tree))
            assert {n.keys for n in walk(parse(written, "jq").tree) if isinstance(n, Path)} >= {("attributes", key)}
        if not set(key) & set("'\"\\"):
            found = parse(f"$.attributes[?(@['{key}'] > 1)]", "jsonpath")
            assert bare(found.tree) == tree


def str_of_refusal(text: str) -> str:
    with pytest.raises(RefusedError) as caught:
        parse(text, "plain")
    message = str(caught.value)
    assert len(message) < 500
    assert message.isprintable()
    return message


# moved thresholds


@pytest.mark.parametrize(
    ("syntax", "text", "values", "after"),
    [
        ("jsonpath", "$.attributes[?(@.K && @.K[0][2] < 50)]", [0.5], "$.attributes[?(@.K && @.K[0][2] < 0.5)]"),
        ("jsonpath", "$.attributes[?(@.K[0][2] >= 1.0)]", [2], "$.attributes[?(@.K[0][2] >= 2.0)]"),
        ("jsonpath", "$.attributes[?(@.K[0][2] >= 1)]", [2.0], "$.attributes[?(@.K[0][2] >= 2)]"),
        ("jq", ".attributes.K | length > 2 and .[0][2] < -0.5", [10, 1e-7],
         ".attributes.K | length > 10 and .[0][2] < 1e-07"),
        ("plain", "a > 100_000 or a < - 5", [7, 2.5], "a > 7 or a < 2.5"),
    ],
)  # fmt: skip
def test_moved(syntax: Syntax, text: str, values: list[float], after: str) -> None:
    expression = parse(text, syntax)
    for n, value in enumerate(values):
        expression = moved(expression, thresholds(expression)[n].place, value)
        assert thresholds(expression)[n].value == value
    assert expression.text == after
    assert parse(after, syntax) == expression


def test_moved_needs_a_number() -> None:
    expression = parse("a > 100", "plain")
    for place in ((0, 1), (4, 6), (5, 7), (90, 95)):
        with pytest.raises(UsageError, match="no number stands"):
            moved(expression, place, 1)
    for value in (float("nan"), float("inf")):
        with pytest.raises(UsageError, match="finite"):
            moved(expression, (4, 7), value)


@given(st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_numbers_read_back(value: float, is_whole: bool) -> None:
    assert float(number_text(value, is_whole)) == value
    expression = parse("a > 1.0 and b < 3", "plain")
    for n in (0, 1):
        expression = moved(expression, thresholds(expression)[n].place, value)
    assert [t.value for t in thresholds(expression)] == [value, value]


# printing


def test_printed_trees_read_back() -> None:
    for text, tree in PLAIN:
        assert bare(parse(to_plain(tree), "plain").tree) == tree, text


keys = st.one_of(
    st.sampled_from(["a", "word_count", "not", "n_words", "source", "x y", "`", "*a?b"]), st.text(max_size=6)
)
paths = st.one_of(
    st.builds(lambda first, rest: Path(("attributes", first, *rest)), keys, st.lists(keys, max_size=2)),
    st.builds(lambda rest: Path(("metadata", *rest)), st.lists(keys, min_size=1, max_size=2)),
)
attributes = st.builds(lambda first, rest: Path(("attributes", first, *rest)), keys, st.lists(keys, max_size=1))
numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: Constant(value))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
positions = st.integers(-3, 3)


def arithmetic(of: Any) -> Any:
    return st.builds(Arithmetic, st.sampled_from("+-*/"), of, of)


elements = st.one_of(
    st.builds(Index, paths, positions), st.builds(Index, st.builds(Index, paths, positions), positions)
)
in_spans = st.recursive(
    st.builds(Item, st.integers(0, 2)), lambda inner: arithmetic(st.one_of(inner, numbers)), max_leaves=3
)
values = st.recursive(
    st.one_of(
        paths,
        elements,
        numbers,
        st.sampled_from([Path(("url",)), Path(("text",)), Measure("n_words"), Measure("n_chars")]),
        st.builds(Length, paths),
        st.builds(Coverage, attributes),
        st.builds(Fold, st.sampled_from(["sum", "max", "min"]), attributes, in_spans),
    ),
    arithmetic,
    max_leaves=5,
)
literals = st.one_of(texts.map(Constant), st.sampled_from([Constant(None), Constant(True), Constant(False)]))
comparisons = st.builds(
    Compare, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), values, st.one_of(values, literals)
)
conditions = st.recursive(
    st.one_of(
        comparisons,
        st.builds(Exists, st.one_of(paths, elements)),
        st.builds(Matches, st.sampled_from(["contains", "startswith", "endswith"]), paths, texts),
    ),
    lambda inner: st.one_of(st.builds(And, inner, inner), st.builds(Or, inner, inner), st.builds(Not, inner)),
    max_leaves=8,
)


@given(conditions)
def test_any_plain_tree_reads_back(tree: Node) -> None:
    written = to_plain(tree)
    found = parse(written, "plain")
    assert bare(found.tree) == bare(tree)
    assert to_plain(found.tree) == written


@given(
    st.text(alphabet="ab.[]()@$?!&|<>=0123456789 '\"`*+-/\\_,:;#truefalsn", max_size=60),
    st.sampled_from(["jsonpath", "jq", "plain"]),
)
def test_any_text_is_read_or_refused(text: str, syntax: Syntax) -> None:
    try:
        found = parse(text, syntax)
    except RefusedError:
        return
    assert found.text == text
    assert depth(found.tree) <= MAX_DEPTH


@pytest.mark.parametrize(
    ("syntax", "text", "exact", "known"),
    [
        ("jsonpath", "$.attributes[?(@.K && @.K[0] && @.K[0][2] < 50)]", "K[0].score < 50", "K < 50"),
        ("jsonpath", "$.attributes[?(@.K[0][2] < 50)]", "K[0].score < 50", "K < 50"),
        ("jsonpath", "$.attributes[?(@.Z && @.K[0][2] < 50)]", "present(Z) and K[0].score < 50",
         "present(Z) and K < 50"),
        ("jsonpath", "$.attributes[?(@.K[1] && @.K[0][2] < 50)]", "present(K[1]) and K[0].score < 50",
         "present(K[1]) and K < 50"),
        ("jsonpath", "$.attributes[?(@.K && @.K == 'x')]", 'K == "x"', 'K == "x"'),
        ("jsonpath", "$[?(@.source != 'x')]", 'not source == "x"', 'not source == "x"'),
        ("jsonpath", "$.attributes[?(@.K >\n 0.8)]", "$.attributes[?(@.K > 0.8)]", "$.attributes[?(@.K > 0.8)]"),
        ("jsonpath", "$.attributes[?(@.x == @.y)]", "$.attributes[?(@.x == @.y)]", "$.attributes[?(@.x == @.y)]"),
        ("jq", '.attributes.K | if type == "array" and length > 0 and .[0] != null then .[0][2] < 1 else false end',
         "K[0].score < 1", "K < 1"),
        ("jq", ".attributes.K[0][2]  < 1", ".attributes.K[0][2] < 1", ".attributes.K[0][2] < 1"),
        ("jq", ".attributes.K  < 1", ".attributes.K < 1", ".attributes.K < 1"),
        ("jq", '.attributes.K | type == "array" and .[0][2] < 1', '.attributes.K | type == "array" and .[0][2] < 1',
         '.attributes.K | type == "array" and .[0][2] < 1'),
        ("plain", "K<1", "K < 1", "K < 1"),
    ],
)  # fmt: skip
def test_shown(syntax: Syntax, text: str, exact: str, known: str) -> None:
    expression = parse(text, syntax)
    assert shown(expression) == exact
    assert shown(expression, lambda keys: keys == ("K",)) == known


def test_a_scalar_is_shown_alone_where_it_is_known() -> None:
    expression = parse("$.attributes[?(@.toxicity > 0.8)]", "jsonpath")
    assert shown(expression, lambda keys: False) == "toxicity > 0.8"


def test_resolved() -> None:
    expression = parse("*gopher_v?__word_count  < 1_000 or present(*x) and a.`*y` > 1", "plain")
    found = resolved(expression, {"*gopher_v?__word_count": "e__a-b__c", "*x": "z", "*y": "no"})
    assert found.text == "`e__a-b__c`  < 1_000 or present(z) and a.`*y` > 1"
    assert found == parse(found.text, "plain")
    assert resolved(found, {"z": "q"}) == found
    span = parse_span("*pii__EMAIL", "plain")
    assert resolved(span, {"*pii__EMAIL": "e__pii__EMAIL"}) == parse_span("e__pii__EMAIL", "plain")


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("jsonpath", "$.attributes.K"), ("jsonpath", "$.attributes['K']"), ("jq", ".attributes.K"),
        ("jq", '.attributes?["K"]?'), ("plain", "K"), ("plain", "`K`"),
    ],
)  # fmt: skip
def test_span_paths(syntax: Syntax, text: str) -> None:
    assert parse_span(text, syntax).tree == K


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("jsonpath", "$.attributes"), ("jsonpath", "$.attributes.K[0]"), ("jsonpath", "$.metadata.K"),
        ("jsonpath", "$..K"), ("jq", ".attributes.K[]"), ("jq", ".attributes.K | .[0]"), ("plain", "K > 1"),
        ("plain", "url"),
    ],
)  # fmt: skip
def test_no_span_paths(syntax: Syntax, text: str) -> None:
    with pytest.raises(RefusedError):
        parse_span(text, syntax)


def test_unknown_syntax() -> None:
    with pytest.raises(UsageError, match="jsonpath, jq, plain"):
        parse("a", "sql")  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["a", "a b", "not", "`", "1a", "*a?", "", "start", "n_words"])
def test_key_text(key: str) -> None:
    assert parse_span(key_text(key), "plain").tree == Path(("attributes", key))


# jq of our own


@pytest.mark.parametrize(
    ("text", "jq"),
    [
        ("metadata.length < 5", '(.metadata | type == "object" and (.length | type == "number" and . < 5))'),
        ("not present(`a b`)", '((.attributes | type == "object" and has("a b")) | not)'),
        ('source == "x" or n_chars > 3', '((.source | type == "string" and . == "x") or ((.text | length) | type == '
         '"number" and . > 3))'),
        ("K[0].score > 1 and present(K[1])",
         '((.attributes | type == "object" and (.K | type == "array" and (.[0] | type == "array" and (.[2] | type == '
         '"number" and . > 1)))) and (.attributes | type == "object" and (.K | type == "array" and length > 1)))'),
        ("K < 50",
         '(.attributes | type == "object" and (.K | if type == "array" then (.[0] | if type == "array" then .[2] else '
         'null end) else . end | type == "number" and . < 50))'),
    ],
)  # fmt: skip
def test_to_jq(text: str, jq: str) -> None:
    assert to_jq(parse(text, "plain")) == jq


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("n_words > 1", "does not count n_words"), ("coverage(K) > 1", "union of spans"),
        ('language == "en"', "found by the index"), ("*K > 1", "resolve it"), ("a < true", "no order"),
    ],
)  # fmt: skip
def test_to_jq_refuses(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        to_jq(parse(text, "plain"))


def test_jsonpath_as_jq_keeps_what_missing_means() -> None:
    written = to_jq(parse("$.attributes[?(@.K != 'x')]", "jsonpath"))
    equal = '(.attributes | type == "object" and (.K | type == "string" and . == "x"))'
    assert written == f'(has("attributes") and ({equal} | not))'
    assert to_jq(parse(".a > 1", "jq")) == ".a > 1"


@pytest.mark.parametrize(
    ("limit", "is_decimal"),
    [("1.0", '(tojson | contains(".") or contains("e"))'), ("1", '((tojson | contains(".") or contains("e")) | not)')],
)
def test_jsonpath_as_jq_tells_1_from_1_0(limit: str, is_decimal: str) -> None:
    written = to_jq(parse(f"$.metadata[?(@.x >= {limit})]", "jsonpath"))
    test = f'type == "number" and (. > 1 or (. == 1 and {is_decimal}))'
    assert written == f'(.metadata | type == "object" and (.x | {test}))'


def test_what_is_divided_by_nothing_has_no_value() -> None:
    assert to_jq(parse("1 / n_chars > 3", "plain")) == (
        '((if (.text | length) != 0 then 1 / (.text | length) else null end) | type == "number" and . > 3)'
    )


@given(conditions)
def test_what_is_written_as_jq_is_read(tree: Node) -> None:
    try:
        written = to_jq(Expression("", "plain", tree))
    except UsageError:
        return
    if depth(tree) < 5:  # what is deeper may be too deep in jq
        parse(written, "jq")
