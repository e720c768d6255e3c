"""The Filters page of a large corpus: estimates at once, exact numbers when they are counted. No browser is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.app.filters_edit import edited
from explorer.app.filters_exact import Answers, NotYetError
from explorer.app.filters_impact import LIMIT_VARIABLE, Background, SharedDesk, current_desk
from explorer.app.filters_sample import DRAWS
from explorer.app.launch import WORKSPACE_VARIABLE
from explorer.errors import UsageError
from explorer.impact.engine import Impact
from explorer.impact.sample import draw_sample, sample_of
from explorer.impact.source import open_source
from explorer.recipe.model import Recipe
from explorer.recipe.read import parse_recipe, read_recipe
from tests.corpora import build_corpus
from tests.filters_corpus import OWN, build_filters, write_filters

ROOT = Path(__file__).parents[1]
OWN_RECIPE = parse_recipe(OWN, "own", "toml")
LONG = 120.0  # seconds, for what takes a moment on an idle machine
Open = Callable[..., AppTest]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A corpus whose sample is drawn, and does not have everything."""
    root = build_filters(tmp_path)
    sample = draw_sample(open_source(root), sample_docs=15, source_docs=8)
    assert 10 < sample.n_docs < 50
    return root


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """The page where 10 documents are a large corpus."""

    def run(workspace: Path, parameters: Mapping[str, str] | None = None) -> AppTest:
        monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace))
        monkeypatch.setenv(LIMIT_VARIABLE, "10")
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in (parameters or {}).items():
            app.query_params[name] = value
        app.switch_page("pages/filters.py")
        return app.run()

    return run


@pytest.fixture
def desk(workspace: Path) -> Iterator[SharedDesk]:
    found = SharedDesk(open_source(workspace), 10)
    yield found
    found.close()
    assert behind(found).counter.join(LONG)


def texts(app: AppTest) -> str:
    blocks = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.error, *app.info, *app.warning]
    return "\n".join(str(block.value) for block in blocks)


def kept(app: AppTest) -> str:
    return str(next(metric.value for metric in app.metric if metric.label == "Kept documents"))


def table(app: AppTest, column: str) -> dict[str, list[object]]:
    frame = next(frame.value for frame in app.dataframe if column in frame.value.columns)
    return {name: frame[name].tolist() for name in frame.columns}


def kept_of(workspace: Path, recipe: Recipe) -> str:
    with Impact(open_source(workspace), recipe) as impact:
        return f"{impact.run('filter_totals')['n_kept_docs'][0]:,}"


def behind(desk: SharedDesk) -> Background:
    assert desk.background is not None
    return desk.background


def answers_of(desk: SharedDesk, recipe: Recipe) -> Answers:
    answers = desk.impact(recipe).answers
    assert answers is not None
    return answers


def own_recipe(workspace: Path) -> Recipe:
    return read_recipe(workspace / "recipes" / "own.toml")


def is_estimate(app: AppTest) -> bool:
    assert not app.exception
    assert not app.error
    delta = next(str(metric.delta) for metric in app.metric if metric.label == "Kept documents")
    assert ("±" in delta) == (":orange-badge[Sample]" in texts(app)) == (":green-badge[Exact]" not in texts(app))
    return "±" in delta


def test_estimates_come_first_and_exact_numbers_take_their_place(open_page: Open, workspace: Path) -> None:
    recipe = own_recipe(workspace)
    app = open_page(workspace, {"tab": "Rules"})
    assert is_estimate(app)
    sample = sample_of(open_source(workspace))
    assert sample is not None
    assert f"From a sample of {sample.n_docs} documents" in texts(app)
    estimated = table(app, "removed_alone")
    errors = estimated["removed_alone_error"]
    assert len(errors) == 3
    assert any(isinstance(error, float) and error > 0 for error in errors)
    assert answers_of(current_desk(), recipe).wait(LONG)
    app.run()
    assert not is_estimate(app)
    assert kept(app) == kept_of(workspace, recipe)
    assert "sample" not in texts(app)
    exact = table(app, "removed_alone")
    with Impact(open_source(workspace), recipe) as impact:
        frame = impact.run("filter_rules").drop("recipe")
    assert list(exact) == frame.columns
    assert exact["removed_shapley"] == frame["removed_shapley"].to_list()


