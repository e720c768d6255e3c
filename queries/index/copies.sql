-- One bucket of keys, each key in no other bucket: a row for every document whose key has two copies or more.
-- The first copy is the smallest by source number, id, text, URL and tokens of its own; part and doc tell apart what is
-- equal in all of them, so that figures never depend on those. `is_removed`: there after the steps before (`is_left`),
-- and not the first that is.
with repeated as (
    select key
    from keys
    group by key
    having count(*) > 1
),
copies as (
    from keys
    semi join repeated using (key)
),
clusters as (
    select
        c.key,
        bit_or(o.mask)::varchar as source_mask,
        count(distinct c.text_md5) as n_texts
    from copies as c
    join source_order as o on o.number = c.source_number
    group by c.key
)
select
    c.part,
    c.doc,
    c.key,
    s.source_mask,
    s.n_texts,
    count(*) over by_key as n_copies,
    count(*) over (partition by c.key, c.source_number) as n_copies_in_source,
    count(*) over (partition by c.key, c.source_number) > 1 as is_in_source,
    case when c.domain is not null then count(*) over (partition by c.key, c.domain) end as n_copies_in_domain,
    row_number() over in_order = 1 as is_first,
    row_number() over (
        in_source order by c.id, c.text_md5, c.url_md5, c.n_tokens, c.part, c.doc
    ) = 1 as is_first_in_source,
    row_number() over (
        by_key order by c.n_bytes desc, c.source_number, c.id, c.text_md5, c.url_md5, c.n_tokens, c.part, c.doc
    ) = 1 as is_longest,
    c.is_left and row_number() over (
        by_key order by not c.is_left, c.source_number, c.id, c.text_md5, c.url_md5, c.n_tokens, c.part, c.doc
    ) > 1 as is_removed
from copies as c
join clusters as s on s.key = c.key
window
    by_key as (partition by c.key),
    in_source as (partition by c.key, c.source_number),
    in_order as (partition by c.key order by c.source_number, c.id, c.text_md5, c.url_md5, c.n_tokens, c.part, c.doc)
order by c.part, c.doc
