/*
title = "Size of domains"
doc   = "Quantiles of documents, bytes, words and tokens per registered domain, exact, by nearest rank: the smallest value that at least that share of the domains do not exceed."
order = 5

[columns]
source      = { unit = "name",   doc = "Source; null for the whole corpus." }
weighted_by = { unit = "name",   doc = "What is measured per domain: docs, bytes, words or tokens." }
n_domains   = { unit = "count",  doc = "Registered domains." }
smallest    = { unit = "length", doc = "The smallest domain." }
p25         = { unit = "length", doc = "A quarter of the domains have at most this." }
p50         = { unit = "length", doc = "Half of the domains have at most this: the median." }
p75         = { unit = "length", doc = "Three quarters of the domains have at most this." }
p90         = { unit = "length", doc = "90 % of the domains have at most this." }
p99         = { unit = "length", doc = "99 % of the domains have at most this." }
largest     = { unit = "length", doc = "The largest domain." }
mean        = { unit = "mean",   doc = "Mean per domain." }
*/

with sizes as (
    select
        null::varchar as source,
        sum(n_docs)::bigint as docs,
        sum(n_bytes)::bigint as bytes,
        sum(n_words)::bigint as words,
        sum(n_tokens)::bigint as tokens
    from merged.domains
    where domain is not null
    group by domain
    union all
    select
        source,
        n_docs,
        n_bytes,
        n_words,
        n_tokens
    from merged.domains
    where domain is not null
),
-- domains of one size are alike here, so they are counted together
counted as (
    select
        source,
        weighted_by,
        weight,
        count(*) as n
    from (from sizes unpivot (weight for weighted_by in (docs, bytes, words, tokens)))
    group by source, weighted_by, weight
),
ranked as (
    select
        *,
        sum(n) over (partition by source, weighted_by order by weight) as reached,
        sum(n) over (partition by source, weighted_by) as total
    from counted
)
select
    source,
    weighted_by,
    sum(n)::bigint as n_domains,
    min(weight) as smallest,
    min(weight) filter (where reached * 100 >= 25 * total) as p25,
    min(weight) filter (where reached * 100 >= 50 * total) as p50,
    min(weight) filter (where reached * 100 >= 75 * total) as p75,
    min(weight) filter (where reached * 100 >= 90 * total) as p90,
    min(weight) filter (where reached * 100 >= 99 * total) as p99,
    max(weight) as largest,
    sum(n * weight::hugeint) / sum(n) as mean
from ranked
group by source, weighted_by
order by source nulls first, list_position(['docs', 'bytes', 'words', 'tokens'], weighted_by);
