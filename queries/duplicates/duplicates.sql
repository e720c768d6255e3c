/*
title = "Duplicates by kind and source"
doc   = "Documents that occur more than once, by kind of key: url (as it stands), text (md5 of its bytes, without empty texts), near (clusters of near-duplicates by MinHash, estimated, with --near only) and paragraph. Copies are looked for in the whole corpus. The field has two counts: WIMBD calls every document of a cluster a duplicate, all k copies (n_cluster_docs); Dolma marks the copies after the first, k - 1 of them (n_removable_docs). The first is the one in the first source (in the order of corpus.toml, the others after those by name) with the smallest id. Of paragraphs, which are parts of documents, a document counts once if any of its paragraphs occurs twice, and is not removable; the statistic paragraph_repetition counts the paragraphs themselves. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵). A source without a key of a kind has no row."
over  = "marks"
order = 10
chart = { kind = "heatmap", x = "key_kind", y = "source", color = "cluster_doc_share" }
approx = "Clusters of near-duplicates are found by estimate: near_search says how well."
approx_when = { key_kind = "near" }

[merge]
n_docs          = "sum"
n_bytes         = "sum"
n_words         = "sum"
n_tokens        = "sum"
n_firsts        = "sum"
n_first_bytes   = "sum"
n_first_words   = "sum"
n_first_tokens  = "sum"
n_source_firsts = "sum"

[columns]
key_kind              = { unit = "name",   doc = "Kind of key: url, text, near or paragraph." }
source                = { unit = "name",   null = "all", doc = "Source; null for all together." }
n_docs                = { unit = "docs",   doc = "Documents that have a key of this kind." }
n_keys                = { unit = "count",  doc = "Different keys among them." }
n_clusters            = { unit = "count",  doc = "Of those, keys with two copies or more in the corpus (WIMBD's unique duplicates); a cluster counts in every source that it reaches." }
n_cluster_docs        = { unit = "docs",   doc = "Documents in clusters, all copies (WIMBD's duplicates); for paragraphs, documents with a paragraph that occurs twice." }
cluster_doc_share     = { unit = "share",  doc = "Their share of the documents that have a key." }
n_cluster_bytes       = { unit = "bytes",  doc = "UTF-8 bytes of text of the documents in clusters." }
cluster_byte_share    = { unit = "share",  doc = "Their share of the bytes of documents that have a key." }
n_cluster_words       = { unit = "words",  doc = "Words of those documents." }
n_cluster_tokens      = { unit = "tokens", doc = "Tokens of those documents that have a count; null where no document has one." }
n_removable_docs      = { unit = "docs",   doc = "Copies after the first of the corpus (Dolma's duplicates): what goes when the corpus is deduplicated as one; null for paragraphs." }
removable_doc_share   = { unit = "share",  doc = "Their share of the documents that have a key." }
n_removable_bytes     = { unit = "bytes",  doc = "UTF-8 bytes of the removable documents." }
removable_byte_share  = { unit = "share",  doc = "Their share of the bytes of documents that have a key." }
n_removable_words     = { unit = "words",  doc = "Words of the removable documents." }
n_removable_tokens    = { unit = "tokens", doc = "Tokens of the removable documents that have a count; null where no document has one." }
n_removable_in_source = { unit = "docs",   doc = "Copies after the first of their own source: what goes when each source is deduplicated by itself, as Dolma was." }
n_docs_own_only       = { unit = "docs",   doc = "Documents in clusters whose copies are all in the document's own source." }
n_docs_others_only    = { unit = "docs",   doc = "Documents in clusters whose copies are all in other sources." }
n_docs_both           = { unit = "docs",   doc = "Documents in clusters with copies in their own source and in others." }
*/

-- partial: one row per kind, source, where the copies are, and how many (bins from 12 on)
select
    key_kind,
    source,
    is_in_source,
    if(key_kind = 'paragraph', bit_count(source_mask::bit) > 1, n_copies > n_copies_in_source) as is_elsewhere,
    case when key_kind <> 'paragraph' then if(n_copies < 12, n_copies, chart_bin(n_copies)) end as bin,  -- for cluster_sizes
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens,
    count(*) filter (where is_first) as n_firsts,
    coalesce(sum(n_bytes) filter (where is_first), 0)::bigint as n_first_bytes,
    coalesce(sum(n_words) filter (where is_first), 0)::bigint as n_first_words,
    sum(n_tokens) filter (where is_first)::bigint as n_first_tokens,
    count(*) filter (where is_first_in_source) as n_source_firsts
