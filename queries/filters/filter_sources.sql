/*
title = "What each source loses"
doc   = "Kept and removed by source, the rule that takes most of it (by Shapley share), and an alarm where a source loses more than alarm_share of its documents. Sources that lose the largest share first."
order = 4
chart = { kind = "bar", x = "removed_doc_share", y = "source" }

[params]
alarm_share = { default = 0.5, min = 0.0, max = 1.0, doc = "A source that loses more than this share of its documents raises an alarm." }

[columns]
recipe             = { unit = "name",   doc = "Recipe." }
source             = { unit = "name",   doc = "Source." }
n_docs             = { unit = "docs",   doc = "Documents of the source in the recipe's streams." }
n_kept_docs        = { unit = "docs",   doc = "Documents that no rule removes." }
removed_doc_share  = { unit = "share",  doc = "Share of the documents that are removed." }
n_kept_bytes       = { unit = "bytes",  doc = "UTF-8 bytes of text in kept documents." }
removed_byte_share = { unit = "share",  doc = "Share of the bytes that are removed." }
n_kept_words       = { unit = "words",  doc = "Words in kept documents." }
removed_word_share = { unit = "share",  doc = "Share of the words that are removed." }
n_kept_tokens      = { unit = "tokens", doc = "Tokens in kept documents; null when none were counted." }
removed_token_share = { unit = "share", doc = "Share of the tokens that are removed." }
worst_rule         = { unit = "name",   doc = "The rule with the largest Shapley share of what this source loses, in documents." }
worst_rule_share   = { unit = "share",  doc = "That share." }
is_alarm           = { unit = "flag",   doc = "Whether the source loses more than the share that raises an alarm." }
*/

with counted as (
    select
        recipe,
        source,
        sum(n_docs)::bigint as n_docs,
        coalesce(sum(n_docs) filter (len(rules) = 0), 0)::bigint as n_kept_docs,
        sum(n_bytes)::bigint as n_bytes,
        coalesce(sum(n_bytes) filter (len(rules) = 0), 0)::bigint as n_kept_bytes,
        sum(n_words)::bigint as n_words,
        coalesce(sum(n_words) filter (len(rules) = 0), 0)::bigint as n_kept_words,
        sum(n_tokens)::bigint as n_tokens,
        sum(n_tokens) filter (len(rules) = 0)::bigint as n_kept_tokens
    from merged.filter_intersections
    group by recipe, source
),
struck as (
    select
        recipe,
        source,
        unnest(rules) as rule,
        len(rules) as n_rules,
        n_docs
    from merged.filter_intersections
    where len(rules) > 0
),
by_size as (
    select
        recipe,
        source,
        rule,
        n_rules,
        sum(n_docs)::bigint as n_docs
    from struck
    group by recipe, source, rule, n_rules
),
blamed as (
    select
        by_size.recipe,
        source,
        by_size.rule,
        any_value(name) as name,
        sum(n_docs / n_rules order by n_rules) as shapley
    from by_size
    join recipe_rules on recipe_rules.recipe = by_size.recipe and recipe_rules.rule = by_size.rule
    group by by_size.recipe, source, by_size.rule
),
worst as (
    select
        recipe,
        source,
        name,
        shapley
    from blamed
    qualify row_number() over (partition by recipe, source order by shapley desc, rule) = 1
)
select
    counted.recipe,
    counted.source,
    n_docs,
    n_kept_docs,
    1 - n_kept_docs / n_docs as removed_doc_share,
    n_kept_bytes,
    1 - n_kept_bytes / nullif(n_bytes, 0) as removed_byte_share,
    n_kept_words,
    1 - n_kept_words / nullif(n_words, 0) as removed_word_share,
    if(n_tokens is null, null, coalesce(n_kept_tokens, 0)) as n_kept_tokens,
    1 - if(n_tokens is null, null, coalesce(n_kept_tokens, 0)) / nullif(n_tokens, 0) as removed_token_share,
    worst.name as worst_rule,
    worst.shapley / nullif(n_docs - n_kept_docs, 0) as worst_rule_share,
    1 - n_kept_docs / n_docs > alarm_share as is_alarm
from counted
left join worst on worst.recipe = counted.recipe and worst.source is not distinct from counted.source
order by counted.recipe, removed_doc_share desc, counted.source;
