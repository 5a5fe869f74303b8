{{ config(contract={'enforced': true}) }}

{#- The early warning's own horizon, and those over which a PD is told beside it. -#}
{%- set horizon_days, later_horizons = 90, [180, 365] %}

with nights as (
    select
        as_of_date,
        supplier_id
    from {{ ref('supplier_daily') }}
),

events as (
    select
        nights.as_of_date,
        nights.supplier_id,
        min(episodes.distress_date) as distress_date,
        min_by(episodes.distress_reason, episodes.distress_date) as distress_reason
    from nights
    inner join {{ ref('int_supplier_distress_episode') }} as episodes
        on
            nights.supplier_id = episodes.supplier_id
            and episodes.distress_date > nights.as_of_date
            and episodes.distress_date <= {{ add_days('nights.as_of_date', later_horizons[-1]) }}
    group by nights.as_of_date, nights.supplier_id
),

labels as (
    select
        nights.as_of_date,
        nights.supplier_id,
        {%- for days in [horizon_days] + later_horizons %}
        case
            when {{ add_days('nights.as_of_date', days) }} <= {{ as_of_date() }}
                then coalesce(events.distress_date <= {{ add_days('nights.as_of_date', days) }}, false)
        end as is_distress_{{ days }}d,
        {%- endfor %}
        events.distress_date <= {{ add_days('nights.as_of_date', horizon_days) }} as is_within_horizon,
        events.distress_date,
        events.distress_reason
    from nights
    left join events on nights.as_of_date = events.as_of_date and nights.supplier_id = events.supplier_id
)

select
    as_of_date,
    supplier_id,
    {%- for days in [horizon_days] + later_horizons %}
    is_distress_{{ days }}d,
    {%- endfor %}
    case when is_within_horizon then distress_date end as distress_date,
    case when is_within_horizon then distress_reason end as distress_reason
from labels
