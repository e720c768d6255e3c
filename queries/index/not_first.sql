-- The documents of a part that are copies of a text whose first copy is another document.
select doc
from copies
where not is_first
order by doc
