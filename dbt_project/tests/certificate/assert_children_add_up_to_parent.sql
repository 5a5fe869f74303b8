{{ config(meta={'dagster': {'ref': {'name': 'int_certificate_position_interval'}}}) }}

-- A split or transfer ends a certificate: its children together have its face, and nothing of it stays with the
-- parent. A parent one of whose children is not in the ledger yet, because a row of it is late or refused, is still
-- being divided.
with children as (
    select
        parent_certificate_id as certificate_id,
        sum(face_amount) as face_amount,
        count(*) - count(opened_date) as unopened_children
    from {{ ref('int_certificate') }}
    where parent_certificate_id is not null and withdrawn_date is null
    group by parent_certificate_id
),

unposted as (
    select certificate_id
    from {{ ref('fct_certificate_event') }}
    where event_type in ('SPLIT', 'TRANSFERRED') and posted_date is null
),

parents as (
    select
        certificate_id,
        face_amount,
        passed_on_amount,
        available_amount + frozen_amount + financed_amount as held_amount
    from {{ ref('int_certificate_position_interval') }}
    where valid_to is null and passed_on_amount <> 0
)

select
    parents.certificate_id,
    parents.face_amount,
    parents.held_amount,
    children.face_amount as children_face_amount
from parents
left join children on parents.certificate_id = children.certificate_id
where
    coalesce(children.unopened_children, 0) = 0
    and parents.certificate_id not in (select unposted.certificate_id from unposted)
    and (
        children.certificate_id is null
        or children.face_amount <> parents.face_amount
        or parents.held_amount <> 0
    )
