"""The sections of a dataset card on attributes, personal data and columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from explorer.datasheet.card_parts import Row, Section, Shown, prose, table
from explorer.datasheet.data_files import kind_of
from explorer.datasheet.sheet import Sheet
from explorer.escape import markdown

_MOST_KEYS = 25  # of one tagger that are shown one by one
_MOST_ROWS = 80
_MOST_COLUMNS = 100
_PERSONAL = ("pii", "email", "phone", "ip_address")


def attributes(sheet: Sheet) -> Section:
    listed = sheet.rows("attribute_list")
    if not listed:
        return Section("Attributes", ("The documents have no attributes: nothing was tagged.",))
    coverage = {_key(row): row for row in sheet.rows("attribute_coverage")}
    quantiles = {_key(row): row for row in sheet.rows("attribute_quantiles") if row["score_kind"] == "first"}
    rows: list[dict[str, Any]] = []
    for (attribute_set, tagger), found in groupby(listed, key=lambda row: (row["attribute_set"], row["tagger"])):
        its = list(found)
        if len(its) > _MOST_KEYS:
            rows.append(_family(attribute_set, tagger, its))
            continue
        for row in its:
            scores, covered = quantiles.get(_key(row), {}), coverage.get(_key(row), {})
            numbers = {name: scores.get(name) for name in ("p50_approx", "p95_approx")}
            rows.append({**row, **numbers, "value_share": covered.get("value_share")})
    columns = (
        Shown("attribute_set", "Set", "name"),
        Shown("key", "Attribute", "name"),
        Shown("n_with_values", "Documents with values", "docs"),
        Shown("value_share", "Share of those that have the set", "share"),
        Shown("p50_approx", "Median score, estimated", "score"),
        Shown("p95_approx", "95 %, estimated", "score"),
        Shown("definition", "What it is", "name"),
        Shown("definition_source", "By", "name"),
    )
    blocks = [table(columns, rows[:_MOST_ROWS])]
    if len(rows) > _MOST_ROWS:
        blocks.append(f"And {len(rows) - _MOST_ROWS:,} more rows; `stats.json` has every attribute.")
    names = ("attribute_list", "attribute_coverage", "attribute_quantiles")
    return Section("Attributes", tuple(blocks), names)


def _family(attribute_set: str, tagger: str, its: Sequence[Row]) -> dict[str, Any]:
    """Many keys of one tagger in one row."""
    empty = dict.fromkeys(("value_share", "p50_approx", "p95_approx", "definition", "definition_source"))
    largest = max(row["n_with_values"] for row in its)
    name = f"{tagger}: the most frequent of {len(its):,} keys"
    return {**empty, "attribute_set": attribute_set, "key": name, "n_with_values": largest}


def _key(row: Row) -> tuple[str, str]:
    return row["attribute_set"], row["key"]


def personal_rates(sheet: Sheet) -> list[dict[str, Any]]:
    """Attributes whose spans mark personal data, by their names, with how many documents and spans have them."""
    coverage = {_key(row): row for row in sheet.rows("attribute_coverage")}
    found = []
    for row in sheet.rows("attribute_list"):
        name = row["key"].lower()
        is_measure = row["unit"] not in (None, "flag")  # a count of such spans, or their share
        if row["shape"] == "spans" and not is_measure and any(part in name for part in _PERSONAL):
            covered = coverage.get(_key(row), {})
            n_docs = (covered.get("n_present") or 0) + (covered.get("n_misaligned") or 0)
            per_thousand = 1000 * row["n_values"] / n_docs if n_docs else None
            found.append({**row, "value_share": covered.get("value_share"), "per_thousand": per_thousand})
    return found


def personal_data(sheet: Sheet) -> Section:
    rates = personal_rates(sheet)
    columns = (
        Shown("attribute_set", "Set", "name"),
        Shown("span_type", "Kind", "name"),
        Shown("n_with_values", "Documents", "docs"),
        Shown("value_share", "Share of documents", "share"),
        Shown("n_values", "Places", "spans"),
        Shown("per_thousand", "Places per 1,000 documents", "mean"),
        Shown("definition", "What is counted", "name"),
    )
    said = sheet.declared.card.personal_data
    blocks = [f"What was done about it: {prose(said)}" if said else "What was done about it is not declared."]
    if rates:
        blocks.append(table(columns, rates[:_MOST_ROWS]))
        blocks.append("A pattern that looks like personal data need not be any, and names are not looked for.")
    else:
        blocks.append("Not measured: no attribute marks e-mail addresses, telephone numbers or the like.")
    return Section("Personal data", tuple(blocks), ("attribute_list", "attribute_coverage"))


def columns(sheet: Sheet) -> Section:
    """The columns of the data files, with their types; several where files differ."""
    if not sheet.files:
        return Section("Columns", ())
    types: dict[str, set[str]] = {}
    files: dict[str, int] = {}
    for file in sheet.files:
        for name, kind in file.columns:
            types.setdefault(name, set()).add(kind)
            files[name] = files.get(name, 0) + 1
    rows = [
        {"name": name, "type": " or ".join(sorted(kinds)), "files": files[name]}
        for name, kinds in list(types.items())[:_MOST_COLUMNS]
    ]
    shown = (Shown("name", "Column", "name"), Shown("type", "Type", "name"), Shown("files", "Files", "count"))
    kinds = sorted({kind_of(file) for file in sheet.files})
    n_rows, n_docs = sum(file.n_rows for file in sheet.files), int(sheet.rows("totals")[0]["n_docs"])
    blocks = [
        f"{len(sheet.files):,} files ({markdown(' and '.join(kinds))}), {n_rows:,} rows; `shards.csv` lists them with "
        "rows, bytes and SHA-256."
    ]
    if n_rows != n_docs:
        blocks.append(f"The numbers of this card are of {n_docs:,} documents, not of as many rows as these files have.")
    return Section("Columns", (*blocks, table(shown, rows)))
