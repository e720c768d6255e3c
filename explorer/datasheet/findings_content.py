"""What is measured of the questions about composition: C1 to C16."""

from __future__ import annotations

import re

from explorer.datasheet.findings import LISTED, Finding, Row, count, percent, share, table, total, whole
from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, markdown
from explorer.units import format_value

# Attributes whose name says that they are about what may disturb a reader.
_OFFENSIVE = re.compile(r"toxic|nsfw|naughty|obscen|insult|hate|threat|adult|porn|profan", re.IGNORECASE)
_PERSONAL = re.compile(r"(?<![a-z0-9])pii(?![a-z0-9])", re.IGNORECASE)
_COUNTRY = 2  # letters of a country's domain
_COUNTERS = ("doc_count", "doc_frac")  # of the pii taggers: they say how much was found, not what


def instances(sheet: Sheet) -> Finding | None:
    """C1: what an instance is."""
    if not (rows := sheet.rows("totals")):
        return None
    text = (
        f"One instance is one document: a text with an id. There are {count(rows[0]['n_docs'])} in "
        f"{count(rows[0]['n_sources'])} sources; all are text."
    )
    types = sheet.rows("document_types")
    headings = {"document_type": "Type, as corpus.toml states it", "n_sources": "Sources", "n_docs": "Documents"}
    listed = table(sheet, "document_types", {**headings, "byte_share": "Share of bytes"}) if types else ""
    return Finding(f"{text}\n\n{listed}".rstrip(), ("totals", *(("document_types",) if types else ())))


def numbers(sheet: Sheet) -> Finding | None:
    """C2: how many, by source."""
    if not (rows := sheet.rows("totals")):
        return None
    found = rows[0]
    tokens = f", {count(found['n_tokens'])} tokens" if found["n_tokens"] is not None else "; tokens were not counted"
    if found["n_tokens"] is not None:
        tokens += f" ({code_span(found['tokenizer'])})" if found["tokenizer"] else " (of a tokenizer that is not named)"
    text = (
        f"{count(found['n_docs'])} documents, {count(found['n_bytes'])} bytes of text (UTF-8), "
        f"{count(found['n_chars'])} characters, {count(found['n_words'])} words{tokens}."
    )
    headings = {
        "source": "Source",
        "n_docs": "Documents",
        "n_bytes": "Bytes",
        "n_words": "Words",
        "n_tokens": "Tokens",
        "byte_share": "Share of bytes",
        "mean_bytes": "Bytes per document",
    }
    return Finding(f"{text}\n\n{table(sheet, 'composition', headings)}", ("totals", "composition"))


def languages(sheet: Sheet) -> Finding | None:
    """C2 and C14: how many of each language."""
    rows = [row for row in sheet.rows("languages") if row["language"] is not None]
    if not rows:
        return None
    n_bytes, n_all = total(rows, "n_bytes"), total(sheet.rows("languages"), "n_bytes")
    text = f"{count(len(rows))} languages are stated, for {percent(n_bytes, n_all)} of the bytes."
    headings = {"language": "Language", "n_docs": "Documents", "n_bytes": "Bytes", "byte_share": "Share of bytes"}
    return Finding(f"{text}\n\n{table(sheet, 'languages', headings, rows)}", ("languages",))


def coverage(sheet: Sheet) -> Finding | None:
    """C3: what can be seen of how far the sources are spread."""
    found = whole(sheet.rows("domain_concentration"), source=None, weighted_by="bytes")
    if found is None or not found["n_domains"]:
        return None
    text = (
        f"How widely it is spread: {count(found['n_domains'])} registered domains; the ten largest hold "
        f"{share(found['top_10_share'])} of the bytes that have a domain (Gini coefficient "
        f"{format_value(found['gini'], 'number')})."
    )
    return Finding(text, ("domain_concentration",), is_aside=True)


def _presence(sheet: Sheet) -> list[tuple[str, int]]:
    """Field to the number of documents that have it."""
    urls, dates = sheet.rows("url_coverage"), sheet.rows("date_coverage")
    return [
        ("URL", total(urls, "n_with_url")),
        ("date of creation", total(dates, "n_dated")),
        ("date of acquisition", total(dates, "n_added")),
        ("language", total((row for row in sheet.rows("languages") if row["language"] is not None), "n_docs")),
        ("licence", total((row for row in sheet.rows("licences") if row["licence"] is not None), "n_docs")),
    ]


_PRESENCE = ("url_coverage", "date_coverage", "languages", "licences")


def fields(sheet: Sheet) -> Finding | None:
    """C4: what a document consists of."""
    if not (rows := sheet.rows("totals")):
        return None
    n_docs = rows[0]["n_docs"]
    lines = ["Raw data: the text itself, with an id and a source. Documents that also have", ""]
    lines += [f"- a {name}: {count(n)} ({percent(n, n_docs)})" for name, n in _presence(sheet)]
    columns = next((file.columns for file in sheet.files if file.columns), ())
    if columns:
        named = ", ".join(f"{code_span(name)} ({code_span(kind)})" for name, kind in columns)
        lines += ["", f"Columns of the data files: {named}."]
    return Finding("\n".join(lines), ("totals", *_PRESENCE))


