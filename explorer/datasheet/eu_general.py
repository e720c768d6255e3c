"""Section 1 of the EU's public summary: provider, model, modalities, size, languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from explorer.datasheet.eu_facts import (
    MAX_ROWS,
    Column,
    Facts,
    Found,
    Table,
    declared,
    language_tables,
    size_class,
    sort_key,
)
from explorer.escape import printable
from explorer.units import format_value


def _text_of(key: str, read: Callable[[Facts], str]) -> Callable[[Facts], Found]:
    """A field that one declared text fills."""

    def fill(facts: Facts) -> Found:
        value = read(facts).strip()
        return Found(value, "declared", declared(key)) if value else Found(status="missing")

    return fill


def _version(facts: Facts) -> Found:
    """That of the summary, which only its provider knows."""
    version = facts.sheet.config.version.strip()
    return Found(status="missing", notes=(f"Known so far: the version of the corpus is {version}",) if version else ())


def _updated(facts: Facts) -> Found:
    date = facts.sheet.declared.card.date
    return Found(status="missing", notes=(f"Known so far: the corpus was published on {date}",) if date else ())


def _provider(facts: Facts) -> Found:
    parts = (facts.provider.name, facts.provider.contact)
    if not all(parts):
        known = tuple(f"Known so far: {part}" for part in parts if part)
        return Found(status="missing", notes=known)
    return Found("\n".join(parts), "declared", declared("provider.name", "provider.contact"))


def _has_text(facts: Facts) -> Found:
    if not facts.n_docs:
        return Found(status="missing", lacks=("The corpus holds no document.",))
    note = f"{format_value(facts.n_docs, 'docs')} documents, {format_value(facts.totals['n_bytes'], 'bytes')} bytes."
    return Found("Yes", "measured", (facts.measured("totals"),), (note,))


def _size(facts: Facts) -> Found:
    """The range of tokens, if they were counted; words are no tokens, and only hint at it."""
    totals, sources = facts.totals, (facts.measured("totals"), facts.measured("checks"))
    n_tokens, n_words = totals.get("n_tokens"), totals.get("n_words") or 0
    words = f"The corpus has {format_value(n_words, 'words')} words."
    if n_tokens is None or not facts.n_docs:
        lack = "No tokens were counted: build with --tokenizer, or name the column of counts in corpus.toml."
        return Found(status="missing", sources=sources, notes=(words,), lacks=(lack,))
    name = totals.get("tokenizer")
    tokenizer = f"of the tokenizer {name}" if name else "of a tokenizer that corpus.toml does not name"
    note = f"{format_value(n_tokens, 'tokens')} tokens {tokenizer}. {words}"
    n_uncounted = facts.n_uncounted_docs
    if n_uncounted and size_class(n_tokens) != size_class(10**13 + 1):  # no more could change the largest range
        lack = (
            f"{format_value(n_uncounted, 'docs')} documents have no number of tokens, so that the sum is too small: "
            "count them all with --tokenizer."
        )
        return Found(status="missing", sources=sources, notes=(note,), lacks=(lack,))
    return Found(size_class(n_tokens), "measured", sources, (note, *_kept(facts, n_tokens)))


def _kept(facts: Facts, n_tokens: int) -> tuple[str, ...]:
    """The template wants the size after pre-processing, and a recipe may still be before it."""
    return tuple(
        f"The recipe {row['recipe']} would leave {format_value(row['n_kept_tokens'], 'tokens')} of them"
        f"{' (estimated)' if row['is_estimate'] else ''}: "
        f"{'the same range' if size_class(row['n_kept_tokens']) == size_class(n_tokens) else 'ANOTHER RANGE'}. "
        "The number above is that of the corpus as it lies in its shards."
        for row in facts.sheet.rows("filter_totals")
        if row["n_kept_tokens"] is not None
    )


def _content(facts: Facts) -> Found:
    silent = [printable(source.name) for source in facts.sources if not source.note.document_type]
    types: dict[str, tuple[int, int, int]] = {}
    for source in facts.sources:
        if kind := source.note.document_type:
            n, n_docs, n_bytes = types.get(kind, (0, 0, 0))
            types[kind] = (n + 1, n_docs + source.n_docs, n_bytes + source.n_bytes)
    ordered = sorted(types.items(), key=lambda item: (-item[1][2], item[0]))
    columns = (
        Column("Type of content", "name"),
        Column("Sources", "count"),
        Column("Documents", "docs"),
        Column("Bytes", "bytes"),
    )
    table = Table("Types of content", columns, tuple((kind, *counts) for kind, counts in ordered[:MAX_ROWS]))
    sources = (*declared("sources.*.document_type"), facts.measured("composition"))
    lacks = (f"No document_type is declared of: {', '.join(silent[:MAX_ROWS])}.",) if silent else ()
    value = "; ".join(kind for kind, _ in ordered)
    status = "declared" if ordered else "missing"
    return Found(value, status, sources, tables=(table,) if ordered else (), lacks=lacks)


def _latest_date(facts: Facts) -> Found:
    ends = [(facts.collected(source), source) for source in facts.sources]
    known = sorted({end for (_, end, _), _ in ends if end}, key=sort_key)
    silent = [printable(source.name) for (_, end, _), source in ends if not end]
    is_measured = any(status == "measured" for (_, _, status), _ in ends)
    sources = declared("sources.*.collected_to")
    if is_measured:
        sources = (*sources, facts.measured("date_range"), facts.measured("date_coverage"))
    if silent or not known:
        notes = (f"The latest that is known: {known[-1]}.",) if known else ()
        named = f" is known of: {', '.join(silent[:MAX_ROWS])}" if silent else ""
        lack = f"No date of collection{named}. Fill in collected_to of every source, or answers.eu_1_3_latest_date."
        return Found(status="missing", sources=sources, notes=notes, lacks=(lack,))
    only_measured = all(status == "measured" for (_, _, status), _ in ends)
    return Found(known[-1], "measured" if only_measured else "declared", sources)


def _languages(facts: Facts) -> Found:
    stated, n_silent, _ = facts.languages()
    sources = (facts.measured("languages_by_source"),)
    if not stated:
        lack = (
            "No document states a language: name a column or an attribute in columns.language of corpus.toml, or fill "
            "in answers.eu_1_3_languages."
        )
        return Found(status="missing", sources=sources, lacks=(lack,))
    tables = language_tables(facts)
    official = [row for row in tables[0].rows if row[1]]
    n_others = len(stated) - len(official)
    found = ", ".join(
        f"{label} {format_value(share, 'share')}"
        for label, _, _, share in sorted(official, key=lambda row: (-row[2], row[0]))
    )
    value = (
        f"Official languages of the European Union: {len(official)} of 24"
        f"{f' (share of bytes: {found})' if found else ''}. Other languages stated: {n_others:,}."
    )
    how = facts.sheet.config.columns.get("language")
    notes = [f"As {how or 'the rows'} state{'s' if how else ''} it, document by document."]
    if n_silent:
        notes.append(f"{format_value(n_silent, 'docs')} documents state no language.")
    return Found(value, "measured", sources, tuple(notes), tables)


def _characteristics(facts: Facts) -> Found:
    """Country-code domains, the nearest that a corpus has to regions."""
    rows = facts.sheet.rows("suffixes")
    countries: dict[str, tuple[int, int]] = {}
    for row in rows:
        label = (row["suffix"] or "").rpartition(".")[2]
        if len(label) == 2:
            n_docs, n_bytes = countries.get(label, (0, 0))
            countries[label] = (n_docs + row["n_docs"], n_bytes + row["n_bytes"])
    if not countries:
        return Found(status="missing")
    ordered = sorted(countries.items(), key=lambda item: (-item[1][1], item[0]))[:20]
    columns = (Column("Country-code domain", "name"), Column("Documents", "docs"), Column("Bytes", "bytes"))
    table = Table("Country-code domains", columns, tuple((f".{label}", *counts) for label, counts in ordered))
    value = "Documents from country-code domains, a hint at regions and no more:"
    note = f"Among the {len(rows)} largest public suffixes of the corpus."
    return Found(value, "measured", (facts.measured("suffixes"),), (note,), (table,))


def _comments(facts: Facts) -> Found:
    if not facts.n_docs:
        return Found(status="missing")
    name = facts.sheet.facts.get("tokenizer")
    value = (
        f"Measured over the documents as they lie in their shards, uncompressed. Tokenizer: {name or 'not stated'}. "
        f"Fingerprint of the documents: {facts.sheet.facts.get('fingerprint', '')}."
    )
    return Found(value, "measured", (facts.measured("totals"),))


GENERAL: Mapping[str, Callable[[Facts], Found]] = {
    "eu_version": _version,
    "eu_updated": _updated,
    "eu_1_1_provider": _provider,
    "eu_1_1_representative": _text_of("provider.representative", lambda facts: facts.provider.representative),
    "eu_1_2_models": _text_of("provider.models", lambda facts: facts.provider.models),
    "eu_1_2_dependencies": _text_of("provider.model_dependencies", lambda facts: facts.provider.model_dependencies),
    "eu_1_2_market_date": _text_of("provider.market_date", lambda facts: facts.provider.market_date),
    "eu_1_3_text": _has_text,
    "eu_1_3_size": _size,
    "eu_1_3_content": _content,
    "eu_1_3_other_modalities": _text_of("provider.other_modalities", lambda facts: facts.provider.other_modalities),
    "eu_1_3_latest_date": _latest_date,
    "eu_1_3_languages": _languages,
    "eu_1_3_characteristics": _characteristics,
    "eu_1_3_comments": _comments,
}
