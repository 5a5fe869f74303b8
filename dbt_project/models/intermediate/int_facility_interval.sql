with events as (
    select * from {{ version_entries(ref('stg_platform__facility_event'), ['facility_event_id']) }}
),

-- LIMIT_SET replaces the limit, so the newest instruction known counts; each kind of entry keeps its place in that
-- order.
ordered as (
    select
        *,
        row_number() over (
            partition by facility_id order by event_at, {{ version_order() }}, entry_sign
        ) as instruction_no
    from events
),

daily as (
    select
        facility_id,
        core_enterprise_id,
        funder_id,
        currency,
        entry_date,
        max(case when event_type = 'LIMIT_SET' and entry_sign = 1 then instruction_no end) as instruction_no,
        max_by(amount, case when event_type = 'LIMIT_SET' and entry_sign = 1 then instruction_no end) as limit_amount,
        sum(
            case event_type when 'BLOCK' then entry_sign * amount when 'UNBLOCK' then -entry_sign * amount else 0 end
        ) as blocked
    from ordered
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
        max_by(limit_amount, instruction_no) over (
            partition by facility_id order by entry_date rows between unbounded preceding and current row
        ) as limit_amount,
        sum(blocked) over (
            partition by facility_id order by entry_date rows between unbounded preceding and current row
        ) as blocked
    from daily
)

select
    facility_id,
    core_enterprise_id,
    funder_id,
    currency,
    valid_from,
    valid_to,
    limit_amount,
    cast(blocked as decimal(18, 2)) as blocked_amount
from running
