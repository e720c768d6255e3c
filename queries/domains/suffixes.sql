/*
title = "Public suffixes"
doc   = "Documents, bytes, words and tokens by public suffix (com, co.uk ...), over the documents whose URL has a host."
order = 3
chart = { kind = "bar", x = "n_bytes", y = "suffix" }

[params]
top_n = { default = 50, min = 1, max = 10000, doc = "How many suffixes to list." }

[columns]
suffix     = { unit = "name",   doc = "Public suffix, ICANN section; null for IP addresses and local names." }
n_domains  = { unit = "count",  doc = "Registered domains under it." }
n_hosts    = { unit = "count",  doc = "Hosts under it." }
n_docs     = { unit = "docs",   doc = "Documents." }
n_bytes    = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words    = { unit = "words",  doc = "Words." }
n_tokens   = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
doc_share  = { unit = "share",  doc = "Share of the documents whose URL has a host." }
byte_share = { unit = "share",  doc = "Share of their bytes." }
*/

with totals as (
    select
        suffix,
        count(distinct domain) as n_domains,
        count(*) as n_hosts,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from merged.hosts
    where host is not null
    group by suffix
)
select
    suffix,
    n_domains,
    n_hosts,
    n_docs,
    n_bytes,
    n_words,
    n_tokens,
    n_docs / sum(n_docs) over () as doc_share,
    n_bytes / nullif(sum(n_bytes) over (), 0) as byte_share
from totals
order by n_bytes desc, suffix
limit top_n;
