{{ config(tags=['after_scoring']) }}

{%- set is_night = adds_a_night() -%}
{%- set lake_scores = source('lake', 'supplier_score') -%}

-- A night reads the scores of the night before again, only to compare with them.
with scores as (
    select
        *,
        lag(pd_90d) over (partition by supplier_id, model_role order by as_of_date) as previous_pd_90d,
        lag(grade) over (partition by supplier_id, model_role order by as_of_date) as previous_grade
    from {{ lake_scores }}
    where
        as_of_date <= {{ as_of_date() }}
        {%- if is_night %}
        and (
            {{ is_made_anew('as_of_date') }}
            or as_of_date = (
                select max(earlier.as_of_date)
                from {{ lake_scores }} as earlier
                where not {{ is_made_anew('earlier.as_of_date') }} and earlier.as_of_date < {{ as_of_date() }}
            )
        )
        {%- endif %}
),

new_scores as (
    select
        *,
        case
            when status = 'SCORED'
                then 100 * percent_rank() over (partition by as_of_date, model_role, status order by pd_90d)
        end as percentile
    from scores
    {%- if is_night %}
    where {{ is_made_anew('as_of_date') }}
    {%- endif %}
),

reasons as (
    select
        as_of_date,
        supplier_id,
        model_role,
        {%- for rank in range(1, 6) %}
        max(case when reason_rank = {{ rank }} then reason_text end) as reason_{{ rank }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ source('lake', 'score_reason') }}
    where
        as_of_date <= {{ as_of_date() }}
        -- an earlier release told none but these
        and coalesce(direction, 'AGAINST') = 'AGAINST'
        {%- if is_night %}
        and {{ is_made_anew('as_of_date') }}
        {%- endif %}
    group by as_of_date, supplier_id, model_role
),

nights as (
    select distinct as_of_date from new_scores
),

exposures as (
    select
        nights.as_of_date,
        financings.supplier_id,
        cast(sum({{ converted('financings.outstanding_amount') }}) as decimal(18, 2)) as exposure_amount,
        cast(
            sum(case when financings.has_recourse then {{ converted('financings.outstanding_amount') }} else 0 end)
            as decimal(18, 2)
        ) as recourse_amount,
        count(*) - count(rates.rate) as unpriced_financings
    from nights
    inner join {{ ref('int_financing_interval') }} as financings on {{ valid_on('financings', 'nights.as_of_date') }}
    left join {{ ref('int_reporting_rate_daily') }} as rates
        on nights.as_of_date = rates.as_of_date and financings.currency = rates.currency
    where financings.outstanding_amount <> 0
    group by nights.as_of_date, financings.supplier_id
),

distress as (
    select
        nights.as_of_date,
        episodes.supplier_id,
        min(episodes.distress_date) as distress_date
    from nights
    inner join {{ ref('int_supplier_distress_episode') }} as episodes
        on
            episodes.distress_date <= nights.as_of_date
            and (episodes.cured_date is null or episodes.cured_date > nights.as_of_date)
    group by nights.as_of_date, episodes.supplier_id
),

depths as (
    select
        as_of_date,
        supplier_id,
        population_status,
        data_depth
    from {{ ref('supplier_daily') }}
),

thresholds as (
    select
        nights.as_of_date,
        {%- for rule in ['supplier_lgd_ratio', 'watch_grade_enhanced', 'watch_grade_watch', 'watch_pd_jump_ratio',
            'watch_pd_jump_floor'] %}
        max(case when rules.rule_id = '{{ rule }}' then rules.value end) as {{ rule }}{{ ',' if not loop.last }}
        {%- endfor %}
    from nights
    inner join {{ ref('rule_parameter') }} as rules
        on
            rules.scope = 'ALL'
            and rules.valid_from <= nights.as_of_date
            and (rules.valid_to is null or rules.valid_to > nights.as_of_date)
    group by nights.as_of_date
),

joined as (
    select
        new_scores.as_of_date,
        new_scores.supplier_id,
        new_scores.model_role,
        new_scores.model_version,
        new_scores.status,
        new_scores.not_scored_reason,
        new_scores.raw_score,
        new_scores.base_value,
        new_scores.contribution_sum,
        new_scores.pd_90d,
        new_scores.pd_180d,
        new_scores.pd_365d,
        new_scores.next_grade_pd,
        new_scores.grade,
        new_scores.score,
        new_scores.previous_pd_90d,
        new_scores.grade - new_scores.previous_grade as grade_change,
        new_scores.percentile,
        new_scores.scored_at,
        depths.population_status,
        depths.data_depth,
        reasons.reason_1,
        reasons.reason_2,
        reasons.reason_3,
        reasons.reason_4,
        reasons.reason_5,
        case when coalesce(exposures.unpriced_financings, 0) = 0 then coalesce(exposures.exposure_amount, 0) end
            as exposure_amount,
        case when coalesce(exposures.unpriced_financings, 0) = 0 then coalesce(exposures.recourse_amount, 0) end
            as recourse_amount,
        thresholds.supplier_lgd_ratio,
        distress.distress_date,
        coalesce(
            new_scores.pd_90d >= thresholds.watch_pd_jump_floor
            and new_scores.pd_90d >= new_scores.previous_pd_90d * thresholds.watch_pd_jump_ratio,
            false
        ) as has_pd_jump,
        case
            when distress.distress_date is not null then 'RESTRICTED'
            when new_scores.grade >= thresholds.watch_grade_watch then 'WATCH'
            when new_scores.grade >= thresholds.watch_grade_enhanced or has_pd_jump then 'ENHANCED'
            when depths.population_status = 'NO_RECENT_DATA' and exposures.exposure_amount > 0 then 'ENHANCED'
            else 'NORMAL'
        end as watch_state
    from new_scores
    inner join thresholds on new_scores.as_of_date = thresholds.as_of_date
    left join reasons
        on
            new_scores.as_of_date = reasons.as_of_date
            and new_scores.supplier_id = reasons.supplier_id
            and new_scores.model_role = reasons.model_role
    left join exposures
        on new_scores.as_of_date = exposures.as_of_date and new_scores.supplier_id = exposures.supplier_id
    left join distress on new_scores.as_of_date = distress.as_of_date and new_scores.supplier_id = distress.supplier_id
    left join depths on new_scores.as_of_date = depths.as_of_date and new_scores.supplier_id = depths.supplier_id
)

select
    *,
    case
        when status = 'NOT_SCORED' and recourse_amount > 0 and distress_date is not null
            then cast(recourse_amount * supplier_lgd_ratio as decimal(18, 2))
        when status = 'SCORED' then cast(pd_90d * supplier_lgd_ratio * recourse_amount as decimal(18, 2))
    end as expected_loss_amount,
    '{{ var("reporting_currency") }}' as currency,
    case
        when watch_state = 'RESTRICTED' then coalesce(not_scored_reason, 'In distress.')
        when watch_state = 'NORMAL' then null
        when status = 'NOT_SCORED'
            then 'Financed, but ' || lower(substr(not_scored_reason, 1, 1)) || substr(not_scored_reason, 2)
        when has_pd_jump
            then 'Grade ' || cast(grade as string) || '; the probability of distress rose from '
                || {{ percent_text('previous_pd_90d') }} || ' to ' || {{ percent_text('pd_90d') }} || '.'
        else 'Grade ' || cast(grade as string) || '; probability of distress '
            || {{ percent_text('pd_90d') }} || ' in 90 days.'
    end as watch_reason
from joined
