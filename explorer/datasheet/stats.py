"""stats.json, all numbers with their provenance, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping

from explorer.datasheet.schema import schema
from explorer.datasheet.sheet import Sheet
from explorer.sheet import SCHEMA_FILE, dump_stats

STATS_FILE = "stats.json"


def render_stats(sheet: Sheet) -> Mapping[str, str]:
    """Both files."""
    return {STATS_FILE: dump_stats(sheet.stats), SCHEMA_FILE: dump_stats(schema())}
