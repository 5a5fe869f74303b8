{{ config(materialized='incremental', incremental_strategy='append') }}

select
    account_no,
    currency,
    booking_date,
    entry_date as known_date,
    cast(sum(case when credit_debit = 'CRDT' then entry_sign * amount else 0 end) as decimal(18, 2)) as credit_amount,
    cast(sum(case when credit_debit = 'DBIT' then entry_sign * amount else 0 end) as decimal(18, 2)) as debit_amount,
    sum(entry_sign) as entry_count
from {{ ledger_entries(ref('stg_bank__transaction'), ['account_no', 'transaction_ref']) }}
group by account_no, currency, booking_date, entry_date
