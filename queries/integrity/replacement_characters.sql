/*
title = "Replacement characters"
doc   = "U+FFFD in the texts, by source: the trace of bytes that an earlier step could not decode."
over  = "documents"
order = 8

[merge]
n_docs              = "sum"
n_affected          = "sum"
n_chars             = "sum"
n_replacement_chars = "sum"

[columns]
source              = { unit = "name",  doc = "Source." }
n_docs              = { unit = "docs",  doc = "Documents." }
n_affected          = { unit = "docs",  doc = "Documents with a replacement character." }
n_replacement_chars = { unit = "chars", doc = "Replacement characters." }
affected_share      = { unit = "share", doc = "Share of the source's documents that have one." }
char_share          = { unit = "share", doc = "Share of the source's characters that are one." }
*/

-- partial: one row per source of one part
select
    source,
    count(*) as n_docs,
    count(*) filter (where n_replacement_chars > 0) as n_affected,
    sum(n_chars)::bigint as n_chars,
    sum(n_replacement_chars)::bigint as n_replacement_chars
from part
group by source;

-- result: over the merged partials
select
    source,
    n_docs,
    n_affected,
    n_replacement_chars,
    n_affected / n_docs as affected_share,
    n_replacement_chars / nullif(n_chars, 0) as char_share
from merged.replacement_characters
order by n_affected desc, source;
