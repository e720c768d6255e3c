/*
title = "Range of dates"
doc   = "First, median and last date of creation of each source (UTC), and when its documents were acquired. The median is exact, by nearest rank over days."
order = 3

[columns]
source         = { unit = "name", doc = "Source; null for the whole corpus." }
n_dated        = { unit = "docs", doc = "Documents with a date of creation." }
first_created  = { unit = "date", doc = "Earliest day of creation." }
p05_created    = { unit = "date", doc = "5 % of the dated documents are not younger than this day." }
median_created = { unit = "date", doc = "Half of the dated documents are not younger than this day." }
p95_created    = { unit = "date", doc = "95 % of the dated documents are not younger than this day." }
last_created   = { unit = "date", doc = "Latest day of creation." }
first_added    = { unit = "date", doc = "Earliest day of acquisition." }
last_added     = { unit = "date", doc = "Latest day of acquisition." }
*/

with days as (
    select
        source,
        created_on,
        sum(n_docs)::bigint as n_docs
    from merged.documents_over_time
    group by grouping sets ((source, created_on), (created_on))
),
ranked as (
    select
        *,
        sum(n_docs) over (partition by source order by created_on) as reached,
        sum(n_docs) over (partition by source) as total
    from days
),
quantiles as (
    select
        source,
        min(created_on) filter (where reached * 100 >= 5 * total) as p05_created,
        min(created_on) filter (where reached * 100 >= 50 * total) as median_created,
        min(created_on) filter (where reached * 100 >= 95 * total) as p95_created
    from ranked
    group by source
),
ranges as (
    select
        source,
        sum(n_dated)::bigint as n_dated,
        min(first_created) as first_created,
        max(last_created) as last_created,
        min(first_added) as first_added,
        max(last_added) as last_added
    from merged.date_coverage
    group by rollup (source)
)
select
    r.source,
    r.n_dated,
    r.first_created,
    q.p05_created,
    q.median_created,
    q.p95_created,
    r.last_created,
    r.first_added,
    r.last_added
from ranges as r
left join quantiles as q on q.source is not distinct from r.source
order by r.source nulls first;
