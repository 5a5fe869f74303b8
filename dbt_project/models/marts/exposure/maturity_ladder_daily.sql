{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='append_new_columns',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

{%- set buckets = [(0, 7), (8, 30), (31, 60), (61, 90), (91, 180), (181, 365)] %}
{%- set amounts = ['financed', 'held', 'payable'] %}

with payables as (
    {{ payables_on(snapshot_dates()) }}
),

certificates as (
    {{ certificates_on(snapshot_dates()) }}
),

falling_due as (
    select
        dates.as_of_date,
        financings.core_enterprise_id,
        financings.currency,
        financings.due_date,
        'financed' as kind,
        financings.outstanding_amount as amount
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_financing_interval') }} as financings on {{ valid_on('financings', 'dates.as_of_date') }}
    where financings.outstanding_amount <> 0
    union all
    select
        as_of_date,
        core_enterprise_id,
        currency,
        due_date,
        'held' as kind,
        open_amount as amount
    from certificates
    union all
    select
        as_of_date,
        core_enterprise_id,
        currency,
        due_date,
        'payable' as kind,
        open_amount as amount
    from payables
),

dated as (
    select
        *,
        {{ days_between('as_of_date', 'due_date') }} as days_to_due
    from falling_due
),

ladder as (
    select
        as_of_date,
        core_enterprise_id,
        currency,
        case
            when days_to_due < 0 then 'OVERDUE'
            {%- for first_day, last_day in buckets %}
            when days_to_due <= {{ last_day }} then 'DUE_{{ first_day }}_{{ last_day }}'
            {%- endfor %}
            when days_to_due > {{ buckets[-1][1] }} then 'DUE_OVER_{{ buckets[-1][1] }}'
            else 'UNDATED'
        end as maturity_bucket,
        {%- for amount in amounts %}
        cast(sum(case when kind = '{{ amount }}' then amount else 0 end) as decimal(18, 2)) as {{ amount }}_amount
        {{- ',' if not loop.last }}
        {%- endfor %}
    from dated
    group by as_of_date, core_enterprise_id, currency, maturity_bucket
)

-- Each row is converted once, as it stands: totals in the reporting currency are sums of rows.
select
    ladder.*,
    {%- for amount in amounts %}
    cast({{ converted('ladder.' ~ amount ~ '_amount') }} as decimal(18, 2)) as reporting_{{ amount }}_amount,
    {%- endfor %}
    '{{ var("reporting_currency") }}' as reporting_currency
from ladder
left join {{ ref('int_reporting_rate_daily') }} as rates
    on ladder.as_of_date = rates.as_of_date and ladder.currency = rates.currency
