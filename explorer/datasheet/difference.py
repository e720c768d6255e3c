"""`diff`: what grew and what went between two published sheets, in total, by source, by domain and by language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from explorer.datasheet.sheet import Sheet
from explorer.escape import markdown
from explorer.render import to_markdown, to_table

# Kind of row: the statistic that has its numbers and the column of its name (none in that of the one row of totals).
KINDS: Mapping[str, tuple[str, str | None]] = {
    "total": ("totals", None),
    "source": ("composition", "source"),
    "language": ("languages", "language"),
    "domain": ("domains", "domain"),
}
_TITLES = {
    "total": "Totals",
    "source": "Sources",
    "language": "Languages",
    "domain": "Domains",
    "statistic": "Definitions",
}
MEASURES = {"docs": "n_docs", "bytes": "n_bytes", "tokens": "n_tokens"}
NEW, GONE, GREW, SHRANK, CHANGED, SAME = "new", "gone", "grew", "shrank", "changed", "same"
NOT_COMPARABLE = "not comparable"  # other SQL
NOT_LISTED = "not listed in one"  # beyond the end of a list that was cut
ONLY_OLD, ONLY_NEW = "only in the old", "only in the new"
_OTHER_CONTENT = "as many documents and bytes, and other content: the fingerprints differ"
_UNITS = {"old": "", "new": "", "change": "", "change_share": "share", "old_share": "share", "new_share": "share"}


@dataclass(frozen=True)
class Pair:
    """What two sheets say of one thing; None where a sheet has no such row."""

    kind: str
    name: str
    state: str
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    note: str = ""


def compare_sheets(old: Sheet, new: Sheet) -> list[Pair]:
    """Totals, then sources, languages and domains, what changed most in bytes first; then what cannot be compared."""
    pairs: list[Pair] = []
    for kind, (statistic, column) in KINDS.items():
        of_kind = list(_pairs(old, new, kind, statistic, column))
        pairs += sorted(of_kind, key=lambda pair: (-abs(_change(pair, "n_bytes") or 0), pair.name))
    return pairs + list(_definitions(old, new))


def _pairs(old: Sheet, new: Sheet, kind: str, statistic: str, column: str | None) -> Iterator[Pair]:
    sheets = (old, new)
    if any(statistic not in sheet.stats["statistics"] for sheet in sheets):
        return
    hashes = {sheet.entry(statistic)["sql_hash"] for sheet in sheets}
    a, b = ({_key(row, column): row for row in sheet.rows(statistic)} for sheet in sheets)
    is_cut = [_is_cut(sheet, statistic) for sheet in sheets]
    for key in dict.fromkeys([*a, *b]):
        x, y, name = a.get(key), b.get(key), "(not stated)" if key is None else key
        if len(hashes) > 1:
            yield Pair(kind, name, NOT_COMPARABLE, x, y, f"the SQL of {statistic} is another one")
        elif (x is None and is_cut[0]) or (y is None and is_cut[1]):
            side, n = ("old", len(a)) if x is None else ("new", len(b))
            yield Pair(kind, name, NOT_LISTED, x, y, f"not among the {n:,} that the {side} one lists")
        else:
            state = _state(x, y, [c for c in MEASURES.values() if c != "n_tokens" or _same_tokens(old, new)])
            is_other = column is None and state == SAME and _is_other_content(old, new)
            yield Pair(kind, name, CHANGED, x, y, _OTHER_CONTENT) if is_other else Pair(kind, name, state, x, y)


def _key(row: Mapping[str, Any], column: str | None) -> str | None:
    """The name of a row; None where the documents state none."""
    name = "all documents" if column is None else row.get(column)
    return None if name is None else str(name)


def _is_cut(sheet: Sheet, statistic: str) -> bool:
    """Whether a list ends at its parameter top_n: what it does not have may be there all the same."""
    top_n = sheet.entry(statistic)["parameters"].get("top_n")
    return isinstance(top_n, int) and len(sheet.rows(statistic)) >= top_n


def _state(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, columns: Sequence[str]) -> str:
    """What became of a row, as far as `columns` tell."""
    if old is None or new is None:
        return NEW if old is None else GONE
    for column in ("n_bytes", "n_docs"):
        a, b = old.get(column), new.get(column)
        if a is not None and b is not None and a != b:
            return GREW if b > a else SHRANK
    return SAME if all(old.get(column) == new.get(column) for column in columns) else CHANGED


def _is_other_content(old: Sheet, new: Sheet) -> bool:
    return bool(old.stats["fingerprint"] != new.stats["fingerprint"])


def _change(pair: Pair, column: str) -> int | None:
    """New less old; a row that is not there counts as 0, one that is not listed or not comparable has no change."""
    if pair.state in (NOT_COMPARABLE, NOT_LISTED):
        return None
    old, new = _count(pair.old, column), _count(pair.new, column)
    return None if old is None or new is None else new - old


def _count(row: Mapping[str, Any] | None, column: str) -> int | None:
    value = 0 if row is None else row.get(column)
    return value if isinstance(value, int) else None


def _definitions(old: Sheet, new: Sheet) -> Iterator[Pair]:
    """Statistics of one sheet only, and those whose computation or arguments are others."""
    a, b = old.stats["statistics"], new.stats["statistics"]
    for name in sorted(a.keys() | b.keys()):
        if name not in a or name not in b:
            yield Pair("statistic", name, ONLY_OLD if name in a else ONLY_NEW)
        elif a[name]["sql_hash"] != b[name]["sql_hash"]:
            note = f"other SQL: {a[name]['sql_hash']} and {b[name]['sql_hash']}"
            yield Pair("statistic", name, NOT_COMPARABLE, note=note)
        elif a[name]["parameters"] != b[name]["parameters"]:
            yield Pair("statistic", name, NOT_COMPARABLE, note="other parameters")


def remarks(old: Sheet, new: Sheet) -> list[str]:
    """What a reader of the numbers has to know of the two sheets as wholes."""
    found = []
    if old.stats["fingerprint"] == new.stats["fingerprint"]:
        found.append("Both are of the same documents.")
    elif any(pair.note == _OTHER_CONTENT for pair in _pairs(old, new, "total", *KINDS["total"])):
        prints = " and ".join(sheet.stats["fingerprint"] for sheet in (old, new))
        found.append(f"The sizes are the same and the content differs: the fingerprints are {prints}.")
    if not _same_tokens(old, new):
        names = (" and ".join(filter(None, _counted_with(sheet))) or "none" for sheet in (old, new))
        found.append(f"Tokens are not comparable: the tokenizers are {' and '.join(names)}.")
    for key, what in (("min_paragraph", "the shortest paragraph"), ("near_threshold", "near-duplicates")):
        a, b = (sheet.stats["options"][key] for sheet in (old, new))
        if a != b:
            found.append(f"Duplicates are not comparable: {what}: {_said(a)} in the old, {_said(b)} in the new one.")
    sets = [sheet.stats["attribute_fingerprints"].keys() for sheet in (old, new)]
    for names_, side in ((sets[0] - sets[1], "old"), (sets[1] - sets[0], "new")):
        if names_:
            found.append(f"Attribute sets of the {side} one only: {', '.join(sorted(names_))}.")
    return found


def _said(value: object) -> str:
    return "not looked for" if value is None else str(value)


def _same_tokens(old: Sheet, new: Sheet) -> bool:
    return _counted_with(old) == _counted_with(new)


def _counted_with(sheet: Sheet) -> tuple[str, str]:
    """The tokenizer, and the column of counts that came with the documents."""
    column = sheet.stats["options"]["columns"].get("n_tokens", "")
    return sheet.facts.get("tokenizer") or "", f"the column {column}" if column else ""


def difference_frame(old: Sheet, new: Sheet, pairs: Sequence[Pair]) -> pl.DataFrame:
    """A row a pair: kind, name, state, and for documents, bytes and tokens the old and new count, the change, the
    change as a share of the old, and the shares of all; at the end a note."""
    totals = [(sheet.rows("totals") or [{}])[0] for sheet in (old, new)]
    rows = []
    for pair in pairs:
        row: dict[str, Any] = {"kind": pair.kind, "name": pair.name, "state": pair.state}
        for measure, column in MEASURES.items():
            is_told = pair.kind != "statistic"
            a, b = (_count(one, column) if is_told and one is not None else None for one in (pair.old, pair.new))
            change = _change(pair, column) if is_told else None
            if measure == "tokens" and not _same_tokens(old, new):
                change = None
            of_all = [_share(n, _count(total, column)) for n, total in zip((a, b), totals, strict=True)]
            values = (a, b, change, _share(change, a), *of_all)
            row |= {f"{measure}_{part}": value for part, value in zip(_UNITS, values, strict=True)}
        rows.append({**row, "note": pair.note or None})
    counts = {f"{m}_{part}": pl.Float64 if unit else pl.Int64 for m in MEASURES for part, unit in _UNITS.items()}
    texts = dict.fromkeys(("kind", "name", "state"), pl.String)
    return pl.DataFrame(rows, {**texts, **counts, "note": pl.String}, orient="row")


def _share(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None


def units_of_difference() -> dict[str, str]:
    """Unit by column of `difference_frame`."""
    counts = {f"{measure}_{part}": unit or measure for measure in MEASURES for part, unit in _UNITS.items()}
    return {"kind": "name", "name": "name", "state": "name", **counts, "note": "text"}


def sections(frame: pl.DataFrame, top: int) -> Iterator[tuple[str, pl.DataFrame, str]]:
    """Title, rows and a remark for each kind, for people: what is the same is counted, lists are cut after `top`."""
    for kind, title in _TITLES.items():
        rows = frame.filter(pl.col("kind") == kind)
        if not rows.height:
            continue
        told = rows if kind == "total" else rows.filter(pl.col("state") != SAME)
        rest = [f"{rows.height - told.height:,} the same"] if told.height < rows.height else []
        rest += [f"{told.height - top:,} more with smaller changes in bytes"] if told.height > top else []
        columns = ["name", "state", *_shown_columns(kind), "note"]
        yield title, told.head(top).select(columns), "; ".join(rest)


def _shown_columns(kind: str) -> list[str]:
    if kind == "statistic":
        return []
    parts = ("old", "new", "change", "change_share")
    shares = [] if kind == "total" else ["bytes_old_share", "bytes_new_share"]
    return [f"{measure}_{part}" for measure in MEASURES for part in parts] + shares


def difference_markdown(frame: pl.DataFrame, said: Sequence[str], top: int) -> str:
    """The sections as Markdown."""
    units = units_of_difference()
    blocks = ["# What changed", *map(markdown, said)]
    for title, rows, rest in sections(frame, top):
        shown = rows.drop([name for name in rows.columns if rows[name].null_count() == rows.height and rows.height])
        blocks += [f"## {title}"]
        blocks += [to_markdown(shown, {name: units[name] for name in shown.columns}).rstrip()] if rows.height else []
        blocks += [f"({rest})"] if rest else []
    return "\n\n".join(blocks) + "\n"


def difference_table(frame: pl.DataFrame, said: Sequence[str], top: int, width: int | None) -> str:
    """The sections for a terminal: counts, and bytes and tokens where they are known."""
    units = units_of_difference()
    blocks = ["\n".join(said)] if said else []
    for title, rows, rest in sections(frame, top):
        shown = rows.drop([name for name in rows.columns if rows[name].null_count() == rows.height and rows.height])
        table = to_table(shown, {name: units[name] for name in shown.columns}, width) if rows.height else ""
        blocks.append(f"{title}\n{table}{f'({rest})' if rest else ''}".rstrip())
    return "\n\n".join(blocks) + "\n"
