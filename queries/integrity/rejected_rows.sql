/*
title = "Rejected rows"
doc   = "Rows and files that were left out, by file and reason, with the first of them."
order = 3

[columns]
name          = { unit = "name", doc = "File, as a path below the input." }
attribute_set = { unit = "name", doc = "Attribute set of the file; null for files of documents." }
reason        = { unit = "name", doc = "Kind of fault." }
meaning       = { unit = "text", doc = "What that kind of fault is." }
n_rows        = { unit = "rows", doc = "Rows left out for it." }
first_row     = { unit = "rows", doc = "The first such row, from 1; null where the whole file is at fault." }
detail        = { unit = "text", doc = "What was found there." }
*/

select
    name,
    attribute_set,
    reason,
    meaning,
    n_rows,
    first_row,
    detail
from rejects
order by n_rows desc, name, attribute_set, reason, first_row, detail;
