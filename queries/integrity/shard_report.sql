/*
title = "Files"
doc   = "The files of documents that were read, those with faults first."
order = 9

[params]
top_n = { default = 100, min = 1, max = 1000000, doc = "How many files to list." }

[columns]
name         = { unit = "name",  doc = "File, as a path below the input." }
n_file_bytes = { unit = "bytes", doc = "Size of the whole file." }
n_rows       = { unit = "rows",  doc = "Rows read." }
n_docs       = { unit = "docs",  doc = "Documents taken from it." }
n_rejected   = { unit = "rows",  doc = "Rows left out." }
fault        = { unit = "text",  doc = "Why the whole file could not be used; null where it could." }
*/

-- a large Parquet file is read in several runs of row groups, which are shards of their own there
with files as (
    select
        name,
        max(n_file_bytes) as n_file_bytes,
        sum(n_rows)::bigint as n_rows,
        sum(n_docs)::bigint as n_docs,
        sum(n_rejected)::bigint as n_rejected,
        max(fault) as fault
    from shards
    group by name
)
select
    name,
    n_file_bytes,
    n_rows,
    n_docs,
    n_rejected,
    fault
from files
order by fault is null, n_rejected desc, name
limit top_n;
