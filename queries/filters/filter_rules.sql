/*
title = "What each rule takes"
doc   = "For each rule: what it removes alone, what only it removes, what it removes in its place of the order, what the recipe would remove without it, and its Shapley share. A document that k rules hit counts 1/k for each of them in the Shapley share; the shares add up to all that is removed, whatever the order. Only it <= Shapley <= alone."
order = 2
chart = { kind = "bar", x = "removed_shapley", y = "rule" }

[params]
measure     = { default = "documents", choices = ["documents", "bytes", "words", "tokens"], doc = "What is counted." }
only_source = { default = "", doc = "Only this source; empty for all." }
rule_order  = { default = "", doc = "Names of rules, one a line, in the order in which they are applied; rules that are not named follow in the recipe's order." }

[columns]
recipe           = { unit = "name",  doc = "Recipe." }
place            = { unit = "count", doc = "Place in the order, from 1." }
rule             = { unit = "name",  doc = "Rule." }
removed_alone    = { unit = "count", doc = "Removed if it were the only rule: all that it hits." }
alone_share      = { unit = "share", doc = "That, of everything." }
removed_uniquely = { unit = "count", doc = "Hit by this rule and no other." }
removed_in_order = { unit = "count", doc = "Hit by this rule and by none before it in the order." }
removed_without  = { unit = "count", doc = "What the recipe would remove if this rule were left out." }
removed_shapley  = { unit = "number", doc = "Its Shapley share: the sum over what it hits of 1 / number of rules that hit it." }
shapley_share    = { unit = "share", doc = "That, of all that is removed." }
*/

with weighed as (
    select
        recipe,
        rules,
        len(rules) as n_rules,
        (
            case measure
                when 'documents' then n_docs
                when 'bytes' then n_bytes
                when 'words' then n_words
                when 'tokens' then n_tokens
                else error('measure is one of documents, bytes, words and tokens')
            end
        ) as weight
    from merged.filter_intersections
    where only_source = '' or source = only_source
),
totals as (
    select
        recipe,
        sum(weight)::bigint as total,
        coalesce(sum(weight) filter (n_rules > 0), 0)::bigint as removed
    from weighed
    group by recipe
),
placed as (
    select
        recipe,
        rule,
        name,
        row_number() over (
            partition by recipe
            order by list_position(string_split(rule_order, chr(10)), name) nulls last, rule
        ) as place
    from recipe_rules
),
ordered as (
    select
        recipe,
        list(place order by rule) as places
    from placed
    group by recipe
),
struck as (
    select
        weighed.recipe,
        weight,
        n_rules,
        unnest(rules) as rule,
        unnest(list_transform(rules, lambda rule: places[rule + 1])) as place,
        list_min(list_transform(rules, lambda rule: places[rule + 1])) as first_place
    from weighed
    join ordered on ordered.recipe = weighed.recipe
    where n_rules > 0
),
by_size as (
    select
        recipe,
        rule,
        n_rules,
        sum(weight)::bigint as weight,
        coalesce(sum(weight) filter (place = first_place), 0)::bigint as first_weight
    from struck
    group by recipe, rule, n_rules
),
counted as (
    select
        recipe,
        rule,
        sum(weight)::bigint as alone,
        coalesce(sum(weight) filter (n_rules = 1), 0)::bigint as uniquely,
        sum(first_weight)::bigint as in_order,
        sum(weight / n_rules order by n_rules) as shapley
    from by_size
    group by recipe, rule
)
select
    placed.recipe,
    placed.place,
    placed.name as rule,
    coalesce(alone, 0) as removed_alone,
    coalesce(alone, 0) / nullif(total, 0) as alone_share,
    coalesce(uniquely, 0) as removed_uniquely,
    coalesce(in_order, 0) as removed_in_order,
    removed - coalesce(uniquely, 0) as removed_without,
    coalesce(shapley, 0.0) as removed_shapley,
    coalesce(shapley, 0.0) / nullif(removed, 0) as shapley_share
from placed
join totals on totals.recipe = placed.recipe
left join counted on counted.recipe = placed.recipe and counted.rule = placed.rule
where total is not null
order by placed.recipe, placed.place;
