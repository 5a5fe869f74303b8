{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='month_end_date') }}

{#- two years: the longest tenor that the rules allow and a year to see what became of it -#}
{%- set last_month_on_book = 24 %}

with months as (
    select * from {{ month_ends() }}
),

trees as (
    select
        months.month_end_date,
        positions.root_certificate_id,
        sum(positions.available_amount + positions.frozen_amount + positions.financed_amount) as open_amount,
        sum(positions.redeemed_amount) as redeemed,
        sum(positions.written_off_amount) as written_off,
        sum(positions.cancelled_amount) as cancelled
    from months
    inner join {{ ref('int_certificate_position_interval') }} as positions
        on {{ valid_on('positions', 'months.month_end_date') }}
    group by months.month_end_date, positions.root_certificate_id
),

aged as (
    select
        trees.*,
        roots.core_enterprise_id,
        roots.instrument_type,
        roots.currency,
        last_day(roots.issue_date) as issue_month_end_date,
        cast(
            (extract(year from trees.month_end_date) - extract(year from roots.issue_date)) * 12
            + extract(month from trees.month_end_date) - extract(month from roots.issue_date) as integer
        ) as months_on_book,
        {{ days_between('roots.due_date', 'trees.month_end_date') }} as days_past_due
    from trees
    inner join {{ ref('int_certificate_term_interval') }} as roots
        on trees.root_certificate_id = roots.certificate_id and {{ valid_on('roots', 'trees.month_end_date') }}
)

select
    month_end_date,
    issue_month_end_date,
    months_on_book,
    core_enterprise_id,
    instrument_type,
    currency,
    cast(sum(open_amount + redeemed + written_off + cancelled) as decimal(18, 2)) as issued_amount,
    cast(sum(open_amount) as decimal(18, 2)) as open_amount,
    {%- for days in [0, 30, 90] %}
    cast(sum(case when days_past_due > {{ days }} then open_amount else 0 end) as decimal(18, 2))
        as overdue{{ '_over_' ~ days if days }}_amount,
    {%- endfor %}
    cast(sum(redeemed) as decimal(18, 2)) as redeemed_amount,
    cast(sum(written_off) as decimal(18, 2)) as written_off_amount,
    cast(sum(cancelled) as decimal(18, 2)) as cancelled_amount,
    cast(count(*) as bigint) as certificate_count
from aged
where months_on_book between 0 and {{ last_month_on_book }}
group by month_end_date, issue_month_end_date, months_on_book, core_enterprise_id, instrument_type, currency
