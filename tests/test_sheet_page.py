"""The page of a sheet: nothing runs in it, nothing is fetched, all is escaped, every number has its source."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import explorer
from explorer.datasheet.bundle import read_sheet
from explorer.datasheet.charts import CHARTS
from explorer.datasheet.declared import Card, Declared
from explorer.datasheet.page import FILES, MAX_COLUMNS, MAX_ROWS, SECTIONS, render_page
from explorer.datasheet.page_style import style_sheet
from explorer.datasheet.sheet import Sheet
from explorer.statistic import load_statistics
from tests.corpora import build_corpus, document, documents, write_dolma
from tests.generate import ODD_SOURCE, cuts, generated, write_cut, write_recipe
from tests.test_sheet_charts import HOSTILE, sheet_of

VOID = {"meta", "br", "hr", "img", "input", "link"}
SECRET = "A sentence of a document that no summary may repeat"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "nav", "section", "article", "h1", "h2", "h3", "p", "a",
    "ul", "li", "b", "i", "code", "span", "div", "dl", "dt", "dd", "figure", "table", "thead", "tbody", "tr", "th",
    "td", "details", "summary", "svg", "desc", "rect", "line", "polyline", "circle", "text",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "id", "class", "href", "title", "scope", "tabindex", "role",
    "aria-label", "xmlns", "viewbox", "width", "height", "font-family", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy",
    "r", "fill", "stroke", "stroke-width", "stroke-linejoin", "points", "opacity", "transform", "text-anchor",
    "font-size", "font-weight",
}  # fmt: skip


class Page(HTMLParser):
    """Tags, attributes and texts; raises where an element is closed that is not the open one."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]

    @property
    def said(self) -> str:
        return " ".join(self.texts)


def page_text(sheet: Sheet) -> str:
    (text,) = render_page(sheet).values()
    assert isinstance(text, str)
    return text


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sheet]:
    found = {}
    rows = generated(160)
    for number, row in enumerate(rows):
        if number % 4 == 1 and row["source"] == "web" and row["text"]:
            row |= {"source": HOSTILE[number % 7], "text": f"{SECRET} {number}.\n{SECRET}"}
    for name in ("uneven", "shuffled"):
        root = tmp_path_factory.mktemp(name)
        write_cut(root / "input", rows, cuts(len(rows))[name])
        build_corpus(root / "input", root / "workspace", recipes=[str(write_recipe(root))], near=0.7)
        with explorer.open(root / "workspace") as corpus:
            found[name] = read_sheet(corpus)
    return found


@pytest.fixture(scope="module")
def text(sheets: dict[str, Sheet]) -> str:
    return page_text(sheets["uneven"])


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_the_page_is_well_formed_and_small(text: str, page: Page) -> None:
    assert text.startswith("<!doctype html>")
    assert page.open == []
    assert page.tags["svg"] == 2 * len(CHARTS)
    assert len(text.encode()) < 1_000_000


def test_nothing_in_it_can_run_or_fetch(text: str, page: Page) -> None:
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert all(link.startswith("#") or link in FILES for link in page.values("href"))
    assert page.values("xmlns") == ["http://www.w3.org/2000/svg"] * page.tags["svg"]
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert style == style_sheet()
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [value for value in page.values("content") if "-src" in value]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(ids)


def test_hostile_names_are_text(text: str, page: Page) -> None:
    assert text.replace("\n", "").isprintable()
    assert {"a|b", "<script>alert(1)</script>", "\\u202eright to left\\u200f", ODD_SOURCE} <= set(page.texts)
    assert any("new\\nline `tick` \"quote\" 'single'" in one for one in page.texts)


def test_no_text_of_a_document_is_in_it(text: str, sheets: dict[str, Sheet]) -> None:
    assert SECRET not in text
    assert any(SECRET in str(row) for row in sheets["uneven"].rows("repeated_paragraphs"))  # stats.json has samples


def test_the_same_bytes_twice_and_for_shuffled_shards(text: str, sheets: dict[str, Sheet]) -> None:
    assert page_text(sheets["uneven"]) == text
    assert page_text(sheets["shuffled"]) == text


def test_every_table_and_chart_says_where_it_comes_from(text: str, sheets: dict[str, Sheet]) -> None:
    sheet = sheets["uneven"]
    for name in [name for names in SECTIONS.values() for name in names]:
        assert name in load_statistics()
        article = text.partition(f'<article id="{name}">')[2].partition("</article>")[0]
        assert bool(article) == bool(sheet.rows(name)), name
        if not article:
            continue
        entry = sheet.entry(name)
        source = " ".join(Page(article.rpartition('<p class="source">')[2].partition("</p>")[0]).texts)
        assert source.startswith(f"from {name}(")
        assert entry["sql_hash"] in source
        assert source.endswith("exact") == entry["is_exact"]
        if not entry["is_exact"]:
            assert entry["error"] in Page(article).said.replace("  ", " ")
        assert ("<svg" in article) == (name in CHARTS)
        assert ("<table" in article) or ("<svg" in article)


