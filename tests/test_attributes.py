"""Attributes: every shape keeps its kind, every file meets its documents, and three kinds of nothing stay apart."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import explorer
from explorer.attributes import MAX_ATTRIBUTES, VALUE_SCHEMA, Attribute, SetReader, Values, wide_schema
from explorer.corpus import Corpus
from explorer.impact.source import open_source
from explorer.index_attributes import write_wide
from explorer.setaside import Aside
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma, write_jsonl, write_lines, write_parquet

ROWS = documents(6)
NAME = "web/0.jsonl.gz"


# --- how files meet their documents ------------------------------------------------------------------------------


def _side_files(root: Path) -> Path:
    good = attribute_rows(ROWS, k=lambda row: [[0, 8, float(row["id"][-1])]])
    order = good.copy()
    random.Random(1).shuffle(order)
    other = [{**row, "id": f"other-{i}"} for i, row in enumerate(good)]
    broken = [good[0], {"id": "web-1"}, {"id": "web-2", "attributes": [1]}, *good[3:]]
    sets: dict[str, list[dict[str, Any]]] = {
        "aligned": good,
        "shorter": good[:4],
        "longer": [*good, {"id": "web-9", "attributes": {}}],
        "other_ids": other,
        "shuffled": order,
        "first_missing": good[1:],
        "twice": [good[0], good[0], *good[1:]],
        "no_ids": [{"attributes": row["attributes"]} for row in good],
        "broken_rows": broken,
        "no_rows": [],
    }
    write_dolma(root, {NAME: ROWS}, {name: {NAME: rows} for name, rows in sets.items()})
    (root / "attributes" / "missing").mkdir()
    data = gzip.compress("".join(json.dumps(row) + "\n" for row in good * 2000).encode())
    cut = root / "attributes" / "cut" / NAME
    cut.parent.mkdir(parents=True)
    cut.write_bytes(data[: len(data) // 2])
    plain = root / "attributes" / "no_gzip" / NAME
    plain.parent.mkdir(parents=True)
    plain.write_bytes(b"plain")
    return root


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    root = tmp_path_factory.mktemp("met")
    build_corpus(_side_files(root / "in"), root / "ws")
    with explorer.open(root / "ws") as corpus:
        yield corpus


# Set: rows, present, misaligned, missing, orphans; and the documents that have k, by number.
MET: dict[str, tuple[tuple[int, int, int, int, int], list[int]]] = {
    "aligned": ((6, 6, 0, 0, 0), [0, 1, 2, 3, 4, 5]),
    "shorter": ((4, 4, 0, 2, 0), [0, 1, 2, 3]),
    "longer": ((7, 6, 0, 0, 1), [0, 1, 2, 3, 4, 5]),
    "other_ids": ((6, 0, 0, 6, 6), []),
    "first_missing": ((5, 0, 5, 1, 0), [1, 2, 3, 4, 5]),
    "twice": ((7, 1, 5, 0, 1), [0, 1, 2, 3, 4, 5]),
    "no_ids": ((6, 0, 0, 6, 6), []),
    "broken_rows": ((6, 4, 0, 2, 0), [0, 3, 4, 5]),
    "no_rows": ((0, 0, 0, 6, 0), []),
    "missing": ((0, 0, 0, 6, 0), []),
    "no_gzip": ((0, 0, 0, 6, 0), []),
}


@pytest.mark.parametrize("name", MET)
def test_rows_meet_the_document_of_their_id_or_are_counted(met: Corpus, name: str) -> None:
    counts, docs = MET[name]
    columns = "n_rows, n_present, n_misaligned, n_missing, n_orphans"
    assert met.sql(f"select {columns} from attribute_files where attribute_set = '{name}'").row(0) == counts
    found = met.sql(f"select doc, first_score from attribute_values where attribute_set = '{name}' order by doc")
    assert found.rows() == [(doc, float(doc)) for doc in docs]  # the score is the document's own number


def test_a_shuffled_file_gives_the_values_of_an_aligned_one(met: Corpus) -> None:
    scores = "select doc, first_score, n_covered_chars from attribute_values where attribute_set = '{}' order by doc"
    assert met.sql(scores.format("shuffled")).rows() == met.sql(scores.format("aligned")).rows()
    states = met.sql("select n_present + n_misaligned, n_missing from attribute_files where attribute_set = 'shuffled'")
    assert states.row(0) == (6, 0)


def test_faults_of_attribute_files_are_listed(met: Corpus) -> None:
    found = met.sql(
        "select attribute_set, reason, n_rows, first_row from rejects where attribute_set is not null order by all"
    )
    assert [row for row in found.rows() if row[0] != "cut"] == [
        ("broken_rows", "no_attributes", 2, 2),
        ("no_gzip", "unreadable_file", 1, None),
    ]
    n_rows, n_present = met.sql("select n_rows, n_present from attribute_files where attribute_set = 'cut'").row(0)
    assert n_present == 6
    assert [row for row in found.rows() if row[0] == "cut"] == [("cut", "truncated", 1, n_rows + 1)]


# --- shapes ------------------------------------------------------------------------------------------------------

KEYS = [
    'say "hi"',
    "a.b",
    "two\nlines",
    "Case",
    "case",
    "CASE",
    "'; drop table documents; --",
    "",
    "nul\0",
    "\u202eflip",
]
SHAPED: list[dict[str, Any]] = [
    {"number": 3, "float": 0.25, "flag": True, "text": "label", "null": None, "empty": [], "nothing": {}},
    {"nested": {"deep": {"score": 0.5, "on": False}, "list": [[0, 2, 1.0]]}},
    {"mixed": 1, "odd": [1, 2], "pairs": [[0, 1]], "words": ["a"], "half": [[0, 1, 1], [0]], "nulls": [[0, 1, None]]},
    {"mixed": [[0, 2, 0.75], [4, 6, 0.5]], "long": "x" * 1000, "big": 12345678901234567890, "flags": [[0, 1, True]]},
    dict.fromkeys(KEYS, 1.5),
    {f"key_{i:03}": i for i in range(300)},
]  # fmt: skip


@pytest.fixture(scope="module")
def shaped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    root = tmp_path_factory.mktemp("shaped")
    rows = [{"id": row["id"], "attributes": found} for row, found in zip(ROWS, SHAPED, strict=True)]
    odd_sets = {name: {NAME: attribute_rows(ROWS, x=1)} for name in ('my "set"', "Upper", "upper", "a.b", "x'y")}
    write_dolma(root / "in", {NAME: ROWS}, {"s": {NAME: rows}, **odd_sets})
    build_corpus(root / "in", root / "ws")
    with explorer.open(root / "ws") as corpus:
        yield corpus


def values_of(corpus: Corpus, doc: int) -> dict[str, tuple[Any, ...]]:
    columns = "key, shape, n_values, first_score, max_score, n_covered_chars, text_value"
    found = corpus.sql(f"select {columns} from attribute_values where attribute_set = 's' and doc = {doc}")
    return {row[0]: row[1:] for row in found.rows()}


def test_scalars_keep_their_shape(shaped: Corpus) -> None:
    assert values_of(shaped, 0) == {
        "number": ("number", 1, 3.0, 3.0, None, None),
        "float": ("number", 1, 0.25, 0.25, None, None),
        "flag": ("bool", 1, 1.0, 1.0, None, None),
        "text": ("text", 1, None, None, None, "label"),
        "null": ("nested", 0, None, None, None, None),
        "empty": ("spans", 0, None, None, 0, None),
        "nothing": ("nested", 0, None, None, None, None),
    }


def test_nested_dictionaries_become_paths(shaped: Corpus) -> None:
    assert values_of(shaped, 1) == {
        "$.nested.deep.score": ("number", 1, 0.5, 0.5, None, None),
        "$.nested.deep.on": ("bool", 1, 0.0, 0.0, None, None),
        "$.nested.list": ("spans", 1, 1.0, 1.0, 2, None),
    }
    paths = shaped.sql("select path from attributes where key = '$.nested.deep.score'")["path"].to_list()
    assert paths == [["nested", "deep", "score"]]


def test_lists_that_are_no_spans_are_kept_as_they_are(shaped: Corpus) -> None:
    found = values_of(shaped, 2)
    assert found.pop("mixed") == ("number", 1, 1.0, 1.0, None, None)
    assert {key: (row[0], row[-1]) for key, row in found.items()} == {
        "odd": ("nested", "[1,2]"),
        "pairs": ("nested", "[[0,1]]"),
        "words": ("nested", '["a"]'),
        "half": ("nested", "[[0,1,1],[0]]"),
        "nulls": ("nested", "[[0,1,null]]"),
    }


def test_one_key_with_two_shapes_is_two_attributes(shaped: Corpus) -> None:
    found = values_of(shaped, 3)
    assert found["mixed"] == ("spans", 2, 0.75, 0.75, 4, None)
    assert found["long"][-1] == "x" * 200
    assert found["big"][1] == pytest.approx(1)
    assert found["big"][2] == 12345678901234567890.0
    assert found["flags"][0] == "nested"
    shapes = shaped.sql("select shape from attributes where key = 'mixed' order by 1")["shape"].to_list()
    assert shapes == ["number", "spans"]


def test_keys_hold_anything(shaped: Corpus) -> None:
    assert values_of(shaped, 4) == dict.fromkeys(KEYS, ("number", 1, 1.5, 1.5, None, None))


def test_hundreds_of_keys(shaped: Corpus) -> None:
    assert values_of(shaped, 5) == {f"key_{i:03}": ("number", 1, float(i), float(i), None, None) for i in range(300)}


def test_sets_stay_apart_whatever_their_names(shaped: Corpus) -> None:
    found = shaped.sql("select attribute_set, count(*)::bigint from attribute_values where key = 'x' group by 1")
    assert dict(found.rows()) == dict.fromkeys(('my "set"', "Upper", "upper", "a.b", "x'y"), 6)


def test_spans_outside_their_text_are_counted(tmp_path: Path) -> None:
    n = len(ROWS[0]["text"])
    spans = {"past": [[0, n + 9, 1.0]], "low": [[-2, 3, 1.0]], "back": [[9, 4, 1.0]], "half": [[0.5, 2.0, 1.0]]}
    rows = [{"id": "web-0", "attributes": {**spans, "fine": [[0, n, 1.0]]}}]
    write_dolma(tmp_path / "in", {NAME: ROWS[:1]}, {"s": {NAME: rows}})
    build_corpus(tmp_path / "in", tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as corpus:
        assert corpus.facts["n_spans_outside"] == "4"
        covered = dict(corpus.sql("select key, n_covered_chars from attribute_values").rows())
    assert covered == {"past": n, "low": 3, "back": 0, "half": 2, "fine": n}


def test_columns_are_named_apart() -> None:
    paths = [("a", "b"), ("a.b",), ("a\0b",), ("A", "b"), ('a","b',)]
    assert len({Attribute("s", path, "number").column for path in paths}) == len(paths)
    assert Attribute("s", ("x",), "number").column != Attribute("s", ("x",), "spans").column


def test_keys_that_are_data_end_at_a_limit_and_are_counted() -> None:
    reader, values = SetReader("s"), Values()
    for doc in range(MAX_ATTRIBUTES + 10):
        reader.add(values, doc, {"per_domain": {f"d{doc}.example": [[0, 1, 1.0]]}, "always": 1})
    assert len(reader.attributes) == MAX_ATTRIBUTES
    assert reader.n_left_out == 11
    assert sum(1 for _, attribute, _ in values.scalars if reader.attributes[attribute].key == "always") == doc + 1


# --- tagged Parquet ----------------------------------------------------------------------------------------------

SPANS = {"a__b__c": [[0, 8, 0.5], [9, 12, 1.0]], "d": [[0, 3, 0.25]]}
_LISTS = pa.map_(pa.string(), pa.list_(pa.list_(pa.float64())))
_SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("score", pa.float64())])
_STRUCTS = pa.map_(pa.string(), pa.list_(_SPAN))
_ENTRIES = [(key, [{"start": s, "end": e, "score": x} for s, e, x in spans]) for key, spans in SPANS.items()]
FORMS: dict[str, pa.Array] = {
    "map of lists": pa.array([list(SPANS.items())], _LISTS),
    "map of structs": pa.array([_ENTRIES], _STRUCTS),
    "struct of lists": pa.array([SPANS]),
    "struct of structs": pa.array([dict(_ENTRIES)]),
    "json": pa.array([json.dumps(SPANS)]),
    "json in a dictionary": pa.array([json.dumps(SPANS)]).dictionary_encode(),
}


def tagged(tmp_path: Path, rows: int, **columns: pa.Array) -> Corpus:
    table = pa.table({"id": [f"web-{i}" for i in range(rows)], "text": [ROWS[0]["text"]] * rows, **columns})
    write_parquet(tmp_path / "in.parquet", table)
    build_corpus(tmp_path / "in.parquet", tmp_path / "ws")
    return explorer.open(tmp_path / "ws")


@pytest.mark.parametrize("form", FORMS)
def test_tagged_parquet_in_every_form_equals_an_attribute_file(tmp_path: Path, form: str) -> None:
    columns = "key, shape, n_values, first_score, max_score, n_covered_chars"
    with tagged(tmp_path, 1, attributes=FORMS[form]) as corpus:
        found = corpus.sql(f"select attribute_set, {columns} from attribute_values order by key").rows()
        assert found == [
            ("attributes", "a__b__c", "spans", 2, 0.5, 1.0, 11),
            ("attributes", "d", "spans", 1, 0.25, 0.25, 3),
        ]
        spans = {key: values for key, values in corpus.facts.items() if key.startswith("fingerprint of")}
    write_jsonl(tmp_path / "a.jsonl", [{"id": "web-0", "text": ROWS[0]["text"], "attributes": SPANS}])
    build_corpus(tmp_path / "a.jsonl", tmp_path / "ws2")
    with explorer.open(tmp_path / "ws2") as corpus:
        assert {k: v for k, v in corpus.facts.items() if k.startswith("fingerprint of")} == spans


def test_tagged_rows_without_attributes_are_missing_and_empty_ones_are_not(tmp_path: Path) -> None:
    column = pa.array([[("k", [[0.0, 8.0, 0.5]])], [], None, [("k", [])]], _LISTS)
    with tagged(tmp_path, 4, attributes=column) as corpus:
        counts = corpus.sql("select n_rows, n_present, n_missing from attribute_files").row(0)
        assert counts == (3, 3, 1)
        found = corpus.sql("select doc, n_values, first_score from attribute_values order by doc").rows()
        assert found == [(0, 1, 0.5), (3, 0, None)]


def test_tagged_parquet_with_values_that_are_no_attributes(tmp_path: Path) -> None:
    texts = [json.dumps({"k": 1}), "not json", "[1]", None]
    with tagged(tmp_path, 4, attributes=pa.array(texts)) as corpus:
        assert corpus.sql("select reason, n_rows, first_row from rejects").rows() == [("no_attributes", 2, 2)]
        assert corpus.sql("select n_present, n_missing from attribute_files").row(0) == (1, 3)


def test_tagged_parquet_with_spans_that_need_a_closer_look(tmp_path: Path) -> None:
    column = pa.array(
        [[("k", [[0.0, 8.0, float("nan")]])], [("k", [[float("nan"), 2.0, 1.0]])], [("k", [[0.0, 8.0, None]])]], _LISTS
    )
    with tagged(tmp_path, 3, attributes=column) as corpus:
        found = corpus.sql("select doc, shape, first_score, n_covered_chars from attribute_values order by doc").rows()
        assert found == [(0, "spans", None, 8), (1, "spans", 1.0, 2), (2, "nested", None, None)]
        assert corpus.facts["n_spans_outside"] == "1"


def test_flat_columns_become_the_set_columns(tmp_path: Path) -> None:
    flat = {
        "language_score": pa.array([0.5, None, 0.75]),
        "int_score": pa.array([3, None, None], pa.int8()),
        "is_good": pa.array([True, None, False]),
    }
    with tagged(tmp_path, 3, **flat) as corpus:
        found = corpus.sql("select doc, key, shape, first_score from attribute_values order by doc, key").rows()
        assert found == [
            (0, "int_score", "number", 3.0), (0, "is_good", "bool", 1.0), (0, "language_score", "number", 0.5),
            (2, "is_good", "bool", 0.0), (2, "language_score", "number", 0.75),
        ]  # fmt: skip
        assert corpus.sql("select attribute_set, n_present, n_missing from attribute_files").row(0) == ("columns", 2, 1)


def test_a_jsonl_mix_and_its_flat_fields(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "1", "text": "abcdefgh", "attributes": {"k": [[0, 4, 0.5]]}, "int_score": 3},
        {"id": "2", "text": "abcdefgh", "attributes": {}},
        {"id": "3", "text": "abcdefgh"},
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl.gz", rows)
    write_jsonl(tmp_path / "in" / "b.jsonl.gz", [{"id": "4", "text": "x", "int_score": 4}])
    build_corpus(tmp_path / "in", tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as corpus:
        found = corpus.sql(
            "select id, attribute_set, key, first_score from attribute_values join documents using (doc) order by all"
        ).rows()
        assert found == [
            ("1", "attributes", "k", 0.5),
            ("1", "columns", "int_score", 3.0),
            ("4", "columns", "int_score", 4.0),
        ]
        files = corpus.sql("select name, attribute_set, n_present, n_missing from attribute_files order by all").rows()
        assert files == [
            ("a.jsonl.gz", "attributes", 2, 1),
            ("a.jsonl.gz", "columns", 1, 2),
            ("b.jsonl.gz", "attributes", 0, 1),
            ("b.jsonl.gz", "columns", 1, 0),
        ]


def test_equal_looking_keys_and_shapes_of_one_key_are_told_apart(tmp_path: Path) -> None:
    """A literal dot is no nesting; a document has a key in one shape, and a null is a key with nothing in it."""
    rows = documents(4)
    marks: list[dict[str, Any]] = [
        {"a.b": [[0, 1, 1.0]], "a": {"b": [[0, 2, 1.0]]}, "mix": 0.5, "$x": 1},
        {"mix": None},
        {"mix": [[0, 1, 0.5]]},
        {},
    ]
    files = {"a.jsonl": [{"id": row["id"], "attributes": mark} for row, mark in zip(rows, marks, strict=True)]}
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"s": files})
    build_corpus(tmp_path / "in", tmp_path / "w")
    with explorer.open(tmp_path / "w") as corpus:
        found = corpus.show("attribute_coverage").select("key", "shape", "n_absent", "n_empty", "n_with_values").rows()
        by_source = corpus.show("attribute_coverage_by_source").select("key", "n_absent", "n_empty", "n_with_values")
    assert found == [
        ("$.a.b", "spans", 3, 0, 1),
        ('$["$x"]', "number", 3, 0, 1),
        ("a.b", "spans", 3, 0, 1),
        ("mix", "number, spans", 1, 1, 2),
    ]
    assert by_source.rows() == [(key, *counts) for key, _, *counts in found]


# --- how JSON wrote numbers --------------------------------------------------------------------------------------


def written(workspace: Path, attribute_set: str | None = None) -> dict[str, str]:
    """How the numbers of each attribute were written, by its key; attributes of which nothing is known are left out."""
    source = open_source(workspace)
    chosen = [a for name, found in source.sets.items() if name == (attribute_set or name) for a in found]
    assert source.written_as.keys() <= {a.column for found in source.sets.values() for a in found}
    return {a.key: source.written_as[a.column] for a in chosen if a.column in source.written_as}


def test_integers_and_decimals_are_told_apart(tmp_path: Path) -> None:
    """To the mixer 1 and 1.0 are not equal; an exponent or more than 64 bits make a decimal too."""
    lines = [
        b'{"int": [[0, 1, 1]], "dec": [[0, 1, 1.0]], "list": [[0, 1, 1], [1, 2, 1.0]], "docs": [[0, 1, 1]]}',
        b'{"int": [[0.0, 1.0, 2]], "dec": [[0, 1, 1e0]], "docs": [[0, 1, 0.5]], "n": 1, "x": 1E2, "mix": 1}',
        b'{"n": -3, "x": 123456789012345678901, "mix": 1.0, "int": [], "none": [], "yes": true}',
        b'{"a": {"b": {"n": 1, "x": 0.0, "s": [[0, 1, 7]]}, "odd": [1, 2.0]}, "both": 1, "to": "1", "null": null}',
        b'{"a": {"b": {"s": [[0, 1, 7], [2, 3, 7]]}}, "both": [[0, 1, 1.0]]}',
    ]
    rows = [b'{"id": "web-%d", "attributes": %s}' % item for item in enumerate(lines)]
    rows.append(b'{"id": "other", "attributes": {"int": [[0, 1, 0.5]]}}')  # of no document
    write_jsonl(tmp_path / "in" / "documents" / NAME, ROWS)
    write_lines(tmp_path / "in" / "attributes" / "s" / NAME, rows)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    source = open_source(tmp_path / "ws")
    found = {(a.key, a.shape): source.written_as.get(a.column) for a in source.sets["s"]}
    assert found == {
        ("int", "spans"): "integer",
        ("dec", "spans"): "decimal",
        ("list", "spans"): "both",
        ("docs", "spans"): "both",
        ("n", "number"): "integer",
        ("x", "number"): "decimal",
        ("mix", "number"): "both",
        ("none", "spans"): None,
        ("yes", "bool"): None,
        ("to", "text"): None,
        ("null", "nested"): None,
        ("$.a.b.n", "number"): "integer",
        ("$.a.b.x", "number"): "decimal",
        ("$.a.b.s", "spans"): "integer",
        ("$.a.odd", "nested"): None,
        ("both", "number"): "integer",
        ("both", "spans"): "decimal",
    }


def test_a_file_of_one_kind_of_number(tmp_path: Path) -> None:
    """Most files hold integers only or decimals only; and a set is not taken for the other one."""
    sets = {name: {NAME: attribute_rows(ROWS, k=[[0, 1, score]], empty=[])} for name, score in (("i", 1), ("d", 1.0))}
    write_dolma(tmp_path / "in", {NAME: ROWS}, sets)
    build_corpus(tmp_path / "in", tmp_path / "ws")
    assert (written(tmp_path / "ws", "i"), written(tmp_path / "ws", "d")) == ({"k": "integer"}, {"k": "decimal"})


def test_how_numbers_were_written_is_gathered_over_parts(tmp_path: Path) -> None:
    names = ("a.jsonl", "b.jsonl", "c.jsonl")
    marks: list[dict[str, Any]] = [{"i": 1, "d": 1.0, "x": 1}, {"i": 1, "d": 1.0, "x": 1.0}, {"i": 1, "x": 1, "c": 2}]
    rows = dict(zip(names, attribute_rows(ROWS), strict=False))
    files = {
        name: [{"id": row["id"], "attributes": mark}] for (name, row), mark in zip(rows.items(), marks, strict=True)
    }
    write_dolma(tmp_path / "in", {name: [row] for name, row in zip(names, ROWS, strict=False)}, {"s": files})
    build_corpus(tmp_path / "in", tmp_path / "ws", part_bytes=1)
    source = open_source(tmp_path / "ws")
    assert len(source.parts) == 3
    assert written(tmp_path / "ws") == {"i": "integer", "d": "decimal", "x": "both", "c": "integer"}


def test_rows_own_numbers_stay_as_json_wrote_them(tmp_path: Path) -> None:
    """Attributes inside the rows are copied into the workspace before they are read."""
    own: dict[str, Any] = {"i": [[0, 1, 1]], "d": [[0, 1, 1.0]], "n": 1, "x": 1e16, "deep": {"n": 0}}
    rows = [{"id": "1", "text": "abcd", "attributes": own, "int_score": 3, "score": 3.0}]
    write_jsonl(tmp_path / "in.jsonl", rows)
    build_corpus(tmp_path / "in.jsonl", tmp_path / "ws")
    expected = {"i": "integer", "d": "decimal", "n": "integer", "x": "decimal", "$.deep.n": "integer"}
    assert written(tmp_path / "ws", "attributes") == expected
    assert written(tmp_path / "ws", "columns") == {"int_score": "integer", "score": "decimal"}


@pytest.mark.parametrize("form", FORMS)
def test_how_numbers_were_written_is_not_known_of_parquet(tmp_path: Path, form: str) -> None:
    with tagged(tmp_path, 1, attributes=FORMS[form], int_score=pa.array([3], pa.int8()), score=pa.array([0.5])):
        assert set(open_source(tmp_path / "ws").sets) == {"attributes", "columns"}
        assert written(tmp_path / "ws") == {}


def test_the_toolkit_writes_both_kinds(mini_dolma: Path, tmp_path: Path) -> None:
    """Its deduper marks documents with integers, its taggers with decimals."""
    build_corpus(mini_dolma, tmp_path / "ws", memory=1 << 30)
    assert set(written(tmp_path / "ws", "dup_text").values()) == {"integer"}
    rules = written(tmp_path / "ws", "dolma_rules")
    assert rules["dolma_rules__gopher_v2__word_count"] == "decimal"


# --- the wide table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("widen_values", "wide_rows", "groups"),
    [
        (10**9, 10**9, [6000]),  # one piece
        (3000, 10**9, [6000]),  # several pieces make a group
        (3000, 4500, [4500, 1500]),  # and no more of them than fit
        (3000, 4499, [3000, 3000]),
        (10**9, 2500, [2500, 2500, 1000]),  # few values may make many columns
        (10**9, 1, [1024] * 5 + [880]),
    ],
)
def test_row_groups_are_gathered_from_pieces(
    tmp_path: Path, widen_values: int, wide_rows: int, groups: list[int]
) -> None:
    n = 6000
    attributes = [Attribute("s", ("a",), "number"), Attribute("s", ("b",), "text"), Attribute("s", ("c",), "bool")]
    kinds = [field.type for field in wide_schema(attributes)]
    assert kinds == [pa.int32(), pa.string(), pa.int32(), pa.float64(), pa.int32(), pa.large_string(), *kinds[2:4]]
    row_bytes = 4 * 4 + 2 * 8 + 2 * 64 + 8 / 8  # texts count as 64 bytes, and each column's nulls as a bit
    numbers = [float(doc % 7) for doc in range(n)]
    docs = [doc for doc in range(n) for _ in range(1 + doc % 2)]  # odd ones have a text as well: 9000 values
    keys = [key for doc in range(n) for key in range(1 + doc % 2)]
    nothing = [None] * len(docs)
    first = [numbers[doc] if key == 0 else None for doc, key in zip(docs, keys, strict=True)]
    text = [f"t{doc}" if key == 1 else None for doc, key in zip(docs, keys, strict=True)]
    table = pa.table([docs, keys, [1] * len(docs), first, first, nothing, text], names=VALUE_SCHEMA.names)
    with ExitStack() as stack:
        aside = Aside(stack, tmp_path / "x", VALUE_SCHEMA)
        aside.add(table.cast(VALUE_SCHEMA))
        wide_bytes = int(wide_rows * row_bytes) + 1
        n_values = write_wide(tmp_path / "w", aside, attributes, ["present"] * n, widen_values, wide_bytes)
    assert n_values == 9000
    with pq.ParquetFile(tmp_path / "w") as file:
        assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == groups
        wide = file.read().to_pydict()
    number, word, flag = (attribute.column for attribute in attributes)
    assert wide["doc"] == list(range(n))
    assert wide[f"{number}_first"] == numbers
    assert wide[f"{word}_text"] == [f"t{doc}" if doc % 2 else None for doc in range(n)]
    assert wide[f"{flag}_n"] == [None] * n
