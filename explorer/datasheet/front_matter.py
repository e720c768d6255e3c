"""The front matter of a Hugging Face dataset card: what the Hub and the `datasets` library read of README.md.

Only what is measured or declared is written: no licence id, language code or bucket that is on no list, no
configuration without data files beside the card, no features unless they name every column.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import yaml

from explorer.datasheet.columns import is_loadable, parse_type
from explorer.datasheet.data_files import kind_of, rows_per_source, wider
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.datasheet.vocabulary import OTHER, hub_licence, language_code, size_category, spdx_licence
from explorer.escape import printable
from explorer.ingest.shards import COMPRESSIONS

SPLIT = "train"
MIN_LANGUAGE_SHARE = 0.001  # of the documents that state a language; what is below is often a detector's mistake
_MANY_FILES = 4  # from so many on, the files of a folder are named by a pattern
_MAX_NAME = 60
MAX_SOURCES = 100  # with a configuration: the largest
_MAX_FEATURES = 2000  # of all configurations together; beyond, only the default one names its columns


def front_matter(sheet: Sheet) -> str:
    """The block of YAML with its two rules."""
    fields = card_fields(sheet)
    # escapes unless all can be seen: a path may hold what deceives the eye, and must stay what it is
    is_plain = all(text.isprintable() for text in _texts(fields))
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=is_plain, width=1000)
    return f"---\n{text}---\n"


def card_fields(sheet: Sheet) -> dict[str, Any]:
    """The front matter as data, in the order in which it is written."""
    fields: dict[str, Any] = {**_licence(sheet)}
    if languages := card_languages(sheet):
        fields["language"] = languages
        fields["multilinguality"] = ["monolingual" if len(languages) == 1 else "multilingual"]
    fields["size_categories"] = [size_category(n_examples(sheet))]
    fields["task_categories"] = ["text-generation"]
    fields["task_ids"] = ["language-modeling"]
    is_annotated = bool(sheet.rows("attribute_list"))
    fields["annotations_creators"] = ["machine-generated" if is_annotated else "no-annotation"]
    if name := sheet.declared.card.pretty_name or sheet.config.name:
        fields["pretty_name"] = printable(name)
    fields["tags"] = ["text", "datasheet", "mlcroissant"]
    configs = configurations(sheet)
    if configs and not obstacles(next(iter(configs.values())).files):
        default = next(iter(configs))
        fields["configs"] = [
            {
                "config_name": name,
                **({"default": True} if name == default else {}),
                "data_files": [{"split": SPLIT, "path": patterns(config.files)}],
            }
            for name, config in configs.items()
        ]
        n_features = sum(len(config.files[0].columns) for config in configs.values())
        fields["dataset_info"] = [
            _info(name, config, features(config.files) if name == default or n_features <= _MAX_FEATURES else [])
            for name, config in configs.items()
        ]
    return fields


def n_examples(sheet: Sheet) -> int:
    """Rows of the data files; without them, the documents that were read."""
    if sheet.files:
        return sum(file.n_rows for file in sheet.files)
    return int(sheet.rows("totals")[0]["n_docs"])


def _licence(sheet: Sheet) -> dict[str, Any]:
    declared, link = sheet.config.licence.strip(), sheet.declared.card.licence_link
    if not declared:
        return {}
    if known := hub_licence(declared):
        return {"license": known}
    name = spdx_licence(declared) or printable(declared)
    return {"license": OTHER, "license_name": name, **({"license_link": printable(link)} if link else {})}


def card_languages(sheet: Sheet) -> list[str]:
    """ISO 639 codes of the languages that documents state, most documents first; rare ones are left out."""
    n_docs: dict[str, int] = {}
    for row in sheet.rows("languages"):
        if row["language"] is not None and (code := language_code(str(row["language"]))):
            n_docs[code] = n_docs.get(code, 0) + int(row["n_docs"])
    least = sum(n_docs.values()) * MIN_LANGUAGE_SHARE
    return [code for code, n in sorted(n_docs.items(), key=lambda item: (-item[1], item[0])) if n >= least]


@dataclass(frozen=True)
class Configuration:
    """Files that are loaded together. `n_bytes` is of their texts where those are measured, else of the files: the
    libraries want a number there, and check none."""

    files: tuple[DataFile, ...]
    n_bytes: int


def configurations(sheet: Sheet) -> dict[str, Configuration]:
    """The configurations by their names, the default one first; then one for each source where the files are separable
    by source, the largest first. Of files of two formats only those with more rows are in one: the library reads one
    format a card."""
    by_kind: dict[str, list[DataFile]] = {}
    for file in sheet.files:
        by_kind.setdefault(kind_of(file), []).append(file)
    if not by_kind:
        return {}
    _, most = min(by_kind.items(), key=lambda item: (-sum(file.n_rows for file in item[1]), item[0]))
    if len(by_kind) > 1:
        return {"default": Configuration(tuple(most), sum(file.n_bytes for file in most))}
    found = {"default": Configuration(sheet.files, int(sheet.rows("totals")[0]["n_bytes"]))}
    n_bytes = {row["source"]: int(row["n_bytes"]) for row in sheet.rows("composition")}
    sources = rows_per_source(sheet)
    for source, files in islice(sources.items(), MAX_SOURCES if len(sources) > 1 else 0):
        found[_config_name(source, found)] = Configuration(files, n_bytes[source])
    return found


def _config_name(source: str, taken: Iterable[str]) -> str:
    """A source's name as that of a configuration, which becomes part of a path: nothing but letters, digits, - _ ."""
    base = re.sub(r"[^\w.-]+", "_", source).strip("._")[:_MAX_NAME] or "source"
    names = {name.lower() for name in taken}
    name, number = base, 1
    while name.lower() in names:
        number += 1
        name = f"{base}-{number}"
    return name


