"""The sheet as one small HTML page: alerts, what is in the corpus at a glance, charts, tables, where each comes from.

No script, no network, no image but drawings inside the page: a Content-Security-Policy forbids them. Every text is
escaped. The charts stand there twice, for wide and for narrow windows, in the colours of the theme.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from explorer.datasheet.charts import CHARTS, chart_svg
from explorer.datasheet.page_style import style_sheet
from explorer.datasheet.sheet import Sheet
from explorer.datasheet.svg import clean
from explorer.plots import column_title
from explorer.statistic import load_statistics
from explorer.units import UNITS, format_value

MAX_ROWS, MAX_COLUMNS = 10, 10  # of a table; stats.json has them all
LONG = 240  # characters of a definition
MAX_NAME = 120  # characters of a value in a table
NARROW_WIDTH = 372
# What the page shows, in its order; tables with texts of documents are not among it.
SECTIONS: Mapping[str, Sequence[str]] = {
    "Sources": ("composition", "document_types", "licences"),
    "Languages": ("languages", "languages_by_source"),
    "Domains": ("url_coverage", "domains", "suffixes", "domain_concentration"),
    "Lengths": ("length_histogram", "length_quantiles"),
    "Time": ("documents_over_time", "date_coverage", "date_range"),
    "Duplicates": ("duplicates", "duplicate_waterfall", "overlap", "paragraph_repetition", "near_search"),
    "Filters": ("filter_totals", "filter_waterfall", "filter_rules", "filter_sources", "filter_intersections"),
    "Attributes": ("attribute_sets", "attribute_coverage"),
    "Integrity": ("checks",),
}
# Charts that say all that their first rows would say.
_DRAWN_ONLY = frozenset({"languages_by_source", "length_histogram", "documents_over_time", "overlap"})
_NULLS = {"source": "all"}  # every document has a source: a row without one is about all of them
# by unit or by its style: numbers to the right, dates in one piece, room for sentences
_CLASSES = {
    "name": "",
    "text": ' class="x"',
    "integer": ' class="n"',
    "share": ' class="n"',
    "decimal": ' class="n"',
    "date": ' class="d"',
}
FILES: Mapping[str, str] = {
    "README.md": "the card",
    "DATASHEET.md": "the questions of Datasheets for Datasets",
    "STATISTICS.md": "every statistic with its definition",
    "stats.json": "every number, for programs",
    "stats.schema.json": "what stats.json looks like",
    "croissant.json": "metadata for loaders",
    "shards.csv": "the data files",
    "eu/public_summary.md": "the EU's public summary of training content",
}


def render_page(sheet: Sheet) -> dict[str, str | bytes]:
    """`datasheet.html`."""
    style = style_sheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    name = sheet.declared.card.pretty_name or sheet.facts.get("name") or "Unnamed corpus"
    sections = {title: "".join(_statistic(sheet, one) for one in names) for title, names in SECTIONS.items()}
    sections = {title: body for title, body in sections.items() if body}
    body = [
        *_header(sheet, name),
        _contents(sections),
        _alerts(sheet),
        _glance(sheet),
        *(f'<section id="in-{title.lower()}"><h2>{title}</h2>{body}</section>' for title, body in sections.items()),
        _footer(sheet),
    ]
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>Datasheet: {clean(name)}</title><style>{style}</style>'
    )
    text = "\n".join(body)
    return {"datasheet.html": f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{text}\n</body></html>\n'}


def _header(sheet: Sheet, name: str) -> Iterator[str]:
    facts = sheet.facts
    yield f"<header><h1>{clean(name)}</h1>"
    if description := facts.get("description"):
        yield f"<p>{clean(description)}</p>"
    shown = {
        "Version": facts.get("version"),
        "Licence": facts.get("licence"),
        "Published": sheet.declared.card.date,
        "Tokenizer": facts.get("tokenizer"),
    }
    told = " · ".join(f"{key}: {clean(value) if value else '<i>not stated</i>'}" for key, value in shown.items())
    yield f'<p class="m">{told}</p></header>'


def _contents(sections: Mapping[str, str]) -> str:
    links = " ".join(f'<a href="#in-{title.lower()}">{title}</a>' for title in sections)
    return f'<nav aria-label="Sections">{links} <a href="#in-files">Files</a></nav>'


def _alerts(sheet: Sheet) -> str:
    alerts = sheet.rows("alerts")
    items = []
    for alert in alerts:
        unit = str(alert.get("value_kind") or "number")
        found, limit = (format_value(alert[key], unit if unit in UNITS else "number") for key in ("value", "threshold"))
        told = f"{clean(alert['message'][:1].upper())}{clean(alert['message'][1:])}"
        numbers = f"Found {clean(found)}, threshold {clean(limit)}."
        items.append(f'<li><b>{clean(alert["severity"])}</b> {told} <span class="m">{numbers}</span></li>')
    listed = f"<ul>{''.join(items)}</ul>" if items else "<p>None: no number is beyond its threshold.</p>"
    more = (alerts[0].get("n_alerts") or 0) - len(alerts) if alerts else 0
    listed += f"<p>{more} more of less weight are not listed.</p>" if more > 0 else ""
    provenance = _provenance(sheet, "alerts") if "alerts" in sheet.stats["statistics"] else ""
    return f'<section id="in-alerts"><h2>Alerts</h2>{listed}{provenance}</section>'


def _glance(sheet: Sheet) -> str:
    rows = sheet.rows("totals")
    if not rows:
        return ""
    columns = [column for column in sheet.entry("totals")["columns"] if rows[0][column["name"]] is not None]
    items = "".join(
        f"<div><dt>{clean(column_title(c['name']))}</dt><dd>{_value(rows[0][c['name']], c['unit'])}</dd></div>"
        for c in columns
    )
    provenance = _provenance(sheet, "totals")
    return f'<section id="in-glance"><h2>At a glance</h2><dl>{items}</dl>{provenance}</section>'


def _statistic(sheet: Sheet, name: str) -> str:
    """Title, definition, chart, table and provenance of one statistic; nothing where it has no rows."""
    if not sheet.rows(name):
        return ""
    entry = sheet.entry(name)
    parts = [f'<article id="{name}"><h3>{clean(entry["title"])}</h3>{_definition(entry["definition"])}']
    wide = chart_svg(sheet, name, is_bare=True) if name in CHARTS else None
    if wide is not None:
        narrow = chart_svg(sheet, name, NARROW_WIDTH, is_bare=True) or ""
        parts.append(f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div></figure>')
    if name not in _DRAWN_ONLY or wide is None:
        parts.append(_table(sheet, name))
    return "".join([*parts, _provenance(sheet, name), "</article>"])


def _definition(text: str) -> str:
    """A long one is folded after its first sentence."""
    first, stop, rest = text.partition(". ")
    if len(text) <= LONG or not rest:
        return f'<p class="m">{clean(text)}</p>'
    return f'<details class="m"><summary>{clean(first + stop)}</summary><p>{clean(rest)}</p></details>'


def _table(sheet: Sheet, name: str) -> str:
    rows = sheet.rows(name)
    filled = [c for c in sheet.entry(name)["columns"] if any(row[c["name"]] is not None for row in rows)]
    columns = filled[:MAX_COLUMNS]
    kinds = [_CLASSES.get(column["unit"], _CLASSES.get(UNITS[column["unit"]].style, "")) for column in columns]
    known = load_statistics().get(name)
    nulls = {c.name: c.null or _NULLS.get(c.name, "none") for c in known.columns if c.unit == "name"} if known else {}
    heads = "".join(
        f'<th scope="col"{kind} title="{clean(c["definition"])}">{clean(column_title(c["name"]))}</th>'
        for c, kind in zip(columns, kinds, strict=True)
    )
    lines = [
        "".join(
            f"<td{kind}>{_value(row[c['name']], c['unit'], nulls.get(c['name'], ''))}</td>"
            for c, kind in zip(columns, kinds, strict=True)
        )
        for row in rows[:MAX_ROWS]
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    sizes = (len(rows), MAX_ROWS, "rows"), (len(filled), MAX_COLUMNS, "columns")
    cuts = " and ".join(f"the first {most} of {n:,} {what}" for n, most, what in sizes if n > most)
    more = f'<p class="m">Here are {cuts}; <a href="stats.json">stats.json</a> has them all.</p>' if cuts else ""
    label = clean(sheet.entry(name)["title"])
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">{table}</div>{more}'


def _value(value: Any, unit: str, null: str = "") -> str:
    text = f"({null})" if value is None and null else format_value(value, unit)
    return clean(f"{text[: MAX_NAME - 1]}…" if len(text) > MAX_NAME else text)


def _provenance(sheet: Sheet, name: str) -> str:
    """Statistic with its parameters, hash of its SQL, exact or estimated, and how far."""
    entry = sheet.entry(name)
    arguments = ", ".join(f"{key} := {value!r}" for key, value in entry["parameters"].items())
    exact = "exact" if entry["is_exact"] else f"<b>estimated</b>: {clean(entry['error'] or '')}"
    call = f"<code>from {clean(name)}({clean(arguments)})</code>"
    return f'<p class="source">{call} · SQL <code>{clean(entry["sql_hash"])}</code> · {exact}</p>'


def _footer(sheet: Sheet) -> str:
    facts = sheet.facts
    links = "".join(f'<li><a href="{path}">{path}</a>: {told}</li>' for path, told in FILES.items())
    made = f"corpus-explorer {facts.get('explorer_version')}, DuckDB {facts.get('duckdb_version')}"
    fingerprint = clean(facts.get("fingerprint") or "not stated")
    return (
        f'<section id="in-files"><h2>Files</h2><ul>{links}</ul>'
        f'<p class="m">Fingerprint of the documents: <code>{fingerprint}</code>. Made with {clean(made)}.</p></section>'
    )
