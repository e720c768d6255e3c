/*
title = "Domains in several sources"
doc   = "The registered domains that occur in most sources, at least two."
order = 7

[params]
top_n = { default = 50, min = 1, max = 10000, doc = "How many domains to list." }

[columns]
domain    = { unit = "name",   doc = "Registered domain." }
n_sources = { unit = "count",  doc = "Sources in which it occurs." }
n_docs    = { unit = "docs",   doc = "Documents, in all sources." }
n_bytes   = { unit = "bytes",  doc = "UTF-8 bytes of text, in all sources." }
n_tokens  = { unit = "tokens", doc = "Tokens, in all sources; null when no tokenizer was asked for." }
in_sources = { unit = "text",  doc = "The sources, most documents first, each with its number of documents." }
*/

select
    domain,
    count(*) as n_sources,
    sum(n_docs)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_tokens)::bigint as n_tokens,
    string_agg(source || ' (' || n_docs || ')', ', ' order by n_docs desc, source) as in_sources
from merged.domains
where domain is not null
group by domain
having count(*) > 1
order by n_sources desc, n_docs desc, domain
limit top_n;
