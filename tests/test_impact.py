"""The command `impact` and the Python API behind it, over the ten documents of the hand-computed cases."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

import explorer
from explorer.errors import InputError, UsageError, WorkspaceError
from explorer.impact import explore
from explorer.impact.documents import write_documents
from explorer.impact.engine import Impact
from explorer.impact.source import open_source
from explorer.recipe.expression import thresholds
from explorer.recipe.read import parse_recipe, read_recipe
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma, write_jsonl

CASE = Path(__file__).parent / "cases" / "filter_totals"
RECIPE = CASE / "recipes" / "case.toml"


@pytest.fixture(scope="session")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the ten documents, without a recipe of its own."""
    root = tmp_path_factory.mktemp("ten")
    (root / "in" / "documents").mkdir(parents=True)
    (root / "in" / "attributes" / "tags").mkdir(parents=True)
    shutil.copyfile(CASE / "documents.jsonl", root / "in" / "documents" / "case.jsonl")
    shutil.copyfile(CASE / "attributes" / "tags.jsonl", root / "in" / "attributes" / "tags" / "case.jsonl")
    build_corpus(root / "in", root / "out")
    return root / "out"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "explorer.cli", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def kept(impact: Impact) -> int:
    n: int = impact.run("filter_totals")["n_kept_docs"][0]
    return n


