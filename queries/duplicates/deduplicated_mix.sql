/*
title = "The mix without duplicates"
doc   = "What remains of each source when all copies but one go, for one kind of key and a rule that says which copy stays, and what that does to the mix. Documents without a key of the kind stay. Of paragraphs one occurrence of each stays, and every document, an emptied one included; how many tokens are left then, only a tokenizer could tell. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵)."
over  = "marks"
order = 80
chart = { kind = "bar", x = "removed_byte_share", y = "source" }
approx = "Clusters of near-duplicates are found by estimate: near_search says how well."
approx_when = { kind = "near" }

[params]
kind     = { default = "text", choices = ["url", "text", "near", "paragraph"], doc = "Kind of key." }
keep     = { default = "first", choices = ["first", "longest", "priority"], doc = "Which copy stays: the first (by the order of the sources, then id), the longest (of equals the first; of paragraphs, which are all equal, the first), or the first by the order that priority gives." }
priority = { default = "", doc = "For keep = priority: names of sources, separated by commas, those first whose copies stay; or a JSON list of them, where a name holds a comma. Sources that are not named follow in their order; names that no source has change nothing." }

[merge]
n_docs           = "sum"
n_bytes          = "sum"
n_words          = "sum"
n_tokens         = "sum"
n_first_docs     = "sum"
n_first_bytes    = "sum"
n_first_words    = "sum"
n_first_tokens   = "sum"
n_longest_docs   = "sum"
n_longest_bytes  = "sum"
n_longest_words  = "sum"
n_longest_tokens = "sum"
n_gone_docs      = "sum"
n_gone_bytes     = "sum"
n_gone_words     = "sum"
n_gone_tokens    = "sum"

[columns]
source              = { unit = "name",   null = "all", doc = "Source; null for all together." }
n_docs              = { unit = "docs",   doc = "Documents." }
n_kept_docs         = { unit = "docs",   doc = "Documents that stay." }
removed_doc_share   = { unit = "share",  doc = "Share of the documents that go." }
n_bytes             = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_kept_bytes        = { unit = "bytes",  doc = "Bytes that stay; newlines between paragraphs do." }
removed_byte_share  = { unit = "share",  doc = "Share of the bytes that go." }
n_words             = { unit = "words",  doc = "Words." }
n_kept_words        = { unit = "words",  doc = "Words that stay." }
removed_word_share  = { unit = "share",  doc = "Share of the words that go." }
n_tokens            = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
n_kept_tokens       = { unit = "tokens", doc = "Tokens that stay; null for paragraphs, and where none were counted." }
removed_token_share = { unit = "share",  doc = "Share of the tokens that go." }
mix_share_before    = { unit = "share",  doc = "The source's share of the whole mix, in mix_unit." }
mix_share_after     = { unit = "share",  doc = "Its share of what remains." }
mix_unit            = { unit = "name",   doc = "What the shares of the mix are measured in: tokens where every document has a count, else bytes; bytes for paragraphs." }
*/

-- partial: one row per kind, source, and set of sources that have the keys; documents that have copies only
select
    key_kind,
    source,
    source_mask,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens,
    count(*) filter (where is_first_in_source) as n_first_docs,
    coalesce(sum(n_bytes) filter (where is_first_in_source), 0)::bigint as n_first_bytes,
    coalesce(sum(n_words) filter (where is_first_in_source), 0)::bigint as n_first_words,
    coalesce(sum(n_tokens) filter (where is_first_in_source), 0)::bigint as n_first_tokens,
    count(*) filter (where is_longest) as n_longest_docs,
    coalesce(sum(n_bytes) filter (where is_longest), 0)::bigint as n_longest_bytes,
    coalesce(sum(n_words) filter (where is_longest), 0)::bigint as n_longest_words,
    coalesce(sum(n_tokens) filter (where is_longest), 0)::bigint as n_longest_tokens,
    -- for duplicate_waterfall
    count(*) filter (where is_removed) as n_gone_docs,
    coalesce(sum(n_bytes) filter (where is_removed), 0)::bigint as n_gone_bytes,
    coalesce(sum(n_words) filter (where is_removed), 0)::bigint as n_gone_words,
    coalesce(sum(n_tokens) filter (where is_removed), 0)::bigint as n_gone_tokens
from part
where n_copies > 1 and key_kind in ('url', 'text', 'near')
group by key_kind, source, source_mask;

