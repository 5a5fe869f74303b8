{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='month_end_date') }}

{%- set turnover_days = 90 %}

with months as (
    select
        *,
        month_end_date as as_of_date,
        {{ add_days('month_end_date', -turnover_days) }} as turnover_from_date
    from {{ month_ends() }}
),

open_receivables as (
    select
        as_of_date as month_end_date,
        core_enterprise_id,
        supplier_id,
        currency,
        case when receivable_type = 'PAYABLE' then open_amount else 0 end as payable_open,
        case when receivable_type = 'CERTIFICATE' then open_amount else 0 end as certificate_open,
        case when is_retention then open_amount else 0 end as retention,
        0 as invoiced
    from ({{ receivables_on('months') }}) as receivables
),

invoiced as (
    select
        months.month_end_date,
        {{ keeper_of_books() }} as core_enterprise_id,
        {{ seller_of_payable('months.month_end_date') }} as supplier_id,
        payables.currency,
        0 as payable_open,
        0 as certificate_open,
        0 as retention,
        payables.gross_amount - payables.credited_amount as invoiced
    from months
    inner join {{ ref('int_payable_interval') }} as payables
        on
            payables.posting_date > months.turnover_from_date
            and payables.posting_date <= months.month_end_date
            and {{ valid_on('payables', 'months.month_end_date') }}
    {{ parties_of_payables('months.month_end_date') }}
    where payables.confirmed_date is not null
),

both_sides as (
    {%- for side in ['core_enterprise', 'supplier'] %}
    {%- for part in ['open_receivables', 'invoiced'] %}
    select
        month_end_date,
        '{{ side | upper }}' as side,
        {{ side }}_id as owner_id,
        currency,
        payable_open,
        certificate_open,
        retention,
        invoiced
    from {{ part }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

summed as (
    select
        month_end_date,
        side,
        owner_id,
        currency,
        sum(payable_open) as payable_open,
        sum(certificate_open) as certificate_open,
        sum(case when side = 'SUPPLIER' then payable_open else payable_open + certificate_open end) as counted,
        sum(retention) as retention,
        sum(invoiced) as invoiced
    from both_sides
    group by month_end_date, side, owner_id, currency
)

-- A certificate can be passed on like money, and those of lower tiers stand for invoices that are in no core
-- enterprise's books: it is a debt of the one side, but no invoice that the other waits for.
select
    month_end_date,
    side,
    owner_id,
    currency,
    cast(payable_open + certificate_open as decimal(18, 2)) as open_amount,
    cast(payable_open as decimal(18, 2)) as payable_open_amount,
    cast(certificate_open as decimal(18, 2)) as certificate_open_amount,
    cast(retention as decimal(18, 2)) as retention_amount,
    cast(invoiced as decimal(18, 2)) as invoiced_90d_amount,
    {{ turnover_days }} * {{ ratio('counted', 'invoiced') }} as outstanding_days
from summed
