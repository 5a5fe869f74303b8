{{ config(materialized='incremental', incremental_strategy='append') }}

select
    account_no,
    balance_date,
    entry_date as known_date,
    cast(sum(entry_sign * amount) as decimal(18, 2)) as closing_amount,
    sum(entry_sign) as entry_count
from {{ ledger_entries(ref('stg_bank__balance'), ['account_no', 'balance_date', 'balance_type']) }}
where balance_type = 'CLBD'
group by account_no, balance_date, entry_date