from part
where key_kind <> 'id'
group by all;

-- result: over the merged partials
with documents_by_kind as (
    select
        key_kind,
        source,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        if(source is null, sum(n_firsts), sum(n_source_firsts))::bigint as n_keys,
        coalesce(
            if(
                source is null,
                sum(n_firsts) filter (where is_in_source or is_elsewhere),
                sum(n_source_firsts) filter (where is_in_source or is_elsewhere)
            ),
            0
        )::bigint as n_clusters,
        coalesce(sum(n_docs) filter (where is_in_source or is_elsewhere), 0)::bigint as n_cluster_docs,
        coalesce(sum(n_bytes) filter (where is_in_source or is_elsewhere), 0)::bigint as n_cluster_bytes,
        coalesce(sum(n_words) filter (where is_in_source or is_elsewhere), 0)::bigint as n_cluster_words,
        case
            when sum(n_tokens) is not null
                then coalesce(sum(n_tokens) filter (where is_in_source or is_elsewhere), 0)
        end::bigint as n_cluster_tokens,
        sum(n_docs - n_firsts)::bigint as n_removable_docs,
        sum(n_bytes - n_first_bytes)::bigint as n_removable_bytes,
        sum(n_words - n_first_words)::bigint as n_removable_words,
        sum(n_tokens - coalesce(n_first_tokens, 0))::bigint as n_removable_tokens,
        sum(n_docs - n_source_firsts)::bigint as n_removable_in_source,
        coalesce(sum(n_docs) filter (where is_in_source and not is_elsewhere), 0)::bigint as n_docs_own_only,
        coalesce(sum(n_docs) filter (where is_elsewhere and not is_in_source), 0)::bigint as n_docs_others_only,
        coalesce(sum(n_docs) filter (where is_in_source and is_elsewhere), 0)::bigint as n_docs_both
    from merged.duplicates
    group by grouping sets ((key_kind, source), (key_kind))
),
paragraphs as (
    select
        source,
        if(source is null, sum(n_firsts), sum(n_keys))::bigint as n_keys,
        coalesce(if(source is null, sum(n_firsts) filter (where is_repeated), sum(n_keys) filter (where is_repeated)), 0)::bigint
            as n_clusters
    from merged.paragraph_repetition
    group by grouping sets ((source), ())
)
select
    d.key_kind,
    d.source,
    d.n_docs,
    if(d.key_kind = 'paragraph', p.n_keys, d.n_keys) as n_keys,
    if(d.key_kind = 'paragraph', p.n_clusters, d.n_clusters) as n_clusters,
    d.n_cluster_docs,
    d.n_cluster_docs / d.n_docs as cluster_doc_share,
    d.n_cluster_bytes,
    d.n_cluster_bytes / nullif(d.n_bytes, 0) as cluster_byte_share,
    d.n_cluster_words,
    d.n_cluster_tokens,
    case when d.key_kind <> 'paragraph' then d.n_removable_docs end as n_removable_docs,
    case when d.key_kind <> 'paragraph' then d.n_removable_docs / d.n_docs end as removable_doc_share,
    case when d.key_kind <> 'paragraph' then d.n_removable_bytes end as n_removable_bytes,
    case when d.key_kind <> 'paragraph' then d.n_removable_bytes / nullif(d.n_bytes, 0) end as removable_byte_share,
    case when d.key_kind <> 'paragraph' then d.n_removable_words end as n_removable_words,
    case when d.key_kind <> 'paragraph' then d.n_removable_tokens end as n_removable_tokens,
    case when d.key_kind <> 'paragraph' then d.n_removable_in_source end as n_removable_in_source,
    d.n_docs_own_only,
    d.n_docs_others_only,
    d.n_docs_both
from documents_by_kind as d
left join paragraphs as p on p.source is not distinct from d.source
order by list_position(['url', 'text', 'near', 'paragraph'], d.key_kind), d.source nulls first;
