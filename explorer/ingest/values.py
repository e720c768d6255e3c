"""Single values as JSON has them, taken for a role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def dig(row: dict[str, Any] | None, path: Sequence[str]) -> tuple[Any, bool]:
    """(value, whether it is there) at a path of keys."""
    value: Any = row
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return None, False
        value = value[part]
    return value, True


def is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def scalar_text(value: Any) -> str | None:
    """A text or a number as text; None for what is neither."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def licence_text(value: Any) -> str | None:
    """A licence, or several as an SPDX choice."""
    if isinstance(value, list):
        return " OR ".join(sorted({str(v) for v in value if v})) or None
    return scalar_text(value)


def count(value: Any) -> int | None:
    """A number of tokens; a float where it is a whole number (a column with gaps often comes as floats)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or not 0 <= value < 2**62:
        return None
    return int(value)
