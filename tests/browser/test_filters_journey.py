"""What a person does with a recipe on the Filters page, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from explorer.app.filters_impact import LIMIT_VARIABLE
from explorer.impact.sample import draw_sample
from explorer.impact.source import open_source
from explorer.recipe.model import Rule
from explorer.recipe.read import read_recipe
from tests.browser.conftest import READY, View, serving
from tests.filters_corpus import HOSTILE, build_filters

SIZES: dict[str, ViewportSize] = {
    "light": {"width": 1280, "height": 900},
    "narrow": {"width": 390, "height": 844},
}


@pytest.fixture(scope="module")
def filters_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(build_filters(tmp_path_factory.mktemp("filters"))) as address:
        yield address


@pytest.fixture(scope="module")
def large_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server to which 10 documents are a large corpus, with a sample of about a third of them."""
    workspace = build_filters(tmp_path_factory.mktemp("large"))
    draw_sample(open_source(workspace), sample_docs=15, source_docs=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LIMIT_VARIABLE, "10")
        with serving(workspace) as address:
            yield address


@pytest.fixture(params=["light"])
def view(request: pytest.FixtureRequest, browser: Browser, filters_server: str) -> Iterator[View]:
    context = browser.new_context(viewport=SIZES[request.param], color_scheme="light")
    page = context.new_page()
    seen = View(page, filters_server)
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" and "404" not in m.text else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", seen.note_request)
    yield seen
    context.close()
    assert seen.errors == []
    assert seen.strangers == []


def kept(view: View) -> Locator:
    return view.page.get_by_test_id("stMetric").filter(has_text="Kept documents").get_by_test_id("stMetricValue")


def number(view: View, label: str) -> Locator:
    return view.page.get_by_label(label, exact=True)


def test_a_slider_moves_the_numbers_and_the_address_keeps_it(view: View) -> None:
    view.open("filters")
    expect(kept(view)).to_have_text("1")
    slider = view.page.locator(".st-key-slide-at-own-short").get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")
    expect(kept(view)).not_to_have_text("1")
    expect(view.page).to_have_url(re.compile(r"at\.own\.short=\d"))
    box = number(view, "word count below, exactly")
    moved, left = box.input_value(), kept(view).inner_text()
    assert float(moved) < 50
    view.page.reload()
    view.settle()
    expect(box).to_have_value(moved)
    expect(kept(view)).to_have_text(left)
    view.page.get_by_role("button", name="Reset").click()
    expect(kept(view)).to_have_text("1")
    expect(view.page).not_to_have_url(re.compile(r"at\.own"))


def test_a_rule_is_switched_off(view: View) -> None:
    view.open("filters")
    expect(kept(view)).to_have_text("1")
    view.page.locator(".st-key-on-own-short").get_by_text("short", exact=True).click()
    expect(view.page).to_have_url(re.compile(r"on\.own\.short=false"))
    expect(kept(view)).not_to_have_text("1")


def test_the_order_is_changed_by_keyboard_and_kept(view: View) -> None:
    view.open("filters")
    view.page.get_by_text("Order of the rules").click()
    up = view.page.get_by_role("button", name="Move symbol_to_word_ratio > 0.1 up")
    up.focus()
    up.press("Enter")
    expect(view.page).to_have_url(re.compile(r"order\.own=2"))
    ticks = view.page.locator(".st-key-card-filter_waterfall .ytick text")
    expect(ticks.nth(1)).to_have_text("symbol_to_word_ratio > 0.1")
    view.page.reload()
    expect(ticks.nth(1)).to_have_text("symbol_to_word_ratio > 0.1")


def test_the_order_is_changed_by_dragging(view: View) -> None:
    view.open("filters")
    view.page.get_by_text("Order of the rules").click()
    rows = view.page.locator(".st-key-order-of-rules li, [data-testid=stExpander] li")
    expect(rows).to_have_count(3)
    rows.nth(2).drag_to(rows.nth(0))
    expect(view.page).to_have_url(re.compile(r"order\.own=3"))
    expect(rows.nth(0).locator(".name")).to_have_text("no symbols known")


def test_the_edited_recipe_is_taken_away(view: View, tmp_path: Path) -> None:
    view.open("filters?tab=Export&at.own.short=20.0")
    with view.page.expect_download() as waiting:
        view.page.get_by_role("button", name="Download TOML").click()
    assert waiting.value.suggested_filename == "own.toml"
    path = tmp_path / "own.toml"
    waiting.value.save_as(path)
    rule = read_recipe(path).streams[0].rules[0]
    assert isinstance(rule, Rule)
    assert rule.expressions[0].text.endswith("word_count < 20")
    # the key of a dead rule stands for no key that a mixer could look up
    expect(view.page.get_by_text("It cannot be written as a Dolma mixer config")).to_be_visible()
    view.page.locator(".st-key-on-own-no-symbols-known").get_by_text("no symbols known", exact=True).click()
    with view.page.expect_download() as waiting:
        view.page.get_by_role("button", name="Download YAML").click()
    assert waiting.value.suggested_filename == "own.yaml"


def test_documents_around_a_threshold_are_text(view: View) -> None:
    view.open("filters?tab=Threshold")
    shown = view.page.locator(".st-key-card-around code").filter(has_text=HOSTILE)
    expect(shown.first).to_be_visible()
    assert view.page.locator(".st-key-card-around code b").count() == 0


def test_estimates_give_way_to_exact_numbers_by_themselves(view: View, large_server: str) -> None:
    view.address = large_server
    status = view.page.get_by_test_id("stMarkdown")
    exact = status.filter(has_text="Counted in all 60 documents")
    # estimates stand for a second at least; every frame is looked at
    sees_estimates = "() => document.body.innerText.includes('± is two standard errors')"
    view.page.goto(f"{view.address}/filters")
    view.page.wait_for_function(sees_estimates)
    expect(exact).to_be_visible()
    expect(kept(view)).to_have_text("1")
    slider = view.page.locator(".st-key-slide-at-own-short").get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")
    view.page.wait_for_function(sees_estimates)
    moved = number(view, "word count below, exactly").input_value()
    expect(exact).to_be_visible()
    expect(number(view, "word count below, exactly")).to_have_value(moved)
    expect(slider).to_be_focused()
    view.page.wait_for_function(READY)


@pytest.mark.parametrize("view", ["narrow"], indirect=True)
@pytest.mark.parametrize("tab", ["Rules", "Sources", "Together", "Documents", "Threshold", "Compare", "Export"])
def test_no_tab_is_wider_than_a_telephone(view: View, tab: str) -> None:
    view.open(f"filters?tab={tab}&with=gopher-quality")
    expect(view.page.get_by_role("heading").first).to_be_visible()
    wide = view.page.evaluate(
        "() => [...document.querySelectorAll('[class*=st-key-], [data-testid=stMainBlockContainer]')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.className)"
    )
    assert wide == []
