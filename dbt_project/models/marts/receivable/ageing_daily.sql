{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='append_new_columns',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

{%- set buckets = ageing_buckets() %}

with payables as (
    {{ payables_on(snapshot_dates()) }}
),

certificates as (
    {{ certificates_on(snapshot_dates()) }}
),

receivables as (
    select
        *,
        {{ days_between('due_date', 'as_of_date') }} as days_past_due
    from (
        select
            as_of_date,
            receivable_id,
            core_enterprise_id,
            supplier_id,
            currency,
            is_retention,
            due_date,
            open_amount
        from payables
        union all
        select
            as_of_date,
            receivable_id,
            core_enterprise_id,
            supplier_id,
            currency,
            false as is_retention,
            due_date,
            open_amount
        from certificates
    ) as both_kinds
),

aged as (
    select
        as_of_date,
        core_enterprise_id,
        supplier_id,
        currency,
        cast(sum(open_amount) as decimal(18, 2)) as open_amount,
        cast(sum(case when days_past_due > 0 then 0 else open_amount end) as decimal(18, 2)) as not_due_amount,
        {%- for first_day, last_day in buckets %}
        cast(
            sum(case when days_past_due between {{ first_day }} and {{ last_day }} then open_amount else 0 end)
            as decimal(18, 2)
        ) as overdue_{{ first_day }}_{{ last_day }}_amount,
        {%- endfor %}
        cast(sum(case when days_past_due > {{ buckets[-1][1] }} then open_amount else 0 end) as decimal(18, 2))
            as overdue_over_{{ buckets[-1][1] }}_amount,
        cast(greatest(max(days_past_due), 0) as integer) as max_days_past_due,
        cast(count(distinct receivable_id) as bigint) as receivable_count,
        cast(sum(case when is_retention then open_amount else 0 end) as decimal(18, 2)) as retention_amount
    from receivables
    group by as_of_date, core_enterprise_id, supplier_id, currency
)

-- Each row is converted once, as it stands: totals in the reporting currency are sums of rows.
select
    aged.*,
    cast({{ converted('aged.open_amount') }} as decimal(18, 2)) as reporting_amount,
    cast({{ converted('aged.open_amount - aged.not_due_amount') }} as decimal(18, 2)) as reporting_overdue_amount,
    '{{ var("reporting_currency") }}' as reporting_currency
from aged
left join {{ ref('int_reporting_rate_daily') }} as rates
    on aged.as_of_date = rates.as_of_date and aged.currency = rates.currency
