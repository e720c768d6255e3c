"""croissant.json: MLCommons Croissant 1.1, with responsible-AI properties (RAI 1.0) and provenance (PROV-O).

File sets are contained in nothing, so that they are read from the folder that holds the file; the shards are listed in
one `shards.csv` rather than as thousands of objects. What is not declared is left out, never made up.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.datasheet.columns import ColumnType, parse_type
from explorer.datasheet.croissant_rai import provenance, responsible_ai
from explorer.datasheet.data_files import JSON, SHARDS, kind_of, render_shards
from explorer.datasheet.front_matter import card_languages, patterns
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.datasheet.vocabulary import spdx_licence

CROISSANT = "croissant.json"
_ROWS = "http://www.wikidata.org/entity/Q4049983"  # the number of rows, as the specification has it
_FORMATS = {"parquet": "application/x-parquet", "jsonl": "application/jsonlines"}
_CR = (
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract", "field",
    "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
    "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
    "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value",
)  # fmt: skip
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{name: f"cr:{name}" for name in _CR},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
}
_SCALARS = {
    "string": "sc:Text",
    "large_string": "sc:Text",
    "bool": "sc:Boolean",
    "float16": "cr:Float16",
    "float32": "cr:Float32",
    "float64": "cr:Float64",
    "double": "sc:Float",
    "date32": "sc:Date",
    "date64": "sc:Date",
    **{f"int{bits}": f"cr:Int{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"cr:UInt{bits}" for bits in (8, 16, 32, 64)},
}
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
# pandas, with which JSON Lines are read, takes texts in fields of these names for dates
_READ_AS_DATE = re.compile(r"date|datetime|modified|timestamp.*|.*_at|.*_time", re.IGNORECASE)

Json = dict[str, Any]


def render_croissant(sheet: Sheet) -> Mapping[str, str]:
    """`shards.csv` and `croissant.json`, which has its hash."""
    shards = render_shards(sheet)
    text = json.dumps(croissant(sheet, shards[SHARDS]), indent=1, ensure_ascii=True)
    return {**shards, CROISSANT: text + "\n"}


def croissant(sheet: Sheet, shards: str) -> Json:
    """The metadata as JSON-LD; `shards` is the content of shards.csv."""
    config, card = sheet.config, sheet.declared.card
    spdx = spdx_licence(config.licence)
    licence = f"https://spdx.org/licenses/{spdx}.html" if spdx else card.licence_link or config.licence
    file_sets, record_sets = _documents(sheet.files)
    data: Json = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": config.name or card.pretty_name or "unnamed corpus",
        "alternateName": card.pretty_name if config.name else "",
        "description": config.description,
        "license": licence,
        "url": config.homepage,
        "creator": {"@type": "sc:Organization", "name": card.creators} if card.creators else "",
        "funder": {"@type": "sc:Organization", "name": card.funders} if card.funders else "",
        "datePublished": card.date,
        "version": _version(config.version),
        "citeAs": card.citation,
        "inLanguage": card_languages(sheet),
        "keywords": ["text", "language modelling", "training corpus"],
        "distribution": [*file_sets, _shards_object(shards)],
        "recordSet": [*record_sets, *_shards_records(shards)],
        **responsible_ai(sheet),
        **provenance(sheet),
    }
    return {key: value for key, value in data.items() if value not in ("", [], {})}


def _version(text: str) -> str:
    """A version as the specification wants it, three numbers; empty where it is none."""
    if re.fullmatch(r"\d+(\.\d+){0,1}", text):
        return text + (".0" if "." in text else ".0.0")
    return text if re.fullmatch(r"\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?", text, re.ASCII) else ""


def _documents(files: Sequence[DataFile]) -> tuple[list[Json], list[Json]]:
    """A file set for each format, and a record set for each that its readers can open."""
    groups: dict[tuple[str, bool], list[DataFile]] = {}
    for file in files:
        groups.setdefault((kind_of(file), file.path.lower().endswith(".zst")), []).append(file)
    file_sets, record_sets = [], []
    for (kind, is_zstd), its in sorted(groups.items(), reverse=True):
        name = f"{kind}-zst" if is_zstd else kind
        file_sets.append(
            {
                "@type": "cr:FileSet",
                "@id": f"{name}-files",
                "name": f"{name}-files",
                "description": f"{len(its):,} files, {sum(file.n_bytes for file in its):,} bytes; {SHARDS} lists them.",
                "encodingFormat": _FORMATS[kind],
                "includes": patterns(its),
            }
        )
        if not is_zstd:  # which Croissant has no name for
            record_sets += _record_set("documents" if len(groups) == 1 else f"documents-{name}", f"{name}-files", its)
    return file_sets, record_sets


def _record_set(name: str, file_set: str, files: Sequence[DataFile]) -> list[Json]:
    fields: list[Json] = []
    left_out = []
    for column, kind in _common_columns(files):
        # of JSON Lines no more is known of a nested field than that it is one
        parsed = None if kind == JSON else ColumnType(scalar=kind) if kind_of(files[0]) == "jsonl" else parse_type(kind)
        if kind_of(files[0]) == "jsonl" and kind == "string" and _READ_AS_DATE.fullmatch(column):
            parsed = None
        id = f"{name}/{_slug(column, len(fields))}"
        field = None if parsed is None else _field(id, column, parsed, {"fileSet": {"@id": file_set}}, column)
        if field is None:
            left_out.append(column)
        else:
            fields.append(field)
    if not fields:
        return []
    without = f" Columns that are no fields here: {', '.join(map(json.dumps, left_out))}." if left_out else ""
    n_rows = sum(file.n_rows for file in files)
    return [
        {
            "@type": "cr:RecordSet",
            "@id": name,
            "name": name,
            "description": f"A document a row.{without}",
            "annotation": [_count(f"{name}/n_rows", n_rows)],
            "field": fields,
        }
    ]


def _count(id: str, n_rows: int) -> Json:
    return {"@type": "cr:Field", "@id": id, "name": id, "value": n_rows, "dataType": _ROWS}


def _common_columns(files: Sequence[DataFile]) -> list[tuple[str, str]]:
    """The columns that all files have, with one type."""
    found = dict(files[0].columns)
    for file in files[1:]:
        types = dict(file.columns)
        found = {name: kind for name, kind in found.items() if types.get(name) == kind}
    return list(found.items())


def _slug(name: str, number: int) -> str:
    """A name as part of an identifier; one that would lose something gets a number, so that no two are the same."""
    return name if _PLAIN_NAME.match(name) else f"{re.sub(r'[^A-Za-z0-9_]+', '-', name)[:40].strip('-')}-{number}"


def _field(id: str, name: str, kind: ColumnType, source: Json, column: str, path: str = "") -> Json | None:
    """One field; None for a type that Croissant cannot say. `path` leads into a column that is a structure."""
    if kind.fields:
        inner = (
            _field(f"{id}/{child}", child, its, source, column, f"{path}.{child}" if path else child)
            for child, its in kind.fields
            if _PLAIN_NAME.match(child)
        )
        fields = [field for field in inner if field is not None]
        return {"@type": "cr:Field", "@id": id, "name": name, "subField": fields} if fields else None
    item = kind.item or kind
    data_type = "sc:DateTime" if item.scalar.startswith("timestamp") else _SCALARS.get(item.scalar)
    if data_type is None:
        return None
    return {
        "@type": "cr:Field",
        "@id": id,
        "name": name,
        "dataType": data_type,
        **({"isArray": True, "arrayShape": "-1"} if kind.item else {}),
        "source": {**source, "extract": {"column": column}, **({"transform": {"jsonPath": path}} if path else {})},
    }


def _shards_object(shards: str) -> Json:
    content = shards.encode()
    return {
        "@type": "cr:FileObject",
        "@id": SHARDS,
        "name": SHARDS,
        "description": "The files of documents, with rows and bytes.",
        "contentUrl": SHARDS,
        "contentSize": f"{len(content)} B",
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _shards_records(shards: str) -> list[Json]:
    header, _, rows = shards.partition("\n")
    if not rows:
        return []
    source = {"fileObject": {"@id": SHARDS}}
    fields = [
        _field(f"shards/{name}", name, ColumnType("int64" if name.startswith("n_") else "string"), source, name)
        for name in header.split(",")
    ]
    return [
        {
            "@type": "cr:RecordSet",
            "@id": "shards",
            "name": "shards",
            "description": "A file a row.",
            "field": fields,
        }
    ]
