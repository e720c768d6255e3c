"""Responsible-AI properties (RAI 1.0) and provenance (PROV-O) of a Croissant file: what is measured and declared."""

from __future__ import annotations

from typing import Any

from explorer.datasheet.card_attributes import personal_rates
from explorer.datasheet.sheet import Sheet
from explorer.units import format_value

Json = dict[str, Any]

_COLLECTION_TYPES = {  # of RAI's list, by class of origin
    "public_dataset": "Secondary Data Analysis",
    "licensed": "Others",
    "private_third_party": "Others",
    "own_crawl": "Web Scraping",
    "user_data": "User-Generated Content Data",
    "synthetic": "Others",
    "other": "Others",
}
_MOST = 50  # sources and rules that are told one by one


def responsible_ai(sheet: Sheet) -> Json:
    """The properties that something is known of."""
    card = sheet.declared.card
    classes = [origin.origin_class for origin in sheet.declared.origins.values() if origin.origin_class]
    found: Json = {
        "rai:dataCollection": _collection(sheet),
        "rai:dataCollectionType": sorted({_COLLECTION_TYPES[name] for name in classes}),
        "rai:dataCollectionMissingData": _missing(sheet),
        "rai:dataCollectionTimeframe": _timeframe(sheet),
        "rai:dataPreprocessingProtocol": _protocol(sheet),
        "rai:dataAnnotationProtocol": _annotations(sheet),
        "rai:machineAnnotationTools": sorted({row["tagger"] for row in sheet.rows("attribute_list")})[:_MOST],
        "rai:personalSensitiveInformation": [*_given(card.personal_data), *_personal(sheet)],
        "rai:dataBiases": [*_given(card.biases), *_measured_biases(sheet)],
        "rai:dataLimitations": _given(card.limitations),
        "rai:dataUseCases": [
            *_given(card.intended_uses),
            *(f"To be kept away from: {text}" for text in _given(card.forbidden_uses)),
        ],
        "rai:dataReleaseMaintenancePlan": card.maintenance,
    }
    return {key: value for key, value in found.items() if value}


def provenance(sheet: Sheet) -> Json:
    """Where the documents come from, and what measured them."""
    places = set()
    for source, note in sheet.config.sources.items():
        origin = sheet.declared.origins.get(source)
        places |= {text for text in (note.origin, origin.url if origin else "") if _is_url(text)}
    facts = sheet.facts
    activity = {
        "@type": "prov:Activity",
        "name": "corpus-explorer build",
        "description": f"Measured by corpus-explorer {facts.get('explorer_version', '')} with DuckDB "
        f"{facts.get('duckdb_version', '')}; fingerprint of the documents {facts.get('fingerprint', '')}.",
    }
    found: Json = {"prov:wasGeneratedBy": activity}
    if places:
        found["prov:wasDerivedFrom"] = [{"@id": place} for place in sorted(places)]
    return found


def _is_url(text: str) -> bool:
    """Whether a text can stand where JSON-LD expects an address."""
    return text.startswith(("https://", "http://")) and text.isascii() and not set(text) & set(' <>"{}|\\^`\t\n\r')


def _given(text: str) -> list[str]:
    return [text] if text else []


def _share(value: float | None) -> str:
    return format_value(value, "share")


def _collection(sheet: Sheet) -> str:
    """Source by source what is declared of its origin."""
    lines = []
    for row in sheet.rows("composition")[:_MOST]:
        note = sheet.config.sources.get(row["source"])
        origin = sheet.declared.origins.get(row["source"])
        said = [note.title, note.document_type, note.origin] if note else []
        if origin:
            said += [origin.origin_class.replace("_", " "), origin.provider, origin.url, origin.version]
            said += [f"selection: {origin.selection}"] if origin.selection else []
        told = "; ".join(dict.fromkeys(text for text in said if text))
        lines.append(f"{row['source']}: {told or 'origin not declared'} ({row['n_docs']:,} documents).")
    return "\n".join(lines)


def _missing(sheet: Sheet) -> str:
    urls, dates = sheet.rows("url_coverage"), sheet.rows("date_coverage")
    languages = [row for row in sheet.rows("languages") if row["language"] is None]
    n_docs = sum(row["n_docs"] for row in urls)
    if not n_docs:
        return ""
    no_url = sum(row["n_without_url"] for row in urls) / n_docs
    no_date = 1 - sum(row["n_dated"] for row in dates) / n_docs
    no_language = languages[0]["doc_share"] if languages else 0.0
    return (
        f"Of the documents, {_share(no_url)} have no URL, {_share(no_date)} no readable date of creation, "
        f"{_share(no_language)} no stated language."
    )


def _timeframe(sheet: Sheet) -> list[str]:
    """First and last day of collection: as declared of the sources, else as the documents say when they were added."""
    origins = sheet.declared.origins.values()
    begin = min((origin.collected_from for origin in origins if origin.collected_from), default="")
    end = max((origin.collected_to for origin in origins if origin.collected_to), default="")
    if begin and end:
        return [begin, end]
    whole = [row for row in sheet.rows("date_range") if row["source"] is None and row["first_added"]]
    return [str(whole[0][key])[:10] for key in ("first_added", "last_added")] if whole else []


def _protocol(sheet: Sheet) -> list[str]:
    """What each rule of each recipe would remove; the corpus is as it was measured, before any of them."""
    estimates = {row["recipe"] for row in sheet.rows("filter_totals") if row["is_estimate"]}
    lines = []
    for row in sheet.rows("filter_rules")[:_MOST]:
        purpose = sheet.declared.purposes.get(row["rule"], "")
        lines.append(
            f"Recipe {row['recipe']}, rule {row['rule']}{f' ({purpose})' if purpose else ''}: would remove "
            f"{_share(row['alone_share'])} of the documents alone, {row['removed_uniquely']:,} that no other rule "
            f"removes{' (estimated)' if row['recipe'] in estimates else ''}."
        )
    return lines


def _annotations(sheet: Sheet) -> str:
    listed = sheet.rows("attribute_list")
    sets = {row["attribute_set"] for row in listed}
    return f"{len(listed):,} attributes in {len(sets):,} sets, made by programs." if listed else ""


def _personal(sheet: Sheet) -> list[str]:
    return [
        f"{row['attribute_set']}, {row['span_type']}: {row['n_values']:,} places in {row['n_with_values']:,} documents "
        f"({_share(row['value_share'])}), as patterns find them."
        for row in personal_rates(sheet)[:_MOST]
    ]


def _measured_biases(sheet: Sheet) -> list[str]:
    found = []
    stated = [row for row in sheet.rows("languages") if row["language"] is not None]
    if stated:
        first = max(stated, key=lambda row: row["n_docs"])
        found.append(f"Language: {first['language']} is stated for {_share(first['doc_share'])} of the documents.")
    found += [
        f"Domains: the 10 largest of {row['n_domains']:,} hold {_share(row['top_10_share'])} of the bytes of documents "
        "that have one."
        for row in sheet.rows("domain_concentration")
        if row["source"] is None and row["weighted_by"] == "bytes"
    ]
    if sources := sheet.rows("composition"):
        largest = max(sources, key=lambda row: (row["n_bytes"], row["source"]))
        found.append(f"Sources: {largest['source']} holds {_share(largest['byte_share'])} of all bytes of text.")
    return found
