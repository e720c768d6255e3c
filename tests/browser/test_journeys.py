"""What a person does with the dashboard, in a real browser: no error in the console, no request to anybody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from explorer.statistic import sections
from tests.browser.conftest import View, serving

PAGES = ("", *sections(), "sql", "datasheet")


def card(view: View, name: str) -> Locator:
    return view.page.locator(f".st-key-card-{name}")


def test_overview_shows_figures_and_composition(view: View) -> None:
    view.open("")
    expect(view.page).to_have_title("workspace · Corpus explorer")
    expect(view.page.get_by_test_id("stMetric").filter(has_text="Documents")).to_be_visible()
    expect(card(view, "composition").locator(".js-plotly-plot .bars .point").first).to_be_visible()
    expect(view.page.get_by_role("heading", name="Alerts")).to_be_visible()


def test_names_from_data_are_text(view: View) -> None:
    """The generated corpus has a source with quotes, pipes and tags in its name: it is shown as it stands."""
    view.open("")
    labels = card(view, "composition").locator(".js-plotly-plot .ytick text")
    expect(labels.filter(has_text="<b>`x`</b>")).to_have_count(1)
    assert labels.locator("tspan[style*='font-weight']").count() == 0


def test_a_parameter_changes_address_and_table(view: View) -> None:
    view.open("domains")
    box = card(view, "domains").locator("input[type=number]")
    box.fill("2")
    box.press("Enter")
    expect(view.page).to_have_url(re.compile(r"domains\.top_n=2"))
    table = card(view, "domains").locator("[data-testid=stDataFrame] table")
    expect(table).to_have_attribute("aria-rowcount", "3")  # with the heading
    view.page.reload()
    view.settle()
    expect(card(view, "domains").locator("input[type=number]")).to_have_value("2")
    expect(table).to_have_attribute("aria-rowcount", "3")


def test_the_chart_follows_the_chosen_measure(view: View) -> None:
    view.open("sources")
    its_card = card(view, "composition")
    title = its_card.locator(".js-plotly-plot .xtitle")
    expect(title).to_have_text("UTF-8 bytes")
    its_card.get_by_role("radio", name="documents").click()
    expect(title.filter(has_text="documents")).to_have_count(1)
    expect(title).to_have_count(1)
    expect(view.page).to_have_url(re.compile(r"composition\.by=documents"))


def test_sql_is_run_and_can_be_passed_on(view: View) -> None:
    view.open("sql")
    view.page.get_by_label("Query").fill("select count(*) as n from documents group by source")
    view.page.get_by_role("button", name="Run").click()
    expect(view.page.get_by_text(re.compile(r"^4 rows in \d"))).to_be_visible()
    expect(view.page).to_have_url(re.compile("sql=select"))
    view.page.reload()
    expect(view.page.get_by_text(re.compile(r"^4 rows in \d"))).to_be_visible()


def test_sql_that_is_wrong_says_why(view: View) -> None:
    view.open("sql?sql=from%20read_text('/etc/passwd')")
    expect(view.page.get_by_text("The query did not run.")).to_be_visible()
    expect(view.page.get_by_text("LocalFileSystem has been disabled")).to_be_visible()


def test_a_download_holds_the_table(view: View) -> None:
    view.open("sources")
    card(view, "composition").get_by_role("button", name="Download").click()
    with view.page.expect_download() as waiting:
        view.page.get_by_role("button", name="CSV", exact=True).click()
    assert waiting.value.suggested_filename == "composition.csv"
    lines = waiting.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("source,title,document_type,n_docs")
    assert len(lines) == 5


@pytest.mark.parametrize("view", ["narrow"], indirect=True)
@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_wider_than_a_telephone(view: View, page: str) -> None:
    view.open(page)
    expect(view.page.get_by_role("heading").first).to_be_visible()
    wide = view.page.evaluate(
        "() => [...document.querySelectorAll('[class*=st-key-card-], [data-testid=stMainBlockContainer]')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.className)"
    )
    assert wide == []


@pytest.mark.parametrize(
    ("view", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 22, 27)")], indirect=["view"]
)
def test_the_theme_follows_the_browser(view: View, background: str) -> None:
    """The theme beside app.py is used from any folder."""
    view.open("sources")
    expect(view.page.get_by_test_id("stApp")).to_have_css("background-color", background)


def test_a_link_into_a_new_server_opens_its_page(browser: Browser, workspace: Path) -> None:
    """The first request a server ever gets may be for any page, with its parameters."""
    with serving(workspace) as address:
        page = browser.new_page()
        View(page, address).open("domains?domains.top_n=2")
        expect(page.get_by_test_id("stSidebarNavLink").filter(has_text=re.compile("^Overview$"))).to_be_visible()
        expect(page.locator(".st-key-card-domains input[type=number]")).to_have_value("2")
        expect(page).to_have_url(re.compile(r"/domains\?domains\.top_n=2"))
        page.close()
