/*
title = "Rules that fire together"
doc   = "Each combination of rules that hit the same documents, and no others: the rows of an UpSet plot, largest first."
over  = "hits"
order = 6
chart = { kind = "upset", x = "n_docs", y = "combination" }

[params]
only_source = { default = "", doc = "Only this source; empty for all." }
top_n       = { default = 30, min = 1, max = 100000, doc = "How many combinations to show." }

[merge]
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"

[columns]
recipe        = { unit = "name",   doc = "Recipe." }
combination   = { unit = "name",   doc = "The rules that hit, joined by +." }
n_rules       = { unit = "count",  doc = "How many they are." }
n_docs        = { unit = "docs",   doc = "Documents that just these rules hit." }
removed_share = { unit = "share",  doc = "Those, of all documents that are removed." }
n_bytes       = { unit = "bytes",  doc = "Their UTF-8 bytes of text." }
n_words       = { unit = "words",  doc = "Their words." }
n_tokens      = { unit = "tokens", doc = "Their tokens; null when none were counted." }
*/

-- partial: one row per stream, source, combination of rules and rule that fails
select
    recipe,
    stream,
    source,
    rules_of(mask) as rules,
    failing_rule,
    n_docs,
    n_bytes,
    n_words,
    n_tokens
from (
    select
        recipe,
        stream,
        source,
        mask,
        failing_rule,
        count(*)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from part
    group by recipe, stream, source, mask, failing_rule
);

-- result
with counted as (
    select
        recipe,
        rules,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens
    from merged.filter_intersections
    where
        len(rules) > 0
        and (only_source = '' or source = only_source)
    group by recipe, rules
),
ranked as (
    select
        *,
        n_docs / sum(n_docs) over (partition by recipe) as removed_share,
        row_number() over (partition by recipe order by n_docs desc, rules) as place
    from counted
),
named as (
    select
        recipe_rules.recipe,
        list(name order by rule) as names
    from recipe_rules
    group by recipe_rules.recipe
)
select
    ranked.recipe,
    list_aggregate([names[rule + 1] for rule in rules], 'string_agg', ' + ') as combination,
    len(rules) as n_rules,
    n_docs,
    removed_share,
    n_bytes,
    n_words,
    n_tokens
from ranked
join named on named.recipe = ranked.recipe
where place <= top_n
order by ranked.recipe, place;
