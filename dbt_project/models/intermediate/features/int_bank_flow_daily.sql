{{ config(materialized='incremental', incremental_strategy='append') }}

with entries as (
    select
        bookings.account_no,
        bookings.entry_date as known_date,
        bookings.entry_sign,
        coalesce(bookings.is_return, false) as is_return,
        -- what is returned takes back the flow it reverses
        case when bookings.is_return then -1 else 1 end * bookings.entry_sign * bookings.amount as amount,
        (bookings.credit_debit = 'CRDT') <> coalesce(bookings.is_return, false) as is_receipt,
        coalesce(bookings.purpose_code, 'OTHR') as purpose_code
    from {{ ledger_entries(ref('stg_bank__transaction'), ['account_no', 'transaction_ref']) }} as bookings
)

select
    account_no,
    known_date,
    {%- for name, condition in [
        ('inflow', 'is_receipt'),
        ('outflow', 'not is_receipt'),
        ('loan_inflow', "is_receipt and purpose_code = 'LOAN'"),
        ('loan_outflow', "not is_receipt and purpose_code in ('LOAN', 'INTE')"),
        ('trade_inflow', "is_receipt and purpose_code not in ('LOAN', 'INTE', 'CASH')"),
        ('trade_outflow', "not is_receipt and purpose_code not in ('LOAN', 'INTE', 'CASH')"),
        ('salary_outflow', "not is_receipt and purpose_code = 'SALA'"),
        ('tax_outflow', "not is_receipt and purpose_code = 'TAXS'"),
        ('cash_outflow', "not is_receipt and purpose_code = 'CASH'"),
    ] %}
    cast(sum(case when {{ condition }} then amount else 0 end) as decimal(18, 2)) as {{ name }}_amount,
    {%- endfor %}
    sum(case when is_return then entry_sign else 0 end) as returned_count,
    sum(entry_sign) as entry_count
from entries
group by account_no, known_date
