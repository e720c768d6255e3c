"""Every page of the dashboard, run without a browser on small corpora with hostile names."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer.app.launch import WORKSPACE_VARIABLE, command
from explorer.app.text import safe
from explorer.statistic import load_statistics, sections
from tests.corpora import build_corpus, document, documents, write_jsonl
from tests.generate import cuts, generated, write_cut

ROOT = Path(__file__).parents[1]
PAGES = ("overview", *sections(), "sql", "datasheet")
HOSTILE = ("<script>alert(1)</script>", "a|b", "**x**", ":red[x] :material/home: $x$", "# 1. [l](http://evil.example)")
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that statistics must bear: odd names, broken rows, attributes of every shape."""
    root = tmp_path_factory.mktemp("rich")
    rows = generated(150)
    build_corpus(write_cut(root / "input", rows, cuts(len(rows))["uneven"]), root / "workspace")
    return root / "workspace"


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No dates, URLs, languages, licences or attributes; the names of the sources are markup."""
    root = tmp_path_factory.mktemp("bare")
    rows = [{"id": f"{n}", "source": HOSTILE[n % len(HOSTILE)], "text": f"Text {n}."} for n in range(20)]
    build_corpus(write_jsonl(root / "input.jsonl", rows), root / "workspace")
    return root / "workspace"


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Runs one page of the app on a workspace, with parameters from the address."""

    def run(workspace: Path, page: str, **parameters: str) -> AppTest:
        monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in parameters.items():
            app.query_params[name.replace("__", ".")] = value
        if page != "overview":
            app.switch_page(f"pages/{page}.py")
        return app.run()

    return run


def texts(app: AppTest) -> str:
    """Everything that a page says in Markdown."""
    blocks = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.error, *app.info, *app.warning]
    return "\n".join(str(block.value) for block in blocks)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("corpus", ["rich", "bare"])
def test_page_renders(open_page: Open, request: pytest.FixtureRequest, corpus: str, page: str) -> None:
    app = open_page(request.getfixturevalue(corpus), page)
    assert not app.exception
    assert not app.error
    assert app.title
    said = texts(app)
    for name in HOSTILE:
        assert name not in said
    assert "<script" not in said


@pytest.mark.parametrize("section", [s for s in sections() if s != "filters"])  # see test_filters_page.py
def test_every_statistic_is_a_card(open_page: Open, rich: Path, section: str) -> None:
    app = open_page(rich, section)
    shown = [block.value for block in app.subheader]
    expected = [safe(one.title) for one in load_statistics().values() if one.section == section]
    assert shown == expected


def test_a_page_of_attributes_without_any_says_how_to_make_them(open_page: Open, bare: Path) -> None:
    said = texts(open_page(bare, "attributes"))
    assert "--tag gopher_v2,c4_v2" in said
    assert "What the taggers measure" not in said


def test_every_card_shows_its_sql_and_downloads(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "sources")
    codes = [block.value for block in app.code]
    one = load_statistics()["composition"]
    assert "from composition()" in codes
    assert one.partial_sql in codes
    assert one.result_sql in codes
    assert one.sql_hash in texts(app)
    for form in ("csv", "json", "parquet"):
        assert any(button.proto.id.endswith(f"composition.{form}") for button in app.get("download_button"))


def test_parameters_in_the_address_reach_the_result(open_page: Open, rich: Path) -> None:
    with explorer.open(rich) as corpus:
        all_rows, two = corpus.show("domains"), corpus.show("domains", top_n=2)
    assert all_rows.height > 2
    app = open_page(rich, "domains", domains__top_n="2")
    assert app.number_input(key="domains.top_n").value == 2
    assert "from domains(top_n := 2)" in [block.value for block in app.code]
    table = next(frame.value for frame in app.dataframe if "domain" in frame.value.columns)
    assert list(table["domain"]) == two["domain"].to_list()


def test_choices_in_the_address_reach_the_result(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "time", documents_over_time__grain="month")
    assert "from documents_over_time(grain := 'month')" in [block.value for block in app.code]


@pytest.mark.parametrize("value", ["-5", "abc", "99999999999999999999", "", "2.5"])
def test_nonsense_in_the_address_does_no_harm(open_page: Open, rich: Path, value: str) -> None:
    app = open_page(rich, "domains", domains__top_n=value, domains__by="nothing", nonsense="1")
    assert not app.exception


def test_changing_a_parameter_changes_the_result(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "lengths")
    app.segmented_control(key="length_histogram.unit").set_value("words").run()
    assert not app.exception
    assert "from length_histogram(unit := 'words')" in [block.value for block in app.code]


def test_headline_figures(open_page: Open, rich: Path) -> None:
    with explorer.open(rich) as corpus:
        totals = corpus.show("totals").row(0, named=True)
    app = open_page(rich, "overview")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Documents"] == f"{totals['n_docs']:,}"
    assert shown["Bytes"] == f"{totals['n_bytes']:,}"
    assert shown["Tokens"] == f"{totals['n_tokens']:,}"