def write_recipe(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# ---- the command


def test_a_report_for_a_person_names_figures_rules_and_sources(ten: Path) -> None:
    done = run("impact", ten, RECIPE)
    assert done.returncode == 0
    assert "40.00 %" in done.stdout
    assert "note: rule that never fires never" in done.stdout
    assert re.search(r"1  low score +4 +40\.00 %", done.stdout)
    assert "warning: source alarm a: The source loses 66.7 % of its 6 documents" in done.stdout


def test_json_holds_every_statistic_with_its_definition_and_parameters(ten: Path) -> None:
    done = run(
        "impact", ten, RECIPE, "--format", "json", "--measure", "bytes", "--order", "long", "--order", "duplicate"
    )
    data = json.loads(done.stdout)
    assert data["recipe"] == "case"
    rules = data["statistics"]["filter_rules"]
    assert rules["parameters"] == {"measure": "bytes", "only_source": "", "rule_order": "long\nduplicate"}
    names = [column["name"] for column in rules["columns"]]
    first = dict(zip(names, rules["rows"][0], strict=True))
    assert (first["rule"], first["removed_alone"], first["removed_in_order"]) == ("long", 36, 36)
    assert data["rules"][0]["expressions"] == ["score < 0.5"]
    assert data["fingerprint"] == explorer.open(ten).fingerprint


def test_markdown_escapes_names_of_rules(ten: Path, tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "r.toml", "[[rules]]", 'name = "<b>|`x`\\u001b[31m"', 'exclude = "score < 0.5"')
    done = run("impact", ten, path, "--format", "md")
    assert done.returncode == 0
    assert "<b>" not in done.stdout
    assert "\x1b" not in run("impact", ten, path).stdout + done.stdout


@pytest.mark.parametrize(
    ("kinds", "code"), [("alarm", 1), ("never,dead", 1), ("covered", 1), ("dead", 0), ("failing,missing,always", 0)]
)
def test_fail_on_exits_with_1_when_there_is_such_a_finding(ten: Path, kinds: str, code: int) -> None:
    done = run("impact", ten, RECIPE, "--fail-on", kinds)
    assert done.returncode == code
    assert "What each rule takes" in done.stdout  # the report comes all the same


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-on", "ded"], "--fail-on ded: not one of dead, partly-dead"),
        (
            ["--order", "long", "--order", "short"],
            "no rule is called 'short'; rules: low score, long, duplicate, never",
        ),
        (["--source", "c"], "no source is called 'c'; sources: a, b"),
        (["--stream", "x"], "no stream is called 'x'"),
        (["--documents", "rows.csv"], "rows.csv: documents are written as .parquet, .jsonl"),
        (["--compare", "gopher"], "gopher-quality"),
        (["--memory", "1MB"], "--memory 1MB is too little"),
        (["--measure", "tokens"], "no tokens were counted"),
    ],
)
def test_wrong_requests_exit_with_2_and_say_what_is_right(ten: Path, arguments: Sequence[str], message: str) -> None:
    done = run("impact", ten, RECIPE, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_missing_workspace_or_recipe_says_what_to_do(ten: Path, tmp_path: Path) -> None:
    assert "not a workspace" in run("impact", tmp_path, RECIPE).stderr
    done = run("impact", ten, "gopher-qualitty")
    assert done.returncode == 2
    assert "gopher-quality" in done.stderr


# ---- a row per document


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_documents_say_which_rules_hit_and_what_is_left(ten: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"rows{suffix}"
    done = run("impact", ten, RECIPE, "--documents", target)
    assert done.returncode == 0
    frame = pl.read_parquet(target) if suffix == ".parquet" else pl.read_ndjson(target)
    rows = {row["id"]: row for row in frame.to_dicts()}
    assert len(rows) == 10
    assert rows["d05"]["rules"] == ["low score", "long", "duplicate"]
    assert rows["d05"]["n_chars_after"] is None
    assert [row["id"] for row in frame.to_dicts() if row["is_kept"]] == ["d01", "d06", "d07", "d10"]
    # d06 is "w w w w w w": [0, 3) becomes XY, [2, 5) begins inside it and is dropped, [8, 9) goes
    assert (rows["d06"]["n_chars_after"], rows["d06"]["n_words_after"]) == (9, len(["XY", "w", "w", "w"]))
    assert (rows["d10"]["n_chars_after"], rows["d10"]["n_words_after"]) == (0, 0)
    assert not any(row["is_estimate"] for row in rows.values())


def test_without_texts_words_after_replacement_are_marked_as_estimates(tmp_path: Path) -> None:
    texts = documents(4)
    spans = attribute_rows(texts, cut=[[0, 9, 1.0], [10, 12, 1.0]])
    write_dolma(tmp_path / "in", {"a.jsonl": texts}, {"tags": {"a.jsonl": spans}})
    build_corpus(tmp_path / "in", tmp_path / "out", keep_text=False)
    recipe = write_recipe(tmp_path / "r.toml", "[[spans]]", 'span = "cut"', "min_score = 0.5")
    done = run("impact", tmp_path / "out", recipe, "--documents", tmp_path / "rows.parquet")
    assert "are estimates (is_estimate)" in done.stderr
    assert pl.read_parquet(tmp_path / "rows.parquet")["is_estimate"].all()
    short = write_recipe(tmp_path / "s.toml", "min_text_length = 1000", "[[spans]]", 'span = "cut"', "min_score = 0.5")
    run("impact", tmp_path / "out", short, "--documents", tmp_path / "short.parquet")
    rows = pl.read_parquet(tmp_path / "short.parquet")
    assert not rows["is_kept"].any()
    assert rows["is_estimate"].all()
    with pytest.raises(WorkspaceError, match="text"):
        Impact(open_source(tmp_path / "out"), read_recipe(recipe), exact=True).run("filter_outcomes")


def test_exact_counts_replace_the_estimates(ten: Path) -> None:
    estimated = Impact(open_source(ten), read_recipe(RECIPE))
    exact = Impact(open_source(ten), read_recipe(RECIPE), exact=True)
    name = "n_words_after_approx"
    assert estimated.run("filter_outcomes")[name].to_list() == [6, None, 7, None]  # d06: 6 words * 9 / 11
    assert exact.run("filter_outcomes")[name].to_list() == [5, None, 7, None]


def test_a_minimum_length_after_replacement_is_exact_on_request_and_else_said_to_be_an_estimate(
    ten: Path, tmp_path: Path
) -> None:
    # [0, 3) and the rest of d06 but blanks: of "w w w w w w" only the two blanks around the third w stay
    recipe = parse_recipe('min_text_length = 8\n[[spans]]\nspan = "name"\nmin_score = 0.5\n', "short", "toml")
    source = open_source(ten)
    estimated, exact = Impact(source, recipe), Impact(source, recipe, exact=True)
    assert "estimate" in estimated.run("filter_warnings")["kind"].to_list()
    assert "estimate" not in exact.run("filter_warnings")["kind"].to_list()
    write_documents(exact, tmp_path / "rows.parquet")
    rows = {row["id"]: row["is_kept"] for row in pl.read_parquet(tmp_path / "rows.parquet").to_dicts()}
    # d06 loses "w w" -> "w " ... 7 characters remain: shorter than 8; d10 loses all
    assert [name for name, is_kept in rows.items() if is_kept] == ["d05", "d07", "d08", "d09"]


# ---- streams and attributes


def two_shards(root: Path, **attributes: object) -> Path:
    one, two = documents(4, "one"), documents(4, "two")
    write_dolma(
        root / "in",
        {"one/a.jsonl": one, "two/b.jsonl": two},
        {"tags": {"one/a.jsonl": attribute_rows(one, score=lambda row: [[0, 1, 0.1]])}},
    )
    build_corpus(root / "in", root / "out")
    return root / "out"


def test_streams_take_the_shards_that_their_paths_match(tmp_path: Path) -> None:
    out = two_shards(tmp_path)
    mixer = {
        "streams": [
            {
                "name": "first", "documents": ["s3://bucket/x/documents/one/*.gz"], "attributes": ["tags"],
                "output": {"path": "o"}, "filter": {"exclude": ["$.attributes[?(@.score[0][2] < 0.5)]"]},
            }
        ]
    }  # fmt: skip
    (tmp_path / "mix.json").write_text(json.dumps(mixer), encoding="utf-8")
    impact = Impact(open_source(out), read_recipe(tmp_path / "mix.json"))
    totals = impact.run("filter_totals").to_dicts()[0]
    assert (totals["n_docs"], totals["n_docs_outside"], totals["n_kept_docs"]) == (4, 4, 0)
    everything = Impact(open_source(out), read_recipe(tmp_path / "mix.json"), only_stream="first")
    assert everything.run("filter_totals")["n_docs"][0] == 4  # its paths match, so they stand


def test_a_single_stream_whose_paths_match_nothing_takes_all_and_says_so(tmp_path: Path) -> None:
    out = two_shards(tmp_path)
    stream = {"documents": ["s3://elsewhere/documents/x/*.gz"], "attributes": ["tags"], "output": {"path": "o"}}
    condition = {"filter": {"exclude": ["$.attributes[?(@.score[0][2] < 0.5)]"]}}
    path = tmp_path / "mix.json"
    path.write_text(json.dumps({"streams": [{"name": "a", **stream, **condition}]}), encoding="utf-8")
    impact = Impact(open_source(out), read_recipe(path))
    assert kept(impact) == 4
    kinds = impact.run("filter_warnings")["kind"].to_list()
    assert "stream on all documents" in kinds
    assert "missing attributes" in kinds  # the second shard has no tags
    path.write_text(
        json.dumps({"streams": [{"name": "a", **stream, **condition}, {"name": "b", **stream, **condition}]}),
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="none of its streams' documents match a shard"):
        Impact(open_source(out), read_recipe(path))
    assert kept(Impact(open_source(out), read_recipe(path), only_stream="b")) == 4


def test_later_sets_win_and_sources_are_globs(tmp_path: Path) -> None:
    rows = documents(3, "web-a") + documents(3, "web-b")
    write_dolma(
        tmp_path / "in",
        {"a.jsonl": rows},
        {
            "first": {"a.jsonl": attribute_rows(rows, score=0.1)},
            "second": {
                "a.jsonl": [
                    r if n % 2 else {**r, "attributes": {}} for n, r in enumerate(attribute_rows(rows, score=0.9))
                ]
            },
        },
    )
    build_corpus(tmp_path / "in", tmp_path / "out")
    source = open_source(tmp_path / "out")

    def n_kept(*sets: str, sources: str = "web-*") -> int:
        text = f'attributes = {json.dumps(sets)}\nsources = ["{sources}"]\n[[rules]]\nexclude = "score < 0.5"\n'
        return kept(Impact(source, parse_recipe(text, "t", "toml")))

    assert n_kept("first") == 0
    assert n_kept("second") == 6
    assert n_kept("first", "second") == 3
    assert n_kept("second", "first") == 0
    assert n_kept("second", sources="*-a") == 3


def test_dead_rules_name_the_nearest_key_or_the_set_that_has_it(ten: Path) -> None:
    text = '[[rules]]\nexclude = "scores < 0.5"\n[[rules]]\nexclude = "length > 3 and nothing > 1"\n'
    impact = Impact(open_source(ten), parse_recipe(text, "t", "toml"))
    found = {(row["kind"], row["subject"]): row["message"] for row in impact.run("filter_warnings").to_dicts()}
    assert "the nearest key is score" in found["dead rule", "scores < 0.5"]
    (message,) = [text for (kind, _), text in found.items() if kind == "partly dead rule"]
    assert "nothing is in none of the sets" in message
    elsewhere = parse_recipe('attributes = []\n[[rules]]\nexclude = "score < 0.5"\n', "t", "toml")
    (row,) = Impact(open_source(ten), elsewhere).run("filter_warnings").filter(pl.col("kind") == "dead rule").to_dicts()
    assert "the set tags has it" in row["message"]


def test_more_rules_than_an_integer_has_bits(ten: Path) -> None:
    lines = [f'[[rules]]\nname = "r{n}"\nexclude = "n_words == {n % 20}"\n' for n in range(150)]
    impact = Impact(open_source(ten), parse_recipe("".join(lines), "many", "toml"))
    rules = impact.run("filter_rules")
    assert rules.height == 150
    assert kept(impact) == 0
    alone = dict(zip(rules["rule"].to_list(), rules["removed_alone"].to_list(), strict=True))
    assert (alone["r1"], alone["r141"], alone["r11"], alone["r149"]) == (1, 1, 0, 1)
    assert rules["removed_shapley"].sum() == pytest.approx(10)


# ---- exploring


def test_every_point_of_a_curve_is_what_the_recipe_with_that_threshold_keeps(ten: Path) -> None:
    from explorer.recipe.parse import moved

    source, recipe = open_source(ten), read_recipe(RECIPE)
    impact = Impact(source, recipe)
    for number in (0, 1, 2):
        expression = impact.bound.rules[number].expressions[0]
        (threshold,) = thresholds(expression)
        curve = explore.curve(impact, number, threshold)
        assert curve["is_chosen"].sum() == 1
        for row in curve.to_dicts():
            text = RECIPE.read_text(encoding="utf-8").replace(
                expression.text, moved(expression, threshold.place, row["threshold"]).text
            )
            totals = Impact(source, parse_recipe(text, "moved", "toml")).run("filter_totals").to_dicts()[0]
            assert (row["n_docs_kept"], row["n_bytes_kept"], row["n_words_kept"]) == (
                totals["n_kept_docs"], totals["n_kept_bytes"], totals["n_kept_words"],
            )  # fmt: skip


def test_documents_around_a_threshold_are_the_nearest_that_no_other_rule_removes(ten: Path) -> None:
    impact = Impact(open_source(ten), read_recipe(RECIPE))
    (threshold,) = thresholds(impact.bound.rules[0].expressions[0])
    found = explore.around(impact, 0, threshold, n=2)
    assert found.select("outcome", "id", "value").rows() == [
        ("kept", "d10", 0.6), ("kept", "d07", 0.7), ("removed", "d02", 0.1),
    ]  # fmt: skip
    assert explore.texts(impact, found)["text"].to_list() == [" ".join("w" * n) for n in (10, 7, 2)]


def test_two_recipes_side_by_side(ten: Path) -> None:
    source = open_source(ten)
    other = parse_recipe('[[rules]]\nexclude = "n_words > 6"\n', "short", "toml")
    rows = explore.compare(Impact(source, read_recipe(RECIPE)), Impact(source, other)).to_dicts()
    total = {row["outcome"]: row["n_docs"] for row in rows if row["source"] is None}
    assert total == {"kept by both": 2, "only by case": 2, "only by short": 4, "by neither": 2}
    assert sum(row["n_bytes"] for row in rows if row["source"] == "a") == 36


# ---- recipes of a workspace


def test_a_workspace_keeps_its_recipes_and_computes_only_what_changed(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "documents" / "a.jsonl", documents(20))
    recipe = write_recipe(tmp_path / "mine.toml", "[[rules]]", 'exclude = "n_chars > 44"')
    build_corpus(tmp_path / "in", tmp_path / "out", recipes=[str(recipe), "gopher-quality"])
    with explorer.open(tmp_path / "out") as corpus:
        assert corpus.show("filter_totals")["recipe"].to_list() == ["gopher-quality", "mine"]
        before = corpus.show("filter_totals").filter(pl.col("recipe") == "mine")["n_kept_docs"][0]
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "partials").rglob("*.parquet")}
    mine = tmp_path / "out" / "recipes" / "mine.toml"
    mine.write_text('[[rules]]\nexclude = "n_chars > 1000"\n', encoding="utf-8")
    report = build_corpus(tmp_path / "in", tmp_path / "out")
    assert report.n_bytes_read == 0
    with explorer.open(tmp_path / "out") as corpus:
        after = corpus.show("filter_totals").filter(pl.col("recipe") == "mine")["n_kept_docs"][0]
    assert before < after == 20
    kept_files = [p for p in stamps if p.exists()]
    assert kept_files
    assert all(p.stat().st_mtime_ns == stamps[p] for p in kept_files)
    (tmp_path / "out" / "recipes" / "mine.toml").unlink()
    build_corpus(tmp_path / "in", tmp_path / "out")
    with explorer.open(tmp_path / "out") as corpus:
        assert corpus.show("filter_totals")["recipe"].to_list() == ["gopher-quality"]


