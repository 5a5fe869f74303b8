with events as (
    select * from {{ version_entries(ref('stg_platform__facility_event'), ['facility_event_id']) }}
),

-- LIMIT_SET replaces the limit, so the newest instruction that holds on a day counts.
limits as (
    select
        facility_id,
        amount,
        valid_from,
        valid_to,
        row_number() over (partition by facility_id order by event_at, {{ version_order() }}) as instruction_no
    from {{ version_intervals(ref('stg_platform__facility_event'), ['facility_event_id']) }}
    where event_type = 'LIMIT_SET'
),

daily as (
    select
        facility_id,
        core_enterprise_id,
        funder_id,
        currency,
        entry_date,
        sum(
            case event_type when 'BLOCK' then entry_sign * amount when 'UNBLOCK' then -entry_sign * amount else 0 end
        ) as blocked
    from events
    group by facility_id, core_enterprise_id, funder_id, currency, entry_date
),

running as (
    select
        facility_id,
        core_enterprise_id,
        funder_id,
        currency,
        entry_date as valid_from,
        lead(entry_date) over (partition by facility_id order by entry_date) as valid_to,
        sum(blocked) over (
            partition by facility_id order by entry_date rows between unbounded preceding and current row
        ) as blocked
    from daily
)

select
    running.facility_id,
    running.core_enterprise_id,
    running.funder_id,
    running.currency,
    running.valid_from,
    running.valid_to,
    max_by(limits.amount, limits.instruction_no) as limit_amount,
    cast(running.blocked as decimal(18, 2)) as blocked_amount
from running
left join limits
    on
        running.facility_id = limits.facility_id
        and running.valid_from >= limits.valid_from
        and (limits.valid_to is null or running.valid_from < limits.valid_to)
group by
    running.facility_id,
    running.core_enterprise_id,
    running.funder_id,
    running.currency,
    running.valid_from,
    running.valid_to,
    running.blocked
