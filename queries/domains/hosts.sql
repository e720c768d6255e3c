/*
title = "Hosts"
doc   = "Documents, bytes, words and tokens by host, largest first."
over  = "documents"
order = 2
chart = { kind = "bar", x = "n_bytes", y = "host" }

[params]
top_n = { default = 50, min = 1, max = 10000, doc = "How many hosts to list." }

[merge]
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"

[columns]
host       = { unit = "name",   doc = "Host of the URL, lower case, in punycode." }
domain     = { unit = "name",   doc = "Its registered domain; the host itself where it has none." }
n_docs     = { unit = "docs",   doc = "Documents." }
n_bytes    = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words    = { unit = "words",  doc = "Words." }
n_tokens   = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
doc_share  = { unit = "share",  doc = "Share of all documents in the corpus, with and without a URL." }
byte_share = { unit = "share",  doc = "Share of all bytes in the corpus." }
*/

-- partial: one row per host of one part; documents without a host under null
select
    suffix,
    domain,
    host,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from part
group by suffix, domain, host;

-- result: over the merged partials
with shared as (
    select
        *,
        n_docs / sum(n_docs) over () as doc_share,
        n_bytes / nullif(sum(n_bytes) over (), 0) as byte_share
    from merged.hosts
)
select
    host,
    domain,
    n_docs,
    n_bytes,
    n_words,
    n_tokens,
    doc_share,
    byte_share
from shared
where host is not null
order by n_bytes desc, host
limit top_n;
