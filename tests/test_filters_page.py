"""The Filters page, run without a browser: recipes, links, thresholds, what is empty and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.app.filters_compare import KINDS, is_model, kinds_pair
from explorer.app.filters_edit import edited, entries, in_order, order_text
from explorer.app.filters_export import file_stem, save, written
from explorer.app.filters_impact import SharedDesk
from explorer.app.filters_ranges import Quantiles, nice_step, slider_range
from explorer.app.filters_recipes import Offer, default_choice, fit, read_upload
from explorer.app.launch import WORKSPACE_VARIABLE
from explorer.app.text import safe
from explorer.errors import InputError, UsageError
from explorer.impact.engine import Impact
from explorer.impact.source import open_source
from explorer.recipe.model import Recipe, Rule, Stream
from explorer.recipe.parse import parse
from explorer.recipe.read import builtin_recipes, parse_recipe, read_recipe
from explorer.statistic import load_statistics
from explorer.taggers.registry import known_taggers
from tests.corpora import build_corpus, documents, write_jsonl
from tests.filters_corpus import HOSTILE, OWN, build_filters, write_filters

ROOT = Path(__file__).parents[1]
OWN_RECIPE = parse_recipe(OWN, "own", "toml")
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_filters(tmp_path_factory.mktemp("filters"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus without attributes or recipes of its own."""
    root = tmp_path_factory.mktemp("plain")
    build_corpus(write_jsonl(root / "input.jsonl", documents(5)), root / "workspace")
    return root / "workspace"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus with heuristic and model-based attributes, and no recipe of its own."""
    return build_filters(tmp_path_factory.mktemp("both"), own="", has_model=True)


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    def run(workspace: Path, parameters: Mapping[str, str] | None = None) -> AppTest:
        monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in (parameters or {}).items():
            app.query_params[name] = value
        app.switch_page("pages/filters.py")
        return app.run()

    return run


def texts(app: AppTest) -> str:
    blocks = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.error, *app.info, *app.warning]
    return "\n".join(str(block.value) for block in blocks)


def kept(app: AppTest) -> str:
    return str(next(metric.value for metric in app.metric if metric.label == "Kept documents"))


def kept_of(workspace: Path, recipe: Recipe) -> str:
    with Impact(open_source(workspace), recipe) as impact:
        return f"{impact.run('filter_totals')['n_kept_docs'][0]:,}"


# recipes


def test_the_workspace_s_own_recipe_comes_first(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="recipe").value == "own"
    assert list(app.selectbox(key="recipe").options) == ["own", *builtin_recipes()]
    assert kept(app) == kept_of(workspace, read_recipe(workspace / "recipes" / "own.toml"))
    said = texts(app)
    assert HOSTILE not in said
    assert safe(f"Short and {HOSTILE}") in said


def test_a_rule_without_its_attribute_is_marked(open_page: Open, workspace: Path) -> None:
    said = texts(open_page(workspace))
    assert ":orange-badge[Dead]" in said
    assert "nothing\\_of\\_the\\_kind" in said or "nothing_of_the_kind" in said


def test_without_own_recipes_the_built_in_that_finds_most_is_chosen(open_page: Open, both: Path) -> None:
    app = open_page(both)
    assert not app.exception
    chosen = builtin_recipes()[str(app.selectbox(key="recipe").value)]
    shares = [fit(recipe, open_source(both)) for recipe in builtin_recipes().values()]
    own = fit(chosen, open_source(both))
    assert own.n_dead / own.n_rules == min(one.n_dead / one.n_rules for one in shares if one.n_rules)
    assert own.n_dead < own.n_rules


def test_a_built_in_that_finds_nothing_says_what_would_make_it(open_page: Open, plain: Path) -> None:
    app = open_page(plain, {"recipe": "gopher-quality"})
    assert not app.exception
    assert not app.error
    assert not app.metric
    said = texts(app)
    assert "No rule of this recipe finds its attributes" in said
    assert all(name in said for name in builtin_recipes()["gopher-quality"].needs)
    assert "corpus-explorer build INPUT --out WORKSPACE --tag gopher_v2" in [block.value for block in app.code]


def test_without_any_attributes_the_page_says_how_to_make_some(open_page: Open, plain: Path) -> None:
    app = open_page(plain)
    assert not app.exception
    assert "The corpus has no attributes" in texts(app)
    assert "corpus-explorer build INPUT --out WORKSPACE --tag gopher_v2,c4_v2" in [block.value for block in app.code]
    assert set(builtin_recipes()[str(app.selectbox(key="recipe").value)].needs) <= known_taggers().keys()


def test_what_no_build_makes_is_not_promised(open_page: Open, plain: Path) -> None:
    app = open_page(plain, {"recipe": "dolma-v1.5-web"})
    (command,) = [block.value for block in app.code if "--tag" in block.value and "gopher_v1" in block.value]
    assert command.endswith("--tag gopher_v1,pii_regex_with_counts_fast_v2")
    assert "A build makes some of them" in texts(app)


def test_a_recipe_that_cannot_be_read_is_named_with_the_reason(open_page: Open, tmp_path: Path) -> None:
    workspace = build_filters(tmp_path)
    (workspace / "recipes" / "a.toml").write_text('[[rules]]\nexclude = "word_count <"\n', encoding="utf-8")
    app = open_page(workspace)
    assert not app.exception
    (warning,) = [block.value for block in app.warning]
    assert "recipes/a.toml" in warning
    assert "word\\_count" in warning or "word_count" in warning
    assert app.selectbox(key="recipe").value == "own"


def test_a_condition_that_the_index_cannot_answer_is_refused_with_its_text(open_page: Open, tmp_path: Path) -> None:
    workspace = build_filters(tmp_path, own='[[rules]]\nname = "odd"\nexclude = "metadata.a.b > 3"\n')
    app = open_page(workspace)
    assert not app.exception
    (error,) = [block.value for block in app.error]
    assert "metadata.a.b" in error
    assert "cannot be applied" in error


# links


def test_a_link_opens_moved_thresholds_and_switched_off_rules(open_page: Open, workspace: Path) -> None:
    recipe = read_recipe(workspace / "recipes" / "own.toml")
    app = open_page(workspace, {"at.own.short": "20.0"})
    assert app.number_input(key="at.own.short").value == 20
    assert kept(app) == kept_of(workspace, edited(recipe, (), {("short", ""): 20.0}))
    app = open_page(workspace, {"on.own.short": "false"})
    assert not app.toggle(key="on.own.short").value
    assert kept(app) == kept_of(workspace, edited(recipe, ("short",), {}))
    assert kept(app) != kept(open_page(workspace))


@pytest.mark.parametrize(
    "parameters",
    [
        {"at.own.short": "nan"},
        {"at.own.short": "abc", "on.own.short": "perhaps"},
        {"recipe": "no such recipe", "tab": "<b>", "measure": "stars", "source": "nobody"},
        {"order.own": "9,9,x,²,-1,99999999999999999999"},
        {"at.own.no such rule": "3", "threshold": "nothing", "with": "nobody", "tab": "Threshold"},
    ],
)
def test_nonsense_in_a_link_does_no_harm(open_page: Open, workspace: Path, parameters: Mapping[str, str]) -> None:
    app = open_page(workspace, parameters)
    assert not app.exception
    assert not app.error
    assert kept(app) == kept(open_page(workspace))


def test_a_moved_threshold_changes_the_numbers(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace)
    before = kept(app)
    app.number_input(key="at.own.short").set_value(0.0).run()
    assert not app.exception
    assert kept(app) != before
    assert "moved from 50" in texts(app)
    assert app.select_slider(key="slide.at.own.short").value == 0
    app.select_slider(key="slide.at.own.short").set_value(50.0).run()
    assert app.number_input(key="at.own.short").value == 50
    assert kept(app) == before


def test_everything_can_be_put_back(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"at.own.short": "20.0", "on.own.e-mail": "false"})
    next(button for button in app.button if button.label == "Reset").click().run()
    assert not app.exception
    assert app.number_input(key="at.own.short").value == 50
    assert app.toggle(key="on.own.e-mail").value
    assert kept(app) == kept(open_page(workspace))


def test_the_order_of_a_link_reaches_the_waterfall(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"order.own": "2", "order.other": "1"})
    table = next(frame.value for frame in app.dataframe if "n_docs_left" in frame.value.columns)
    assert list(table["rule"])[1:3] == ["symbol_to_word_ratio > 0.1", "short"]
    assert "order.other" not in app.query_params


# what it shows


TABS = {
    "Rules": ["filter_rules"],
    "Sources": ["filter_sources", "filter_rules_by_source"],
    "Together": ["filter_intersections", "filter_correlations"],
    "Documents": ["filter_by_language", "filter_by_domain", "filter_by_length", "filter_spans", "filter_outcomes"],
}


@pytest.mark.parametrize("tab", [*TABS, "Threshold", "Compare", "Export"])
@pytest.mark.parametrize("measure", ["documents", "tokens"])
def test_every_tab_draws(open_page: Open, workspace: Path, tab: str, measure: str) -> None:
    app = open_page(workspace, {"tab": tab, "measure": measure, "source": HOSTILE, "with": "gopher-quality"})
    assert not app.exception
    assert not app.error
    assert HOSTILE not in texts(app)
    titles = [block.value for block in app.subheader]
    for name in TABS.get(tab, []):
        assert safe(load_statistics()[name].title) in titles


def test_every_statistic_of_the_section_is_shown_somewhere() -> None:
    shown = {name for names in TABS.values() for name in names} | {
        "filter_totals",
        "filter_warnings",
        "filter_waterfall",
    }
    assert shown == {one.name for one in load_statistics().values() if one.section == "filters"}


def test_documents_around_a_threshold_are_shown_as_text(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"tab": "Threshold", "threshold": "short: word count below"})
    assert app.selectbox(key="threshold").value == "short: word count below"
    codes = [str(block.value) for block in app.code]
    assert any(code.startswith(HOSTILE) for code in codes)
    assert "Just kept" in texts(app)
    assert "value **49**" in texts(app)


def test_a_threshold_of_a_dead_rule_has_no_curve(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"tab": "Threshold"})
    assert list(app.selectbox(key="threshold").options) == [
        "short: word count below",
        "symbol_to_word_ratio > 0.1: symbol to word ratio above",
    ]


def test_sources_go_by_the_measure_that_is_looked_at(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"tab": "Sources", "measure": "bytes", "at.own.short": "20.0"})
    table = next(frame.value for frame in app.dataframe if "removed_byte_share" in frame.value.columns)
    shares = list(table["removed_byte_share"])
    assert len(shares) == 2
    assert shares == sorted(shares, reverse=True)


def test_two_recipes_side_by_side(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"tab": "Compare", "with": "gopher-quality"})
    labels = [metric.label for metric in app.metric]
    assert "Kept by both" in labels
    values = {metric.label: int(str(metric.value).replace(",", "")) for metric in app.metric if "y " in metric.label}
    assert sum(values.values()) == 60


def test_the_kinds_of_filters_are_compared_where_both_are_there(open_page: Open, both: Path, workspace: Path) -> None:
    app = open_page(both, {"tab": "Compare", "with": KINDS, "recipe": "gopher-quality"})
    assert not app.exception
    assert "Only by heuristic rules" in [metric.label for metric in app.metric]
    said = texts(open_page(workspace, {"tab": "Compare", "with": KINDS}))
    assert "attributes of heuristic taggers only" in said


def test_the_sql_of_the_rules_is_shown(open_page: Open, workspace: Path) -> None:
    codes = [str(block.value) for block in open_page(workspace).code]
    assert any("-- rule 0: short" in code and "_first" in code for code in codes)


def test_no_recipe_at_all_says_what_to_do(
    open_page: Open, workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("explorer.app.filters_recipes.builtin_recipes", dict)
    app = open_page(build_filters(tmp_path, own=""))
    assert not app.exception
    assert "There is no recipe yet" in texts(app)


def test_a_rebuilt_workspace_is_noticed(open_page: Open, tmp_path: Path) -> None:
    workspace = build_filters(tmp_path)
    app = open_page(workspace, {"on.own.short": "false"})
    before = kept(app)
    write_filters(tmp_path / "input", n=200)
    build_corpus(tmp_path / "input", workspace)
    app.run()
    assert not app.exception
    recipe = read_recipe(workspace / "recipes" / "own.toml")
    assert kept(app) == kept_of(workspace, edited(recipe, ("short",), {})) != before


def test_impacts_share_an_engine_and_outlive_its_end(workspace: Path) -> None:
    desk = SharedDesk(open_source(workspace))
    recipes = [edited(OWN_RECIPE, (), {("short", ""): float(n)}) for n in range(30)]
    impacts = [desk.impact(recipe) for recipe in recipes]
    assert desk.impact(recipes[-1]) is impacts[-1]
    alone = [kept_of(workspace, recipe) for recipe in (recipes[0], recipes[29])]
    shared = [f"{impacts[n].numbers('filter_totals').frame['n_kept_docs'][0]:,}" for n in (0, 29)]
    assert shared == alone
    desk.close()
    assert f"{impacts[15].numbers('filter_totals').frame['n_kept_docs'][0]:,}" == kept_of(workspace, recipes[15])
    desk.close()


def test_sessions_ask_one_after_another(workspace: Path) -> None:
    desk = SharedDesk(open_source(workspace))
    recipes = [edited(OWN_RECIPE, (), {("short", ""): float(n)}) for n in (10, 20, 30)] * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda recipe: desk.impact(recipe).numbers("filter_rules").frame, recipes))
    assert [frame.rows() for frame in found[:3]] * 8 == [frame.rows() for frame in found]
    desk.close()


# uploads and exports


def test_an_upload_is_read_by_its_kind() -> None:
    assert read_upload("mine.toml", OWN.encode()).name == "mine"
    mixer = b'{"streams": [{"name": "s", "documents": ["d/*"], "attributes": ["exp"], "output": {"path": "o"}, '
    mixer += b'"filter": {"exclude": ["$.attributes[?(@.k && @.k[0] && @.k[0][2] < 50)]"]}}], "processes": 1}'
    assert [stream.name for stream in read_upload("config.json", mixer).streams] == ["s"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("bad.toml", b'[[rules]]\nexclude = "word_count <"\n', "word_count <"),
        ("bad.yaml", b"streams: [", "bad.yaml"),
        ("bad.json", b"\xff\xfe", "not UTF-8"),
        ("bad.exe", b"", ".toml"),
    ],
)
def test_a_bad_upload_is_refused_with_the_reason(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        read_upload(name, data)
    assert str(refused.value).startswith(name)
    assert reason in str(refused.value)


def test_a_refused_upload_is_said_where_it_was_given(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace)
    app.file_uploader(key="upload").upload("bad.toml", b'[[rules]]\nexclude = "word_count <"\n', "text/plain").run()
    assert not app.exception
    (error,) = [block.value for block in app.error]
    assert "The recipe was refused" in error
    assert app.selectbox(key="recipe").value == "own"


def test_an_upload_is_chosen_and_cannot_be_linked(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"tab": "Export"})
    app.file_uploader(key="upload").upload("mine.toml", OWN.encode(), "text/plain").run()
    assert not app.exception
    assert app.selectbox(key="recipe").value == "mine"
    assert "was uploaded" in texts(app)


def test_exports_read_back_as_the_recipe(workspace: Path) -> None:
    source = open_source(workspace)
    recipe = read_recipe(workspace / "recipes" / "own.toml")
    moved = edited(recipe, ("e-mail", "no symbols known"), {("short", ""): 20.0})
    again = parse_recipe(written(moved, "toml", source), "own", "toml")
    mixed = parse_recipe(written(moved, "yaml", source), "own", "yaml")
    assert kept_of(workspace, again) == kept_of(workspace, mixed) == kept_of(workspace, moved)
    assert kept_of(workspace, moved) != kept_of(workspace, recipe)


def test_a_recipe_is_saved_once_under_a_name_that_is_a_file_s(workspace: Path, tmp_path: Path) -> None:
    recipe = read_recipe(workspace / "recipes" / "own.toml")
    path = save(recipe, "../<b>my recipe", tmp_path)
    assert path == tmp_path / "recipes" / "b-my-recipe.toml"
    assert entries(read_recipe(path)) == entries(recipe)
    with pytest.raises(UsageError, match="there already"):
        save(recipe, "../<b>my recipe", tmp_path)
    assert file_stem("/..") == "recipe"


# edits


def recipe_of(*texts: str) -> Recipe:
    rules = tuple(Rule(f"r{n}", "exclude", (parse(text, "plain"),)) for n, text in enumerate(texts))
    return Recipe("r", (Stream("a", rules=rules), Stream("b", rules=rules[:1])))


def test_entries_are_the_rules_each_once() -> None:
    found = entries(recipe_of("a < 3 and b > 0.5", "c == 1"))
    assert [entry.key for entry in found] == ["r0", "r1"]
    assert [(dial.key, dial.value) for dial in found[0].dials] == [("", 3.0), ("2", 0.5)]
    assert found[1].dials == ()


def test_edits_reach_every_stream_and_every_number() -> None:
    recipe = recipe_of("a < 3 and b > 0.5", "c == 1")
    changed = edited(recipe, ("r1",), {("r0", ""): 1000.0, ("r0", "2"): 0.25})
    assert [[e.text for r in stream.rules for e in r.expressions] for stream in changed.streams] == [
        ["a < 1000 and b > 0.25"],
        ["a < 1000 and b > 0.25"],
    ]
    assert edited(recipe, (), {("r0", ""): 3.0}) == recipe


def test_a_name_that_says_the_threshold_follows_it() -> None:
    recipe = parse_recipe('[[rules]]\nexclude = "exp__t__word_count < 50"\n', "r", "toml")
    (entry,) = entries(recipe)
    (moved,) = entries(edited(recipe, (), {(entry.key, ""): 60.0}))
    assert (entry.rule.name, moved.rule.name) == ("word_count < 50", "word_count < 60")


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 0, 1, 2], [0, 2, 1, 3], [3, 2, 1, 0]])
def test_an_order_survives_the_address(order: list[int]) -> None:
    assert in_order(4, order_text(order)) == order


def test_an_order_is_written_as_short_as_it_can_be() -> None:
    assert order_text([0, 1, 2]) == ""
    assert order_text([2, 0, 1]) == "3"


# sliders


def dial_of(text: str) -> tuple[Recipe, Quantiles]:
    return recipe_of(text), {("exp__t__k", "first"): [0.0, 5.0, 20.0, 90.0, 400.0, 3000.0, 9000.0, 250_000.0]}


def test_a_wide_range_goes_by_magnitudes() -> None:
    recipe, quantiles = dial_of("exp__t__k < 50")
    (dial,) = entries(recipe)[0].dials
    found = slider_range(dial, 50.0, quantiles)
    assert found.steps[0] == 0
    assert found.steps[-1] == 250_000
    assert {5.0, 50.0, 100.0, 100_000.0} <= set(found.steps)
    assert len(found.steps) < 80
    assert all(step == int(step) for step in found.steps)
    assert found.step == 2


def test_a_starred_key_finds_its_values() -> None:
    recipe, quantiles = dial_of("*t__k < 50")
    (dial,) = entries(recipe)[0].dials
    assert slider_range(dial, 50.0, quantiles).steps[-1] == 250_000


def test_shares_go_by_even_steps_and_hold_the_chosen_value() -> None:
    recipe = recipe_of("exp__t__share > 0.3")
    (dial,) = entries(recipe)[0].dials
    found = slider_range(dial, 0.123456, {("exp__t__share", "first"): [0.0, 0.2, 0.5, 1.0]})
    assert {0.0, 0.123456, 0.3, 0.5, 1.0} <= set(found.steps)
    assert found.steps == tuple(sorted(found.steps))
    assert found.step == pytest.approx(0.01)


def test_a_value_that_the_index_does_not_know_ranges_around_the_number() -> None:
    recipe = recipe_of("n_words < 50")
    (dial,) = entries(recipe)[0].dials
    assert slider_range(dial, 50.0, {}).steps[-1] == 200


@pytest.mark.parametrize(("width", "step"), [(0.0123, 0.01), (7, 5), (2, 2), (0, 1), (float("inf"), 1)])
def test_steps_are_round(width: float, step: float) -> None:
    assert nice_step(width) == step


# kinds of taggers


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("exp__gopher_v2__word_count", False),
        ("exp__c4_v2__has_curly_brace", False),
        ("exp__ft_dolma_hq_v1__hq", True),
        ("edu_score", True),
        ("exp__jigsaw_nsfw_sencence_v2____label__nsfw", True),
        ("exp__ft_lang_id_en_doc_v2__en", False),
        ("exp__cld2_doc_v2__en", False),
    ],
)
def test_model_scores_are_told_from_rules_of_thumb(key: str, expected: bool) -> None:
    assert is_model(key) is expected


def test_a_recipe_with_both_kinds_is_split() -> None:
    pair = kinds_pair(recipe_of("exp__gopher_v2__word_count < 50", "exp__quality_v1__score < 0.5"), {})
    assert not isinstance(pair, str)
    assert [entry.key for entry in entries(pair.first)] == ["r0"]
    assert [entry.key for entry in entries(pair.second)] == ["r1"]


def test_without_recipes_there_is_no_default(workspace: Path) -> None:
    assert default_choice(Offer((), ()), open_source(workspace)) is None
