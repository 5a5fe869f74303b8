{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    post_hook='{{ drop_expired_snapshots() }}'
) }}

with scores as (
    select * from {{ ref('int_core_enterprise_score') }}
),

-- Compared with month-ends, which every home keeps: the nights between are not the same after a replay.
month_ends as (
    select
        as_of_date,
        core_enterprise_id,
        grade
    from scores
    where as_of_date = last_day(as_of_date)
    {%- if is_incremental() %}
    union all
    select
        as_of_date,
        core_enterprise_id,
        grade
    from {{ this }}
    where
        as_of_date = last_day(as_of_date)
        and as_of_date not in (select made_anew.as_of_date from scores as made_anew)
    {%- endif %}
),

month_ends_before as (
    select
        scores.as_of_date,
        scores.core_enterprise_id,
        max_by(month_ends.grade, month_ends.as_of_date) as grade
    from scores
    inner join month_ends
        on scores.core_enterprise_id = month_ends.core_enterprise_id and month_ends.as_of_date < scores.as_of_date
    where month_ends.as_of_date >= {{ add_days('scores.as_of_date', -31) }}
    group by scores.as_of_date, scores.core_enterprise_id
),

reasons as (
    select
        as_of_date,
        core_enterprise_id,
        {%- for rank in range(1, 4) %}
        max(case when factor_rank = {{ rank }} and lost_points > 0 then sentence end)
            as reason_{{ rank }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('core_enterprise_factor_daily') }}
    group by as_of_date, core_enterprise_id
),

exposures as (
    select
        as_of_date,
        core_enterprise_id,
        case when count(*) = count(reporting_amount) then cast(sum(reporting_amount) as decimal(18, 2)) end
            as exposure_amount,
        cast(count(distinct supplier_id) as integer) as supplier_count
    from {{ ref('exposure_daily') }}
    group by as_of_date, core_enterprise_id
)

select
    scores.as_of_date,
    scores.core_enterprise_id,
    scores.status,
    scores.not_scored_reason,
    scores.grade,
    scores.card_grade,
    scores.points,
    {%- for pillar in core_enterprise_pillars() %}
    scores.{{ pillar | lower }}_points,
    {%- endfor %}
    scores.coverage_ratio,
    scores.override_event,
    scores.override_reason,
    month_ends_before.grade as month_end_grade,
    scores.grade - month_ends_before.grade as grade_change,
    reasons.reason_1,
    reasons.reason_2,
    reasons.reason_3,
    defaults.rating_notch,
    defaults.pd_12m,
    case when exposures.core_enterprise_id is null then cast(0 as decimal(18, 2)) else exposures.exposure_amount end
        as exposure_amount,
    '{{ var("reporting_currency") }}' as currency,
    coalesce(exposures.supplier_count, 0) as supplier_count
from scores
left join month_ends_before
    on
        scores.as_of_date = month_ends_before.as_of_date
        and scores.core_enterprise_id = month_ends_before.core_enterprise_id
left join reasons
    on scores.as_of_date = reasons.as_of_date and scores.core_enterprise_id = reasons.core_enterprise_id
left join {{ ref('int_core_enterprise_pd_daily') }} as defaults
    on scores.as_of_date = defaults.as_of_date and scores.core_enterprise_id = defaults.core_enterprise_id
left join exposures
    on scores.as_of_date = exposures.as_of_date and scores.core_enterprise_id = exposures.core_enterprise_id
