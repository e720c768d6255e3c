"""The synthetic index of the benchmarks is shaped as a built one: schemas, receipts, manifest, and how values hang
together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.attributes import Attribute, attribute_from_json, wide_schema
from explorer.ingest.shards import shard_from_json
from explorer.workspace import Workspace, read_receipt
from tests.benchmarks.synthetic_index import synthesise
from tests.benchmarks.synthetic_keys import SETS, keys_of, mixer_filter, recipe_25
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma

N_DOCS = 3000


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("synthetic") / "w"
    return Workspace(synthesise(root, N_DOCS, 57, n_sources=4, part_docs=1000))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("built")
    rows = documents(20)
    sets = {
        name: {
            "web/a.json.gz": attribute_rows(
                rows,
                bench__one=lambda row: [[0, len(row["text"]), 0.5]],
                bench__two=lambda row: [[0, 3, 1.0], [5, 9, 1.0]],
            )
        }
        for name in SETS
    }
    write_dolma(root / "in", {"web/a.json.gz": rows}, sets)
    build_corpus(root / "in", root / "w", tokenizer="cl100k_base")
    return Workspace(root / "w")


def _shape(value: Any) -> Any:
    """Keys and types of a JSON value; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__


def _part(workspace: Workspace) -> dict[str, Any]:
    part: dict[str, Any] = workspace.read_manifest()["parts"][0]
    return part


def test_the_manifest_has_the_keys_of_a_built_one(synthetic: Workspace, built: Workspace) -> None:
    ours, theirs = synthetic.read_manifest(), built.read_manifest()
    assert ours.keys() - {"synthetic"} == theirs.keys()
    for name in ours.keys() - {"synthetic", "parts"}:
        assert _shape(ours[name]) == _shape(theirs[name]), name
    assert ours["parts"][0].keys() == theirs["parts"][0].keys()
    assert ours["parts"][0]["sets"].keys() == theirs["parts"][0]["sets"].keys()
    assert shard_from_json(ours["parts"][0]["shards"][0]).name == "documents/source-00/source-00-0000.parquet"


def test_receipts_have_the_keys_of_built_ones_and_name_the_files(synthetic: Workspace, built: Workspace) -> None:
    ours, theirs = _part(synthetic), _part(built)
    pairs = [(synthetic.documents(ours["key"]), built.documents(theirs["key"]))]
    pairs += [(synthetic.attributes(ours["sets"][name]), built.attributes(theirs["sets"][name])) for name in SETS]
    for own, other in pairs:
        receipt, reference = read_receipt(own), read_receipt(other)
        assert receipt is not None
        assert reference is not None
        left_out = {"files", "inline_sets"}  # a built one from JSON Lines also has a copy of the texts
        assert {k: _shape(v) for k, v in receipt.items() if k not in left_out} == {
            k: _shape(v) for k, v in reference.items() if k not in left_out
        }
        assert receipt.keys() == reference.keys()
        assert set(receipt["files"]) >= {own.name}


def test_files_have_the_schemas_and_the_compression_of_built_ones(synthetic: Workspace, built: Workspace) -> None:
    ours, theirs = _part(synthetic), _part(built)
    pairs = [(synthetic.documents(ours["key"]), built.documents(theirs["key"]))]
    for name in SETS:
        own, other = ours["sets"][name], theirs["sets"][name]
        pairs += [(synthetic.values(own), built.values(other)), (synthetic.spans(own), built.spans(other))]
        for workspace, key in ((synthetic, own), (built, other)):
            receipt = json.loads(workspace.attributes(key).with_suffix(".json").read_text())
            expected = wide_schema([attribute_from_json(one) for one in receipt["attributes"]])
            assert pq.read_schema(workspace.attributes(key)) == expected
    for mine, reference in pairs:
        assert pq.read_schema(mine) == pq.read_schema(reference)
        if pq.read_metadata(mine).num_rows:
            columns = [pq.read_metadata(path).row_group(0).column(0) for path in (mine, reference)]
            assert columns[0].compression == columns[1].compression


def test_parts_and_shards_add_up_to_the_documents(synthetic: Workspace) -> None:
    manifest = synthetic.read_manifest()
    assert manifest["n_docs"] == N_DOCS
    assert len(manifest["parts"]) > 1
    n_docs = 0
    for part in manifest["parts"]:
        table = pq.read_table(synthetic.documents(part["key"]), columns=["doc", "shard", "source"])
        assert table["doc"].to_pylist() == list(range(part["n_docs"]))
        sources = [shard["folder_source"] for shard in part["shards"]]
        assert table["source"].to_pylist() == [sources[shard] for shard in table["shard"].to_pylist()]
        for key in part["sets"].values():
            assert pq.read_table(synthetic.attributes(key), columns=["doc"])["doc"] == table["doc"]
        n_docs += table.num_rows
    assert n_docs == N_DOCS


def test_the_values_hang_together(synthetic: Workspace) -> None:
    """Characters of spans are those of the span file; single spans cover the text; what is absent has no score."""
    part = _part(synthetic)
    with duckdb.connect() as connection:
        for key in keys_of(57):
            own = part["sets"][key.attribute_set]
            stem = Attribute(key.attribute_set, (key.name,), "spans").column
            files = [
                str(p) for p in (synthetic.attributes(own), synthetic.documents(part["key"]), synthetic.spans(own))
            ]
            row = connection.execute(
                f"""
                with found as (select doc, n_chars, {stem}_n as n, {stem}_first as first, {stem}_chars as chars
                               from read_parquet($1) as a join read_parquet($2) as d using (doc)),
                     spans as (select doc, count(*) as n_spans, sum("end" - start) as n_covered, max("end") as last
                               from read_parquet($3) where attribute = $4 group by doc)
                select count(*) filter (where n is null and (first is not null or chars is not null)),
                       count(*) filter (where n = 0 and (first is not null or chars <> 0)),
                       count(*) filter (where n > 0 and n_spans is null and (n <> 1 or chars <> n_chars)),
                       count(*) filter (where n_spans is not null and (n <> n_spans or chars <> n_covered
                                                     or last > n_chars)),
                       count(*) filter (where n > 0)
                from found left join spans using (doc)
                """,
                [*files, stem],
            ).fetchone()
            assert row is not None
            assert row[:4] == (0, 0, 0, 0), key.name
            assert row[4] > 0 or key.coverage < 0.01, key.name


def test_the_same_arguments_make_the_same_values_and_are_not_written_twice(tmp_path: Path) -> None:
    first, second = (Workspace(synthesise(tmp_path / name, 300, 60)) for name in ("a", "b"))
    key = _part(first)["sets"]["bench"]
    tables = [pq.read_table(one.attributes(key)) for one in (first, second)]
    assert tables[0].equals(tables[1])
    assert isinstance(tables[0], pa.Table)
    written = first.manifest.stat().st_mtime_ns
    synthesise(tmp_path / "a", 300, 60)
    assert first.manifest.stat().st_mtime_ns == written
    synthesise(tmp_path / "a", 301, 60)
    assert first.read_manifest()["n_docs"] == 301


def test_the_recipe_speaks_of_attributes_that_are_there() -> None:
    known = {(key.attribute_set, key.name) for key in keys_of(57)}
    assert len(recipe_25()) == 25
    assert {(rule.attribute_set, rule.key) for rule in recipe_25()} <= known
    assert len(mixer_filter(recipe_25())["exclude"]) == 25
    with pytest.raises(ValueError, match="57 or more"):
        keys_of(56)
