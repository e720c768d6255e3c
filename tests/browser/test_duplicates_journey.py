"""What a person does with clusters of copies, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from tests.browser.conftest import View, serving
from tests.corpora import build_corpus, write_jsonl

HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> **bold** :red[x] <b>`x`</b>'
SOURCE = "<img src=x onerror=window.hacked=1>"


def rows() -> list[dict[str, Any]]:
    """Three texts of one URL that differ in a few words, and pairs of equal texts."""
    texts = [
        f"{'The same beginning. ' * 60}{word} and {HOSTILE} {'the same end. ' * 60}" for word in ("One", "Two", "3")
    ]
    versions = [
        {
            "id": f"v{n}",
            "source": (SOURCE, "books", "web")[n],
            "text": text,
            "metadata": {"url": "https://x.org/", "n": n},
        }
        for n, text in enumerate(texts)
    ]
    pairs = [{"id": f"{n}-{copy}", "source": "web", "text": f"Pair {n} {HOSTILE}"} for n in range(60) for copy in "ab"]
    return [*versions, *pairs]


@pytest.fixture(scope="module")
def clusters_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("clusters")
    build_corpus(write_jsonl(root / "in.jsonl", rows()), root / "workspace")
    with serving(root / "workspace") as address:
        yield address


@pytest.fixture(params=["light"])
def view(request: pytest.FixtureRequest, browser: Browser, clusters_server: str) -> Iterator[View]:
    size: ViewportSize = {"width": 390, "height": 844} if request.param == "narrow" else {"width": 1280, "height": 900}
    context = browser.new_context(viewport=size, color_scheme="dark" if request.param == "dark" else "light")
    page = context.new_page()
    seen = View(page, clusters_server)
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" and "404" not in m.text else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", seen.note_request)
    yield seen
    is_hacked = page.evaluate("() => window.hacked")
    context.close()
    assert is_hacked is None
    assert seen.errors == []
    assert seen.strangers == []


def box(view: View, name: str) -> Locator:
    return view.page.get_by_role("region", name=name)


def choose(view: View, label: str, option: str) -> None:
    """Open a list by keyboard, which scrolls to it first: a list that is open closes when the page scrolls."""
    choice = view.page.get_by_role("combobox", name=re.compile(label))
    choice.scroll_into_view_if_needed()
    choice.focus()
    choice.press("ArrowDown")
    view.page.get_by_role("option").filter(has_text=option).click()


def test_from_the_figures_to_the_words_that_differ(view: View) -> None:
    view.open("duplicates")
    view.page.get_by_role("tab", name="Clusters").click()
    expect(view.page).to_have_url(re.compile("view=Clusters"))
    expect(view.page.get_by_text("60 clusters, 1 to 50 shown")).to_be_visible()
    view.page.get_by_role("radio", name="url").click()
    expect(view.page).to_have_url(re.compile(r"clusters\.kind=url"))
    expect(view.page.get_by_role("heading", name="3 copies")).to_be_visible()
    # <img ...> comes before books
    expect(box(view, "Text on the left").locator("mark")).to_have_text(["One"])
    expect(box(view, "Text on the right").locator("mark")).to_have_text(["Two"])
    expect(box(view, "Text on the right")).to_contain_text(HOSTILE)
    assert box(view, "Text on the right").locator("b, img, script").count() == 0
    expect(box(view, "Text on the right")).to_contain_text("characters the same in both")
    view.page.get_by_text("Whole texts").click()
    expect(view.page).to_have_url(re.compile("whole=true"))


def test_another_member_is_chosen_and_the_address_keeps_it(view: View) -> None:
    view.open("duplicates?view=Clusters&clusters.kind=url")
    expect(box(view, "Text on the right").locator("mark")).to_have_text(["Two"])
    choose(view, "Right", "3 · web")
    expect(box(view, "Text on the right").locator("mark")).to_have_text(["3"])
    expect(view.page).to_have_url(re.compile("right=3"))
    view.page.reload()
    expect(box(view, "Text on the right").locator("mark")).to_have_text(["3"])


def test_a_row_is_opened_with_the_mouse(view: View) -> None:
    view.open("duplicates?view=Clusters")
    table = view.page.locator(".st-key-card-clusters").get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    before = box(view, "Text of both").inner_text()
    table.scroll_into_view_if_needed()
    place = table.bounding_box()
    assert place is not None
    view.page.mouse.click(place["x"] + 15, place["y"] + 35 * 3.5)  # the mark of the third row
    expect(view.page).to_have_url(re.compile(r"cluster=[0-9a-f-]{36}"))
    text = box(view, "Text of both")
    expect(text).not_to_have_text(before)
    after = text.inner_text()
    view.page.reload()
    expect(text).to_have_text(after)


def test_sources_and_pages_choose_what_is_listed(view: View) -> None:
    view.open("duplicates?view=Clusters&clusters.page=2")
    expect(view.page.get_by_text("60 clusters, 51 to 60 shown")).to_be_visible()
    choose(view, "With copies in", "books")
    expect(view.page.get_by_text("No cluster of this kind is like that")).to_be_visible()
    expect(view.page).to_have_url(re.compile(r"clusters\.a=books"))
    view.page.get_by_role("radio", name="url").click()
    expect(view.page.get_by_text("1 cluster; the largest first.")).to_be_visible()


@pytest.mark.parametrize("view", ["narrow", "dark"], indirect=True)
@pytest.mark.parametrize("kind", ["url", "text"])
def test_nothing_is_wider_than_the_page(view: View, kind: str) -> None:
    view.open(f"duplicates?view=Clusters&clusters.kind={kind}")
    expect(view.page.locator(".ce-facts").first).to_be_visible()
    wide = view.page.evaluate(
        "() => [...document.querySelectorAll('[class*=st-key-card-], .ce-text, .ce-facts, "
        "[data-testid=stMainBlockContainer]')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.className)"
    )
    assert wide == []
