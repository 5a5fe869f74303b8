{{ config(meta={'dagster': {'ref': {'name': 'fct_certificate_event'}}}) }}

-- issue <= accept <= split, transfer or finance <= due <= redeem, in the order in which things happened.
with accepted as (
    select
        certificate_id,
        min(occurred_at) as accepted_at
    from {{ ref('fct_certificate_event') }}
    where event_type = 'ACCEPTED'
    group by certificate_id
)

select
    events.certificate_event_id,
    events.event_type,
    events.occurred_at,
    certificates.issue_date,
    certificates.due_date
from {{ ref('fct_certificate_event') }} as events
inner join {{ ref('int_certificate') }} as certificates on events.certificate_id = certificates.certificate_id
left join accepted on events.certificate_id = accepted.certificate_id
where
    cast(events.occurred_at as date) < certificates.issue_date
    or (events.event_type in ('SPLIT', 'TRANSFERRED', 'FINANCED') and events.occurred_at < accepted.accepted_at)
    or (
        events.event_type in ('ACCEPTED', 'SPLIT', 'TRANSFERRED', 'FINANCED')
        and cast(events.occurred_at as date) > certificates.due_date
    )
    or (events.event_type = 'REDEEMED' and cast(events.occurred_at as date) < certificates.due_date)
