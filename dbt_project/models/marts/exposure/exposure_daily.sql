{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='append_new_columns',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

with balances as (
    select
        dates.as_of_date,
        financings.core_enterprise_id,
        financings.supplier_id,
        financings.funder_id,
        financings.currency,
        financings.has_recourse,
        financings.outstanding_amount,
        greatest({{ days_between('financings.due_date', 'dates.as_of_date') }}, 0) as days_past_due
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_financing_interval') }} as financings
        on
            dates.as_of_date >= financings.valid_from
            and (financings.valid_to is null or dates.as_of_date < financings.valid_to)
    where financings.outstanding_amount <> 0
),

summed as (
    select
        as_of_date,
        core_enterprise_id,
        supplier_id,
        funder_id,
        currency,
        cast(sum(outstanding_amount) as decimal(18, 2)) as outstanding_amount,
        cast(sum(case when has_recourse then outstanding_amount else 0 end) as decimal(18, 2))
            as recourse_outstanding_amount,
        cast(sum(case when days_past_due > 0 then outstanding_amount else 0 end) as decimal(18, 2)) as overdue_amount,
        cast(max(days_past_due) as integer) as max_days_past_due,
        cast(count(*) as bigint) as financing_count
    from balances
    group by as_of_date, core_enterprise_id, supplier_id, funder_id, currency
)

-- Each row is converted once, as it stands: totals in the reporting currency are sums of rows.
select
    summed.*,
    cast({{ converted('summed.outstanding_amount') }} as decimal(18, 2)) as reporting_amount,
    '{{ var("reporting_currency") }}' as reporting_currency
from summed
left join {{ ref('int_reporting_rate_daily') }} as rates
    on summed.as_of_date = rates.as_of_date and summed.currency = rates.currency
