"""croissant.json: the library reads it without a warning, and what the library does not check is true."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.datasheet.croissant import render_croissant
from explorer.datasheet.declared import Card, Declared
from explorer.datasheet.sheet import Sheet
from tests.card_bundle import TOML, small_sheet, write_all
from tests.corpora import document, documents, write_parquet
from tests.oracles.croissant import Croissant

SHARDS = {"web/0.parquet": documents(5), "web/1.parquet": documents(2), "books/0.parquet": documents(3, "books")}
ODD_COLUMNS = ("a b", "a|b", "<script>", 'quo"te', "new\nline", "\u202egnp", "ünï", "a-b")


def metadata(sheet: Sheet) -> dict[str, Any]:
    found = json.loads(render_croissant(sheet)["croissant.json"])
    assert isinstance(found, dict)
    return found


def record_set(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = (each for each in found["recordSet"] if each["@id"] == name)
    return dict(one)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sheet, Path]:
    root = tmp_path_factory.mktemp("croissant")
    sheet = small_sheet(root, SHARDS, TOML)
    return sheet, write_all(sheet, root)


# ---- the library


def test_the_library_has_no_complaint_and_reads_every_record_set(
    bundle: tuple[Sheet, Path], mlcroissant: Croissant
) -> None:
    sheet, folder = bundle
    found = mlcroissant.check(folder / "croissant.json")
    assert (found["errors"], found["warnings"]) == ([], [])
    assert found["records"].keys() == {"documents", "shards"}
    record = found["records"]["documents"]
    assert record["documents/id"] == "books-0"
    assert record["documents/text"].startswith("Document 0 of books.")
    assert record["documents/metadata"] == {"documents/metadata/url": "https://www.example0.org/0"}
    first = sheet.files[0]
    assert found["records"]["shards"] == {
        "shards/path": first.path,
        "shards/n_rows": first.n_rows,
        "shards/n_bytes": first.n_bytes,
        "shards/sha256": first.sha256,
    }


def test_what_is_broken_is_found(bundle: tuple[Sheet, Path], mlcroissant: Croissant) -> None:
    text = (bundle[1] / "croissant.json").read_text()
    broken = bundle[1] / "broken.json"
    broken.write_text(text.replace('"@id": "parquet-files"', '"@id": "other-files"', 1))
    assert mlcroissant.check(broken)["errors"]
    broken.write_text(text.replace('"column": "text"', '"column": "no such"'))
    assert "error" in mlcroissant.check(broken)["records"]["documents"]


def test_columns_of_every_type_and_name_are_read(tmp_path: Path, mlcroissant: Croissant) -> None:
    columns: dict[str, pa.Array] = {
        "id": pa.array(["a"]),
        "text": pa.array(["one"], pa.large_string()),
        "n": pa.array([3], pa.int16()),
        "score": pa.array([0.5], pa.float32()),
        "flag": pa.array([True]),
        "when": pa.array([0], pa.timestamp("us", "UTC")),
        "day": pa.array([0], pa.date32()),
        "tags": pa.array([["x", "y"]]),
        "meta": pa.array([{"url": "https://e.org/", "deep": {"er": 1}, "odd name": 1}]),
        "pairs": pa.array([[{"a": 1}]]),
        "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        **{name: pa.array([f"value of {name}"]) for name in ODD_COLUMNS},
    }
    write_parquet(tmp_path / "bundle" / "data" / "x.parquet", pa.table(columns))
    sheet = small_sheet(tmp_path, {}, TOML)
    folder = write_all(sheet, tmp_path)
    found = mlcroissant.check(folder / "croissant.json")
    assert (found["errors"], found["warnings"]) == ([], [])
    record = found["records"]["documents"]
    assert "error" not in record, record
    fields = record_set(metadata(sheet), "documents")["field"]
    assert {field["name"] for field in fields} == columns.keys() - {"pairs", "map"}
    by_name = {field["name"]: record[field["@id"]] for field in fields}
    for name in ODD_COLUMNS:
        assert by_name[name] == f"value of {name}"
    assert (by_name["n"], by_name["score"], by_name["flag"], by_name["tags"]) == (3, 0.5, True, ["x", "y"])
    assert by_name["meta"] == {"documents/meta/url": "https://e.org/"}  # the library reads one level
    (meta,) = (field for field in fields if field["name"] == "meta")
    assert [field["@id"] for field in meta["subField"]] == ["documents/meta/url", "documents/meta/deep"]
    assert meta["subField"][1]["subField"][0]["source"]["transform"] == {"jsonPath": "deep.er"}
    assert by_name["when"].startswith("1970-01-01")
    assert '"pairs", "map"' in record_set(metadata(sheet), "documents")["description"]


def test_json_lines_are_read_where_the_library_can(tmp_path: Path, mlcroissant: Croissant) -> None:
    rows = [document(n, date="2020-01-01", score=0.5, odd=[1]) for n in range(3)]
    shards = {"a/0.jsonl": rows, "a/1.jsonl.gz": [*rows, {"text": "x", "id": "y", "score": 1}], "a/2.jsonl.zst": rows}
    sheet = small_sheet(tmp_path, {**shards, "a/3.parquet": documents(2)}, TOML)
    found = mlcroissant.check(write_all(sheet, tmp_path) / "croissant.json")
    assert (found["errors"], found["warnings"]) == ([], [])
    assert found["records"].keys() == {"documents-jsonl", "documents-parquet", "shards"}
    assert found["records"]["documents-parquet"]["documents-parquet/id"] == "web-0"
    data = metadata(sheet)
    one = record_set(data, "documents-jsonl")
    kinds = {field["name"]: field["dataType"] for field in one["field"]}
    texts = dict.fromkeys(("id", "source", "text", "created"), "sc:Text")
    assert kinds == {**texts, "score": "sc:Float"}
    assert '"date", "odd"' in one["description"]  # one is read as a date, the other is nested
    assert '"metadata"' in one["description"]
    assert [entry["value"] for entry in one["annotation"]] == [7]
    assert [each["@id"] for each in data["distribution"]] == [
        "parquet-files",
        "jsonl-zst-files",
        "jsonl-files",
        "shards.csv",
    ]


def test_many_files_and_hostile_folders_are_found(tmp_path: Path, mlcroissant: Croissant) -> None:
    names = ("a|b", "*?[z]", "two\nlines", "\u202egnp", "<b>")
    shards = {f"{name}/{n}.parquet": documents(1 + n, name) for name in names for n in range(5)}
    sheet = small_sheet(tmp_path, shards, TOML)
    folder = write_all(sheet, tmp_path)
    found = mlcroissant.check(folder / "croissant.json")
    assert (found["errors"], found["warnings"]) == ([], [])
    assert found["records"]["documents"]["documents/text"]
    assert len(metadata(sheet)["distribution"][0]["includes"]) == len(names)
    assert (folder / "croissant.json").read_text().isascii()


def test_without_data_the_shards_are_all_there_is(tmp_path: Path, mlcroissant: Croissant) -> None:
    sheet = small_sheet(tmp_path, SHARDS, TOML, with_data=False)
    found = mlcroissant.check(write_all(sheet, tmp_path) / "croissant.json")
    assert (found["errors"], found["warnings"]) == ([], [])
    assert found["records"].keys() == {"shards"}
    assert found["records"]["shards"]["shards/path"] == "books/0.parquet"


def test_what_is_not_declared_is_left_out(tmp_path: Path, mlcroissant: Croissant) -> None:
    sheet = small_sheet(tmp_path, SHARDS)
    data = metadata(sheet)
    assert not data.keys() & {
        "license",
        "creator",
        "datePublished",
        "version",
        "citeAs",
        "url",
        "description",
        "funder",
    }
    assert not {key for key in data if key.startswith("rai:")} & {"rai:dataLimitations", "rai:dataUseCases"}
    found = mlcroissant.check(write_all(sheet, tmp_path) / "croissant.json")
    assert found["errors"] == []
    assert len(found["warnings"]) == 4
    for name in ("citeAs", "datePublished", "license", "version"):
        assert sum(name in warning for warning in found["warnings"]) == 1


# ---- what the library does not check


def columns_of(field: dict[str, Any]) -> list[str]:
    if "subField" in field:
        return [column for inner in field["subField"] for column in columns_of(inner)]
    return [str(field["source"]["extract"]["column"])]


def test_columns_rows_and_hashes_are_true(bundle: tuple[Sheet, Path]) -> None:
    sheet, folder = bundle
    data = metadata(sheet)
    shards = (folder / "shards.csv").read_bytes()
    (listed,) = (each for each in data["distribution"] if each["@id"] == "shards.csv")
    assert listed["sha256"] == hashlib.sha256(shards).hexdigest()
    assert listed["contentSize"] == f"{len(shards)} B"
    rows = list(csv.DictReader(io.StringIO(shards.decode())))
    assert [row["path"] for row in rows] == ["data/books/0.parquet", "data/web/0.parquet", "data/web/1.parquet"]
    wanted = {column for field in record_set(data, "documents")["field"] for column in columns_of(field)}
    for row in rows:
        content = (folder / row["path"]).read_bytes()
        file = pq.ParquetFile(io.BytesIO(content))
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert (int(row["n_bytes"]), int(row["n_rows"])) == (len(content), file.metadata.num_rows)
        assert wanted == set(file.schema_arrow.names)
    (count,) = record_set(data, "documents")["annotation"]
    assert (count["value"], count["dataType"]) == (10, "http://www.wikidata.org/entity/Q4049983")
    assert record_set(data, "shards")["field"][0]["source"]["extract"]["column"] == "path"


def test_it_says_what_is_declared_and_measured(bundle: tuple[Sheet, Path]) -> None:
    data = metadata(bundle[0])
    assert data["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    assert data["license"] == "https://spdx.org/licenses/ODC-By-1.0.html"
    assert (data["version"], data["datePublished"]) == ("1.2.0", "2026-01-15")
    assert data["rai:dataCollectionType"] == ["Secondary Data Analysis", "Web Scraping"]
    assert data["rai:dataCollectionTimeframe"] == ["2019-01", "2020-03"]
    assert data["rai:dataBiases"][0] == "It is made up."
    assert any(line.startswith("Sources: web holds ") for line in data["rai:dataBiases"])
    assert data["rai:personalSensitiveInformation"] == ["There is none."]
    assert data["rai:dataUseCases"] == ["Tests.", "To be kept away from: Everything else."]
    assert "web: https://example.org/web; own crawl (7 documents)." in data["rai:dataCollection"]
    assert "0.00 % have no URL" in data["rai:dataCollectionMissingData"]
    places = [{"@id": "https://example.org/books"}, {"@id": "https://example.org/web"}]
    assert data["prov:wasDerivedFrom"] == places
    assert bundle[0].facts["fingerprint"] in data["prov:wasGeneratedBy"]["description"]


def test_rules_and_attributes_are_told(tmp_path: Path) -> None:
    recipe = tmp_path / "rules.toml"
    recipe.write_text('title = "Rules"\nattributes = []\n\n[[rules]]\nname = "short"\nexclude = "n_words < 3"\n')
    rows = [document(0, text="Write to me@example.org, please."), document(1, text="Short.")]
    tag = ["pii_regex_with_counts_fast_v2"]
    sheet = small_sheet(tmp_path, {"0.jsonl": rows}, TOML, recipes=[str(recipe)], tag=tag)
    data = metadata(sheet)
    assert data["rai:dataPreprocessingProtocol"][0] == (
        "Recipe rules, rule short: would remove 50.00 % of the documents alone, 1 that no other rule removes."
    )
    assert data["rai:machineAnnotationTools"] == tag
    (rate,) = (line for line in data["rai:personalSensitiveInformation"] if "EMAIL" in line)
    assert rate == "tags, EMAIL_ADDRESS: 1 places in 1 documents (50.00 %), as patterns find them."


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("1", "1.0.0"),
        ("1.2", "1.2.0"),
        ("1.2.3", "1.2.3"),
        ("1.2.3-rc.1", "1.2.3-rc.1"),
        ("v1", None),
        ("2026-01", None),
    ],
)
def test_a_version_has_three_numbers_or_is_left_out(
    bundle: tuple[Sheet, Path], declared: str, written: str | None
) -> None:
    config = dataclasses.replace(bundle[0].config, version=declared)
    assert metadata(dataclasses.replace(bundle[0], config=config)).get("version") == written


@pytest.mark.parametrize(
    ("licence", "link", "written"),
    [
        ("cc-by-4.0", "https://x.org/", "https://spdx.org/licenses/CC-BY-4.0.html"),
        ("ours", "https://x.org/", "https://x.org/"),
        ("ours", "", "ours"),
    ],
)
def test_a_licence_is_an_address_where_there_is_one(
    bundle: tuple[Sheet, Path], licence: str, link: str, written: str
) -> None:
    config = dataclasses.replace(bundle[0].config, licence=licence)
    declared = Declared(card=Card(licence_link=link))
    assert metadata(dataclasses.replace(bundle[0], config=config, declared=declared))["license"] == written


def test_addresses_that_are_none_are_no_origins(tmp_path: Path) -> None:
    # an origin is any text; what is declared as an address is checked when it is read
    toml = TOML.replace('"https://example.org/web"', '"javascript:alert(1)"').replace(
        'url = "https://example.org/books"', 'origin = "https://e.org/ <b>"'
    )
    assert "prov:wasDerivedFrom" not in metadata(small_sheet(tmp_path, SHARDS, toml))


def test_the_same_sheet_gives_the_same_bytes(bundle: tuple[Sheet, Path]) -> None:
    assert render_croissant(bundle[0]) == render_croissant(dataclasses.replace(bundle[0]))
