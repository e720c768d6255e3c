/*
title = "Alignment of attribute files"
doc   = "How the attribute files of each set met their document files."
order = 4

[columns]
attribute_set = { unit = "name", doc = "Attribute set." }
n_files       = { unit = "count", doc = "Document files that have, or should have, a file of the set." }
n_rows        = { unit = "rows", doc = "Rows in the attribute files." }
n_present     = { unit = "docs", doc = "Documents that met their row in its place." }
n_misaligned  = { unit = "docs", doc = "Documents found by id on another row." }
n_missing     = { unit = "docs", doc = "Documents of these files without a row." }
n_orphans     = { unit = "rows", doc = "Attribute rows that no document answers to." }
*/

select
    attribute_set,
    count(distinct name) as n_files,
    sum(n_rows)::bigint as n_rows,
    sum(n_present)::bigint as n_present,
    sum(n_misaligned)::bigint as n_misaligned,
    sum(n_missing)::bigint as n_missing,
    sum(n_orphans)::bigint as n_orphans
from attribute_files
group by attribute_set
order by attribute_set;
