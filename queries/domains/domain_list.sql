/*
title = "List of the largest domains"
doc   = "The registered domains that hold most text, in the number that the EU's public summary of training content asks for: the largest 10 % of all domains, rounded up, or for a small or medium enterprise the largest 5 %, at most 1,000. Ranked by bytes, then by name; documents without a domain are left out."
order = 9

[params]
only_sources = { default = "", doc = "Only these sources, as a JSON list of names; empty for all." }
list_rule    = { default = "top_10_percent", choices = ["top_10_percent", "sme"], doc = "Which part of the domains is listed: the largest 10 %, or the largest 5 % and at most 1,000." }
top_n        = { default = 50, min = 1, max = 5000000, doc = "How many domains to list at most." }

[columns]
place                 = { unit = "count",  doc = "Rank by bytes, from 1." }
domain                = { unit = "name",   doc = "Registered domain; the host itself where it has none (an IP address, a local name)." }
n_docs                = { unit = "docs",   doc = "Documents." }
n_bytes               = { unit = "bytes",  doc = "UTF-8 bytes of text." }
n_tokens              = { unit = "tokens", doc = "Tokens of the documents that have a count; null where none has." }
byte_share            = { unit = "share",  doc = "Share of the bytes that have a domain, in the sources asked for." }
cumulative_byte_share = { unit = "share",  doc = "That share of this domain and of all larger ones." }
n_domains             = { unit = "count",  doc = "Domains in the sources asked for, listed or not." }
n_listed              = { unit = "count",  doc = "How many of them the rule lists." }
*/

with wanted as (
    select case
        when only_sources = '' then null
        when not json_valid(only_sources) or json_type(only_sources) <> 'ARRAY'
            then error('only_sources is a JSON list of names, like ["web", "books"]')
        else from_json(
            if(json_valid(only_sources) and json_type(only_sources) = 'ARRAY', only_sources, '[]'), '["VARCHAR"]'
        )
    end as names
),
sizes as (
    select
        domain,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes,
        sum(n_tokens)::bigint as n_tokens
    from merged.domains
    where
        domain is not null
        and (only_sources = '' or list_contains((select names from wanted), source))
    group by domain
),
ranked as (
    select
        *,
        row_number() over (order by n_bytes desc, domain) as place,
        sum(n_bytes) over (order by n_bytes desc, domain rows unbounded preceding) as reached_bytes,
        sum(n_bytes) over () as total_bytes,
        count(*) over () as n_domains
    from sizes
),
cut as (
    select
        *,
        case list_rule
            when 'top_10_percent' then (n_domains + 9) // 10
            when 'sme' then least((n_domains + 19) // 20, 1000)
            else error('list_rule is one of top_10_percent and sme')
        end as n_listed
    from ranked
)
select
    place,
    domain,
    n_docs,
    n_bytes,
    n_tokens,
    n_bytes / nullif(total_bytes, 0) as byte_share,
    reached_bytes / nullif(total_bytes, 0) as cumulative_byte_share,
    n_domains,
    n_listed
from cut
where place <= n_listed
order by place
limit top_n;
