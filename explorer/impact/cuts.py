"""What span rules cut out of each document of a part: the relations `effects` and `cuts`."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from explorer.impact.bind import BoundRecipe, BoundSpans, BoundStream
from explorer.impact.compile import all_of
from explorer.impact.source import SourcePart
from explorer.relations import quote_literal


def spans_relation(part: SourcePart, stream: BoundStream) -> str | None:
    """SQL of the spans that a stream replaces in a part, over the relation `inputs`; None where there are none.

    Columns: doc, start, end (characters, as the file has them), rule (number of the span rule), i (place in the list).
    """
    selects = [
        select
        for spans in stream.spans
        for when, attribute in spans.attributes
        for select in _selects(part, stream, spans, when, attribute.attribute_set, attribute.column)
    ]
    return "\nunion all\n".join(selects) or None


def _selects(
    part: SourcePart, stream: BoundStream, spans: BoundSpans, when: str, attribute_set: str, stem: str
) -> list[str]:
    """Spans out of the file of spans, and single spans over the whole text, which that file leaves out."""
    found = part.indexed.find(attribute_set)
    if found is None or all(a.column != stem for a in found.attributes):
        return []
    condition = all_of(f"i.in_{stream.number}", stream.condition, when)
    file = f"read_parquet({quote_literal(str(found.spans))})"
    own = f"{file} as s where s.attribute = {quote_literal(stem)}"
    return [
        f'select s.doc, s."start", s."end", {spans.number}::integer as rule, s.i from {file} as s '
        f"join inputs as i on i.doc = s.doc where s.attribute = {quote_literal(stem)} and "
        f"{_in_range('s.score', spans)} and {condition}",
        f"select i.doc, 0::bigint, i.n_chars::bigint, {spans.number}::integer, 0 from inputs as i "
        f"where i.{stem}_n = 1 and {_in_range(f'i.{stem}_first', spans)} and {condition} "
        f"and not exists (select 1 from {own} and s.doc = i.doc)",
    ]


def _in_range(score: str, spans: BoundSpans) -> str:
    """The mixer replaces a span where min_score <= score < max_score."""
    low = "true" if spans.rule.min_score is None else f"{score} >= {spans.rule.min_score!r}::double"
    high = "true" if spans.rule.max_score is None else f"{score} < {spans.rule.max_score!r}::double"
    return all_of(low, high)


def create_effects(
    connection: duckdb.DuckDBPyConnection, bound: BoundRecipe, part: SourcePart, streams: Sequence[BoundStream]
) -> bool:
    return False


def create_cuts(connection: duckdb.DuckDBPyConnection, bound: BoundRecipe, part: SourcePart) -> None:
    pass
