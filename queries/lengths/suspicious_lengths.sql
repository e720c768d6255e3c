/*
title = "Suspicious lengths"
doc   = "Exact lengths that are far more frequent in a source than the lengths around them: often a template, a cut at a limit, or copies of one text."
over  = "documents"
order = 5

[params]
unit     = { default = "bytes", choices = ["bytes", "chars", "words", "lines", "paragraphs", "tokens"], doc = "What lengths are measured in." }
factor   = { default = 10.0, min = 1.5, max = 1000000, doc = "How many times as frequent as its neighbours a length must be." }
min_docs = { default = 20, min = 2, max = 1000000000, doc = "How many documents of that length there must be." }
above    = { default = 20, min = 0, max = 1000000000, doc = "Only lengths above this: of very short texts many are equally long without any reason." }

[merge]
n_docs = "sum"

[columns]
source        = { unit = "name",   doc = "Source." }
length        = { unit = "length", doc = "The length, in the chosen unit." }
n_docs        = { unit = "docs",   doc = "Documents of exactly that length." }
expected_docs = { unit = "mean",   doc = "Mean number of documents over the neighbouring lengths: those up to a tenth (at least 10) shorter or longer, lengths without documents included." }
times_expected = { unit = "ratio", doc = "The first as a multiple of the second, which counts as at least one document." }
doc_share     = { unit = "share",  doc = "Share of the source's documents." }
*/

-- partial: one row per source, unit and length of one part
with lengths as (
    from (
        select
            source,
            n_bytes as bytes,
            n_chars as chars,
            n_words as words,
            n_lines as lines,
            n_paragraphs as paragraphs,
            n_tokens as tokens
        from part
    )
    unpivot (length for measured_in in (bytes, chars, words, lines, paragraphs, tokens))
)
select
    source,
    measured_in,
    length,
    count(*) as n_docs
from lengths
group by source, measured_in, length;

-- result: over the merged partials
with counted as (
    select
        source,
        length,
        n_docs,
        greatest(10, length // 10) as reach,
        sum(n_docs) over (partition by source) as n_docs_of_source,
        sum(n_docs) over (
            partition by source
            order by length
            range between greatest(10, length // 10) preceding and greatest(10, length // 10) following
        ) as n_docs_around
    from merged.suspicious_lengths
    where measured_in = unit
),
compared as (
    select
        source,
        length,
        n_docs,
        (n_docs_around - n_docs) / (2 * reach) as expected_docs,
        n_docs / n_docs_of_source as doc_share
    from counted
)
select
    source,
    length,
    n_docs,
    expected_docs,
    n_docs / greatest(expected_docs, 1) as times_expected,
    doc_share
from compared
where length > above and n_docs >= min_docs and n_docs >= factor * greatest(expected_docs, 1)
order by n_docs desc, source, length;
