/*
title = "Removing duplicates in steps"
doc   = "What goes and what is left when duplicates are removed in the Dolma toolkit's order: documents by URL, among those left documents by text, and in those left paragraphs. Each step keeps the first copy of what the steps before leave. Paragraphs go out of documents, so at that step no document goes; how many tokens are left then, only a tokenizer could tell. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵)."
order = 90
chart = { kind = "waterfall", x = "n_bytes_left", y = "label" }

[params]
per = { default = "corpus", choices = ["corpus", "source"], doc = "Whether to list the steps of the whole corpus only, or before them those of each source." }

[columns]
source             = { unit = "name",   null = "all", doc = "Source; null for all together." }
place              = { unit = "count",  doc = "Place in the order." }
step               = { unit = "name",   doc = "What is removed: copies by url, by text, or paragraphs." }
label              = { unit = "name",   doc = "The step, of a source after its name: what tells the bars of the chart apart." }
n_docs             = { unit = "docs",   doc = "Documents before the step." }
n_docs_removed     = { unit = "docs",   doc = "Documents that it removes." }
n_docs_left        = { unit = "docs",   doc = "Documents left after it." }
n_bytes            = { unit = "bytes",  doc = "UTF-8 bytes of text before the step." }
n_bytes_removed    = { unit = "bytes",  doc = "Bytes that it removes; newlines between paragraphs stay." }
n_bytes_left       = { unit = "bytes",  doc = "Bytes left after it." }
bytes_left_share   = { unit = "share",  doc = "That, of all bytes before any step." }
n_words            = { unit = "words",  doc = "Words before the step." }
n_words_removed    = { unit = "words",  doc = "Words that it removes." }
n_words_left       = { unit = "words",  doc = "Words left after it." }
n_tokens           = { unit = "tokens", doc = "Tokens before the step, of the documents that have a count; null where none has." }
n_tokens_removed   = { unit = "tokens", doc = "Tokens that it removes; null for paragraphs, and where none were counted." }
n_tokens_left      = { unit = "tokens", doc = "Tokens left after it; null for paragraphs, and where none were counted." }
*/

with removed as (
    select
        source,
        key_kind as step,
        sum(n_gone_docs) as n_docs,
        sum(n_gone_bytes) as n_bytes,
        sum(n_gone_words) as n_words,
        sum(n_gone_tokens) as n_tokens
    from merged.deduplicated_mix
    where key_kind in ('url', 'text')
    group by source, key_kind
    union all
    select
        source,
        'paragraph' as step,
        0 as n_docs,
        sum(n_left_bytes - n_left_first_bytes) as n_bytes,
        sum(n_left_words - n_left_first_words) as n_words,
        null as n_tokens
    from merged.paragraph_repetition
    group by source
),
of_sources as (
    select
        c.source,
        s.place,
        s.step,
        c.n_docs,
        c.n_bytes,
        c.n_words,
        c.n_tokens,
        coalesce(r.n_docs, 0) as n_docs_removed,
        coalesce(r.n_bytes, 0) as n_bytes_removed,
        coalesce(r.n_words, 0) as n_words_removed,
        if(s.step = 'paragraph' or c.n_tokens is null, null, coalesce(r.n_tokens, 0)) as n_tokens_removed
    from merged.composition as c
    join source_order as o on o.source = c.source
    cross join (values (1, 'url'), (2, 'text'), (3, 'paragraph')) as s(place, step)
    left join removed as r on r.source = c.source and r.step = s.step
    where exists (from duplicate_search where is_on)
),
counted as (
    select
        source,
        place,
        step,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_words)::bigint as n_words,
        sum(n_tokens)::bigint as n_tokens,
        sum(n_docs_removed)::bigint as n_docs_removed,
        sum(n_bytes_removed)::bigint as n_bytes_removed,
        sum(n_words_removed)::bigint as n_words_removed,
        sum(n_tokens_removed)::bigint as n_tokens_removed
    from of_sources
    group by grouping sets ((source, place, step), (place, step))
),
so_far as (
    select
        source,
        place,
        coalesce(sum(n_docs_removed) over up_to_here, 0)::bigint as n_docs,
        coalesce(sum(n_bytes_removed) over up_to_here, 0)::bigint as n_bytes,
        coalesce(sum(n_words_removed) over up_to_here, 0)::bigint as n_words,
        coalesce(sum(n_tokens_removed) over up_to_here, 0)::bigint as n_tokens
    from counted
    window up_to_here as (partition by source order by place)
)
select
    c.source,
    c.place,
    c.step,
    if(c.source is null, c.step, c.source || ' · ' || c.step) as label,
    c.n_docs - g.n_docs + c.n_docs_removed as n_docs,
    c.n_docs_removed,
    c.n_docs - g.n_docs as n_docs_left,
    c.n_bytes - g.n_bytes + c.n_bytes_removed as n_bytes,
    c.n_bytes_removed,
    c.n_bytes - g.n_bytes as n_bytes_left,
    (c.n_bytes - g.n_bytes) / nullif(c.n_bytes, 0) as bytes_left_share,
    c.n_words - g.n_words + c.n_words_removed as n_words,
    c.n_words_removed,
    c.n_words - g.n_words as n_words_left,
    c.n_tokens - g.n_tokens + coalesce(c.n_tokens_removed, 0) as n_tokens,
    c.n_tokens_removed,
    if(c.n_tokens_removed is null, null, c.n_tokens - g.n_tokens) as n_tokens_left
from counted as c
join so_far as g on g.place = c.place and g.source is not distinct from c.source
where c.source is null or per = 'source'
-- of all last: the chart's text says what is left after the last row
order by c.source nulls last, c.place;
