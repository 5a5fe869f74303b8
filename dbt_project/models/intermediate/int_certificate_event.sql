{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='root_certificate_id',
    on_schema_change='append_new_columns',
) }}

with events as (
    select *
    from {{ ref('stg_platform__certificate_event') }}
    where {{ is_touched_root() }}
),

versions as (
    select * from {{ version_intervals('events', ['certificate_event_id']) }}
)

select
    versions.certificate_event_id,
    versions.certificate_id,
    versions.root_certificate_id,
    versions.event_type,
    versions.amount,
    versions.currency,
    versions.child_certificate_id,
    versions.from_holder_id,
    versions.to_holder_id,
    versions.occurred_at,
    versions.booked_at,
    versions.valid_from,
    versions.valid_to,
    case
        when
            certificates.opened_date is not null
            and (versions.child_certificate_id is null or children.first_known_date is not null)
            then greatest(
                versions.valid_from,
                certificates.opened_date,
                coalesce(children.first_known_date, certificates.opened_date)
            )
    end as posted_date,
    versions.new_due_date
from versions
left join {{ ref('int_certificate') }} as certificates on versions.certificate_id = certificates.certificate_id
left join {{ ref('int_certificate') }} as children on versions.child_certificate_id = children.certificate_id
