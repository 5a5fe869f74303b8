{{ config(meta={'dagster': {'ref': {'name': 'core_enterprise_factor_daily'}}}) }}

-- A factor of the card that no column measures, that has no points, or whose ranges leave a value out or take it twice.
with starts as (
    select factor_id, valid_from from {{ ref('core_enterprise_points') }}
    union
    select factor_id, valid_from from {{ ref('core_enterprise_factor') }}
),

days as (
    select
        factors.factor_id,
        starts.valid_from as on_date
    from {{ ref('core_enterprise_factor') }} as factors
    inner join starts
        on factors.factor_id = starts.factor_id and {{ valid_on('factors', 'starts.valid_from') }}
),

ranges as (
    select
        days.factor_id,
        days.on_date,
        points.factor_id is not null as has_points,
        points.from_value,
        points.below_value,
        lag(points.below_value) over by_value as previous_below_value,
        row_number() over by_value as position,
        count(*) over (partition by days.factor_id, days.on_date) as range_count
    from days
    left join {{ ref('core_enterprise_points') }} as points
        on days.factor_id = points.factor_id and {{ valid_on('points', 'days.on_date') }}
    window by_value as (partition by days.factor_id, days.on_date order by points.from_value asc nulls first)
)

select
    factor_id,
    on_date,
    from_value,
    below_value
from ranges
where
    factor_id not in ('{{ core_enterprise_factors() | join("', '") }}')
    or not has_points
    or (position = 1 and from_value is not null)
    or (position > 1 and (from_value is null or previous_below_value is null or from_value <> previous_below_value))
    or (position = range_count and below_value is not null)
