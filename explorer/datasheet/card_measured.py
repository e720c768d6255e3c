"""The measured sections of a dataset card: composition, languages, domains, lengths, duplicates, filters, time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from explorer.datasheet.card_parts import Row, Section, Shown, bars, table
from explorer.datasheet.sheet import Sheet
from explorer.datasheet.vocabulary import language_code
from explorer.escape import code_span, markdown
from explorer.units import format_value

MAX_SOURCES = 50
MAX_ROWS = 20
_EU = frozenset({
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr", "hu", "it", "lt", "lv", "mt", "nl", "pl",
    "pt", "ro", "sk", "sl", "sv",
})  # fmt: skip
_ADDED = ("n_docs", "n_bytes", "n_words", "n_tokens", "doc_share", "byte_share", "word_share", "token_share")


def share(value: float | None) -> str:
    return format_value(value, "share")


def composition(sheet: Sheet) -> Section:
    medians = {
        row["source"]: row["p50_approx"] for row in sheet.rows("length_quantiles") if row["weighted_by"] == "docs"
    }
    rows = []
    for row in sheet.rows("composition"):
        note, origin = sheet.config.sources.get(row["source"]), sheet.declared.origins.get(row["source"])
        collected = [text for text in (origin.collected_from, origin.collected_to) if text] if origin else []
        places = [note.origin if note else "", *((origin.url, origin.version) if origin else ())]
        rows.append(
            {
                **row,
                "median_bytes": medians.get(row["source"]),
                "licence": note.licence if note else "",
                "origin": " ".join(dict.fromkeys(text for text in places if text)),
                "origin_class": origin.origin_class.replace("_", " ") if origin else "",
                "collected": " to ".join(collected),
            }
        )
    columns = (
        Shown("source", "Source", "name"),
        Shown("title", "Title", "name"),
        Shown("document_type", "Type", "name"),
        Shown("n_docs", "Documents", "docs"),
        Shown("n_bytes", "Bytes", "bytes"),
        Shown("n_words", "Words", "words"),
        Shown("n_tokens", "Tokens", "tokens"),
        Shown("byte_share", "Share of bytes", "share"),
        Shown("mean_bytes", "Mean bytes", "length"),
        Shown("median_bytes", "Median bytes, estimated", "length"),
        Shown("licence", "Licence", "name"),
        Shown("origin_class", "Origin", "name"),
        Shown("origin", "From", "name"),
        Shown("collected", "Collected", "name"),
    )
    for row in rows:
        row["mean_bytes"] = None if row["mean_bytes"] is None else round(row["mean_bytes"])
    blocks = [table(columns, _with_rest(rows, MAX_SOURCES, "source", "other sources"))]
    unlicensed = [row["source"] for row in rows if not row["licence"]]
    unknown = [row["source"] for row in rows if not row["origin_class"] and not row["origin"]]
    blocks += _missing("licence", unlicensed, len(rows)) + _missing("origin", unknown, len(rows))
    names = ["composition", "length_quantiles"]
    if stated := [row for row in sheet.rows("licences") if row["licence"] is not None]:
        names.append("licences")
        blocks.append("Licences that the documents state themselves:")
        licences = (Shown("licence", "Licence", "name"), *_counts())
        blocks.append(table(licences, _with_rest(stated, MAX_ROWS, "licence", "other licences")))
    return Section("Composition by source", tuple(blocks), tuple(names), ("composition",))


def _missing(what: str, sources: Sequence[str], n_all: int) -> list[str]:
    if not sources:
        return []
    some = ", ".join(markdown(source) for source in sources[:MAX_ROWS])
    named = "every source" if len(sources) == n_all else some + (" and others" if len(sources) > MAX_ROWS else "")
    return [f"No {what} is declared for {named}."]


def _with_rest(rows: Sequence[Row], most: int, name: str, label: str) -> list[Row]:
    """The first rows, and one that adds up the others; values that cannot be added stay empty."""
    if len(rows) <= most:
        return list(rows)
    rest = rows[most:]
    summed: dict[str, Any] = dict.fromkeys(rows[0])
    for key in _ADDED:
        values = [row[key] for row in rest if row.get(key) is not None]
        if key in summed and values:
            summed[key] = sum(values)
    return [*rows[:most], {**summed, name: f"({len(rest):,} {label})"}]


def _counts() -> tuple[Shown, ...]:
    return (
        Shown("n_docs", "Documents", "docs"),
        Shown("n_bytes", "Bytes", "bytes"),
        Shown("n_tokens", "Tokens", "tokens"),
        Shown("doc_share", "Share of documents", "share"),
        Shown("byte_share", "Share of bytes", "share"),
    )


def languages(sheet: Sheet) -> Section:
    stated = [row for row in sheet.rows("languages") if row["language"] is not None]
    without = [row for row in sheet.rows("languages") if row["language"] is None]
    if not stated:
        text = "No document states a language, and no detector's attribute is named in corpus.toml: not known."
        return Section("Languages", (text,), ("languages",))
    rows = [{**row, "eu": "yes" if language_code(str(row["language"])) in _EU else ""} for row in stated]
    columns = (Shown("language", "Language", "name"), Shown("eu", "Official in the EU", "name"), *_counts())
    how = "As the rows state it."
    if place := sheet.config.columns.get("language"):
        how = f"As {code_span(place)} has it."
    missing = without[0]["doc_share"] if without else 0
    coverage = f"{share(missing)} of the documents state none." if missing else "Every document states one."
    return Section(
        "Languages",
        (f"{how} {coverage}", table(columns, _with_rest(rows, MAX_ROWS, "language", "other languages"))),
        ("languages",),
        ("languages",),
    )


def domains(sheet: Sheet) -> Section:
    rows = sheet.rows("domains")
    coverage = sheet.rows("url_coverage")
    n_docs = sum(row["n_docs"] for row in coverage)
    n_hosts = sum(row["n_docs"] - row["n_without_url"] - row["n_without_host"] for row in coverage)
    if not rows:
        return Section("Domains", ("No document has a URL with a host.",), ("url_coverage",))
    lead = (
        f"{share(n_hosts / n_docs)} of the documents have a URL that names a host. How concentrated they are is "
        "measured among the documents with a domain; all other shares are of the whole corpus."
    )
    concentration = [row for row in sheet.rows("domain_concentration") if row["source"] is None]
    columns = (
        Shown("weighted_by", "Measured in", "name"),
        Shown("n_domains", "Registered domains", "count"),
        Shown("top_10_share", "Share of the largest 10", "share"),
        Shown("top_100_share", "of the largest 100", "share"),
        Shown("top_1000_share", "of the largest 1,000", "share"),
        Shown("gini", "Gini", "ratio"),
        Shown("hhi", "Herfindahl-Hirschman", "ratio"),
    )
    blocks = [lead, table(columns, concentration), f"The {min(MAX_ROWS, len(rows))} largest domains:"]
    blocks.append(table((Shown("domain", "Domain", "name"), *_counts()), rows[:MAX_ROWS]))
    names = ["url_coverage", "domain_concentration", "domains"]
    if suffixes := sheet.rows("suffixes"):
        names.append("suffixes")
        top = ", ".join(
            f"{'none' if row['suffix'] is None else code_span(row['suffix'])} {share(row['doc_share'])}"
            for row in suffixes[:10]
        )
        blocks.append(f"The largest public suffixes, each with its share of the documents that have a host: {top}.")
    return Section("Domains", tuple(blocks), tuple(names), ("domains",))


def lengths(sheet: Sheet) -> Section:
    rows = [row for row in sheet.rows("length_quantiles") if row["source"] is None]
    columns = (
        Shown("weighted_by", "Weighted by", "name"),
        Shown("smallest", "Shortest", "length"),
        *(Shown(f"p{p}_approx", f"{int(p)} %, estimated", "length") for p in ("05", "25", "50", "75", "95", "99")),
        Shown("largest", "Longest", "length"),
        Shown("mean", "Mean", "mean"),
    )
    powers: Counter[int] = Counter()
    for row in sheet.rows("length_histogram"):
        powers[int(row["bin_start"]).bit_length()] += row["n_docs"]
    steps = [(_power(power), powers[power]) for power in range(min(powers, default=0), max(powers, default=-1) + 1)]
    blocks = ["UTF-8 bytes of a document's text.", table(columns, rows), "Documents by length:", bars(steps)]
    return Section("Lengths", tuple(blocks), ("length_quantiles", "length_histogram"), ("length_histogram",))


def _power(bits: int) -> str:
    return f"{1 << (bits - 1):,} to {(1 << bits) - 1:,}" if bits > 1 else ("1" if bits else "0")


def duplicates(sheet: Sheet) -> Section:
    rows = [row for row in sheet.rows("duplicates") if row["source"] is None]
    if not rows:
        return Section("Duplicates and overlap", ("Not looked for: the build was told not to.",), ())
    columns = (
        Shown("key_kind", "Equal by", "name"),
        Shown("n_docs", "Documents with a key", "docs"),
        Shown("n_clusters", "Keys with copies", "count"),
        Shown("n_cluster_docs", "Documents in clusters", "docs"),
        Shown("cluster_doc_share", "Share", "share"),
        Shown("n_removable_docs", "Copies after the first", "docs"),
        Shown("removable_doc_share", "Share of documents", "share"),
        Shown("removable_byte_share", "Share of bytes", "share"),
    )
    found = {row["key_kind"] for row in rows}
    blocks = [
        "Copies are counted in the whole corpus, not in each source or file by itself. Of kind paragraph, a document "
        "counts when it has a paragraph that occurs more than once.",
        table(columns, rows),
    ]
    if search := sheet.rows("near_search"):
        one = search[0]
        blocks.append(
            f"Near-duplicates: Jaccard similarity from {one['threshold']:g} on of sets of 5 words, MinHash of 128 "
            f"numbers in {one['n_bands']} bands of {one['n_band_rows']}; {one['n_candidate_pairs']:,} pairs compared, "
            f"{one['n_pairs']:,} alike."
        )
    elif "near" not in found:
        blocks.append("Near-duplicates were not looked for.")
    names = ["duplicates", "near_search"]
    if repetition := [row for row in sheet.rows("paragraph_repetition") if row["source"] is None]:
        names.append("paragraph_repetition")
        one = repetition[0]
        blocks.append(
            f"Paragraphs: {share(one['repeated_share'])} of all {one['n_copies']:,} occur more than once; "
            f"{share(one['removable_byte_share'])} of the bytes of paragraphs would go if one of each stayed."
        )
    pairs = sorted(
        (row for row in sheet.rows("overlap") if row["source_a"] != row["source_b"] and row["n_keys"]),
        key=lambda row: (-(row["doc_share"] or 0), row["source_a"], row["source_b"]),
    )
    n_sources = len({row["source_a"] for row in sheet.rows("overlap")})
    if n_sources > 1:
        names.append("overlap")
        sharing = len({frozenset((row["source_a"], row["source_b"])) for row in pairs})
        of = n_sources * (n_sources - 1) // 2
        blocks.append(f"Equal texts in two sources: {sharing:,} of {of:,} pairs of sources share any.")
        shared = (
            Shown("source_a", "Of the documents in", "name"),
            Shown("doc_share", "this share", "share"),
            Shown("n_docs", "(documents)", "docs"),
            Shown("n_bytes", "(bytes)", "bytes"),
            Shown("source_b", "is also in", "name"),
        )
        blocks += [table(shared, pairs[:MAX_ROWS])] if pairs else []
    steps = [row for row in sheet.rows("duplicate_waterfall") if row["source"] is None]
    if steps:
        names.append("duplicate_waterfall")
        going = (
            Shown("step", "Step", "name"),
            Shown("n_docs_removed", "Documents removed", "docs"),
            Shown("n_docs_left", "left", "docs"),
            Shown("n_bytes_removed", "Bytes removed", "bytes"),
            Shown("n_bytes_left", "left", "bytes"),
            Shown("bytes_left_share", "Share of bytes left", "share"),
        )
        blocks += ["What would go if copies were removed step by step (none are removed here):", table(going, steps)]
    return Section("Duplicates and overlap", tuple(blocks), tuple(names), ("duplicates", "overlap"))


def filters(sheet: Sheet) -> Section:
    totals = sheet.rows("filter_totals")
    if not totals:
        text = "No recipe of filters is in the workspace, so that no impact was measured."
        return Section("Impact of filters", (text,))
    blocks = ["What recipes would remove from the corpus as it is; nothing was removed from it here."]
    columns = (
        Shown("recipe", "Recipe", "name"),
        Shown("n_docs", "Documents", "docs"),
        Shown("n_kept_docs", "Kept", "docs"),
        Shown("kept_doc_share", "Share of documents", "share"),
        Shown("kept_byte_share", "of bytes", "share"),
        Shown("kept_token_share", "of tokens", "share"),
        Shown("estimate", "Exactness", "name"),
    )
    blocks.append(table(columns, [{**r, "estimate": "estimated" if r["is_estimate"] else "exact"} for r in totals]))
    rules = (
        Shown("rule", "Rule", "name"),
        Shown("removed_alone", "Removes alone", "docs"),
        Shown("alone_share", "Share", "share"),
        Shown("removed_uniquely", "Only it removes", "docs"),
        Shown("removed_in_order", "In its place of the order", "docs"),
        Shown("shapley_share", "Shapley share of what goes", "share"),
    )
    sources = (
        Shown("source", "Source", "name"),
        Shown("n_docs", "Documents", "docs"),
        Shown("n_kept_docs", "Kept", "docs"),
        Shown("removed_doc_share", "Removed share of documents", "share"),
        Shown("removed_byte_share", "of bytes", "share"),
        Shown("worst_rule", "Rule that takes most", "name"),
    )
    for total in totals:
        its = [row for row in sheet.rows("filter_rules") if row["recipe"] == total["recipe"]]
        by_source = [row for row in sheet.rows("filter_sources") if row["recipe"] == total["recipe"]]
        blocks.append(f"Recipe {code_span(total['recipe'])}, documents by rule and by source:")
        blocks.append(table(rules, its[: 2 * MAX_ROWS]))
        blocks.append(table(sources, sorted(by_source, key=_most_removed)[:MAX_ROWS]))
    names = ("filter_totals", "filter_rules", "filter_sources")
    return Section("Impact of filters", tuple(blocks), names, ("filter_waterfall", "filter_sources"))


def _most_removed(row: Row) -> tuple[float, str]:
    return (-(row["removed_doc_share"] or 0), row["source"])


def time(sheet: Sheet) -> Section:
    coverage = sheet.rows("date_coverage")
    n_docs, n_dated = (sum(row[key] for row in coverage) for key in ("n_docs", "n_dated"))
    if not n_dated:
        return Section("Time", ("No document has a readable date of creation.",), ("date_coverage",))
    ranges = [row for row in sheet.rows("date_range") if row["n_dated"] or row["first_added"]]
    columns = (
        Shown("source", "Source", "name"),
        Shown("n_dated", "Dated documents", "docs"),
        Shown("first_created", "First", "name"),
        Shown("median_created", "Median", "name"),
        Shown("last_created", "Last", "name"),
        Shown("first_added", "Acquired from", "name"),
        Shown("last_added", "to", "name"),
    )
    rows = [{**row, "source": "(all)" if row["source"] is None else row["source"]} for row in ranges]
    blocks = [
        f"{share(n_dated / n_docs)} of the documents have a readable date of creation; texts may be older than it.",
        table(columns, rows[: MAX_SOURCES + 1]),
        "Documents by year of creation:",
        bars(_years(sheet.rows("documents_over_time"))),
    ]
    names = ("date_coverage", "date_range", "documents_over_time")
    return Section("Time", tuple(blocks), names, ("documents_over_time",))


def _years(rows: Iterable[Row], most: int = 30) -> list[tuple[str, int]]:
    """Documents by year; the earliest together where there are many years."""
    years: Counter[str] = Counter()
    for row in rows:
        years[str(row["period"])[:4]] += row["n_docs"]
    counted = sorted(years.items())
    if len(counted) <= most:
        return counted
    early = counted[:-most]
    return [(f"{early[0][0]} to {early[-1][0]}", sum(count for _, count in early)), *counted[-most:]]
