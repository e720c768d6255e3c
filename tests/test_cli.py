"""The command line as a person or a pipeline meets it: exit codes, one-line errors, data on standard output alone."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import polars as pl
import pytest

import explorer
from explorer.render import FORMATS, render, units_of
from explorer.statistic import load_statistics
from tests.corpora import build_corpus, documents, write_jsonl


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli")
    write_jsonl(root / "in" / "web.jsonl", documents(5))
    write_jsonl(root / "in" / "books.jsonl.gz", documents(2, "books|<b>"))
    build_corpus(root / "in", root / "w")
    return root / "w"


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "explorer.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, cwd=cwd, check=False)


def test_list_names_every_statistic() -> None:
    result = run("list", "--format", "json")
    assert result.returncode == 0
    assert [row["name"] for row in json.loads(result.stdout)] == list(load_statistics())


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_show_in_every_format_is_the_same_table(workspace: Path, form: str) -> None:
    result = run("show", "composition", workspace, "--format", form)
    assert result.returncode == 0, result.stderr
    if form == "json":
        frame = pl.DataFrame(json.loads(result.stdout))
    elif form == "csv":
        frame = pl.read_csv(io.BytesIO(result.stdout))
    else:
        frame = pl.read_parquet(io.BytesIO(result.stdout))
    with explorer.open(workspace) as corpus:
        expected = corpus.show("composition")
    for column in ("source", "n_docs", "n_bytes", "byte_share"):
        assert frame[column].to_list() == expected[column].to_list()
    assert frame["source"].to_list() == ["web", "books|<b>"]
    assert frame["n_docs"].to_list() == [5, 2]


def test_show_has_a_flag_a_parameter(workspace: Path) -> None:
    result = run("show", "domains", workspace, "--top-n", "1", "--format", "json")
    assert len(json.loads(result.stdout)) == 1
    help_text = run("show", "domains", "--help").stdout.decode()
    assert "--top-n" in help_text
    assert "n_docs (docs)" in help_text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("show", "composition", "nowhere"), 1, "nowhere: not a workspace (no manifest.json); make one with"),
        (("show", "compositon", "W"), 2, "did you mean composition"),
        (("show", "domains", "W", "--top-n", "0"), 2, "top-n"),
        (("sql", "W", "selec 1"), 1, "syntax error"),
        (("sql", "W", "select 1; select 2"), 2, "give one statement, not 2"),
        (("sql", "W", "delete from documents"), 1, "read-only"),
        (("build", "nowhere", "--out", "x"), 1, "nowhere: no such file or folder"),
        (("build", "W", "--out", "x", "--tokenizer", "gpt9"), 2, "choose one of cl100k_base"),
        (("build", "W", "--out", "x", "--memory", "lots"), 2, "is not a size such as 800MB"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_errors_are_one_line_and_have_their_exit_code(
    workspace: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = run(*[str(workspace) if a == "W" else a for a in arguments], cwd=tmp_path)
    assert result.returncode == code
    assert message in result.stderr.decode()
    assert b"Traceback" not in result.stderr
    assert result.stdout == b""


def test_sql_answers_from_documents_and_macros(workspace: Path) -> None:
    query = "select c.source, c.n_docs from composition() as c where c.n_docs > (select count(*) from documents) / 2"
    result = run("sql", workspace, query, "--format", "json")
    assert json.loads(result.stdout) == [{"source": "web", "n_docs": 5}]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("select interval 3 day as x", ["x", "3 days"]),
        ("select date '12000-01-01' as x", ["x", "12000-01-01"]),
        ("select timestamp 'infinity' as x", ["x", "infinity"]),
        ("select 1 as a, 2 as a", ["a,a_1", "1,2"]),
        ("select {'a': [1, 2]} as x", ["x", '"{""a"": [1, 2]}"']),
        ("select map {'k': 1.5::decimal(4, 1)} as x", ["x", "{k=1.5}"]),
        ("select sum(n_words) as x from documents where false", ["x", ""]),
    ],
)
def test_sql_shows_every_type(workspace: Path, query: str, shown: list[str]) -> None:
    with explorer.open(workspace) as corpus:
        frame = corpus.sql(query)
    assert render(frame, "csv", units_of(frame)).decode().splitlines() == shown
    for form in FORMATS:
        assert render(frame, form, units_of(frame), width=80)


def test_check_passes_a_sound_corpus_and_fails_a_broken_one(workspace: Path, tmp_path: Path) -> None:
    assert run("check", workspace).returncode == 0
    write_jsonl(tmp_path / "in" / "a.jsonl", [*documents(2), *documents(1)])
    build_corpus(tmp_path / "in", tmp_path / "w")
    result = run("check", tmp_path / "w", "--format", "json")
    assert result.returncode == 1
    failed = [row for row in json.loads(result.stdout) if not row["is_ok"] and row["severity"] == "error"]
    assert [(row["check_name"], row["n_found"]) for row in failed] == [("duplicate ids", 2)]
    assert b"1 of" in result.stderr


def test_init_writes_a_template_that_build_accepts(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(2, 'quo"te\n|x'))
    build_corpus(tmp_path / "in", tmp_path / "w")
    assert run("init", tmp_path / "w").returncode == 0
    config = tmp_path / "w" / "corpus.toml"
    config.write_text(config.read_text().replace('# title = ""', 'title = "Ours"'))
    assert run("init", tmp_path / "w").returncode == 2  # it is not overwritten
    report = build_corpus(tmp_path / "in", tmp_path / "w")
    assert report.n_parts_indexed == 0
    with explorer.open(tmp_path / "w") as corpus:
        assert corpus.show("composition")["title"].to_list() == ["Ours"]


def test_a_reader_that_leaves_early_is_no_error(workspace: Path) -> None:
    command = f"{sys.executable} -m explorer.cli sql {workspace} 'from range(1000000)' --format csv | head -1"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False)
    assert b"Traceback" not in result.stderr
    assert result.stdout == b"range\n"


def test_app_serves_on_this_machine_and_ends_with_its_process(workspace: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "explorer.cli", "app", str(workspace), "--no-browser", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        assert any(f"http://127.0.0.1:{port}" in line for line in process.stdout)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10) as answer:
            assert answer.status == 200
        process.terminate()
        assert process.wait(timeout=30) is not None
    with socket.socket() as again:  # nobody is left who listens
        assert again.connect_ex(("127.0.0.1", port)) != 0


def test_build_says_what_it_did(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(3))
    write_jsonl(tmp_path / "in" / "b.jsonl", documents(2, "books"))
    arguments = ("build", tmp_path / "in", "--out", tmp_path / "w", "--workers", "1")
    first = run(*arguments, "--tokenizer", "cl100k_base").stderr.decode()
    assert "5 documents (1 of 1 parts read)" in first
    again = run(*arguments).stderr.decode()
    assert "5 documents (nothing had changed)" in again
    with explorer.open(tmp_path / "w") as corpus:  # the tokenizer of the last build stays
        assert corpus.facts["tokenizer"] == "cl100k_base"
    (tmp_path / "in" / "b.jsonl").unlink()
    less = run(*arguments).stderr.decode()
    assert "3 documents" in less
    assert "nothing had changed" not in less


def test_build_names_what_it_passes_over(tmp_path: Path) -> None:
    rows = documents(2)
    write_jsonl(tmp_path / "in" / "documents" / "a.jsonl", rows)
    write_jsonl(tmp_path / "in" / "attributes" / "s" / "a.jsonl", [{"id": row["id"], "attributes": {}} for row in rows])
    write_jsonl(tmp_path / "in" / "attributes" / "s" / "nobody.jsonl", [])
    write_jsonl(tmp_path / "in" / "outside.jsonl", rows)
    (tmp_path / "in" / "notes.txt").write_text("x", encoding="utf-8")
    (tmp_path / "in" / ".hidden").write_text("x", encoding="utf-8")
    said = run("build", tmp_path / "in", "--out", tmp_path / "in" / "w", "--workers", "1").stderr.decode()
    assert "passed over, being no shards (3): attributes/s/nobody.jsonl, notes.txt, outside.jsonl" in said
    with explorer.open(tmp_path / "in" / "w") as corpus:
        assert corpus.facts["n_files_passed_over"] == "3"
