/*
title = "Sizes of clusters"
doc   = "How many keys have how many copies in the corpus, from two on: each size up to 11, then two bins to each power of two. Copies are documents; of kind paragraph they are occurrences, several of which one document may hold. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵). Clusters of near-duplicates are estimated by MinHash."
order = 30
chart = { kind = "histogram", x = "bin_start", y = "n_clusters" }
approx = "Clusters of near-duplicates are found by estimate: near_search says how well."
approx_when = { kind = "near" }

[params]
kind = { default = "text", choices = ["url", "text", "near", "paragraph"], doc = "Kind of key." }

[columns]
bin_start           = { unit = "count", doc = "Fewest copies in the bin." }
bin_end             = { unit = "count", doc = "First number of copies after the bin." }
n_clusters          = { unit = "count", doc = "Clusters: keys that have so many copies." }
cluster_share       = { unit = "share", doc = "Their share of all clusters." }
n_copies            = { unit = "count", doc = "Copies in them, all k (WIMBD's count): documents, or occurrences of paragraphs." }
n_removable         = { unit = "count", doc = "Copies after the first, k - 1 (Dolma's count)." }
n_bytes             = { unit = "bytes", doc = "UTF-8 bytes of the copies: of the documents' texts, or of the paragraphs." }
n_removable_bytes   = { unit = "bytes", doc = "Bytes of the copies after the first." }
n_in_one_source     = { unit = "count", doc = "Clusters whose copies are all in one source." }
in_one_source_share = { unit = "share", doc = "Their share of the clusters in the bin." }
*/

with counted as (
    select
        bin,
        n_firsts,
        n_docs as n_copies,
        n_bytes,
        n_first_bytes,
        not is_elsewhere as is_in_one_source
    from merged.duplicates
    where key_kind = kind and kind <> 'paragraph'
    union all
    select
        bin,
        n_firsts,
        n_copies,
        n_bytes,
        n_first_bytes,
        is_in_one_source
    from merged.boilerplate
    where kind = 'paragraph'
)
select
    bin as bin_start,
    if(bin < 12, bin + 1, chart_bin_end(bin)) as bin_end,
    sum(n_firsts)::bigint as n_clusters,
    sum(n_firsts) / sum(sum(n_firsts)) over () as cluster_share,
    sum(n_copies)::bigint as n_copies,
    sum(n_copies - n_firsts)::bigint as n_removable,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_bytes - n_first_bytes)::bigint as n_removable_bytes,
    sum(if(is_in_one_source, n_firsts, 0))::bigint as n_in_one_source,
    sum(if(is_in_one_source, n_firsts, 0)) / sum(n_firsts) as in_one_source_share
from counted
where bin > 1
group by bin
order by bin;
