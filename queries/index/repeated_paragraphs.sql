-- A row for each repeated paragraph of a bucket and source that has it; and for each source one row, without a key,
-- for all its paragraphs that occur nowhere else.
with by_document as (
    select
        key,
        source_number,
        part,
        doc,
        count(*) as n_copies,
        count(*) filter (where is_left) as n_left,
        any_value(n_bytes) as n_bytes,
        any_value(n_words) as n_words
    from repeats
    group by key, source_number, part, doc
),
by_source as (
    select
        key,
        source_number,
        sum(n_copies)::bigint as n_copies_in_source,
        count(*) as n_docs_in_source,
        sum(n_left)::bigint as n_left_in_source,
        any_value(n_bytes) as n_bytes,
        any_value(n_words) as n_words
    from by_document
    group by key, source_number
)
select
    b.key,
    o.source,
    b.source_number,
    bit_or(o.mask) over by_key::varchar as source_mask,
    1::bigint as n_keys,
    sum(b.n_copies_in_source) over by_key::bigint as n_copies,
    sum(b.n_docs_in_source) over by_key::bigint as n_docs,
    b.n_copies_in_source,
    b.n_bytes::bigint as n_bytes,
    b.n_words::bigint as n_words,
    b.n_bytes * b.n_copies_in_source as n_bytes_in_source,
    b.n_words * b.n_copies_in_source as n_words_in_source,
    b.n_left_in_source,
    b.n_bytes * b.n_left_in_source as n_left_bytes_in_source,
    b.n_words * b.n_left_in_source as n_left_words_in_source,
    b.source_number = min(b.source_number) over by_key as is_first_source,
    coalesce(
        b.source_number = min(b.source_number) filter (where b.n_left_in_source > 0) over by_key, false
    ) as is_first_left_source
from by_source as b
join source_order as o on o.number = b.source_number
window by_key as (partition by b.key)
union all
select
    null as key,
    o.source,
    o.number as source_number,
    o.mask::varchar as source_mask,
    count(*) as n_keys,
    1::bigint as n_copies,
    1::bigint as n_docs,
    count(*) as n_copies_in_source,
    null::bigint as n_bytes,
    null::bigint as n_words,
    sum(u.n_bytes)::bigint as n_bytes_in_source,
    sum(u.n_words)::bigint as n_words_in_source,
    count(*) filter (where u.is_left) as n_left_in_source,
    coalesce(sum(u.n_bytes) filter (where u.is_left), 0)::bigint as n_left_bytes_in_source,
    coalesce(sum(u.n_words) filter (where u.is_left), 0)::bigint as n_left_words_in_source,
    true as is_first_source,
    true as is_first_left_source
from (from occurrences anti join repeats using (key)) as u
join source_order as o on o.number = u.source_number
group by o.source, o.number, o.mask
