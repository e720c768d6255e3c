-- One bucket of keys: marks against the copies that are there. A tool that removes duplicates leaves `n_kept` of k copies
-- unmarked; which of them is its own choice, so marks and copies are compared by key.
with clusters as (
    select
        key,
        sum(n_copies)::bigint as n_copies,
        sum(n_marked)::bigint as n_marked
    from counted
    where key is not null
    group by key
),
alone as (
    select
        sum(n_copies) as n_copies,
        sum(n_marked) as n_marked
    from counted
    where key is null
),
found as (
    select
        n_copies,
        n_marked,
        if(n_copies > 1, n_copies - n_kept, 0) as n_ours
    from clusters
    cross join kept
)
select
    (coalesce(sum(n_copies), 0) + (select coalesce(any_value(n_copies), 0) from alone))::bigint as n_compared,
    (coalesce(sum(n_marked), 0) + (select coalesce(any_value(n_marked), 0) from alone))::bigint as n_marked,
    coalesce(sum(n_ours), 0)::bigint as n_ours,
    coalesce(sum(least(n_marked, n_ours)), 0)::bigint as n_agreed,
    (
        coalesce(sum(n_marked) filter (where n_copies = 1), 0)
        + (select coalesce(any_value(n_marked), 0) from alone)
    )::bigint as n_marked_alone,
    coalesce(sum(greatest(n_marked - n_ours, 0)) filter (where n_copies > 1), 0)::bigint as n_marked_too_often,
    coalesce(sum(greatest(n_ours - n_marked, 0)), 0)::bigint as n_only_ours
from found
