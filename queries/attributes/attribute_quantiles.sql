/*
title  = "Quantiles of scores"
doc    = "Quantiles of the scores of every attribute that has numbers, by nearest rank over the documents that have a value: of the first score (what a mixer's [0][2] tests), and for spans of the highest one. Scores are fixed at five decimal places; those beyond 10^12 count as 10^12, those that are no finite number are left out."
over   = "attributes"
order  = 4
approx = "Quantiles are within 1 % of the nearest-rank quantile of the scores as fixed at five decimal places; zero is exact."

[params]
only_set = { default = "", doc = "Only this attribute set; empty for all." }
only_key = { default = "", doc = "Only this key; empty for all." }

[merge]
n_docs    = "sum"
sum_score = "sum"
lowest    = "min"
highest   = "max"

[columns]
attribute_set = { unit = "name",  doc = "Attribute set." }
key           = { unit = "name",  doc = "Key; a nested one is the JSONPath down to it, such as $.pii.email." }
shape         = { unit = "name",  doc = "spans, number or bool." }
score_kind    = { unit = "name",  doc = "first: the score of the first span, or the value itself; highest: the highest score of the spans." }
n_docs        = { unit = "docs",  doc = "Documents with such a score." }
lowest        = { unit = "score", doc = "The lowest, exact." }
p05_approx    = { unit = "score", doc = "5 % of the documents have at most this." }
p25_approx    = { unit = "score", doc = "25 % have at most this." }
p50_approx    = { unit = "score", doc = "50 % have at most this: the median." }
p75_approx    = { unit = "score", doc = "75 % have at most this." }
p95_approx    = { unit = "score", doc = "95 % have at most this." }
p99_approx    = { unit = "score", doc = "99 % have at most this." }
highest       = { unit = "score", doc = "The highest, exact." }
mean          = { unit = "score", doc = "Mean of the fixed scores, exact." }
*/

-- partial: one row per set, key, kind of score, fine bin and bin for charts of one part
with scores as (
    from (
        select
            attribute_set,
            key,
            shape,
            fixed_score(first_score) as first,
            case when shape = 'spans' then fixed_score(max_score) end as highest
        from part
        where key is not null
    )
    unpivot (score for score_kind in (first, highest))
)
select
    attribute_set,
    key,
    shape,
    score_kind,
    log_bin(score::double) as bin,
    score_bin(score) as bin_start,
    count(*) as n_docs,
    sum(score)::decimal(38, 5) as sum_score,
    min(score) as lowest,
    max(score) as highest
from scores
group by attribute_set, key, shape, score_kind, bin, bin_start;

-- result: over the merged partials
with bins as (
    select
        attribute_set,
        key,
        shape,
        score_kind,
        bin,
        sum(n_docs)::bigint as n_docs,
        sum(sum_score) as sum_score,
        min(lowest) as lowest,
        max(highest) as highest
    from merged.attribute_quantiles
    where (only_set = '' or attribute_set = only_set) and (only_key = '' or key = only_key)
    group by attribute_set, key, shape, score_kind, bin
),
ranked as (
    select
        *,
        greatest(lowest::double, least(highest::double, log_bin_value(bin))) as value,
        sum(n_docs) over (partition by attribute_set, key, shape, score_kind order by bin) as reached,
        sum(n_docs) over (partition by attribute_set, key, shape, score_kind) as total
    from bins
)
select
    attribute_set,
    key,
    shape,
    score_kind,
    sum(n_docs)::bigint as n_docs,
    min(lowest)::double as lowest,
    min(value) filter (where reached * 100 >= 5 * total) as p05_approx,
    min(value) filter (where reached * 100 >= 25 * total) as p25_approx,
    min(value) filter (where reached * 100 >= 50 * total) as p50_approx,
    min(value) filter (where reached * 100 >= 75 * total) as p75_approx,
    min(value) filter (where reached * 100 >= 95 * total) as p95_approx,
    min(value) filter (where reached * 100 >= 99 * total) as p99_approx,
    max(highest)::double as highest,
    sum(sum_score)::double / sum(n_docs)::double as mean
from ranked
group by attribute_set, key, shape, score_kind
order by attribute_set, key, shape, score_kind;
