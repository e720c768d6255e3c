/*
title = "Existing marks of duplicates"
doc   = "Attributes in which another tool marked duplicates (Dolma's deduper: bff_..., dup_...; sizes of clusters as DataTrove and TxT360 write them), found by their names and compared with our own count. Dolma marks all copies but one, and which one is its own choice, so marks are compared key by key: of k copies, k - 1 agree at most. A cluster's size marks all k. Only documents that have the attribute set take part. Paragraphs are compared where a mark begins. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵)."
over  = "compared"
order = 100
approx = "Clusters of near-duplicates are found by estimate: near_search says how well."
approx_when = { key_kind = "near" }

[merge]
n_compared         = "sum"
n_marked           = "sum"
n_ours             = "sum"
n_agreed           = "sum"
n_marked_alone     = "sum"
n_marked_too_often = "sum"
n_only_ours        = "sum"

[columns]
key_kind           = { unit = "name",  doc = "Kind of key: documents by url, text or near; or paragraphs." }
attribute_set      = { unit = "name",  doc = "Attribute set." }
key                = { unit = "name",  doc = "Key in it." }
n_compared         = { unit = "count", doc = "Documents, or paragraphs, that have a key of the kind and the attribute set." }
n_marked           = { unit = "count", doc = "Of those, marked by the attribute." }
n_ours             = { unit = "count", doc = "Of those, copies by our count: all of a cluster but one, or all where sizes are compared." }
n_agreed           = { unit = "count", doc = "Marks that answer to a copy." }
n_only_theirs      = { unit = "count", doc = "Marks that answer to none: n_marked_alone and n_marked_too_often together." }
n_marked_alone     = { unit = "count", doc = "Marked, although nothing among the compared has the same key: a Bloom filter's false positive, or another definition." }
n_marked_too_often = { unit = "count", doc = "Marks beyond k - 1 in a cluster of k: the first one is marked too." }
n_only_ours        = { unit = "count", doc = "Copies beyond the marks of their cluster." }
agreed_share       = { unit = "share", doc = "n_agreed as a share of all that either side has; null where neither has any." }
*/

-- partial: one row per attribute that marks duplicates
select
    key_kind,
    attribute_set,
    key,
    sum(n_compared)::bigint as n_compared,
    sum(n_marked)::bigint as n_marked,
    sum(n_ours)::bigint as n_ours,
    sum(n_agreed)::bigint as n_agreed,
    sum(n_marked_alone)::bigint as n_marked_alone,
    sum(n_marked_too_often)::bigint as n_marked_too_often,
    sum(n_only_ours)::bigint as n_only_ours
from part
group by key_kind, attribute_set, key;

-- result: over the merged partials
select
    key_kind,
    attribute_set,
    key,
    n_compared,
    n_marked,
    n_ours,
    n_agreed,
    n_marked_alone + n_marked_too_often as n_only_theirs,
    n_marked_alone,
    n_marked_too_often,
    n_only_ours,
    n_agreed / nullif(n_agreed + n_only_theirs + n_only_ours, 0) as agreed_share
from merged.existing_marks
order by key_kind, attribute_set, key;