def test_a_broken_recipe_of_a_workspace_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "documents" / "a.jsonl", documents(3))
    good = write_recipe(tmp_path / "good.toml", "[[rules]]", 'exclude = "n_chars > 44"')
    build_corpus(tmp_path / "in", tmp_path / "out", recipes=[str(good)])
    write_recipe(tmp_path / "out" / "recipes" / "bad.toml", "[[rules]]", 'exclude = "a <"')
    write_recipe(tmp_path / "out" / "recipes" / "untold.toml", "[[rules]]", 'exclude = "metadata.a[0] == 1"')
    (tmp_path / "out" / "recipes" / "folder.toml").mkdir()
    report = build_corpus(tmp_path / "in", tmp_path / "out")
    assert [fault.partition(":")[0] for fault in report.faults] == ["recipes/bad.toml", "recipes/untold.toml"]
    with explorer.open(tmp_path / "out") as corpus:
        assert corpus.show("filter_totals")["recipe"].to_list() == ["good"]
        rejected = corpus.show("rejected_rows")
    assert set(rejected["reason"].to_list()) == {"unreadable_recipe"}


# ---- faults that were found


def found(impact: Impact, kind: str) -> list[str]:
    return impact.run("filter_warnings").filter(pl.col("kind") == kind)["message"].to_list()


