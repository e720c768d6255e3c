"""What is measured of the questions about collection, cleaning, uses and distribution: K, P, U, D."""

from __future__ import annotations

from collections import Counter

from explorer.datasheet.findings import LISTED, Finding, count, percent, share, table, total
from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, markdown


def inferred(sheet: Sheet) -> Finding | None:
    """K1: what was inferred by taggers rather than observed."""
    if not (rows := sheet.rows("attribute_list")):
        return None
    taggers = sorted(Counter(row["tagger"] for row in rows).items())
    lines = ["The texts are as the shards have them. Numbers of attributes that taggers derived from them:", ""]
    lines += [f"- {code_span(name)}: {count(n)}" for name, n in taggers[:LISTED]]
    if len(taggers) > LISTED:
        lines.append(f"- and {count(len(taggers) - LISTED)} more taggers")
    return Finding("\n".join(lines), ("attribute_list",))


def timeframe(sheet: Sheet) -> Finding | None:
    """K5: when content was made and when it was acquired."""
    rows = [row for row in sheet.rows("date_range") if row["n_dated"] or row["first_added"]]
    if not rows:
        return None
    n_docs, n_dated = (total(sheet.rows("date_coverage"), name) for name in ("n_docs", "n_dated"))
    headings = {
        "source": "Source",
        "n_dated": "Documents with a date",
        "first_created": "First made",
        "p05_created": "5 %",
        "median_created": "Median",
        "p95_created": "95 %",
        "last_created": "Last made",
        "first_added": "First acquired",
        "last_added": "Last acquired",
    }
    text = f"{count(n_dated)} documents ({percent(n_dated, n_docs)}) have a date of creation."
    named = [{**row, "source": row["source"] if row["source"] is not None else "all"} for row in rows]
    return Finding(f"{text}\n\n{table(sheet, 'date_range', headings, named)}", ("date_range", "date_coverage"))


