{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    post_hook='{{ drop_expired_snapshots() }}'
) }}

with cards as (
    select
        *,
        cast(
            cast(weight * (100 - points) as double)
            / cast(sum(case when points is not null then weight end) over (
                partition by as_of_date, core_enterprise_id
            ) as double) as decimal(9, 4)
        ) as lost_points
    from {{ ref('int_core_enterprise_factor') }}
)

select
    as_of_date,
    core_enterprise_id,
    factor_id,
    pillar,
    factor_value,
    weight,
    points,
    lost_points,
    case
        when points is not null
            then cast(
                row_number() over (
                    partition by as_of_date, core_enterprise_id order by lost_points desc nulls last, factor_id asc
                ) as integer
            )
    end as factor_rank,
    case
        when points is null then label || ' is not known.'
        else label || ' ' || case unit
            when 'ratio' then {{ percent_text('factor_value') }}
            else cast(cast(round(factor_value, 1) as decimal(12, 1)) as string)
                || case unit when 'times' then ' times' when 'days' then ' days' else '' end
        end || ': ' || cast(cast(points as integer) as string) || ' of 100 points.'
    end as sentence
from cards
