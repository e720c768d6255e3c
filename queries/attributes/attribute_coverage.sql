/*
title = "Coverage of attributes"
doc   = "For every attribute: of how many documents its set is present, misaligned (found by id on another row) or missing, and in how many of those that have the set the key is absent, empty or has values. Four different facts; none of them is a zero."
over  = "attributes"
order = 2

[params]
only_set = { default = "", doc = "Only this attribute set; empty for all." }

[merge]
n_docs          = "sum"
n_empty         = "sum"
n_values        = "sum"
n_covered_chars = "sum"

[columns]
attribute_set = { unit = "name",  doc = "Attribute set." }
key           = { unit = "name",  doc = "Key; a nested one is the JSONPath down to it, such as $.pii.email." }
shape         = { unit = "name",  doc = "spans, number, bool, text or nested; several where documents differ." }
n_docs        = { unit = "docs",  doc = "Documents of the corpus." }
n_missing     = { unit = "docs",  doc = "Documents for which the set has no row." }
n_present     = { unit = "docs",  doc = "Documents whose row of the set stands where the document stands." }
n_misaligned  = { unit = "docs",  doc = "Documents whose row of the set was found by id on another row." }
n_absent      = { unit = "docs",  doc = "Documents that have the set (present or misaligned) but not the key." }
n_empty       = { unit = "docs",  doc = "Documents that have the key with nothing in it: an empty list or null." }
n_with_values = { unit = "docs",  doc = "Documents that have the key with values." }
missing_share = { unit = "share", doc = "n_missing as a share of the documents of the corpus." }
value_share   = { unit = "share", doc = "n_with_values as a share of the documents that have the set." }
*/

-- partial: one row per source, set, key (null: the set itself), shape and state of one part
select
    source,
    attribute_set,
    key,
    shape,
    state,
    count(*) as n_docs,
    count(*) filter (where n_values = 0) as n_empty,
    sum(n_values)::bigint as n_values,
    sum(n_covered_chars)::bigint as n_covered_chars
from part
group by source, attribute_set, key, shape, state;

-- result: over the merged partials
with corpus_size as (
    select sum(n_docs)::bigint as n_docs
    from merged.composition
),
sets as (
    select
        attribute_set,
        coalesce(sum(n_docs) filter (where state = 'present'), 0)::bigint as n_present,
        coalesce(sum(n_docs) filter (where state = 'misaligned'), 0)::bigint as n_misaligned
    from merged.attribute_coverage
    where key is null
    group by attribute_set
),
keys as (
    select
        attribute_set,
        key,
        -- a document has a key in one shape; a null has none of its own
        coalesce(
            string_agg(distinct shape, ', ' order by shape) filter (where n_docs > n_empty),
            string_agg(distinct shape, ', ' order by shape)
        ) as shape,
        sum(n_docs)::bigint as n_with_key,
        sum(n_empty)::bigint as n_empty
    from merged.attribute_coverage
    where key is not null
    group by attribute_set, key
)
select
    k.attribute_set,
    k.key,
    k.shape,
    c.n_docs,
    c.n_docs - s.n_present - s.n_misaligned as n_missing,
    s.n_present,
    s.n_misaligned,
    s.n_present + s.n_misaligned - k.n_with_key as n_absent,
    k.n_empty,
    k.n_with_key - k.n_empty as n_with_values,
    (c.n_docs - s.n_present - s.n_misaligned) / c.n_docs as missing_share,
    (k.n_with_key - k.n_empty) / nullif(s.n_present + s.n_misaligned, 0) as value_share
from keys as k
join sets as s on s.attribute_set = k.attribute_set
cross join corpus_size as c
where only_set = '' or k.attribute_set = only_set
order by k.attribute_set, k.key;