-- result: over the merged partials
with wanted as (
    select case
        when not json_valid(priority) or json_type(priority) <> 'ARRAY'
            then list_transform(string_split(priority, ','), lambda name: trim(name))
        else from_json(if(json_valid(priority) and json_type(priority) = 'ARRAY', priority, '[]'), '["VARCHAR"]')
    end as names
),
named as (
    select
        number,
        list_position((select names from wanted), source) as place
    from source_order
    where keep = 'priority' and list_contains((select names from wanted), source)
),
masks as (
    select source_mask
    from merged.deduplicated_mix
    where key_kind = kind
    union
    select source_mask
    from merged.paragraph_repetition
    where kind = 'paragraph' and is_repeated
),
keepers as (  -- the number of the source whose copy stays: the first that is named, else the first
    select
        m.source_mask,
        coalesce(arg_min(n.number, n.place), instr(m.source_mask, '1') - 1) as keeper
    from masks as m
    left join named as n on m.source_mask[n.number + 1] = '1'
    group by m.source_mask
),
once as (  -- one occurrence of each paragraph that the same sources have
    select
        source_mask,
        sum(n_first_bytes) as n_bytes,
        sum(n_first_words) as n_words
    from merged.paragraph_repetition
    where kind = 'paragraph' and is_repeated
    group by source_mask
),
repeated as (
    select
        source,
        source_mask,
        sum(n_bytes) as n_bytes,
        sum(n_words) as n_words
    from merged.paragraph_repetition
    where kind = 'paragraph' and is_repeated
    group by source, source_mask
),
changes as (
    select
        d.source,
        d.n_docs - case when keep = 'longest' then n_longest_docs when k.keeper = s.number then n_first_docs else 0 end
            as n_docs,
        d.n_bytes - case when keep = 'longest' then n_longest_bytes when k.keeper = s.number then n_first_bytes else 0 end
            as n_bytes,
        d.n_words - case when keep = 'longest' then n_longest_words when k.keeper = s.number then n_first_words else 0 end
            as n_words,
        coalesce(d.n_tokens, 0)
        - case when keep = 'longest' then n_longest_tokens when k.keeper = s.number then n_first_tokens else 0 end
            as n_tokens
    from merged.deduplicated_mix as d
    join keepers as k on k.source_mask = d.source_mask
    join source_order as s on s.source = d.source
    where d.key_kind = kind
    union all
    select
        r.source,
        0 as n_docs,
        r.n_bytes - if(k.keeper = s.number, o.n_bytes, 0) as n_bytes,
        r.n_words - if(k.keeper = s.number, o.n_words, 0) as n_words,
        null as n_tokens
    from repeated as r
    join keepers as k on k.source_mask = r.source_mask
    join source_order as s on s.source = r.source
    join once as o on o.source_mask = r.source_mask
),
removed as (
    select
        source,
        sum(n_docs) as n_docs,
        sum(n_bytes) as n_bytes,
        sum(n_words) as n_words,
        sum(n_tokens) as n_tokens
    from changes
    group by source
),
counted as (
    select
        c.source,
        sum(c.n_docs)::bigint as n_docs,
        sum(c.n_docs - coalesce(r.n_docs, 0))::bigint as n_kept_docs,
        sum(c.n_bytes)::bigint as n_bytes,
        sum(c.n_bytes - coalesce(r.n_bytes, 0))::bigint as n_kept_bytes,
        sum(c.n_words)::bigint as n_words,
        sum(c.n_words - coalesce(r.n_words, 0))::bigint as n_kept_words,
        sum(c.n_tokens)::bigint as n_tokens,
        sum(if(kind = 'paragraph', null, c.n_tokens - coalesce(r.n_tokens, 0)))::bigint as n_kept_tokens,
        sum(c.n_docs - c.n_docs_with_tokens)::bigint as n_uncounted_docs
    from merged.composition as c
    join source_order as o on o.source = c.source
    left join removed as r on r.source = c.source
    where exists (from duplicate_search where is_on and (kind <> 'near' or threshold is not null))
    group by grouping sets ((c.source), ())
    having count(*) > 0
),
measured as (
    select
        *,
        max(n_uncounted_docs) over () = 0 and kind <> 'paragraph' as is_in_tokens,
        if(is_in_tokens, n_tokens, n_bytes) as n_before,
        if(is_in_tokens, n_kept_tokens, n_kept_bytes) as n_after
    from counted
)
select
    source,
    n_docs,
    n_kept_docs,
    1 - n_kept_docs / n_docs as removed_doc_share,
    n_bytes,
    n_kept_bytes,
    1 - n_kept_bytes / nullif(n_bytes, 0) as removed_byte_share,
    n_words,
    n_kept_words,
    1 - n_kept_words / nullif(n_words, 0) as removed_word_share,
    n_tokens,
    n_kept_tokens,
    1 - n_kept_tokens / nullif(n_tokens, 0) as removed_token_share,
    n_before / nullif(max(n_before) over (), 0) as mix_share_before,
    n_after / nullif(max(n_after) over (), 0) as mix_share_after,
    if(is_in_tokens, 'tokens', 'bytes') as mix_unit
from measured
order by source nulls first;