def origins(sheet: Sheet) -> Finding | None:
    """K8: how much comes from which class of origin, where corpus.toml states one."""
    classes = {source: origin.origin_class for source, origin in sheet.declared.origins.items() if origin.origin_class}
    rows = sheet.rows("composition")
    if not classes or not rows:
        return None
    n_bytes: Counter[str] = Counter()
    for row in rows:
        n_bytes[classes.get(row["source"], "not stated")] += row["n_bytes"]
    lines = ["By class of origin, as corpus.toml states it for each source:", ""]
    lines += [
        f"- {markdown(name.replace('_', ' '))}: {count(n)} bytes ({percent(n, n_bytes.total())})"
        for name, n in sorted(n_bytes.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Finding("\n".join(lines), ("composition",))


def opted_out(sheet: Sheet) -> Finding | None:
    """K10: what rules for reservations of rights take."""
    rows = [row for row in sheet.rows("filter_rules") if sheet.declared.purposes.get(row["rule"]) == "opt_out"]
    if not rows:
        return None
    headings = {"recipe": "Recipe", "rule": "Rule", "removed_alone": "Documents that it hits", "alone_share": "Share"}
    text = "Rules that corpus.toml says are there for reservations of rights (opt-outs):"
    return Finding(f"{text}\n\n{table(sheet, 'filter_rules', headings, rows)}", ("filter_rules",), is_aside=True)


def cleaning(sheet: Sheet) -> Finding | None:
    """P1: what each rule of the recipes takes."""
    totals = sheet.rows("filter_totals")
    if not totals:
        return None
    text = (
        "Recipes of filters on the corpus as it stands. Whether they were applied before, to make it, only its makers "
        "can say.\n\n"
    )
    headings = {
        "recipe": "Recipe",
        "n_docs": "Documents",
        "n_kept_docs": "Kept",
        "kept_doc_share": "Share of documents",
        "kept_byte_share": "Share of bytes",
        "kept_token_share": "Share of tokens",
        "is_estimate": "Estimated",
    }
    text += table(sheet, "filter_totals", headings)
    statistics = ["filter_totals"]
    if rows := sheet.rows("filter_rules"):
        headings = {
            "recipe": "Recipe",
            "place": "Place",
            "rule": "Rule",
            "removed_alone": "Removes alone",
            "removed_in_order": "In order",
            "removed_uniquely": "Only it",
            "shapley_share": "Share of all that is removed",
        }
        text += f"\n\nDocuments that each rule removes:\n\n{table(sheet, 'filter_rules', headings, rows)}"
        stated = [(row["rule"], sheet.declared.purposes.get(row["rule"], "")) for row in rows[:LISTED]]
        named = dict.fromkeys(f"{code_span(rule)}: {markdown(why.replace('_', ' '))}" for rule, why in stated if why)
        text += f"\n\nPurposes, as corpus.toml states them: {'; '.join(named)}." if named else ""
        statistics.append("filter_rules")
    if rows := sheet.rows("filter_spans"):
        headings = {
            "recipe": "Recipe",
            "span_rule": "Rule for spans",
            "n_docs": "Kept documents",
            "n_spans": "Spans",
            "n_chars_alone": "Characters in them",
            "taken_share": "Share of characters",
        }
        text += (
            f"\n\nWhat is replaced within documents that are kept:\n\n{table(sheet, 'filter_spans', headings, rows)}"
        )
        statistics.append("filter_spans")
    return Finding(text, tuple(statistics))


def deduplicated(sheet: Sheet) -> Finding | None:
    """P1: what removing copies would leave; a corpus that was deduplicated loses next to nothing."""
    row = next((row for row in sheet.rows("deduplicated_mix") if row["source"] is None), None)
    if row is None:
        return None
    text = (
        f"Removing exact copies of whole texts would now take {share(row['removed_doc_share'])} of the documents and "
        f"{share(row['removed_byte_share'])} of the bytes."
    )
    return Finding(text, ("deduplicated_mix",))


def alerted(sheet: Sheet) -> Finding | None:
    """U4: the alerts, which stand at the top."""
    rows = sheet.rows("alerts")
    if not rows:
        return (
            Finding("No alert: nothing that was measured is beyond its threshold.", ("alerts",))
            if sheet.rows("totals")
            else None
        )
    kinds = ", ".join(dict.fromkeys(markdown(row["kind"]) for row in rows))
    return Finding(f"{count(len(rows))} alerts, listed at the top: {kinds}.", ("alerts",))


def shipped(sheet: Sheet) -> Finding | None:
    """D2: the files beside the card, else the shards that were read."""
    if sheet.files:
        n_bytes, n_rows = sum(f.n_bytes for f in sheet.files), sum(f.n_rows for f in sheet.files)
        return Finding(
            f"{count(len(sheet.files))} data files of {count(n_bytes)} bytes with {count(n_rows)} rows lie beside this "
            "datasheet; `shards.csv` lists them with their SHA-256."
        )
    if not (rows := sheet.rows("shard_report")):
        return None
    text = (
        f"Read from {count(len(rows))} shards of {count(total(rows, 'n_file_bytes'))} bytes, as they are compressed. "
        "No data files lie beside this datasheet."
    )
    return Finding(text, ("shard_report",))


def licences(sheet: Sheet) -> Finding | None:
    """D4: the licences that documents state."""
    rows = [row for row in sheet.rows("licences") if row["licence"] is not None]
    if not rows:
        return None
    headings = {"licence": "Licence", "n_docs": "Documents", "n_bytes": "Bytes", "byte_share": "Share of bytes"}
    n_docs, n_all = total(rows, "n_docs"), total(sheet.rows("licences"), "n_docs")
    text = f"{count(n_docs)} documents ({percent(n_docs, n_all)}) state a licence of their own:"
    return Finding(f"{text}\n\n{table(sheet, 'licences', headings, rows)}", ("licences",))


def licences_by_source(sheet: Sheet) -> Finding | None:
    """D5: the licences of each source's documents, beside the source's."""
    rows = [row for row in sheet.rows("licences_by_source") if row["licence"] is not None]
    if not rows:
        return None
    headings = {
        "source": "Source",
        "source_licence": "Its licence, as corpus.toml states it",
        "licence": "Licence of its documents",
        "n_docs": "Documents",
        "doc_share": "Share of the source",
    }
    return Finding(table(sheet, "licences_by_source", headings, rows), ("licences_by_source",))
