{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

-- Outcomes of the newest night whose horizon is over speak about tonight's model.
with judged as (
    select *
    from {{ ref('model_performance') }}
    where is_matured and matured_date <= {{ as_of_date() }}
    qualify row_number() over (partition by model_role order by as_of_date desc) = 1
)

select
    as_of_date,
    model_role,
    model_version,
    kind,
    subject,
    feature_count,
    features,
    evidence
from {{ source('lake', 'drift_diagnosis') }}
where
    as_of_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and {{ is_made_anew('as_of_date') }}
    {%- endif %}
union all
select
    {{ as_of_date() }} as as_of_date,
    model_role,
    model_version,
    'MODEL_DECAY' as kind,
    'calibration' as subject,
    0 as feature_count,
    '' as features,
    cast(event_count as string) || ' of ' || cast(scored_count as string) || ' suppliers scored on '
    || cast(as_of_date as string) || ' met distress in 90 days, where '
    || cast(cast(expected_event_count as decimal(18, 1)) as string) || ' were expected.' as evidence
from judged
where is_decayed
