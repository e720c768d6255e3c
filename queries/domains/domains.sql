/*
title = "Domains"
doc   = "Documents, bytes, words and tokens by registered domain (the public suffix and one label more), largest first. Documents whose URL has no host are left out; the URL coverage counts them."
over  = "documents"
order = 1
chart = { kind = "bar", x = "n_bytes", y = "domain" }

[params]
top_n = { default = 50, min = 1, max = 10000, doc = "How many domains to list." }

[merge]
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"

[columns]
domain      = { unit = "name",   doc = "Registered domain; the host itself where it has none (an IP address, a local name)." }
n_sources   = { unit = "count",  doc = "Sources in which it occurs." }
n_docs      = { unit = "docs",   doc = "Documents." }
n_bytes     = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words     = { unit = "words",  doc = "Words." }
n_tokens    = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
doc_share   = { unit = "share",  doc = "Share of all documents in the corpus, with and without a URL." }
byte_share  = { unit = "share",  doc = "Share of all bytes in the corpus." }
token_share = { unit = "share",  doc = "Share of all tokens in the corpus." }
*/

-- partial: one row per source and domain of one part; documents without a domain under null
select
    source,
    domain,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from part
group by source, domain;

-- result: over the merged partials
with totals as (
    select
        domain,
        count(*) as n_sources,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from merged.domains
    group by domain
),
shared as (
    select
        *,
        n_docs / sum(n_docs) over () as doc_share,
        n_bytes / nullif(sum(n_bytes) over (), 0) as byte_share,
        n_tokens / nullif(sum(n_tokens) over (), 0) as token_share
    from totals
)
select
    domain,
    n_sources,
    n_docs,
    n_bytes,
    n_words,
    n_tokens,
    doc_share,
    byte_share,
    token_share
from shared
where domain is not null
order by n_bytes desc, domain
limit top_n;
