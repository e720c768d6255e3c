"""The inputs of a recipe: one row a document with the columns that its conditions look at, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from explorer.attributes import Attribute
from explorer.impact.source import SourcePart
from explorer.ingest.rows import ATTRIBUTES_COLUMN
from explorer.relations import IndexedSet, documents_relation, quote_identifier, quote_literal
from explorer.workspace import digest

# What every answer is given by, whatever the rules look at.
WEIGHTS = ("n_bytes", "n_words", "n_tokens")
ALWAYS = ("doc", "source", "n_chars", "n_bytes_trimmed", *WEIGHTS)

DOCUMENTS, JOINED = "documents", "joined"  # homes of columns: the documents' file, several files; else a set (set:NAME)
_COLUMN = re.compile(
    r"""\b(a_[0-9a-f]{12})_([a-z]+)\b|\b(is_short_[0-9]+|has_attributes_[0-9a-f]+)\b|"([a-z0-9_]+)\""""
)


@dataclass(frozen=True)
class Needs:
    """The columns of the documents and the attributes (by stem) that the conditions of a recipe look at."""

    columns: frozenset[str]
    attributes: Mapping[str, Attribute]
    lists: Mapping[str, Attribute]  # those whose spans are looked at one by one
    short: Mapping[str, int]  # sets of which a file ends early, numbered
    filled: Mapping[str, tuple[str, str]]  # roles of documents that an attribute fills
    loaded: Mapping[str, Sequence[str]]  # sets of a stream by the column that says of which documents one has a file


def inputs_relation(part: SourcePart, needs: Needs, streams: Sequence[str], more: Sequence[str] = ()) -> str:
    """SQL of the inputs over one part. `streams` says of each stream when a document is in it (see `in_shards`).

    Columns: those always needed, `in_<k>` (whether the document is in stream k), what the conditions need, and `more`
    columns of the documents.
    """
    items = [f"d.{quote_identifier(name)}" for name in dict.fromkeys((*ALWAYS, *sorted(_own(needs)), *more))]
    items += [f"{condition} as in_{k}" for k, condition in enumerate(streams)]
    joins: list[str] = []
    aliases: dict[str, str] = {}
    for one in _used_sets(part, needs):
        aliases[one.attribute_set] = alias = f"s{len(aliases)}"
        joins.append(f"join read_parquet({quote_literal(str(one.path))}) as {alias} on {alias}.doc = d.doc")
    for name, number in needs.short.items():
        if f"is_short_{number}" in needs.columns:
            alias_ = aliases.get(name)
            short = in_shards(sorted(part.short.get(name, {})), part)
            missing = f"({alias_}.state = 'missing' and {short})" if alias_ else "false"
            items.append(f"{missing} as is_short_{number}")
    for column, names in needs.loaded.items():
        if column in needs.columns:
            own_state = f"{aliases[ATTRIBUTES_COLUMN]}.state = 'present'" if ATTRIBUTES_COLUMN in aliases else "false"
            items.append(f"({in_shards(part.shards_with(names), part)} or {own_state}) as {column}")
    for attribute in sorted(needs.attributes.values(), key=lambda a: a.column):
        items += _wide(attribute, aliases, part)
    for stem, attribute in sorted(needs.lists.items()):
        found = part.indexed.find(attribute.attribute_set)
        if found is None or attribute not in found.attributes:
            items.append(f'null::struct("start" bigint, "end" bigint, score double)[] as {stem}_spans')
            continue
        joins.append(f"left join ({_span_lists(found, stem)}) as x_{stem} on x_{stem}.doc = d.doc")
        own = f"{aliases[attribute.attribute_set]}.{stem}"
        items.append(
            f"coalesce(x_{stem}.spans, case when {own}_n = 1 then "
            f"[{{'start': 0::bigint, 'end': d.n_chars, 'score': {own}_first}}] when {own}_n = 0 then [] end) "
            f"as {stem}_spans"
        )
    documents = documents_relation(part.indexed, needs.filled)
    return f"select {', '.join(items)} from ({documents}) as d {' '.join(joins)}"


