{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='append_new_columns',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

with eligibility as (
    select eligibility.*
    from {{ ref('eligibility_daily') }} as eligibility
    inner join {{ snapshot_dates() }} as dates on eligibility.as_of_date = dates.as_of_date
),

-- The dilution of the last month-end before the night, for a month is not over on most of them.
months as (
    select
        as_of_date,
        case
            when as_of_date = last_day(as_of_date) then as_of_date
            else {{ add_days('as_of_date', '-extract(day from as_of_date)') }}
        end as month_end_date
    from {{ snapshot_dates() }} as dates
),

advanced as (
    select
        eligibility.*,
        rates.value as advance_ratio,
        -- where no dilution is known the advance rate alone allows for it
        greatest(coalesce(dilutions.dilution_12m_ratio, cast(free.value as double)) - cast(free.value as double), 0)
            as reserve_ratio
    from eligibility
    inner join months on eligibility.as_of_date = months.as_of_date
    left join {{ ref('rule_parameter') }} as rates
        on {{ rule_in_force('rates', 'advance_ratio', 'eligibility.as_of_date', 'eligibility.instrument_type') }}
    left join {{ ref('rule_parameter') }} as free
        on {{ rule_in_force('free', 'dilution_free_ratio', 'eligibility.as_of_date') }}
    left join {{ ref('dilution_monthly') }} as dilutions
        on
            months.month_end_date = dilutions.month_end_date
            and eligibility.core_enterprise_id = dilutions.core_enterprise_id
            and eligibility.supplier_id = dilutions.supplier_id
            and eligibility.currency = dilutions.currency
            and eligibility.instrument_type = 'PAYABLE'
),

summed as (
    select
        as_of_date,
        supplier_id,
        currency,
        cast(sum(open_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(case when reason = 'ELIGIBLE' then 0 else open_amount end) as decimal(18, 2)) as ineligible_amount,
        cast(sum(case when reason = 'ELIGIBLE' then open_amount else 0 end) as decimal(18, 2)) as eligible_amount,
        -- missing, which the contract of the mart refuses, where the rule book has no rate for an instrument
        cast(
            case
                when count(case when reason = 'ELIGIBLE' and advance_ratio is null then 1 end) = 0
                    then sum(case when reason = 'ELIGIBLE' then open_amount * advance_ratio else 0 end)
            end as decimal(18, 2)
        ) as advance_amount,
        -- rounded row by row: a sum of floating-point numbers depends on the order of the rows
        cast(
            sum(
                case
                    when reason = 'ELIGIBLE'
                        then cast(cast(open_amount as double) * reserve_ratio as decimal(18, 2))
                    else 0
                end
            ) as decimal(18, 2)
        ) as dilution_reserve_amount
    from advanced
    group by as_of_date, supplier_id, currency
),

based as (
    select
        *,
        greatest(cast(advance_amount - dilution_reserve_amount as decimal(18, 2)), cast(0 as decimal(18, 2)))
            as borrowing_base_amount
    from summed
)

select
    based.*,
    cast({{ converted('based.gross_amount') }} as decimal(18, 2)) as reporting_gross_amount,
    cast({{ converted('based.borrowing_base_amount') }} as decimal(18, 2)) as reporting_borrowing_base_amount,
    '{{ var("reporting_currency") }}' as reporting_currency
from based
left join {{ ref('int_reporting_rate_daily') }} as rates
    on based.as_of_date = rates.as_of_date and based.currency = rates.currency
