"""Standard errors of filter impact's figures when they are estimated from a sample, stratified by source.

A figure is the sum over all documents of c x: x is what is measured (1 for documents), and c depends on the rules that
hit a document: 1 or 0 for what a rule takes alone, 1 / number of rules for its Shapley share. With R = sum(c x) /
sum(x) over the n documents drawn of a source's N, and X the source's own total, which is known, the ratio estimator
R X has the variance (X / sum(x))^2 n (1 - n / N) sum((c x - R x)^2) / (n - 1), and sources add up (Cochran, Sampling
Techniques, 1977, sections 2.11, 6.4 and 6.10). One document of average size more is allowed for in the last sum, so
that what the sample has not met is not taken for impossible.

`groups` are the drawn documents by source and set of rules that hit them: source, rules (their numbers), and for each
measure its sum and the sum of its squares (n_bytes, n_bytes_squared). `totals` are the sources: source, and for each
measure what all documents have, what the drawn ones have, and the latter's squares (n_bytes_of, n_bytes, ...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

_SHARES = {"n_docs": "doc", "n_bytes": "byte", "n_words": "word", "n_tokens": "token"}
_FIGURES = ("alone", "uniquely", "in_order", "shapley")


def kept_errors(groups: pl.DataFrame, totals: pl.DataFrame, keys: Sequence[str], shown: str) -> pl.DataFrame:
    """Standard errors of what is kept, of each measure: a row for all (no `keys`) or for each source.

    Columns: the keys, n_kept_docs and the like, and the shares `shown`_doc_share and the like.
    """
    frame = None
    for measure, name in _SHARES.items():
        size, squares = pl.col(measure), pl.col(f"{measure}_squared")
        is_kept = pl.col("rules").list.len() == 0
        sums = groups.group_by("source").agg(
            all=size.sum(), s=size.filter(is_kept).sum(), q=squares.filter(is_kept).sum()
        )
        rows = _with_sources(totals.select("source"), sums, totals, measure)
        found = _summed(rows, keys, {"error": _variance("s", "q", "q")})
        kept, share = f"n_kept_{measure[2:]}", f"{shown}_{name}_share"
        found = found.select(*keys, pl.col("error").alias(kept), (pl.col("error") / pl.col("all")).alias(share))
        frame = found if frame is None else _joined(frame, found, keys)
    assert frame is not None
    return frame


def rule_errors(
    groups: pl.DataFrame, totals: pl.DataFrame, rules: pl.DataFrame, measure: str, keys: Sequence[str]
) -> pl.DataFrame:
    """Standard errors of what each rule takes, by `keys` (rule, or rule and source).

    `rules` has number, rule (its name) and place (in the order). Columns: the keys, removed_alone, alone_share,
    hit_share (the same), removed_uniquely, removed_in_order, removed_without, removed_shapley, shapley_share.
    """
    size, squares = pl.col(measure), pl.col(f"{measure}_squared")
    struck = (
        groups.with_row_index("group")
        .filter(pl.col("rules").list.len() > 0)
        .with_columns(n_rules=pl.col("rules").list.len().cast(pl.Float64), number=pl.col("rules"))
        .explode("number")
        .join(rules, on="number")
        .with_columns(is_first=pl.col("place") == pl.col("place").min().over("group"))
    )
    shares: Mapping[str, pl.Expr] = {
        "alone": pl.lit(1.0),
        "uniquely": (pl.col("n_rules") == 1).cast(pl.Float64),
        "in_order": pl.col("is_first").cast(pl.Float64),
        "shapley": 1.0 / pl.col("n_rules"),
    }
    sums = struck.group_by("source", "number").agg(
        expression
        for name, c in shares.items()
        for expression in (
            (c * size).sum().alias(f"{name}_s"), (c * squares).sum().alias(f"{name}_q"),
            (c * c * squares).sum().alias(f"{name}_qq"),
        )
    )  # fmt: skip
    is_hit = pl.col("rules").list.len() > 0
    hits = groups.group_by("source").agg(
        all=size.sum(), hit_s=size.filter(is_hit).sum(), hit_q=squares.filter(is_hit).sum()
    )
    pairs = totals.select("source").join(rules.select("number", "rule"), how="cross")
    rows = _with_sources(pairs, hits, totals, measure)
    rows = rows.join(sums, on=["source", "number"], how="left", nulls_equal=True).with_columns(
        pl.col(f"{name}_{kind}").fill_null(0.0) for name in _FIGURES for kind in ("s", "q", "qq")
    )
    removed = (pl.col("scale") * pl.col("hit_s")).sum().over(keys)
    share = (pl.col("scale") * pl.col("shapley_s")).sum().over(keys) / removed
    rows = rows.with_columns(
        without_s=pl.col("hit_s") - pl.col("uniquely_s"),
        without_q=pl.col("hit_q") - pl.col("uniquely_q"),
        # a share of what is removed is a ratio of two estimates: its error is that of c - share * (is hit)
        share_s=pl.col("shapley_s") - share * pl.col("hit_s"),
        share_q=pl.col("shapley_q") - share * pl.col("hit_q"),
        share_qq=pl.col("shapley_qq") - 2 * share * pl.col("shapley_q") + share * share * pl.col("hit_q"),
        removed=removed,
    )
    found = _summed(rows, keys, {
        **{f"removed_{name}": _variance(f"{name}_s", f"{name}_q", f"{name}_qq") for name in _FIGURES},
        "removed_without": _variance("without_s", "without_q", "without_q"),
        "shapley_share": _variance("share_s", "share_q", "share_qq"),
    })  # fmt: skip
    return found.with_columns(
        alone_share=pl.col("removed_alone") / pl.col("all"),
        hit_share=pl.col("removed_alone") / pl.col("all"),
        shapley_share=pl.col("shapley_share") / pl.col("removed"),
    ).drop("all", "removed")


def _joined(left: pl.DataFrame, right: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Two frames with a row for each key, or of one row."""
    if not keys:
        return left.hstack(right)
    return left.join(right, on=keys, how="left", nulls_equal=True)