def _own(needs: Needs) -> set[str]:
    return {name for name in needs.columns if not name.startswith(("is_short_", "has_attributes_"))}


def bare_column(attribute_sets: Sequence[str]) -> str:
    """The column that says of which documents one of some sets has a file, or which carry attributes of their own."""
    return f"has_attributes_{digest(sorted(attribute_sets))}"


def in_shards(numbers: Sequence[int], part: SourcePart) -> str:
    """SQL of whether a document is in one of some shards of a part."""
    if not numbers:
        return "false"
    if len(numbers) == len(part.shards):
        return "true"
    return f'("shard" in ({", ".join(map(str, numbers))}))'


def columns_of(condition: str, needs: Needs) -> frozenset[str]:
    """The columns of the inputs that a condition looks at, but for those that are always there."""
    found = set()
    for stem, suffix, short, own in _COLUMN.findall(condition):
        if stem in needs.attributes or stem in needs.lists:
            found.add(f"{stem}_{suffix}")
        elif short in needs.columns or own in needs.columns or own == "shard":
            found.add(short or own)
    return frozenset(found)


def home_of(columns: AbstractSet[str], needs: Needs) -> str:
    """Where some columns are: in the documents' file, in that of one set, or in several."""
    homes = set()
    for column in columns:
        stem, _, suffix = column.rpartition("_")
        if column.startswith(("is_short_", "has_attributes_")) or suffix == "spans":
            return JOINED
        homes.add(f"set:{needs.attributes[stem].attribute_set}" if stem in needs.attributes else DOCUMENTS)
    return homes.pop() if len(homes) == 1 else JOINED if homes else DOCUMENTS


def home_relation(part: SourcePart, needs: Needs, home: str) -> str:
    """SQL of what is at a home, a row a document in their order."""
    if home == JOINED:
        return f"select * from ({inputs_relation(part, needs, [])}) order by doc"
    if home == DOCUMENTS:
        return documents_relation(part.indexed, needs.filled) + (" order by d.doc" if needs.filled else "")
    name = home.removeprefix("set:")
    found = part.indexed.find(name)
    items = [item for a in needs.attributes.values() if a.attribute_set == name for item in _wide(a, {name: "s"}, part)]
    relation = f"range({part.n_docs})" if found is None else f"read_parquet({quote_literal(str(found.path))})"
    return f"select {', '.join(items)} from {relation} as s"


def _used_sets(part: SourcePart, needs: Needs) -> list[IndexedSet]:
    names = {a.attribute_set for a in (*needs.attributes.values(), *needs.lists.values())}
    names |= {name for name, number in needs.short.items() if f"is_short_{number}" in needs.columns}
    if any(column in needs.columns for column in needs.loaded):
        names.add(ATTRIBUTES_COLUMN)
    return [one for one in part.indexed.sets if one.attribute_set in names]


def _wide(attribute: Attribute, aliases: Mapping[str, str], part: SourcePart) -> list[str]:
    """The columns of an attribute; null where the part has no such attribute."""
    found = part.indexed.find(attribute.attribute_set)
    kinds = {"n": "integer"}
    if attribute.shape in ("spans", "number", "bool"):
        kinds["first"] = "double"
    if attribute.shape == "spans":
        kinds |= {"max": "double", "chars": "bigint"}
    if attribute.shape in ("text", "nested"):
        kinds["text"] = "varchar"
    is_there = found is not None and attribute in found.attributes
    return [
        f"{aliases[attribute.attribute_set]}.{attribute.column}_{suffix}"
        if is_there
        else f"null::{kind} as {attribute.column}_{suffix}"
        for suffix, kind in kinds.items()
    ]


def _span_lists(found: IndexedSet, stem: str) -> str:
    return (
        "select doc, list({'start': start, 'end': \"end\", 'score': score} order by i) as spans "
        f"from read_parquet({quote_literal(str(found.spans))}) where attribute = {quote_literal(stem)} group by doc"
    )
