"""What a part of a condition may be: any JSON value, missing, nothing at all, or a failure (see `compile`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from explorer.attributes import Attribute
from explorer.impact.sql_logic import FALSE, TRUE, all_of, any_of, none_of
from explorer.recipe.expression import Syntax

WHOLE = "*"  # the SQL of an object that is all of metadata or attributes
KEPT_TEXT = 200  # characters of an attribute's text that the index keeps
SPAN_FIELDS = ("start", "end", "score")


class UntoldError(Exception):
    """A condition that the index cannot answer; the reason."""


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
    has_attributes: str = ""  # column that says whether a document has the object `attributes`; empty: all have it

    def seen_by(self, syntax: Syntax) -> Sequence[tuple[str, tuple[Attribute, ...]]]:
        """Flat columns of a table are attributes to us; a mixer would not see them."""
        return [s for s in self.sets if s[0] != "columns"] if syntax != "plain" else self.sets


def boolean(yes: str, no: str, failed: str = FALSE, nothing: str = FALSE) -> Value:
    """A truth value, from when it is true and when it is false."""
    found = (Alternative(yes, "bool", TRUE), Alternative(no, "bool", FALSE))
    return Value(possible(found), failed, nothing, is_complete=True)


def joined(left: Value, right: Value) -> tuple[str, str]:
    """When an operator's operands fail, and when one is nothing."""
    failed = any_of(all_of(left.failed, none_of(right.nothing)), all_of(right.failed, none_of(left.nothing)))
    return failed, any_of(left.nothing, right.nothing)


def jq_truth(one: Alternative) -> str:
    """Inside a jq expression only null and false are not true."""
    if one.kind == "bool":
        return one.sql
    return FALSE if one.kind == "null" else TRUE


def with_null(value: Value) -> list[Alternative]:
    """The alternatives, and null where the value is missing."""
    missing = value.is_missing()
    null = [] if missing == FALSE else [Alternative(missing, "null", "")]
    return [*value.alternatives, *null]


def possible(found: Iterable[Alternative]) -> tuple[Alternative, ...]:
    """Those that can be."""
    return tuple(one for one in found if one.when != FALSE)


def one_object(found: Sequence[Alternative]) -> tuple[Alternative, ...]:
    """Several keys inside the same object make it one object."""
    objects = [one.when for one in found if one.kind == "object"]
    others = [one for one in found if one.kind != "object"]
    return (*others, Alternative(any_of(*objects), "object", "")) if objects else tuple(others)
