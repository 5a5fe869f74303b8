-- A day that something was delivered for touches the statement that covers it, which begins after the closing balance
-- before that day, and all later ones: one statement's closing balance is the next one's start.
with touched_days as (
    select
        account_no,
        balance_date as touched_date
    from {{ ref('int_bank_balance') }}
    {%- if night_setting('since_date') %}
    where batch_date > {{ since_date() }}
    {%- endif %}
    union all
    select
        account_no,
        booking_date as touched_date
    from {{ ref('int_bank_booking_daily') }}
    {%- if night_setting('since_date') %}
    where known_date > {{ since_date() }}
    {%- endif %}
),

accounts as (
    select
        account_no,
        min(touched_date) as first_date
    from touched_days
    group by account_no
),

currencies as (
    select
        account_no,
        currency
    from {{ ref('int_bank_balance') }}
    union
    select
        account_no,
        currency
    from {{ ref('int_bank_booking_daily') }}
)

select
    accounts.account_no,
    currencies.currency,
    max(closings.balance_date) as after_date
from accounts
inner join currencies on accounts.account_no = currencies.account_no
left join {{ ref('int_bank_balance') }} as closings
    on
        accounts.account_no = closings.account_no
        and currencies.currency = closings.currency
        and closings.balance_type = 'CLBD'
        and not closings.is_withdrawn
        and accounts.first_date > closings.balance_date
group by accounts.account_no, currencies.currency
