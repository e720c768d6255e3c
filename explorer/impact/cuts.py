"""What span rules cut out of each document of a part: the relations `effects` and `cuts`."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import polars as pl

from explorer.impact.bind import BoundSpans, BoundStream
from explorer.impact.compile import all_of
from explorer.impact.hits import empty_relations
from explorer.impact.replacement import Spans, covered_segments, n_chars_after
from explorer.impact.source import SourcePart
from explorer.relations import quote_literal
from explorer.spans import Ints


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


def create_effects(connection: duckdb.DuckDBPyConnection, part: SourcePart, streams: Sequence[BoundStream]) -> bool:
    """Create the relation `effects` over `inputs`: what the span rules of some streams leave of each document that they
    touch. False where they touch none.

    Columns: stream, doc, n_spans, n_chars_after (exact, as the mixer cuts), n_bytes_after, n_bytes_trimmed_after,
    n_words_after, n_tokens_after (estimates: in proportion to the characters).
    """
    frames = []
    cuts = []
    n_chars = None
    for stream in streams:
        query = spans_relation(part, stream)
        if query is None:
            continue
        if n_chars is None:
            n_chars = connection.sql("select n_chars from inputs order by doc").fetchnumpy()["n_chars"].astype(np.int64)
        spans = _read_spans(connection, query)
        if not len(spans.docs):
            continue
        frames.append(_effects(stream, spans, n_chars))
        cuts.append(_cuts(stream, spans, n_chars))
    if not frames:
        return False
    connection.register("effects_of_spans", pl.concat(frames).to_arrow())
    connection.execute(f"create or replace temp table effects as {_EFFECTS}").fetchall()
    connection.unregister("effects_of_spans")
    connection.register("cuts_of_spans", pl.concat(cuts).to_arrow())
    connection.execute("create or replace temp table cut_texts as from cuts_of_spans").fetchall()
    connection.unregister("cuts_of_spans")
    return True


# Estimates in proportion to the characters; an empty text has no word.
_EFFECTS = """
select
    e.stream,
    e.doc,
    e.n_chars_after,
    round(i.n_bytes * (e.n_chars_after / nullif(i.n_chars, 0)))::bigint as n_bytes_after,
    round(i.n_bytes_trimmed * (e.n_chars_after / nullif(i.n_chars, 0)))::bigint as n_bytes_trimmed_after,
    round(i.n_words * (e.n_chars_after / nullif(i.n_chars, 0)))::bigint as n_words_after,
    round(i.n_tokens * (e.n_chars_after / nullif(i.n_chars, 0)))::bigint as n_tokens_after
from effects_of_spans as e
join inputs as i on i.doc = e.doc
"""


def _read_spans(connection: duckdb.DuckDBPyConnection, query: str) -> Spans:
    """The spans in the mixer's order: document, start, rule, place in the list."""
    found = connection.sql(
        f'select doc, "start", "end", rule from ({query}) order by doc, "start", rule, i'
    ).fetchnumpy()
    docs, starts, ends, rules = (found[name].astype(np.int64) for name in ("doc", "start", "end", "rule"))
    return Spans(docs, starts, ends, rules)


def _effects(stream: BoundStream, spans: Spans, n_chars: Ints) -> pl.DataFrame:
    texts = {own.number: own.rule.replacement for own in stream.spans}
    after = n_chars_after(n_chars, spans, [texts.get(number, "") for number in range(max(texts) + 1)])
    docs = np.unique(spans.docs)
    return pl.DataFrame({"doc": docs, "n_chars_after": after[docs]}).with_columns(stream=pl.lit(stream.number))


def _cuts(stream: BoundStream, spans: Spans, n_chars: Ints) -> pl.DataFrame:
    """Rows of `cuts` by document: a row with n_sharing 0 for each span rule that touches it and for all together
    (span_rule null), and rows with the characters that n_sharing rules cover."""
    segments = covered_segments(n_chars, spans, max(own.number for own in stream.spans) + 1)
    covered = pl.DataFrame({
        "doc": segments.docs, "n_sharing": np.bitwise_count(segments.masks), "n_covered": segments.n_chars
    }).with_columns(mask=segments.masks)  # fmt: skip
    touched = pl.DataFrame({"doc": spans.docs, "span_rule": spans.rules})
    frames = [
        touched.group_by("doc", "span_rule").len("n_spans"),
        touched.group_by("doc").len("n_spans"),
        covered.group_by("doc", "n_sharing").agg(pl.col("n_covered").sum()),
    ]
    for own in stream.spans:
        its = covered.filter(pl.col("mask") & (1 << own.number) != 0)
        frames.append(
            its.group_by("doc", "n_sharing")
            .agg(pl.col("n_covered").sum())
            .with_columns(span_rule=pl.lit(own.number, pl.Int64))
        )
    kinds = {
        "doc": pl.Int64, "span_rule": pl.Int64, "n_sharing": pl.Int64, "n_spans": pl.Int64, "n_covered": pl.Int64,
    }  # fmt: skip
    table = pl.concat(frames, how="diagonal").with_columns(pl.col(name).cast(kind) for name, kind in kinds.items())
    return table.select(*kinds).with_columns(stream=pl.lit(stream.number))


def cuts_relation(has_effects: bool) -> str:
    """SQL of the relation `cuts` over `hits`: see `_cuts`; a row of n_sharing 0 stands for one document."""
    if not has_effects:
        return empty_relations()["cuts"]
    return """
    select
        h.recipe,
        h.source,
        c.span_rule::integer as span_rule,
        coalesce(c.n_sharing, 0)::integer as n_sharing,
        h.is_kept,
        if(c.n_sharing is null, 1, 0)::bigint as n_docs,
        coalesce(c.n_spans, 0)::bigint as n_spans,
        if(c.n_sharing is null, h.n_chars, 0)::bigint as n_chars,
        if(c.n_sharing is null and c.span_rule is null, h.n_chars_after, 0)::bigint as n_chars_after,
        coalesce(c.n_covered, 0)::bigint as n_covered_chars
    from cut_texts as c
    join hits as h on h.stream = c.stream and h.doc = c.doc
    """