def test_a_moved_threshold_is_estimated_and_then_counted(open_page: Open, workspace: Path) -> None:
    recipe = own_recipe(workspace)
    app = open_page(workspace)
    assert answers_of(current_desk(), recipe).wait(LONG)
    app.number_input(key="at.own.short").set_value(20.0).run()
    assert is_estimate(app)
    moved = edited(recipe, (), {("short", ""): 20.0})
    assert answers_of(current_desk(), moved).wait(LONG)
    app.run()
    assert not is_estimate(app)
    assert kept(app) == kept_of(workspace, moved) != kept_of(workspace, recipe)
    app.select_slider(key="slide.at.own.short").set_value(50.0).run()
    assert kept(app) == kept_of(workspace, recipe)  # which was counted before


def test_another_tab_or_measure_is_counted_too(open_page: Open, workspace: Path) -> None:
    recipe = own_recipe(workspace)
    app = open_page(workspace, {"tab": "Sources", "measure": "bytes"})
    estimated = table(app, "removed_byte_share")
    assert all(value is not None for value in estimated["removed_byte_share_error"])
    assert answers_of(current_desk(), recipe).wait(LONG)
    app.run()
    assert "removed_byte_share_error" not in table(app, "removed_byte_share")
    app.query_params["tab"] = "Documents"
    app.run()
    assert not app.exception
    assert answers_of(current_desk(), recipe).wait(LONG)
    assert not is_estimate(app.run())


def test_what_needs_every_document_follows(open_page: Open, workspace: Path) -> None:
    recipe = own_recipe(workspace)
    app = open_page(workspace, {"tab": "Threshold"})
    assert is_estimate(app)
    assert "they follow" in texts(app)
    assert not any("What is kept as" in str(block.value) for block in app.subheader)
    assert answers_of(current_desk(), recipe).wait(LONG)
    app.run()
    assert not is_estimate(app)
    assert "value **49**" in texts(app)
    assert any("What is kept as" in str(block.value) for block in app.subheader)


def test_two_recipes_are_compared_when_they_are_counted(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"tab": "Compare", "with": "gopher-quality"})
    assert "is being counted in all documents" in texts(app)
    assert answers_of(current_desk(), Recipe("own", own_recipe(workspace).streams)).wait(LONG)
    desk = current_desk()
    for impact in list(desk._impacts.values()):
        assert impact.answers is not None
        assert impact.answers.wait(LONG)
    app.run()
    values = {metric.label: int(str(metric.value).replace(",", "")) for metric in app.metric if "y " in metric.label}
    assert sum(values.values()) == 60


def test_the_sample_is_drawn_behind_the_page(open_page: Open, tmp_path: Path) -> None:
    workspace = build_filters(tmp_path)
    with DRAWS:
        app = open_page(workspace)
        assert not app.exception
        assert not app.metric
        assert "A sample of them is drawn now" in texts(app)
        assert sample_of(open_source(workspace)) is None
        drawing = behind(current_desk()).drawing
        assert not drawing.is_done
    assert drawing.wait(LONG)
    assert drawing.error == ""
    assert sample_of(open_source(workspace)) == drawing.sample is not None
    app.number_input(key="at.own.short").set_value(20.0).run()
    assert is_estimate(app)


def test_exact_numbers_need_no_sample(open_page: Open, tmp_path: Path) -> None:
    workspace = build_filters(tmp_path)
    recipe = own_recipe(workspace)
    with DRAWS:
        app = open_page(workspace, {"tab": "Documents"})
        assert answers_of(current_desk(), recipe).wait(LONG)
        app.run()
        assert not is_estimate(app)
        assert kept(app) == kept_of(workspace, recipe)


def test_a_sample_that_cannot_be_drawn_is_said_and_done_without(open_page: Open, tmp_path: Path) -> None:
    workspace = build_filters(tmp_path)
    recipe = own_recipe(workspace)
    (workspace / "index" / "samples").write_text("no folder")
    app = open_page(workspace)
    drawing = behind(current_desk()).drawing
    assert drawing.wait(LONG)
    assert "samples" in drawing.error
    assert answers_of(current_desk(), recipe).wait(LONG)
    app.run()
    assert kept(app) == kept_of(workspace, recipe)
    app.number_input(key="at.own.short").set_value(20.0).run()
    assert "No sample can be drawn" in texts(app)


