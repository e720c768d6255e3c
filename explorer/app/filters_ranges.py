"""Where a threshold's slider may stand: steps that follow the data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from explorer.app.filters_edit import Dial
from explorer.recipe.expression import Coverage, Fold, Index, Item, Length, Measure, Node, Path, walk

QUANTILES = ("lowest", "p05_approx", "p25_approx", "p50_approx", "p75_approx", "p95_approx", "p99_approx", "highest")
_STEPS = 60
_WIDE = 50.0  # the data span so many times their smallest step: steps by magnitude
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)

Quantiles = Mapping[tuple[str, str], Sequence[float]]  # (key, first or highest) to its quantiles


@dataclass(frozen=True)
class Range:
    """The positions of a slider, and the step of the number beside it."""

    steps: tuple[float, ...]
    step: float


def read_quantiles(frame: pl.DataFrame) -> Quantiles:
    """The quantiles of every attribute, of all its sets together, out of the statistic `attribute_quantiles`."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in frame.iter_rows(named=True):
        values = [float(row[name]) for name in QUANTILES if row[name] is not None]
        if values:
            found.setdefault((row["key"], row["score_kind"]), []).extend(values)
    return {key: sorted(values) for key, values in found.items()}


def subject_title(node: Node) -> str:
    """What a threshold looks at, in a few words: the last part of a key, a count of the text."""
    if isinstance(node, Measure):
        return node.column.removeprefix("n_").replace("_", " ")
    path = next((one for one in walk(node) if isinstance(one, Path)), None)
    title = path.keys[-1].split("__")[-1].lstrip("*") if path is not None else "value"
    title = title.strip("_").replace("_", " ") or "value"
    if isinstance(node, Fold):
        return f"{node.kind} of {title}"
    if isinstance(node, Length):
        return f"length of {title}" if path is not None and path.keys[0] == "text" else f"number of {title} spans"
    if isinstance(node, Coverage):
        return f"characters in {title}"
    return title


def slider_range(dial: Dial, value: float, quantiles: Quantiles) -> Range:
    """Steps over the values of the corpus where the index knows them, else around the number that the recipe has."""
    data = _data(dial, quantiles)
    low, high = min([*data, dial.value, value]), max([*data, dial.value, value])
    if dial.kind in ("min_score", "max_score"):
        low, high = min(low, 0.0), max(high, 1.0)
    elif not data:
        low, high = min(low, 0.0), max(high, 4 * abs(dial.value), 1.0)
    # the quantiles between the ends are approximate, so that those of counts are no whole numbers
    is_whole = dial.kind == "length" or (
        high - low > 10 and all(v == int(v) for v in (*data[:1], *data[-1:], dial.value))
    )
    steps = _steps(low, high, data, is_whole)
    kept = sorted({*steps, dial.value, value, *(v for v in (low, high))})
    return Range(tuple(kept), _step(dial.value, low, high, is_whole))


def _data(dial: Dial, quantiles: Quantiles) -> list[float]:
    if dial.threshold is None:
        return []
    subject = dial.threshold.subject
    path = next((one for one in walk(subject) if isinstance(one, Path)), None)
    is_score = isinstance(subject, Path) or (isinstance(subject, Index) and subject.position == 2)
    is_highest = isinstance(subject, Fold) and subject.kind == "max" and subject.item == Item(2)
    if path is None or path.keys[0] != "attributes" or not (is_score or is_highest):
        return []
    key = _shown_key(path)
    kind = "highest" if is_highest else "first"
    if not key.startswith("*"):
        return list(quantiles.get((key, kind), ()))
    return next((list(values) for (name, one), values in quantiles.items() if one == kind and ends_like(key, name)), [])


def attribute_keys(node: Node) -> list[str]:
    """The keys of attributes that a condition names, each once."""
    paths = (one for one in walk(node) if isinstance(one, Path) and one.keys[0] == "attributes" and len(one.keys) > 1)
    return list(dict.fromkeys(_shown_key(path) for path in paths))


def _shown_key(path: Path) -> str:
    return path.keys[-1] if len(path.keys) == 2 else "$." + ".".join(path.keys[1:])


def ends_like(starred: str, key: str) -> bool:
    """Whether a starred key may stand for a key."""
    return re.search(r"(\A|__)" + re.escape(starred[1:]).replace(r"\?", ".") + r"\Z", key) is not None


def _steps(low: float, high: float, data: Sequence[float], is_whole: bool) -> set[float]:
    positive = [abs(v) for v in (low, high, *data) if v]
    if not positive or low == high:
        return {low, high}
    smallest = min(positive)
    if low >= 0 and high / smallest > _WIDE and (high > 20 or smallest < 1e-3):
        return (
            {0.0} | set(_round_values(max(smallest, high / 1e8), high, is_whole))
            if low == 0
            else set(_round_values(smallest, high, is_whole))
        )
    step = nice_step((high - low) / _STEPS)
    step = max(1.0, step) if is_whole else step
    first = math.ceil(low / step)
    return {_clean(n * step) for n in range(first, math.floor(high / step) + 1)}


def _round_values(low: float, high: float, is_whole: bool) -> Iterable[float]:
    """Round numbers by magnitude, some ten to each power of ten."""
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for factor in _ROUND:
            number = _clean(factor * 10.0**power)
            if low <= number <= high and (not is_whole or number == int(number)):
                yield number


def nice_step(width: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is no wider."""
    if not width > 0 or not math.isfinite(width):
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return _clean(next(factor * power for factor in (5.0, 2.0, 1.0) if factor * power <= width * (1 + 1e-9)))


def _step(value: float, low: float, high: float, is_whole: bool) -> float:
    """How far one press of the arrows beside a number goes: a twentieth of it, as a round number."""
    around = abs(value) or (high - low)
    step = nice_step(around / 20)
    return max(1.0, step) if is_whole else step


def _clean(number: float) -> float:
    """0.30000000000000004 as 0.3."""
    return float(f"{number:.10g}")
