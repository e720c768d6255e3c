-- The repeated paragraphs of a bucket as their documents see them; a document's other buckets add to it.
with by_key as (
    select
        key,
        count(*) as n_copies
    from repeats
    group by key
),
by_source as (
    select
        key,
        source_number,
        count(*) > 1 as is_in_source
    from repeats
    group by key, source_number
),
sources as (
    select
        b.key,
        bit_or(o.mask) as mask
    from by_source as b
    join source_order as o on o.number = b.source_number
    group by b.key
)
select
    r.part,
    r.doc,
    bit_or(s.mask)::varchar as source_mask,
    bool_or(b.is_in_source) as is_in_source,
    max(k.n_copies) as n_copies,
    count(*) as n_repeated,
    sum(r.n_bytes)::bigint as n_repeated_bytes,
    sum(r.n_words)::bigint as n_repeated_words
from repeats as r
join sources as s on s.key = r.key
join by_source as b on b.key = r.key and b.source_number = r.source_number
join by_key as k on k.key = r.key
group by r.part, r.doc
order by r.part, r.doc
