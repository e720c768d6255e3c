"""Looking into a document: paths, positions, lengths, sums over spans, literals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.attributes import Attribute
from explorer.impact.sql_logic import FALSE, TRUE, all_of, any_of, none_of, number
from explorer.impact.values import SPAN_FIELDS, WHOLE, Alternative, Loaded, UntoldError, Value, one_object
from explorer.recipe.expression import (
    Arithmetic,
    Constant,
    Coverage,
    Expression,
    Fold,
    Index,
    Item,
    Length,
    Measure,
    Node,
    Path,
)
from explorer.relations import quote_identifier, quote_literal

_MEASURES = ("n_chars", "n_bytes", "n_words", "n_lines", "n_paragraphs", "n_tokens")
_TEXT_FIELDS = ("id", "source", "url", "host", "domain", "suffix", "language", "licence")


class Columns:
    """The columns of the inputs that the conditions of a stream need, gathered while they are compiled."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.columns: set[str] = set()  # of the documents
        self.attributes: dict[str, Attribute] = {}  # by stem; whose wide columns are needed
        self.lists: dict[str, Attribute] = {}  # by stem; whose spans are needed one by one
        self.notes: list[str] = []  # what a user should know of the conditions compiled so far

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


class Lookups:
    """What one expression finds in a document. `value` compiles the parts of a node."""

    def __init__(self, columns: Columns, expression: Expression, value: Callable[[Node], Value]) -> None:
        self.columns = columns
        self.expression = expression
        self.syntax = expression.syntax
        self.value = value

    @property
    def is_jq(self) -> bool:
        return self.syntax == "jq"

    def path(self, node: Path) -> Value:
        head, *rest = node.keys
        if head == "attributes":
            return self._attribute(tuple(rest)) if rest else Value(self._all_attributes())
        if head == "metadata":
            return self._metadata(rest)
        if rest:
            raise UntoldError(
                f"{'.'.join(node.keys)} is not in the index; it knows attributes, metadata and single fields"
            )
        if head == "text":
            return Value((Alternative(TRUE, "whole text", ""),))
        if head in _TEXT_FIELDS and (self.syntax == "plain" or head in ("id", "source")):
            return self._text_column(self.columns.document(head))
        if head == "created" and self.syntax == "plain":
            column = self.columns.document("created")
            return self._text_column(f"strftime({column}, '%Y-%m-%dT%H:%M:%S')")
        raise UntoldError(f"the field {head} is not in the index as it stood in the row")

    def _refuse_metadata(self, node: Node) -> None:
        """The index leaves out lists, objects and long texts of metadata: a look inside would find nothing."""
        if isinstance(node, Path) and node.keys[0] == "metadata":
            raise UntoldError("the index keeps single values of metadata only, no lists and no lengths")

    def _text_column(self, sql: str) -> Value:
        return Value((Alternative(f"({sql} is not null)", "text", sql),))

    def _metadata(self, keys: Sequence[str]) -> Value:
        """A document without metadata and one whose metadata is empty are the same to the index: without."""
        column = self.columns.document("metadata")
        if not keys:
            return Value((Alternative(f"({column} is not null)", "object", WHOLE),))
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
        for name, attributes in reversed(self.columns.loaded.seen_by(self.syntax)):
            own = [a for a in attributes if a.path[0] == path[0]]
            if not own:
                continue
            is_free = all_of(none_of(is_later_there), self._is_read(name))
            for attribute in own:
                there = all_of(is_free, f"({self.columns.wide(attribute, 'n')} is not null)")
                if attribute.path == path:
                    found += self._alternatives(attribute, is_free)
                elif attribute.path[: len(path)] == path:
                    found.append(Alternative(there, "object", ""))
                elif path[: len(attribute.path)] == attribute.path and self.is_jq:
                    failed = any_of(failed, there)  # a key of what is no object
            is_there = any_of(*(f"({self.columns.wide(a, 'n')} is not null)" for a in own))
            is_later_there = any_of(is_later_there, all_of(self._is_read(name), is_there))
        value = Value(one_object(found), failed)
        if self.is_jq:  # null has no keys either
            above = self._attribute(path[:-1]) if len(path) > 1 else Value(self._all_attributes())
            return Value(value.alternatives, any_of(value.failed, above.is_missing(), above.failed))
        return value

    def _all_attributes(self) -> tuple[Alternative, ...]:
        """The object of all attributes. The mixer makes none for a document of which no loaded set has a file."""
        column = self.columns.loaded.has_attributes
        if not column or self.syntax == "plain":
            return (Alternative(TRUE, "object", WHOLE),)
        self.columns.columns.add(column)
        return (Alternative(column, "object", WHOLE),)

    def _is_read(self, name: str) -> str:
        """The mixer stops loading sets for a document at the first whose file has ended."""
        order = [one for one, _ in self.columns.loaded.sets]
        before = order[: order.index(name)]
        short = [self.columns.loaded.short[one] for one in before if one in self.columns.loaded.short]
        names = [f"is_short_{which}" for which in short]
        self.columns.columns.update(names)
        return none_of(*names)

    def _alternatives(self, attribute: Attribute, is_free: str) -> list[Alternative]:
        column = self.columns.wide
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
        if attribute.column in self.columns.loaded.nulls:
            return [Alternative(empty, "null", "")]
        full = all_of(is_free, f"coalesce({column(attribute, 'n')} > 0, false)")
        return [Alternative(empty, "null", ""), Alternative(full, "nested", "")]

    def index(self, node: Index) -> Value:
        self._refuse_metadata(node.base)
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
        when = all_of(one.when, f"({self.columns.number_of(one.sql)} >= {least})")
        return Alternative(when, "span", f"{one.sql}:{position}")

    def _field(self, span: str, place: int) -> str:
        """A number of a span that is written as stem:position."""
        stem, position = span.split(":")
        if place == 2 and position == "0":
            return f"{stem}_first"
        at = int(position)
        return f"({self.columns.spans(stem)})[{at + 1 if at >= 0 else at}][{quote_literal(SPAN_FIELDS[place])}]"

    def length(self, node: Length) -> Value:
        self._refuse_metadata(node.base)
        base = self.value(node.base)
        found = []
        failed = base.failed
        for one in base.alternatives:
            if one.kind == "spans":
                found.append(Alternative(one.when, "number", self.columns.number_of(one.sql)))
            elif one.kind == "whole text":
                found.append(Alternative(one.when, "number", self.columns.document("n_chars")))
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

    def fold(self, node: Fold) -> Value:
        base = self.value(node.base)
        found = []
        failed = base.failed
        for one in base.alternatives:
            if one.kind != "spans":
                if one.kind == "nested":
                    raise UntoldError("its values are lists of other forms than spans")
                failed = any_of(failed, one.when)
                continue
            n = self.columns.number_of(one.sql)
            if node.kind == "max" and node.item == Item(2):
                sql = f"{one.sql}_max"
            else:
                item = self._item(node.item)
                sql = f"list_{node.kind}(list_transform({self.columns.spans(one.sql)}, lambda x: {item}))"
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
            return f"x[{quote_literal(SPAN_FIELDS[node.position])}]"
        if isinstance(node, Constant) and isinstance(node.value, float):
            return number(node.value)
        if isinstance(node, Arithmetic):
            return f"({self._item(node.left)} {node.operator} {self._item(node.right)})"
        raise UntoldError("what is computed of each span must be arithmetic on its three numbers")

    def coverage(self, node: Coverage) -> Value:
        base = self.value(node.base)
        found = [
            Alternative(one.when, "number", f"{one.sql}_chars") for one in base.alternatives if one.kind == "spans"
        ]
        return Value(tuple(found))

    def measure(self, node: Measure) -> Value:
        if node.column not in _MEASURES:
            raise UntoldError(f"{node.column} is not one of {', '.join(_MEASURES)}")
        column = self.columns.document(node.column)
        return Value((Alternative(f"({column} is not null)", "number", column),))

    def constant(self, node: Constant) -> Value:
        value = node.value
        if value is None:
            return Value((Alternative(TRUE, "null", ""),))
        if isinstance(value, bool):
            return Value((Alternative(TRUE, "bool", TRUE if value else FALSE),))
        if isinstance(value, str):
            return Value((Alternative(TRUE, "text", quote_literal(value)),))
        text = self.expression.text[slice(*node.place)] if node.place else "."
        is_integer = text.lstrip("+-").isdigit()
        return Value((Alternative(TRUE, "number", number(value), "integer" if is_integer else "decimal"),))

    def _written(self, stem: str) -> str:
        return self.columns.loaded.written.get(stem, "")
