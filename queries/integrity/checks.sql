/*
title = "Checks"
doc   = "What is wrong with the input, or was left out of the numbers. An error means that input was lost or cannot be told apart; a warning is noise of real data that harms no number here but may matter to the one who uses the text."
order = 1

[columns]
check_name = { unit = "name",  doc = "What was looked for." }
severity   = { unit = "name",  doc = "error or warning." }
n_found    = { unit = "count", doc = "How many were found." }
is_ok      = { unit = "flag",  doc = "Whether none was found." }
meaning    = { unit = "text",  doc = "What is counted." }
what_to_do = { unit = "text",  doc = "What to do about it." }
*/

with found(place, check_name, severity, n_found, meaning, what_to_do) as (
    select
        1, 'unreadable files', 'error', count(*) filter (where fault is not null),
        'Files of documents that could not be used to their end.',
        'Fetch or write the file again, then build again; the list of files has the reason.'
    from shards
    union all
    select
        2, 'rejected rows', 'error', coalesce(sum(n_rows), 0),
        'Rows of document files that were left out.',
        'See the rejected rows for file, row and reason; repair them and build again.'
    from rejects
    where attribute_set is null
    union all
    select
        3, 'rejected attribute rows', 'error', coalesce(sum(greatest(n_rows, 1)), 0),
        'Rows of attribute files, or whole such files, that were left out.',
        'See the rejected rows for file, row and reason; run the tagger again on these files.'
    from rejects
    where attribute_set is not null
    union all
    select
        4, 'duplicate ids', 'error', coalesce(sum(n_docs), 0),
        'Documents that share their id with another document of their source.',
        'Give every document of a source an id of its own; the examples show which.'
    from merged.duplicate_ids
    union all
    select
        5, 'misaligned attribute rows', 'error', coalesce(sum(n_misaligned), 0),
        'Documents whose attributes stand on another row and were joined by id.',
        'The attributes were made from another version of the file: run the tagger again.'
    from attribute_files
    union all
    select
        6, 'orphan attribute rows', 'error', coalesce(sum(n_orphans), 0),
        'Rows of attribute files that no document answers to.',
        'The attributes were made from another version of the file: run the tagger again.'
    from attribute_files
    union all
    select
        7, 'missing attribute sets', 'warning', s.n_sets * c.n_docs - s.n_covered,
        'Pairs of a document and an attribute set that other documents have and it has not.',
        'Rules over a set that is missing never fire: run the tagger on these documents, or leave them out of such rules.'
    from (
        select
            count(distinct attribute_set) as n_sets,
            coalesce(sum(n_docs) filter (where key is null and state <> 'missing'), 0) as n_covered
        from merged.attribute_coverage
    ) as s,
    (select sum(n_docs) as n_docs from merged.composition) as c
    union all
    select
        8, 'spans outside their text', 'warning', coalesce(max(try_cast(value as bigint)), 0),
        'Spans that begin before or end after their text; they are clipped to it.',
        'Often a tagger that counts a last line feed which is not there; harmless when few.'
    from corpus
    where name = 'n_spans_outside'
    union all
    select
        9, 'empty texts', 'warning', coalesce(sum(n_empty + n_blank), 0),
        'Documents without text, or with White_Space only.',
        'Leave them out when mixing.'
    from merged.empty_texts
    union all
    select
        10, 'replacement characters', 'warning', coalesce(sum(n_affected), 0),
        'Documents with U+FFFD, the trace of bytes that an earlier step could not decode.',
        'Extract these documents again from their original bytes.'
    from merged.replacement_characters
    union all
    select
        11, 'unreadable dates', 'warning', coalesce(sum(n_unreadable), 0),
        'Documents whose date of creation could not be read.',
        'Write dates as ISO 8601; these documents count as undated.'
    from merged.date_coverage
    union all
    select
        12, 'URLs without a host', 'warning', coalesce(sum(n_without_host), 0),
        'Documents whose URL names no valid host.',
        'They belong to no domain; repair the URLs where domains matter.'
    from merged.url_coverage
    union all
    select
        13, 'missing token counts', 'warning',
        case when sum(n_docs_with_tokens) > 0 then sum(n_docs - n_docs_with_tokens) else 0 end,
        'Documents without a number of tokens, where others have one: sums of tokens leave them out.',
        'Count them all with --tokenizer, or complete the column.'
    from merged.composition
)
select
    check_name,
    severity,
    n_found::bigint as n_found,
    n_found = 0 as is_ok,
    meaning,
    what_to_do
from found
order by place;
