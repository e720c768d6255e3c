"""Charts of a sheet: nothing empty, numbers that are the table's, names as text, the same bytes each time."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

import explorer
from explorer.config import CorpusConfig
from explorer.datasheet.bundle import read_sheet
from explorer.datasheet.charts import CHARTS, MOST_BARS, chart_svg, render_charts
from explorer.datasheet.declared import Declared
from explorer.datasheet.scales import axis_ticks, to_number
from explorer.datasheet.sheet import Sheet
from explorer.datasheet.svg import cut, distinct, document, is_covered, label, palette, text_width, to_png
from explorer.escape import printable
from explorer.statistic import load_statistics
from explorer.units import format_value
from tests.corpora import build_corpus
from tests.generate import cuts, generated, write_cut, write_recipe

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "a|b",
    "<script>alert(1)</script>",
    "new\nline `tick` \"quote\" 'single'",
    "\u202eright to left\u200f",
    "עברית",
    "日本語",
    "]]> &amp; <!-- --> \x00\x1b[31m",
    "x" * 3000,
    "",
)


def sheet_of(name: str, rows: Sequence[Mapping[str, Any]], **entry: Any) -> Sheet:
    """A sheet with one statistic; columns that a row does not name are null."""
    given = load_statistics()[name]
    columns = [{"name": c.name, "unit": c.unit, "definition": c.doc} for c in given.columns]
    values = [[row.get(column.name) for column in given.columns] for row in rows]
    shown = {
        "title": given.title, "definition": given.doc, "is_exact": True, "error": None, "sql_hash": "0123abcd",
        "parameters": given.arguments({}), "columns": columns, "rows": values,
    }  # fmt: skip
    return Sheet({"corpus": {}, "statistics": {name: shown | entry}}, CorpusConfig(), Declared())


def drawn(name: str, rows: Sequence[Mapping[str, Any]], width: int = 760, **entry: Any) -> ElementTree.Element:
    svg = chart_svg(sheet_of(name, rows, **entry), name, width)
    assert svg is not None
    return ElementTree.fromstring(svg)


def texts(svg: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in svg.iter(f"{SVG}text")]


def marks(svg: ElementTree.Element, role: str = "") -> list[ElementTree.Element]:
    """What a pointer can rest on: bars, cells and points."""
    found = [
        one for one in svg.iter() if one.tag in (f"{SVG}rect", f"{SVG}circle") and one.find(f"{SVG}title") is not None
    ]
    return [one for one in found if role in ("", one.get("class"))]


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    documents = generated(160)
    for number, document_ in enumerate(documents):
        if number % 3 and number % 23 != 11:
            document_["source"] = HOSTILE[number % 7]
    for name in ("uneven", "shuffled"):
        root = tmp_path_factory.mktemp(name)
        write_cut(root / "input", documents, cuts(len(documents))[name])
        build_corpus(root / "input", root / "workspace", recipes=[str(write_recipe(root))], near=0.7)
        found[name] = root / "workspace"
    return found


@pytest.fixture(scope="module")
def sheets(roots: dict[str, Path]) -> dict[str, Sheet]:
    found = {}
    for name, root in roots.items():
        with explorer.open(root) as corpus:
            found[name] = read_sheet(corpus)
    return found


@pytest.fixture(scope="module")
def files(sheets: dict[str, Sheet]) -> dict[str, str | bytes]:
    return render_charts(sheets["uneven"])


def test_every_chart_of_a_card_is_there(files: dict[str, str | bytes]) -> None:
    assert set(files) == {f"charts/{name}.{kind}" for name in CHARTS for kind in ("svg", "png")}


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("width", [760, 372])
def test_a_chart_is_xml_with_marks_in_its_frame(sheets: dict[str, Sheet], name: str, width: int) -> None:
    text = chart_svg(sheets["uneven"], name, width)
    assert text is not None
    svg = ElementTree.fromstring(text)
    height = float(svg.get("height") or 0)
    assert (svg.get("width"), svg.get("viewBox")) == (str(width), f"0 0 {width} {height:g}")
    found = marks(svg)
    assert found
    background = next(svg.iter(f"{SVG}rect"))
    assert background.get("fill") == "#ffffff"
    assert (background.get("width"), background.get("height")) == (str(width), f"{height:g}")
    for one in found:
        x, y = (float(one.get(a) or one.get(f"c{a}") or "nan") for a in "xy")
        assert 0 <= x <= width
        assert 0 <= y <= height
        assert x + float(one.get("width") or 0) <= width
        assert y + float(one.get("height") or 0) <= height
    title = svg.find(f"{SVG}title")
    assert title is not None
    assert title.text == load_statistics()[name].title
    assert title.text in " ".join(texts(svg))
    assert re.search(rf"{name}\(.*\) · SQL [0-9a-f]{{16}} · (exact|estimated)", " ".join(texts(svg)).replace("…", ""))


@pytest.mark.parametrize("name", CHARTS)
def test_no_two_texts_lie_on_one_another(sheets: dict[str, Sheet], name: str) -> None:
    for width in (760, 372):
        svg = ElementTree.fromstring(chart_svg(sheets["uneven"], name, width) or "")
        boxes = []
        for one in svg.iter(f"{SVG}text"):
            if one.get("transform") or not one.text:
                continue
            size, x, y = (float(one.get(key) or 0) for key in ("font-size", "x", "y"))
            wide = text_width(one.text, size)
            left = x - {"middle": wide / 2, "end": wide}.get(one.get("text-anchor") or "", 0.0)
            boxes.append((left, left + wide, y - size * 0.7, y, one.text))
        for n, a in enumerate(boxes):
            assert a[0] >= 0, a
            assert a[1] <= width, a
            for b in boxes[n + 1 :]:
                assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2], (a, b)


def test_the_same_bytes_twice_and_for_shuffled_shards(sheets: dict[str, Sheet], files: dict[str, str | bytes]) -> None:
    assert render_charts(sheets["uneven"]) == files
    assert render_charts(sheets["shuffled"]) == files


def test_hostile_names_are_text_and_nothing_else(files: dict[str, str | bytes]) -> None:
    for path, content in files.items():
        if isinstance(content, bytes):
            continue
        tags = {one.tag.removeprefix(SVG) for one in ElementTree.fromstring(content).iter()}
        assert tags <= {"svg", "title", "desc", "rect", "line", "polyline", "circle", "text"}, path
        assert "<script" not in content
        assert content.replace("\n", "").isprintable()  # neither controls nor marks that turn the reading around
    names = texts(ElementTree.fromstring(files["charts/composition.svg"]))
    assert {"a|b", "<script>alert(1)</script>", "\\u202eright to left\\u200f", "עברית"} <= set(names)


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_name_is_drawn(name: str) -> None:
    svg = drawn("composition", [{"source": name, "n_bytes": 5}, {"source": None, "n_bytes": 3}])
    first = next(t for t in texts(svg)[2:] if t)
    shown = printable(name) or "(empty)"
    assert first == shown or (first.endswith("…") and shown.startswith(first[:-1]))
    assert "(none)" in texts(svg)


def test_bars_are_as_long_as_the_numbers_beside_them() -> None:
    rows = [
        {"source": "a", "n_bytes": 1_000_000, "byte_share": 0.8},
        {"source": "b", "n_bytes": 250_000, "byte_share": 0.2},
        {"source": "c", "n_bytes": 0, "byte_share": 0.0},
    ]
    svg = drawn("composition", rows)
    a, b, c = (float(one.get("width") or 0) for one in marks(svg))
    assert b == pytest.approx(a / 4, abs=0.02)
    assert c == 0
    assert [t for t in texts(svg) if "(" in t and "%" in t] == [
        "1,000,000 (80.00 %)",
        "250,000 (20.00 %)",
        "0 (0.00 %)",
    ]
    assert "1,000,000" in texts(drawn("composition", rows, 372))  # no room for the share


def test_numbers_at_bars_are_the_tables(sheets: dict[str, Sheet], files: dict[str, str | bytes]) -> None:
    for name, value, share in (("composition", "n_bytes", "byte_share"), ("domains", "n_bytes", "byte_share")):
        rows = sheets["uneven"].rows(name)[:MOST_BARS]
        told = [f"{row[value]:,} ({format_value(row[share], 'share')})" for row in rows]
        assert [t for t in texts(ElementTree.fromstring(files[f"charts/{name}.svg"])) if t in told] == told
    (overlap,) = [ElementTree.fromstring(files["charts/overlap.svg"])]
    rows = [row for row in sheets["uneven"].rows("overlap") if row["doc_share"] is not None]
    found = [(one.findtext(f"{SVG}title") or "").splitlines()[-1] for one in marks(overlap)]
    told = [f"document share: {format_value(row['doc_share'], 'share')}" for row in rows]
    assert sorted(t for t in found if not t.endswith("(none)")) == sorted(told)


def test_stacked_bars_add_up_and_the_rest_is_one_group() -> None:
    rows = [{"source": "s", "language": f"l{n:02d}", "n_bytes": 100 - n} for n in range(20)]
    svg = drawn("languages_by_source", rows)
    found = marks(svg)
    assert len(found) == 9
    widths = [float(one.get("width") or 0) for one in found]
    assert widths[8] / widths[0] == pytest.approx(sum(100 - n for n in range(8, 20)) / 100, abs=0.01)
    assert found[8].get("fill") == palette().series[8]
    assert "12 others" in texts(svg)
    ends = [float(one.get("x") or 0) + width for one, width in zip(found, widths, strict=True)]
    assert [float(one.get("x") or 0) for one in found[1:]] == pytest.approx(ends[:-1], abs=0.03)


def test_cells_have_the_colour_and_the_text_of_their_number() -> None:
    rows = [
        {"source_a": a, "source_b": b, "doc_share": share}
        for a, b, share in (("a", "a", 0.0), ("a", "b", 0.617), ("b", "a", 1.0), ("b", "b", None))
    ]
    svg = drawn("overlap", rows)
    cells = marks(svg)
    assert [one.get("class") for one in cells] == ["q0", "q6", "q9", "p"][: len(cells)]
    assert [t for t in texts(svg) if t in ("0", "62", "100")] == ["0", "62", "100"]
    assert "On the diagonal" in " ".join(texts(svg))


def test_what_is_left_and_removed_in_steps() -> None:
    rows = [
        {"recipe": "r", "place": 1, "rule": "first", "n_docs_removed": 40, "n_docs_left": 60},
        {"recipe": "r", "place": 2, "rule": "second", "n_docs_removed": 0, "n_docs_left": 60},
    ]
    svg = drawn("filter_waterfall", rows)
    assert {"60 (−40)", "60", "left", "removed here"} <= set(texts(svg))
    left, removed = float(marks(svg, "s0")[0].get("width") or 0), float(marks(svg, "s1")[0].get("width") or 0)
    assert removed / left == pytest.approx(40 / 60, abs=0.01)


def test_an_estimate_says_so_with_its_bound() -> None:
    rows = [{"source": "a", "n_bytes": 1}]
    assert "Estimated" not in " ".join(texts(drawn("composition", rows)))
    told = " ".join(texts(drawn("composition", rows, is_exact=False, error="Off by 2 % at most.")))
    assert "Estimated. Off by 2 % at most." in told
    assert "composition() · SQL 0123abcd · estimated" in told


def test_more_rows_than_a_picture_has_room_for() -> None:
    rows = [{"domain": f"d{n}.org", "n_bytes": 100 - n} for n in range(31)]
    svg = drawn("domains", rows)
    assert len(marks(svg)) == MOST_BARS
    assert f"The chart shows the first {MOST_BARS} of 31 (domain)" in " ".join(texts(svg))


def test_names_that_would_be_equal_once_cut_differ() -> None:
    long = "a very long beginning that many licences of this kind share, "
    svg = drawn("licences", [{"licence": f"{long}{end}", "n_bytes": 3} for end in ("one", "two")])
    names = [t for t in texts(svg) if t.startswith("a very long")]
    assert len(set(names)) == 2
    assert [name[-3:] for name in names] == ["one", "two"]


def test_lone_dates_far_from_all_others_leave_room_and_are_told() -> None:
    dense = [{"period": f"{year}-01-01", "source": "a", "n_docs": 1000} for year in range(2010, 2020)]
    lone = [{"period": "0900-01-01", "source": "a", "n_docs": 3}, {"period": "9999-01-01", "source": "b", "n_docs": 4}]
    svg = drawn("documents_over_time", [lone[0], *dense, lone[1]])
    assert "Not drawn: 7 documents before 2010 or after 2019; they are in stats.json." in " ".join(texts(svg))
    assert len(marks(svg)) == 10
    even = drawn("documents_over_time", dense)
    assert len(marks(even)) == 10
    assert "Not drawn" not in " ".join(texts(even))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("composition", [{"source": "a", "n_bytes": 0}]),
        ("composition", [{"source": "a", "n_bytes": 2**70}, {"source": "b", "n_bytes": 1}]),
        ("documents_over_time", [{"period": "2020-01-01", "source": "a", "n_docs": 1}]),
        ("documents_over_time", [{"period": f"0001-01-{n:02d}", "source": "a", "n_docs": n} for n in (1, 2)]),
        ("length_histogram", [{"source": "a", "bin_start": 0, "bin_end": 1, "n_docs": 1}]),
        ("overlap", [{"source_a": "a", "source_b": "a", "doc_share": 0.0}]),
        ("overlap", [{"source_a": f"s{n // 60}", "source_b": f"s{n % 60}", "doc_share": 0.5} for n in range(3600)]),
    ],
)
@pytest.mark.parametrize("width", [760, 372])
def test_odd_numbers_are_drawn(name: str, rows: list[dict[str, Any]], width: int) -> None:
    svg = drawn(name, rows, width)
    numbers = [value for one in svg.iter() for key in ("x", "y", "width", "height", "cx") if (value := one.get(key))]
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", number) for number in numbers)
    assert len(numbers) > 8


def test_a_statistic_without_numbers_has_no_chart() -> None:
    assert chart_svg(sheet_of("composition", []), "composition") is None
    assert chart_svg(sheet_of("composition", [{"source": "a"}]), "composition") is None
    assert chart_svg(sheet_of("composition", []), "languages") is None
    without = sheet_of("composition", [{"source": "a", "n_bytes": 1}])
    without.stats["statistics"]["composition"].update(columns=[], rows=[[]])  # of another version of the statistic
    assert chart_svg(without, "composition") is None


def test_pngs_are_the_svgs_at_twice_the_size_and_not_blank(files: dict[str, str | bytes]) -> None:
    for name in CHARTS:
        svg, png = files[f"charts/{name}.svg"], files[f"charts/{name}.png"]
        assert isinstance(png, bytes)
        root = ElementTree.fromstring(svg)
        image = Image.open(io.BytesIO(png)).convert("RGB")
        assert image.size == (round(2 * float(root.get("width") or 0)), round(2 * float(root.get("height") or 0)))
        assert image.getpixel((1, 1)) == (255, 255, 255)
        colours = {colour: n for n, colour in image.getcolors(1 << 24) or []}
        assert len(colours) > 20
        assert colours[(255, 255, 255)] < image.width * image.height * 0.98


def test_text_is_seen_without_the_fonts_of_the_machine() -> None:
    def dark(text: str) -> int:
        svg = document(300, 40, "t", "d", [label(10, 25, text)])
        assert is_covered(svg)  # so that no font of the machine is read
        image = Image.open(io.BytesIO(to_png(svg))).convert("L")
        return sum(image.histogram()[:128])

    assert dark("") == 0
    counts = [dark(text) for text in ("Corpus 123", "Größe, naïve …", "русский", "ελλάδα")]
    assert min(counts) > 100
    assert not is_covered("日本")
    assert dark("Bold") != dark("Thin")


def test_the_fonts_of_the_machine_change_nothing_where_ours_has_the_letters() -> None:
    families = ("No Such Font", "Noto Sans", "DejaVu Sans", "Liberation Sans")  # one of these is on most machines
    drawn_ = {to_png(document(300, 40, "t", "d", [label(10, 25, "Corpus", font_family=one)])) for one in families}
    assert len(drawn_) == 1


def test_bold_has_a_font_of_its_own() -> None:
    plain = to_png(document(300, 40, "t", "d", [label(10, 25, "Corpus")]))
    bold = to_png(document(300, 40, "t", "d", [label(10, 25, "Corpus", font_weight="bold")]))
    assert plain != bold


def ticks(low: float, high: float, n: int = 5, *, is_date: bool = False, whole: bool = False, **axis: Any) -> list[str]:
    return list(axis_ticks(axis, low, high, n, is_date=is_date, whole=whole).texts)


def day(text: str) -> float:
    return to_number(datetime.date.fromisoformat(text))


def test_ticks_are_round() -> None:
    assert ticks(0, 10) == ["0", "2", "4", "6", "8", "10"]
    assert ticks(0, 3, 6) == ["0", "0.5", "1", "1.5", "2", "2.5", "3"]
    assert ticks(0, 3, 6, whole=True) == ["0", "1", "2", "3"]
    assert ticks(0, 2_400_000) == ["0", "500k", "1M", "1.5M", "2M"]
    assert ticks(0, 1, tickformat=".0%") == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert ticks(0, 0.02, 4, tickformat=".0%") == ["0.0 %", "0.5 %", "1.0 %", "1.5 %", "2.0 %"]
    assert ticks(day("1789-01-01"), day("2024-01-01"), is_date=True) == ["1800", "1850", "1900", "1950", "2000"]
    assert ticks(day("0001-01-01"), day("0009-01-01"), 4, is_date=True) == ["0002", "0004", "0006", "0008"]
    assert ticks(day("2020-01-15"), day("2020-07-01"), 6, is_date=True) == [f"2020-0{m}" for m in range(2, 8)]
    assert ticks(day("2020-01-30"), day("2020-02-02"), 3, is_date=True) == [
        "2020-01-30",
        "2020-01-31",
        "2020-02-01",
        "2020-02-02",
    ]
    assert ticks(0, 9, tickvals=[0, 5, 20], ticktext=["a", "b &amp; c", "d"]) == ["a", "b & c"]


def test_cutting() -> None:
    assert cut("short", 12, 100) == "short"
    shown = cut("x" * 100, 12, 100)
    assert shown.endswith("…")
    assert text_width(shown, 12) <= 100
    assert distinct(["a" * 50 + "1", "a" * 50 + "2", "b"], 12, 100)[2] == "b"
    assert len(set(distinct(["a" * 50 + "1", "a" * 50 + "2"], 12, 100))) == 2
    assert all(text_width(one, 12) <= 101 for one in distinct(["a" * 50 + "1", "a" * 50 + "2"], 12, 100))


def test_colours_are_the_dashboards() -> None:
    assert palette("light").series[0] == "#1f6f8b"
    assert all(re.fullmatch("#[0-9a-f]{6}", c) for c in (*palette("dark").series, *palette().sequential))
    assert len(palette().sequential) == len(palette().diverging) == 10