def _with_sources(rows: pl.DataFrame, sums: pl.DataFrame, totals: pl.DataFrame, measure: str) -> pl.DataFrame:
    """Rows by source with some sums (0 where a source has none) and what is known of the source: n, n_of, x, q_of, and
    `scale` = X / sum(x)."""
    known = totals.select(
        "source", n=pl.col("n_docs").cast(pl.Float64), n_of=pl.col("n_docs_of").cast(pl.Float64),
        x=pl.col(measure).cast(pl.Float64), x_squared=pl.col(f"{measure}_squared"),
        scale=pl.when(pl.col(measure) > 0).then(pl.col(f"{measure}_of") / pl.col(measure)).otherwise(0.0),
    )  # fmt: skip
    names = [name for name in sums.columns if name != "source"]
    return (
        rows.join(sums, on="source", how="left", nulls_equal=True)
        .with_columns(pl.col(name).cast(pl.Float64).fill_null(0.0) for name in names)
        .join(known, on="source", nulls_equal=True)
    )


def _variance(s: str, q: str, qq: str) -> pl.Expr:
    """The variance of a figure of one source out of sum(c x), sum(c x^2) and sum(c^2 x^2)."""
    n, x = pl.col("n"), pl.col("x")
    r = pl.when(x > 0).then(pl.col(s) / x).otherwise(0.0)
    squares = pl.col(qq) - 2 * r * pl.col(q) + r * r * pl.col("x_squared") + pl.col("x_squared") / n
    found = pl.col("scale") ** 2 * n * (1 - n / pl.col("n_of")) * squares / (n - 1)
    return pl.when(n == pl.col("n_of")).then(0.0).otherwise(found)


def _summed(rows: pl.DataFrame, keys: Sequence[str], variances: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Standard errors by keys over all sources; with `all`, what is estimated of the measure, and `removed` if any."""
    sums = [(pl.col("scale") * pl.col("all")).sum().alias("all")]
    if "removed" in rows.columns:
        sums.append(pl.col("removed").first())
    sums += [variance.clip(0.0).sum().sqrt().alias(name) for name, variance in variances.items()]
    return rows.group_by(keys).agg(sums) if keys else rows.select(sums)
