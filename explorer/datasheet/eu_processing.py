"""Section 3 of the EU's public summary: what was done before training, and what the rules of a recipe remove."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from explorer.datasheet.eu_facts import MAX_ROWS, Column, Facts, Found, Table, declared
from explorer.escape import printable
from explorer.units import format_value

_REMOVED = (
    Column("Recipe", "name"),
    Column("Rule", "name"),
    Column("Documents that it hits", "docs"),
    Column("Documents removed in its place", "docs"),
    Column("Bytes", "bytes"),
    Column("Tokens", "tokens"),
)
_CUT = (
    Column("Recipe", "name"),
    Column("Span rule", "name"),
    Column("Kept documents that it touches", "docs"),
    Column("Spans", "spans"),
    Column("Characters", "chars"),
)


def rules_of(facts: Facts, purpose: str) -> Found:
    """What the rules remove that are declared to be for one purpose; missing where no recipe has such a rule."""
    wanted = {rule for rule, its in facts.sheet.declared.purposes.items() if its == purpose}
    alone = {(row["recipe"], row["rule"]): row["removed_alone"] for row in facts.sheet.rows("filter_rules")}
    removed = [row for row in facts.sheet.rows("filter_waterfall") if row["rule"] in wanted and row["place"] > 0]
    cut = [row for row in facts.sheet.rows("filter_spans") if row["span_rule"] in wanted]
    unknown = wanted - {row["rule"] for row in removed} - {row["span_rule"] for row in cut}
    notes = [f"In [purposes] but in no recipe of the workspace: {printable(rule)}." for rule in sorted(unknown)]
    if not removed and not cut:
        return Found(status="missing", notes=tuple(notes))
    tables, sources = [], list(declared("purposes"))
    if removed:
        rows = tuple(
            (
                row["recipe"],
                row["rule"],
                alone.get((row["recipe"], row["rule"])),
                row["n_docs_removed"],
                row["n_bytes_removed"],
                row["n_tokens_removed"],
            )
            for row in removed[:MAX_ROWS]
        )
        tables.append(Table("What these rules remove", _REMOVED, rows))
        sources += [facts.measured("filter_waterfall"), facts.measured("filter_rules")]
    if cut:
        spans = tuple(
            (row["recipe"], row["span_rule"], row["n_docs"], row["n_spans"], row["n_chars_alone"])
            for row in cut[:MAX_ROWS]
        )
        tables.append(Table("What these rules replace in the documents that are kept", _CUT, spans))
        sources.append(facts.measured("filter_spans"))
    if any(row["is_estimate"] for row in facts.sheet.rows("filter_totals")):
        notes.append("Estimated: a minimum length applies after span replacement, and the texts were not read again.")
    n_rules = len(removed) + len(cut)
    value = (
        f"{n_rules} {'rule of a recipe is' if n_rules == 1 else 'rules of recipes are'} declared to serve this "
        f"purpose; in their places they remove "
        f"{format_value(sum(row['n_docs_removed'] for row in removed), 'docs')} documents of the corpus."
    )
    return Found(value, "measured", tuple(sources), tuple(notes), tuple(tables))


def _measures(key: str, purpose: str, read: Callable[[Facts], str]) -> Callable[[Facts], Found]:
    """A description in words, with what the rules of that purpose remove beside it; one of the two is enough."""

    def fill(facts: Facts) -> Found:
        words, rules = read(facts).strip(), rules_of(facts, purpose)
        if not words:
            return rules
        notes = (rules.value, *rules.notes) if rules.value else rules.notes
        return Found(words, "declared", (*declared(key), *rules.sources), notes, rules.tables)

    return fill


def _signatory(facts: Facts) -> Found:
    value = {"yes": "Yes", "no": "No"}.get(facts.provider.code_of_practice)
    return Found(value, "declared", declared("provider.code_of_practice")) if value else Found(status="missing")


def _policy(facts: Facts) -> Found:
    policy = facts.provider.copyright_policy.strip()
    if not policy:
        return Found(status="missing")
    return Found(f"Copyright policy:\n{policy}", "declared", declared("provider.copyright_policy"))


def _other(facts: Facts) -> Found:
    said = [text.strip() for text in (facts.provider.other_information, facts.sheet.declared.card.personal_data)]
    words = "\n".join(text for text in said if text)
    rules = rules_of(facts, "personal_data")
    if not words:
        if rules.value:
            return Found(f"Personal data: {rules.value}", "measured", rules.sources, rules.notes, rules.tables)
        return rules
    notes = (f"Personal data: {rules.value}", *rules.notes) if rules.value else rules.notes
    keys = declared("provider.other_information", "card.personal_data")
    return Found(words, "declared", (*keys, *rules.sources), notes, rules.tables)


PROCESSING: Mapping[str, Callable[[Facts], Found]] = {
    "eu_3_1_signatory": _signatory,
    "eu_3_1_measures": _measures("provider.opt_out_measures", "opt_out", lambda facts: facts.provider.opt_out_measures),
    "eu_3_1_comments": _policy,
    "eu_3_2_measures": _measures(
        "provider.illegal_content_measures", "illegal_content", lambda facts: facts.provider.illegal_content_measures
    ),
    "eu_3_3_other": _other,
}
