/*
title = "Empty texts"
doc   = "Documents whose text is empty or holds only White_Space, by source."
over  = "documents"
order = 7

[merge]
n_docs  = "sum"
n_empty = "sum"
n_blank = "sum"

[columns]
source      = { unit = "name",  doc = "Source." }
n_docs      = { unit = "docs",  doc = "Documents." }
n_empty     = { unit = "docs",  doc = "Documents whose text has no character." }
n_blank     = { unit = "docs",  doc = "Documents whose text has characters, but only White_Space." }
empty_share = { unit = "share", doc = "Share of the source's documents that are either." }
*/

-- partial: one row per source of one part
select
    source,
    count(*) as n_docs,
    count(*) filter (where n_bytes = 0) as n_empty,
    count(*) filter (where n_bytes > 0 and n_bytes_trimmed = 0) as n_blank
from part
group by source;

-- result: over the merged partials
select
    source,
    n_docs,
    n_empty,
    n_blank,
    (n_empty + n_blank) / n_docs as empty_share
from merged.empty_texts
order by n_empty + n_blank desc, source;
