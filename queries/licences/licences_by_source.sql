/*
title = "Licences by source"
doc   = "The licences that the rows of each source state, beside the one that corpus.toml states for the source."
order = 2

[columns]
source         = { unit = "name",   doc = "Source." }
source_licence = { unit = "name",   doc = "Licence of the source, as corpus.toml states it; null when it states none." }
licence        = { unit = "name",   doc = "Licence as the rows state it; null for documents that state none." }
n_docs         = { unit = "docs",   doc = "Documents." }
n_bytes        = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words        = { unit = "words",  doc = "Words." }
n_tokens       = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
doc_share      = { unit = "share",  doc = "Share of the source's documents." }
byte_share     = { unit = "share",  doc = "Share of the source's bytes." }
*/

select
    m.source,
    s.licence as source_licence,
    m.licence,
    m.n_docs,
    m.n_bytes,
    m.n_words,
    m.n_tokens,
    m.n_docs / sum(m.n_docs) over (partition by m.source) as doc_share,
    m.n_bytes / nullif(sum(m.n_bytes) over (partition by m.source), 0) as byte_share
from merged.licences as m
left join sources as s on s.source = m.source
order by m.source, m.n_bytes desc, m.licence;
