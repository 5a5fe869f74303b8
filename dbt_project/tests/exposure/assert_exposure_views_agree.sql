{{ config(meta={'dagster': {'ref': {'name': 'concentration_daily'}}}) }}

-- What else is said of exposures agrees, to the cent, on the night: every dimension of the concentration adds up to
-- exposure_daily in the reporting currency; of the maturity ladder what is financed is the exposure, and what is held
-- and payable the ageing, by core enterprise and currency. At the last month-end that was disclosed, opening and
-- changes give the liability, and the liability is what the ladder says is held.
{%- set month_end = '(select max(month_end_date) from ' ~ ref('sfa_disclosure') ~ ')' %}

with exposures as (
    select * from {{ ref('exposure_daily') }} where as_of_date = {{ as_of_date() }}
),

compared as (
    {%- for dimension, member in concentration_dimensions() %}
    select
        'exposure less {{ dimension }}' as difference,
        cast(null as string) as core_enterprise_id,
        reporting_currency as currency,
        reporting_amount as amount
    from exposures
    union all
    {%- endfor %}
    select
        'exposure less ' || dimension as difference,
        cast(null as string) as core_enterprise_id,
        reporting_currency as currency,
        -exposure_amount as amount
    from {{ ref('concentration_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select 'exposure less ladder' as difference, core_enterprise_id, currency, outstanding_amount as amount
    from exposures
    union all
    select 'exposure less ladder' as difference, core_enterprise_id, currency, -financed_amount as amount
    from {{ ref('maturity_ladder_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select 'ageing less ladder' as difference, core_enterprise_id, currency, open_amount as amount
    from {{ ref('ageing_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select 'ageing less ladder' as difference, core_enterprise_id, currency, -held_amount - payable_amount as amount
    from {{ ref('maturity_ladder_daily') }}
    where as_of_date = {{ as_of_date() }}
    union all
    select
        'disclosed changes from opening to closing' as difference,
        core_enterprise_id,
        currency,
        opening_amount + issued_amount - redeemed_amount - written_off_amount - cancelled_amount - liability_amount
            as amount
    from {{ ref('sfa_disclosure') }}
    where month_end_date = {{ month_end }}
    union all
    select 'disclosure less ladder' as difference, core_enterprise_id, currency, liability_amount as amount
    from {{ ref('sfa_disclosure') }}
    where month_end_date = {{ month_end }}
    union all
    select 'disclosure less ladder' as difference, core_enterprise_id, currency, -held_amount as amount
    from {{ ref('maturity_ladder_daily') }}
    where as_of_date = {{ month_end }}
)

select
    difference,
    core_enterprise_id,
    currency,
    sum(amount) as difference_amount
from compared
group by difference, core_enterprise_id, currency
having sum(amount) <> 0
