{{ config(meta={'dagster': {'ref': {'name': 'tier_penetration_daily'}}}) }}

-- What is held of a core enterprise's promises, summed over tiers, over the positions of holders and over the open
-- certificates among the receivables, is one amount; and it is available, frozen or financed.
with compared as (
    select
        core_enterprise_id,
        currency,
        held_amount as tier_amount,
        0 as position_amount,
        0 as receivable_amount,
        available_amount + frozen_amount + financed_amount as part_amount
    from {{ ref('tier_penetration_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select
        core_enterprise_id,
        currency,
        0 as tier_amount,
        available_amount + frozen_amount + financed_amount as position_amount,
        0 as receivable_amount,
        0 as part_amount
    from {{ ref('certificate_position') }}
    where valid_to is null
    union all
    select
        core_enterprise_id,
        currency,
        0 as tier_amount,
        0 as position_amount,
        open_amount as receivable_amount,
        0 as part_amount
    from {{ ref('fct_receivable') }}
    where receivable_type = 'CERTIFICATE'
)

select
    core_enterprise_id,
    currency,
    sum(tier_amount) as tier_amount,
    sum(position_amount) as position_amount,
    sum(receivable_amount) as receivable_amount,
    sum(part_amount) as part_amount
from compared
group by core_enterprise_id, currency
having
    sum(tier_amount) <> sum(position_amount)
    or sum(tier_amount) <> sum(receivable_amount)
    or sum(tier_amount) <> sum(part_amount)
