/*
title = "Correlation of rules"
doc   = "How far two rules hit the same documents: the Pearson correlation of their hits (the phi coefficient), as in the filter figure of the Dolma paper. 1: always together; 0: no more than by chance; negative: one avoids the other's documents. Rules that hit nothing, or everything, have none."
order = 7
chart = { kind = "correlation", x = "other_rule", y = "rule", color = "correlation" }

[params]
only_source = { default = "", doc = "Only this source; empty for all." }

[columns]
recipe        = { unit = "name",  doc = "Recipe." }
rule          = { unit = "name",  doc = "Rule." }
other_rule    = { unit = "name",  doc = "Another rule." }
correlation   = { unit = "ratio", doc = "Pearson correlation of the two rules' hits over all documents, -1 to 1." }
n_docs_both   = { unit = "docs",  doc = "Documents that both hit." }
covered_share = { unit = "share", doc = "Of what the rule hits, the share that the other hits too; 1 means that the other covers it wholly." }
*/

with counted as (
    select
        recipe,
        rules,
        sum(n_docs)::bigint as n_docs
    from merged.filter_intersections
    where only_source = '' or source = only_source
    group by recipe, rules
),
totals as (
    select
        recipe,
        sum(n_docs)::bigint as n
    from counted
    group by recipe
),
alone as (
    select
        recipe,
        unnest(rules) as rule,
        n_docs
    from counted
),
hit as (
    select
        recipe,
        rule,
        sum(n_docs)::bigint as n_hit
    from alone
    group by recipe, rule
),
pairs as (
    select
        recipe,
        a as rule,
        unnest(rules) as other,
        n_docs
    from (
        select
            recipe,
            rules,
            unnest(rules) as a,
            n_docs
        from counted
    )
),
together as (
    select
        recipe,
        rule,
        other,
        sum(n_docs)::bigint as n_both
    from pairs
    group by recipe, rule, other
)
select
    x.recipe,
    x_rule.name as rule,
    y_rule.name as other_rule,
    (n::double * coalesce(n_both, 0) - x.n_hit::double * y.n_hit)
    / nullif(sqrt(x.n_hit::double * (n - x.n_hit)) * sqrt(y.n_hit::double * (n - y.n_hit)), 0) as correlation,
    coalesce(n_both, 0) as n_docs_both,
    coalesce(n_both, 0) / x.n_hit as covered_share
from hit as x
join hit as y on y.recipe = x.recipe and y.rule <> x.rule
join totals on totals.recipe = x.recipe
join recipe_rules as x_rule on x_rule.recipe = x.recipe and x_rule.rule = x.rule
join recipe_rules as y_rule on y_rule.recipe = y.recipe and y_rule.rule = y.rule
left join together on together.recipe = x.recipe and together.rule = x.rule and together.other = y.rule
order by x.recipe, x.rule, y.rule;
