-- The documents of a part that have both a key and the attribute set, and whether the attribute marks them. Those
-- without a copy have no key: nobody else can have theirs.
select
    m.key,
    count(*) as n_copies,
    count(*) filter (where v.doc is not null) as n_marked
from keyed as d
left join copies as m on m.doc = d.doc
left join marked as v on v.doc = d.doc
group by m.key
order by m.key
