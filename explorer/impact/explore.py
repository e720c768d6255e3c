"""Looking at one threshold, and at two recipes side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from explorer.errors import UsageError
from explorer.impact import compile as compiling
from explorer.impact.bind import BoundStream
from explorer.impact.engine import Impact
from explorer.impact.hits import mask_sql, no_rule, stream_inputs
from explorer.impact.inputs import WEIGHTS
from explorer.impact.lookups import Columns
from explorer.impact.source import SourcePart
from explorer.impact.sql_logic import FALSE, none_of
from explorer.impact.values import Alternative
from explorer.recipe.expression import Compare, Constant, Expression, Node, Threshold, substitute, walk
from explorer.recipe.model import Rule
from explorer.relations import documents_relation, quote_literal
from explorer.texts import read_texts

MAX_POINTS = 200
_MEASURES = ("n_docs", *WEIGHTS)
_AROUND = (
    ("outcome", pl.String), ("value", pl.Float64), ("source", pl.String), ("id", pl.String), ("url", pl.String),
    ("n_words", pl.Int64), ("part", pl.Int32), ("doc", pl.Int32),
)  # fmt: skip
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """One threshold of a rule, as SQL over the inputs of a stream that has the rule.

    `value` is what is compared (null where there is no number) and `operator` how, as seen from the value; the rule
    fires by `fires` as it stands, by `fires_if` where the comparison holds and by `fires_if_not` where it does not.
    """

    value: str
    operator: str
    fires: str
    fires_if_not: str
    fires_if: str


def find_cut(rule: Rule, place: int, threshold: Threshold, columns: Columns) -> Cut:
    """The SQL of a threshold; `place` is the number of the expression in the rule that has it."""
    expression = rule.expressions[place]
    compare = _comparison(expression, threshold)

    def fires(node: Node) -> str:
        tree = substitute(expression.tree, compare, node)
        changed = replace(expression, tree=tree)
        own = [compiling.fires(columns, changed if n == place else e) for n, e in enumerate(rule.expressions)]
        if rule.kind == "exclude":
            return own[0].holds
        return none_of(*(one.holds for one in own), *(one.fails for one in own))

    number = [a for a in compiling.operand(columns, expression, threshold.subject) if a.kind == "number"]
    if not number:
        raise UsageError(f"{expression.text}: no number is compared with {threshold.value:g} on this corpus")
    cases = " ".join(f"when {a.when} then ({a.sql})::double" for a in number)
    operator = _operator(expression, compare, threshold, number, columns)
    return Cut(f"(case {cases} end)", operator, fires(compare), fires(Constant(False)), fires(Constant(True)))


def _operator(
    expression: Expression,
    compare: Compare,
    threshold: Threshold,
    number: Sequence[Alternative],
    columns: Columns,
) -> str:
    """The comparison as it is made: to the mixer's jsonpath an integer never equals a decimal (see `compile`)."""
    limit = compare.right if compare.left is threshold.subject else compare.left
    forms = {one.written for one in compiling.operand(columns, expression, limit)} | {"", "both"}
    is_strict = expression.syntax == "jsonpath" and not any(one.written in forms for one in number)
    return threshold.operator[0] if is_strict else threshold.operator


def _comparison(expression: Expression, threshold: Threshold) -> Compare:
    for node in walk(expression.tree):
        if isinstance(node, Compare):
            for side in (node.left, node.right):
                if isinstance(side, Constant) and side.place == threshold.place:
                    return node
    raise UsageError(f"{expression.text}: has no threshold at {threshold.place}")


def _select(impact: Impact, stream: BoundStream, rule: int, place: int, threshold: Threshold, has_effects: bool) -> str:
    """SQL of the documents of a stream: the threshold's value, whether any other rule hits, and when this one fires."""
    n_rules = len(impact.bound.rules)
    others = [own for own in stream.rules if own.number != rule]
    own = next((own for own in stream.rules if own.number == rule), None)
    if own is None or own.rule.kind == "length":
        value, operator, fires, if_not, if_ = "null::double", threshold.operator, FALSE, FALSE, FALSE
    else:
        cut = find_cut(own.rule, place, threshold, Columns(stream.loaded))
        value, operator, fires, if_not, if_ = cut.value, cut.operator, cut.fires, cut.fires_if_not, cut.fires_if
    return (
        f"select {stream.number} as stream, doc, source, n_bytes, n_words, n_tokens, "
        f"({mask_sql(others, n_rules)}) <> {no_rule(n_rules)} as is_hit_else, {value} as value, "
        f"{quote_literal(operator)} as operator, "
        f"coalesce({fires}, false) as fires, coalesce({if_not}, false) as fires_if_not, "
        f"coalesce({if_}, false) as fires_if from ({stream_inputs(stream, has_effects=has_effects)})"
    )


