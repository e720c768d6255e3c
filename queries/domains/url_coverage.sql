/*
title = "URL coverage"
doc   = "How many documents of each source have a URL, and what it names."
over  = "documents"
order = 0
chart = { kind = "bar", x = "url_share", y = "source" }

[merge]
n_docs         = "sum"
n_with_url     = "sum"
n_without_host = "sum"
n_ip_hosts     = "sum"
n_local_hosts  = "sum"

[columns]
source         = { unit = "name",  doc = "Source." }
n_docs         = { unit = "docs",  doc = "Documents." }
n_with_url     = { unit = "docs",  doc = "Documents with a URL: url, metadata.url, or the id where it is a URL." }
n_without_url  = { unit = "docs",  doc = "Documents without a URL." }
n_without_host = { unit = "docs",  doc = "Documents whose URL names no valid host." }
n_ip_hosts     = { unit = "docs",  doc = "Documents whose host is an IP address." }
n_local_hosts  = { unit = "docs",  doc = "Documents whose host is a name without a registered domain (localhost, a bare suffix)." }
url_share      = { unit = "share", doc = "Share of the source's documents that have a URL." }
host_share     = { unit = "share", doc = "Share of the source's documents whose URL names a host." }
*/

-- partial: one row per source of one part
select
    source,
    count(*) as n_docs,
    count(url) as n_with_url,
    count(*) filter (where url is not null and host is null) as n_without_host,
    count(*) filter (where regexp_full_match(host, '\[.*\]|[0-9]+(\.[0-9]+){3}')) as n_ip_hosts,
    count(*) filter (
        where suffix is null and not regexp_full_match(host, '\[.*\]|[0-9]+(\.[0-9]+){3}')
    ) as n_local_hosts
from part
group by source;

-- result: over the merged partials
select
    source,
    n_docs,
    n_with_url,
    n_docs - n_with_url as n_without_url,
    n_without_host,
    n_ip_hosts,
    n_local_hosts,
    n_with_url / n_docs as url_share,
    (n_with_url - n_without_host) / n_docs as host_share
from merged.url_coverage
order by n_docs desc, source;
