/*
title = "Attribute sets by source"
doc   = "For every attribute set and source: of how many documents the set has a row in the right place, a row found by id elsewhere, or none."
order = 1
chart = { kind = "heatmap", x = "attribute_set", y = "source", color = "covered_share" }

[columns]
attribute_set = { unit = "name",  doc = "Attribute set." }
source        = { unit = "name",  doc = "Source." }
n_docs        = { unit = "docs",  doc = "Documents of the source." }
n_present     = { unit = "docs",  doc = "Documents whose row of the set stands where the document stands." }
n_misaligned  = { unit = "docs",  doc = "Documents whose row of the set was found by id on another row." }
n_missing     = { unit = "docs",  doc = "Documents for which the set has no row." }
covered_share = { unit = "share", doc = "Share of the source's documents that have the set, present or misaligned." }
*/

with sets as (
    select distinct attribute_set
    from merged.attribute_coverage
),
states as (
    select
        attribute_set,
        source,
        coalesce(sum(n_docs) filter (where state = 'present'), 0)::bigint as n_present,
        coalesce(sum(n_docs) filter (where state = 'misaligned'), 0)::bigint as n_misaligned
    from merged.attribute_coverage
    where key is null
    group by attribute_set, source
),
met as (
    select
        a.attribute_set,
        c.source,
        c.n_docs,
        coalesce(s.n_present, 0) as n_present,
        coalesce(s.n_misaligned, 0) as n_misaligned
    from sets as a
    cross join merged.composition as c
    left join states as s on s.attribute_set = a.attribute_set and s.source = c.source
)
select
    attribute_set,
    source,
    n_docs,
    n_present,
    n_misaligned,
    n_docs - n_present - n_misaligned as n_missing,
    (n_present + n_misaligned) / n_docs as covered_share
from met
order by attribute_set, source;
