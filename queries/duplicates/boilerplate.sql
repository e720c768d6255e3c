/*
title = "Boilerplate by source"
doc   = "How much of each source's text stands in paragraphs (pieces between newlines that are not blank) that many documents have: headers, licences, menus. Documents are counted in the whole corpus, and once each, so that a paragraph repeated within one document is no boilerplate. Shares are of the bytes (words, occurrences) of all paragraphs of the source, newlines between them apart. The rows of a source include one another: what occurs in 10 documents occurs in 5. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵)."
over  = "paragraphs"
order = 70
chart = { kind = "heatmap", x = "least_docs", y = "source", color = "byte_share" }

[merge]
n_keys        = "sum"
n_copies      = "sum"
n_bytes       = "sum"
n_words       = "sum"
n_firsts      = "sum"
n_first_bytes = "sum"

[columns]
source     = { unit = "name",  null = "all", doc = "Source; null for all together." }
least_docs = { unit = "docs",  doc = "Documents of the corpus that have the paragraph, at least: 2, 3, 5, 10, 100, 1,000 or 10,000." }
n_keys     = { unit = "count", doc = "Different paragraphs of the source that so many documents have." }
n_copies   = { unit = "count", doc = "Their occurrences in the source." }
copy_share = { unit = "share", doc = "Those, of all paragraphs of the source." }
n_bytes    = { unit = "bytes", doc = "UTF-8 bytes of those occurrences." }
byte_share = { unit = "share", doc = "Those, of the bytes of all paragraphs of the source." }
n_words    = { unit = "words", doc = "Words of those occurrences." }
word_share = { unit = "share", doc = "Those, of the words of all paragraphs of the source." }
*/

-- partial: one row per source, number of documents (the largest of the limits that it reaches) and of copies
select
    source,
    case
        when n_docs >= 10000 then 10000
        when n_docs >= 1000 then 1000
        when n_docs >= 100 then 100
        when n_docs >= 10 then 10
        when n_docs >= 5 then 5
        when n_docs >= 3 then 3
        else n_docs
    end as reached,
    if(n_copies < 12, n_copies, chart_bin(n_copies)) as bin,  -- for cluster_sizes
    n_copies_in_source = n_keys * n_copies as is_in_one_source,  -- for cluster_sizes
    sum(n_keys)::bigint as n_keys,
    sum(n_copies_in_source)::bigint as n_copies,
    sum(n_bytes_in_source)::bigint as n_bytes,
    sum(n_words_in_source)::bigint as n_words,
    sum(if(is_first_source, n_keys, 0))::bigint as n_firsts,
    sum(if(is_first_source, if(key is null, n_bytes_in_source, n_bytes), 0))::bigint as n_first_bytes  -- for cluster_sizes
from part
group by all;

-- result: over the merged partials
with limits as (
    select unnest([2, 3, 5, 10, 100, 1000, 10000])::bigint as least_docs
),
counted as (
    select
        b.source,
        l.least_docs,
        sum(b.n_copies) as n_all_copies,
        sum(b.n_bytes) as n_all_bytes,
        sum(b.n_words) as n_all_words,
        if(
            b.source is null,
            sum(b.n_firsts) filter (where b.reached >= l.least_docs),
            sum(b.n_keys) filter (where b.reached >= l.least_docs)
        ) as n_keys,
        sum(b.n_copies) filter (where b.reached >= l.least_docs) as n_copies,
        sum(b.n_bytes) filter (where b.reached >= l.least_docs) as n_bytes,
        sum(b.n_words) filter (where b.reached >= l.least_docs) as n_words
    from merged.boilerplate as b
    cross join limits as l
    group by grouping sets ((b.source, l.least_docs), (l.least_docs))
)
select
    source,
    least_docs,
    coalesce(n_keys, 0)::bigint as n_keys,
    coalesce(n_copies, 0)::bigint as n_copies,
    coalesce(n_copies, 0) / n_all_copies as copy_share,
    coalesce(n_bytes, 0)::bigint as n_bytes,
    coalesce(n_bytes, 0) / n_all_bytes as byte_share,
    coalesce(n_words, 0)::bigint as n_words,
    coalesce(n_words, 0) / n_all_words as word_share
from counted
order by source nulls first, least_docs;
