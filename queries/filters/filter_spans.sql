/*
title = "What span rules cut out of kept documents"
doc   = "Characters in the spans that each span rule replaces, in documents that no rule removes: alone (the union of its spans), only in its spans, and its Shapley share of the union of all. The mixer's own cut can be smaller than the union: a span that begins inside one that is already replaced is dropped, so that its tail survives. Exact; counted without the replacement texts."
over  = "cuts"
order = 11
chart = { kind = "bar", x = "n_chars_alone", y = "span_rule" }

[params]
only_source = { default = "", doc = "Only this source; empty for all." }

[merge]
n_docs          = "sum"
n_spans         = "sum"
n_chars         = "sum"
n_chars_after   = "sum"
n_covered_chars = "sum"

[columns]
recipe           = { unit = "name",   doc = "Recipe." }
span_rule        = { unit = "name",   doc = "Span rule; (all together) for their union." }
n_docs           = { unit = "docs",   doc = "Kept documents that it touches." }
n_spans          = { unit = "spans",  doc = "Spans whose score is in its range, those that the mixer drops for overlap included." }
n_chars_alone    = { unit = "chars",  doc = "Characters in the union of its spans." }
n_chars_uniquely = { unit = "chars",  doc = "Characters that only its spans cover; of all together, those that one rule alone covers." }
n_chars_shapley  = { unit = "number", doc = "Its Shapley share: each covered character counts 1 / number of span rules that cover it." }
n_chars          = { unit = "chars",  doc = "Characters of the documents that it touches." }
taken_share      = { unit = "share",  doc = "Characters in the union of its spans, of all characters in kept documents." }
n_chars_after    = { unit = "chars",  doc = "Characters that the mixer leaves of the touched documents, replacement texts included; only for all rules together." }
*/

-- partial: one row per source, span rule (null: all together) and number of rules that cover the same characters
select
    recipe,
    source,
    span_rule,
    n_sharing,
    is_kept,
    sum(n_docs)::bigint as n_docs,
    sum(n_spans)::bigint as n_spans,
    sum(n_chars)::bigint as n_chars,
    sum(n_chars_after)::bigint as n_chars_after,
    sum(n_covered_chars)::bigint as n_covered_chars
from part
group by recipe, source, span_rule, n_sharing, is_kept;

-- result
with by_size as (
    select
        recipe,
        span_rule,
        n_sharing,
        sum(n_docs)::bigint as n_docs,
        sum(n_spans)::bigint as n_spans,
        sum(n_chars)::bigint as n_chars,
        sum(n_chars_after)::bigint as n_chars_after,
        sum(n_covered_chars)::bigint as n_covered_chars
    from merged.filter_spans
    where is_kept and (only_source = '' or source = only_source)
    group by recipe, span_rule, n_sharing
),
counted as (
    select
        recipe,
        span_rule,
        sum(n_docs)::bigint as n_docs,
        sum(n_spans)::bigint as n_spans,
        sum(n_chars)::bigint as n_chars,
        sum(n_chars_after)::bigint as n_chars_after,
        sum(n_covered_chars)::bigint as n_chars_alone,
        coalesce(sum(n_covered_chars) filter (n_sharing = 1), 0)::bigint as n_chars_uniquely,
        sum(n_covered_chars / n_sharing order by n_sharing) filter (n_sharing > 0) as n_chars_shapley
    from by_size
    group by recipe, span_rule
),
kept as (
    select
        recipe,
        sum(n_chars)::bigint as n_kept_chars
    from merged.filter_outcomes
    where is_kept and (only_source = '' or source = only_source)
    group by recipe
)
select
    counted.recipe,
    coalesce(recipe_span_rules.name, '(all together)') as span_rule,
    n_docs,
    n_spans,
    n_chars_alone,
    n_chars_uniquely,
    if(counted.span_rule is null, n_chars_alone, coalesce(n_chars_shapley, 0.0))::double as n_chars_shapley,
    n_chars,
    n_chars_alone / nullif(n_kept_chars, 0) as taken_share,
    if(counted.span_rule is null, n_chars_after, null) as n_chars_after
from counted
left join recipe_span_rules
    on recipe_span_rules.recipe = counted.recipe and recipe_span_rules.span_rule = counted.span_rule
left join kept on kept.recipe = counted.recipe
order by counted.recipe, counted.span_rule nulls first;
