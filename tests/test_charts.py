"""Charts: every statistic draws, hostile names stay text, what is cut is said."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import explorer
from explorer.charts import MAX_BARS, draw, weights
from explorer.plots import MAX_COLOURS, column_title, label, magnitude_scale
from explorer.statistic import Column, Statistic, load_statistics
from tests.corpora import build_corpus
from tests.generate import ODD_SOURCE, cuts, generated, write_cut

UNITS = {
    "name": "name",
    "kind": "name",
    "n_docs": "docs",
    "n_bytes": "bytes",
    "a_share": "share",
    "day": "date",
    "bin_start": "length",
    "score": "score",
}


def statistic(kind: str, x: str, y: str, color: str = "") -> Statistic:
    columns = tuple(Column(name, unit, "Doc.") for name, unit in UNITS.items())
    chart = {"kind": kind, "x": x, "y": y, **({"color": color} if color else {})}
    return Statistic("odd", "odd", "Odd", "Doc.", None, 1, chart, (), {}, None, columns, "", "", "select 1")


def traces(kind: str, x: str, y: str, frame: pl.DataFrame, color: str = "", value: str = "") -> list[dict[str, Any]]:
    chart = draw(statistic(kind, x, y, color), frame, value)
    assert chart is not None
    found: list[dict[str, Any]] = json.loads(chart.figure.to_json())["data"]
    return found


@pytest.fixture(scope="module")
def corpus_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("charts")
    documents = generated(120)
    build_corpus(write_cut(root / "input", documents, cuts(len(documents))["uneven"]), root / "workspace")
    return root / "workspace"


@pytest.mark.parametrize("name", [name for name, one in load_statistics().items() if one.chart])
def test_every_chart_draws_a_corpus_with_hostile_names(corpus_root: Path, name: str) -> None:
    one = load_statistics()[name]
    with explorer.open(corpus_root) as corpus:
        frame = corpus.run(one, {})
    chart = draw(one, frame)
    assert (chart is not None) == (frame.height > 0)
    if chart is None:
        return
    text = chart.figure.to_json()
    assert "<script" not in text
    assert "<i>" not in text
    assert "</b>" not in text
    assert one.title in chart.alt


def test_bars_keep_the_order_and_name_the_rows() -> None:
    frame = pl.DataFrame({"name": ["b", "a", None], "n_bytes": [30, 20, 10], "a_share": [0.5, 0.3, 0.2]})
    (trace,) = traces("bar", "n_bytes", "name", frame)
    assert trace["orientation"] == "h"
    assert trace["customdata"] == [
        "name: b<br>bytes: 30<br>a share: 50.00 %",
        "name: a<br>bytes: 20<br>a share: 30.00 %",
        "name: (none)<br>bytes: 10<br>a share: 20.00 %",
    ]
    chart = draw(statistic("bar", "n_bytes", "name"), frame)
    assert chart is not None
    assert list(chart.figure.layout.yaxis.ticktext) == ["b", "a", "(none)"]
    assert chart.alt == "Odd: bar chart of bytes by name, 3 rows. The highest is b with 30."
    assert chart.note == ""


def test_a_chart_by_another_measure() -> None:
    frame = pl.DataFrame({"name": ["b", "a"], "n_bytes": [30, 20], "n_docs": [1, 5], "a_share": [0.0, 1.0]})
    odd = statistic("bar", "n_bytes", "name")
    assert weights(odd, frame) == ["n_bytes", "n_docs"]
    chart = draw(odd, frame, value="n_docs")
    assert chart is not None
    assert [int(v) for v in chart.figure.data[0].x] == [1, 5]
    assert weights(statistic("bar", "a_share", "name"), frame) == []


def test_too_many_bars_are_cut_and_said() -> None:
    frame = pl.DataFrame(
        {"name": [f"n{i}" for i in range(50)], "n_bytes": list(range(50, 0, -1)), "a_share": [0.0] * 50}
    )
    chart = draw(statistic("bar", "n_bytes", "name"), frame)
    assert chart is not None
    assert len(chart.figure.data[0].x) == MAX_BARS
    assert chart.note == "The chart shows the first 30 of 50 (name); the others are in the table."


def test_markup_in_names_is_text() -> None:
    assert label("<b>&amp;</b>", "name") == "&lt;b&gt;&amp;amp;&lt;/b&gt;"
    assert label("a\nb\u202ec", "name") == "a\\nb\\u202ec"
    assert label("", "name") == "(empty)"
    long = label("x" * 100, "name", 10)
    assert long == "x" * 9 + "…"
    assert label(ODD_SOURCE, "name").count("<") == 0


def test_names_that_are_equal_once_cut_stay_two_bars() -> None:
    names = ["x" * 60 + "1", "x" * 60 + "2"]
    frame = pl.DataFrame({"name": names, "n_bytes": [2, 1], "a_share": [0.0, 0.0]})
    (trace,) = traces("bar", "n_bytes", "name", frame)
    assert trace["y"] == [0, 1]
    assert names[0][:60] in trace["customdata"][0].replace("<br>", "")


def test_small_groups_become_others_and_nothing_is_lost() -> None:
    rows = [(f"k{k:02d}", name, 100 - k) for k in range(20) for name in ("a", "b")]
    frame = pl.DataFrame(rows, schema=["kind", "name", "n_bytes"], orient="row")
    found = traces("stacked_bar", "n_bytes", "name", frame, "kind")
    assert len(found) == MAX_COLOURS + 1
    assert found[-1]["name"] == "12 others"
    chart = draw(statistic("stacked_bar", "n_bytes", "name", "kind"), frame)
    assert chart is not None
    assert sum(sum(trace.x) for trace in chart.figure.data) == frame["n_bytes"].sum()


def test_a_null_group_is_drawn() -> None:
    frame = pl.DataFrame({"kind": ["a", None], "name": ["x", "x"], "n_bytes": [1, 2]})
    found = traces("stacked_bar", "n_bytes", "name", frame, "kind")
    assert [trace["name"] for trace in found] == ["(none)", "a"]


def test_lines_are_in_order_of_time() -> None:
    days = [datetime.date(2021, 1, 1), datetime.date(2020, 1, 1)]
    frame = pl.DataFrame({"day": days, "n_docs": [2, 1]})
    (trace,) = traces("line", "day", "n_docs", frame)
    assert [day[:10] for day in trace["x"]] == ["2020-01-01", "2021-01-01"]
    assert trace["customdata"] == ["day: 2020-01-01<br>documents: 1", "day: 2021-01-01<br>documents: 2"]


def test_bins_over_magnitudes_stand_on_a_logarithmic_scale() -> None:
    place, ticks = magnitude_scale([0.0, 1.0, 10.0, 1000.0])
    assert [place(v) for v in (1.0, 10.0, 1000.0)] == pytest.approx([0.0, 1.0, 3.0])
    assert place(0.0) < 0.0
    assert ticks["ticktext"] == ["0", "1", "10", "100", "1k"]
    plain, _ = magnitude_scale([0.0, 0.5, 1.0])
    assert plain(0.5) == 0.5
    negative, _ = magnitude_scale([-1000.0, 1.0, 10_000.0])
    assert negative(-1000.0) == -1000.0


def test_histogram_keeps_every_document() -> None:
    frame = pl.DataFrame({"bin_start": [0, 1, 1000], "n_docs": [1, 2, 3]})
    chart = draw(statistic("histogram", "bin_start", "n_docs"), frame)
    assert chart is not None
    assert sum(chart.figure.data[0].y) == 6


def test_heatmap_leaves_absent_cells_empty() -> None:
    frame = pl.DataFrame({"name": ["a", "b"], "kind": ["x", "y"], "a_share": [0.25, 1.0]})
    (trace,) = traces("heatmap", "name", "kind", frame, "a_share")
    assert trace["z"] == [[0.25, None], [None, 1.0]]
    assert trace["customdata"][0][0] == "kind: x<br>name: a<br>a share: 25.00 %"


def test_scatter_names_its_points() -> None:
    frame = pl.DataFrame({"name": ["<i>"], "kind": ["k"], "n_docs": [1], "n_bytes": [5]})
    (trace,) = traces("scatter", "n_docs", "n_bytes", frame)
    assert trace["customdata"] == ["name: &lt;i&gt;<br>documents: 1<br>bytes: 5"]


@pytest.mark.parametrize("kind", ["bar", "stacked_bar", "line", "histogram", "scatter"])
def test_nothing_to_draw(kind: str) -> None:
    frame = pl.DataFrame({"bin_start": [None], "n_docs": [None]}, schema={"bin_start": pl.Int64, "n_docs": pl.Int64})
    assert draw(statistic(kind, "bin_start", "n_docs"), frame) is None
    assert draw(statistic("", "", ""), frame) is None


def test_not_a_number_is_left_out() -> None:
    frame = pl.DataFrame({"name": ["a", "b", "c"], "score": [1.0, float("nan"), float("inf")], "n_docs": [1, 2, 3]})
    (trace,) = traces("scatter", "score", "n_docs", frame)
    assert len(trace["customdata"]) == 1


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("n_docs", "documents"),
        ("byte_share", "byte share"),
        ("p50_approx", "p50 (estimate)"),
        ("n_with_url", "with URL"),
    ],
)
def test_column_titles(name: str, title: str) -> None:
    assert column_title(name) == title


def test_bins_are_drawn_as_wide_as_they_are() -> None:
    """Bins that are missing make no other wider, and the group of all others has the same bins."""
    kinds = [f"k{i:02}" for i in range(MAX_COLOURS + 3)]
    starts = [0.0, 0.4, 0.9]
    frame = pl.DataFrame(
        [(kind, start, start + 0.05, 5) for kind in kinds for start in starts],
        schema=["kind", "bin_start", "bin_end", "n_docs"],
        orient="row",
    )
    drawn = traces("histogram", "bin_start", "n_docs", frame, color="kind")
    assert len(drawn) == MAX_COLOURS + 1
    for trace in drawn:
        assert trace["width"] == pytest.approx([0.05] * 3)
