-- The URL keys of a part's documents. Documents without a URL have none.
select
    d.url_md5 as key,
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
where d.url_md5 is not null
order by key
