/*
title = "Licences of documents"
doc   = "Documents, bytes, words and tokens by the licence that each row states."
over  = "documents"
order = 1
chart = { kind = "bar", x = "n_bytes", y = "licence" }

[merge]
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"

[columns]
licence     = { unit = "name",   doc = "Licence as the row states it; null for documents that state none." }
n_sources   = { unit = "count",  doc = "Sources that have such documents." }
n_docs      = { unit = "docs",   doc = "Documents." }
n_bytes     = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words     = { unit = "words",  doc = "Words." }
n_tokens    = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
doc_share   = { unit = "share",  doc = "Share of all documents." }
byte_share  = { unit = "share",  doc = "Share of all bytes." }
word_share  = { unit = "share",  doc = "Share of all words." }
token_share = { unit = "share",  doc = "Share of all tokens." }
*/

-- partial: one row per source and licence of one part
select
    source,
    licence,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from part
group by source, licence;

-- result: over the merged partials
with totals as (
    select
        licence,
        count(*) as n_sources,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from merged.licences
    group by licence
)
select
    licence,
    n_sources,
    n_docs,
    n_bytes,
    n_words,
    n_tokens,
    n_docs / sum(n_docs) over () as doc_share,
    n_bytes / nullif(sum(n_bytes) over (), 0) as byte_share,
    n_words / nullif(sum(n_words) over (), 0) as word_share,
    n_tokens / nullif(sum(n_tokens) over (), 0) as token_share
from totals
order by n_bytes desc, licence;
