/*
title = "Attributes"
doc   = "Every attribute of the corpus: set, key and shape, with the tagger that its name states, and what is measured, where that tagger is known."
order = 0

[columns]
attribute_set     = { unit = "name",  doc = "Attribute set: the folder under attributes/, or the column of a tagged Parquet file." }
key               = { unit = "name",  doc = "Key; a nested one is the JSONPath down to it, such as $.pii.email." }
shape             = { unit = "name",  doc = "spans, number, bool, text or nested: the mixer treats them differently." }
tagger            = { unit = "name",  doc = "Second part of experiment__tagger__type; the whole key where it has no such parts." }
span_type         = { unit = "name",  doc = "Third part of experiment__tagger__type; the whole key where it has no such parts." }
unit              = { unit = "name",  doc = "Unit of the scores; null where no tagger of this name is known." }
n_sources         = { unit = "count", doc = "Sources in which some document has the key with values." }
n_with_values     = { unit = "docs",  doc = "Documents that have the key with values." }
n_values          = { unit = "count", doc = "Values: spans, or one for a single value." }
definition        = { unit = "name",  doc = "What is counted, divided by what, and when the key is absent, as the tagger of this name in `list --taggers` defines it; another tool of the same name may differ. Null where no tagger of this name is known." }
definition_source = { unit = "name",  doc = "Where the definition comes from." }
*/

with filled as (
    select
        attribute_set,
        key,
        shape,
        count(distinct source) filter (where n_docs > n_empty) as n_sources,
        sum(n_docs - n_empty)::bigint as n_with_values,
        sum(n_values)::bigint as n_values
    from merged.attribute_coverage
    where key is not null
    group by attribute_set, key, shape
)
select
    a.attribute_set,
    a.key,
    a.shape,
    min(a.tagger) as tagger,
    min(a.span_type) as span_type,
    min(a.unit) as unit,
    coalesce(min(f.n_sources), 0) as n_sources,
    coalesce(min(f.n_with_values), 0) as n_with_values,
    coalesce(min(f.n_values), 0) as n_values,
    min(a.definition) as definition,
    min(a.definition_source) as definition_source
from attributes as a
left join filled as f on f.attribute_set = a.attribute_set and f.key = a.key and f.shape = a.shape
group by a.attribute_set, a.key, a.shape
order by a.attribute_set, a.key, a.shape;
