"""What deserves a look first, as Markdown: the same list on the card, in the datasheet and on the page."""

from __future__ import annotations

from explorer.datasheet.sheet import Sheet
from explorer.escape import code_span, markdown
from explorer.units import UNITS, format_value


def alerts_markdown(sheet: Sheet) -> str:
    """At most seven alerts as a list, each with what was found and its threshold; ends without a newline."""
    alerts = sheet.rows("alerts")
    entry = sheet.entry("alerts")
    source = f"Statistic {code_span('alerts')}, SQL {code_span(entry['sql_hash'])}"
    if not alerts:
        return f"None: nothing that was measured is beyond its threshold. {source}."
    lines = []
    for alert in alerts:
        unit = alert["value_kind"] if alert["value_kind"] in UNITS else "number"
        found, limit = (markdown(format_value(alert[name], unit)) for name in ("value", "threshold"))
        message = markdown(alert["message"][:1].upper() + alert["message"][1:])
        lines.append(f"- **{markdown(alert['severity'])}** {message} Found {found}, threshold {limit}.")
    n_more = alerts[0]["n_alerts"] - len(alerts)
    more = f"{n_more} more of less weight are not listed. " if n_more else ""
    error = f" {markdown(entry['error'])}" if entry["error"] else ""
    return "\n".join(lines) + f"\n\n{more}{source}.{error}"
