{{ config(meta={'dagster': {'ref': {'name': 'ageing_daily'}}}) }}

-- The ageing of the night and the receivables hold every open amount of the ledgers once. The ledgers know no core
-- enterprise, so that what a join on the way to both marts would drop is seen.
with sides as (
    select
        'ageing' as side,
        core_enterprise_id,
        currency,
        open_amount as amount
    from {{ ref('ageing_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select
        'receivables' as side,
        core_enterprise_id,
        currency,
        open_amount as amount
    from {{ ref('fct_receivable') }}
),

ledgers as (
    select
        currency,
        open_amount as amount
    from {{ ref('int_payable_interval') }}
    where valid_to is null and confirmed_date is not null
    union all
    select
        certificates.currency,
        positions.available_amount + positions.frozen_amount + positions.financed_amount as amount
    from {{ ref('int_certificate_position_interval') }} as positions
    inner join {{ ref('int_certificate') }} as certificates on positions.certificate_id = certificates.certificate_id
    where positions.valid_to is null
),

compared as (
    select
        'ageing less receivables' as compared,
        core_enterprise_id,
        currency,
        case side when 'ageing' then amount else -amount end as amount
    from sides
    union all
    select
        'receivables less ledgers' as compared,
        cast(null as string) as core_enterprise_id,
        currency,
        amount
    from sides
    where side = 'receivables'
    union all
    select
        'receivables less ledgers' as compared,
        cast(null as string) as core_enterprise_id,
        currency,
        -amount as amount
    from ledgers
)

select
    compared,
    core_enterprise_id,
    currency,
    sum(amount) as difference_amount
from compared
group by compared, core_enterprise_id, currency
having sum(amount) <> 0
