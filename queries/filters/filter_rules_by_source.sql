/*
title = "Rules by source"
doc   = "Which share of each source every rule hits, whatever the other rules do."
order = 5
chart = { kind = "heatmap", x = "source", y = "rule", color = "hit_share" }

[params]
measure = { default = "documents", choices = ["documents", "bytes", "words", "tokens"], doc = "What is counted." }

[columns]
recipe           = { unit = "name",  doc = "Recipe." }
rule             = { unit = "name",  doc = "Rule." }
source           = { unit = "name",  doc = "Source." }
removed_alone    = { unit = "count", doc = "What the rule hits in the source." }
hit_share        = { unit = "share", doc = "That, of the source." }
removed_uniquely = { unit = "count", doc = "What it hits and no other rule does." }
removed_shapley  = { unit = "number", doc = "Its Shapley share of what the source loses." }
*/

with weighed as (
    select
        recipe,
        source,
        rules,
        sum(
            case measure
                when 'documents' then n_docs
                when 'bytes' then n_bytes
                when 'words' then n_words
                when 'tokens' then n_tokens
                else error('measure is one of documents, bytes, words and tokens')
            end
        )::bigint as weight
    from merged.filter_intersections
    group by recipe, source, rules
),
totals as (
    select
        recipe,
        source,
        sum(weight)::bigint as total
    from weighed
    group by recipe, source
),
struck as (
    select
        recipe,
        source,
        weight,
        len(rules) as n_rules,
        unnest(rules) as rule
    from weighed
    where len(rules) > 0
),
by_size as (
    select
        recipe,
        source,
        rule,
        n_rules,
        sum(weight)::bigint as weight
    from struck
    group by recipe, source, rule, n_rules
),
counted as (
    select
        recipe,
        source,
        rule,
        sum(weight)::bigint as alone,
        coalesce(sum(weight) filter (n_rules = 1), 0)::bigint as uniquely,
        sum(weight / n_rules order by n_rules) as shapley
    from by_size
    group by recipe, source, rule
)
select
    totals.recipe,
    recipe_rules.name as rule,
    totals.source,
    coalesce(alone, 0) as removed_alone,
    coalesce(alone, 0) / nullif(total, 0) as hit_share,
    coalesce(uniquely, 0) as removed_uniquely,
    coalesce(shapley, 0.0) as removed_shapley
from totals
join recipe_rules on recipe_rules.recipe = totals.recipe
left join counted
    on
        counted.recipe = totals.recipe
        and counted.source is not distinct from totals.source
        and counted.rule = recipe_rules.rule
where total is not null
order by totals.recipe, recipe_rules.rule, totals.source;
