"""What deserves a look first, as Markdown: the same list on the card, in the datasheet and on the page."""

from __future__ import annotations

from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, markdown

MAX_ALERTS = 7


def alerts_markdown(sheet: Sheet) -> str:
    """At most seven alerts as a list, each with its threshold, and where they come from; ends without a newline."""
    entry = sheet.entry("alerts")
    source = f"Statistic {code_span('alerts')}, SQL {code_span(entry['sql_hash'])}."
    alerts = sheet.rows("alerts")[:MAX_ALERTS]
    if not alerts:
        return f"None: nothing measured is beyond a threshold. {source}"
    lines = [f"- **{markdown(a['severity'])}** {markdown(a['message'])}" for a in alerts]
    return "\n".join(lines) + f"\n\n{source}"
