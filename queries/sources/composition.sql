/*
title = "Composition by source"
doc   = "What each source contributes: documents, bytes, characters, words and tokens, with shares and means."
over  = "documents"
order = 1
chart = { kind = "bar", x = "n_bytes", y = "source" }

[merge]
n_docs       = "sum"
n_bytes      = "sum"
n_chars      = "sum"
n_words      = "sum"
n_lines      = "sum"
n_paragraphs = "sum"
n_tokens     = "sum"
n_docs_with_tokens = "sum"

[columns]
source        = { unit = "name",       doc = "Source." }
title         = { unit = "name",       doc = "Title, as corpus.toml states it." }
document_type = { unit = "name",       doc = "Document type, as corpus.toml states it." }
n_docs        = { unit = "docs",       doc = "Documents." }
n_bytes       = { unit = "bytes",      doc = "UTF-8 bytes of text." }
n_chars       = { unit = "chars",      doc = "Characters (code points)." }
n_words       = { unit = "words",      doc = "Words." }
n_lines       = { unit = "lines",      doc = "Lines." }
n_paragraphs  = { unit = "paragraphs", doc = "Paragraphs." }
n_tokens      = { unit = "tokens",     doc = "Tokens of the documents that have a count; null where none has." }
doc_share     = { unit = "share",      doc = "Share of all documents." }
byte_share    = { unit = "share",      doc = "Share of all bytes." }
word_share    = { unit = "share",      doc = "Share of all words." }
token_share   = { unit = "share",      doc = "Share of all tokens." }
mean_bytes    = { unit = "mean",       doc = "Bytes per document." }
mean_words    = { unit = "mean",       doc = "Words per document." }
*/

-- partial: one row per source of one part
select
    source,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_chars)::bigint as n_chars,
    sum(n_words)::bigint as n_words,
    sum(n_lines)::bigint as n_lines,
    sum(n_paragraphs)::bigint as n_paragraphs,
    sum(n_tokens)::bigint as n_tokens,
    count(n_tokens) as n_docs_with_tokens
from part
group by source;

-- result: over the merged partials
select
    m.source,
    s.title,
    s.document_type,
    m.n_docs,
    m.n_bytes,
    m.n_chars,
    m.n_words,
    m.n_lines,
    m.n_paragraphs,
    m.n_tokens,
    m.n_docs / sum(m.n_docs) over () as doc_share,
    m.n_bytes / nullif(sum(m.n_bytes) over (), 0) as byte_share,
    m.n_words / nullif(sum(m.n_words) over (), 0) as word_share,
    m.n_tokens / nullif(sum(m.n_tokens) over (), 0) as token_share,
    m.n_bytes / m.n_docs as mean_bytes,
    m.n_words / m.n_docs as mean_words
from merged.composition as m
left join sources as s on s.source = m.source
order by m.n_bytes desc, m.source;