def test_numbers_of_the_tables_and_at_a_glance(page: Page, sheets: dict[str, Sheet]) -> None:
    (totals,) = sheets["uneven"].rows("totals")
    assert {f"{totals[name]:,}" for name in ("n_docs", "n_bytes", "n_words")} <= set(page.texts)
    for row in sheets["uneven"].rows("composition")[:MAX_ROWS]:
        assert {f"{row['n_bytes']:,}", f"{row['doc_share'] * 100:.2f} %"} <= set(page.texts)


def test_alerts_stand_at_the_top_with_their_thresholds(text: str, sheets: dict[str, Sheet]) -> None:
    alerts = sheets["uneven"].rows("alerts")
    assert alerts
    section = text.partition('<section id="in-alerts">')[2].partition("</section>")[0]
    assert text.index('<section id="in-alerts">') < text.index('<section id="in-glance">') < text.index("<svg")
    said = " ".join(Page(section).texts)
    assert Page(section).tags["li"] == len(alerts) <= 7
    for alert in alerts:
        assert alert["message"][1:] in said.replace("  ", " ")
    assert said.count("threshold") >= len(alerts)


def test_no_alert_is_said_too() -> None:
    said = Page(page_text(sheet_of("alerts", []))).said
    assert "None: no number is beyond its threshold." in said
    assert "from alerts()" in said


def test_what_nobody_declared_is_said_to_be_missing() -> None:
    sheet = sheet_of("composition", [{"source": "a", "n_bytes": 1}])
    said = Page(page_text(sheet)).said
    assert "Unnamed corpus" in said
    assert said.count("not stated") == 5  # version, licence, date, tokenizer, fingerprint
    card = Card(pretty_name="<b>Our</b> corpus", date="2026-01-02")
    facts = {"licence": "ODC-By", "version": "3", "name": "ours", "description": "What & why"}
    told = replace(sheet, declared=Declared(card=card), stats={**sheet.stats, "corpus": facts})
    said = Page(page_text(told)).said
    for expected in ("<b>Our</b> corpus", "Published: 2026-01-02", "Licence: ODC-By", "Version: 3", "What & why"):
        assert expected in said
    assert said.count("not stated") == 2


def test_long_tables_are_cut_and_say_so() -> None:
    rows = [{"attribute_set": "s", "key": f"k{n}", "shape": "spans", "n_docs": n} for n in range(MAX_ROWS + 2)]
    said = Page(page_text(sheet_of("attribute_coverage", rows))).said
    assert f"k{MAX_ROWS - 1}" in said
    assert f"k{MAX_ROWS} " not in said
    assert f"Here are the first {MAX_ROWS} of {MAX_ROWS + 2} rows; stats.json has them all." in said.replace("  ", " ")
    names = [c.name for c in load_statistics()["composition"].columns]
    wide = sheet_of("composition", [dict.fromkeys(names[3:], 0.5) | {n: 7 for n in names if n.startswith("n_")}])
    assert f"the first {MAX_COLUMNS} of {len(names) - 3} columns" in Page(page_text(wide)).said


def test_a_row_without_a_source_is_about_all() -> None:
    dates: list[dict[str, Any]] = [{"source": None, "n_dated": 3}, {"source": "a", "n_dated": 3}]
    assert "(all)" in Page(page_text(sheet_of("date_range", dates))).texts
    languages: list[dict[str, Any]] = [{"language": None, "n_docs": 3, "n_bytes": 4}]
    assert "(none)" in Page(page_text(sheet_of("languages", languages))).texts


def test_an_empty_corpus_has_a_page(tmp_path: Path) -> None:
    build_corpus(write_dolma(tmp_path / "in", {"a.jsonl": [document(1, text="")]}), tmp_path / "out")
    with explorer.open(tmp_path / "out") as corpus:
        page = Page(page_text(read_sheet(corpus)))
    assert page.open == []
    assert "At a glance" in page.texts


def test_the_page_stays_small_for_many_sources(tmp_path: Path) -> None:
    names = [f"{'long name of a source ' * 20}{n}" for n in range(90)]
    rows = [row for name in names for row in documents(4, name, text=f"Shared by all.\n{name}")]
    build_corpus(write_dolma(tmp_path / "in", {"a.jsonl": rows}), tmp_path / "out")
    with explorer.open(tmp_path / "out") as corpus:
        assert len(page_text(read_sheet(corpus)).encode()) < 1_000_000
