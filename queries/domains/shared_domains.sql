/*
title = "Domains in several sources"
doc   = "The registered domains that occur in most sources, at least two."
order = 7

[params]
top_n = { default = 50, min = 1, max = 10000, doc = "How many domains to list." }

[columns]
domain     = { unit = "name",   doc = "Registered domain." }
n_sources  = { unit = "count",  doc = "Sources in which it occurs." }
n_docs     = { unit = "docs",   doc = "Documents, in all sources." }
n_bytes    = { unit = "bytes",  doc = "UTF-8 bytes of text, in all sources." }
n_tokens   = { unit = "tokens", doc = "Tokens, in all sources, of the documents that have a count; null where none has." }
in_sources = { unit = "text",   doc = "The sources, most documents first, each with its number of documents." }
*/

with largest as (
    select
        domain,
        count(*) as n_sources,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_tokens)::bigint as n_tokens
    from merged.domains
    where domain is not null
    group by domain
    having count(*) > 1
    order by n_sources desc, n_docs desc, domain
    limit top_n
),
named as (
    select
        domain,
        string_agg(source || ' (' || n_docs || ')', ', ' order by n_docs desc, source) as in_sources
    from merged.domains
    where domain in (select domain from largest)
    group by domain
)
select
    l.domain,
    l.n_sources,
    l.n_docs,
    l.n_bytes,
    l.n_tokens,
    n.in_sources
from largest as l
join named as n on n.domain = l.domain
order by l.n_sources desc, l.n_docs desc, l.domain;
