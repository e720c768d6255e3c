"""How JSON wrote the numbers of attributes: as integers or as decimals.

It matters because the toolkit's mixer compares JSON values where it tests for equality: to it 1 and 1.0 differ, so that
`1 >= 1.0` does not hold. The index keeps numbers as floats, in which that difference is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from explorer.attributes import Attribute, Values

INTEGER, DECIMAL, BOTH = "integer", "decimal", "both"


class Written:
    """Learns from the values of one set how the numbers of each attribute were written.

    An integer has neither point nor exponent and fits into 64 bits; every other number is a decimal, to the mixer too.
    """

    def __init__(self) -> None:
        self._integers: set[int] = set()  # positions in the set's list of attributes
        self._decimals: set[int] = set()

    def note(self, values: Values, table: pa.Table) -> None:
        """Take some values in, and the `table` that `attributes.tabulate` made of them.

        Those of Parquet say nothing: a mixer cannot have read them.
        """
        if values.is_typed:
            return
        attributes, counts = (table[name].to_numpy()[: len(values.counts)] for name in ("attribute", "n"))
        if values.has_integers:
            is_integer = np.array([type(score) is int for score in values.spans[2::3]], dtype=bool)
            owners = np.repeat(attributes, counts)
            self._integers.update(_distinct(owners[is_integer]))
            self._decimals.update(_distinct(owners[~is_integer]))
        else:
            self._decimals.update(_distinct(attributes[counts > 0]))
        for _, attribute, value in values.scalars:
            (self._integers if type(value) is int else self._decimals).add(attribute)

    def forms(self, attributes: Sequence[Attribute]) -> list[str | None]:
        """For each attribute of the set: `INTEGER`, `DECIMAL` or `BOTH`; None without numbers, or not known."""
        return [
            self._form(position) if attribute.shape in ("spans", "number") else None
            for position, attribute in enumerate(attributes)
        ]

    def _form(self, position: int) -> str | None:
        if position in self._integers:
            return BOTH if position in self._decimals else INTEGER
        return DECIMAL if position in self._decimals else None


def _distinct(positions: npt.NDArray[np.int32]) -> list[int]:
    found: list[int] = np.flatnonzero(np.bincount(positions)).tolist()
    return found
