/*
title = "Repeated paragraphs by source"
doc   = "Paragraphs (pieces between newlines that are not blank) that occur more than once in the corpus, by source; two occurrences may be in one document. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵)."
over  = "paragraphs"
order = 60
chart = { kind = "bar", x = "repeated_byte_share", y = "source" }

[merge]
n_keys             = "sum"
n_copies           = "sum"
n_bytes            = "sum"
n_words            = "sum"
n_firsts           = "sum"
n_first_bytes      = "sum"
n_first_words      = "sum"
n_left             = "sum"
n_left_bytes       = "sum"
n_left_words       = "sum"
n_left_firsts      = "sum"
n_left_first_bytes = "sum"
n_left_first_words = "sum"

[columns]
source                = { unit = "name",  null = "all", doc = "Source; null for all together." }
n_copies              = { unit = "count", doc = "Paragraphs, every occurrence." }
n_keys                = { unit = "count", doc = "Different paragraphs among them." }
n_repeated            = { unit = "count", doc = "Occurrences of paragraphs that occur more than once in the corpus, all of them (WIMBD's way to count)." }
repeated_share        = { unit = "share", doc = "Their share of all occurrences." }
n_repeated_keys       = { unit = "count", doc = "Different paragraphs among those occurrences." }
n_repeated_bytes      = { unit = "bytes", doc = "UTF-8 bytes of those occurrences." }
repeated_byte_share   = { unit = "share", doc = "Their share of the bytes of all paragraphs." }
n_own_only            = { unit = "count", doc = "Repeated occurrences whose copies are all in their own source." }
n_others_only         = { unit = "count", doc = "Repeated occurrences whose copies are all in other sources." }
n_both                = { unit = "count", doc = "Repeated occurrences with copies in their own source and in others." }
n_removable           = { unit = "count", doc = "Occurrences that go when one of each paragraph stays, in the first source that has it (Dolma's way to count)." }
removable_share       = { unit = "share", doc = "Their share of all occurrences." }
n_removable_bytes     = { unit = "bytes", doc = "UTF-8 bytes of the removable occurrences." }
removable_byte_share  = { unit = "share", doc = "Their share of the bytes of all paragraphs." }
n_removable_words     = { unit = "words", doc = "Words of the removable occurrences." }
n_removable_in_source = { unit = "count", doc = "Occurrences that go when each source by itself keeps one of each of its paragraphs." }
*/

-- partial: one row per source and set of sources that share paragraphs
select
    source,
    source_mask,
    n_copies > 1 as is_repeated,
    n_copies_in_source > n_keys as is_in_source,
    sum(n_keys)::bigint as n_keys,
    sum(n_copies_in_source)::bigint as n_copies,
    sum(n_bytes_in_source)::bigint as n_bytes,
    sum(n_words_in_source)::bigint as n_words,
    sum(if(is_first_source, n_keys, 0))::bigint as n_firsts,
    sum(if(is_first_source, if(key is null, n_bytes_in_source, n_bytes), 0))::bigint as n_first_bytes,
    sum(if(is_first_source, if(key is null, n_words_in_source, n_words), 0))::bigint as n_first_words,
    -- for duplicate_waterfall
    sum(n_left_in_source)::bigint as n_left,
    sum(n_left_bytes_in_source)::bigint as n_left_bytes,
    sum(n_left_words_in_source)::bigint as n_left_words,
    sum(if(is_first_left_source, if(key is null, n_left_in_source, 1), 0))::bigint as n_left_firsts,
    sum(if(is_first_left_source, if(key is null, n_left_bytes_in_source, n_bytes), 0))::bigint as n_left_first_bytes,
    sum(if(is_first_left_source, if(key is null, n_left_words_in_source, n_words), 0))::bigint as n_left_first_words
from part
group by source, source_mask, is_repeated, is_in_source;

-- result: over the merged partials
with placed as (
    select
        *,
        bit_count(source_mask::bit) > 1 as is_elsewhere
    from merged.paragraph_repetition
)
select
    source,
    sum(n_copies)::bigint as n_copies,
    if(source is null, sum(n_firsts), sum(n_keys))::bigint as n_keys,
    coalesce(sum(n_copies) filter (where is_repeated), 0)::bigint as n_repeated,
    n_repeated / sum(n_copies) as repeated_share,
    coalesce(
        if(source is null, sum(n_firsts) filter (where is_repeated), sum(n_keys) filter (where is_repeated)), 0
    )::bigint as n_repeated_keys,
    coalesce(sum(n_bytes) filter (where is_repeated), 0)::bigint as n_repeated_bytes,
    n_repeated_bytes / sum(n_bytes) as repeated_byte_share,
    coalesce(sum(n_copies) filter (where is_in_source and not is_elsewhere), 0)::bigint as n_own_only,
    coalesce(sum(n_copies) filter (where is_elsewhere and not is_in_source), 0)::bigint as n_others_only,
    coalesce(sum(n_copies) filter (where is_in_source and is_elsewhere), 0)::bigint as n_both,
    (sum(n_copies) - sum(n_firsts))::bigint as n_removable,
    n_removable / sum(n_copies) as removable_share,
    (sum(n_bytes) - sum(n_first_bytes))::bigint as n_removable_bytes,
    n_removable_bytes / sum(n_bytes) as removable_byte_share,
    (sum(n_words) - sum(n_first_words))::bigint as n_removable_words,
    (sum(n_copies) - sum(n_keys))::bigint as n_removable_in_source
from placed
group by grouping sets ((source), ())
having sum(n_copies) > 0
order by source nulls first;
