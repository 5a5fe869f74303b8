{{ config(meta={'dagster': {'ref': {'name': 'ageing_daily'}}}) }}

-- The ageing of the night holds every open amount of the receivables once.
with compared as (
    select
        core_enterprise_id,
        currency,
        open_amount as amount
    from {{ ref('ageing_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select
        core_enterprise_id,
        currency,
        -open_amount as amount
    from {{ ref('fct_receivable') }}
)

select
    core_enterprise_id,
    currency,
    sum(amount) as difference_amount
from compared
group by core_enterprise_id, currency
having sum(amount) <> 0
