/*
title = "Lengths of documents"
doc   = "How many documents have which length, by source: two bins to each power of two. Weighted by documents, bytes, words and tokens."
over  = "documents"
order = 1
chart = { kind = "histogram", x = "bin_start", y = "n_docs", color = "source" }

[params]
unit = { default = "bytes", choices = ["bytes", "chars", "words", "lines", "paragraphs", "tokens"], doc = "What lengths are measured in." }

[merge]
n_docs   = "sum"
n_bytes  = "sum"
n_words  = "sum"
n_tokens = "sum"
n_units  = "sum"
smallest = "min"
largest  = "max"

[columns]
source    = { unit = "name",   doc = "Source." }
bin_start = { unit = "length", doc = "Shortest length in the bin." }
bin_end   = { unit = "length", doc = "First length after the bin." }
n_docs    = { unit = "docs",   doc = "Documents whose length is in the bin." }
n_bytes   = { unit = "bytes",  doc = "Their UTF-8 bytes." }
n_words   = { unit = "words",  doc = "Their words." }
n_tokens  = { unit = "tokens", doc = "Their tokens, of those that have a count; null where none has." }
doc_share = { unit = "share",  doc = "Share of the source's documents." }
*/

-- partial: one row per source, unit and fine bin of one part
with lengths as (
    from (
        select
            source,
            n_bytes,
            n_words,
            n_tokens,
            n_bytes as bytes,
            n_chars as chars,
            n_words as words,
            n_lines as lines,
            n_paragraphs as paragraphs,
            n_tokens as tokens
        from part
    )
    unpivot (n for measured_in in (bytes, chars, words, lines, paragraphs, tokens))
)
select
    source,
    measured_in,
    length_bin(n) as bin,
    count(*) as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens,
    sum(n)::bigint as n_units,
    min(n) as smallest,
    max(n) as largest
from lengths
group by source, measured_in, bin;

-- result: over the merged partials
select
    source,
    chart_bin(bin) as bin_start,
    chart_bin_end(chart_bin(bin)) as bin_end,
    sum(n_docs)::bigint as n_docs,
    sum(n_bytes)::bigint as n_bytes,
    sum(n_words)::bigint as n_words,
    sum(n_tokens)::bigint as n_tokens,
    sum(n_docs) / sum(sum(n_docs)) over (partition by source) as doc_share
from merged.length_histogram
where measured_in = unit
group by source, chart_bin(bin)
order by source, bin_start;
