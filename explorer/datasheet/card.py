"""README.md: the card of a dataset as the Hugging Face Hub shows it, with front matter that its libraries read."""

from __future__ import annotations

from collections.abc import Mapping

from explorer.datasheet import card_measured as measured
from explorer.datasheet.alerts import alerts_markdown
from explorer.datasheet.card_attributes import attributes, columns, personal_data
from explorer.datasheet.card_declared import loading, making, rights, summary
from explorer.datasheet.card_parts import Row, Section, facts_table, prose, rough, size, sources_line
from explorer.datasheet.charts import chart_svg
from explorer.datasheet.data_files import data_warning
from explorer.datasheet.front_matter import front_matter
from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, markdown

README = "README.md"


def render_card(sheet: Sheet) -> Mapping[str, str]:
    """The card. A section that has nothing to say says so in a sentence; one about files that are not there is left
    out."""
    found = [
        at_a_glance(sheet),
        measured.composition(sheet),
        measured.languages(sheet),
        measured.domains(sheet),
        measured.lengths(sheet),
        measured.duplicates(sheet),
        measured.filters(sheet),
        measured.time(sheet),
        attributes(sheet),
        personal_data(sheet),
        columns(sheet),
        loading(sheet),
        summary(sheet),
        rights(sheet),
    ]
    sections = [section for section in found if section.blocks]
    statistics = ["alerts", *(name for section in sections for name in section.statistics)]
    sections.append(making(sheet, statistics))
    blocks = [*_title(sheet), "## Alerts", alerts_markdown(sheet)]
    for section in sections:
        blocks += _section(sheet, section)
    return {README: front_matter(sheet) + "\n" + "\n\n".join(block for block in blocks if block) + "\n"}


def _section(sheet: Sheet, section: Section) -> list[str]:
    entries = {name: sheet.entry(name) for name in section.charts if chart_svg(sheet, name) is not None}
    charts = [f"![{markdown(entry['title'])}](charts/{name}.png)" for name, entry in entries.items()]
    return [f"## {section.title}", *section.blocks, *charts, sources_line(sheet, section.statistics)]


def _title(sheet: Sheet) -> list[str]:
    config, card = sheet.config, sheet.declared.card
    totals = sheet.rows("totals")[0]
    name = card.pretty_name or config.name or "A corpus without a name"
    parts = [f"{rough(totals['n_docs'])} documents", f"{size(totals['n_bytes'])} of text"]
    if totals["n_tokens"] is not None:
        parts.append(f"{rough(totals['n_tokens'])} tokens ({totals['tokenizer'] or 'tokenizer not named'})")
    parts.append(f"{totals['n_sources']:,} sources" if totals["n_sources"] != 1 else "1 source")
    if totals["n_languages"]:
        parts.append(f"{totals['n_languages']:,} languages")
    parts.append(config.licence or "licence not declared")
    parts += [f"version {config.version}"] if config.version else []
    parts += [card.date] if card.date else []
    description = prose(config.description) if config.description else "*No description is declared.*"
    return [f"# {markdown(name)}", description, f"**{' · '.join(map(markdown, parts))}**"]


def at_a_glance(sheet: Sheet) -> Section:
    config, card = sheet.config, sheet.declared.card
    totals = sheet.rows("totals")[0]
    missing = "*not declared*"
    tokens = f"{totals['n_tokens']:,}" if totals["n_tokens"] is not None else "not counted"
    named = f" ({code_span(totals['tokenizer'])})" if totals["tokenizer"] and totals["n_tokens"] is not None else ""
    dates = " to ".join(str(totals[key])[:10] for key in ("first_created", "last_created") if totals[key])
    rows = [
        ("Documents", f"{totals['n_docs']:,}"),
        ("Bytes of text (UTF-8)", f"{totals['n_bytes']:,}"),
        ("Words", f"{totals['n_words']:,}"),
        ("Tokens", tokens + named),
        ("Sources", f"{totals['n_sources']:,}"),
        ("Languages that documents state", f"{totals['n_languages']:,}"),
        ("Registered domains", f"{totals['n_domains']:,}"),
        ("Dates of creation", dates or "none"),
        ("Copies of texts", _copies(sheet)),
        *((f"Kept by recipe {code_span(row['recipe'])}", _kept(row)) for row in sheet.rows("filter_totals")),
        ("Data files", _files(sheet)),
        ("Licence of the collection", markdown(config.licence) or missing),
        ("Version", markdown(config.version) or missing),
        ("Published", markdown(card.date) or missing),
        ("Home page", markdown(config.homepage)),
        ("Fingerprint of the documents", code_span(sheet.facts.get("fingerprint", ""))),
    ]
    warning = data_warning(sheet)
    blocks = ([f"> **Warning.** {markdown(warning)}"] if warning else []) + [facts_table(rows)]
    return Section("At a glance", tuple(blocks), ("totals", "duplicates", "filter_totals"))


def _copies(sheet: Sheet) -> str:
    rows = [row for row in sheet.rows("duplicates") if row["source"] is None and row["key_kind"] == "text"]
    if not rows:
        return "not looked for"
    return f"{rows[0]['n_removable_docs']:,} documents ({measured.share(rows[0]['removable_doc_share'])})"


def _kept(row: Row) -> str:
    estimate = ", estimated" if row["is_estimate"] else ""
    return f"{row['n_kept_docs']:,} documents ({measured.share(row['kept_doc_share'])}{estimate})"


def _files(sheet: Sheet) -> str:
    if not sheet.files:
        return "not beside this card"
    return f"{len(sheet.files):,} files, {size(sum(file.n_bytes for file in sheet.files))}"
