{%- set fresh_transfers = is_touched_transfer() -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ drop_touched(is_touched_transfer()) }}'
    )
}}

with accounts as (
    select distinct account_no from {{ ref('stg_bank__account') }}
),

entries as (
    select *
    from {{ ref('stg_bank__transaction') }}
    where
        account_no in (select accounts.account_no from accounts)
        and {{ fresh_transfers }}
)

-- A returned entry paid nobody. An account that no bank delivered is no known party's.
select
    account_no,
    transaction_ref,
    case credit_debit when 'DBIT' then account_no else counterparty_account_no end as payer_account_no,
    case credit_debit when 'DBIT' then counterparty_account_no else account_no end as payee_account_no,
    amount,
    currency,
    booking_date,
    end_to_end_id,
    known_date
from {{ latest_version('entries', ['account_no', 'transaction_ref']) }} as latest
where
    counterparty_account_no in (select accounts.account_no from accounts)
    and counterparty_account_no <> account_no
    and not coalesce(is_return, false)
