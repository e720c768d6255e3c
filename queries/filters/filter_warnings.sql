/*
title = "What is wrong with the recipe here"
doc   = "Rules that cannot do what they say on this corpus, sources that lose most of themselves, and attributes that are missing, so that the numbers are a lower bound. The worst first."
order = 0

[params]
alarm_share = { default = 0.5, min = 0.0, max = 1.0, doc = "A source that loses more than this share of its documents raises an alarm." }

[columns]
recipe   = { unit = "name", doc = "Recipe." }
severity = { unit = "name", doc = "error (the mixer would stop), warning, or note." }
kind     = { unit = "name", doc = "What kind of finding it is." }
subject  = { unit = "name", doc = "The rule, stream, source or attribute set." }
message  = { unit = "text", doc = "What was found, and what to do." }
*/

with hits as (
    select
        recipe,
        stream,
        source,
        rules,
        failing_rule,
        n_docs
    from merged.filter_intersections
),
totals as (
    select
        recipe,
        sum(n_docs)::bigint as n_docs
    from hits
    group by recipe
),
struck as (
    select
        recipe,
        unnest(rules) as rule,
        len(rules) as n_rules,
        n_docs
    from hits
),
counted as (
    select
        recipe,
        rule,
        sum(n_docs)::bigint as n_hit,
        coalesce(sum(n_docs) filter (n_rules = 1), 0)::bigint as n_only
    from struck
    group by recipe, rule
),
others as (
    select
        recipe,
        rule,
        unnest(rules) as other,
        n_docs
    from (
        select
            recipe,
            rules,
            unnest(rules) as rule,
            n_docs
        from hits
    )
),
covering as (
    select
        others.recipe,
        others.rule,
        arg_min(other_rule.name, (counted_other.n_hit, other_rule.rule)) as name
    from (
        select
            recipe,
            rule,
            other,
            sum(n_docs)::bigint as n_both
        from others
        where rule <> other
        group by recipe, rule, other
    ) as others
    join counted on counted.recipe = others.recipe and counted.rule = others.rule
    join counted as counted_other on counted_other.recipe = others.recipe and counted_other.rule = others.other
    join recipe_rules as other_rule on other_rule.recipe = others.recipe and other_rule.rule = others.other
    where n_both = counted.n_hit
    group by others.recipe, others.rule
),
failing as (
    select
        recipe,
        failing_rule as rule,
        sum(n_docs)::bigint as n_docs
    from hits
    where failing_rule is not null
    group by recipe, failing_rule
),
found as (
    select
        failing.recipe,
        1 as rank,
        'error' as severity,
        'failing rule' as kind,
        name as subject,
        printf(
            'The mixer stops at this rule: on %d documents it looks into a key that is missing or of another kind. The whole shard is lost there; here these documents are kept. Guard the expression.',
            failing.n_docs
        ) as message
    from failing
    join recipe_rules on recipe_rules.recipe = failing.recipe and recipe_rules.rule = failing.rule
    union all
    select
        recipe,
        2,
        'error',
        'misaligned attributes',
        attribute_set,
        printf(
            'In %d shards of the stream %s, %d documents have their attributes on another row. They are found by id here; the mixer stops at such a shard.',
            n_shards, stream, n_docs
        )
    from recipe_gaps
    where kind = 'misaligned'
    union all
    select
        recipe,
        3,
        'warning',
        'dead rule',
        name,
        concat('It can never fire: ', missing, '.')
    from recipe_rules
    where is_dead
    union all
    select
        recipe,
        4,
        'warning',
        'dead span rule',
        name,
        concat('It can never replace anything: ', missing, '.')
    from recipe_span_rules
    where is_dead
    union all
    select
        recipe,
        5,
        'warning',
        if(lacks_all, 'rule without attributes', 'partly dead rule'),
        name,
        concat(
            if(
                lacks_all,
                'It is about what is missing, and may hold for every document: ',
                'It works only in part: '
            ),
            missing,
            '.'
        )
    from recipe_rules
    where not is_dead and n_missing_keys > 0
    union all
    select
        recipe,
        5,
        'warning',
        'form of a number',
        name,
        concat(upper(note[1]), note[2:], '.')
    from recipe_rules
    where note is not null
    union all
    select
        recipe,
        6,
        'warning',
        'source alarm',
        coalesce(source, '(none)'),
        printf(
            'The source loses %.1f %% of its %d documents, most of them to the rule %s (%.0f %% by Shapley share).',
            removed_doc_share * 100, n_docs, worst_rule, worst_rule_share * 100
        )
    from filter_sources(alarm_share := alarm_share)
    where is_alarm
    union all
    select
        recipe,
        7,
        'warning',
        'missing attributes',
        attribute_set,
        printf(
            'In %d shards of the stream %s, %d documents have no such attributes%s. Rules on them cannot fire there: what they take is a lower bound.',
            n_shards, stream, n_docs,
            if(kind = 'short', ', because the file ends early; the mixer then also drops the sets that follow', '')
        )
    from recipe_gaps
    where kind in ('absent', 'short')
    union all
    select
        recipe_streams.recipe,
        8,
        'warning',
        'stream without documents',
        name,
        if(
            n_shards = 0,
            'None of its paths matches a shard of this workspace.',
            concat('No document here is of its sources: ', array_to_string(sources, ', '), '.')
        )
    from recipe_streams
    left join (
        select
            recipe,
            stream,
            sum(n_docs)::bigint as n_docs
        from hits
        group by recipe, stream
    ) as taken on taken.recipe = recipe_streams.recipe and taken.stream = recipe_streams.stream
    where coalesce(n_docs, 0) = 0
    union all
    select
        recipe,
        9,
        'note',
        'estimate',
        recipe,
        'A minimum length applies after span replacement: which of the touched documents it removes is estimated from their characters. `impact --exact` reads these texts again.'
    from recipes
    where is_estimate
    union all
    select
        recipe,
        9,
        'note',
        'stream on all documents',
        name,
        'Its paths match no shard of this workspace, so that it was applied to all documents.'
    from recipe_streams
    where is_given_all
    union all
    select
        recipe_rules.recipe,
        10,
        'note',
        'rule that never fires',
        recipe_rules.name,
        case kind
            when 'include' then 'Every document is included.'
            when 'length' then 'No document is that short.'
            else 'No document meets its condition.'
        end
    from recipe_rules
    join totals on totals.recipe = recipe_rules.recipe
    left join counted on counted.recipe = recipe_rules.recipe and counted.rule = recipe_rules.rule
    where n_hit is null and not is_dead
    union all
    select
        recipe_rules.recipe,
        11,
        'warning',
        'rule that always fires',
        recipe_rules.name,
        case kind
            when 'include' then 'No document is included.'
            when 'length' then 'Every document is that short.'
            else 'Every document meets its condition.'
        end
    from recipe_rules
    join totals on totals.recipe = recipe_rules.recipe
    join counted on counted.recipe = recipe_rules.recipe and counted.rule = recipe_rules.rule
    where n_hit = totals.n_docs
    union all
    select
        recipe_rules.recipe,
        12,
        'note',
        'covered rule',
        recipe_rules.name,
        if(
            covering.name is null,
            printf('Each of the %d documents that it hits is hit by another rule too.', n_hit),
            printf('Each of the %d documents that it hits is hit by the rule %s too.', n_hit, covering.name)
        )
    from recipe_rules
    join counted on counted.recipe = recipe_rules.recipe and counted.rule = recipe_rules.rule
    left join covering on covering.recipe = recipe_rules.recipe and covering.rule = recipe_rules.rule
    where n_only = 0
)
select
    recipe,
    severity,
    kind,
    subject,
    message
from found
order by recipe, list_position(['error', 'warning', 'note'], severity), rank, subject, message;
