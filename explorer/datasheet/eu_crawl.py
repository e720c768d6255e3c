"""Section 2.3 of the EU's public summary: what the provider crawled, when, and from which domains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from explorer.datasheet.eu_domains import MAX_DOMAINS, OWN_DOMAINS, list_arguments
from explorer.datasheet.eu_facts import MAX_ROWS, Column, Facts, Found, Source, Table, declared, language_tables
from explorer.datasheet.eu_sources import ORIGINS, described, each_of, names_of, period_of
from explorer.units import format_value


def _crawl_period(facts: Facts) -> Found:
    chosen = facts.of_class("own_crawl")
    if not chosen:
        return Found(status="missing")
    begin, end = period_of(facts, chosen)
    states = {facts.collected(source)[2] for source in chosen}
    sources = declared("sources.*.collected_from", "sources.*.collected_to")
    if "measured" in states:
        sources = (*sources, facts.measured("date_range"), facts.measured("date_coverage"))
    silent = [source for source in chosen if not all(facts.collected(source)[:2])]
    if silent:
        return Found(
            status="missing", sources=sources, lacks=(f"No dates of collection are known of: {names_of(silent)}.",)
        )
    return Found(f"From {begin} to {end}", "measured" if states == {"measured"} else "declared", sources)


def _crawl_content(facts: Facts) -> Found:
    chosen = facts.of_class("own_crawl")
    if not chosen:
        return Found(status="missing")
    sources = (*ORIGINS, *declared("sources.*.document_type"), facts.measured("composition"))
    found = described(facts, chosen, sources)
    names = [source.name for source in chosen]
    if not facts.languages(names)[0]:
        return found
    return Found(
        found.value,
        found.status,
        (*found.sources, facts.measured("languages_by_source")),
        found.notes,
        (*found.tables, *language_tables(facts, names)),
        found.lacks,
    )


DOMAIN_COLUMNS = (
    Column("Rank", "count"),
    Column("Domain", "name"),
    Column("Documents", "docs"),
    Column("Bytes", "bytes"),
    Column("Tokens", "tokens"),
    Column("Share of bytes with a domain", "share"),
    Column("Cumulative share", "share"),
)
DOMAIN_KEYS = ("place", "domain", "n_docs", "n_bytes", "n_tokens", "byte_share", "cumulative_byte_share")


def domain_table(title: str, rows: Sequence[Mapping[str, object]], most: int) -> Table:
    return Table(title, DOMAIN_COLUMNS, tuple(tuple(row[key] for key in DOMAIN_KEYS) for row in rows[:most]))


def _domains(facts: Facts) -> Found:
    chosen = facts.of_class("own_crawl")
    rows = facts.sheet.tables.get(OWN_DOMAINS, ())
    arguments = list_arguments([source.name for source in chosen], facts.sheet.declared, MAX_DOMAINS)
    sources = (facts.measured("domain_list", **arguments), facts.measured("url_coverage"))
    if not chosen:
        return Found(status="missing")
    if OWN_DOMAINS not in facts.sheet.tables:
        return Found(status="missing", sources=sources, lacks=("The list of domains is not in this sheet.",))
    if not rows:
        lack = "No document of the own crawl has a URL that names a host, so that no domain is known."
        return Found(status="missing", sources=sources, lacks=(lack,))
    n_domains, n_listed, is_sme = rows[0]["n_domains"], rows[0]["n_listed"], facts.provider.is_sme == "yes"
    rule = (
        "top 5 % of all domain names, at most 1,000 (small or medium enterprise)"
        if is_sme
        else ("top 10 % of all domain names")
    )
    value = (
        f"{format_value(n_listed, 'count')} of {format_value(n_domains, 'count')} domain names: the {rule}, by bytes "
        f"of text. They hold {format_value(rows[len(rows) - 1]['cumulative_byte_share'], 'share')} of the bytes that "
        "have a domain. The whole list is the file top_domains.csv."
    )
    notes = [
        "A domain is the public suffix and one label more (example.com, example.co.uk), in punycode; an IP address or "
        "a local name stands for itself."
    ]
    if not facts.provider.is_sme:
        notes.append("provider.is_sme is not declared: this is the longer list, which suffices either way.")
    n_without = _without_domain(facts, chosen)
    if n_without:
        notes.append(f"{format_value(n_without, 'docs')} documents of the own crawl have no URL that names a host.")
    lacks = (f"The list ends after {len(rows):,} domains.",) if len(rows) < n_listed else ()
    table = domain_table("The largest domains", rows, MAX_ROWS)
    return Found(value, "measured", sources, tuple(notes), (table,), lacks)


def _without_domain(facts: Facts, chosen: Sequence[Source]) -> int:
    coverage = {row["source"]: row for row in facts.sheet.rows("url_coverage")}
    rows = [coverage[source.name] for source in chosen if source.name in coverage]
    return sum(row["n_without_url"] + row["n_without_host"] for row in rows)


CRAWL: Mapping[str, Callable[[Facts], Found]] = {
    "eu_2_3_crawlers": partial(each_of, "crawler", lambda source: source.origin.crawler, "own_crawl"),
    "eu_2_3_behaviour": partial(each_of, "crawl_behaviour", lambda source: source.origin.crawl_behaviour, "own_crawl"),
    "eu_2_3_period": _crawl_period,
    "eu_2_3_content": _crawl_content,
    "eu_2_3_domains": _domains,
}
