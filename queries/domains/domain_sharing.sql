/*
title = "Domains exclusive to a source and shared between sources"
doc   = "For each source, the registered domains that occur in it alone and those that occur in others too, with the source's documents and bytes from each kind."
order = 6
chart = { kind = "bar", x = "n_shared_domains", y = "source" }

[columns]
source                 = { unit = "name",  doc = "Source." }
n_domains              = { unit = "count", doc = "Registered domains in the source." }
n_exclusive_domains    = { unit = "count", doc = "Domains that occur in no other source." }
n_shared_domains       = { unit = "count", doc = "Domains that occur in at least one other source." }
n_docs_exclusive       = { unit = "docs",  doc = "The source's documents from exclusive domains." }
n_docs_shared          = { unit = "docs",  doc = "The source's documents from shared domains." }
n_bytes_exclusive      = { unit = "bytes", doc = "The source's bytes from exclusive domains." }
n_bytes_shared         = { unit = "bytes", doc = "The source's bytes from shared domains." }
shared_domain_share    = { unit = "share", doc = "Shared domains as a share of the source's domains." }
shared_doc_share       = { unit = "share", doc = "Documents from shared domains as a share of the source's documents that have a domain." }
*/

with occurrences as (
    select
        *,
        count(*) over (partition by domain) > 1 as is_shared
    from merged.domains
    where domain is not null
)
select
    source,
    count(*) as n_domains,
    count(*) filter (where not is_shared) as n_exclusive_domains,
    count(*) filter (where is_shared) as n_shared_domains,
    coalesce(sum(n_docs) filter (where not is_shared), 0)::bigint as n_docs_exclusive,
    coalesce(sum(n_docs) filter (where is_shared), 0)::bigint as n_docs_shared,
    coalesce(sum(n_bytes) filter (where not is_shared), 0)::bigint as n_bytes_exclusive,
    coalesce(sum(n_bytes) filter (where is_shared), 0)::bigint as n_bytes_shared,
    count(*) filter (where is_shared) / count(*) as shared_domain_share,
    coalesce(sum(n_docs) filter (where is_shared), 0) / sum(n_docs) as shared_doc_share
from occurrences
group by source
order by n_domains desc, source;
