"""The charts of filter impact: waterfall, UpSet plot, correlations, the curve over a threshold."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from explorer.charts import draw
from explorer.plots import Chart
from explorer.rule_charts import MAX_SETS
from explorer.statistic import Column, Statistic

UNITS = {
    "rule": "name",
    "other_rule": "name",
    "combination": "name",
    "n_rules": "count",
    "n_docs": "docs",
    "n_docs_left": "docs",
    "n_docs_removed": "docs",
    "docs_left_share": "share",
    "correlation": "ratio",
    "threshold": "score",
    "kept_doc_share": "share",
    "kept_token_share": "share",
    "is_chosen": "flag",
}


def drawn(kind: str, x: str, y: str, frame: pl.DataFrame, color: str = "") -> tuple[Chart, list[dict[str, Any]]]:
    columns = tuple(Column(name, UNITS[name], "Doc.") for name in frame.columns)
    chart = {"kind": kind, "x": x, "y": y, **({"color": color} if color else {})}
    one = Statistic("odd", "odd", "Odd", "Doc.", None, 1, chart, (), {}, None, columns, "", "", "select 1")
    found = draw(one, frame)
    assert found is not None
    return found, json.loads(found.figure.to_json())["data"]


def test_a_waterfall_shows_what_is_left_and_what_each_step_took() -> None:
    frame = pl.DataFrame(
        {
            "rule": ["(all documents)", "<b>short</b>", "long"],
            "n_docs_removed": [0, 30, 20],
            "n_docs_left": [100, 70, 50],
            "docs_left_share": [1.0, 0.7, 0.5],
        }
    )
    chart, (left, removed) = drawn("waterfall", "n_docs_left", "rule", frame)
    assert left["x"] == [100, 70, 50]
    assert removed["x"] == [0, 30, 20]
    assert chart.figure.layout.barmode == "stack"
    assert list(chart.figure.layout.yaxis.ticktext) == ["(all documents)", "&lt;b&gt;short&lt;/b&gt;", "long"]
    assert removed["customdata"][1].endswith("documents left share: 70.00 %")
    assert chart.alt.endswith("The highest is <b>short</b> with 30. After the last step 50 are left.")


def test_an_upset_plot_has_bars_over_a_matrix() -> None:
    frame = pl.DataFrame({"combination": ["a", "a + b", "b + c"], "n_rules": [1, 2, 2], "n_docs": [50, 30, 5]})
    chart, (bars, dots) = drawn("upset", "n_docs", "combination", frame)
    assert bars["y"] == [50, 30, 5]
    assert list(chart.figure.layout.yaxis.ticktext) == ["a", "b", "c"]  # those in most documents first
    places = zip(dots["x"], dots["y"], dots["marker"]["opacity"], strict=True)
    filled = {(x, y) for x, y, opacity in places if opacity == 1}
    assert filled == {(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)}
    assert sum(0 < opacity < 1 for opacity in dots["marker"]["opacity"]) == 9 - 5
    assert chart.figure.layout.yaxis.domain[1] < chart.figure.layout.yaxis2.domain[0]


def test_names_that_hold_a_plus_are_one_row() -> None:
    frame = pl.DataFrame({"combination": ["a + b > 3"], "n_rules": [1], "n_docs": [5]})
    chart, _ = drawn("upset", "n_docs", "combination", frame)
    assert list(chart.figure.layout.yaxis.ticktext) == ["a + b &gt; 3"]


def test_an_upset_plot_says_what_it_leaves_out() -> None:
    n = MAX_SETS + 3
    frame = pl.DataFrame({
        "combination": [f"r{i}" for i in range(n)], "n_rules": [1] * n, "n_docs": list(range(n, 0, -1)),
    })  # fmt: skip
    chart, (bars, _) = drawn("upset", "n_docs", "combination", frame)
    assert len(bars["y"]) == MAX_SETS
    assert f"largest {MAX_SETS} of {n}" in chart.note


def test_correlations_part_at_zero() -> None:
    frame = pl.DataFrame({
        "rule": ["a", "b"], "other_rule": ["b", "a"], "correlation": [-0.25, -0.25],
    })  # fmt: skip
    _, (cells,) = drawn("correlation", "other_rule", "rule", frame, "correlation")
    assert (cells["zmin"], cells["zmid"], cells["zmax"]) == (-1, 0, 1)
    assert cells["z"] == [[None, -0.25], [-0.25, None]]


def test_a_curve_marks_the_chosen_threshold() -> None:
    frame = pl.DataFrame(
        {
            "threshold": [0.0, 0.5, 1.0],
            "kept_doc_share": [1.0, 0.6, 0.1],
            "kept_token_share": [1.0, 0.7, 0.2],
            "is_chosen": [False, True, False],
        }
    )
    chart, (docs, tokens, mark) = drawn("curve", "threshold", "kept_doc_share", frame)
    assert (docs["name"], tokens["name"]) == ("documents", "tokens")
    assert docs["y"] == [1.0, 0.6, 0.1]
    assert mark["x"] == [0.5, 0.5]
    assert mark["y"] == [0.6, 0.7]
    assert chart.alt.endswith("At 0.5, which is chosen, 60.00 % is kept.")


def test_a_measure_without_values_has_no_curve() -> None:
    frame = pl.DataFrame(
        {"threshold": [1.0], "kept_doc_share": [1.0], "kept_token_share": [None], "is_chosen": [True]},
        schema_overrides={"kept_token_share": pl.Float64},
    )
    _, traces = drawn("curve", "threshold", "kept_doc_share", frame)
    assert [trace["name"] for trace in traces] == ["documents", "chosen: 1"]
