{{ config(contract={'enforced': true}) }}

{%- set horizon_days = 90 %}

with nights as (
    select
        as_of_date,
        supplier_id,
        {{ add_days('as_of_date', horizon_days) }} as horizon_date
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
            and episodes.distress_date <= nights.horizon_date
    group by nights.as_of_date, nights.supplier_id
)

select
    nights.as_of_date,
    nights.supplier_id,
    case when nights.horizon_date <= {{ as_of_date() }} then events.distress_date is not null end as is_distress_90d,
    events.distress_date,
    events.distress_reason
from nights
left join events on nights.as_of_date = events.as_of_date and nights.supplier_id = events.supplier_id
