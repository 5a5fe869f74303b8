with rules as (
    select
        cast({{ rule_value('reconciliation_grace_days') }} as integer) as grace_days
),

-- What financings add to a facility and repayments take off it, by the night on which it was known.
entries as (
    select
        facility_id,
        valid_from as known_date,
        outstanding_amount as amount
    from {{ ref('int_financing_interval') }}
    union all
    select
        facility_id,
        valid_to as known_date,
        -outstanding_amount as amount
    from {{ ref('int_financing_interval') }}
    where valid_to is not null
    union all
    select
        facility_id,
        valid_from as known_date,
        0 as amount
    from {{ ref('int_facility_interval') }}
),

daily as (
    select
        facility_id,
        known_date,
        sum(amount) as amount
    from entries
    where known_date <= {{ as_of_date() }}
    group by facility_id, known_date
),

utilised as (
    select
        facility_id,
        known_date,
        lead(known_date) over (partition by facility_id order by known_date) as next_date,
        cast(
            sum(amount) over (
                partition by facility_id order by known_date rows between unbounded preceding and current row
            ) as decimal(18, 2)
        ) as utilised_amount
    from daily
),

states as (
    select
        utilised.facility_id,
        facilities.core_enterprise_id,
        facilities.funder_id,
        facilities.currency,
        utilised.known_date,
        utilised.next_date,
        utilised.utilised_amount,
        facilities.limit_amount,
        facilities.blocked_amount,
        facilities.reported_utilised_amount,
        utilised.utilised_amount + facilities.blocked_amount > facilities.limit_amount as is_exceeded,
        utilised.utilised_amount <> facilities.reported_utilised_amount as is_different
    from utilised
    inner join {{ ref('int_facility_interval') }} as facilities
        on utilised.facility_id = facilities.facility_id and {{ valid_on('facilities', 'utilised.known_date') }}
),

-- The run of days on which a facility stands as it does now.
since as (
    select
        facility_id,
        max(case when not coalesce(is_exceeded, false) then next_date end) as exceeded_since_date,
        max(case when not coalesce(is_different, false) then next_date end) as different_since_date,
        min(known_date) as first_date
    from states
    group by facility_id
),

standing as (
    select
        states.*,
        coalesce(since.exceeded_since_date, since.first_date) as exceeded_since_date,
        coalesce(since.different_since_date, since.first_date) as different_since_date
    from states
    inner join since on states.facility_id = since.facility_id
    where states.next_date is null
),

breaches as (
    select
        'LIMIT_EXCEEDED' as rule_id,
        facility_id,
        core_enterprise_id,
        funder_id,
        utilised_amount + blocked_amount - limit_amount as amount,
        currency,
        exceeded_since_date as first_known_date,
        'Of facility ' || facility_id || ' of ' || cast(limit_amount as string) || ' ' || currency || ' '
        || cast(utilised_amount as string) || ' are utilised and ' || cast(blocked_amount as string)
        || ' blocked.' as explanation
    from standing
    where is_exceeded
    union all
    select
        'UTILISATION_DIFFERS' as rule_id,
        standing.facility_id,
        standing.core_enterprise_id,
        standing.funder_id,
        abs(standing.utilised_amount - standing.reported_utilised_amount) as amount,
        standing.currency,
        {{ add_days('standing.different_since_date', 'rules.grace_days') }} as first_known_date,
        'Financings of facility ' || standing.facility_id || ' have ' || cast(standing.utilised_amount as string) || ' '
        || standing.currency || ' outstanding; by its events '
        || cast(standing.reported_utilised_amount as string) || ' are utilised.' as explanation
    from standing
    cross join rules
    where standing.is_different
)

{{ breaches_known(
    subject_kind="'FACILITY'", subject_id='facility_id',
    supplier_id='cast(null as string)', counterpart_id='funder_id'
) }}
