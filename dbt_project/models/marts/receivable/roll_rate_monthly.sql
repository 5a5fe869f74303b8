{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='month_end_date') }}

{%- set exits = ['settled', 'certificated', 'credited', 'passed_on', 'written_off'] %}

with months as (
    select * from {{ month_ends() }}
),

dates as (
    select month_end_date as as_of_date from months
    union
    select previous_date as as_of_date from months
),

aged as (
    select
        *,
        {{ ageing_bucket(days_between('due_date', 'as_of_date')) }} as bucket
    from ({{ receivables_on('dates') }}) as receivables
),

openings as (
    select
        months.month_end_date,
        aged.*
    from months
    inner join aged on months.previous_date = aged.as_of_date
),

closings as (
    select
        months.month_end_date,
        aged.*
    from months
    inner join aged on months.month_end_date = aged.as_of_date
),

-- What became of a receivable in the month, by the day on which we knew it.
gone as (
    select
        months.month_end_date,
        closing.payable_id as receivable_id,
        closing.paid_cash_amount + closing.paid_bill_amount + closing.set_off_amount
        - opening.paid_cash_amount - opening.paid_bill_amount - opening.set_off_amount as settled,
        closing.certificated_amount - opening.certificated_amount as certificated,
        closing.credited_amount - opening.credited_amount as credited,
        0 as passed_on,
        0 as written_off
    from months
    inner join {{ ref('int_payable_interval') }} as opening on {{ valid_on('opening', 'months.previous_date') }}
    inner join {{ ref('int_payable_interval') }} as closing
        on opening.payable_id = closing.payable_id and {{ valid_on('closing', 'months.month_end_date') }}
    where closing.open_amount < opening.open_amount
    union all
    select
        months.month_end_date,
        closing.certificate_id as receivable_id,
        closing.redeemed_amount - opening.redeemed_amount as settled,
        0 as certificated,
        0 as credited,
        closing.passed_on_amount - opening.passed_on_amount as passed_on,
        closing.written_off_amount + closing.cancelled_amount
        - opening.written_off_amount - opening.cancelled_amount as written_off
    from months
    inner join {{ ref('int_certificate_position_interval') }} as opening
        on {{ valid_on('opening', 'months.previous_date') }}
    inner join {{ ref('int_certificate_position_interval') }} as closing
        on opening.certificate_id = closing.certificate_id and {{ valid_on('closing', 'months.month_end_date') }}
),

exits as (
    select
        month_end_date,
        receivable_id,
        case
            when greatest({{ exits | join(', ') }}) <= 0 then 'OTHER'
            {%- for exit in exits %}
            when {{ exit }} = greatest({{ exits | join(', ') }}) then '{{ exit | upper }}'
            {%- endfor %}
        end as bucket
    from gone
),

-- A receivable stays with the part that is open on both days; the rest of the first day went, that of the second came.
matched as (
    select
        coalesce(openings.month_end_date, closings.month_end_date) as month_end_date,
        coalesce(openings.receivable_id, closings.receivable_id) as receivable_id,
        coalesce(openings.core_enterprise_id, closings.core_enterprise_id) as core_enterprise_id,
        coalesce(openings.currency, closings.currency) as currency,
        openings.bucket as from_bucket,
        closings.bucket as to_bucket,
        coalesce(openings.open_amount, 0) as opening_amount,
        coalesce(closings.open_amount, 0) as closing_amount,
        case
            when openings.open_amount > 0 and closings.open_amount > 0
                then least(openings.open_amount, closings.open_amount)
            when openings.open_amount < 0 and closings.open_amount < 0
                then greatest(openings.open_amount, closings.open_amount)
            else 0
        end as stayed_amount
    from openings
    full join closings
        on
            openings.month_end_date = closings.month_end_date
            and openings.receivable_id = closings.receivable_id
            and openings.is_retention = closings.is_retention
            and openings.core_enterprise_id = closings.core_enterprise_id
            and openings.currency = closings.currency
),

moves as (
    select
        month_end_date,
        receivable_id,
        core_enterprise_id,
        currency,
        from_bucket,
        to_bucket,
        stayed_amount as amount
    from matched
    union all
    select
        matched.month_end_date,
        matched.receivable_id,
        matched.core_enterprise_id,
        matched.currency,
        matched.from_bucket,
        coalesce(exits.bucket, 'OTHER') as to_bucket,
        matched.opening_amount - matched.stayed_amount as amount
    from matched
    left join exits
        on matched.month_end_date = exits.month_end_date and matched.receivable_id = exits.receivable_id
    union all
    select
        month_end_date,
        receivable_id,
        core_enterprise_id,
        currency,
        'NEW' as from_bucket,
        to_bucket,
        closing_amount - stayed_amount as amount
    from matched
)

select
    month_end_date,
    core_enterprise_id,
    currency,
    from_bucket,
    to_bucket,
    cast(sum(amount) as decimal(18, 2)) as moved_amount,
    cast(count(distinct receivable_id) as bigint) as receivable_count
from moves
where amount <> 0
group by month_end_date, core_enterprise_id, currency, from_bucket, to_bucket
