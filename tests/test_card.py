"""The dataset card: what libraries read of it, what people read of it, and that neither is deceived."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.config import CorpusConfig
from explorer.datasheet.card_measured import MAX_SOURCES
from explorer.datasheet.card_parts import bars, prose, rough, size
from explorer.datasheet.charts import render_charts
from explorer.datasheet.columns import parse_type
from explorer.datasheet.croissant import render_croissant
from explorer.datasheet.data_files import data_files, data_warning
from explorer.datasheet.declared import Declared
from explorer.datasheet.front_matter import MAX_SOURCES as MAX_CONFIGURED
from explorer.datasheet.front_matter import card_fields, card_languages, features, obstacles, patterns
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.datasheet.vocabulary import SIZE_CATEGORIES, hub_licence, language_code, size_category, spdx_licence
from explorer.errors import InputError, UsageError
from tests.card_bundle import TOML, readme, render_all, small_sheet, write_all, write_shards, yaml_of
from tests.corpora import document, documents, write_bytes, write_jsonl, write_parquet
from tests.generate import ODD_SOURCE
from tests.oracles.hf_datasets import HfDatasets

HOSTILE = ("a|b", "<script>alert(1)", "two\nlines", "`tick`", "quo\"te'd", "\u202egnp.exe", "[x](y)", "*?[z]", "a #% b")


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    """Two sources in Parquet, in a folder each, with everything declared."""
    shards = {"web/0.parquet": documents(5), "books/0.parquet": documents(3, "books")}
    return small_sheet(tmp_path_factory.mktemp("card"), shards, TOML)


# ---- closed lists


@pytest.mark.parametrize(
    ("n_rows", "category"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (9_999, "1K<n<10K"),
        (10_000, "10K<n<100K"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_size_categories_at_their_borders(n_rows: int, category: str) -> None:
    assert size_category(n_rows) == category


def test_every_border_begins_the_next_size_category() -> None:
    names = [name for _, name in SIZE_CATEGORIES] + ["n>1T"]
    for (border, name), following in zip(SIZE_CATEGORIES, names[1:], strict=True):
        assert (size_category(border - 1), size_category(border)) == (name, following)


def test_the_lists_are_those_of_the_library(hf_datasets: HfDatasets) -> None:
    lists = hf_datasets.resources()
    assert [name for _, name in SIZE_CATEGORIES] + ["n>1T"] == [n for n in lists["size_categories"] if n != "unknown"]
    short = [code for code in lists["languages"] if len(code) == 2]
    assert len(short) > 150
    assert [code for code in short if not language_code(code)] == []
    assert {"machine-generated", "no-annotation"} <= set(lists["creators"])


@pytest.mark.parametrize(
    ("declared", "hub", "spdx"),
    [
        ("ODC-By-1.0", "odc-by", "ODC-By-1.0"),
        ("odc-by", "odc-by", "ODC-By-1.0"),
        (" cc-by-sa-4.0 ", "cc-by-sa-4.0", "CC-BY-SA-4.0"),
        ("GPL-3.0-or-later", "gpl-3.0", "GPL-3.0-or-later"),
        ("gpl-3.0", "gpl-3.0", "GPL-3.0"),
        ("gfdl", "gfdl", ""),  # a family
        ("0BSD", "", "0BSD"),
        ("other", "", ""),
        ("public domain", "", ""),
        ("", "", ""),
    ],
)
def test_licences_are_known_by_both_their_names(declared: str, hub: str, spdx: str) -> None:
    assert (hub_licence(declared), spdx_licence(declared)) == (hub, spdx)


@pytest.mark.parametrize(
    ("label", "code"),
    [("en", "en"), ("EN-us", "en"), ("eng_Latn", "eng"), ("zh-Hant", "zh"), ("yue", "yue"), ("und", ""), ("x|y", "")],
)
def test_a_label_begins_with_a_code_of_a_language_or_is_none(label: str, code: str) -> None:
    assert language_code(label) == code


def test_an_unknown_licence_is_named_as_other() -> None:
    def licence(declared: str = "") -> dict[str, Any]:
        config = CorpusConfig(licence=declared)
        totals = {"columns": [{"name": "n_docs"}], "rows": [[1]]}
        return card_fields(dataclasses.replace(EMPTY, config=config, stats={"statistics": {"totals": totals}}))

    assert licence("mit")["license"] == "mit"
    assert "license" not in licence()
    found = licence("ours\n---\nlicense: mit")
    assert found["license"] == "other"
    assert found["license_name"] == "ours\\n---\\nlicense: mit"
    assert licence("0bsd")["license_name"] == "0BSD"


EMPTY = Sheet({"statistics": {}, "corpus": {}}, CorpusConfig(), Declared())


# ---- the front matter


def test_the_front_matter_says_what_is_measured_and_declared(sheet: Sheet) -> None:
    fields = yaml_of(readme(sheet))
    columns = fields["dataset_info"][0].pop("features")
    assert [column["name"] for column in columns] == ["id", "source", "text", "created", "metadata"]
    assert columns[-1]["struct"] == [{"name": "url", "dtype": "string"}]
    n_bytes = {row["source"]: row["n_bytes"] for row in sheet.rows("composition")}
    sizes = {file.path: file.n_bytes for file in sheet.files}
    web, books = "data/web/0.parquet", "data/books/0.parquet"
    assert fields["dataset_info"][0] == {
        "config_name": "default",
        "splits": [{"name": "train", "num_bytes": sum(n_bytes.values()), "num_examples": 8}],
        "download_size": sizes[web] + sizes[books],
        "dataset_size": sum(n_bytes.values()),
    }
    assert [(info["config_name"], info["splits"][0]["num_examples"]) for info in fields["dataset_info"][1:]] == [
        ("web", 5),
        ("books", 3),
    ]
    assert fields["configs"] == [
        {"config_name": "default", "default": True, "data_files": [{"split": "train", "path": [books, web]}]},
        {"config_name": "web", "data_files": [{"split": "train", "path": [web]}]},
        {"config_name": "books", "data_files": [{"split": "train", "path": [books]}]},
    ]
    rest = {key: value for key, value in fields.items() if key not in ("configs", "dataset_info")}
    assert rest == {
        "license": "odc-by",
        "size_categories": ["n<1K"],
        "task_categories": ["text-generation"],
        "task_ids": ["language-modeling"],
        "annotations_creators": ["no-annotation"],
        "pretty_name": "A small corpus",
        "tags": ["text", "datasheet", "mlcroissant"],
    }


def test_languages_are_codes_without_what_is_rare(tmp_path: Path) -> None:
    labels = ["de"] * 500 + ["en-US"] * 400 + ["en"] * 200 + ["none", "und", "x|y"] * 9 + ["fr"]
    rows = [document(n, metadata={"language": label}) for n, label in enumerate(labels)]
    found = small_sheet(tmp_path, {"a.jsonl": rows}, duplicates=False)
    assert card_languages(found) == ["en", "de"]
    assert yaml_of(readme(found))["multilinguality"] == ["multilingual"]


@pytest.mark.parametrize(
    "shards",
    [
        {"0.jsonl": documents(3) + documents(2, "books")},  # no folders
        {"web/0.jsonl": documents(3), "books/0.jsonl": [*documents(2, "books"), document(9)]},  # a stray document
        {"web/0.jsonl": documents(3), "1.jsonl": documents(2, "books")},  # one without a folder
        {"web/books/0.jsonl": documents(3), "books/web/0.jsonl": documents(2, "books")},  # two names in one path
    ],
)
def test_no_source_has_a_configuration_where_files_do_not_tell_it(tmp_path: Path, shards: dict[str, Any]) -> None:
    fields = yaml_of(readme(small_sheet(tmp_path, shards)))
    assert [config["config_name"] for config in fields["configs"]] == ["default"]


def test_of_two_formats_the_larger_is_loaded(tmp_path: Path, hf_datasets: HfDatasets) -> None:
    shards = {"web/0.jsonl": documents(2), "web/1.parquet": documents(3), "books/1.parquet": documents(4, "books")}
    found = small_sheet(tmp_path, shards)
    loaded = hf_datasets.load(write_all(found, tmp_path))
    assert {name: config["splits"] for name, config in loaded["configs"].items()} == {"default": {"train": 7}}
    assert loaded["warnings"] == []
    assert "These are 2 of the 3 files" in readme(found)


def test_sources_whose_names_fall_together_keep_apart(tmp_path: Path) -> None:
    names = ("default", "a|b", "a?b", "A_b", "???")
    found = small_sheet(tmp_path, {f"{n}/0.jsonl": documents(2, n) for n in names})
    configs = [config["config_name"] for config in yaml_of(readme(found))["configs"]]
    assert configs[0] == "default"
    assert {"default-2", "source"} <= set(configs)
    assert len({name.lower() for name in configs}) == 6
    assert all(re.fullmatch(r"[\w.-]+", name) for name in configs)


def test_many_sources_and_columns_do_not_make_long_front_matter() -> None:
    names = [f"source-{n:03}" for n in range(150)]
    columns = tuple((f"column{n}", "string") for n in range(40))
    files = tuple(data_file(f"data/{name}/0.parquet", columns=columns) for name in names)
    rows = {
        "totals": (["n_docs", "n_bytes"], [[150, 300]]),
        "composition": (["source", "n_docs", "n_bytes"], [[name, 1, 2] for name in names]),
    }
    stats = {name: {"columns": [{"name": one} for one in keys], "rows": its} for name, (keys, its) in rows.items()}
    fields = card_fields(dataclasses.replace(EMPTY, stats={"statistics": stats}, files=files))
    assert len(fields["configs"]) == 1 + MAX_CONFIGURED
    assert [len(info.get("features", ())) for info in fields["dataset_info"]] == [40] + [0] * MAX_CONFIGURED
    few = card_fields(dataclasses.replace(EMPTY, stats={"statistics": stats}, files=files[:1]))
    assert len(few["configs"]) == 1


def data_file(path: str, **fields: Any) -> DataFile:
    return DataFile(**{"path": path, "n_bytes": 1, "n_rows": 1, "sha256": "", "columns": (), **fields})


def test_patterns_stand_for_many_files_of_a_folder() -> None:
    many = [data_file(f"data/w[e]b/{n}.jsonl.gz") for n in range(4)]
    assert patterns([*many, data_file("data/w[e]b/x.parquet")]) == ["data/w[[]e]b/*.jsonl.gz", "data/w[[]e]b/x.parquet"]
    assert patterns([data_file(f"{n}.parquet") for n in range(4)]) == ["*.parquet"]
    # stats.json lies there, too
    assert patterns([data_file(f"{n}.json") for n in range(4)]) == [f"{n}.json" for n in range(4)]


# ---- types


TYPES = (
    pa.string(), pa.large_string(), pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(),
    pa.null(), pa.date32(), pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ms"), pa.decimal128(10, 2), pa.binary(),
    pa.list_(pa.int64()), pa.large_list(pa.string()), pa.list_(pa.list_(pa.string())),
    pa.struct([("url", pa.string()), ("scores", pa.list_(pa.float64()))]), pa.list_(pa.struct([("a", pa.int8())])),
    pa.struct([pa.field("a", pa.int64(), nullable=False), pa.field("b c", pa.struct([("d", pa.bool_())]))]),
)  # fmt: skip


def test_types_are_written_as_the_library_writes_them(tmp_path: Path, hf_datasets: HfDatasets) -> None:
    table = pa.schema([(f"c{n}", kind) for n, kind in enumerate(TYPES)]).empty_table()
    pq.write_table(table, tmp_path / "types.parquet")
    (file,) = data_files(tmp_path, tmp_path / "types.parquet")
    assert features([file]) == hf_datasets.features(tmp_path / "types.parquet")


@pytest.mark.parametrize(
    "kind",
    [
        pa.map_(pa.string(), pa.int64()),
        pa.dictionary(pa.int32(), pa.string()),
        pa.struct([]),
        pa.list_(pa.int64(), 3),
    ],
)
def test_types_that_cannot_be_said_leave_all_features_out(kind: pa.DataType) -> None:
    assert parse_type(str(kind)) is None
    assert features([data_file("x.parquet", columns=(("text", "string"), ("odd", str(kind))))]) == []


def test_names_inside_a_structure_that_deceive_are_not_read(tmp_path: Path) -> None:
    odd = pa.struct([("a: int64, b", pa.string())])
    assert str(odd) == str(pa.struct([("a", pa.int64()), ("b", pa.string())]))
    schema = pa.schema([("one", odd), ("two", pa.list_(pa.struct([("x", odd)]))), ("three", pa.string())])
    pq.write_table(schema.empty_table(), tmp_path / "x.parquet")
    (file,) = data_files(tmp_path, tmp_path / "x.parquet")
    assert file.columns == (("one", "struct"), ("two", "list"), ("three", "string"))
    assert features([file]) == []


def test_files_of_other_columns_leave_the_features_out() -> None:
    files = [data_file(f"{n}.parquet", columns=(("text", "string"), (n, "int64"))) for n in ("a", "b")]
    assert features(files) == []
    assert features(files[:1]) != []


# ---- the library loads the folder


def test_the_library_loads_the_folder_and_counts_the_same_rows(tmp_path: Path, hf_datasets: HfDatasets) -> None:
    names = [name for name in HOSTILE if name != "a #% b"]
    shards = {f"{name}/{n}.{end}": documents(n + 2, name) for name in names for n, end in enumerate(ENDS)}
    found = small_sheet(tmp_path, shards)
    folder = write_all(found, tmp_path)
    fields = yaml_of((folder / "README.md").read_text())
    loaded = hf_datasets.load(folder)
    expected = {i["config_name"]: {"train": i["splits"][0]["num_examples"]} for i in fields["dataset_info"]}
    assert {name: config.get("splits", config) for name, config in loaded["configs"].items()} == expected
    assert len(expected) == 1 + len(names)
    assert expected["default"] == {"train": sum(file.n_rows for file in found.files)}
    assert loaded["default"] == "default"
    assert loaded["warnings"] == []


ENDS = ("parquet", "parquet")


def test_json_lines_of_all_compressions_are_loaded(tmp_path: Path, hf_datasets: HfDatasets) -> None:
    shards = {f"web/{n}.{end}": documents(n + 2) for n, end in enumerate(("jsonl", "json.gz", "jsonl.gz", "ndjson"))}
    folder = write_all(small_sheet(tmp_path, shards), tmp_path)
    loaded = hf_datasets.load(folder)
    assert loaded["configs"]["default"]["splits"] == {"train": 2 + 3 + 4 + 5}
    assert loaded["warnings"] == []


def test_a_wrong_number_of_examples_fails(tmp_path: Path, sheet: Sheet, hf_datasets: HfDatasets) -> None:
    shards = {"web/0.parquet": documents(5), "books/0.parquet": documents(3, "books")}
    write_shards(tmp_path / "bundle" / "data", shards)
    folder = write_all(sheet, tmp_path)
    loaded = hf_datasets.load(folder)["configs"]
    assert [config["splits"]["train"] for config in loaded.values()] == [8, 5, 3]
    assert loaded["default"]["columns"]["train"] == ["id", "source", "text", "created", "metadata"]
    text = (folder / "README.md").read_text()
    assert text.count("num_examples: 5") == 1
    (folder / "README.md").write_text(text.replace("num_examples: 5", "num_examples: 6"))
    loaded = hf_datasets.load(folder)["configs"]
    assert "NonMatchingSplitsSizesError" in loaded["web"]["error"]
    assert "error" not in loaded["default"]


# ---- data files


def test_data_files_say_what_is_in_them(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "a", "n": 1, "meta": {"x": 1}, "ok": None},
        {"text": "b", "n": 1.5, "ok": True, "mixed": 1},
        {"text": "c", "mixed": "one"},
    ]
    path = write_jsonl(tmp_path / "data" / "x.jsonl.gz", rows)
    with_blank = write_bytes(tmp_path / "data" / "y.jsonl", b'{"text": "a"}\n\n  \n{broken\n{"text": "b"}')
    write_parquet(tmp_path / "data" / "z.parquet", documents(4))
    found = {file.path: file for file in data_files(tmp_path, tmp_path / "data")}
    assert list(found) == ["data/x.jsonl.gz", "data/y.jsonl", "data/z.parquet"]
    one = found["data/x.jsonl.gz"]
    assert (one.n_rows, one.n_bytes) == (3, path.stat().st_size)
    kinds = {"text": "string", "n": "double", "meta": "json", "ok": "bool", "mixed": "json"}
    assert dict(one.columns) == kinds
    assert (found["data/y.jsonl"].n_rows, found["data/y.jsonl"].n_bytes) == (3, with_blank.stat().st_size)
    assert found["data/z.parquet"].n_rows == 4
    assert ("text", "string") in found["data/z.parquet"].columns


def test_rows_with_a_field_each_are_no_table(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "x.jsonl", [{"text": "a", f"key{n}": n} for n in range(1100)])
    (file,) = data_files(tmp_path, tmp_path / "x.jsonl")
    assert (file.n_rows, file.columns) == (1100, ())


def test_files_outside_the_bundle_are_refused(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "elsewhere" / "x.jsonl", documents(1))
    with pytest.raises(UsageError, match=r"x\.jsonl lies outside .*bundle.*move the shards below"):
        data_files(tmp_path / "bundle", tmp_path / "elsewhere")


def test_files_below_the_bundle_through_a_link_have_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jsonl(tmp_path / "elsewhere" / "x.jsonl", documents(1))
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "data").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "other").symlink_to(tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    for bundle, data in (("bundle", "bundle/data"), ("./bundle", "bundle/../bundle/data"), ("other", "bundle/data")):
        if bundle == "other":
            (tmp_path / "bundle" / "data").unlink()
            shutil.move(tmp_path / "elsewhere", tmp_path / "bundle" / "data")
        assert [file.path for file in data_files(Path(bundle), Path(data))] == ["data/x.jsonl"]


def test_the_bundles_own_files_are_no_data(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "x.json", documents(1))
    for name in ("stats.json", "stats.schema.json", "croissant.json", "eu/public_summary.json"):
        write_bytes(tmp_path / name, b"{}")
    assert [file.path for file in data_files(tmp_path, tmp_path)] == ["x.json"]
    (tmp_path / "x.json").unlink()
    with pytest.raises(InputError, match="holds no shard"):
        data_files(tmp_path, tmp_path)


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.parquet", "x.jsonl.zst"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    path = write_bytes(tmp_path / "full.jsonl.gz", b'{"text": "a"}\n' * 100)
    (tmp_path / name).write_bytes(path.read_bytes()[:40])
    path.unlink()
    with pytest.raises(InputError, match=rf"{re.escape(name)}: cannot be read"):
        data_files(tmp_path, tmp_path)


def test_without_data_the_files_that_were_read_are_listed(tmp_path: Path) -> None:
    found = small_sheet(
        tmp_path, {"web/0.jsonl": documents(3), "books/0.jsonl": documents(2, "books")}, with_data=False
    )
    text = readme(found)
    fields = yaml_of(text)
    assert "configs" not in fields
    assert "dataset_info" not in fields
    assert "do not lie beside this card" in text
    rows = list(csv.DictReader(io.StringIO(render_croissant(found)["shards.csv"])))
    assert [(row["path"], row["n_rows"], row["n_docs"]) for row in rows] == [
        ("books/0.jsonl", "2", "2"),
        ("web/0.jsonl", "3", "3"),
    ]
    assert all(re.fullmatch("[0-9a-f]{32}", row["fingerprint"]) for row in rows)


def test_rows_that_are_no_documents_are_told(tmp_path: Path) -> None:
    found = small_sheet(tmp_path, {"0.jsonl": [*documents(3), {"id": "x"}]})
    assert "of 3 documents, not of as many rows" in readme(found)
    said = data_warning(found)
    assert said.startswith("The data files have 4 rows, but the numbers are of 3 documents")
    assert f"## At a glance\n\n> **Warning.** {said}" in readme(found)
    assert data_warning(dataclasses.replace(found, files=())) == ""
    assert yaml_of(readme(found))["dataset_info"][0]["splits"][0]["num_examples"] == 4
    whole = small_sheet(tmp_path / "b", {"0.jsonl": documents(3)})
    assert data_warning(whole) == ""
    assert not re.search(r"not of as many rows|\*\*Warning", readme(whole))


# ---- the page


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def tables(text: str) -> list[list[str]]:
    """The tables of some Markdown, outside of code."""
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", outside, flags=re.MULTILINE)]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    names = (*HOSTILE, ODD_SOURCE, "<img src=x onerror=alert(1)>", "a\r\n---\n# b", "![x](http://evil.example/)")
    rows = [
        document(n, name, metadata={"url": f"https://e.org/{n}", "license": name, "language": name})
        for n, name in enumerate(names)
    ]
    toml = TOML.replace('"A small corpus"', '"<b> | `x` \\u202e"').replace(
        '"It is small."', '"# one\\n\\n- two\\n\\n1. 3"'
    )
    found = small_sheet(tmp_path, {"0.jsonl": rows}, toml)
    text = readme(found)
    for place in ("<script", "<img", "<b>", "\u202e", "\r"):
        assert place not in text.partition("\n---\n")[2], place
    assert all(link.startswith("charts/") for link in re.findall(r"(?<!\\)\]\((.*?)\)", text))
    assert len([line for line in text.splitlines() if line.startswith("# ")]) == 1
    assert len(tables(text)) > 5
    for lines in tables(text):
        assert len({cells(line) for line in lines}) == 1, lines
    assert "\\# one\n\n\\- two\n\n1\\. 3" in text
    assert yaml_of(text)["pretty_name"] == "<b> | `x` \\u202e"


def test_sections_stand_in_their_order(sheet: Sheet) -> None:
    titles = re.findall(r"^## (.*)$", readme(sheet), flags=re.MULTILINE)
    assert titles == [
        "Alerts", "At a glance", "Composition by source", "Languages", "Domains", "Lengths", "Duplicates and overlap",
        "Impact of filters", "Time", "Attributes", "Personal data", "Columns", "How to load it", "What its makers say",
        "Licence, removal, citation", "How this card was made",
    ]  # fmt: skip


def test_what_is_declared_stands_there_and_what_is_not_is_missing(sheet: Sheet, tmp_path: Path) -> None:
    text = readme(sheet)
    for said in ("A small corpus", "takedown&#64;example.org", "It is made up.", "@misc{small, title={Small}}"):
        assert said in text
    assert "| web | 5 |" in text
    assert "own crawl | https&#58;//example.org/web | 2019-01 to 2020-03 |" in text
    assert "No licence is declared for books." in text
    assert "Not declared in corpus.toml: `card.funders`, `card.contact`." in text
    bare = readme(small_sheet(tmp_path, {"0.jsonl": documents(2)}))
    assert "`corpus.licence`" in bare
    assert "`card.takedown`" in bare
    assert bare.count("*Not declared.*") >= 10
    assert "None" not in bare.replace("None.", "").replace("None:", "")


def test_every_number_has_its_statistic(sheet: Sheet) -> None:
    text = readme(sheet)
    named = {
        name for line in re.findall(r"^Statistics: .*$", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
    }
    assert len(named) > 10
    made = text.partition("## How this card was made")[2]
    for name in named:
        row = next(line for line in made.splitlines() if line.startswith(f"| {name} |"))
        assert str(sheet.entry(name)["sql_hash"]) in row
    error = sheet.entry("length_quantiles")["error"]
    assert text.count(error) >= 2  # beside the numbers, too
    assert "`length_quantiles` (estimated)" in text


def test_charts_that_are_shown_are_rendered(sheet: Sheet) -> None:
    shown = re.findall(r"\]\((charts/.*?)\)", readme(sheet))
    assert "charts/composition.png" in shown
    assert set(shown) <= render_charts(sheet).keys()


def test_the_code_of_the_card_runs(sheet: Sheet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = {"web/0.parquet": documents(5), "books/0.parquet": documents(3, "books")}
    write_shards(tmp_path / "bundle" / "data", shards)
    monkeypatch.chdir(tmp_path / "bundle")
    blocks = re.findall(r"^```python\n(.*?)^```", readme(sheet), flags=re.DOTALL | re.MULTILINE)
    counted = []
    for block in blocks:
        names: dict[str, Any] = {}
        if block.startswith(("import duckdb", "import polars")):
            exec(block, names)
            rows = names["documents"]
            counted.append(rows.collect().height if "polars" in block else len(rows.arrow().read_all()))
    assert counted == [8, 8]


def test_the_order_of_the_shards_changes_nothing(tmp_path: Path) -> None:
    rows = [*documents(40), *documents(30, "books"), *documents(7)]
    cuts = {"one": {"0.jsonl": rows}, "two": {"0.jsonl": rows[50:], "1.parquet": rows[:50][::-1]}}
    first, second = (
        readme(small_sheet(tmp_path / name, shards, TOML, with_data=False)) for name, shards in cuts.items()
    )
    assert first == second


def test_the_same_sheet_gives_the_same_bytes(sheet: Sheet) -> None:
    assert render_all(sheet) == render_all(dataclasses.replace(sheet))


def test_a_corpus_without_documents_has_a_card(tmp_path: Path) -> None:
    found = small_sheet(tmp_path, {"0.jsonl": [{"text": ""}]})
    assert "| Documents | 1 |" in readme(found)


def test_many_sources_do_not_make_a_long_card(tmp_path: Path) -> None:
    found = small_sheet(tmp_path, {"0.jsonl": [document(n, f"source-{n}") for n in range(300)]})
    text = readme(found)
    assert len(text) < 60_000
    assert f"({300 - MAX_SOURCES} other sources) | {300 - MAX_SOURCES} |" in text


# ---- parts


def test_bars_are_as_long_as_their_counts() -> None:
    assert bars([("a", 8), ("bb", 4), ("c", 0)], width=4) == "```text\n a  8  ████\nbb  4  ██\n c  0\n```"
    assert bars([("a", 1), ("b", 1000)], width=2).splitlines()[1].endswith("▏")
    assert bars([]) == ""


def test_numbers_in_few_characters() -> None:
    assert [size(n) for n in (0, 999, 1000, 62_831_808, 999_950_000, 10**16)] == [
        "0 bytes", "999 bytes", "1.0 kB", "62.8 MB", "1.0 GB", "10.0 PB",
    ]  # fmt: skip
    assert [rough(n) for n in (0, 999_999, 15_154_415, 2 * 10**12)] == [
        "0", "999,999", "15.2 million", "2.0 trillion",
    ]  # fmt: skip


def test_prose_opens_no_block() -> None:
    assert (
        prose("# a\nb\n\n---\n\n12) c\n\n+ d\n\n=\n\n1990 was")
        == "\\# a b\n\n\\---\n\n12\\) c\n\n\\+ d\n\n\\=\n\n1990 was"
    )


# ---- what the library cannot load

MAPPED = pa.struct([("set", pa.map_(pa.string(), pa.list_(pa.struct([("start", pa.int64())]))))])


def mapped(names: list[str]) -> pa.Table:
    columns = {"id": names, "text": [f"Text {name}" for name in names], "tags": [["a"]] * len(names)}
    maps = pa.array([{"set": [("key", [{"start": 1}])]}] * len(names), type=MAPPED)
    return pa.table({**columns, "attributes": maps})


def test_columns_that_the_library_refuses_are_left_out_of_the_code(
    tmp_path: Path, hf_datasets: HfDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "bundle" / "data"
    data.mkdir(parents=True)
    pq.write_table(mapped(["a", "b"]), data / "0.parquet")
    pq.write_table(mapped(["c"]), data / "1.parquet")
    found = small_sheet(tmp_path, {})
    text = readme(found)
    assert not {"configs", "dataset_info"} & yaml_of(text).keys()
    assert 'load_dataset("./"' not in text
    assert "it has no type for `attributes`" in text
    monkeypatch.chdir(tmp_path / "bundle")
    codes = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    (code,) = [code for code in codes if "load_dataset" in code]
    assert hf_datasets.run(code, tmp_path / "bundle") == {"rows": 3, "columns": ["id", "text", "tags"]}
    counted = []
    for code in codes:
        names: dict[str, Any] = {}
        if code.startswith(("import duckdb", "import polars")):
            exec(code, names)
            rows = names["documents"]
            counted.append(rows.collect().height if "polars" in code else len(rows.arrow().read_all()))
    assert counted == [3, 3]


def test_a_map_is_seen_wherever_it_lies(tmp_path: Path) -> None:
    maps = pa.map_(pa.string(), pa.int64())
    odd = pa.struct([("a: int64, b", maps)])
    kinds = [maps, odd, pa.list_(odd), pa.struct([("x", pa.list_(maps))]), pa.struct([("map", pa.string())])]
    pq.write_table(pa.schema([(f"c{n}", kind) for n, kind in enumerate(kinds)]).empty_table(), tmp_path / "x.parquet")
    assert obstacles(data_files(tmp_path, tmp_path / "x.parquet")) == ["c0", "c1", "c2", "c3"]


def test_json_lines_with_nulls_first_are_loaded(tmp_path: Path, hf_datasets: HfDatasets) -> None:
    rows = [{"id": str(n), "source": "web", "text": f"Text {n}"} for n in range(4)]
    shards: dict[str, Any] = {
        "0.jsonl": [{**rows[0], "late": None}],
        "1.jsonl": [{**rows[1], "late": "x"}, {**rows[2], "late": None}],
        "2.jsonl": rows[3:],
        "3.parquet": rows[:1],
    }
    found = small_sheet(tmp_path, shards)
    loaded = hf_datasets.load(write_all(found, tmp_path))
    columns = {"train": ["id", "source", "text", "late"]}
    assert loaded["configs"] == {"default": {"splits": {"train": 4}, "columns": columns}}


def test_json_lines_that_differ_and_are_nested_have_no_configuration(tmp_path: Path) -> None:
    shards: dict[str, Any] = {"0.jsonl": documents(1, late=None), "1.jsonl": documents(2, late="x")}
    text = readme(small_sheet(tmp_path, shards))
    assert not {"configs", "dataset_info"} & yaml_of(text).keys()
    assert "and `late` are of another type" in text
    assert "load_dataset" not in text
    assert "union_by_name=True" in text


def test_a_citation_shows_what_cannot_be_seen(tmp_path: Path) -> None:
    toml = '[card]\ncitation = "@misc{a,\\n  title={\\u202eevil\\u0001}}"\n'
    text = readme(small_sheet(tmp_path, {"0.jsonl": documents(1)}, toml))
    assert "@misc{a,\n  title={\\u202eevil\\x01}}\n```" in text
    assert "\u202e" not in text