def test_a_recipe_that_stands_in_the_workspace_already_stays_there(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "documents" / "a.jsonl", documents(3))
    recipe = write_recipe(tmp_path / "mine.toml", "[[rules]]", 'exclude = "n_chars > 44"')
    build_corpus(tmp_path / "in", tmp_path / "out", recipes=[str(recipe)])
    own = tmp_path / "out" / "recipes" / "mine.toml"
    build_corpus(tmp_path / "in", tmp_path / "out", recipes=[str(own)])
    assert own.read_bytes() == recipe.read_bytes()


def test_findings_of_an_include_list_say_what_it_does(ten: Path) -> None:
    source = open_source(ten)
    nobody = parse_recipe('[[rules]]\ninclude = ["n_words > 1000"]\n', "t", "toml")
    assert found(Impact(source, nobody), "rule that always fires") == ["No document is included."]
    everybody = parse_recipe('[[rules]]\ninclude = ["n_words > 0"]\n', "t", "toml")
    assert found(Impact(source, everybody), "rule that never fires") == ["Every document is included."]


def test_a_stream_of_sources_that_are_not_there_is_reported(ten: Path) -> None:
    recipe = parse_recipe('sources = ["typo"]\n[[rules]]\nexclude = "score < 0.5"\n', "t", "toml")
    impact = Impact(open_source(ten), recipe)
    assert found(impact, "stream without documents") == ["No document here is of its sources: typo."]
    totals = impact.run("filter_totals").to_dicts()[0]
    assert (totals["n_docs"], totals["n_docs_outside"], totals["kept_doc_share"]) == (0, 10, None)


