{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='append_new_columns',
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
        facilities.blocked_amount,
        facilities.reported_utilised_amount
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

-- What the core enterprise promised under the facility and has not paid, financed or not.
issued as (
    select
        dates.as_of_date,
        roots.facility_id,
        sum(positions.available_amount + positions.frozen_amount + positions.financed_amount) as issued_amount
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_certificate_position_interval') }} as positions
        on {{ valid_on('positions', 'dates.as_of_date') }}
    inner join {{ ref('int_certificate_term_interval') }} as roots
        on positions.root_certificate_id = roots.certificate_id and {{ valid_on('roots', 'dates.as_of_date') }}
    group by dates.as_of_date, roots.facility_id
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
        coalesce(facilities.blocked_amount, 0) as blocked_amount,
        facilities.reported_utilised_amount
    from facilities
    full join utilised
        on
            facilities.as_of_date = utilised.as_of_date
            and facilities.facility_id = utilised.facility_id
            and facilities.core_enterprise_id = utilised.core_enterprise_id
            and facilities.funder_id = utilised.funder_id
            and facilities.currency = utilised.currency
),

-- Over all funders; a total of limits one of which is missing would be too small.
totals as (
    select
        *,
        case
            when
                count(*) over (partition by as_of_date, core_enterprise_id, currency)
                = count(limit_amount) over (partition by as_of_date, core_enterprise_id, currency)
                then sum(limit_amount) over (partition by as_of_date, core_enterprise_id, currency)
        end as core_enterprise_limit,
        sum(utilised_amount) over (partition by as_of_date, core_enterprise_id, currency) as core_enterprise_utilised,
        sum(blocked_amount) over (partition by as_of_date, core_enterprise_id, currency) as core_enterprise_blocked
    from limits
)

select
    totals.as_of_date,
    totals.facility_id,
    totals.core_enterprise_id,
    totals.funder_id,
    totals.currency,
    totals.limit_amount,
    totals.utilised_amount,
    cast(totals.blocked_amount as decimal(18, 2)) as blocked_amount,
    cast(totals.limit_amount - totals.utilised_amount - totals.blocked_amount as decimal(18, 2)) as free_amount,
    cast(totals.utilised_amount as double) / nullif(cast(totals.limit_amount as double), 0) as utilisation_ratio,
    cast(coalesce(issued.issued_amount, 0) as decimal(18, 2)) as issued_amount,
    cast(totals.core_enterprise_limit as decimal(18, 2)) as core_enterprise_limit_amount,
    cast(totals.core_enterprise_utilised as decimal(18, 2)) as core_enterprise_utilised_amount,
    cast(
        totals.core_enterprise_limit - totals.core_enterprise_utilised - totals.core_enterprise_blocked
        as decimal(18, 2)
    ) as core_enterprise_free_amount,
    totals.reported_utilised_amount,
    cast({{ converted('totals.limit_amount') }} as decimal(18, 2)) as reporting_limit_amount,
    cast({{ converted('totals.utilised_amount') }} as decimal(18, 2)) as reporting_utilised_amount,
    cast({{ converted('totals.blocked_amount') }} as decimal(18, 2)) as reporting_blocked_amount,
    '{{ var("reporting_currency") }}' as reporting_currency
from totals
left join {{ ref('int_reporting_rate_daily') }} as rates
    on totals.as_of_date = rates.as_of_date and totals.currency = rates.currency
left join issued on totals.as_of_date = issued.as_of_date and totals.facility_id = issued.facility_id
