-- One bucket of paragraphs, each key in no other bucket: every occurrence of a paragraph that occurs twice or more.
with repeated as (
    select key
    from occurrences
    group by key
    having count(*) > 1
)
from occurrences
semi join repeated using (key)
