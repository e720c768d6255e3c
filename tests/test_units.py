"""Units: how values are shown, and that measures are defined."""

from __future__ import annotations

import datetime
import decimal

import pytest

from explorer.units import MEASURES, UNITS, format_value


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "docs", ""),
        (0, "docs", "0"),
        (1234567, "bytes", "1,234,567"),
        (decimal.Decimal(12345), "tokens", "12,345"),
        (0.5, "share", "50.00 %"),
        (0.0, "share", "0.00 %"),
        (0.00001, "share", "<0.01 %"),
        (1, "share", "100.00 %"),
        (1234.56, "mean", "1,235"),
        (2.0, "mean", "2"),
        (0.123456789, "score", "0.12346"),
        (1e-9, "score", "1.00e-09"),
        (float("nan"), "score", "nan"),
        (True, "flag", "yes"),
        (False, "flag", "no"),
        (datetime.date(2020, 2, 3), "date", "2020-02-03"),
        (datetime.datetime(2020, 2, 3, 4, 5, 6, 789), "date", "2020-02-03 04:05:06"),
        ("<b>|", "name", "<b>|"),
    ],
)
def test_values_are_shown_by_their_unit(value: object, unit: str, shown: str) -> None:
    assert format_value(value, unit) == shown


def test_exact_keeps_every_digit() -> None:
    assert format_value(1 / 3, "share", exact=True) == repr(1 / 3)


def test_every_measure_has_a_unit_of_its_name() -> None:
    assert [measure.unit for measure in MEASURES] == ["bytes", "chars", "words", "lines", "paragraphs", "tokens"]
    assert all(measure.unit in UNITS and measure.column == f"n_{measure.unit}" for measure in MEASURES)
    assert all(measure.definition.endswith(".") for measure in MEASURES)
