-- The paragraphs of a part by key: how often each occurs in documents that have the attribute set, and how often a mark
-- begins where it does.
select
    p.key,
    count(*) as n_copies,
    count(*) filter (where v.doc is not null) as n_marked
from paragraphs as p
semi join keyed as d on d.doc = p.doc
left join marked as v on v.doc = p.doc and v.start = p.start
group by p.key
order by p.key
