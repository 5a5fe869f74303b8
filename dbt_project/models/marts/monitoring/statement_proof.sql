{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ drop_touched_statements() }}'
    )
}}

{%- set touched_statements = ref('int_touched_statement') %}

-- Balances and what was booked, on each day that has either. The closing balance before the statements that are made
-- anew is there too: it is what they start from.
with facts as (
    select
        balances.account_no,
        balances.currency,
        balances.balance_date as fact_date,
        case when balances.balance_type = 'OPBD' then balances.amount end as opening_amount,
        case when balances.balance_type = 'CLBD' then balances.amount end as closing_amount,
        0 as credit_amount,
        0 as debit_amount,
        0 as entry_count
    from {{ ref('int_bank_balance') }} as balances
    where balances.balance_type in ('OPBD', 'CLBD') and not balances.is_withdrawn
    union all
    select
        bookings.account_no,
        bookings.currency,
        bookings.booking_date as fact_date,
        null as opening_amount,
        null as closing_amount,
        bookings.credit_amount,
        bookings.debit_amount,
        bookings.entry_count
    from {{ ref('int_bank_booking_daily') }} as bookings
),

days as (
    select
        facts.account_no,
        facts.currency,
        facts.fact_date,
        {{ 'touched.after_date' if is_night() else 'cast(null as date) as after_date' }},
        max(facts.opening_amount) as opening_amount,
        max(facts.closing_amount) as closing_amount,
        sum(facts.credit_amount) as credit_amount,
        sum(facts.debit_amount) as debit_amount,
        sum(facts.entry_count) as entry_count
    from facts
    {%- if is_night() %}
    inner join {{ touched_statements }} as touched
        on
            facts.account_no = touched.account_no
            and facts.currency = touched.currency
            and (touched.after_date is null or facts.fact_date >= touched.after_date)
    {%- endif %}
    group by facts.account_no, facts.currency, facts.fact_date{% if is_night() %}, touched.after_date{% endif %}
    -- an entry that was restated to another day, account or currency leaves a day on which nothing is
    having
        max(facts.opening_amount) is not null
        or max(facts.closing_amount) is not null
        or sum(facts.entry_count) <> 0
),

covered as (
    select
        *,
        min(case when closing_amount is not null then fact_date end) over (
            partition by account_no, currency order by fact_date
            rows between current row and unbounded following
        ) as closing_date,
        max(case when closing_amount is not null then fact_date end) over (
            partition by account_no, currency order by fact_date
            rows between unbounded preceding and 1 preceding
        ) as previous_closing_date
    from days
),

-- Some banks date an opening balance by the day of the closing balance that it repeats. Then the day has the opening
-- balance of the next statement: it says no more than the closing balance does, and is none of this statement.
opened as (
    select
        *,
        min(
            case
                when
                    opening_amount is not null
                    and not (opening_amount = closing_amount and previous_closing_date is not null)
                    then fact_date
            end
        ) over (partition by account_no, currency, closing_date) as opening_date
    from covered
),

statements as (
    select
        account_no,
        currency,
        after_date,
        opening_date,
        coalesce(closing_date, max(fact_date)) as balance_date,
        max(case when fact_date = opening_date then opening_amount end) as opening_amount,
        max(closing_amount) as closing_amount,
        sum(credit_amount) as credit_amount,
        sum(debit_amount) as debit_amount,
        sum(entry_count) as entry_count,
        sum(case when fact_date >= opening_date then credit_amount - debit_amount else 0 end) as opened_net_amount
    from opened
    group by account_no, currency, after_date, opening_date, closing_date
),

chained as (
    select
        *,
        lag(balance_date) over (partition by account_no, currency order by balance_date) as previous_closing_date,
        lag(closing_amount) over (partition by account_no, currency order by balance_date) as previous_closing_amount
    from statements
),

differences as (
    select
        *,
        closing_amount - (opening_amount + opened_net_amount) as own_difference,
        closing_amount - (previous_closing_amount + credit_amount - debit_amount) as chain_difference,
        opening_amount - previous_closing_amount as opening_difference
    from chained
    where after_date is null or balance_date > after_date
),

judged as (
    select
        *,
        case
            when closing_amount is null or (opening_amount is null and previous_closing_amount is null)
                then 'NOT_PROVABLE'
            when coalesce(own_difference, 0) = 0 and coalesce(chain_difference, 0) = 0 then 'PROVEN'
            when own_difference = 0 and opening_date > {{ add_days('previous_closing_date', 1) }} then 'GAP'
            when own_difference = 0 or (own_difference <> 0 and chain_difference = 0) then 'BROKEN_CHAIN'
            else 'BROKEN_SUM'
        end as status
    from differences
)

select
    account_no,
    currency,
    balance_date,
    status,
    cast(
        case
            when status = 'PROVEN' then 0
            when status = 'BROKEN_SUM' then coalesce(own_difference, chain_difference)
            when status in ('GAP', 'BROKEN_CHAIN') and chain_difference = 0 then own_difference
            when status in ('GAP', 'BROKEN_CHAIN') then opening_difference
        end as decimal(18, 2)
    ) as difference_amount,
    previous_closing_date,
    cast(previous_closing_amount as decimal(18, 2)) as previous_closing_amount,
    opening_date,
    cast(opening_amount as decimal(18, 2)) as opening_amount,
    cast(credit_amount as decimal(18, 2)) as credit_amount,
    cast(debit_amount as decimal(18, 2)) as debit_amount,
    cast(entry_count as bigint) as entry_count,
    cast(closing_amount as decimal(18, 2)) as closing_amount
from judged
