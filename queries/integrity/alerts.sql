/*
title = "Alerts"
doc   = "What deserves a look first, most severe first, at most seven: each check that failed with an error, rules that can never fire, attribute sets that more than a tenth of the documents lack, copies (exact or near) that are more than 5 % of all bytes, personal data that a tagger of the pii family found in more than 1 % of the documents it looked at, checks that warn, dates or URLs that more than half of the documents lack, a domain with more than a tenth of all bytes, a language with more than 90 % of the bytes whose language is stated (en-US counts as en), a source with more than half of all bytes (where there are several), suspicious lengths. One alert for each kind, about its worst case; the message counts the others."
order = 2
approx = "Near-duplicates are found by estimate: near_search says how well. All other alerts are exact."
approx_when = { kind = "near-duplicates" }

[columns]
severity  = { unit = "name",   doc = "error, warning or note." }
kind      = { unit = "name",   doc = "What kind of alert it is: checks, dead rules, attribute coverage, duplicates, near-duplicates, personal data, dates, URLs, domain, language, source or lengths." }
subject   = { unit = "name",   doc = "What it is about: a check, a rule, an attribute set, a kind of copy, an attribute, a domain, a language, a source." }
value     = { unit = "number", doc = "What was found: a count, a share (0 to 1), or a ratio." }
threshold = { unit = "number", doc = "Above which value this is an alert." }
value_kind = { unit = "name",  doc = "Unit of value and threshold: count, share or number (a ratio)." }
message   = { unit = "text",   doc = "The same as a sentence." }
n_alerts  = { unit = "count",  doc = "How many alerts there are, with those that are not listed." }
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
by_language as (
    select
        split_part(replace(lower(language), '_', '-'), '-', 1) as language,
        sum(n_bytes)::bigint as n_bytes
    from merged.languages
    where language is not null
    group by all
),
dead as (
    select
        recipe,
        name
    from recipe_rules
    where is_dead
    union all
    select
        recipe,
        name
    from recipe_span_rules
    where is_dead
),
covered as (
    select
        m.attribute_set,
        1 - coalesce(sum(m.n_docs) filter (where m.state <> 'missing'), 0) / max(s.n_docs) as missing_share
    from merged.attribute_coverage as m, size as s
    where m.key is null
    group by m.attribute_set
),
personal as (
    select
        c.key,
        c.n_with_values,
        c.value_share
    from attribute_coverage() as c
    join (
        select
            attribute_set,
            key,
            bool_and(span_type not in ('doc_count', 'doc_frac')) as is_of_a_kind
        from attributes
        group by attribute_set, key
    ) as a on a.attribute_set = c.attribute_set and a.key = c.key
    where
        a.is_of_a_kind
        and contains(c.shape, 'spans')
        and regexp_matches(lower(c.key), '(^|[^a-z0-9])pii([^a-z0-9]|$)|(^|_)pii_')
),
-- every kind that is beyond its threshold: its worst case speaks for the others
candidates(place, severity, kind, subject, value, threshold, value_kind, message) as (
    select
        1, 'error', 'checks', check_name, n_found::double, 0.0, 'count',
        check_name || ': ' || format('{:,}', n_found) || '. ' || meaning
    from checks()
    where not is_ok and severity = 'error'
    union all
    select
        2, 'warning', 'dead rules', min(name), count(*)::double, 0.0, 'count',
        'Rules of recipes that can never fire on this corpus: ' || format('{:,}', count(*)) || ', the first by name being '
        || min(name) || '.'
    from dead
    having count(*) > 0
    union all
    select
        3, 'warning', 'attribute coverage', arg_max(attribute_set, (missing_share, attribute_set)), max(missing_share),
        0.1, 'share',
        'The attribute set ' || arg_max(attribute_set, (missing_share, attribute_set)) || ' is missing for '
        || format('{:.0f}', 100 * max(missing_share)) || ' % of the documents'
        || if(count(*) > 1, '; sets that are missing for more than a tenth: ' || format('{:,}', count(*)), '') || '.'
    from covered
    where missing_share > 0.1
    having count(*) > 0
    union all
    select
        4, 'warning', if(key_kind = 'near', 'near-duplicates', 'duplicates'), key_kind, removable_byte_share,
        0.05, 'share',
        if(key_kind = 'near', 'Copies and near-copies (estimated)', 'Exact copies') || ' of other documents hold '
        || format('{:.0f}', 100 * removable_byte_share) || ' % of all bytes (documents: '
        || format('{:,}', n_removable_docs) || ').'
    from duplicates()
    where source is null and key_kind in ('text', 'near') and removable_byte_share > 0.05
    qualify row_number() over (order by removable_byte_share desc, key_kind desc) = 1
    union all
    select
        5, 'warning', 'personal data', arg_max(key, (value_share, key)), max(value_share), 0.01, 'share',
        'Personal data: ' || format('{:.1f}', 100 * max(value_share)) || ' % of the documents that were looked at have the attribute '
        || arg_max(key, (value_share, key))
        || if(count(*) > 1, '; such attributes in more than 1 % of them: ' || format('{:,}', count(*)), '') || '.'
    from personal
    where value_share > 0.01
    having count(*) > 0
    union all
    select
        6, 'warning', 'checks', if(count(*) = 1, min(check_name), 'several checks'), count(*)::double, 0.0, 'count',
        'Checks that warn: ' || string_agg(check_name || ' ' || format('{:,}', n_found), ', ' order by n_found desc, check_name)
        || '.'
    from checks()
    where not is_ok and severity <> 'error'
    having count(*) > 0
    union all
    select
        7, 'note', 'dates', 'dates', 1 - sum(m.n_dated) / max(s.n_docs), 0.5, 'share',
        format('{:.0f}', 100 * (1 - sum(m.n_dated) / max(s.n_docs))) || ' % of the documents have no readable date of creation.'
    from merged.date_coverage as m, size as s
    having 1 - sum(m.n_dated) / max(s.n_docs) > 0.5
    union all
    select
        8, 'note', 'domain', arg_max(d.domain, (d.n_bytes, d.domain)), max(d.n_bytes) / max(s.n_bytes), 0.1, 'share',
        'The domain ' || arg_max(d.domain, (d.n_bytes, d.domain)) || ' holds '
        || format('{:.0f}', 100 * max(d.n_bytes) / max(s.n_bytes)) || ' % of all bytes'
        || if(count(*) > 1, '; domains with more than a tenth: ' || format('{:,}', count(*)), '') || '.'
    from by_domain as d, size as s
    where d.n_bytes > 0.1 * s.n_bytes
    having count(*) > 0
    union all
    select
        9, 'note', 'language', arg_max(language, (n_bytes, language)), max(n_bytes) / sum(n_bytes), 0.9, 'share',
        'The language ' || arg_max(language, (n_bytes, language)) || ' has '
        || format('{:.0f}', 100 * max(n_bytes) / sum(n_bytes)) || ' % of the bytes whose language is stated.'
    from by_language
    having max(n_bytes) > 0.9 * sum(n_bytes)
    union all
    select
        10, 'note', 'URLs', 'URLs', 1 - sum(m.n_with_url) / max(s.n_docs), 0.5, 'share',
        format('{:.0f}', 100 * (1 - sum(m.n_with_url) / max(s.n_docs))) || ' % of the documents have no URL.'
    from merged.url_coverage as m, size as s
    having 1 - sum(m.n_with_url) / max(s.n_docs) > 0.5
    union all
    select
        11, 'note', 'source', m.source, m.n_bytes / s.n_bytes, 0.5, 'share',
        'The source ' || m.source || ' holds ' || format('{:.0f}', 100 * m.n_bytes / s.n_bytes) || ' % of all bytes.'
    from merged.composition as m, size as s
    where m.n_bytes > 0.5 * s.n_bytes and s.n_sources > 1
    union all
    select
        12, 'note', 'lengths', arg_max(source, (times_expected, -length, source)), max(times_expected), 10.0, 'number',
        'Lengths in bytes that are far more frequent in a source than their neighbours: ' || format('{:,}', count(*))
        || '; the most striking is ' || format('{:,}', arg_max(length, (times_expected, -length, source))) || ', of '
        || format('{:,}', arg_max(n_docs, (times_expected, -length, source))) || ' documents of the source '
        || arg_max(source, (times_expected, -length, source)) || '.'
    from suspicious_lengths()
    having count(*) > 0
)
select
    severity,
    kind,
    subject,
    value,
    threshold::double as threshold,
    value_kind,
    message,
    count(*) over () as n_alerts
from candidates
order by list_position(['error', 'warning', 'note'], severity), place, value desc, subject, message
limit 7;