def test_alerts_show_value_and_threshold(open_page: Open, rich: Path) -> None:
    with explorer.open(rich) as corpus:
        alerts = corpus.show("alerts")
    assert alerts.height
    said = texts(open_page(rich, "overview"))
    first = alerts.row(0, named=True)["message"]
    assert safe(first[:1].upper() + first[1:]) in said
    assert said.count("threshold") >= alerts.height


def test_what_is_left_out_is_counted(open_page: Open, rich: Path, bare: Path) -> None:
    assert "every row of every shard is in the numbers" in texts(open_page(bare, "overview"))
    said = texts(open_page(rich, "overview"))
    assert "every row of every shard is in the numbers" not in said
    assert "With a URL" in said


def test_empty_results_say_what_to_do(open_page: Open, bare: Path) -> None:
    said = texts(open_page(bare, "time"))
    assert safe("No document has a readable date.") in said
    assert "created" in said


def test_sql_runs_the_query_of_the_address(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "sql", sql="select source, count(*) as n from documents group by source order by source")
    with explorer.open(rich) as corpus:
        expected = corpus.sql("select source, count(*) as n from documents group by source order by source")
    table = next(frame.value for frame in app.dataframe if "n" in frame.value.columns)
    assert list(table["n"]) == expected["n"].to_list()
    assert list(table["source"]) == expected["source"].to_list()
    assert f"{expected.height} rows in" in texts(app)


def test_sql_says_why_it_refuses(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "sql", sql="copy documents to 'x.csv'")
    assert not app.exception
    assert [block.value for block in app.error] == ["The query did not run."]
    assert any("only SELECT" in block.value for block in app.code)


def test_sql_says_that_rows_are_cut(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "sql", sql="from range(5000)")
    assert "cut at 1,000" in texts(app)


def test_an_example_fills_the_editor(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "sql")
    app.pills(key="example").set_value("Ten largest domains").run()
    assert not app.exception
    assert app.text_area(key="sql").value == "from domains(top_n := 10)"


def test_datasheet_is_previewed_and_downloaded(open_page: Open, rich: Path) -> None:
    app = open_page(rich, "datasheet")
    assert not app.exception
    assert next(box for box in app.selectbox if box.label == "File").options[0] == "README.md"
    assert any("How this card was made" in str(block.value) for block in app.markdown)
    assert app.get("download_button")


@pytest.mark.parametrize("page", ["overview", "sources", "sql", "datasheet"])
def test_a_missing_workspace_says_what_to_run(open_page: Open, tmp_path: Path, page: str) -> None:
    app = open_page(tmp_path / "nothing", page)
    assert not app.exception
    assert [block.value for block in app.title] == ["No corpus to show yet"]
    assert "corpus-explorer demo" in [block.value for block in app.code]


def test_a_damaged_workspace_says_what_to_run(open_page: Open, rich: Path, tmp_path: Path) -> None:
    shutil.copytree(rich, tmp_path / "damaged")
    (tmp_path / "damaged" / "corpus.duckdb").write_bytes(b"not a database")
    app = open_page(tmp_path / "damaged", "sources")
    assert not app.exception
    assert "build again" in texts(app)


def test_a_rebuilt_workspace_is_noticed_and_the_old_one_closed(open_page: Open, tmp_path: Path) -> None:
    source, workspace = tmp_path / "input.jsonl", tmp_path / "workspace"
    build_corpus(write_jsonl(source, documents(3)), workspace)
    app = open_page(workspace, "overview")
    assert {metric.label: metric.value for metric in app.metric}["Documents"] == "3"
    build_corpus(write_jsonl(source, [*documents(3), document(3), document(4)]), workspace)
    app.run()
    assert {metric.label: metric.value for metric in app.metric}["Documents"] == "5"
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert [link for link in links if link.startswith(str(workspace))] == [str(workspace / "corpus.duckdb")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a*b", "a\\*b"),
        (":red[x]", "&#58;red\\[x\\]"),
        ("# x", "\\# x"),
        ("1. x", "1\\. x"),
        ("    code", "code"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_text_from_data_is_no_markdown(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_launch_serves_on_this_machine_only(tmp_path: Path) -> None:
    line = command(tmp_path, 8123, open_browser=False)
    assert line[-2:] == ["--", str(tmp_path)]
    assert {"--server.address=127.0.0.1", "--server.port=8123", "--server.headless=true"} <= set(line)


def test_only_the_app_imports_streamlit() -> None:
    program = (
        "import importlib, pkgutil, sys, explorer\n"
        "names = [m.name for m in pkgutil.walk_packages(explorer.__path__, 'explorer.')"
        " if not m.name.startswith(('explorer.app.', 'explorer.site'))]\n"
        "assert 'explorer.charts' in names and 'explorer.sandbox' in names and len(names) > 20, names\n"
        "for name in names + ['explorer.app.launch']: importlib.import_module(name)\n"
        "assert 'streamlit' not in sys.modules\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 0, result.stderr