def test_missing_attributes_are_those_of_the_streams_own_documents(tmp_path: Path) -> None:
    one, two = documents(4, "one"), documents(4, "two")
    write_dolma(
        tmp_path / "in",
        {"a.jsonl": one, "b.jsonl": [*two[:3], documents(5, "one")[4], two[3]]},
        {"tags": {"a.jsonl": attribute_rows(one, score=0.1)}},
    )
    build_corpus(tmp_path / "in", tmp_path / "out")
    recipe = parse_recipe('sources = ["one"]\n[[rules]]\nexclude = "score < 0.5"\n', "t", "toml")
    (message,) = found(Impact(open_source(tmp_path / "out"), recipe), "missing attributes")
    assert "In 1 shards of the stream all, 1 documents" in message


def test_a_curve_knows_that_an_integer_is_no_decimal_to_the_mixer(tmp_path: Path) -> None:
    rows = documents(6)
    scores = attribute_rows(rows, score=lambda row: int(row["id"][4:]))
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"tags": {"a.jsonl": scores}})
    build_corpus(tmp_path / "in", tmp_path / "out")
    for limit, n_kept in (("3", 3), ("3.0", 4)):
        mixer = {
            "streams": [
                {
                    "name": "a", "documents": ["*"], "attributes": ["tags"], "output": {"path": "o"},
                    "filter": {"exclude": [f"$.attributes[?(@.score >= {limit})]"]},
                }
            ]
        }  # fmt: skip
        impact = Impact(open_source(tmp_path / "out"), parse_recipe(json.dumps(mixer), "t", "json"))
        assert kept(impact) == n_kept
        assert len(found(impact, "form of a number")) == (limit == "3.0")
        (threshold,) = thresholds(impact.bound.rules[0].expressions[0])
        curve = explore.curve(impact, 0, threshold)
        assert curve.filter("is_chosen")["n_docs_kept"].to_list() == [n_kept]


