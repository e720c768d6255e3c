/*
title = "Concentration of domains"
doc   = "How much of the text from the web comes from few registered domains: the share of the largest 10, 100 and 1,000, the Gini coefficient and the Herfindahl-Hirschman index, over documents that have a domain."
order = 4

[columns]
source         = { unit = "name",  doc = "Source; null for the whole corpus." }
weighted_by    = { unit = "name",  doc = "What is measured: docs, bytes, words or tokens." }
n_domains      = { unit = "count", doc = "Registered domains." }
top_10_share   = { unit = "share", doc = "Share of the 10 largest domains (1 when there are fewer)." }
top_100_share  = { unit = "share", doc = "Share of the 100 largest domains." }
top_1000_share = { unit = "share", doc = "Share of the 1,000 largest domains." }
gini           = { unit = "ratio", doc = "Gini coefficient over the domains: 0 when all are equal, (n - 1) / n when one of n has everything." }
hhi            = { unit = "ratio", doc = "Herfindahl-Hirschman index: the sum of squared shares, 1 / n when all n are equal, 1 when there is one." }
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
        sum(n) over (partition by source, weighted_by order by weight desc) - n as n_larger,
        sum(n) over (partition by source, weighted_by) as n_domains
    from counted
),
placed as (
    select
        source,
        weighted_by,
        weight::hugeint as weight,
        n::hugeint as n,
        n_domains::hugeint as n_domains,
        greatest(0, least(n, 10 - n_larger)) as n_in_top_10,
        greatest(0, least(n, 100 - n_larger)) as n_in_top_100,
        greatest(0, least(n, 1000 - n_larger)) as n_in_top_1000,
        -- twice the sum of the places of these domains, counted from the smallest domain
        n * (2 * (n_domains - n_larger) - n + 1) as twice_places
    from ranked
)
select
    source,
    weighted_by,
    n_domains::bigint as n_domains,
    sum(n_in_top_10 * weight) / nullif(sum(n * weight), 0) as top_10_share,
    sum(n_in_top_100 * weight) / nullif(sum(n * weight), 0) as top_100_share,
    sum(n_in_top_1000 * weight) / nullif(sum(n * weight), 0) as top_1000_share,
    (sum(twice_places * weight) - (n_domains + 1) * sum(n * weight)) / nullif(n_domains * sum(n * weight), 0) as gini,
    sum(n * weight * weight) / nullif(sum(n * weight) * sum(n * weight), 0) as hhi
from placed
group by source, weighted_by, n_domains
order by source nulls first, list_position(['docs', 'bytes', 'words', 'tokens'], weighted_by);
