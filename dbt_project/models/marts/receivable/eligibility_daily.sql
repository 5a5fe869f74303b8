{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='append_new_columns',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

{%- set group = ['as_of_date', 'core_enterprise_id', 'supplier_id', 'instrument_type', 'currency'] %}

with dates as (
    {{ snapshot_dates_with(['eligible_max_dpd_days', 'cross_age_ratio', 'debtor_concentration_cap_ratio']) }}
),

payables as (
    {{ payables_on('dates', with_unconfirmed=true) }}
),

certificates as (
    {{ certificates_on('dates') }}
),

-- A part of a certificate that a funder holds or that is frozen is a row of its own, as is the retention of a payable.
parts as (
    select
        as_of_date,
        core_enterprise_id,
        supplier_id,
        'PAYABLE' as instrument_type,
        currency,
        receivable_id,
        due_date,
        is_confirmed,
        is_disputed,
        case when is_retention then 'RETENTION' end as part_reason,
        open_amount
    from payables
    {%- for reason, amount in [
        ('ALREADY_FINANCED', 'financed_amount'),
        ('FROZEN', 'frozen_amount'),
        (none, '(open_amount - financed_amount - frozen_amount)'),
    ] %}
    union all
    select
        as_of_date,
        core_enterprise_id,
        supplier_id,
        instrument_type,
        currency,
        receivable_id,
        due_date,
        true as is_confirmed,
        false as is_disputed,
        {{ "'" ~ reason ~ "'" if reason else 'cast(null as string)' }} as part_reason,
        {{ amount }} as open_amount
    from certificates
    where {{ amount }} <> 0
    {%- endfor %}
),

aged as (
    select
        parts.*,
        {{ days_between('parts.due_date', 'parts.as_of_date') }} > dates.eligible_max_dpd_days as is_over_aged,
        dates.cross_age_ratio,
        dates.debtor_concentration_cap_ratio
    from parts
    inner join dates on parts.as_of_date = dates.as_of_date
),

-- What a debtor owes one supplier stands and falls together: too large a part too late makes all of it ineligible.
debts as (
    select
        *,
        sum(case when is_confirmed and open_amount > 0 then open_amount else 0 end) over (
            partition by as_of_date, core_enterprise_id, supplier_id, currency
        ) as owed,
        sum(case when is_confirmed and is_over_aged and open_amount > 0 then open_amount else 0 end) over (
            partition by as_of_date, core_enterprise_id, supplier_id, currency
        ) as over_aged
    from aged
),

judged as (
    select
        *,
        case
            when not is_confirmed then 'NOT_CONFIRMED'
            when is_disputed then 'DISPUTED'
            when part_reason is not null then part_reason
            when is_over_aged then 'OVER_AGED'
            when over_aged >= cross_age_ratio * owed and over_aged > 0 then 'CROSS_AGED'
            else 'ELIGIBLE'
        end as reason
    from debts
),

summed as (
    select
        {{ group | join(',
        ') }},
        reason,
        max(debtor_concentration_cap_ratio) as cap_ratio,
        sum(open_amount) as open_amount,
        count(distinct receivable_id) as receivable_count
    from judged
    group by {{ group | join(', ') }}, reason
),

-- Of all that is eligible in a currency one debtor may be a part only; what is above goes off every row of his alike.
pools as (
    select
        *,
        sum(case when reason = 'ELIGIBLE' then open_amount else 0 end) over (
            partition by as_of_date, core_enterprise_id, currency
        ) as debtor_eligible,
        sum(case when reason = 'ELIGIBLE' then open_amount else 0 end) over (partition by as_of_date, currency)
            as pool_eligible
    from summed
),

excesses as (
    select
        *,
        case
            when reason = 'ELIGIBLE' and debtor_eligible > cap_ratio * pool_eligible and debtor_eligible > 0
                then cast(
                    open_amount * (1 - cast(cap_ratio * pool_eligible as double) / cast(debtor_eligible as double))
                    as decimal(18, 2)
                )
            else 0
        end as excess
    from pools
),

parted as (
    select
        {{ group | join(',
        ') }},
        reason,
        cast(open_amount - excess as decimal(18, 2)) as open_amount,
        cast(receivable_count as bigint) as receivable_count
    from excesses
    where open_amount <> excess
    union all
    select
        {{ group | join(',
        ') }},
        'CONCENTRATION_EXCESS' as reason,
        cast(excess as decimal(18, 2)) as open_amount,
        cast(receivable_count as bigint) as receivable_count
    from excesses
    where excess <> 0
)

select
    parted.*,
    cast({{ converted('parted.open_amount') }} as decimal(18, 2)) as reporting_amount,
    '{{ var("reporting_currency") }}' as reporting_currency
from parted
left join {{ ref('int_reporting_rate_daily') }} as rates
    on parted.as_of_date = rates.as_of_date and parted.currency = rates.currency
