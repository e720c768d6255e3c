/*
title = "Kept, removed, and what span rules leave"
doc   = "Documents and text by source, kept or removed; and of the kept ones what is left once the spans are replaced. Characters after replacement are exact; words and tokens are estimated from them."
approx = "Words and tokens after span replacement assume that the words of a document are spread evenly over its characters: exact for documents without spans; per document the error may be as large as what is cut. `impact --exact` reads the touched documents again."
over  = "hits"
order = 12
chart = { kind = "stacked_bar", x = "n_docs", y = "source", color = "outcome" }

[merge]
n_docs         = "sum"
n_bytes        = "sum"
n_chars        = "sum"
n_words        = "sum"
n_tokens       = "sum"
n_chars_after  = "sum"
n_words_after  = "sum"
n_tokens_after = "sum"

[columns]
recipe                = { unit = "name",   doc = "Recipe." }
source                = { unit = "name",   doc = "Source." }
outcome               = { unit = "name",   doc = "kept or removed." }
n_docs                = { unit = "docs",   doc = "Documents." }
n_bytes               = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_chars               = { unit = "chars",  doc = "Characters of text." }
n_words               = { unit = "words",  doc = "Words." }
n_tokens              = { unit = "tokens", doc = "Tokens; null when none were counted." }
n_chars_after         = { unit = "chars",  doc = "Characters once the spans are replaced as the mixer does it; null for removed documents." }
n_words_after_approx  = { unit = "words",  doc = "Words once the spans are replaced; null for removed documents." }
n_tokens_after_approx = { unit = "tokens", doc = "Tokens once the spans are replaced; null for removed documents." }
*/

-- partial: one row per source, kept or removed
select
    recipe,
    source,
    is_kept,
    count(*)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_chars)::bigint as n_chars,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens,
    sum(n_chars_after)::bigint as n_chars_after,
    sum(n_words_after)::bigint as n_words_after,
    sum(n_tokens_after)::bigint as n_tokens_after
from part
group by recipe, source, is_kept;

-- result
select
    recipe,
    source,
    if(is_kept, 'kept', 'removed') as outcome,
    n_docs,
    n_bytes,
    n_chars,
    n_words,
    n_tokens,
    if(is_kept, n_chars_after, null) as n_chars_after,
    if(is_kept, n_words_after, null) as n_words_after_approx,
    if(is_kept, n_tokens_after, null) as n_tokens_after_approx
from merged.filter_outcomes
order by recipe, source, outcome;
