"""The sections of a dataset card that people write, and those on loading it and on how the card was made."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.datasheet.card_parts import NOT_DECLARED, Section, Shown, declared, exactness, lines_of, prose, table
from explorer.datasheet.data_files import SHARDS, kind_of
from explorer.datasheet.front_matter import MAX_SOURCES, SPLIT, configurations, obstacles, patterns
from explorer.datasheet.sheet import DataFile, Sheet
from explorer.datasheet.vocabulary import spdx_licence
from explorer.escape import code_span, fenced, markdown
from explorer.units import MEASURES

_MOST_NAMED = 10  # columns in a sentence


def loading(sheet: Sheet) -> Section:
    """Code that reads the files beside the card; without files, where the list of shards is."""
    if not sheet.files:
        text = (
            f"The data files do not lie beside this card. {code_span(SHARDS)} lists the files that its numbers were "
            "read from."
        )
        return Section("How to load it", (text,))
    configs = configurations(sheet)
    default = next(iter(configs))
    paths = repr(patterns(configs[default].files))
    is_parquet = kind_of(configs[default].files[0]) == "parquet"
    in_the_way = obstacles(configs[default].files)
    if in_the_way:
        blocks = _in_parts(configs[default].files, in_the_way, paths)
    else:
        blocks = [
            "From the folder of this card, with the `datasets` library (a folder or the name of a repository):",
            fenced(f'from datasets import load_dataset\n\ndocuments = load_dataset("./", split="{SPLIT}")', "python"),
        ]
    if len(configs[default].files) < len(sheet.files):
        blocks.append(
            f"These are {len(configs[default].files):,} of the {len(sheet.files):,} files: the library reads one "
            "format of files only, and the others have another."
        )
    if len(configs) > 1 and not in_the_way:
        names = ", ".join(code_span(name) for name in list(configs)[:30]) + (" ..." if len(configs) > 30 else "")
        blocks.append(f"Configurations, the second argument of `load_dataset`: {names}.")
        if len(configs) - 1 < len(sheet.rows("composition")):
            blocks.append(f"The {MAX_SOURCES} largest sources have one; the others are in the default one only.")
    is_uniform = len({file.columns for file in configs[default].files}) == 1
    union = "" if is_uniform else ", union_by_name=True"
    options = f'{paths}, format="newline_delimited"{union}'
    reader = f"read_parquet({paths}{union})" if is_parquet else f"read_json({options})"
    blocks += ["With DuckDB:", fenced(f"import duckdb\n\ndocuments = duckdb.{reader}", "python")]
    if is_parquet and is_uniform:
        blocks += ["With Polars:", fenced(f"import polars as pl\n\ndocuments = pl.scan_parquet({paths})", "python")]
    blocks += [
        "With Croissant's library:",
        fenced(
            "import mlcroissant\n\n"
            'dataset = mlcroissant.Dataset("croissant.json")\n'
            "record_sets = [record_set.uuid for record_set in dataset.metadata.record_sets]",
            "python",
        ),
    ]
    return Section("How to load it", tuple(blocks))


def _in_parts(files: Sequence[DataFile], in_the_way: Sequence[str], paths: str) -> list[str]:
    """Why the `datasets` library does not load the files as they are, and how it loads the columns that it can."""
    named = ", ".join(map(code_span, in_the_way[:_MOST_NAMED])) + (" ..." if len(in_the_way) > _MOST_NAMED else "")
    if kind_of(files[0]) != "parquet":
        return [
            f"The `datasets` library does not load these files together: it takes types from the first rows, and "
            f"{named} are of another type, or missing, in some files. The card has no configurations for it, therefore."
        ]
    blocks = [
        f"The `datasets` library does not load all columns: it has no type for {named}, or they are not the same in "
        "all files. The card has no configurations for it, therefore."
    ]
    refused = set(in_the_way)
    if names := [name for name, _ in files[0].columns if name not in refused]:
        code = (
            "import pyarrow\nimport pyarrow.parquet\nfrom datasets import Features, load_dataset\n\n"
            f"columns = {names!a}\n"
            f"schema = pyarrow.parquet.read_schema({files[0].path!r})\n"
            "features = Features.from_arrow_schema(pyarrow.schema([schema.field(name) for name in columns]))\n"
            f'documents = load_dataset(\n    "parquet", data_files={paths}, split="{SPLIT}", columns=columns, '
            "features=features\n)"
        )
        blocks += ["The other columns, from the folder of this card:", fenced(code, "python")]
    return blocks


def summary(sheet: Sheet) -> Section:
    card = sheet.declared.card
    parts = (
        ("Made by", card.creators),
        ("Paid for by", card.funders),
        ("Purpose", card.purpose),
        ("Intended uses", card.intended_uses),
        ("Uses to keep away from", card.forbidden_uses),
        ("Limits", card.limitations),
        ("Biases", card.biases),
        ("Maintenance", card.maintenance),
        ("Contact", card.contact),
    )
    blocks = [f"**{name}.** {declared(text)}" for name, text in parts]
    return Section("What its makers say", (*blocks, "`DATASHEET.md` answers the questions of Datasheets for Datasets."))


def rights(sheet: Sheet) -> Section:
    card, licence = sheet.declared.card, sheet.config.licence
    known = spdx_licence(licence)
    named = f"{markdown(known or licence)}{' (an SPDX identifier)' if known else ''}" if licence else NOT_DECLARED
    link = f" {prose(card.licence_link)}" if card.licence_link else ""
    blocks = [
        f"**Licence of the collection.** {named}{link} That of each source stands in the composition; a collection's "
        "licence does not replace those of its documents.",
        f"**Removal.** To have something taken out: {declared(card.takedown)}",
        "**Citation.**",
        fenced(lines_of(card.citation), "bibtex") if card.citation else NOT_DECLARED,
    ]
    return Section("Licence, removal, citation", tuple(blocks))


def missing(sheet: Sheet) -> list[str]:
    """Keys of corpus.toml that would fill what this card lacks."""
    config, card = sheet.config, sheet.declared.card
    found = [f"corpus.{key}" for key in ("name", "version", "licence", "description") if not getattr(config, key)]
    keys = (
        "date", "creators", "funders", "contact", "takedown", "purpose", "intended_uses", "forbidden_uses",
        "limitations", "biases", "personal_data", "maintenance", "citation",
    )  # fmt: skip
    return found + [f"card.{key}" for key in keys if not getattr(card, key)]


def making(sheet: Sheet, statistics: Sequence[str]) -> Section:
    """Where each number is from: statistic, hash of its SQL, parameters, exact or estimated with its error."""
    facts = sheet.facts
    rows = []
    for name in dict.fromkeys(statistics):
        if name not in sheet.stats["statistics"]:
            continue
        entry = sheet.entry(name)
        rows.append(
            {
                "name": name,
                "title": entry["title"],
                "sql": entry["sql_hash"],
                "parameters": ", ".join(f"{key} := {value!r}" for key, value in sorted(entry["parameters"].items())),
                "exactness": ": ".join(text for text in (exactness(sheet, name), entry["error"]) if text),
            }
        )
    columns = (
        Shown("name", "Statistic", "name"),
        Shown("title", "What it counts", "name"),
        Shown("sql", "SQL hash", "name"),
        Shown("parameters", "Parameters", "name"),
        Shown("exactness", "Exact or estimated", "name"),
    )
    made = f"corpus-explorer {facts.get('explorer_version', '')}, DuckDB {facts.get('duckdb_version', '')}"
    blocks = [
        f"Made with {markdown(made)} from documents of fingerprint {code_span(facts.get('fingerprint', ''))}. Every "
        "number is a statistic's, measured on all documents unless it says otherwise; what people say comes from "
        "corpus.toml, and nothing is guessed. `stats.json` has all numbers, `STATISTICS.md` their definitions.",
        table(columns, rows),
        "Numbers of more than one row, such as shares of all documents with a date, are sums of the rows that "
        "`stats.json` has.",
        "\n".join(f"- **{measure.unit.capitalize()}**: {markdown(measure.definition)}" for measure in MEASURES),
    ]
    if lacking := missing(sheet):
        blocks.append(f"Not declared in corpus.toml: {', '.join(map(code_span, lacking))}.")
    example = f'duckdb WORKSPACE/corpus.duckdb "from {rows[0]["name"]}()"' if rows else ""
    blocks += ["To repeat a number:", fenced(example, "sh")] if example else []
    return Section("How this card was made", tuple(blocks))