def _prepared(impact: Impact, part: SourcePart, rule: int, place: int, threshold: Threshold) -> bool:
    """Create the relation `around` of a part; False where no stream has documents there."""
    streams, has_effects = impact.prepare(part)
    if not streams:
        return False
    selects = [_select(impact, stream, rule, place, threshold, has_effects) for stream in streams]
    impact.connection.execute(f"create or replace temp table around as {' union all '.join(selects)}").fetchall()
    return True


def curve(impact: Impact, rule: int, threshold: Threshold, place: int = 0) -> pl.DataFrame:
    """What the whole recipe keeps as one threshold moves and everything else stays.

    `rule` is the rule's number, `place` that of its expression. Columns: threshold, n_docs_kept, n_bytes_kept,
    n_words_kept, n_tokens_kept (null without tokens), is_chosen (the threshold as it stands). At most some 200 points,
    quantiles of the values; each point is exact. Memory is that of one part.
    """
    grid = _grid(impact, rule, threshold, place)
    held = {name: np.zeros(len(grid)) for name in _MEASURES}
    has_tokens = False
    for part in impact.source.parts:
        if not _prepared(impact, part, rule, place, threshold):
            continue
        found = impact.connection.sql(
            "select value, operator, not fires as is_kept, not fires_if_not as is_kept_if_not, "
            "not fires_if as is_kept_if, 1 as n_docs, n_bytes, n_words, n_tokens from around where not is_hit_else"
        ).pl()
        has_tokens = has_tokens or found["n_tokens"].null_count() < found.height
        for (operator,), own in found.partition_by("operator", as_dict=True).items():
            for name in _MEASURES:
                held[name] += _kept_by_threshold(own, name, grid, str(operator))
    columns = {
        f"{name}_kept": pl.Series(values.round()).cast(pl.Int64)
        if name != "n_tokens" or has_tokens
        else pl.Series([None] * len(grid), dtype=pl.Int64)
        for name, values in held.items()
    }
    return pl.DataFrame({"threshold": grid, **columns, "is_chosen": grid == threshold.value})


