/*
title = "URL schemes"
doc   = "Documents and bytes by the scheme of the URL (http, https ...)."
over  = "documents"
order = 8

[merge]
n_docs  = "sum"
n_bytes = "sum"

[columns]
scheme     = { unit = "name",  doc = "Scheme, lower case; null for documents without a URL and for URLs without a scheme." }
n_docs     = { unit = "docs",  doc = "Documents." }
n_bytes    = { unit = "bytes", doc = "UTF-8 bytes of text." }
doc_share  = { unit = "share", doc = "Share of all documents." }
byte_share = { unit = "share", doc = "Share of all bytes." }
*/

-- partial: one row per scheme of one part
select
    scheme,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes
from part
group by scheme;

-- result: over the merged partials
select
    scheme,
    n_docs,
    n_bytes,
    n_docs / sum(n_docs) over () as doc_share,
    n_bytes / nullif(sum(n_bytes) over (), 0) as byte_share
from merged.schemes
order by n_docs desc, scheme;
