{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

with facilities as (
    select
        dates.as_of_date,
        facilities.facility_id,
        facilities.core_enterprise_id,
        facilities.funder_id,
        facilities.currency,
        facilities.limit_amount,
        facilities.blocked_amount
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_facility_interval') }} as facilities
        on
            dates.as_of_date >= facilities.valid_from
            and (facilities.valid_to is null or dates.as_of_date < facilities.valid_to)
),

utilised as (
    select
        dates.as_of_date,
        financings.facility_id,
        financings.core_enterprise_id,
        financings.funder_id,
        financings.currency,
        sum(financings.outstanding_amount) as utilised_amount
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_financing_interval') }} as financings
        on
            dates.as_of_date >= financings.valid_from
            and (financings.valid_to is null or dates.as_of_date < financings.valid_to)
    where financings.outstanding_amount <> 0
    group by
        dates.as_of_date,
        financings.facility_id,
        financings.core_enterprise_id,
        financings.funder_id,
        financings.currency
),

-- A facility whose limit was refused or is still to come is used all the same: its row says so by a missing limit.
limits as (
    select
        coalesce(facilities.as_of_date, utilised.as_of_date) as as_of_date,
        coalesce(facilities.facility_id, utilised.facility_id) as facility_id,
        coalesce(facilities.core_enterprise_id, utilised.core_enterprise_id) as core_enterprise_id,
        coalesce(facilities.funder_id, utilised.funder_id) as funder_id,
        coalesce(facilities.currency, utilised.currency) as currency,
        facilities.limit_amount,
        cast(coalesce(utilised.utilised_amount, 0) as decimal(18, 2)) as utilised_amount,
        coalesce(facilities.blocked_amount, 0) as blocked_amount
    from facilities
    full join utilised
        on
            facilities.as_of_date = utilised.as_of_date
            and facilities.facility_id = utilised.facility_id
            and facilities.core_enterprise_id = utilised.core_enterprise_id
            and facilities.funder_id = utilised.funder_id
            and facilities.currency = utilised.currency
)

select
    as_of_date,
    facility_id,
    core_enterprise_id,
    funder_id,
    currency,
    limit_amount,
    utilised_amount,
    cast(blocked_amount as decimal(18, 2)) as blocked_amount,
    cast(limit_amount - utilised_amount - blocked_amount as decimal(18, 2)) as free_amount
from limits
