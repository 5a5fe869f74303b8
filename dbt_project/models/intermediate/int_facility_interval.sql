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
        ) as blocked,
        sum(
            case event_type when 'UTILISE' then entry_sign * amount when 'RELEASE' then -entry_sign * amount else 0 end
        ) as utilised,
        sum(case when event_type in ('UTILISE', 'RELEASE') then entry_sign else 0 end) as use_count
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
        ) as blocked,
        sum(utilised) over (
            partition by facility_id order by entry_date rows between unbounded preceding and current row
        ) as utilised,
        sum(use_count) over (
            partition by facility_id order by entry_date rows between unbounded preceding and current row
        ) as use_count
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
    cast(running.blocked as decimal(18, 2)) as blocked_amount,
    -- a funder that reports no use says nothing of it
    case when running.use_count > 0 then cast(running.utilised as decimal(18, 2)) end as reported_utilised_amount
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
    running.blocked,
    running.utilised,
    running.use_count
