{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='root_certificate_id',
        pre_hook='{{ drop_touched(is_touched_root()) }}'
    )
}}

with certificates as (
    select
        certificate_id,
        root_certificate_id,
        opened_date
    from {{ ref('int_certificate') }}
    where opened_date is not null and {{ is_touched_root() }}
),

-- A withdrawn certificate keeps its last terms, for the entries that take it out of the ledger.
versions as (
    select *
    from {{ ref('stg_platform__certificate') }}
    where {{ is_touched_root() }} and not {{ is_withdrawal() }}
),

stated as (
    select
        versions.*,
        certificates.opened_date,
        greatest(versions.valid_from, certificates.opened_date) as in_ledger_from
    from {{ version_intervals('versions', ['certificate_id']) }} as versions
    inner join certificates
        on
            versions.certificate_id = certificates.certificate_id
            and versions.root_certificate_id = certificates.root_certificate_id
    where versions.valid_to is null or versions.valid_to > certificates.opened_date
),

first_stated as (
    select
        certificate_id,
        due_date as first_due_date
    from versions
    qualify row_number() over (partition by certificate_id order by {{ version_order() }}) = 1
),

extensions as (
    select
        certificate_id,
        certificate_event_id,
        occurred_at,
        new_due_date,
        posted_date as valid_from,
        valid_to
    from {{ ref('int_certificate_event') }}
    where
        event_type = 'EXTENDED'
        and new_due_date is not null
        and posted_date is not null
        and (valid_to is null or valid_to > posted_date)
        and {{ is_touched_root() }}
),

change_days as (
    select certificate_id, in_ledger_from as valid_from from stated
    union
    select certificate_id, valid_from from extensions
    union
    select certificate_id, valid_to as valid_from from extensions where valid_to is not null
),

intervals as (
    select
        certificate_id,
        valid_from,
        lead(valid_from) over (partition by certificate_id order by valid_from) as valid_to
    from change_days
),

-- Of several extensions the one that was agreed last holds.
extended as (
    select
        intervals.certificate_id,
        intervals.valid_from,
        extensions.new_due_date
    from intervals
    inner join extensions
        on
            intervals.certificate_id = extensions.certificate_id
            and {{ valid_on('extensions', 'intervals.valid_from') }}
    qualify
        row_number() over (
            partition by intervals.certificate_id, intervals.valid_from
            order by extensions.occurred_at desc, extensions.certificate_event_id desc
        ) = 1
)

select
    intervals.certificate_id,
    stated.root_certificate_id,
    intervals.valid_from,
    intervals.valid_to,
    stated.parent_certificate_id,
    stated.core_enterprise_id,
    stated.facility_id,
    stated.holder_id,
    stated.tier,
    stated.instrument_type,
    stated.currency,
    stated.issue_date,
    coalesce(extended.new_due_date, stated.due_date) as due_date,
    first_stated.first_due_date,
    extended.new_due_date is not null as is_extended
from intervals
inner join stated
    on
        intervals.certificate_id = stated.certificate_id
        and intervals.valid_from >= stated.in_ledger_from
        and (stated.valid_to is null or intervals.valid_from < stated.valid_to)
inner join first_stated on intervals.certificate_id = first_stated.certificate_id
left join extended
    on intervals.certificate_id = extended.certificate_id and intervals.valid_from = extended.valid_from
