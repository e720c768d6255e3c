-- The identities of a part's documents: the id within its source. Rows that had no id of their own have none.
select
    md5(d.source || chr(31) || d.id)::uuid as key,
    o.number as source_number,
    d.id,
    d.text_md5,
    d.url_md5,
    d.domain,
    d.n_bytes,
    d.n_tokens,
    d.doc,
    true as is_left
from documents as d
join source_order as o on o.source = d.source
where d.is_id_given
order by key
