-- What was found for the documents of a part: a row for each document and kind in which it has copies, and for
-- paragraphs one for each document that has any.
select
    doc,
    key_kind,
    key,
    source_mask,
    n_texts,
    n_copies,
    n_copies_in_source,
    is_in_source,
    n_copies_in_domain,
    is_first,
    is_first_in_source,
    is_longest,
    is_removed,
    null::bigint as n_repeated,
    null::bigint as n_repeated_bytes,
    null::bigint as n_repeated_words
from copies
union all
select
    p.doc,
    'paragraph' as key_kind,
    null::uuid as key,
    bit_or(r.source_mask::bit)::varchar as source_mask,
    null::bigint as n_texts,
    coalesce(max(r.n_copies), 1) as n_copies,
    null::bigint as n_copies_in_source,
    coalesce(bool_or(r.is_in_source), false) as is_in_source,
    null::bigint as n_copies_in_domain,
    null::boolean as is_first,
    null::boolean as is_first_in_source,
    null::boolean as is_longest,
    null::boolean as is_removed,
    coalesce(sum(r.n_repeated), 0)::bigint as n_repeated,
    coalesce(sum(r.n_repeated_bytes), 0)::bigint as n_repeated_bytes,
    coalesce(sum(r.n_repeated_words), 0)::bigint as n_repeated_words
from paragraphs_of as p
left join repeats_of as r on r.doc = p.doc
group by p.doc
