{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

with core_enterprises as (
    select
        dates.as_of_date,
        core_enterprises.core_enterprise_id,
        core_enterprises.party_id
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on {{ valid_on('core_enterprises', 'dates.as_of_date') }}
),

rating_versions as (
    select
        {{ party_id('party_no_scheme', 'party_no') }} as party_id,
        rating_notch,
        rating_date,
        -- of two agencies on one day the worse rating counts
        {{ days_between("cast('2000-01-01' as date)", 'rating_date') }} * 100 + rating_notch as recency,
        valid_from,
        valid_to
    from {{ version_intervals(
        ref('stg_external__agency_rating'), ['party_no', 'party_no_scheme', 'agency', 'rating_date']
    ) }} as versions
),

ratings as (
    select
        core_enterprises.as_of_date,
        core_enterprises.core_enterprise_id,
        cast(max_by(ratings.rating_notch, ratings.recency) as integer) as rating_notch,
        cast(
            max_by(ratings.rating_notch, ratings.recency) filter (
                where ratings.rating_date <= {{ add_days('core_enterprises.as_of_date', -365) }}
            ) as integer
        ) as rating_notch_year_ago
    from core_enterprises
    inner join rating_versions as ratings
        on
            core_enterprises.party_id = ratings.party_id
            and {{ valid_on('ratings', 'core_enterprises.as_of_date') }}
            and ratings.rating_date <= core_enterprises.as_of_date
    group by core_enterprises.as_of_date, core_enterprises.core_enterprise_id
),

overdue as (
    select
        dates.as_of_date,
        certificates.core_enterprise_id,
        min(certificates.due_date) as oldest_due_date
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_certificate_position_interval') }} as positions
        on {{ valid_on('positions', 'dates.as_of_date') }}
    inner join {{ ref('int_certificate_term_interval') }} as certificates
        on
            positions.certificate_id = certificates.certificate_id
            and {{ valid_on('certificates', 'dates.as_of_date') }}
    where positions.available_amount + positions.frozen_amount + positions.financed_amount > 0
    group by dates.as_of_date, certificates.core_enterprise_id
),

public_records as (
    select
        core_enterprises.as_of_date,
        core_enterprises.core_enterprise_id,
        records.record_type,
        {{ days_between('records.published_date', 'core_enterprises.as_of_date') }} as record_age_days,
        records.closed_date is null or records.closed_date > core_enterprises.as_of_date as is_open
    from core_enterprises
    inner join {{ ref('int_public_record') }} as records
        on
            core_enterprises.party_id = records.party_id
            and {{ valid_on('records', 'core_enterprises.as_of_date') }}
    where
        records.record_type in ('BILL_OVERDUE', 'INSOLVENCY')
        and records.published_date <= core_enterprises.as_of_date
),

-- One bill that was late for a day is on the exchange's list too: only who is on it again and again has defaulted.
recorded as (
    select
        records.as_of_date,
        records.core_enterprise_id,
        max(case when records.record_type = 'INSOLVENCY' and records.is_open then 1 else 0 end) as is_insolvent,
        max(case when records.record_type = 'BILL_OVERDUE' and records.is_open then 1 else 0 end) as has_open_bill,
        sum(
            case when records.record_type = 'BILL_OVERDUE' and records.record_age_days < windows.value then 1 else 0 end
        ) as overdue_bill_count
    from public_records as records
    left join {{ ref('rule_parameter') }} as windows
        on {{ rule_in_force('windows', 'bill_overdue_window_days', 'records.as_of_date') }}
    group by records.as_of_date, records.core_enterprise_id
)

select
    core_enterprises.as_of_date,
    core_enterprises.core_enterprise_id,
    ratings.rating_notch,
    ratings.rating_notch_year_ago,
    case
        when recorded.is_insolvent = 1 then 'INSOLVENCY'
        when recorded.has_open_bill = 1 and recorded.overdue_bill_count >= bill_counts.value then 'BILL_OVERDUE'
        when {{ days_between('overdue.oldest_due_date', 'core_enterprises.as_of_date') }} > delays.value
            then 'CERTIFICATE_OVERDUE'
    end as default_cause,
    case
        when default_cause is not null then 1
        when ratings.rating_notch is null then cast(unrated.value as double)
        else cast(pds.pd_12m as double)
    end as pd_12m
from core_enterprises
left join {{ ref('rule_parameter') }} as delays
    on {{ rule_in_force('delays', 'technical_delay_days', 'core_enterprises.as_of_date') }}
left join {{ ref('rule_parameter') }} as unrated
    on {{ rule_in_force('unrated', 'unrated_12m_pd', 'core_enterprises.as_of_date') }}
left join ratings
    on
        core_enterprises.as_of_date = ratings.as_of_date
        and core_enterprises.core_enterprise_id = ratings.core_enterprise_id
left join {{ ref('rating_pd') }} as pds
    on
        ratings.rating_notch = pds.rating_notch
        and {{ valid_on('pds', 'core_enterprises.as_of_date') }}
left join overdue
    on
        core_enterprises.as_of_date = overdue.as_of_date
        and core_enterprises.core_enterprise_id = overdue.core_enterprise_id
left join recorded
    on
        core_enterprises.as_of_date = recorded.as_of_date
        and core_enterprises.core_enterprise_id = recorded.core_enterprise_id
left join {{ ref('rule_parameter') }} as bill_counts
    on {{ rule_in_force('bill_counts', 'bill_overdue_default_count', 'core_enterprises.as_of_date') }}
