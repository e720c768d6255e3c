"""What span rules cut out of each document of a part: the relations `effects` and `cuts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from explorer.impact.bind import BoundSpans, BoundStream
from explorer.impact.hits import empty_relations
from explorer.impact.replacement import Spans, covered_segments, n_chars_after, rewritten
from explorer.impact.source import SourcePart
from explorer.impact.sql_logic import all_of, any_of
from explorer.measures import TokenCounter
from explorer.relations import quote_literal
from explorer.spans import Ints
from explorer.texts import iter_texts


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


@dataclass(frozen=True)
class Reader:
    """Reads texts again, so that what span rules leave is counted and not estimated."""

    root: Path
    count: TokenCounter | None

    def rewritten(
        self, part: SourcePart, docs: Iterable[int], spans: Spans, replacements: Sequence[str]
    ) -> Iterator[pl.DataFrame]:
        """Measures of some documents after span replacement (see `rewritten`), some MB of text at a time."""
        for texts in iter_texts(self.root, part.manifest, docs):
            yield rewritten(texts.select("doc", "text"), spans, replacements, self.count)


def create_effects(
    connection: duckdb.DuckDBPyConnection,
    part: SourcePart,
    streams: Sequence[BoundStream],
    reader: Reader | None = None,
) -> bool:
    """Create the relation `effects` over `inputs`: what the span rules of some streams leave of each document that they
    touch. False where they touch none.

    Columns: stream, doc, n_chars_after (exact, as the mixer cuts), n_bytes_after, n_bytes_trimmed_after, n_words_after,
    n_tokens_after, is_counted. With a `reader` these are counted in the texts, of all touched documents where the
    stream has a minimum length, else of those that no rule removes; without, they are estimates in proportion to the
    characters.
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
        replacements = _replacements(stream)
        docs = np.unique(spans.docs)
        after = pl.DataFrame({"doc": docs, "n_chars_after": n_chars_after(n_chars, spans, replacements)[docs]})
        counted = _COUNTED.clone()
        if reader is not None:
            wanted = docs if any(own.rule.kind == "length" for own in stream.rules) else _kept(connection, stream, docs)
            found = [
                frame.select(pl.col(name).cast(kind) for name, kind in _COUNTED.schema.items() if name in frame.columns)
                for frame in reader.rewritten(part, wanted.tolist(), spans, replacements)
            ]
            counted = pl.concat([counted, *found], how="diagonal")
        frames.append(after.join(counted, on="doc", how="left").with_columns(stream=pl.lit(stream.number)))
        cuts.append(_cuts(stream, spans, n_chars))
    if not frames:
        return False
    for name, found in (("effects", frames), ("cut_texts", cuts)):
        connection.register("found_in_spans", pl.concat(found).to_arrow())
        query = _EFFECTS if name == "effects" else "from found_in_spans"
        connection.execute(f"create or replace temp table {name} as {query}").fetchall()
        connection.unregister("found_in_spans")
    return True


_COUNTED = pl.DataFrame(
    schema={
        "doc": pl.Int64, "n_bytes_after": pl.Int64, "n_bytes_trimmed_after": pl.Int64, "n_words_after": pl.Int64,
        "n_tokens_after": pl.Int64,
    }
)  # fmt: skip
_EFFECTS = """
select
    e.stream,
    e.doc,
    e.n_chars_after,
    coalesce(e.n_bytes_after, round(i.n_bytes * share)::bigint) as n_bytes_after,
    coalesce(e.n_bytes_trimmed_after, round(i.n_bytes_trimmed * share)::bigint) as n_bytes_trimmed_after,
    coalesce(e.n_words_after, round(i.n_words * share)::bigint) as n_words_after,
    coalesce(e.n_tokens_after, round(i.n_tokens * share)::bigint) as n_tokens_after,
    e.n_words_after is not null as is_counted
from (
    select
        e.*,
        e.n_chars_after / nullif(i.n_chars, 0) as share
    from found_in_spans as e
    join inputs as i on i.doc = e.doc
) as e
join inputs as i on i.doc = e.doc
"""


def _kept(connection: duckdb.DuckDBPyConnection, stream: BoundStream, docs: Ints) -> Ints:
    """Those of some documents that no rule of the stream removes (but for a minimum length)."""
    holds = any_of(*(own.holds for own in stream.rules if own.rule.kind != "length"))
    found = connection.sql(f"select doc from inputs as i where i.in_{stream.number} and not {holds} order by doc")
    return docs[np.isin(docs, found.fetchnumpy()["doc"])]


def _read_spans(connection: duckdb.DuckDBPyConnection, query: str) -> Spans:
    """The spans in the mixer's order: document, start, rule, place in the list."""
    found = connection.sql(
        f'select doc, "start", "end", rule from ({query}) order by doc, "start", rule, i'
    ).fetchnumpy()
    docs, starts, ends, rules = (found[name].astype(np.int64) for name in ("doc", "start", "end", "rule"))
    return Spans(docs, starts, ends, rules)


def _replacements(stream: BoundStream) -> list[str]:
    """The replacement texts by number of the span rule; those of other streams are empty."""
    texts = {own.number: own.rule.replacement for own in stream.spans}
    return [texts.get(number, "") for number in range(max(texts) + 1)]


def _cuts(stream: BoundStream, spans: Spans, n_chars: Ints) -> pl.DataFrame:
    """Rows of `cuts` by document: a row with n_sharing 0 for each span rule that touches it and for all together
    (span_rule null), and rows with the characters that n_sharing rules cover."""
    places = np.zeros(max(own.number for own in stream.spans) + 1, dtype=np.int64)
    for place, own in enumerate(stream.spans):
        places[own.number] = place  # a stream's rules are numbered through, so that its masks are short
    segments = covered_segments(n_chars, replace(spans, rules=places[spans.rules]), len(stream.spans))
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
        its = covered.filter(pl.col("mask") & (1 << int(places[own.number])) != 0)
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
