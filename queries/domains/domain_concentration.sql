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
        sum(weight)::hugeint as weight
    from weights
    group by grouping sets ((source, weighted_by, domain), (weighted_by, domain))
),
ranked as (
    select
        *,
        row_number() over (partition by source, weighted_by order by weight desc, domain) as place,
        count(*) over (partition by source, weighted_by) as n_domains
    from scoped
)
select
    source,
    weighted_by,
    n_domains,
    sum(weight) filter (where place <= 10) / nullif(sum(weight), 0) as top_10_share,
    sum(weight) filter (where place <= 100) / nullif(sum(weight), 0) as top_100_share,
    sum(weight) filter (where place <= 1000) / nullif(sum(weight), 0) as top_1000_share,
    -- places count from the largest, so the sum below is the textbook's with its sign turned
    (sum((n_domains + 1 - 2 * place) * weight) / nullif(n_domains * sum(weight), 0))::double as gini,
    sum(weight * weight) / nullif(sum(weight) * sum(weight), 0) as hhi
from ranked
group by source, weighted_by, n_domains
order by source nulls first, list_position(['docs', 'bytes', 'words', 'tokens'], weighted_by);
