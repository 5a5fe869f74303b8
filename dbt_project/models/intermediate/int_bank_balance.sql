{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['account_no', 'balance_date', 'balance_type']
    )
}}

-- A night's deliveries are the latest versions of their keys.
with delivered as (
    select *
    from {{ ref('stg_bank__balance') }}
    {%- if is_night() %}
    where batch_date > {{ since_date() }}
    {%- endif %}
)

select
    account_no,
    balance_date,
    balance_type,
    currency,
    amount,
    batch_date,
    {{ is_withdrawal() }} as is_withdrawn
from {{ last_content('delivered', ['account_no', 'balance_date', 'balance_type']) }}
