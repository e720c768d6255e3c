/*
title = "Examples of duplicate ids"
doc   = "The ids that most documents of one source bear."
over  = "marks"
order = 6
keep  = { top = 100, within = [], order = ["n_docs desc", "source", "id"] }

[params]
top_n = { default = 20, min = 1, max = 100, doc = "How many ids to list." }

[columns]
source           = { unit = "name",  doc = "Source." }
id               = { unit = "name",  doc = "The id." }
n_docs           = { unit = "docs",  doc = "Documents of the source that bear it." }
n_distinct_texts = { unit = "count", doc = "Different texts among them: 1 when they are copies." }
*/

-- partial: the most repeated ids of one part, each at its first copy
select
    source,
    id,
    n_copies as n_docs,
    n_texts as n_distinct_texts
from part
where key_kind = 'id' and n_copies > 1 and is_first;

-- result: over the merged partials
select
    source,
    id,
    n_docs,
    n_distinct_texts
from merged.duplicate_id_examples
order by n_docs desc, source, id
limit top_n;