def labels(sheet: Sheet) -> Finding | None:
    """C5: labels; attributes of taggers are none, but are what comes nearest."""
    rows = sheet.rows("attribute_list")
    sets = sorted({row["attribute_set"] for row in rows})
    if not sets:
        return (
            Finding("No document carries an attribute of a tagger.", ("attribute_list",))
            if sheet.rows("totals")
            else None
        )
    lines = ["Numbers of attributes that taggers gave to documents, by set:", ""]
    for name in sets[:LISTED]:
        its = [row for row in rows if row["attribute_set"] == name]
        shapes = sorted({row["shape"] for row in its})
        lines.append(f"- {code_span(name)}: {count(len(its))} ({', '.join(map(markdown, shapes))})")
    if len(sets) > LISTED:
        lines.append(f"- and {count(len(sets) - LISTED)} more sets")
    return Finding("\n".join(lines), ("attribute_list",))


def missing(sheet: Sheet) -> Finding | None:
    """C6: what is missing."""
    if not (rows := sheet.rows("totals")):
        return None
    n_docs = rows[0]["n_docs"]
    lines = ["Documents without", ""]
    lines += [f"- a {name}: {count(n_docs - n)} ({percent(n_docs - n, n_docs)})" for name, n in _presence(sheet)]
    empty = total(sheet.rows("empty_texts"), "n_empty") + total(sheet.rows("empty_texts"), "n_blank")
    lines.append(f"- text, or with white space only: {count(empty)} ({percent(empty, n_docs)})")
    for row in sheet.rows("attribute_alignment")[:LISTED]:
        gap = f"{count(row['n_missing'])} ({percent(row['n_missing'], n_docs)})"
        orphans = f"; {count(row['n_orphans'])} of its rows belong to no document" if row["n_orphans"] else ""
        lines.append(f"- the attribute set {code_span(row['attribute_set'])}: {gap}{orphans}")
    lines += ["", f"Rows of shards that could not be read: {count(total(sheet.rows('rejected_rows'), 'n_rows'))}."]
    statistics = ("totals", *_PRESENCE, "empty_texts", "attribute_alignment", "rejected_rows")
    return Finding("\n".join(lines), statistics)


def _copies(sheet: Sheet) -> list[Row]:
    """Copies in the whole corpus, by kind; what is estimated says so in its row."""
    names = {"url": "URL", "near": "text, nearly (estimated)"}
    rows = (row for row in sheet.rows("duplicates") if row["source"] is None)
    return [{**row, "key_kind": names.get(row["key_kind"], row["key_kind"])} for row in rows]


def _searched(sheet: Sheet) -> tuple[str, ...]:
    """The statistics behind copies: the search for near ones where there was one."""
    return ("duplicates", "near_search") if sheet.rows("near_search") else ("duplicates",)


def relations(sheet: Sheet) -> Finding | None:
    """C7: relations that can be seen without being stated."""
    if not (rows := _copies(sheet)):
        return None
    headings = {"key_kind": "The same", "n_clusters": "Clusters", "n_cluster_docs": "Documents in them"}
    text = "Documents that share a URL, a text or a paragraph, or are nearly alike where that was searched for:"
    return Finding(f"{text}\n\n{table(sheet, 'duplicates', headings, rows)}", _searched(sheet))


def redundancies(sheet: Sheet) -> Finding | None:
    """C9, copies: within the corpus and between sources."""
    if not (rows := _copies(sheet)):
        return None
    headings = {
        "key_kind": "The same",
        "n_cluster_docs": "Documents with a copy",
        "cluster_doc_share": "Share of documents",
        "n_removable_docs": "Copies after the first",
        "removable_byte_share": "Their share of bytes",
    }
    text = f"Copies, in the whole corpus:\n\n{table(sheet, 'duplicates', headings, rows)}"
    pairs = [row for row in sheet.rows("overlap") if row["source_a"] != row["source_b"] and row["n_docs"]]
    if pairs:
        pairs = sorted(pairs, key=lambda row: (-row["n_bytes"], row["source_a"], row["source_b"]))[:10]
        headings = {
            "source_a": "Documents of",
            "source_b": "whose text is also in",
            "n_docs": "Documents",
            "byte_share": "Share of its bytes",
        }
        text += f"\n\nBetween sources, the ten largest overlaps at most:\n\n{table(sheet, 'overlap', headings, pairs)}"
    elif sheet.rows("overlap"):
        text += "\n\nNo text occurs unchanged in two sources."
    return Finding(text, (*_searched(sheet), "overlap"))


