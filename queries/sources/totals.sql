/*
title = "Totals"
doc   = "The whole corpus in one row."
order = 0

[columns]
n_sources     = { unit = "count",      doc = "Sources that have documents." }
n_docs        = { unit = "docs",       doc = "Documents." }
n_bytes       = { unit = "bytes",      doc = "UTF-8 bytes of text." }
n_chars       = { unit = "chars",      doc = "Characters (Unicode code points)." }
n_words       = { unit = "words",      doc = "Words: maximal runs of characters without Unicode White_Space." }
n_lines       = { unit = "lines",      doc = "Lines: pieces between line feeds, empty ones included; an empty text has none." }
n_paragraphs  = { unit = "paragraphs", doc = "Paragraphs: pieces between line feeds that hold more than White_Space." }
n_tokens      = { unit = "tokens",     doc = "Tokens of the documents that have a count; null where none has." }
tokenizer     = { unit = "name",       doc = "The tokenizer behind the tokens; null when none was asked for." }
n_domains     = { unit = "count",      doc = "Registered domains." }
n_languages   = { unit = "count",      doc = "Languages that rows or attributes state." }
first_created = { unit = "date",       doc = "Earliest date of creation (UTC); null when no document has a date." }
last_created  = { unit = "date",       doc = "Latest date of creation (UTC)." }
*/

select
    count(*) as n_sources,
    sum(n_docs)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_chars)::bigint as n_chars,
    sum(n_words)::bigint as n_words,
    sum(n_lines)::bigint as n_lines,
    sum(n_paragraphs)::bigint as n_paragraphs,
    sum(n_tokens)::bigint as n_tokens,
    (select nullif(value, '') from corpus where name = 'tokenizer') as tokenizer,
    (select count(distinct domain) from merged.domains) as n_domains,
    (select count(distinct language) from merged.languages) as n_languages,
    (select min(first_created) from merged.date_coverage) as first_created,
    (select max(last_created) from merged.date_coverage) as last_created
from merged.composition
order by n_docs;
