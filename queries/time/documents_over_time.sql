/*
title = "Documents over time"
doc   = "Documents, bytes, words and tokens by date of creation (UTC) and source. Documents without a readable date are left out; the date coverage counts them."
over  = "documents"
order = 1
chart = { kind = "line", x = "period", y = "n_docs", color = "source" }

[params]
grain = { default = "year", choices = ["year", "month", "day"], doc = "How long a period is." }

[merge]
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"

[columns]
period   = { unit = "date",   doc = "First day of the period." }
source   = { unit = "name",   doc = "Source." }
n_docs   = { unit = "docs",   doc = "Documents." }
n_bytes  = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_words  = { unit = "words",  doc = "Words." }
n_tokens = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
*/

-- partial: one row per source and day of one part
select
    source,
    created::date as created_on,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from part
where created is not null
group by source, created_on;

-- result: over the merged partials
select
    date_trunc(grain, created_on)::date as period,
    source,
    sum(n_docs)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from merged.documents_over_time
group by period, source
order by period, source;