def noise(sheet: Sheet) -> Finding | None:
    """C9, errors: the checks that failed, traces of wrong decoding, repeated paragraphs."""
    if not (checks := sheet.rows("checks")):
        return None
    failed = [row for row in checks if not row["is_ok"]]
    text = f"{count(len(checks) - len(failed))} of {count(len(checks))} checks found nothing."
    if failed:
        headings = {"check_name": "Check", "severity": "Severity", "n_found": "Found", "meaning": "What is counted"}
        text += f" The others:\n\n{table(sheet, 'checks', headings, failed)}"
    repeated = whole(sheet.rows("paragraph_repetition"), source=None)
    if repeated:
        text += (
            f"\n\n{share(repeated['repeated_share'])} of all paragraphs occur more than once; the copies after the "
            f"first hold {share(repeated['removable_byte_share'])} of the bytes of paragraphs."
        )
    return Finding(text, ("checks", *(("paragraph_repetition",) if repeated else ())))


def resources(sheet: Sheet) -> Finding | None:
    """C10: the texts are there; the URLs are not kept alive by anyone."""
    if not (rows := sheet.rows("url_coverage")):
        return None
    n_docs, n_urls = total(rows, "n_docs"), total(rows, "n_with_url")
    text = (
        "The texts themselves are in the shards: no document has to be fetched. "
        f"{count(n_urls)} documents ({percent(n_urls, n_docs)}) name the URL that they came from"
    )
    found = sheet.rows("totals")
    text += f", in {count(found[0]['n_domains'])} registered domains." if found else "."
    return Finding(text, ("url_coverage", *(("totals",) if found else ())))


def offensive(sheet: Sheet) -> Finding | None:
    """C12: what taggers found that may disturb."""
    rows = [row for row in sheet.rows("attribute_coverage") if _OFFENSIVE.search(row["key"])]
    if not rows:
        return None
    headings = {"key": "Attribute", "n_with_values": "Documents with values", "value_share": "Share of documents"}
    text = (
        "Attributes whose name tells of offence. A document that has values need not be offensive: a classifier gives "
        f"a score to every text.\n\n{table(sheet, 'attribute_coverage', headings, rows)}"
    )
    scores = [
        row
        for row in sheet.rows("attribute_quantiles")
        if _OFFENSIVE.search(row["key"]) and row["score_kind"] == "first"
    ]
    if not scores:
        return Finding(text, ("attribute_coverage",))
    quantiles = {"key": "Attribute", "p50_approx": "Median score", "p95_approx": "95 %", "p99_approx": "99 %"}
    text += f"\n\nTheir scores (the first of a document):\n\n{table(sheet, 'attribute_quantiles', quantiles, scores)}"
    return Finding(text, ("attribute_coverage", "attribute_quantiles"))


def _personal(sheet: Sheet) -> list[Row]:
    """Attributes of the pii taggers that say what was found."""
    return [
        row
        for row in sheet.rows("attribute_coverage")
        if _PERSONAL.search(row["key"].replace("_", " "))
        and "spans" in (row["shape"] or "")
        and not row["key"].endswith(_COUNTERS)
    ]


def personal_data(sheet: Sheet) -> Finding | None:
    """C15: what the pii taggers found, by type."""
    if not (rows := _personal(sheet)):
        return None
    headings = {"key": "Attribute", "n_with_values": "Documents with it", "value_share": "Share of those looked at"}
    text = (
        "What the taggers of personal data found, by type. What they do not look for is "
        f"not in it.\n\n{table(sheet, 'attribute_coverage', headings, rows)}"
    )
    return Finding(text, ("attribute_coverage",))


def people(sheet: Sheet) -> Finding | None:
    """C13: that taggers found personal data, in a sentence."""
    if not (rows := _personal(sheet)):
        return None
    most = max(rows, key=lambda row: (row["value_share"] or 0, row["key"]))
    text = (
        f"Taggers of personal data looked at it (see C15): the most frequent type, {code_span(most['key'])}, is in "
        f"{count(most['n_with_values'])} documents ({share(most['value_share'])})."
    )
    return Finding(text, ("attribute_coverage",))


def personal_data_elsewhere(sheet: Sheet) -> Finding | None:
    """C11 and C16: the same, which is not what they ask."""
    found = people(sheet)
    return found and Finding(found.text, found.statistics, is_aside=True)


def subpopulations(sheet: Sheet) -> Finding | None:
    """C14: languages and countries, as proxies."""
    n_languages = sum(row["language"] is not None for row in sheet.rows("languages"))
    rows = [row for row in sheet.rows("suffixes") if len((row["suffix"] or "").rpartition(".")[2]) == _COUNTRY]
    if not n_languages and not rows:
        return None
    text = f"No group of people was looked for. As proxies: {count(n_languages)} languages are stated (see C2)"
    if not rows:
        return Finding(f"{text}.", ("languages",), is_aside=True)
    headings = {"suffix": "Suffix", "n_docs": "Documents", "n_bytes": "Bytes", "byte_share": "Share of bytes"}
    text += f"; of URLs, suffixes of countries:\n\n{table(sheet, 'suffixes', headings, rows[:10])}"
    return Finding(text, ("languages", "suffixes"), is_aside=True)
