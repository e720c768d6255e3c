/*
title = "Alerts"
doc   = "What deserves a look first, most severe first, at most ten: checks that failed, a source with more than half of all bytes (where there are several), a domain with more than a tenth, dates or URLs that more than half of the documents lack, attribute sets that more than a tenth lack, suspicious lengths."
order = 2

[columns]
severity  = { unit = "name",   doc = "error, warning or note." }
subject   = { unit = "name",   doc = "What it is about: a check, a source, a domain, an attribute set." }
value     = { unit = "number", doc = "What was found: a count or a share (0 to 1)." }
threshold = { unit = "number", doc = "Above which value this is an alert." }
message   = { unit = "text",   doc = "The same as a sentence." }
*/

with size as (
    select
        count(*) as n_sources,
        sum(n_docs)::bigint as n_docs,
        sum(n_bytes)::bigint as n_bytes
    from merged.composition
),
by_domain as (
    select
        domain,
        sum(n_bytes)::bigint as n_bytes
    from merged.domains
    where domain is not null
    group by domain
),
found(place, severity, subject, value, threshold, message) as (
    select
        1, severity, check_name, n_found::double, 0.0,
        check_name || ': ' || format('{:,}', n_found) || '. ' || meaning
    from checks()
    where not is_ok
    union all
    select
        5, 'note', m.source, m.n_bytes / s.n_bytes, 0.5,
        'The source ' || m.source || ' holds ' || format('{:.0f}', 100 * m.n_bytes / s.n_bytes) || ' % of all bytes.'
    from merged.composition as m, size as s
    where m.n_bytes > 0.5 * s.n_bytes and s.n_sources > 1
    union all
    select
        6, 'note', d.domain, d.n_bytes / s.n_bytes, 0.1,
        'The domain ' || d.domain || ' holds ' || format('{:.0f}', 100 * d.n_bytes / s.n_bytes) || ' % of all bytes.'
    from by_domain as d, size as s
    where d.n_bytes > 0.1 * s.n_bytes
    union all
    select
        3, 'note', 'dates', 1 - sum(m.n_dated) / max(s.n_docs), 0.5,
        format('{:.0f}', 100 * (1 - sum(m.n_dated) / max(s.n_docs))) || ' % of the documents have no readable date of creation.'
    from merged.date_coverage as m, size as s
    having 1 - sum(m.n_dated) / max(s.n_docs) > 0.5
    union all
    select
        4, 'note', 'URLs', 1 - sum(m.n_with_url) / max(s.n_docs), 0.5,
        format('{:.0f}', 100 * (1 - sum(m.n_with_url) / max(s.n_docs))) || ' % of the documents have no URL.'
    from merged.url_coverage as m, size as s
    having 1 - sum(m.n_with_url) / max(s.n_docs) > 0.5
    union all
    select
        2, 'warning', m.attribute_set,
        1 - coalesce(sum(m.n_docs) filter (where m.state <> 'missing'), 0) / max(s.n_docs), 0.1,
        'The attribute set ' || m.attribute_set || ' is missing for '
        || format('{:.0f}', 100 * (1 - coalesce(sum(m.n_docs) filter (where m.state <> 'missing'), 0) / max(s.n_docs)))
        || ' % of the documents.'
    from merged.attribute_coverage as m, size as s
    where m.key is null
    group by m.attribute_set
    having 1 - coalesce(sum(m.n_docs) filter (where m.state <> 'missing'), 0) / max(s.n_docs) > 0.1
    union all
    select
        7, 'note', source, max(times_expected), 10.0,
        'In the source ' || source || ', lengths in bytes that are far more frequent than their neighbours: '
        || format('{:,}', count(*)) || '; the most striking is ' || format('{:,}', arg_max(length, (times_expected, -length)))
        || ', of ' || format('{:,}', arg_max(n_docs, (times_expected, -length))) || ' documents.'
    from suspicious_lengths()
    group by source
)
select
    severity,
    subject,
    value,
    threshold::double as threshold,
    message
from found
order by list_position(['error', 'warning', 'note'], severity), place, value desc, subject, message
limit 10;
