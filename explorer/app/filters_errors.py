"""How far the numbers of the Filters page can be trusted while they come from a sample."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl

from explorer.app.filters_impact import Numbers
from explorer.statistic import Column, Statistic
from explorer.units import UNITS, format_value

_WITH_ERRORS = ("filter_rules", "filter_rules_by_source", "filter_sources")


def sample_note(numbers: Numbers) -> str:
    """Where estimates come from; empty for exact numbers."""
    if not numbers.is_sample:
        return ""
    said = f"From a sample of {numbers.n_sampled:,} documents, until the exact numbers are ready."
    return f"{said} Errors are two standard errors." if numbers.errors else said


def with_errors(numbers: Numbers) -> pl.DataFrame:
    """The frame with two standard errors beside each estimated column, as `<column>_error`; those of counts rounded."""
    frame = numbers.frame
    names = [n for name in frame.columns for n in ((name, f"{name}_error") if name in numbers.errors else (name,))]
    errors = {n: (2 * e).round() if frame[n].dtype.is_integer() else 2 * e for n, e in numbers.errors.items()}
    return frame.with_columns(error.alias(f"{name}_error") for name, error in errors.items()).select(names)


def errors_declared(statistic: Statistic) -> Statistic:
    """The statistic with the columns that `with_errors` may add, after its own."""
    if statistic.name not in _WITH_ERRORS:
        return statistic
    added = [
        Column(
            f"{column.name}_error", column.unit if column.unit == "share" else "number",
            f"Two standard errors of {column.name}: the true value is within them in about 95 of 100 cases.",
        )
        for column in statistic.columns if UNITS[column.unit].is_numeric
    ]  # fmt: skip
    return replace(statistic, columns=(*statistic.columns, *added))


def spread(numbers: Numbers, column: str, unit: str) -> str:
    """Two standard errors of a column's first value."""
    error = numbers.errors[column][0]
    # of a source with one drawn document nothing can be said
    is_known = error is not None and math.isfinite(error)
    return f"± {format_value(round(2 * error), unit) if is_known else 'an unknown error'}"