def test_a_rebuild_ends_what_goes_on_behind_the_page(open_page: Open, workspace: Path, tmp_path: Path) -> None:
    recipe = own_recipe(workspace)
    app = open_page(workspace)
    old = current_desk()
    write_filters(tmp_path / "input", n=200)
    build_corpus(tmp_path / "input", workspace)
    with DRAWS:
        app.run()
        assert not app.exception
        assert "A sample of them is drawn now" in texts(app)
    assert behind(old).counter.join(LONG)
    new = current_desk()
    assert new is not old
    assert behind(new).drawing.wait(LONG)
    assert answers_of(new, recipe).wait(LONG)
    app.run()
    assert kept(app) == kept_of(workspace, recipe)
    assert answers_of(new, recipe).wait(LONG)
    assert not is_estimate(app.run())


def test_only_the_recipe_that_is_looked_at_last_is_counted(desk: SharedDesk) -> None:
    first, second, third = (
        answers_of(desk, edited(OWN_RECIPE, (), {("short", ""): float(n)})) for n in range(3)
    )  # fmt: skip
    is_begun, may_end = threading.Event(), threading.Event()

    def slow(impact: Impact) -> bool:
        is_begun.set()
        return may_end.wait(LONG)

    for answers, ask in ((first, slow), (second, Impact.__repr__), (third, Impact.__repr__)):
        with pytest.raises(NotYetError):
            answers.get("it", ask)
        answers.counter.pursue(answers)
        assert is_begun.wait(LONG)
    second.counter.pursue(second, politely=True)  # which has to wait
    may_end.set()
    assert third.wait(LONG)
    assert first.get("it", slow) is True
    assert "Impact" in str(third.get("it", Impact.__repr__))
    assert not second.is_complete


def test_what_cannot_be_answered_is_refused_and_not_asked_again(desk: SharedDesk) -> None:
    answers = answers_of(desk, OWN_RECIPE)
    asked = []

    def ask(impact: Impact) -> None:
        asked.append(impact)
        raise UsageError("there is no such number")

    with pytest.raises(NotYetError):
        answers.get("it", ask)
    answers.counter.pursue(answers)
    assert answers.wait(LONG)
    for _ in range(2):
        with pytest.raises(UsageError, match="no such number"):
            answers.get("it", ask)
    assert len(asked) == 1


def test_exact_answers_are_those_of_an_engine_of_its_own(desk: SharedDesk, workspace: Path) -> None:
    impact = desk.impact(OWN_RECIPE)
    assert impact.begin()
    estimate = impact.numbers("filter_rules", measure="words")
    assert estimate.is_sample
    assert set(estimate.errors) <= set(estimate.frame.columns)
    assert impact.state == "sample"
    impact.pursue()
    assert answers_of(desk, OWN_RECIPE).wait(LONG)
    found = impact.numbers("filter_rules", measure="words")
    with Impact(open_source(workspace), OWN_RECIPE) as alone:
        assert found.frame.equals(alone.run("filter_rules", measure="words"))
    assert (found.is_sample, dict(found.errors), str(impact.state)) == (False, {}, "exact")
    desk.close()
    assert behind(desk).counter.join(LONG)
    assert impact.numbers("filter_waterfall").is_sample  # a page that began before is drawn to its end


def test_a_small_corpus_has_nothing_behind_it(workspace: Path) -> None:
    desk = SharedDesk(open_source(workspace), 61)
    assert desk.background is None
    assert not desk.impact(OWN_RECIPE).numbers("filter_totals").is_sample
    assert SharedDesk(open_source(workspace)).background is None
    desk.close()


def test_a_limit_that_is_no_number_is_refused(
    open_page: Open, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(workspace)
    monkeypatch.setenv(LIMIT_VARIABLE, "many")
    app.run()
    assert not app.exception
    assert any(LIMIT_VARIABLE in str(block.value).replace("\\", "") for block in app.error)
