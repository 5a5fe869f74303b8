{{ config(meta={'dagster': {'ref': {'name': 'fct_certificate_event'}}}) }}

-- issue <= accept <= split, transfer or finance <= due <= redeem, in the order in which things happened. Until when a
-- certificate may be passed on follows from the due date that holds; it may be redeemed from the day that was first
-- promised, also where it was put off. Looks at the trees on which something was delivered since the last finished
-- night; a full build looks at all.
with touched as (
    select root_certificate_id from {{ ref('int_touched_root') }}
),

accepted as (
    select
        certificate_id,
        min(occurred_at) as accepted_at
    from {{ ref('fct_certificate_event') }}
    where event_type = 'ACCEPTED' and root_certificate_id in (select root_certificate_id from touched)
    group by certificate_id
)

select
    events.certificate_event_id,
    events.event_type,
    events.occurred_at,
    terms.issue_date,
    terms.due_date
from {{ ref('fct_certificate_event') }} as events
inner join {{ ref('int_certificate_term_interval') }} as terms
    on events.certificate_id = terms.certificate_id and terms.valid_to is null
left join accepted on events.certificate_id = accepted.certificate_id
where
    events.root_certificate_id in (select root_certificate_id from touched)
    and (
        cast(events.occurred_at as date) < terms.issue_date
        or (events.event_type in ('SPLIT', 'TRANSFERRED', 'FINANCED') and events.occurred_at < accepted.accepted_at)
        or (
            events.event_type in ('ACCEPTED', 'SPLIT', 'TRANSFERRED', 'FINANCED')
            and cast(events.occurred_at as date) > terms.due_date
        )
        or (
            events.event_type = 'REDEEMED'
            and cast(events.occurred_at as date) < least(terms.first_due_date, terms.due_date)
        )
    )
