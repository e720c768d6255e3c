/*
title = "Distribution of scores"
doc   = "How the first scores of each attribute are distributed, over the documents that have a value: bins of 0.05 between -1 and 1, beyond that two to each power of two."
order = 3
chart = { kind = "histogram", x = "bin_start", y = "n_docs", color = "key" }

[params]
only_set = { default = "", doc = "Only this attribute set; empty for all." }
only_key = { default = "", doc = "Only this key; empty for all." }
top_n    = { default = 12, min = 1, max = 10000, doc = "How many attributes to show, those with a score in most documents first." }

[columns]
attribute_set = { unit = "name",  doc = "Attribute set." }
key           = { unit = "name",  doc = "Key; a nested one is the JSONPath down to it, such as $.pii.email." }
shape         = { unit = "name",  doc = "spans, number or bool." }
bin_start     = { unit = "score", doc = "Lowest score in the bin." }
bin_end       = { unit = "score", doc = "First score after the bin." }
n_docs        = { unit = "docs",  doc = "Documents whose first score is in the bin." }
doc_share     = { unit = "share", doc = "Share of the documents that have such a score." }
*/

with bins as (
    select
        attribute_set,
        key,
        shape,
        bin_start,
        sum(n_docs)::bigint as n_docs
    from merged.attribute_quantiles
    where
        score_kind = 'first'
        and (only_set = '' or attribute_set = only_set)
        and (only_key = '' or key = only_key)
    group by attribute_set, key, shape, bin_start
),
sized as (
    select
        *,
        sum(n_docs) over (partition by attribute_set, key, shape) as n_scored
    from bins
),
placed as (
    select
        *,
        dense_rank() over (order by n_scored desc, attribute_set, key, shape) as place
    from sized
)
select
    attribute_set,
    key,
    shape,
    bin_start::double as bin_start,
    score_bin_end(bin_start)::double as bin_end,
    n_docs,
    n_docs / n_scored as doc_share
from placed
where place <= top_n
order by place, bin_start;
