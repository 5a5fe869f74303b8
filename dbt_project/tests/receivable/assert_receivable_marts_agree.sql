{{ config(meta={'dagster': {'ref': {'name': 'roll_rate_monthly'}}}) }}

-- What else is said of open amounts agrees with the ageing by core enterprise and currency, to the cent: eligibility
-- and borrowing base on the night; at the last month-end the buckets between which amounts rolled, with those of both
-- month-ends, and the working capital. Month-ends that an earlier release aged, which did not tell retention apart, are
-- left out.
{%- set month_end = '(select max(month_end_date) from ' ~ ref('roll_rate_monthly') ~ ')' %}
{%- set month_before = add_days(month_end, '-extract(day from ' ~ month_end ~ ')') %}
{%- set buckets = ['not_due'] %}
{%- for first_day, last_day in ageing_buckets() %}
{%- do buckets.append('overdue_' ~ first_day ~ '_' ~ last_day) %}
{%- endfor %}
{%- do buckets.append('overdue_over_' ~ ageing_buckets()[-1][1]) %}

with ageing as (
    select * from {{ ref('ageing_daily') }}
    where as_of_date in ({{ as_of_date() }}, {{ month_end }}, {{ month_before }})
),

compared as (
    select
        'ageing less eligibility' as difference,
        core_enterprise_id,
        currency,
        open_amount as amount
    from ageing
    where as_of_date = {{ as_of_date() }}
    union all
    select
        'ageing less eligibility' as difference,
        core_enterprise_id,
        currency,
        -open_amount as amount
    from {{ ref('eligibility_daily') }}
    where as_of_date = {{ as_of_date() }} and reason <> 'NOT_CONFIRMED'
    union all
    select
        'eligibility less borrowing base' as difference,
        cast(null as string) as core_enterprise_id,
        currency,
        open_amount as amount
    from {{ ref('eligibility_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select
        'eligibility less borrowing base' as difference,
        cast(null as string) as core_enterprise_id,
        currency,
        -gross_amount as amount
    from {{ ref('borrowing_base_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select
        'ageing less working capital' as difference,
        core_enterprise_id,
        currency,
        open_amount as amount
    from ageing
    where as_of_date = {{ month_end }}
    union all
    select
        'ageing less working capital' as difference,
        owner_id as core_enterprise_id,
        currency,
        -open_amount as amount
    from {{ ref('working_capital_monthly') }}
    where month_end_date = {{ month_end }} and side = 'CORE_ENTERPRISE'
    {%- for side, on_date in [('from', month_before), ('to', month_end)] %}
    {%- for bucket in buckets %}
    union all
    select
        'ageing less {{ side }} {{ bucket }}' as difference,
        core_enterprise_id,
        currency,
        {{ bucket }}_amount as amount
    from ageing
    where as_of_date = {{ on_date }}
    {%- endfor %}
    union all
    select
        'ageing less {{ side }} ' || lower({{ side }}_bucket) as difference,
        core_enterprise_id,
        currency,
        -moved_amount as amount
    from {{ ref('roll_rate_monthly') }}
    where month_end_date = {{ month_end }} and {{ side }}_bucket in ('{{ buckets | join("', '") | upper }}')
    {%- endfor %}
)

select
    difference,
    core_enterprise_id,
    currency,
    sum(amount) as difference_amount
from compared
where
    difference in ('ageing less eligibility', 'eligibility less borrowing base')
    or not exists (select 1 from ageing where retention_amount is null)
group by difference, core_enterprise_id, currency
having sum(amount) <> 0
