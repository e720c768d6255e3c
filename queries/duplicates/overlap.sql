/*
title = "Overlap of sources"
doc   = "What each source shares with each other one: keys that occur in both, and the documents of the first of which a key occurs in the second. On the diagonal: keys that occur more than once within the source, and their documents."
over  = "marks"
order = 20
chart = { kind = "heatmap", x = "source_b", y = "source_a", color = "containment" }

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
n_keys      = { unit = "count",  doc = "Different keys that occur in both; on the diagonal, more than once." }
n_docs      = { unit = "docs",   doc = "Documents of source_a of which a key is among them; a document counts once." }
n_bytes     = { unit = "bytes",  doc = "Bytes of those documents." }
n_words     = { unit = "words",  doc = "Words of those documents." }
n_tokens    = { unit = "tokens", doc = "Tokens of those documents; null when no tokenizer was asked for." }
containment = { unit = "share",  doc = "n_keys as a share of the different keys of source_a." }
jaccard     = { unit = "share",  doc = "n_keys as a share of the different keys of both together; null on the diagonal." }
*/

-- partial: one row per kind, source, and set of sources that have the keys
select
    key_kind,
    source,
    source_number,
    sources,
    is_in_source,
    count(*) filter (where is_first_in_source and key_kind <> 'paragraph') as n_keys,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from part
group by key_kind, source, source_number, sources, is_in_source;

-- result: over the merged partials
with keys as (
    select
        source,
        sources,
        is_in_source,
        n_keys
    from merged.overlap
    where key_kind = kind and key_kind <> 'paragraph'
    union all
    select
        source,
        sources,
        is_in_source,
        n_keys
    from merged.paragraph_repetition
    where kind = 'paragraph'
),
totals as (
    select
        source,
        sum(n_keys)::bigint as n_all_keys
    from keys
    group by source
),
pairs as (
    select
        a.source as source_a,
        b.source as source_b,
        b.number
    from source_order as a
    cross join source_order as b
    where exists (from merged.overlap where key_kind = kind)
),
shared_keys as (
    select
        p.source_a,
        p.source_b,
        sum(k.n_keys)::bigint as n_keys
    from pairs as p
    join keys as k on k.source = p.source_a and if(p.source_a = p.source_b, k.is_in_source, k.sources[p.number + 1] = '1')
    group by p.source_a, p.source_b
),
shared_docs as (
    select
        p.source_a,
        p.source_b,
        sum(d.n_docs)::bigint as n_docs,
        sum(d.n_bytes)::bigint as n_bytes,
        sum(d.n_words)::bigint as n_words,
        sum(d.n_tokens)::bigint as n_tokens
    from pairs as p
    join merged.overlap as d on
        d.key_kind = kind
        and d.source = p.source_a
        and if(p.source_a = p.source_b, d.is_in_source, d.sources[p.number + 1] = '1')
    group by p.source_a, p.source_b
)
select
    p.source_a,
    p.source_b,
    coalesce(k.n_keys, 0) as n_keys,
    coalesce(d.n_docs, 0) as n_docs,
    coalesce(d.n_bytes, 0) as n_bytes,
    coalesce(d.n_words, 0) as n_words,
    d.n_tokens,
    coalesce(k.n_keys, 0) / a.n_all_keys as containment,
    case
        when p.source_a <> p.source_b
            then coalesce(k.n_keys, 0) / (coalesce(a.n_all_keys, 0) + coalesce(b.n_all_keys, 0) - coalesce(k.n_keys, 0))
    end as jaccard
from pairs as p
left join totals as a on a.source = p.source_a
left join totals as b on b.source = p.source_b
left join shared_keys as k on k.source_a = p.source_a and k.source_b = p.source_b
left join shared_docs as d on d.source_a = p.source_a and d.source_b = p.source_b
order by p.source_a, p.source_b;