def patterns(files: Sequence[DataFile]) -> list[str]:
    """Paths of the files, or patterns that stand for all files of a folder with one ending; sorted."""
    groups: dict[tuple[str, str], list[str]] = {}
    for file in files:
        path = PurePosixPath(file.path)
        groups.setdefault((path.parent.as_posix(), _ending(path)), []).append(file.path)
    found = []
    for (folder, ending), paths in groups.items():
        # beside the card lie JSON files that are no data
        if len(paths) < _MANY_FILES or (folder == "." and ending.lower() == ".json"):
            found += [glob.escape(path) for path in paths]
        else:
            found.append(f"{'' if folder == '.' else glob.escape(folder) + '/'}*{glob.escape(ending)}")
    return sorted(found)


def _ending(path: PurePosixPath) -> str:
    suffixes = path.suffixes
    return "".join(suffixes[-2:] if suffixes[-1].lower() in COMPRESSIONS else suffixes[-1:])


def features(files: Sequence[DataFile]) -> list[dict[str, object]]:
    """All columns with their types; none where one of them has no name on a card, or Parquet files differ.

    Of JSON Lines a column may be null or missing in some files: the type is that of all values together.
    """
    columns = files[0].columns
    if kind_of(files[0]) != "parquet":
        columns = tuple(_fields_of_json(files).items())
    elif any(file.columns != columns for file in files):
        return []
    types = [(name, parse_type(text)) for name, text in columns]
    return [] if any(kind is None for _, kind in types) else [{"name": n, **k.feature()} for n, k in types if k]


def _fields_of_json(files: Sequence[DataFile]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in files:
        for name, kind in file.columns:
            found[name] = wider(found.get(name, "null"), kind)
    return found


def obstacles(files: Sequence[DataFile]) -> list[str]:
    """Columns for which the `datasets` library refuses to load the files together, in the files' order.

    Of Parquet files those of a type that it does not have, and those that differ between files. Of JSON Lines it
    takes types from the first rows, unless the card names those of all columns; where it cannot, because one is nested
    or of several types, any column that differs between files stops it.
    """
    is_parquet = kind_of(files[0]) == "parquet"
    if not is_parquet and features(files):
        return []
    tables = [dict(file.columns) for file in files]
    names = dict.fromkeys(name for table in tables for name in table)
    return [
        name
        for name in names
        if len({table.get(name) for table in tables}) > 1 or (is_parquet and not is_loadable(tables[0][name]))
    ]


def _info(name: str, config: Configuration, columns: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    n_rows = sum(file.n_rows for file in config.files)
    return {
        "config_name": name,
        **({"features": list(columns)} if columns else {}),
        "splits": [{"name": SPLIT, "num_bytes": config.n_bytes, "num_examples": n_rows}],
        "download_size": sum(file.n_bytes for file in config.files),
        "dataset_size": config.n_bytes,
    }


def _texts(value: object) -> list[str]:
    """All texts inside some data."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for pair in value.items() for item in pair for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []
