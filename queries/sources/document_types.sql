/*
title = "Composition by document type"
doc   = "Documents, bytes, words and tokens by document type, which corpus.toml states for each source."
order = 2
chart = { kind = "bar", x = "n_bytes", y = "document_type" }

[columns]
document_type = { unit = "name",   doc = "Document type, as corpus.toml states it; \"not stated\" for sources without one." }
n_sources     = { unit = "count",  doc = "Sources of this type." }
n_docs        = { unit = "docs",   doc = "Documents." }
n_bytes       = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words       = { unit = "words",  doc = "Words." }
n_tokens      = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
doc_share     = { unit = "share",  doc = "Share of all documents." }
byte_share    = { unit = "share",  doc = "Share of all bytes." }
word_share    = { unit = "share",  doc = "Share of all words." }
token_share   = { unit = "share",  doc = "Share of all tokens." }
*/

with typed as (
    select
        coalesce(s.document_type, 'not stated') as document_type,
        m.*
    from merged.composition as m
    left join sources as s on s.source = m.source
),
totals as (
    select
        document_type,
        count(*) as n_sources,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from typed
    group by document_type
)
select
    document_type,
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
order by n_bytes desc, document_type;
