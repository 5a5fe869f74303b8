{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='as_of_date') }}

{%- set reporting_currency = var('reporting_currency') %}

with dates as (
    select
        days.calendar_date as as_of_date,
        {{ add_days('days.calendar_date', '-rules.value') }} as oldest_date
    from {{ ref('dim_date') }} as days
    inner join {{ ref('rule_parameter') }} as rules
        on {{ rule_in_force('rules', 'fx_max_age_days', 'days.calendar_date') }}
    where
        days.calendar_date <= {{ as_of_date() }}
        {%- if is_night() %}
        and {{ is_made_anew('days.calendar_date') }}
        {%- endif %}
),

rates as (
    select *
    from {{ version_intervals(
        ref('stg_external__fx_rate'), ['base_currency', 'quote_currency', 'rate_date']
    ) }} as versions
    where quote_currency = '{{ reporting_currency }}' and base_currency <> '{{ reporting_currency }}'
)

select
    dates.as_of_date,
    rates.base_currency as currency,
    max(rates.rate_date) as rate_date,
    max_by(rates.rate, rates.rate_date) as rate
from dates
inner join rates
    on
        rates.rate_date <= dates.as_of_date
        and rates.rate_date >= dates.oldest_date
        and {{ valid_on('rates', 'dates.as_of_date') }}
group by dates.as_of_date, rates.base_currency
union all
select
    as_of_date,
    '{{ reporting_currency }}' as currency,
    as_of_date as rate_date,
    cast(1 as decimal(18, 6)) as rate
from dates
