-- The near-duplicate keys of a part's documents: the cluster's, else the text's own. Texts without a word have none.
-- `clusters` names texts by the first eight bytes of their hash.
select
    coalesce(c.key, d.text_md5) as key,
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
left join clusters as c on c.ref = (d.text_md5::uhugeint >> 64)::ubigint
where d.n_words > 0
order by key
