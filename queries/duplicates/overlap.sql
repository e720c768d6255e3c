/*
title = "Overlap of sources"
doc   = "What each source shares with each other one: the keys that occur in both, and the documents of source_a of which a key also occurs in source_b. The diagonal has another definition, so do not compare it with the rest of its row: the keys that occur more than once within the source, and their documents. A document counts once, however many of its paragraphs source_b has. Keys: the URL as it stands; md5 of the text's bytes, without empty texts; clusters of near-duplicates (estimated, with --near only); paragraphs. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵). Up to 50 sources every pair has a row; with more, pairs that share nothing are left out. Of more than 500 sources the first 500 take part (in the order of corpus.toml, then by name)."
over  = "marks"
order = 20
chart = { kind = "heatmap", x = "source_b", y = "source_a", color = "doc_share" }
approx = "Clusters of near-duplicates are found by estimate: near_search says how well."
approx_when = { kind = "near" }

[params]
kind = { default = "text", choices = ["url", "text", "near", "paragraph"], doc = "Kind of key." }

[merge]
n_keys   = "sum"
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"

[columns]
source_a    = { unit = "name",   doc = "Source whose documents are counted." }
source_b    = { unit = "name",   doc = "Source with which it is compared." }
n_keys      = { unit = "count",  doc = "Different keys that occur in both; on the diagonal, more than once in the source (a paragraph also within one document)." }
n_docs      = { unit = "docs",   doc = "Documents of source_a of which a key is among them." }
n_bytes     = { unit = "bytes",  doc = "UTF-8 bytes of those documents' texts." }
n_words     = { unit = "words",  doc = "Words of those documents." }
n_tokens    = { unit = "tokens", doc = "Tokens of those documents that have a count; null where no document of source_a has one." }
doc_share   = { unit = "share",  doc = "n_docs as a share of the documents of source_a that have a key of the kind; null where none has." }
byte_share  = { unit = "share",  doc = "n_bytes as a share of the bytes of those documents; null where they have none." }
containment = { unit = "share",  doc = "n_keys as a share of the different keys of source_a; null where it has none." }
jaccard     = { unit = "share",  doc = "n_keys as a share of the different keys of both together; null on the diagonal." }
n_copies    = { unit = "count",  doc = "For paragraphs, how often they occur in source_a; null for other kinds, of which a document has one key (see n_docs)." }
n_key_bytes = { unit = "bytes",  doc = "Bytes of those occurrences; null for other kinds (see n_bytes)." }
*/

-- partial: one row per kind, source, and source that has keys of it too; other_number is null for the source as a whole
with masks as (  -- most documents share theirs with many
    select
        key_kind,
        source,
        source_number,
        source_mask,
        is_in_source,
        count(*) filter (where is_first_in_source and key_kind <> 'paragraph') as n_keys,
        count(*) as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from part
    where key_kind <> 'id'
    group by key_kind, source, source_number, source_mask, is_in_source
),
numbers as (
    select unnest(range(max(length(source_mask))))::integer as number
    from masks
),
others as (
    select  -- not the mask: a thousand sources would take their number cubed
        masks.key_kind,
        masks.source,
        numbers.number as other_number,
        masks.n_keys,
        masks.n_docs,
        masks.n_bytes,
        masks.n_words,
        masks.n_tokens
    from masks
    join numbers on masks.source_mask[numbers.number + 1] = '1'
    where (numbers.number <> masks.source_number or masks.is_in_source)
        and numbers.number < 500 and masks.source_number < 500
)
select
    key_kind,
    source,
    other_number,
    sum(n_keys)::bigint as n_keys,
    sum(n_docs)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from (
    from others
    union all by name
    select * exclude (source_mask, source_number, is_in_source) from masks
)
group by key_kind, source, other_number;

-- result: over the merged partials
with keys as (
    select
        source,
        other_number,
        n_keys,
        null as n_copies,
        null as n_key_bytes
    from merged.overlap
    where key_kind = kind and kind <> 'paragraph'
    union all
    select
        source,
        null as other_number,
        sum(n_keys)::bigint as n_keys,
        sum(n_copies)::bigint as n_copies,
        sum(n_bytes)::bigint as n_key_bytes
    from merged.paragraph_repetition
    where kind = 'paragraph'
    group by source
    union all
    select
        r.source,
        o.number as other_number,
        sum(r.n_keys)::bigint as n_keys,
        sum(r.n_copies)::bigint as n_copies,
        sum(r.n_bytes)::bigint as n_key_bytes
    from (
        select
            *,
            source_mask::bit as bits
        from merged.paragraph_repetition
        where kind = 'paragraph' and is_repeated
    ) as r
    join source_order as o on get_bit(r.bits, o.number) = 1
    where (o.source <> r.source or r.is_in_source) and o.number < 500
    group by r.source, o.number
),
pairs as (
    select
        a.source as source_a,
        b.source as source_b,
        b.number,
        count(*) over () <= 50 * 50 as is_whole
    from source_order as a
    cross join source_order as b
    where a.number < 500 and b.number < 500
        and exists (from duplicate_search where is_on and (kind <> 'near' or threshold is not null))
)
select
    p.source_a,
    p.source_b,
    coalesce(k.n_keys, 0) as n_keys,
    coalesce(d.n_docs, 0) as n_docs,
    coalesce(d.n_bytes, 0) as n_bytes,
    coalesce(d.n_words, 0) as n_words,
    if(c.n_tokens is null, null, coalesce(d.n_tokens, 0)) as n_tokens,
    coalesce(d.n_docs, 0) / t.n_docs as doc_share,
    coalesce(d.n_bytes, 0) / nullif(t.n_bytes, 0) as byte_share,
    coalesce(k.n_keys, 0) / nullif(a.n_keys, 0) as containment,
    case
        when p.source_a <> p.source_b
            then coalesce(k.n_keys, 0)
                / nullif(coalesce(a.n_keys, 0) + coalesce(b.n_keys, 0) - coalesce(k.n_keys, 0), 0)
    end as jaccard,
    case when kind = 'paragraph' then coalesce(k.n_copies, 0) end as n_copies,
    case when kind = 'paragraph' then coalesce(k.n_key_bytes, 0) end as n_key_bytes
from pairs as p
left join merged.composition as c on c.source = p.source_a
left join keys as a on a.source = p.source_a and a.other_number is null
left join keys as b on b.source = p.source_b and b.other_number is null
left join keys as k on k.source = p.source_a and k.other_number = p.number
left join merged.overlap as t on t.key_kind = kind and t.source = p.source_a and t.other_number is null
left join merged.overlap as d on d.key_kind = kind and d.source = p.source_a and d.other_number = p.number
where p.is_whole or p.source_a = p.source_b or k.n_keys > 0
order by p.source_a, p.source_b;
