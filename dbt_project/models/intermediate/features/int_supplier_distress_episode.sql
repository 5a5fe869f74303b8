with causes as (
    select
        supplier_id,
        cause,
        distress_date as valid_from,
        cured_date as valid_to
    from {{ ref('int_supplier_distress') }}
),

episodes as (
    select * from {{ merged_intervals('causes', ['supplier_id']) }} as merged
)

select
    episodes.supplier_id,
    episodes.valid_from as distress_date,
    episodes.valid_to as cured_date,
    min(causes.cause) as distress_reason
from episodes
inner join causes
    on
        episodes.supplier_id = causes.supplier_id
        and episodes.valid_from = causes.valid_from
group by episodes.supplier_id, episodes.valid_from, episodes.valid_to
