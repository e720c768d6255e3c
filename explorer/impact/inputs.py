"""The inputs of a recipe: one row a document with the columns that its conditions look at, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.attributes import Attribute
from explorer.impact.source import SourcePart
from explorer.relations import IndexedSet, documents_relation, quote_identifier, quote_literal

# What every answer is given by, whatever the rules look at.
WEIGHTS = ("n_bytes", "n_words", "n_tokens")
ALWAYS = ("doc", "source", "n_chars", "n_bytes_trimmed", *WEIGHTS)


@dataclass(frozen=True)
class Needs:
    """The columns of the documents and the attributes (by stem) that the conditions of a recipe look at."""

    columns: frozenset[str]
    attributes: Mapping[str, Attribute]
    lists: Mapping[str, Attribute]  # those whose spans are looked at one by one
    short: Mapping[str, int]  # sets of which a file ends early, numbered
    filled: Mapping[str, tuple[str, str]]  # roles of documents that an attribute fills


def inputs_relation(part: SourcePart, needs: Needs, streams: Sequence[Sequence[int]], more: Sequence[str] = ()) -> str:
    """SQL of the inputs over one part. `streams` lists, for each stream, the numbers of its shards in the part.

    Columns: those always needed, `in_<k>` (whether the document's shard is of stream k), what the conditions need, and
    `more` columns of the documents.
    """
    items = [f"d.{quote_identifier(name)}" for name in dict.fromkeys((*ALWAYS, *sorted(_own(needs)), *more))]
    items += [f"{_is_among('d.shard', shards, part)} as in_{k}" for k, shards in enumerate(streams)]
    joins: list[str] = []
    aliases: dict[str, str] = {}
    for one in _used_sets(part, needs):
        aliases[one.attribute_set] = alias = f"s{len(aliases)}"
        joins.append(f"join read_parquet({quote_literal(str(one.path))}) as {alias} on {alias}.doc = d.doc")
    for name, number in needs.short.items():
        if f"is_short_{number}" in needs.columns:
            alias_ = aliases.get(name)
            short = _is_among("d.shard", sorted(part.short.get(name, {})), part)
            missing = f"({alias_}.state = 'missing' and {short})" if alias_ else "false"
            items.append(f"{missing} as is_short_{number}")
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
    return {name for name in needs.columns if not name.startswith("is_short_")}


def _is_among(column: str, numbers: Sequence[int], part: SourcePart) -> str:
    if not numbers:
        return "false"
    if len(numbers) == len(part.shards):
        return "true"
    return f"({column} in ({', '.join(map(str, numbers))}))"


def _used_sets(part: SourcePart, needs: Needs) -> list[IndexedSet]:
    names = {a.attribute_set for a in (*needs.attributes.values(), *needs.lists.values())}
    names |= {name for name, number in needs.short.items() if f"is_short_{number}" in needs.columns}
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
