/*
title = "Kept and removed by length"
doc   = "Documents by their number of words, two bins to each power of two, and how many of each the recipe keeps."
over  = "hits"
order = 10
chart = { kind = "histogram", x = "bin_start", y = "n_docs", color = "outcome" }

[merge]
n_docs  = "sum"
n_bytes = "sum"

[columns]
recipe    = { unit = "name",   doc = "Recipe." }
outcome   = { unit = "name",   doc = "kept or removed." }
bin_start = { unit = "length", doc = "Fewest words in the bin." }
bin_end   = { unit = "length", doc = "First number of words after the bin." }
n_docs    = { unit = "docs",   doc = "Documents." }
bin_share = { unit = "share",  doc = "Those, of all documents in the bin." }
n_bytes   = { unit = "bytes",  doc = "UTF-8 bytes of text." }
*/

-- partial: one row per bin, kept or removed
select
    recipe,
    is_kept,
    chart_bin(n_words) as bin,
    count(*)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes
from part
group by all;

-- result
select
    recipe,
    if(is_kept, 'kept', 'removed') as outcome,
    bin as bin_start,
    chart_bin_end(bin) as bin_end,
    n_docs,
    n_docs / sum(n_docs) over (partition by recipe, bin) as bin_share,
    n_bytes
from merged.filter_by_length
order by recipe, bin, outcome;
