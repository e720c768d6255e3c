/*
title = "Kept and removed by language"
doc   = "What the recipe keeps of each language. The language with most documents first."
over  = "hits"
order = 8
chart = { kind = "bar", x = "removed_doc_share", y = "language" }

[params]
top_n = { default = 40, min = 1, max = 100000, doc = "How many to list." }

[merge]
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"

[columns]
recipe             = { unit = "name",   doc = "Recipe." }
language           = { unit = "name",   doc = "Language, as the row or an attribute states it; null where none is stated." }
n_docs             = { unit = "docs",   doc = "Documents in the recipe's streams." }
n_kept_docs        = { unit = "docs",   doc = "Documents that no rule removes." }
removed_doc_share  = { unit = "share",  doc = "Share of the documents that are removed." }
n_kept_bytes       = { unit = "bytes",  doc = "UTF-8 bytes of text in kept documents." }
removed_byte_share = { unit = "share",  doc = "Share of the bytes that are removed." }
n_kept_words       = { unit = "words",  doc = "Words in kept documents." }
n_kept_tokens      = { unit = "tokens", doc = "Tokens in kept documents; null when none were counted." }
*/

-- partial: one row per language, kept or removed
select
    recipe,
    language,
    is_kept,
    count(*)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens
from part
group by recipe, language, is_kept;

-- result
with counted as (
    select
        recipe,
        language,
        sum(n_docs)::bigint as n_docs,
        coalesce(sum(n_docs) filter (is_kept), 0)::bigint as n_kept_docs,
        sum(n_bytes)::bigint as n_bytes,
        coalesce(sum(n_bytes) filter (is_kept), 0)::bigint as n_kept_bytes,
        coalesce(sum(n_words) filter (is_kept), 0)::bigint as n_kept_words,
        sum(n_tokens)::bigint as n_tokens,
        sum(n_tokens) filter (is_kept)::bigint as n_kept_tokens
    from merged.filter_by_language
    group by recipe, language
)
select
    recipe,
    language,
    n_docs,
    n_kept_docs,
    1 - n_kept_docs / n_docs as removed_doc_share,
    n_kept_bytes,
    1 - n_kept_bytes / nullif(n_bytes, 0) as removed_byte_share,
    n_kept_words,
    if(n_tokens is null, null, coalesce(n_kept_tokens, 0)) as n_kept_tokens
from counted
qualify row_number() over (partition by recipe order by n_docs desc, language) <= top_n
order by recipe, n_docs desc, language;
