{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='root_certificate_id') }}

with certificates as (
    select *
    from {{ ref('int_certificate') }}
    where
        opened_date is not null
        and {{ is_touched_root() }}
),

certificate_versions as (
    select *
    from {{ ref('stg_platform__certificate') }}
    where {{ is_touched_root() }}
),

openings as (
    select
        certificates.certificate_id,
        certificates.root_certificate_id,
        certificates.parent_certificate_id,
        greatest(entries.entry_date, certificates.opened_date) as posted_date,
        entries.entry_sign * entries.face_amount as amount
    from {{ version_entries('certificate_versions', ['certificate_id']) }} as entries
    inner join certificates on entries.certificate_id = certificates.certificate_id
),

signs as (
    select 1 as entry_sign
    union all
    select -1 as entry_sign
),

events as (
    select
        versions.certificate_id,
        versions.root_certificate_id,
        versions.event_type,
        case
            when signs.entry_sign = 1 then versions.posted_date
            else greatest(versions.posted_date, versions.valid_to)
        end as posted_date,
        signs.entry_sign * versions.amount as amount
    from {{ ref('int_certificate_event') }} as versions
    cross join signs
    where
        versions.posted_date is not null
        and (signs.entry_sign = 1 or versions.valid_to is not null)
        and {{ is_touched_root('versions.root_certificate_id') }}
),

entries as (
    select
        certificate_id,
        root_certificate_id,
        posted_date,
        'OPENED' as entry_type,
        amount
    from openings
    union all
    -- What a certificate passes on is what its parts have, whatever the events say that made them: so a tree conserves
    -- its face also while one of the two is wrong.
    select
        parent_certificate_id as certificate_id,
        root_certificate_id,
        posted_date,
        'PASSED_ON' as entry_type,
        amount
    from openings
    where parent_certificate_id is not null
    union all
    select
        certificate_id,
        root_certificate_id,
        posted_date,
        event_type as entry_type,
        amount
    from events
    where
        event_type in (
            'FROZEN', 'UNFROZEN', 'FINANCED', 'FINANCE_REPAID', 'REDEEMED', 'WRITTEN_OFF', 'CANCELLED'
        )
),

signed as (
    select
        certificate_id,
        root_certificate_id,
        posted_date,
        case when entry_type = 'OPENED' then amount else 0 end as opened,
        case when entry_type = 'PASSED_ON' then amount else 0 end as passed_on,
        case entry_type when 'FROZEN' then amount when 'UNFROZEN' then -amount else 0 end as frozen,
        case entry_type when 'FINANCED' then amount when 'FINANCE_REPAID' then -amount else 0 end as financed,
        case when entry_type = 'REDEEMED' then amount else 0 end as redeemed,
        case when entry_type = 'WRITTEN_OFF' then amount else 0 end as written_off,
        case when entry_type = 'CANCELLED' then amount else 0 end as cancelled
    from entries
)

select
    signed.certificate_id,
    signed.root_certificate_id,
    certificates.holder_id,
    signed.posted_date,
    {%- for leg in ['opened', 'passed_on', 'frozen', 'financed', 'redeemed', 'written_off', 'cancelled'] %}
    cast(sum(signed.{{ leg }}) as decimal(18, 2)) as {{ leg }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
from signed
inner join certificates on signed.certificate_id = certificates.certificate_id
group by signed.certificate_id, signed.root_certificate_id, certificates.holder_id, signed.posted_date
