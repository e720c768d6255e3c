-- Where some paragraphs (`wanted`) are in one part: an occurrence in the first document that is not huge, to read it
-- there, and the three smallest documents by the order of the sources and id. A document counts once.
with by_document as (
    select
        key,
        doc,
        min(start) as start,
        any_value(n_chars) as n_chars
    from wanted_paragraphs
    group by key, doc
)
select
    p.key::varchar as key,
    min({'is_huge': d.n_bytes > 1000000, 'doc': p.doc, 'shard': d.shard, 'start': p.start, 'n_chars': p.n_chars}) as place,
    min({'number': o.number, 'id': d.id}, 3) as documents
from by_document as p
join documents as d on d.doc = p.doc
join source_order as o on o.source = d.source
group by p.key
