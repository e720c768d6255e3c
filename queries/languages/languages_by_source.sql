/*
title = "Languages by source"
doc   = "Which languages each source holds, with shares within the source."
order = 2
chart = { kind = "stacked_bar", x = "n_bytes", y = "source", color = "language" }

[columns]
source      = { unit = "name",   doc = "Source." }
language    = { unit = "name",   doc = "Language as stated; null for documents without one." }
n_docs      = { unit = "docs",   doc = "Documents." }
n_bytes     = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words     = { unit = "words",  doc = "Words." }
n_tokens    = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
doc_share   = { unit = "share",  doc = "Share of the source's documents." }
byte_share  = { unit = "share",  doc = "Share of the source's bytes." }
token_share = { unit = "share",  doc = "Share of the source's tokens." }
*/

select
    source,
    language,
    n_docs,
    n_bytes,
    n_words,
    n_tokens,
    n_docs / sum(n_docs) over (partition by source) as doc_share,
    n_bytes / nullif(sum(n_bytes) over (partition by source), 0) as byte_share,
    n_tokens / nullif(sum(n_tokens) over (partition by source), 0) as token_share
from merged.languages
order by source, n_bytes desc, language;
