-- The keys of one kind of a part's documents (`keyed`: those that have one, each with its key). `gone` lists the
-- documents that the steps before remove.
select
    d.key,
    o.number as source_number,
    d.id,
    d.text_md5,
    d.url_md5,
    d.domain,
    d.n_bytes,
    d.n_tokens,
    d.doc,
    g.doc is null as is_left
from keyed as d
join source_order as o on o.source = d.source
left join gone as g on g.doc = d.doc
order by d.key