def test_documents_that_a_threshold_does_not_decide_about_are_not_around_it(ten: Path) -> None:
    recipe = parse_recipe('[[rules]]\nexclude = "score < 0.5 and n_words > 4"\n', "t", "toml")
    impact = Impact(open_source(ten), recipe)
    (threshold, *_) = thresholds(impact.bound.rules[0].expressions[0])
    around = explore.around(impact, 0, threshold)
    assert set(around["id"].to_list()) == {"d05", "d06", "d07", "d09", "d10"}


def test_rules_with_a_comma_in_their_name_can_be_ordered(ten: Path, tmp_path: Path) -> None:
    path = write_recipe(
        tmp_path / "r.toml", "[[rules]]", 'name = "a"', 'exclude = "score < 0.5"', "[[rules]]", 'name = "b, c"',
        'exclude = "length > 4"',
    )  # fmt: skip
    done = run("impact", ten, path, "--order", "b, c", "--format", "json")
    rules = json.loads(done.stdout)["statistics"]["filter_rules"]
    assert [row[2] for row in rules["rows"]] == ["b, c", "a"]


def test_two_recipes_are_compared_over_parts_and_with_tokens(tmp_path: Path) -> None:
    rows = [document | {"n_tokens": 3} for document in documents(8)]
    write_dolma(tmp_path / "in", {"a.jsonl": rows[:5], "b.jsonl": rows[5:]})
    build_corpus(tmp_path / "in", tmp_path / "out", part_bytes=1)
    source = open_source(tmp_path / "out")
    assert len(source.parts) == 2
    first = Impact(source, parse_recipe("[[rules]]\nexclude = \"endswith(id, '1')\"\n", "a", "toml"))
    second = first.with_recipe(parse_recipe("[[rules]]\nexclude = \"endswith(id, '7')\"\n", "b", "toml"))
    rows = [row for row in explore.compare(first, second).to_dicts() if row["source"] is None]
    total = {row["outcome"]: (row["n_docs"], row["n_tokens"]) for row in rows}
    assert total == {"kept by both": (6, 18), "only by a": (1, 3), "only by b": (1, 3)}


