"""Conditions and arithmetic in SQL, folded where they are constant."""

from __future__ import annotations

TRUE, FALSE = "true", "false"


def all_of(*conditions: str) -> str:
    """SQL that all hold, folded where a condition is constant."""
    if FALSE in conditions:
        return FALSE
    kept = [c for c in dict.fromkeys(conditions) if c != TRUE]
    return TRUE if not kept else kept[0] if len(kept) == 1 else f"({' and '.join(kept)})"


def any_of(*conditions: str) -> str:
    """SQL that one holds, folded."""
    if TRUE in conditions:
        return TRUE
    kept = [c for c in dict.fromkeys(conditions) if c != FALSE]
    return FALSE if not kept else kept[0] if len(kept) == 1 else f"({' or '.join(kept)})"


def none_of(*conditions: str) -> str:
    found = any_of(*conditions)
    return FALSE if found == TRUE else TRUE if found == FALSE else f"(not {found})"


def number(value: float) -> str:
    """A number with all its digits."""
    return f"{value!r}::double" if "e" not in repr(value) and "inf" not in repr(value) else f"'{value!r}'::double"


def operation(operator: str, a: str, b: str) -> str:
    """Arithmetic on two numbers, as doubles."""
    return f"(({a})::double {operator} ({b})::double)"


def comparison(operator: str, a: str, b: str) -> str:
    """A comparison with one of the recipes' operators."""
    sign = {"==": "=", "!=": "<>"}.get(operator, operator)
    return f"({a} {sign} {b})"
