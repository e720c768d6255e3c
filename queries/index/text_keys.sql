-- The text keys of a part's documents. Empty texts stand apart. `gone` lists those that the steps before remove.
select
    d.text_md5 as key,
    o.number as source_number,
    d.id,
    d.text_md5,
    d.url_md5,
    d.domain,
    d.n_bytes,
    d.n_tokens,
    d.doc,
    g.doc is null as is_left
from documents as d
join source_order as o on o.source = d.source
left join gone as g on g.doc = d.doc
where d.n_bytes > 0
order by key
