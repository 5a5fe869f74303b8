{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

{#- The horizon of `pd_90d`. -#}
{%- set horizon_days = 90 %}
{%- set all_scores = source('lake', 'supplier_score') %}

-- A night estimates its own scores and judges the newest ones whose horizon is over.
with nights as (
    select distinct as_of_date
    from {{ all_scores }}
    where
        as_of_date <= {{ as_of_date() }}
        {%- if is_night() %}
        and (
            {{ is_made_anew('as_of_date') }}
            or as_of_date = (
                select max(matured.as_of_date)
                from {{ all_scores }} as matured
                where matured.as_of_date <= {{ add_days(as_of_date(), -horizon_days) }}
            )
        )
        {%- endif %}
),

scores as (
    select
        scored.as_of_date,
        scored.model_role,
        scored.model_version,
        scored.supplier_id,
        -- sums of doubles depend on the order of rows in their last bits, and a rerun must not
        cast(scored.pd_90d as decimal(18, 8)) as pd
    from {{ all_scores }} as scored
    inner join nights on scored.as_of_date = nights.as_of_date
    where scored.status = 'SCORED'
),

struck as (
    select
        scores.as_of_date,
        scores.model_role,
        scores.supplier_id
    from scores
    inner join {{ ref('int_supplier_distress_episode') }} as episodes
        on
            scores.supplier_id = episodes.supplier_id
            and episodes.distress_date > scores.as_of_date
            and episodes.distress_date <= {{ add_days('scores.as_of_date', horizon_days) }}
    group by scores.as_of_date, scores.model_role, scores.supplier_id
),

ranked as (
    select
        scores.as_of_date,
        scores.model_role,
        scores.pd,
        max(scores.model_version) as model_version,
        count(*) as suppliers,
        count(struck.supplier_id) as events
    from scores
    left join struck
        on
            scores.as_of_date = struck.as_of_date
            and scores.model_role = struck.model_role
            and scores.supplier_id = struck.supplier_id
    group by scores.as_of_date, scores.model_role, scores.pd
),

below as (
    select
        *,
        coalesce(sum(suppliers * (1 - pd)) over lower_pds, 0) as expected_others_below,
        coalesce(sum(suppliers - events) over lower_pds, 0) as others_below
    from ranked
    window lower_pds as (
        partition by as_of_date, model_role order by pd rows between unbounded preceding and 1 preceding
    )
),

summed as (
    select
        as_of_date,
        model_role,
        max(model_version) as model_version,
        sum(suppliers) as scored_count,
        sum(events) as event_count,
        cast(sum(suppliers * pd) as double) as expected_event_count,
        cast(sum(suppliers * (1 - pd)) as double) as expected_other_count,
        cast(sum(suppliers * pd * (1 - pd)) as double) as variance,
        sum(
            cast(suppliers * pd as double)
            * (cast(expected_others_below as double) + cast(suppliers * (1 - pd) as double) / 2)
        ) as expected_pairs,
        sum(events * (others_below + (suppliers - events) / 2)) as ordered_pairs
    from below
    group by as_of_date, model_role
),

judged as (
    select
        *,
        {{ add_days('as_of_date', horizon_days) }} as matured_date,
        {{ add_days('as_of_date', horizon_days) }} <= {{ as_of_date() }} as is_matured
    from summed
),

compared as (
    select
        judged.*,
        critical.value as decay_critical_z,
        ratios.value as decay_ratio,
        case when judged.is_matured then (judged.event_count - judged.expected_event_count) / sqrt(judged.variance) end
            as calibration_z
    from judged
    left join {{ ref('rule_parameter') }} as critical
        on {{ rule_in_force('critical', 'decay_critical_z', 'judged.as_of_date') }}
    left join {{ ref('rule_parameter') }} as ratios
        on {{ rule_in_force('ratios', 'decay_ratio', 'judged.as_of_date') }}
)

select
    as_of_date,
    model_role,
    model_version,
    matured_date,
    is_matured,
    cast(scored_count as bigint) as scored_count,
    round(expected_event_count, 6) as expected_event_count,
    case when is_matured then cast(event_count as bigint) end as event_count,
    round(expected_pairs / nullif(expected_event_count * expected_other_count, 0), 9) as expected_auc,
    case
        when is_matured and event_count > 0 and scored_count > event_count
            then round(cast(ordered_pairs as double) / (event_count * (scored_count - event_count)), 9)
    end as auc,
    round(calibration_z, 6) as calibration_z,
    case
        when is_matured
            then coalesce(
                abs(calibration_z) > decay_critical_z
                and (
                    event_count > decay_ratio * expected_event_count
                    or event_count * decay_ratio < expected_event_count
                ), false
            )
    end as is_decayed
from compared
