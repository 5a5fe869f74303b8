{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='payable_id',
    on_schema_change='append_new_columns',
) }}

{%- set legs = ['credited', 'paid_cash', 'paid_bill', 'set_off', 'certificate_cleared', 'certificate_issued'] %}

with {{ payable_entries() }},

-- A payable that is withdrawn keeps its row, by its last version.
payables as (
    select
        payable_id,
        gross_amount,
        coalesce(retention_amount, 0) as retention_amount
    from versions
    qualify row_number() over (partition by payable_id order by valid_from desc) = 1
),

daily as (
    select
        payable_id,
        event_date,
        {%- for leg in legs %}
        sum(case when leg = '{{ leg }}' then amount else 0 end) as {{ leg }}{{ ',' if not loop.last }}
        {%- endfor %}
    from entries
    group by payable_id, event_date
),

balances as (
    select
        payable_id,
        event_date,
        {%- for leg in legs %}
        sum({{ leg }}) over (
            partition by payable_id order by event_date rows between unbounded preceding and current row
        ) as {{ leg }}{{ ',' if not loop.last }}
        {%- endfor %}
    from daily
),

-- As in the balance of a payable, what has turned into a certificate is whichever of books and platform is further.
open_amounts as (
    select
        balances.payable_id,
        balances.event_date,
        payables.gross_amount - balances.credited - balances.paid_cash - balances.paid_bill - balances.set_off
        - greatest(balances.certificate_cleared, balances.certificate_issued) as open_amount
    from balances
    inner join payables on balances.payable_id = payables.payable_id
),

-- A payable that was open again, since a certificate was cancelled, is settled by what came after.
most_open_since as (
    select
        payable_id,
        event_date,
        max(open_amount) over (
            partition by payable_id order by event_date rows between current row and unbounded following
        ) as open_amount
    from open_amounts
),

settled as (
    select
        most_open_since.payable_id,
        min(case when most_open_since.open_amount <= payables.retention_amount then most_open_since.event_date end)
            as invoice_settled_date,
        min(case when most_open_since.open_amount <= 0 then most_open_since.event_date end) as settled_date
    from most_open_since
    inner join payables on most_open_since.payable_id = payables.payable_id
    group by most_open_since.payable_id
)

select
    payables.payable_id,
    settled.invoice_settled_date,
    settled.settled_date
from payables
left join settled on payables.payable_id = settled.payable_id
