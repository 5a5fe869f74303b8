{{ config(meta={'dagster': {'ref': {'name': 'limit_daily'}}}) }}

-- Every financing outstanding counts against a limit: exposure and utilised limits agree by core enterprise, funder
-- and currency.
with compared as (
    select
        core_enterprise_id,
        funder_id,
        currency,
        outstanding_amount as amount
    from {{ ref('exposure_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select
        core_enterprise_id,
        funder_id,
        currency,
        -utilised_amount as amount
    from {{ ref('limit_daily') }}
    where as_of_date = {{ as_of_date() }}
)

select
    core_enterprise_id,
    funder_id,
    currency,
    sum(amount) as difference_amount
from compared
group by core_enterprise_id, funder_id, currency
having sum(amount) <> 0
