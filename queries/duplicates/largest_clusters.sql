/*
title = "Largest clusters"
doc   = "The keys that most documents share, with the first document of each: the smallest by the order of the sources, then id. Its text is shown where the workspace keeps texts and it could be read when the workspace was built; else there is none."
over  = "marks"
order = 40
keep  = { top = 100, within = ["key_kind"], order = ["n_copies desc", "key"] }
approx = "Clusters of near-duplicates are found by estimate: near_search says how well."
approx_when = { kind = "near" }

[params]
kind  = { default = "text", choices = ["url", "text", "near"], doc = "Kind of key." }
top_n = { default = 20, min = 1, max = 100, doc = "How many clusters to list." }

[columns]
rank               = { unit = "count", doc = "Place in the list; clusters of one size stand in the order of their keys." }
n_copies           = { unit = "docs",  doc = "Documents in the cluster." }
n_texts            = { unit = "count", doc = "Different texts among them." }
n_sources          = { unit = "count", doc = "Sources that have some of them." }
source             = { unit = "name",  doc = "Source of the first document." }
id                 = { unit = "name",  doc = "Its id." }
n_copies_in_source = { unit = "docs",  doc = "Documents of the cluster in its source." }
n_bytes            = { unit = "bytes", doc = "UTF-8 bytes of its text." }
url                = { unit = "text",  doc = "Its URL; null when it has none." }
sample             = { unit = "text",  doc = "The first 200 characters of its text; null where it could not be read." }
in_sources         = { unit = "text",  doc = "The sources of the cluster, in their order." }
key                = { unit = "name",  doc = "What its documents have as key in document_copies." }
*/

-- partial: the largest clusters whose first document is in one part
select
    key_kind,
    key::varchar as key,
    n_copies,
    n_texts,
    source_mask,
    source,
    id,
    n_copies_in_source,
    n_bytes
from part
where is_first and n_copies > 1 and key_kind in ('url', 'text', 'near');

-- result: over the merged partials
with largest as (
    select
        *,
        row_number() over (order by n_copies desc, key) as rank
    from merged.largest_clusters
    where key_kind = kind
    qualify rank <= top_n
),
named as (
    select
        l.key,
        count(*) as n_sources,
        string_agg(o.source, ', ' order by o.number) as in_sources
    from largest as l
    join source_order as o on l.source_mask[o.number + 1] = '1'
    group by l.key
)
select
    l.rank,
    l.n_copies,
    l.n_texts,
    n.n_sources,
    l.source,
    l.id,
    l.n_copies_in_source,
    l.n_bytes,
    s.url,
    s.sample,
    n.in_sources,
    l.key
from largest as l
join named as n on n.key = l.key
left join duplicate_samples as s on s.key_kind = l.key_kind and s.key = l.key
order by l.rank;
