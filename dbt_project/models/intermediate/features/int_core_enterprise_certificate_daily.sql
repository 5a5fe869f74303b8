{{ config(materialized='incremental', incremental_strategy='append') }}

with first_certificates as (
    select * from {{ first_version(ref('stg_platform__certificate'), ['certificate_id']) }}
),

issued as (
    select
        core_enterprise_id,
        due_date,
        known_date,
        face_amount as issued_amount,
        cast(0 as decimal(18, 2)) as redeemed_amount,
        cast(0 as decimal(18, 2)) as redeemed_on_time_amount
    from first_certificates
    where
        certificate_id = root_certificate_id
        {%- if is_night() %}
        and known_date > {{ since_date() }}
        {%- endif %}
),

redeemed as (
    select
        first_certificates.core_enterprise_id,
        first_certificates.due_date,
        entries.entry_date as known_date,
        cast(0 as decimal(18, 2)) as issued_amount,
        entries.entry_sign * entries.amount as redeemed_amount,
        case
            when cast(entries.occurred_at as date) <= first_certificates.due_date
                then entries.entry_sign * entries.amount
            else 0
        end as redeemed_on_time_amount
    from {{ ledger_entries(ref('stg_platform__certificate_event'), ['certificate_event_id']) }} as entries
    inner join first_certificates on entries.certificate_id = first_certificates.certificate_id
    where
        entries.event_type = 'REDEEMED'
        and first_certificates.known_date <= entries.entry_date
),

changes as (
    select * from issued
    union all
    select * from redeemed
)

select
    core_enterprise_id,
    due_date,
    known_date,
    cast(sum(issued_amount) as decimal(18, 2)) as issued_amount,
    cast(sum(redeemed_amount) as decimal(18, 2)) as redeemed_amount,
    cast(sum(redeemed_on_time_amount) as decimal(18, 2)) as redeemed_on_time_amount
from changes
group by core_enterprise_id, due_date, known_date
