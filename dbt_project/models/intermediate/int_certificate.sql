{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='root_certificate_id',
    on_schema_change='append_new_columns',
) }}

with recursive versions as (
    select *
    from {{ ref('stg_platform__certificate') }}
    where {{ is_touched_root() }}
),

first_known as (
    select
        certificate_id,
        min(known_date) as first_known_date
    from versions
    group by certificate_id
),

-- A certificate that is withdrawn keeps its terms here, for the entries that take it out of the ledger.
certificates as (
    select
        latest.*,
        case when {{ is_withdrawal('latest') }} then latest.known_date end as withdrawn_date,
        first_known.first_known_date
    from {{ last_content('versions', ['certificate_id']) }} as latest
    inner join first_known on latest.certificate_id = first_known.certificate_id
),

making_events as (
    select
        certificate_id,
        child_certificate_id,
        min(known_date) as known_date
    from {{ ref('stg_platform__certificate_event') }}
    where
        child_certificate_id is not null
        and {{ is_touched_root() }}
    group by certificate_id, child_certificate_id
),

-- A child enters the ledger on the first day on which it, the event that made it and its parent are all known, so
-- that files that arrive out of step never leave a tree unbalanced.
opened as (
    select
        certificate_id,
        first_known_date as opened_date
    from certificates
    where parent_certificate_id is null
    union all
    select
        certificates.certificate_id,
        greatest(certificates.first_known_date, making_events.known_date, opened.opened_date) as opened_date
    from opened
    inner join certificates on opened.certificate_id = certificates.parent_certificate_id
    inner join making_events
        on
            opened.certificate_id = making_events.certificate_id
            and certificates.certificate_id = making_events.child_certificate_id
)

select
    certificates.certificate_id,
    certificates.root_certificate_id,
    certificates.parent_certificate_id,
    certificates.core_enterprise_id,
    certificates.facility_id,
    certificates.holder_id,
    certificates.tier,
    certificates.instrument_type,
    certificates.face_amount,
    certificates.currency,
    certificates.issue_date,
    certificates.due_date,
    certificates.company_code,
    certificates.ap_document_no,
    certificates.fiscal_year,
    certificates.submitted_invoice_no,
    certificates.submitted_invoice_date,
    certificates.submitted_invoice_amount,
    certificates.first_known_date,
    opened.opened_date,
    certificates.withdrawn_date
from certificates
left join opened on certificates.certificate_id = opened.certificate_id
