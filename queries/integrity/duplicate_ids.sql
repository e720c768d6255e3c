/*
title = "Duplicate ids"
doc   = "Ids that occur more than once in their source. Attributes are joined by id where rows do not line up, so such documents cannot be told apart. Rows without an id of their own are named by their text and do not count here."
over  = "marks"
order = 5

[merge]
n_ids  = "sum"
n_docs = "sum"

[columns]
source         = { unit = "name",  doc = "Source." }
n_docs         = { unit = "docs",  doc = "Documents of the source." }
n_repeated_ids = { unit = "count", doc = "Ids that more than one document bears." }
n_affected     = { unit = "docs",  doc = "Documents that bear such an id." }
affected_share = { unit = "share", doc = "Their share of the source's documents." }
*/

-- partial: one row per source
select
    source,
    count(*) filter (where is_first) as n_ids,
    count(*) as n_docs
from part
where key_kind = 'id' and n_copies > 1
group by source;

-- result: over the merged partials
select
    c.source,
    c.n_docs,
    coalesce(d.n_ids, 0) as n_repeated_ids,
    coalesce(d.n_docs, 0) as n_affected,
    coalesce(d.n_docs, 0) / c.n_docs as affected_share
from merged.composition as c
left join merged.duplicate_ids as d on d.source = c.source
order by n_affected desc, c.source;
