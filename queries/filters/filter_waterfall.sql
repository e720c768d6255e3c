/*
title = "The rules in order"
doc   = "What is left after each rule, in the recipe's order or in one that is given: the waterfall. A document counts for the first rule that hits it, so that these numbers depend on the order."
order = 3
chart = { kind = "waterfall", x = "n_docs_left", y = "rule" }

[params]
only_source = { default = "", doc = "Only this source; empty for all." }
rule_order  = { default = "", doc = "Names of rules, one a line, in the order in which they are applied; rules that are not named follow in the recipe's order." }

[columns]
recipe           = { unit = "name",   doc = "Recipe." }
place            = { unit = "count",  doc = "Place in the order; 0 before any rule." }
rule             = { unit = "name",   doc = "Rule; (all documents) before any." }
n_docs_removed   = { unit = "docs",   doc = "Documents that this rule is the first to hit." }
n_docs_left      = { unit = "docs",   doc = "Documents left after it." }
docs_left_share  = { unit = "share",  doc = "That, of all documents." }
n_bytes_removed  = { unit = "bytes",  doc = "Their UTF-8 bytes of text." }
n_bytes_left     = { unit = "bytes",  doc = "Bytes left after it." }
n_words_removed  = { unit = "words",  doc = "Their words." }
n_words_left     = { unit = "words",  doc = "Words left after it." }
n_tokens_removed = { unit = "tokens", doc = "Their tokens; null when none were counted." }
n_tokens_left    = { unit = "tokens", doc = "Tokens left after it." }
*/

with weighed as (
    select
        recipe,
        rules,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from merged.filter_intersections
    where only_source = '' or source = only_source
    group by recipe, rules
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
struck as (
    select
        recipe,
        rules,
        unnest(rules) as rule
    from weighed
),
first_hits as (
    select
        struck.recipe,
        rules,
        min(place) as place
    from struck
    join placed on placed.recipe = struck.recipe and placed.rule = struck.rule
    group by struck.recipe, rules
),
taken as (
    select
        weighed.recipe,
        place,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from weighed
    join first_hits on first_hits.recipe = weighed.recipe and first_hits.rules = weighed.rules
    group by weighed.recipe, place
),
totals as (
    select
        recipe,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from weighed
    group by recipe
),
steps as (
    select
        recipe,
        0 as place,
        '(all documents)' as rule
    from totals
    union all
    select
        placed.recipe,
        placed.place,
        placed.name
    from placed
    semi join totals on totals.recipe = placed.recipe
)
select
    steps.recipe,
    steps.place,
    steps.rule,
    coalesce(taken.n_docs, 0) as n_docs_removed,
    totals.n_docs - coalesce(sum(taken.n_docs) over so_far, 0)::bigint as n_docs_left,
    (totals.n_docs - coalesce(sum(taken.n_docs) over so_far, 0)::bigint) / nullif(totals.n_docs, 0) as docs_left_share,
    coalesce(taken.n_bytes, 0) as n_bytes_removed,
    totals.n_bytes - coalesce(sum(taken.n_bytes) over so_far, 0)::bigint as n_bytes_left,
    coalesce(taken.n_words, 0) as n_words_removed,
    totals.n_words - coalesce(sum(taken.n_words) over so_far, 0)::bigint as n_words_left,
    if(totals.n_tokens is null, null, coalesce(taken.n_tokens, 0)) as n_tokens_removed,
    totals.n_tokens - coalesce(sum(taken.n_tokens) over so_far, 0)::bigint as n_tokens_left
from steps
join totals on totals.recipe = steps.recipe
left join taken on taken.recipe = steps.recipe and taken.place = steps.place
window so_far as (partition by steps.recipe order by steps.place)
order by steps.recipe, steps.place;
