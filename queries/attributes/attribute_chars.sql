/*
title = "Characters covered by attributes"
doc   = "How many characters the spans of each attribute cover, by source. Spans that overlap count once; spans are clipped to their text."
order = 6

[params]
only_set = { default = "", doc = "Only this attribute set; empty for all." }
only_key = { default = "", doc = "Only this key; empty for all." }

[columns]
attribute_set   = { unit = "name",  doc = "Attribute set." }
key             = { unit = "name",  doc = "Key; a nested one is the JSONPath down to it, such as $.pii.email." }
source          = { unit = "name",  doc = "Source." }
n_docs          = { unit = "docs",  doc = "Documents with spans of this key." }
n_spans         = { unit = "spans", doc = "Spans." }
n_covered_chars = { unit = "chars", doc = "Characters in the union of each document's spans." }
char_share      = { unit = "share", doc = "Share of all characters of the source." }
*/

with covered as (
    select
        attribute_set,
        key,
        source,
        sum(n_docs - n_empty)::bigint as n_docs,
        sum(n_values)::bigint as n_spans,
        sum(n_covered_chars)::bigint as n_covered_chars
    from merged.attribute_coverage
    where
        shape = 'spans'
        and (only_set = '' or attribute_set = only_set)
        and (only_key = '' or key = only_key)
    group by attribute_set, key, source
)
select
    a.attribute_set,
    a.key,
    a.source,
    a.n_docs,
    a.n_spans,
    coalesce(a.n_covered_chars, 0) as n_covered_chars,
    coalesce(a.n_covered_chars, 0) / nullif(c.n_chars, 0) as char_share
from covered as a
join merged.composition as c on c.source = a.source
order by a.attribute_set, a.key, a.source;