def test_recipes_are_listed_and_written_for_the_mixer(ten: Path, tmp_path: Path) -> None:
    listed = json.loads(run("recipe", "list", "--format", "json").stdout)
    assert {"gopher-quality", "c4"} <= {row["name"] for row in listed}
    assert all(row["origin"] and row["needs"] for row in listed)
    done = run("recipe", "write", RECIPE, "--workspace", ten, "--as", "json", "--output", "there")
    (stream,) = json.loads(done.stdout)["streams"]
    assert stream["attributes"] == ["tags"]
    assert stream["output"]["path"] == "there"
    assert stream["documents"][0].endswith("/documents/*.jsonl")
    assert run("recipe", "write", RECIPE, "--out", tmp_path / "r.toml").returncode == 0
    assert read_recipe(tmp_path / "r.toml").streams == read_recipe(RECIPE).streams
    again = run("recipe", "write", RECIPE, "--out", tmp_path / "r.toml")
    assert again.returncode == 2
    assert "not overwritten" in again.stderr


def test_what_is_divided_by_nothing_is_missing(tmp_path: Path) -> None:
    rows = [document | {"text": ""} for document in documents(2)]
    marks = attribute_rows(rows, k=[[0, 0, 1]])
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"tags": {"a.jsonl": marks}})
    build_corpus(tmp_path / "in", tmp_path / "out")
    for condition in ("coverage(k) / n_chars > 0.3", "n_words / n_chars > 1", "1 / n_chars > 0"):
        recipe = parse_recipe(f'[[rules]]\nexclude = "{condition}"\n', "t", "toml")
        assert kept(Impact(open_source(tmp_path / "out"), recipe)) == 2, condition


def test_a_rule_on_what_is_missing_is_not_dead(ten: Path) -> None:
    source = open_source(ten)
    for rule in ('include = ["nothing > 1", "nothing < 0"]', 'exclude = "not present(nothing)"'):
        impact = Impact(source, parse_recipe(f"[[rules]]\n{rule}\n", "t", "toml"))
        assert kept(impact) == 0
        assert found(impact, "dead rule") == []
        (message,) = found(impact, "rule without attributes")
        assert message.startswith("It is about what is missing, and may hold for every document: nothing is in none")


def test_names_tell_rules_apart(ten: Path) -> None:
    text = '[[rules]]\nname = "a"\nexclude = "n_words > 1"\n[[rules]]\nname = "a"\nexclude = "n_words > 2"\n'
    with pytest.raises((InputError, UsageError), match="'a'"):
        Impact(open_source(ten), parse_recipe(text, "t", "toml"))


def test_a_span_rule_that_no_score_passes_is_dead(ten: Path) -> None:
    text = '[[spans]]\nspan = "mail"\nmin_score = 5\nmax_score = 1\n'
    (message,) = found(Impact(open_source(ten), parse_recipe(text, "t", "toml")), "dead span rule")
    assert "no score is from min_score on and below max_score" in message


def test_a_long_refused_expression_is_shown_in_part(ten: Path) -> None:
    condition = " or ".join(f"metadata.list[{n}] == 1" for n in range(200))
    with pytest.raises(UsageError) as caught:
        Impact(open_source(ten), parse_recipe(f'[[rules]]\nname = "r"\nexclude = "{condition}"\n', "t", "toml"))
    assert len(str(caught.value)) < 500
    assert "no lists and no lengths" in str(caught.value)


def test_many_alternatives_stay_small(ten: Path) -> None:
    condition = " or ".join(f"score == {n}" for n in range(300))
    impact = Impact(open_source(ten), parse_recipe(f'[[rules]]\nexclude = "{condition}"\n', "t", "toml"))
    assert len(impact.bound.streams[0].rules[0].holds) < 200 * 300
    assert kept(impact) == 10


def test_sources_are_globs_with_several_stars(ten: Path) -> None:
    recipe = parse_recipe('sources = ["*a*", "[b]"]\n[[rules]]\nexclude = "score < 0.5"\n', "t", "toml")
    assert kept(Impact(open_source(ten), recipe)) == 6
