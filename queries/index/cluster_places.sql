-- Where the first documents of some clusters (`wanted`) are, those that one part holds.
select
    w.key_kind,
    w.key,
    d.doc,
    d.shard,
    d.source,
    d.id,
    d.url
from marks as m
join wanted as w on w.key_kind = m.key_kind and w.key = m.key::varchar
join documents as d on d.doc = m.doc
where m.is_first
