"""Statistics of tiny corpora, computed by hand: `cases/<statistic>[-variant]/`.

A folder holds documents.jsonl and expected.csv, and may hold corpus.toml, params.toml, attributes/<set>.jsonl,
recipes/<name>.toml, and build.toml with options of the build. In place of all inputs it may name the case whose corpus
it uses in `same_corpus_as`. The expected table names the columns that it checks, in order. An empty field is null;
numbers may be fractions (1/3).
"""

from __future__ import annotations

import csv
import datetime
import re
import shutil
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

import explorer
from explorer.statistic import load_statistics
from tests.corpora import build_corpus

CASES = Path(__file__).parent / "cases"


def case_names() -> list[str]:
    return sorted(path.parent.name for path in CASES.glob("*/expected.csv"))


@pytest.mark.parametrize("case", case_names())
def test_case(case: str, tmp_path: Path) -> None:
    own = folder = CASES / case
    if (own / "same_corpus_as").exists():
        folder = CASES / (own / "same_corpus_as").read_text(encoding="utf-8").strip()
    root = tmp_path / "in"
    (root / "documents").mkdir(parents=True)
    shutil.copyfile(folder / "documents.jsonl", root / "documents" / "case.jsonl")
    for path in folder.glob("attributes/*.jsonl"):
        (root / "attributes" / path.stem).mkdir(parents=True)
        shutil.copyfile(path, root / "attributes" / path.stem / "case.jsonl")
    config = folder / "corpus.toml"
    recipes = [str(path) for path in sorted(folder.glob("recipes/*.toml"))]
    options = tomllib.loads(path.read_text(encoding="utf-8")) if (path := folder / "build.toml").exists() else {}
    build_corpus(root, tmp_path / "out", config_path=config if config.exists() else None, recipes=recipes, **options)
    params = own / "params.toml"
    given = tomllib.loads(params.read_text(encoding="utf-8")) if params.exists() else {}
    with explorer.open(tmp_path / "out") as opened:
        frame = opened.show(case.partition("-")[0], **given)
    with (own / "expected.csv").open(encoding="utf-8", newline="") as lines:
        header, *expected = list(csv.reader(lines))
    assert [column for column in frame.columns if column in header] == header
    assert [[plain(value) for value in row] for row in frame.select(header).rows()] == [
        [pytest.approx(e, rel=1e-12) if isinstance(e := number(text), float) else e for text in row] for row in expected
    ]


def plain(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime.date) else value


def number(text: str) -> object:
    if text == "":
        return None
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?\d+(\.\d+|/\d+)", text):
        return float(Fraction(text))
    return text


def test_every_statistic_with_arithmetic_of_its_own_has_a_case() -> None:
    covered = {name.partition("-")[0] for name in case_names()}
    assert covered <= load_statistics().keys()
    plain_tables = {"rejected_rows", "shard_report"}  # what the build wrote, tested with the build
    assert load_statistics().keys() - covered - plain_tables == set()