def _grid(impact: Impact, rule: int, threshold: Threshold, place: int) -> Floats:
    """Thresholds to show: quantiles of the values over all parts, their ends, and the one that is chosen."""
    points = [np.array([threshold.value])]
    shares = np.linspace(0, 1, MAX_POINTS // 2)
    for part in impact.source.parts:
        if _prepared(impact, part, rule, place, threshold):
            values = impact.connection.sql(
                "select value from around where not is_hit_else and isfinite(value)"
            ).fetchnumpy()["value"]
            if len(values):
                points.append(np.quantile(np.asarray(values, dtype=np.float64), shares, method="nearest"))
    found = np.unique(np.concatenate(points))
    if len(found) > MAX_POINTS:
        found = np.unique(
            np.append(np.quantile(found, np.linspace(0, 1, MAX_POINTS), method="nearest"), threshold.value)
        )
    return found


def _kept_by_threshold(found: pl.DataFrame, name: str, grid: Floats, operator: str) -> Floats:
    """The weight that is kept at each threshold of the grid."""
    weight = found[name].fill_null(0).to_numpy().astype(np.float64)
    value = found["value"].to_numpy().astype(np.float64)
    is_number = ~np.isnan(value)
    fixed = float(weight[~is_number & found["is_kept"].to_numpy()].sum())
    kept_if_not = weight * found["is_kept_if_not"].to_numpy()
    kept_if = weight * found["is_kept_if"].to_numpy()
    order = np.argsort(value[is_number], kind="stable")
    values = value[is_number][order]
    sums_not = np.concatenate([[0.0], np.cumsum(kept_if_not[is_number][order])])
    sums_if = np.concatenate([[0.0], np.cumsum(kept_if[is_number][order])])
    # how many values lie below (or at) each threshold: the comparison holds on one side of it
    side: Literal["left", "right"] = "left" if operator in ("<", ">=") else "right"
    n_low = np.searchsorted(values, grid, side=side)
    low, high = (sums_if, sums_not) if operator in ("<", "<=") else (sums_not, sums_if)
    kept: Floats = fixed + low[n_low] + (high[-1] - high[n_low])
    return kept


def around(impact: Impact, rule: int, threshold: Threshold, n: int = 10, place: int = 0) -> pl.DataFrame:
    """The documents nearest to a threshold that it alone decides about, at most `n` just kept and `n` just removed.

    Columns: outcome (kept or removed), value, source, id, url, n_words, part (its number), doc (in the part). Those
    nearest to the threshold first, kept ones before removed ones; ties by source and id.
    """
    frames = []
    for number, part in enumerate(impact.source.parts):
        if not _prepared(impact, part, rule, place, threshold):
            continue
        limit = repr(float(threshold.value))
        frames.append(
            impact.connection.sql(
                "select if(fires, 'removed', 'kept') as outcome, a.value, d.source, d.id, d.url, d.n_words, "
                f"{number}::integer as part, a.doc from around as a "
                "join read_parquet($documents) as d on d.doc = a.doc "
                "where not is_hit_else and isfinite(a.value) and fires_if <> fires_if_not "
                "qualify row_number() over (partition by fires "
                f"order by abs(a.value - {limit}::double), d.source, d.id, a.doc) <= {int(n)}",
                params={"documents": str(part.indexed.documents)},
            ).pl()
        )
    if not frames:
        return pl.DataFrame(schema=dict(_AROUND))
    found: pl.DataFrame = pl.concat(frames).with_columns(distance=(pl.col("value") - threshold.value).abs())
    nearest = found.sort("outcome", "distance", "source", "id", "part", "doc")
    return nearest.group_by("outcome", maintain_order=True).head(n).drop("distance").select(frames[0].columns)


def texts(impact: Impact, found: pl.DataFrame) -> pl.DataFrame:
    """`found` (of `around`) with the column text. Reads those documents only. Raises `WorkspaceError`."""
    frames = [
        read_texts(impact.source.root, dict(impact.source.parts[number].manifest), group["doc"].to_list())
        .select("doc", "text")
        .with_columns(part=pl.lit(number, pl.Int32))
        for (number,), group in found.partition_by("part", as_dict=True).items()
    ]
    if not frames:
        return found.with_columns(text=pl.lit(None, pl.String))
    read = pl.concat(frames).with_columns(pl.col("doc").cast(found.schema["doc"]))
    return found.join(read, on=["part", "doc"], how="left", maintain_order="left")


def compare(first: Impact, second: Impact) -> pl.DataFrame:
    """Two recipes on the same corpus: what both keep, only one, or neither.

    Columns: source (null for all together), outcome, n_docs, n_bytes, n_words, n_tokens. A document that is in none of
    a recipe's streams is not kept by it.
    """
    frames = []
    for part in first.source.parts:
        documents = documents_relation(part.indexed, first.source.config.attribute_columns)
        for name, impact in (("first", first), ("second", second)):
            frame = _kept(impact, part)
            first.connection.register(f"kept_by_{name}", frame.to_arrow())
        frames.append(
            first.connection.sql(
                "select d.source, a.doc is not null as is_in_first, b.doc is not null as is_in_second, "
                "count(*)::bigint as n_docs, sum(n_bytes)::bigint as n_bytes, sum(n_words)::bigint as n_words, "
                f"sum(n_tokens)::bigint as n_tokens from ({documents}) as d "
                "left join kept_by_first as a on a.doc = d.doc left join kept_by_second as b on b.doc = d.doc "
                "group by all"
            ).pl()
        )
    names = [impact.bound.recipe.name for impact in (first, second)]
    if names[0] == names[1]:
        names = [f"{names[0]} (first)", f"{names[1]} (second)"]
    outcome = (
        pl.when(pl.col("is_in_first") & pl.col("is_in_second")).then(pl.lit("kept by both"))
        .when(pl.col("is_in_first")).then(pl.lit(f"only by {names[0]}"))
        .when(pl.col("is_in_second")).then(pl.lit(f"only by {names[1]}"))
        .otherwise(pl.lit("by neither"))
    )  # fmt: skip
    order = {"kept by both": 0, f"only by {names[0]}": 1, f"only by {names[1]}": 2, "by neither": 3}
    found = pl.concat(frames).with_columns(outcome=outcome)
    sums = [
        pl.col("n_docs").sum(), pl.col("n_bytes").sum(), pl.col("n_words").sum(),
        pl.when(pl.col("n_tokens").is_not_null().any()).then(pl.col("n_tokens").sum()).alias("n_tokens"),
    ]  # fmt: skip
    by_source = found.group_by("source", "outcome").agg(sums)
    total = found.group_by("outcome").agg(sums).with_columns(source=pl.lit(None, pl.String)).select(by_source.columns)
    together: pl.DataFrame = pl.concat([total, by_source])
    return (
        together.with_columns(place=pl.col("outcome").replace_strict(order))
        .sort("source", "place", nulls_last=False)
        .drop("place")
    )


def _kept(impact: Impact, part: SourcePart) -> pl.DataFrame:
    """The documents of a part that a recipe keeps in some stream."""
    impact.hits(part)
    frame = impact.connection.sql("select distinct doc from hits where is_kept").pl()
    assert isinstance(frame, pl.DataFrame)
    return frame
