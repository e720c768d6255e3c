/*
title = "Duplicates by domain"
doc   = "The registered domains with most documents that have copies anywhere in the corpus, and whether these are in the same domain. Documents whose URL has no host are left out, but count as copies elsewhere. Near-duplicates are estimated by MinHash."
over  = "marks"
order = 50
chart = { kind = "bar", x = "n_cluster_docs", y = "domain" }
approx = "Clusters of near-duplicates are found by estimate: near_search says how well."
approx_when = { kind = "near" }

[params]
kind  = { default = "text", choices = ["url", "text", "near"], doc = "Kind of key." }
top_n = { default = 50, min = 1, max = 10000, doc = "How many domains to list." }

[merge]
n_cluster_docs    = "sum"
n_cluster_bytes   = "sum"
n_docs_in_domain  = "sum"
n_docs_elsewhere  = "sum"
n_removable_docs  = "sum"
n_removable_bytes = "sum"

[columns]
domain              = { unit = "name",  doc = "Registered domain; the host itself where it has none." }
n_docs              = { unit = "docs",  doc = "Documents of the domain, with and without copies." }
n_cluster_docs      = { unit = "docs",  doc = "Of those, documents that have a copy, the first copy included (WIMBD's duplicates)." }
cluster_doc_share   = { unit = "share", doc = "Their share of the domain's documents." }
n_cluster_bytes     = { unit = "bytes", doc = "UTF-8 bytes of their texts." }
n_docs_in_domain    = { unit = "docs",  doc = "Documents that have a copy in the same domain; some of them have copies elsewhere too." }
n_docs_elsewhere    = { unit = "docs",  doc = "Documents that have a copy in another domain or without one; some of them have copies in the same domain too." }
n_removable_docs    = { unit = "docs",  doc = "Copies after the first of the corpus (Dolma's duplicates)." }
removable_doc_share = { unit = "share", doc = "Their share of the domain's documents." }
n_removable_bytes   = { unit = "bytes", doc = "UTF-8 bytes of the removable documents." }
*/

-- partial: one row per kind and domain that has documents with copies
select
    key_kind,
    domain,
    count(*) as n_cluster_docs,
    sum(n_bytes)::bigint as n_cluster_bytes,
    count(*) filter (where n_copies_in_domain > 1) as n_docs_in_domain,
    count(*) filter (where n_copies > n_copies_in_domain) as n_docs_elsewhere,
    count(*) filter (where not is_first) as n_removable_docs,
    coalesce(sum(n_bytes) filter (where not is_first), 0)::bigint as n_removable_bytes
from part
where key_kind not in ('id', 'paragraph') and n_copies > 1 and domain is not null
group by key_kind, domain;

-- result: over the merged partials
with largest as (
    from merged.duplicate_domains
    where key_kind = kind
    order by n_cluster_docs desc, domain
    limit top_n
),
totals as (
    select
        domain,
        sum(n_docs)::bigint as n_docs
    from merged.domains
    where domain in (select domain from largest)
    group by domain
)
select
    l.domain,
    t.n_docs,
    l.n_cluster_docs,
    l.n_cluster_docs / t.n_docs as cluster_doc_share,
    l.n_cluster_bytes,
    l.n_docs_in_domain,
    l.n_docs_elsewhere,
    l.n_removable_docs,
    l.n_removable_docs / t.n_docs as removable_doc_share,
    l.n_removable_bytes
from largest as l
join totals as t on t.domain = l.domain
order by l.n_cluster_docs desc, l.domain;
