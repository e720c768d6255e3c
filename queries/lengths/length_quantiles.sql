/*
title  = "Quantiles of lengths"
doc    = "Quantiles of the length of documents, by nearest rank. Weighted by documents, half of the documents are at most as long as the median; weighted by length, half of the text is in documents at most as long as it."
order  = 2
approx = "Quantiles are exact below 128 and within 0.8 % of the nearest-rank quantile from there on."

[params]
unit = { default = "bytes", choices = ["bytes", "chars", "words", "lines", "paragraphs", "tokens"], doc = "What lengths are measured in." }

[columns]
source      = { unit = "name",   doc = "Source; null for the whole corpus." }
weighted_by = { unit = "name",   doc = "docs: every document counts once; length: every document counts as much as it is long." }
n_docs      = { unit = "docs",   doc = "Documents that have this measure." }
smallest    = { unit = "length", doc = "Length of the shortest document, exact." }
p05_approx  = { unit = "length", doc = "5 % are at most this long." }
p25_approx  = { unit = "length", doc = "25 % are at most this long." }
p50_approx  = { unit = "length", doc = "50 % are at most this long: the median." }
p75_approx  = { unit = "length", doc = "75 % are at most this long." }
p95_approx  = { unit = "length", doc = "95 % are at most this long." }
p99_approx  = { unit = "length", doc = "99 % are at most this long." }
largest     = { unit = "length", doc = "Length of the longest document, exact." }
mean        = { unit = "mean",   doc = "Mean length of a document, exact." }
*/

with bins as (
    select
        source,
        bin,
        sum(n_docs)::bigint as docs,
        sum(n_units)::bigint as length,
        min(smallest) as smallest,
        max(largest) as largest
    from merged.length_histogram
    where measured_in = unit
    group by grouping sets ((source, bin), (bin))
),
scopes as (
    select
        source,
        sum(docs)::bigint as n_docs,
        sum(length) / sum(docs) as mean,
        min(smallest) as smallest,
        max(largest) as largest
    from bins
    group by source
),
weights as (
    from (select source, bin, greatest(smallest, least(largest, length_bin_value(bin))) as value, docs, length from bins)
    unpivot (weight for weighted_by in (docs, length))
),
ranked as (
    select
        *,
        sum(weight) over (partition by source, weighted_by order by bin) as reached,
        sum(weight) over (partition by source, weighted_by) as total
    from weights
),
quantiles as (
    select
        source,
        weighted_by,
        min(value) filter (where reached * 100 >= 5 * total) as p05_approx,
        min(value) filter (where reached * 100 >= 25 * total) as p25_approx,
        min(value) filter (where reached * 100 >= 50 * total) as p50_approx,
        min(value) filter (where reached * 100 >= 75 * total) as p75_approx,
        min(value) filter (where reached * 100 >= 95 * total) as p95_approx,
        min(value) filter (where reached * 100 >= 99 * total) as p99_approx
    from ranked
    where total > 0
    group by source, weighted_by
)
select
    q.source,
    q.weighted_by,
    s.n_docs,
    s.smallest,
    q.p05_approx,
    q.p25_approx,
    q.p50_approx,
    q.p75_approx,
    q.p95_approx,
    q.p99_approx,
    s.largest,
    s.mean
from quantiles as q
join scopes as s on s.source is not distinct from q.source
order by q.source nulls first, q.weighted_by;
