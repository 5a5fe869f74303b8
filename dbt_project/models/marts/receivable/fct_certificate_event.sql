{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='root_certificate_id',
        on_schema_change='append_new_columns',
        pre_hook='{{ drop_touched(is_touched_root()) }}'
    )
}}

select
    events.certificate_event_id,
    events.certificate_id,
    events.root_certificate_id,
    certificates.core_enterprise_id,
    certificates.holder_id,
    certificates.tier,
    events.event_type,
    events.amount,
    events.currency,
    events.child_certificate_id,
    events.from_holder_id,
    events.to_holder_id,
    events.occurred_at,
    events.booked_at,
    events.valid_from as known_date,
    events.posted_date,
    events.new_due_date
from {{ ref('int_certificate_event') }} as events
left join {{ ref('int_certificate') }} as certificates on events.certificate_id = certificates.certificate_id
where events.valid_to is null and {{ is_touched_root('events.root_certificate_id') }}
