"""Arrays of bytes, numbers and flags as taggers use them: their types, sums between bounds, code points, hashing."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

N_POINTS = 0x110000  # code points of Unicode
MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)  # of the first n of eight bytes
M1, M2, M3 = (np.uint64(m) for m in (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9))  # odd, for hashes


def eight_bytes(data: Bytes, places: Ints) -> Hashes:
    """The eight bytes from each place on, as a little-endian number; `data` must hold them."""
    view: Hashes = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    found: Hashes = view[places]
    return found


def stands_at(data: Bytes, pattern: bytes, places: Ints) -> Bools:
    """At which places some bytes stand; `data` must reach behind all of them."""
    found = np.ones(len(places), dtype=bool)
    for i, byte in enumerate(pattern):
        found &= data[places + i] == byte
    return found


def code_points(data: Bytes) -> npt.NDArray[np.uint32]:
    """The code points of UTF-8."""
    return np.frombuffer(data.tobytes().decode().encode("utf-32-le"), dtype=np.uint32)


@lru_cache
def class_of(method: Callable[[str], bool]) -> Bools:
    """Of all code points, which are of a class: `class_of(str.isalpha)` (N_POINTS)."""
    return np.fromiter((method(chr(point)) for point in range(N_POINTS)), dtype=bool, count=N_POINTS)


def flags_before(flags: Bools) -> npt.NDArray[np.int32]:
    """How many are set before each, and in all (n_flags + 1)."""
    totals = np.zeros(len(flags) + 1, dtype=np.int32)
    np.cumsum(flags, dtype=np.int32, out=totals[1:])
    return totals


def totals_before(values: Ints | Bools) -> Ints:
    """The sum of the values before each, and of all (n_values + 1)."""
    totals = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=totals[1:])
    return totals


def totals_between(values: Ints | Bools, bounds: Ints) -> Ints:
    """The sums (n_bounds - 1) of `values[bounds[i]:bounds[i + 1]]`, empty ones too."""
    return np.diff(totals_before(values)[bounds])
