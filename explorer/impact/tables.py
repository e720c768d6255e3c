"""The catalogue's account of recipes: `recipes`, `recipe_rules`, `recipe_span_rules`, `recipe_streams`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import duckdb

from explorer.details import write_table
from explorer.impact.bind import BoundRecipe, BoundStream, described
from explorer.impact.hits import stream_condition
from explorer.impact.source import Source, SourcePart
from explorer.impact.sql_logic import TRUE, any_of
from explorer.relations import quote_literal


def write_recipe_tables(
    connection: duckdb.DuckDBPyConnection,
    bound: Sequence[BoundRecipe],
    source: Source | None,
    *,
    exact: bool = False,
    has_comments: bool = True,
) -> None:
    """Write the tables; empty where there is no recipe. `exact`: texts are read again after span replacement."""
    write = partial(write_table, has_comments=has_comments)
    write(
        connection,
        "recipes",
        [
            ("recipe", "varchar", "Name."),
            ("title", "varchar", "What it is."),
            ("doc", "varchar", "What it does."),
            ("origin", "varchar", "Where its numbers come from."),
            ("n_docs_outside", "bigint", "Documents that none of its streams takes."),
            ("is_estimate", "boolean", "Whether a minimum length after span replacement makes the kept an estimate."),
        ],
        [
            {
                "recipe": one.recipe.name, "title": one.recipe.title or None, "doc": one.recipe.doc or None,
                "origin": one.recipe.origin or None,
                "n_docs_outside": n_docs_outside(connection, one, source) if source else 0,
                "is_estimate": not exact and any(
                    s.spans and any(r.rule.kind == "length" for r in s.rules) for s in one.streams
                ),
            }
            for one in bound
        ],
        "Recipes of filters whose impact was computed.",
    )  # fmt: skip
    write(
        connection,
        "recipe_streams",
        [
            ("recipe", "varchar", "Recipe."),
            ("stream", "integer", "Number of the stream."),
            ("name", "varchar", "Its name."),
            ("documents", "varchar[]", "Paths of its documents, as the recipe has them."),
            ("sources", "varchar[]", "Names of its sources; empty for all."),
            ("attribute_sets", "varchar[]", "Attribute sets that it loads, in order: of equal keys the last wins."),
            ("n_shards", "bigint", "Shards that its documents' paths match."),
            ("is_given_all", "boolean", "Its paths match no shard here, and it was given all documents."),
        ],
        [
            {
                "recipe": one.recipe.name, "stream": s.number, "name": s.stream.name,
                "documents": list(s.stream.documents), "sources": list(s.stream.sources),
                "attribute_sets": [name for name, _ in s.loaded.sets],
                "n_shards": sum(len(s.shards(part)) for part in source.parts) if source else 0,
                "is_given_all": s.is_given_all,
            }
            for one in bound
            for s in one.streams
        ],
        "Streams of the recipes: which documents they take and which attributes they load.",
    )  # fmt: skip
    write(
        connection,
        "recipe_rules",
        [
            ("recipe", "varchar", "Recipe."),
            ("rule", "integer", "Number of the rule: its bit in a mask, and its place in the recipe's order."),
            ("name", "varchar", "Name."),
            ("kind", "varchar", "exclude, include (removes what no condition of the list includes), or length."),
            ("expressions", "varchar[]", "Conditions, as the recipe has them."),
            ("syntax", "varchar", "jsonpath, jq or plain; null for a length."),
            ("is_dead", "boolean", "Whether it can never fire for want of its attributes."),
            ("lacks_all", "boolean", "Whether no stream with the rule loads any of the attributes that it names."),
            ("n_missing_keys", "integer", "Attributes that it names and that some stream with it does not load."),
            ("missing", "varchar", "Which ones, and where they would be found; null where none is missing."),
            ("note", "varchar", "What else a user should know of it."),
        ],
        [row for one in bound for row in _rules(one)],
        "Rules of the recipes.",
    )
    write(
        connection,
        "recipe_span_rules",
        [
            ("recipe", "varchar", "Recipe."),
            ("span_rule", "integer", "Number of the span rule."),
            ("name", "varchar", "Name."),
            ("span", "varchar", "Attribute whose spans are replaced, as the recipe has it."),
            ("min_score", "double", "Spans are replaced from this score on; null for any."),
            ("max_score", "double", "Spans are replaced below this score; null for any."),
            ("replacement", "varchar", "What they are replaced with; {} stands for the span's own text."),
            ("is_dead", "boolean", "Whether no stream with the rule loads the attribute, or no score can pass."),
            ("missing", "varchar", "What is missing, and where it would be found; or why no score can pass."),
        ],
        [row for one in bound for row in _span_rules(one)],
        "Rules of the recipes that replace spans.",
    )
    write(
        connection,
        "recipe_gaps",
        [
            ("recipe", "varchar", "Recipe."),
            ("stream", "varchar", "Stream."),
            ("attribute_set", "varchar", "Attribute set that it loads."),
            ("kind", "varchar", "absent (no such file), short (it ends early), or misaligned (found on another row)."),
            ("n_shards", "bigint", "Shards concerned."),
            ("n_docs", "bigint", "Documents concerned."),
        ],
        [row for one in bound for row in _gaps(connection, one, source)] if source else [],
        "Attributes that the recipes load and that some documents do not have: what rules take is a lower bound there.",
    )


def n_docs_outside(connection: duckdb.DuckDBPyConnection, bound: BoundRecipe, source: Source) -> int:
    """Documents that no stream takes."""
    total = 0
    for part in source.parts:
        taken = any_of(*(stream_condition(part, stream) for stream in bound.streams))
        if taken != TRUE:
            query = f"select count(*) from {_documents(part)} where not coalesce({taken}, false)"
            total += int(connection.execute(query).fetchall()[0][0])
    return total


def _documents(part: SourcePart) -> str:
    return f"read_parquet({quote_literal(str(part.indexed.documents))}) as d"


def _rules(bound: BoundRecipe) -> list[dict[str, Any]]:
    rows = []
    for number, rule in enumerate(bound.rules):
        own = [r for s in bound.streams for r in s.rules if r.number == number]
        missing = {m.key: m for r in own for m in r.missing}
        rows.append({
            "recipe": bound.recipe.name, "rule": number, "name": rule.name, "kind": rule.kind,
            "expressions": [e.text for e in rule.expressions],
            "syntax": rule.expressions[0].syntax if rule.expressions else None,
            "is_dead": all(r.is_dead for r in own), "lacks_all": all(r.lacks_all for r in own),
            "n_missing_keys": len(missing),
            "missing": described(missing) or None,
            "note": "; ".join(dict.fromkeys(note for r in own for note in r.notes)) or None,
        })  # fmt: skip
    return rows


def _span_rules(bound: BoundRecipe) -> list[dict[str, Any]]:
    rows = []
    for number, rule in enumerate(bound.span_rules):
        own = [r for s in bound.streams for r in s.spans if r.number == number]
        is_empty = rule.min_score is not None and rule.max_score is not None and rule.min_score >= rule.max_score
        missing = {m.key: m for r in own for m in r.missing}
        rows.append({
            "recipe": bound.recipe.name, "span_rule": number, "name": rule.name, "span": rule.span.text,
            "min_score": rule.min_score, "max_score": rule.max_score, "replacement": rule.replacement,
            "is_dead": is_empty or all(r.missing for r in own),
            "missing": "no score is from min_score on and below max_score" if is_empty else described(missing) or None,
        })  # fmt: skip
    return rows


def _gaps(connection: duckdb.DuckDBPyConnection, bound: BoundRecipe, source: Source) -> list[dict[str, Any]]:
    rows = []
    used = {attribute.attribute_set for attribute in bound.needs.attributes.values()}
    for stream in bound.streams:
        for name, _ in stream.loaded.sets:
            for kind in ("absent", "short", "misaligned") if name in used else ():
                found = [n for part in source.parts for n in _lacking(connection, stream, part, name, kind)]
                if found:
                    rows.append({
                        "recipe": bound.recipe.name, "stream": stream.stream.name, "attribute_set": name, "kind": kind,
                        "n_shards": len(found), "n_docs": sum(found),
                    })  # fmt: skip
    return rows


def _lacking(
    connection: duckdb.DuckDBPyConnection, stream: BoundStream, part: SourcePart, attribute_set: str, kind: str
) -> list[int]:
    """Documents of a stream without their attributes, shard by shard; shards without any such document are left out."""
    shards = {n: found for n, found in getattr(part, kind).get(attribute_set, {}).items() if n in stream.shards(part)}
    if not shards or stream.condition == TRUE:
        return list(shards.values())
    own = part.indexed.find(attribute_set)
    assert own is not None  # that is where the shards come from
    state = "misaligned" if kind == "misaligned" else "missing"
    query = (
        f"select count(*) from {_documents(part)} join read_parquet({quote_literal(str(own.path))}) as s "
        f"on s.doc = d.doc where s.state = {quote_literal(state)} and d.shard in ({', '.join(map(str, shards))}) "
        f"and {stream.condition} group by d.shard"
    )
    return [int(n) for (n,) in connection.execute(query).fetchall()]
