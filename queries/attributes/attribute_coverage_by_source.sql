/*
title = "Coverage of attributes by source"
doc   = "In how many documents of each source the key is absent, empty or has values, for every source whose documents have the set."
order = 5

[params]
only_set = { default = "", doc = "Only this attribute set; empty for all." }
only_key = { default = "", doc = "Only this key; empty for all." }

[columns]
attribute_set = { unit = "name",  doc = "Attribute set." }
key           = { unit = "name",  doc = "Key; a nested one is the JSONPath down to it, such as $.pii.email." }
shape         = { unit = "name",  doc = "spans, number, bool, text or nested; several where documents differ." }
source        = { unit = "name",  doc = "Source." }
n_docs        = { unit = "docs",  doc = "Documents of the source." }
n_with_set    = { unit = "docs",  doc = "Documents that have the set, present or misaligned." }
n_absent      = { unit = "docs",  doc = "Documents that have the set but not the key." }
n_empty       = { unit = "docs",  doc = "Documents that have the key with nothing in it: an empty list or null." }
n_with_values = { unit = "docs",  doc = "Documents that have the key with values." }
value_share   = { unit = "share", doc = "n_with_values as a share of the documents that have the set." }
*/

with sets as (
    select
        source,
        attribute_set,
        sum(n_docs)::bigint as n_with_set
    from merged.attribute_coverage
    where key is null and state <> 'missing'
    group by source, attribute_set
),
keys as (
    select
        attribute_set,
        key,
        coalesce(
            string_agg(distinct shape, ', ' order by shape) filter (where n_docs > n_empty),
            string_agg(distinct shape, ', ' order by shape)
        ) as shape
    from merged.attribute_coverage
    where key is not null
    group by attribute_set, key
),
filled as (
    select
        source,
        attribute_set,
        key,
        sum(n_docs)::bigint as n_with_key,
        sum(n_empty)::bigint as n_empty
    from merged.attribute_coverage
    where key is not null
    group by source, attribute_set, key
)
select
    k.attribute_set,
    k.key,
    k.shape,
    s.source,
    c.n_docs,
    s.n_with_set,
    s.n_with_set - coalesce(f.n_with_key, 0) as n_absent,
    coalesce(f.n_empty, 0) as n_empty,
    coalesce(f.n_with_key - f.n_empty, 0) as n_with_values,
    coalesce(f.n_with_key - f.n_empty, 0) / s.n_with_set as value_share
from keys as k
join sets as s on s.attribute_set = k.attribute_set
join merged.composition as c on c.source = s.source
left join filled as f
    on f.source = s.source and f.attribute_set = k.attribute_set and f.key = k.key
where (only_set = '' or k.attribute_set = only_set) and (only_key = '' or k.key = only_key)
order by k.attribute_set, k.key, s.source;
