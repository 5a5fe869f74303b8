{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='month_end_date') }}

{%- set flows = ['gross', 'credited', 'set_off'] %}

with months as (
    select * from {{ month_ends() }}
),

-- What was known of an invoice at the end of the month, less what was known of it a month and a year before. An invoice
-- that was withdrawn counts no more.
payables as (
    select
        months.month_end_date,
        payables.company_code,
        payables.erp_vendor_no,
        payables.currency,
        {%- for flow in flows %}
        payables.{{ flow }}_amount - coalesce(before.{{ flow }}_amount, 0) as {{ flow }},
        payables.{{ flow }}_amount - coalesce(year_ago.{{ flow }}_amount, 0) as {{ flow }}_12m,
        {%- endfor %}
        case when payables.is_disputed then payables.open_amount else 0 end as disputed,
        {{ open_retention('payables') }} as retention
    from months
    inner join {{ ref('int_payable_interval') }} as payables on {{ valid_on('payables', 'months.month_end_date') }}
    left join {{ ref('int_payable_interval') }} as before
        on payables.payable_id = before.payable_id and {{ valid_on('before', 'months.previous_date') }}
    left join {{ ref('int_payable_interval') }} as year_ago
        on payables.payable_id = year_ago.payable_id and {{ valid_on('year_ago', 'months.year_ago_date') }}
),

owned as (
    select
        {{ keeper_of_books() }} as core_enterprise_id,
        {{ seller_of_payable('payables.month_end_date') }} as supplier_id,
        payables.*
    from payables
    {{ parties_of_payables('payables.month_end_date') }}
),

summed as (
    select
        month_end_date,
        core_enterprise_id,
        supplier_id,
        currency,
        {%- for flow in flows %}
        sum({{ flow }}) as {{ flow }},
        sum({{ flow }}_12m) as {{ flow }}_12m,
        {%- endfor %}
        sum(disputed) as disputed,
        sum(retention) as retention
    from owned
    group by month_end_date, core_enterprise_id, supplier_id, currency
)

select
    month_end_date,
    core_enterprise_id,
    supplier_id,
    currency,
    cast(gross as decimal(18, 2)) as invoiced_amount,
    cast(credited as decimal(18, 2)) as credited_amount,
    cast(set_off as decimal(18, 2)) as set_off_amount,
    cast(credited + set_off as decimal(18, 2)) as dilution_amount,
    cast(disputed as decimal(18, 2)) as disputed_amount,
    cast(retention as decimal(18, 2)) as retention_amount,
    cast(gross_12m as decimal(18, 2)) as invoiced_12m_amount,
    cast(credited_12m + set_off_12m as decimal(18, 2)) as dilution_12m_amount,
    {{ clamped(ratio('(credited_12m + set_off_12m)', 'gross_12m'), 0, 1) }} as dilution_12m_ratio
from summed
where
    gross <> 0 or credited <> 0 or set_off <> 0 or disputed <> 0 or retention <> 0
    or gross_12m <> 0 or credited_12m <> 0 or set_off_12m <> 0
