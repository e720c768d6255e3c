/*
title = "Date coverage"
doc   = "How many documents of each source have a date of creation that could be read."
over  = "documents"
order = 2
chart = { kind = "bar", x = "dated_share", y = "source" }

[merge]
n_docs        = "sum"
n_dated       = "sum"
n_unreadable  = "sum"
n_added       = "sum"
first_created = "min"
last_created  = "max"
first_added   = "min"
last_added    = "max"

[columns]
source         = { unit = "name",  doc = "Source." }
n_docs         = { unit = "docs",  doc = "Documents." }
n_dated        = { unit = "docs",  doc = "Documents with a date of creation." }
n_undated      = { unit = "docs",  doc = "Documents that state no date of creation." }
n_unreadable   = { unit = "docs",  doc = "Documents whose date of creation could not be read." }
n_added        = { unit = "docs",  doc = "Documents with a readable date of acquisition (added)." }
dated_share    = { unit = "share", doc = "Share of the source's documents with a date of creation." }
undated_share  = { unit = "share", doc = "Share of the source's documents without a readable date of creation." }
*/

-- partial: one row per source of one part
select
    source,
    count(*) as n_docs,
    count(created) as n_dated,
    count(*) filter (where is_created_unreadable) as n_unreadable,
    count(added) as n_added,
    min(created::date) as first_created,
    max(created::date) as last_created,
    min(added::date) as first_added,
    max(added::date) as last_added
from part
group by source;

-- result: over the merged partials
select
    source,
    n_docs,
    n_dated,
    n_docs - n_dated - n_unreadable as n_undated,
    n_unreadable,
    n_added,
    n_dated / n_docs as dated_share,
    (n_docs - n_dated) / n_docs as undated_share
from merged.date_coverage
order by n_docs desc, source;
