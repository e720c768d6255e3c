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

with weights as (
    from (select source, domain, n_docs as docs, n_bytes as bytes, n_words as words, n_tokens as tokens from merged.domains)
    unpivot (weight for weighted_by in (docs, bytes, words, tokens))
    where domain is not null
),
scoped as (
    select
        source,
        weighted_by,
        domain,
        sum(weight)::bigint as weight
    from weights
    group by grouping sets ((source, weighted_by, domain), (weighted_by, domain))
),
ranked as (
    select
        *,
        row_number() over (partition by source, weighted_by order by weight, domain) as place,
        count(*) over (partition by source, weighted_by) as n
    from scoped
)
select
    source,
    weighted_by,
    count(*) as n_domains,
    min(weight) as smallest,
    min(weight) filter (where place * 100 >= 25 * n) as p25,
    min(weight) filter (where place * 100 >= 50 * n) as p50,
    min(weight) filter (where place * 100 >= 75 * n) as p75,
    min(weight) filter (where place * 100 >= 90 * n) as p90,
    min(weight) filter (where place * 100 >= 99 * n) as p99,
    max(weight) as largest,
    sum(weight) / count(*) as mean
from ranked
group by source, weighted_by
order by source nulls first, list_position(['docs', 'bytes', 'words', 'tokens'], weighted_by);
