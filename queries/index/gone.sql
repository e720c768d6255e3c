-- The documents of a part that the steps so far remove.
select distinct doc
from copies
where is_removed
order by doc
