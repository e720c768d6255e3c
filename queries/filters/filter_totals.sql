/*
title = "What the recipe keeps"
doc   = "Documents, bytes, words and tokens before and after the recipe's document rules; span replacement is counted apart."
order = 1

[columns]
recipe         = { unit = "name",   doc = "Recipe." }
n_docs         = { unit = "docs",   doc = "Documents in the recipe's streams; one that is in two streams counts twice, as a mixer would write it twice." }
n_docs_outside = { unit = "docs",   doc = "Documents that no stream takes." }
is_estimate    = { unit = "flag",   doc = "Whether what is kept is an estimate: a minimum length applies after span replacement, and the texts were not read again." }
n_kept_docs    = { unit = "docs",   doc = "Documents that no rule removes." }
kept_doc_share = { unit = "share",  doc = "Share of the documents that are kept." }
n_kept_bytes   = { unit = "bytes",  doc = "UTF-8 bytes of text in the kept documents, before span replacement." }
kept_byte_share = { unit = "share", doc = "Share of the bytes that are kept." }
n_kept_words   = { unit = "words",  doc = "Words in the kept documents, before span replacement." }
kept_word_share = { unit = "share", doc = "Share of the words that are kept." }
n_kept_tokens  = { unit = "tokens", doc = "Tokens in the kept documents, before span replacement; null when none were counted." }
kept_token_share = { unit = "share", doc = "Share of the tokens that are kept." }
*/

with counted as (
    select
        recipe,
        sum(n_docs)::bigint as n_docs,
        sum(n_docs) filter (len(rules) = 0)::bigint as n_kept_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_bytes) filter (len(rules) = 0)::bigint as n_kept_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_words) filter (len(rules) = 0)::bigint as n_kept_words,
        sum(n_tokens)::bigint as n_tokens,
        sum(n_tokens) filter (len(rules) = 0)::bigint as n_kept_tokens
    from merged.filter_intersections
    group by recipe
)
select
    recipes.recipe,
    coalesce(n_docs, 0) as n_docs,
    recipes.n_docs_outside,
    recipes.is_estimate,
    coalesce(n_kept_docs, 0) as n_kept_docs,
    coalesce(n_kept_docs, 0) / nullif(n_docs, 0) as kept_doc_share,
    coalesce(n_kept_bytes, 0) as n_kept_bytes,
    coalesce(n_kept_bytes, 0) / nullif(n_bytes, 0) as kept_byte_share,
    coalesce(n_kept_words, 0) as n_kept_words,
    coalesce(n_kept_words, 0) / nullif(n_words, 0) as kept_word_share,
    if(n_tokens is null, null, coalesce(n_kept_tokens, 0)) as n_kept_tokens,
    if(n_tokens is null, null, coalesce(n_kept_tokens, 0) / nullif(n_tokens, 0)) as kept_token_share
from recipes
left join counted on counted.recipe = recipes.recipe
order by recipes.recipe;
