"""The first page: identity, headline figures, alerts, composition, what was left out, what to do next."""

from __future__ import annotations

import shlex
from typing import Any

import streamlit as st

from explorer.app import session
from explorer.app.card import card
from explorer.app.frame import corpus_name, guarded, heading
from explorer.app.text import safe
from explorer.errors import ExplorerError
from explorer.escape import code_span
from explorer.statistic import load_statistics, sections
from explorer.units import format_value

_BADGES = {"error": ":red-badge[Error]", "warning": ":orange-badge[Warning]", "note": ":blue-badge[Note]"}
_HEADLINE = (
    ("Documents", "n_docs"),
    ("Bytes", "n_bytes"),
    ("Characters", "n_chars"),
    ("Words", "n_words"),
    ("Tokens", "n_tokens"),
    ("Sources", "n_sources"),
    ("Domains", "n_domains"),
    ("Languages", "n_languages"),
)


@guarded
def overview_page() -> None:
    facts = session.facts()
    heading(corpus_name(facts), safe(facts.get("description", "")))
    st.markdown(_identity(facts))
    totals = _one("totals")
    _headline(totals)
    _alerts()
    if "composition" in load_statistics():
        card(load_statistics()["composition"])
    with st.grid(min_column_width=320, gap="medium"):
        with st.container(border=True, key="left-out"):
            _left_out(int(facts.get("n_files_passed_over", "0")))
        with st.container(border=True, key="next"):
            _next(facts, totals)


def _rows(name: str) -> list[dict[str, Any]]:
    """The rows of a statistic with default parameters; none where this site or workspace does not have it."""
    statistic = load_statistics().get(name)
    if statistic is None:
        return []
    try:
        return session.run(statistic, statistic.arguments({})).to_dicts()
    except ExplorerError:
        return []  # its card says why


def _one(name: str) -> dict[str, Any]:
    return next(iter(_rows(name)), {})


def _identity(facts: dict[str, str]) -> str:
    items = [
        f"{title} {safe(facts[key])}"
        for title, key in (("Version", "version"), ("Licence", "licence"))
        if facts.get(key)
    ]
    items.append(f"Fingerprint {code_span(facts.get('fingerprint', ''))}")
    return " · ".join(items)


def _headline(totals: dict[str, Any]) -> None:
    if not totals:
        return
    with st.grid(min_column_width=165):
        for title, column in _HEADLINE:
            value = totals.get(column)
            column_ = load_statistics()["totals"].column(column)
            tokenizer = totals.get("tokenizer") if column == "n_tokens" else None
            st.metric(
                title,
                "–" if value is None else format_value(value, column_.unit),
                border=True,
                height="stretch",
                help=safe(column_.doc),
                delta=f"counted by {tokenizer}" if tokenizer else None,
                delta_color="off",
                delta_arrow="off",
            )


def _alerts() -> None:
    if "alerts" not in load_statistics():
        return
    alerts = _rows("alerts")
    with st.container(border=True, key="alerts"):
        st.subheader("Alerts", anchor="alerts")
        if not alerts:
            st.markdown("Nothing crosses a threshold.")
        lines = []
        for alert in alerts:
            badge = _BADGES.get(str(alert["severity"]), "")
            found, limit = (_short(alert[name]) for name in ("value", "threshold"))
            message = str(alert["message"])
            text = safe(message[:1].upper() + message[1:])
            lines.append(f"{badge} {text} :small[:gray[{found}, threshold {limit}]]")
        with st.container(gap="small"):
            for line in lines:
                st.markdown(line)


def _short(number: float | None) -> str:
    if number is None:
        return "–"
    return f"{number:,.0f}" if number == int(number) else f"{number:.3g}"


def _left_out(n_passed_over: int) -> None:
    st.subheader("What was left out", anchor="left-out")
    rejected = _rows("rejected_rows")
    if not rejected:
        st.markdown("No row: every row of every shard is in the numbers.")
    if n_passed_over:
        st.markdown(f"Passed over, being no shards: {format_value(n_passed_over, 'count')} files.")
    reasons: dict[str, int] = {}
    for row in rejected:
        meaning = str(row["meaning"] or row["reason"])
        reasons[meaning] = reasons.get(meaning, 0) + (row["n_rows"] or 0)
    lines = [f"- {format_value(n, 'rows') if n else 'a file'}: {safe(meaning)}" for meaning, n in reasons.items()]
    if rejected:
        st.markdown("\n".join(lines))
    for name, lead in (("url_coverage", "With a URL"), ("date_coverage", "With a date")):
        rows = _rows(name)
        column = "n_with_url" if name == "url_coverage" else "n_dated"
        total = sum(row["n_docs"] for row in rows)
        if total:
            share = sum(row[column] for row in rows) / total
            st.markdown(f"{lead}: **{format_value(share, 'share')}** of the documents.")
    if "integrity" in sections():
        st.page_link("pages/integrity.py", label="Everything that was checked")


def _next(facts: dict[str, str], totals: dict[str, Any]) -> None:
    st.subheader("What to do next", anchor="next")
    root = session.workspace_path()
    place = shlex.quote(root.name) if root is not None else "WORKSPACE"
    steps = []
    if not facts.get("name"):
        steps.append(
            f"Name the corpus and its sources: {code_span(f'corpus-explorer init {place}')} writes a `corpus.toml`."
        )
    if totals and totals.get("n_tokens") is None:
        steps.append("Count tokens: build again with `--tokenizer`, or map a column that holds them.")
    steps.append(f"Write the datasheet: {code_span(f'corpus-explorer datasheet {place} --out DIR')}.")
    steps.append(f"Check it before a release: {code_span(f'corpus-explorer check {place}')} exits with 1 on any error.")
    st.markdown("\n".join(f"- {step}" for step in steps))
    st.page_link("pages/sql.py", label="Ask a question in SQL")
    st.page_link("pages/datasheet.py", label="Read the datasheet")
