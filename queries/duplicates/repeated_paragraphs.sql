/*
title = "Most repeated paragraphs"
doc   = "The paragraphs that occur most often in the corpus, and where. Their text is shown where the workspace keeps texts and it could be read when the workspace was built; else there is none. Paragraphs are those of the build's --min-paragraph characters or more, told apart by a 64-bit hash of their bytes (two of n different ones meet by chance with a probability of about n²/2⁶⁵)."
over  = "paragraphs"
order = 65
keep  = { top = 100, within = [], order = ["n_copies desc", "key"] }

[params]
top_n = { default = 20, min = 1, max = 100, doc = "How many paragraphs to list." }

[columns]
rank          = { unit = "count", doc = "Place in the list; paragraphs that occur equally often stand in the order of their keys." }
n_copies      = { unit = "count", doc = "Times that it occurs." }
n_docs        = { unit = "docs",  doc = "Documents in which it occurs." }
n_sources     = { unit = "count", doc = "Sources in which it occurs." }
sample        = { unit = "text",  doc = "Its first 200 characters; null where they could not be read." }
n_bytes       = { unit = "bytes", doc = "UTF-8 bytes of one occurrence." }
n_total_bytes = { unit = "bytes", doc = "Bytes of all of them." }
in_sources    = { unit = "text",  doc = "Its sources, most occurrences first, each with how often it occurs there." }
examples      = { unit = "text",  doc = "Three documents, or as many as have it, as source: id; the first by the order of the sources, then id." }
key           = { unit = "name",  doc = "Its key: a 64-bit hash (xxh3) of its bytes." }
*/

-- partial: the most repeated paragraphs of one bucket of keys; equal paragraphs are in one bucket
with largest as (
    select
        key,
        n_copies,
        n_docs,
        n_bytes
    from part
    where key is not null and is_first_source
    order by n_copies desc, key::varchar
    limit 100
)
select
    l.key::varchar as key,
    any_value(l.n_copies) as n_copies,
    any_value(l.n_docs) as n_docs,
    any_value(l.n_bytes) as n_bytes,
    count(*) as n_sources,
    string_agg(
        p.source || ' (' || p.n_copies_in_source || ')', ', ' order by p.n_copies_in_source desc, p.source_number
    ) as in_sources
from part as p
join largest as l on l.key = p.key
group by l.key;

-- result: over the merged partials
select
    row_number() over (order by p.n_copies desc, p.key) as rank,
    p.n_copies,
    p.n_docs,
    p.n_sources,
    s.sample,
    p.n_bytes,
    p.n_bytes * p.n_copies as n_total_bytes,
    p.in_sources,
    array_to_string(list_transform(s.documents, lambda d: d.source || ': ' || d.id), ', ') as examples,
    p.key
from merged.repeated_paragraphs as p
left join duplicate_samples as s on s.key_kind = 'paragraph' and s.key = p.key
order by p.n_copies desc, p.key
limit top_n;
