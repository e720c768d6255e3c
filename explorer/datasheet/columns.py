"""The types of Parquet columns, from Arrow's own names of them, for formats that name types in other words."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LIST = re.compile(r"(large_)?list<(?:element|item): ")
PLAIN_NAME = re.compile(r"[\w.@$-]+(?: [\w.@$-]+)*")  # of a field; others could be read in several ways
_FIELD = re.compile(rf"{PLAIN_NAME.pattern}: ")
_SCALAR = re.compile(
    r"string|large_string|binary|large_binary|bool|null|u?int(?:8|16|32|64)|halffloat|float|double|date32\[day\]|"
    r"date64\[ms\]|timestamp\[(?:s|ms|us|ns)(?:, tz=[\w/+:-]+)?\]|decimal(?:128|256)\(\d+, \d+\)"
)
# Arrow's types that the `datasets` library has no type for; a field that is named so has a colon behind its name
_REFUSED = re.compile(r"\bmap(?=[<>]|$)|\bmonth_day_nano_interval\b(?!: )|_union<")
_NOT_NULL = " not null"
_NAMES = {
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}


@dataclass(frozen=True)
class ColumnType:
    """A column's type: a scalar by its name (`float64`, not Arrow's `double`), a list, or a structure."""

    scalar: str = ""
    item: ColumnType | None = None  # of a list
    is_large: bool = False  # of a list with 64-bit offsets
    fields: tuple[tuple[str, ColumnType], ...] = ()  # of a structure

    def feature(self) -> dict[str, object]:
        """As the front matter of a Hugging Face card has it (`dtype`, `list`, `large_list` or `struct`)."""
        if self.item is not None:
            inner = self.item.feature()
            name = "large_list" if self.is_large else "list"
            return {name: inner["dtype"] if "dtype" in inner else inner.get("struct", inner)}
        if self.fields:
            return {"struct": [{"name": name, **kind.feature()} for name, kind in self.fields]}
        return {"dtype": self.scalar}


def is_loadable(text: str) -> bool:
    """Whether the `datasets` library reads columns of the type that Arrow writes as `text`: it has no maps."""
    return _REFUSED.search(text) is None


def parse_type(text: str) -> ColumnType | None:
    """The type that Arrow writes as `text`; None for one that this module does not know, or that is ambiguous."""
    found = _parse(text)
    return found[0] if found is not None and not found[1] else None


def _parse(text: str) -> tuple[ColumnType, str] | None:
    """The type at the beginning of `text` and what follows it."""
    if match := _LIST.match(text):
        inner = _parse(text[match.end() :])
        rest = None if inner is None else _closed(inner[1])
        return None if inner is None or rest is None else (ColumnType(item=inner[0], is_large=bool(match[1])), rest)
    if text.startswith("struct<"):
        return _fields(text.removeprefix("struct<"))
    if match := _SCALAR.match(text):
        return ColumnType(scalar=_NAMES.get(match[0], match[0])), text[match.end() :]
    return None


def _fields(text: str) -> tuple[ColumnType, str] | None:
    fields: list[tuple[str, ColumnType]] = []
    while match := _FIELD.match(text):
        inner = _parse(text[match.end() :])
        if inner is None:
            return None
        fields.append((match[0].removesuffix(": "), inner[0]))
        text = inner[1].removeprefix(_NOT_NULL)
        if (rest := _closed(text)) is not None:
            return ColumnType(fields=tuple(fields)), rest
        text = text.removeprefix(", ")
    return None


def _closed(text: str) -> str | None:
    text = text.removeprefix(_NOT_NULL)
    return text[1:] if text.startswith(">") else None
