/*
title = "Shortest documents"
doc   = "The shortest documents in a unit. Empty texts are left out; the integrity section counts them."
over  = "documents"
order = 4
keep  = { top = 100, within = ["measured_in"], order = ["length", "source", "id", "url", "text_hash"] }

[params]
unit  = { default = "bytes", choices = ["bytes", "chars", "words", "lines", "paragraphs", "tokens"], doc = "What lengths are measured in." }
top_n = { default = 20, min = 1, max = 100, doc = "How many documents to list." }

[columns]
source    = { unit = "name",   doc = "Source." }
id        = { unit = "name",   doc = "Identity of the document within its source." }
length    = { unit = "length", doc = "Its length in the chosen unit." }
n_bytes   = { unit = "bytes",  doc = "UTF-8 bytes of its text." }
url       = { unit = "text",   doc = "Its URL; null when it has none." }
text_hash = { unit = "name",   doc = "MD5 of its text: equal for equal texts." }
*/

-- partial: the shortest documents of one part in each unit
from (
    select 'bytes' as measured_in, source, id, n_bytes as length, n_bytes, url, text_md5::varchar as text_hash
    from part
    where n_bytes is not null and n_bytes > 0
    order by length, source, id, url, text_hash
    limit 100
)
union all
from (
    select 'chars' as measured_in, source, id, n_chars as length, n_bytes, url, text_md5::varchar as text_hash
    from part
    where n_chars is not null and n_bytes > 0
    order by length, source, id, url, text_hash
    limit 100
)
union all
from (
    select 'words' as measured_in, source, id, n_words as length, n_bytes, url, text_md5::varchar as text_hash
    from part
    where n_words is not null and n_bytes > 0
    order by length, source, id, url, text_hash
    limit 100
)
union all
from (
    select 'lines' as measured_in, source, id, n_lines as length, n_bytes, url, text_md5::varchar as text_hash
    from part
    where n_lines is not null and n_bytes > 0
    order by length, source, id, url, text_hash
    limit 100
)
union all
from (
    select 'paragraphs' as measured_in, source, id, n_paragraphs as length, n_bytes, url, text_md5::varchar as text_hash
    from part
    where n_paragraphs is not null and n_bytes > 0
    order by length, source, id, url, text_hash
    limit 100
)
union all
from (
    select 'tokens' as measured_in, source, id, n_tokens as length, n_bytes, url, text_md5::varchar as text_hash
    from part
    where n_tokens is not null and n_bytes > 0
    order by length, source, id, url, text_hash
    limit 100
);

-- result: over the merged partials
select
    source,
    id,
    length,
    n_bytes,
    url,
    text_hash
from merged.shortest_documents
where measured_in = unit
order by length, source, id, url, text_hash
limit top_n;
