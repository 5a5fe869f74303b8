with cards as (
    select
        as_of_date,
        core_enterprise_id,
        sum(weight) as weight,
        sum(case when points is not null then weight else 0 end) as known_weight,
        {%- for pillar in core_enterprise_pillars() %}
        cast(
            cast(sum(case when pillar = '{{ pillar }}' then weight * points end) as double)
            / cast(sum(case when pillar = '{{ pillar }}' and points is not null then weight end) as double)
            as decimal(9, 2)
        ) as {{ pillar | lower }}_points,
        {%- endfor %}
        cast(
            cast(sum(weight * points) as double)
            / cast(sum(case when points is not null then weight end) as double)
            as decimal(9, 2)
        ) as points
    from {{ ref('int_core_enterprise_factor') }}
    group by as_of_date, core_enterprise_id
),

thresholds as (
    select
        nights.as_of_date,
        {%- for rule in ['core_enterprise_min_coverage_ratio', 'core_enterprise_report_delay_days',
            'core_enterprise_rating_drop_notches'] %}
        max(case when rules.rule_id = '{{ rule }}' and rules.scope = 'ALL' then rules.value end)
            as {{ rule }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (select distinct as_of_date from cards) as nights
    inner join {{ ref('rule_parameter') }} as rules on {{ valid_on('rules', 'nights.as_of_date') }}
    group by nights.as_of_date
),

events as (
    select
        as_of_date,
        core_enterprise_id,
        default_cause as event_code
    from {{ ref('int_core_enterprise_pd_daily') }}
    where default_cause is not null
    {%- for event, condition in {
        'BILL_LISTED': 'measures.bill_overdue = 1',
        'AUDIT_OPINION': 'measures.audit_opinion_modified = 1',
        'REPORT_LATE': 'measures.report_delay_days >= thresholds.core_enterprise_report_delay_days',
        'RATING_DROP': 'measures.rating_notches_down >= thresholds.core_enterprise_rating_drop_notches',
    }.items() %}
    union all
    select
        measures.as_of_date,
        measures.core_enterprise_id,
        '{{ event }}' as event_code
    from {{ ref('int_feature_core_enterprise') }} as measures
    inner join thresholds on measures.as_of_date = thresholds.as_of_date
    where {{ condition }}
    {%- endfor %}
),

-- of several events the hardest counts
overrides as (
    select
        events.as_of_date,
        events.core_enterprise_id,
        events.event_code,
        rules.least_grade,
        rules.sentence
    from events
    inner join {{ ref('core_enterprise_override') }} as rules
        on events.event_code = rules.event_code and {{ valid_on('rules', 'events.as_of_date') }}
    qualify
        row_number() over (
            partition by events.as_of_date, events.core_enterprise_id
            order by rules.least_grade desc, events.event_code asc
        ) = 1
),

graded as (
    select
        cards.*,
        cast(coalesce(min(cast(grades.scope as integer)), 10) as integer) as card_grade
    from cards
    left join {{ ref('rule_parameter') }} as grades
        on
            grades.rule_id = 'core_enterprise_grade_points'
            and {{ valid_on('grades', 'cards.as_of_date') }}
            and cards.points >= grades.value
    group by all
),

judged as (
    select
        graded.*,
        graded.known_weight >= thresholds.core_enterprise_min_coverage_ratio * graded.weight as is_covered,
        overrides.event_code,
        overrides.least_grade,
        overrides.sentence
    from graded
    inner join thresholds on graded.as_of_date = thresholds.as_of_date
    left join overrides
        on graded.as_of_date = overrides.as_of_date and graded.core_enterprise_id = overrides.core_enterprise_id
)

select
    as_of_date,
    core_enterprise_id,
    case
        when least_grade > case when is_covered then card_grade else 0 end then 'OVERRIDDEN'
        when is_covered then 'SCORED'
        else 'NOT_SCORED'
    end as status,
    case
        when not is_covered and least_grade is null
            then 'Only ' || {{ percent_text('cast(known_weight as double) / cast(weight as double)') }}
                || ' of the card''s weight is known.'
    end as not_scored_reason,
    case when is_covered then card_grade end as card_grade,
    case when is_covered then greatest(card_grade, coalesce(least_grade, 0)) else least_grade end as grade,
    case when is_covered then points end as points,
    {%- for pillar in core_enterprise_pillars() %}
    {{ pillar | lower }}_points,
    {%- endfor %}
    cast(cast(known_weight as double) / cast(weight as double) as decimal(9, 4)) as coverage_ratio,
    event_code as override_event,
    sentence || '.' as override_reason
from judged
