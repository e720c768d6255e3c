/*
title = "Lengths of the list of domains"
doc   = "How many registered domains the EU's public summary of training content asks for, of each source and of the whole corpus, were it the provider's own crawl: the largest 10 % of all domains by bytes, rounded up; of a small or medium enterprise the largest 5 %, rounded up, and at most 1,000."
order = 10

[columns]
source            = { unit = "name",  doc = "Source; null for the whole corpus." }
listed_by         = { unit = "name",  doc = "The rule: top_10_percent or sme." }
n_domains         = { unit = "count", doc = "Registered domains." }
n_listed          = { unit = "count", doc = "How many of them the rule lists." }
n_bytes           = { unit = "bytes", doc = "UTF-8 bytes of text in documents that have a domain." }
n_listed_bytes    = { unit = "bytes", doc = "Bytes of the domains that are listed." }
listed_byte_share = { unit = "share", doc = "That, of the bytes that have a domain." }
smallest_listed   = { unit = "bytes", doc = "Bytes of the smallest domain that is listed." }
*/

with sizes as (
    select
        null::varchar as source,
        domain,
        sum(n_bytes)::bigint as n_bytes
    from merged.domains
    where domain is not null
    group by domain
    union all
    select
        source,
        domain,
        n_bytes
    from merged.domains
    where domain is not null
),
ranked as (
    select
        source,
        n_bytes,
        row_number() over (partition by source order by n_bytes desc, domain) as place,
        count(*) over (partition by source) as n_domains
    from sizes
),
cut as (
    select
        *,
        unnest(['top_10_percent', 'sme']) as listed_by,
        unnest([(n_domains + 9) // 10, least((n_domains + 19) // 20, 1000)]) as n_listed
    from ranked
)
select
    source,
    listed_by,
    n_domains,
    n_listed,
    sum(n_bytes)::bigint as n_bytes,
    (sum(n_bytes) filter (place <= n_listed))::bigint as n_listed_bytes,
    sum(n_bytes) filter (place <= n_listed) / nullif(sum(n_bytes), 0) as listed_byte_share,
    min(n_bytes) filter (place <= n_listed) as smallest_listed
from cut
group by source, listed_by, n_domains, n_listed
order by source nulls first, listed_by desc;
