{{ config(meta={'dagster': {'ref': {'name': 'exposure_daily'}}}) }}

-- Exposure of the night is financed principal less repayments, by currency, straight from the latest delivered
-- versions.
with financed as (
    select
        financing_id,
        facility_id,
        currency,
        principal_amount as amount
    from {{ latest_version(ref('stg_platform__financing'), ['financing_id']) }}
),

ledger as (
    select
        currency,
        amount
    from financed
    union all
    select
        financed.currency,
        -repayments.amount as amount
    from {{ latest_version(ref('stg_platform__repayment'), ['repayment_id']) }} as repayments
    inner join financed on repayments.financing_id = financed.financing_id
),

compared as (
    select 'ledger' as side, currency, amount from ledger
    union all
    select
        'exposure' as side,
        currency,
        -outstanding_amount as amount
    from {{ ref('exposure_daily') }}
    where as_of_date = {{ as_of_date() }}
)

select
    currency,
    sum(amount) as difference_amount
from compared
group by currency
having sum(amount) <> 0
