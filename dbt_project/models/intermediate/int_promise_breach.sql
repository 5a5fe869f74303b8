with rules as (
    select
        cast({{ rule_value('evergreen_window_days') }} as integer) as evergreen_days,
        {{ rule_value('evergreen_match_ratio') }} as evergreen_match_ratio,
        {{ rule_value('evergreen_share_ratio') }} as evergreen_share_ratio,
        {{ rule_value('evergreen_min_count') }} as evergreen_min_count
),

certificates as (
    select *
    from {{ ref('int_certificate') }}
    where
        opened_date is not null
        and withdrawn_date is null
        -- what was cancelled as a whole promises nothing
        and certificate_id not in (
            select cancelled.certificate_id from {{ ref('int_certificate_position_interval') }} as cancelled
            where cancelled.valid_to is null and cancelled.cancelled_amount = cancelled.face_amount
                and cancelled.face_amount > 0
        )
),

terms as (
    select
        terms.*,
        certificates.face_amount,
        certificates.certificate_id = certificates.root_certificate_id as is_root
    from {{ ref('int_certificate_term_interval') }} as terms
    inner join certificates on terms.certificate_id = certificates.certificate_id
),

-- Missing says nothing of the channel.
channels as (
    select
        latest.certificate_id,
        latest.confirmation_channel,
        greatest(latest.known_date, certificates.opened_date) as known_date
    from {{ latest_version(ref('stg_platform__certificate'), ['certificate_id']) }} as latest
    inner join certificates on latest.certificate_id = certificates.certificate_id
    inner join {{ ref('rule_parameter') }} as trusted
        on {{ rule_in_force('trusted', 'trusted_channel', 'latest.issue_date', 'latest.confirmation_channel') }}
    where trusted.value = 0
),

-- A certificate may run longer than at first by an extension; the cap is that of the day of issue.
tenors as (
    select
        terms.certificate_id,
        terms.issue_date,
        terms.due_date,
        terms.valid_from,
        terms.valid_to,
        {{ days_between('terms.issue_date', 'terms.due_date') }} as tenor_days,
        caps.value as cap_days,
        flags.value as flag_days
    from terms
    inner join {{ ref('rule_parameter') }} as caps
        on {{ rule_in_force('caps', 'tenor_cap_days', 'terms.issue_date') }}
    inner join {{ ref('rule_parameter') }} as flags
        on {{ rule_in_force('flags', 'tenor_reason_days', 'terms.issue_date') }}
    where terms.is_root
),

long_tenors as (
    select
        certificate_id,
        min(case when tenor_days > cap_days then valid_from end) as capped_date,
        min(case when tenor_days > flag_days then valid_from end) as flagged_date,
        max(case when valid_to is null then tenor_days end) as tenor_days,
        max(case when valid_to is null then cap_days end) as cap_days,
        max(case when valid_to is null then flag_days end) as flag_days,
        max(
            case
                when valid_to is null
                    then ' runs ' || cast(tenor_days as string) || ' days, from ' || cast(issue_date as string)
                        || ' to ' || cast(due_date as string)
            end
        ) as said
    from tenors
    group by certificate_id
),

-- The divisions of a certificate that its taker makes for itself are no return.
returned_paths as (
    select
        paths.certificate_id,
        min(paths.holder_distance) as passed_count
    from {{ ref('certificate_path') }} as paths
    inner join {{ ref('certificate_path') }} as parents
        on paths.certificate_id = parents.certificate_id and parents.distance = 1
    where
        paths.holder_distance > 1
        and paths.ancestor_holder_id = paths.holder_id
        and parents.ancestor_holder_id <> parents.holder_id
    group by paths.certificate_id
),

-- A claim that comes back to the control group of an earlier holder goes round among parties that one will directs.
returned_groups as (
    select
        paths.certificate_id,
        min(paths.ancestor_holder_id) as earlier_holder_id,
        min(greatest(certificates.opened_date, holders.valid_from, earlier.valid_from, ties.known_date)) as known_date
    from {{ ref('certificate_path') }} as paths
    inner join certificates on paths.certificate_id = certificates.certificate_id
    inner join {{ ref('certificate_path') }} as parents
        on paths.certificate_id = parents.certificate_id and parents.distance = 1
    inner join {{ ref('int_supplier') }} as holders
        on paths.holder_id = holders.supplier_id and holders.valid_to is null
    inner join {{ ref('int_supplier') }} as earlier
        on paths.ancestor_holder_id = earlier.supplier_id and earlier.valid_to is null
    inner join {{ ref('int_control_tie') }} as ties
        on
            holders.party_id = ties.party_id
            and earlier.party_id = ties.other_party_id
            and certificates.issue_date < ties.end_date
            and certificates.due_date >= ties.first_date
    where
        paths.holder_distance > 1
        and paths.ancestor_holder_id <> paths.holder_id
        and parents.ancestor_holder_id <> parents.holder_id
    group by paths.certificate_id
),

related as (
    select
        certificates.certificate_id,
        min(
            greatest(
                certificates.opened_date,
                suppliers.valid_from,
                core_enterprises.valid_from,
                coalesce(ties.known_date, suppliers.valid_from)
            )
        ) as known_date
    from certificates
    inner join {{ ref('int_supplier') }} as suppliers
        on certificates.holder_id = suppliers.supplier_id and suppliers.valid_to is null
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            certificates.core_enterprise_id = core_enterprises.core_enterprise_id
            and core_enterprises.valid_to is null
    left join {{ ref('int_control_tie') }} as ties
        on
            suppliers.party_id = ties.party_id
            and core_enterprises.party_id = ties.other_party_id
            and certificates.issue_date < ties.end_date
            and certificates.due_date >= ties.first_date
    where ties.party_id is not null or suppliers.party_id = core_enterprises.party_id
    group by certificates.certificate_id
),

-- A term counts by the law of the day of posting; of a supplier the law sees the size known now.
long_terms as (
    select
        payables.payable_id,
        suppliers.supplier_id,
        core_enterprises.core_enterprise_id,
        payables.currency,
        payables.gross_amount,
        payables.payment_terms_days,
        caps.value as cap_days,
        payables.posting_date,
        payables.valid_from,
        payables.valid_to
    from {{ ref('int_payable_interval') }} as payables
    inner join {{ ref('rule_parameter') }} as caps
        on {{ rule_in_force('caps', 'statutory_term_days', 'payables.posting_date') }}
    {{ parties_of_payables(as_of_date()) }}
    inner join {{ ref('int_supplier') }} as suppliers
        on roles.supplier_id = suppliers.supplier_id and suppliers.valid_to is null
    where
        payables.payment_terms_days > caps.value
        and suppliers.size_class <> 'LARGE'
        and core_enterprises.core_enterprise_id is not null
),

-- Each maturity is judged when the days in which it could be rolled over are past, or later where it became known
-- later.
roots as (
    select
        terms.certificate_id,
        terms.core_enterprise_id,
        terms.holder_id,
        terms.currency,
        terms.face_amount,
        terms.issue_date,
        terms.due_date,
        certificates.opened_date
    from terms
    inner join certificates on terms.certificate_id = certificates.certificate_id
    where terms.is_root and terms.valid_to is null
),

neighbours as (
    select 0 as blocks_on
    union all
    select 1 as blocks_on
),

fresh_roots as (
    select
        roots.*,
        {{ day_block('roots.issue_date', '2 * rules.evergreen_days + 1') }} as day_block
    from roots
    cross join rules
),

rollover_days as (
    select
        roots.certificate_id,
        roots.core_enterprise_id,
        roots.holder_id,
        roots.currency,
        roots.due_date,
        roots.face_amount,
        {{ day_block(add_days('roots.due_date', '-rules.evergreen_days'), '2 * rules.evergreen_days + 1') }}
        + neighbours.blocks_on as day_block
    from roots
    cross join rules
    cross join neighbours
),

rollovers as (
    select
        matured.certificate_id,
        min(fresh.opened_date) as renewed_date
    from rollover_days as matured
    cross join rules
    inner join fresh_roots as fresh
        on
            matured.core_enterprise_id = fresh.core_enterprise_id
            and matured.holder_id = fresh.holder_id
            and matured.currency = fresh.currency
            and matured.day_block = fresh.day_block
            and fresh.issue_date >= {{ add_days('matured.due_date', '-rules.evergreen_days') }}
            and fresh.issue_date <= {{ add_days('matured.due_date', 'rules.evergreen_days') }}
            and fresh.certificate_id <> matured.certificate_id
    where abs(fresh.face_amount - matured.face_amount) <= matured.face_amount * rules.evergreen_match_ratio
    group by matured.certificate_id
),

maturities as (
    select
        roots.core_enterprise_id,
        roots.holder_id,
        roots.currency,
        roots.due_date,
        roots.face_amount,
        case when rollovers.certificate_id is not null then roots.face_amount else 0 end as rolled_amount,
        case when rollovers.certificate_id is not null then 1 else 0 end as rolled_count,
        greatest(
            {{ add_days('roots.due_date', 'rules.evergreen_days') }},
            roots.opened_date,
            coalesce(rollovers.renewed_date, roots.opened_date)
        ) as judged_date
    from roots
    cross join rules
    left join rollovers on roots.certificate_id = rollovers.certificate_id
),

rolled_years as (
    select
        core_enterprise_id,
        holder_id,
        currency,
        judged_date,
        sum(face_amount) over year_before as matured_amount,
        sum(rolled_amount) over year_before as rolled_amount,
        sum(rolled_count) over year_before as rolled_count
    from maturities
    where judged_date <= {{ as_of_date() }}
    window
        year_before as (
            partition by core_enterprise_id, holder_id, currency order by judged_date
            range between interval 365 days preceding and current row
        )
),

evergreens as (
    select
        rolled_years.core_enterprise_id,
        rolled_years.holder_id,
        rolled_years.currency,
        min(rolled_years.judged_date) as known_date,
        max_by(rolled_years.rolled_count, rolled_years.judged_date) as rolled_count,
        max_by(rolled_years.rolled_amount, rolled_years.judged_date) as rolled_amount,
        max_by(rolled_years.matured_amount, rolled_years.judged_date) as matured_amount,
        max(rolled_years.judged_date) as last_date
    from rolled_years
    cross join rules
    where
        rolled_years.rolled_count >= rules.evergreen_min_count
        and rolled_years.rolled_amount >= rolled_years.matured_amount * rules.evergreen_share_ratio
    group by rolled_years.core_enterprise_id, rolled_years.holder_id, rolled_years.currency
),

-- What a certificate breaks, and how its sentence goes on after its amount.
broken as (
    select
        certificate_id,
        'CHANNEL_UNTRUSTED' as rule_id,
        known_date as first_known_date,
        ' was confirmed by ' || confirmation_channel || ', which does not show that its obligor did.' as said
    from channels
    union all
    select
        certificate_id,
        'TENOR_ABOVE_CAP' as rule_id,
        capped_date as first_known_date,
        said || '; none may run more than ' || cast(cast(cap_days as integer) as string) || '.' as said
    from long_tenors
    where tenor_days > cap_days
    union all
    select
        certificate_id,
        'TENOR_NEEDS_REASON' as rule_id,
        flagged_date as first_known_date,
        said || '; above ' || cast(cast(flag_days as integer) as string) || ' there must be a reason.' as said
    from long_tenors
    where tenor_days > flag_days and tenor_days <= cap_days
    union all
    select
        certificates.certificate_id,
        'PATH_REVISITS_HOLDER' as rule_id,
        certificates.opened_date as first_known_date,
        ' came back to ' || certificates.holder_id || ' after ' || cast(returned_paths.passed_count as string)
        || ' transfers.' as said
    from certificates
    inner join returned_paths on certificates.certificate_id = returned_paths.certificate_id
    union all
    select
        certificate_id,
        'PATH_REVISITS_GROUP' as rule_id,
        known_date as first_known_date,
        ' came back to the control group of ' || earlier_holder_id || ', which had passed it on.' as said
    from returned_groups
    union all
    select
        certificate_id,
        'RELATED_OBLIGOR_AND_HOLDER' as rule_id,
        known_date as first_known_date,
        ' is owed and held by one party or within one control group.' as said
    from related
),

breaches as (
    select
        broken.rule_id,
        'CERTIFICATE' as subject_kind,
        certificates.certificate_id as subject_id,
        certificates.core_enterprise_id,
        certificates.holder_id as supplier_id,
        certificates.face_amount as amount,
        certificates.currency,
        broken.first_known_date,
        'Certificate ' || certificates.certificate_id || ' of ' || certificates.core_enterprise_id || ' to '
        || certificates.holder_id || ' over ' || cast(certificates.face_amount as string) || ' '
        || certificates.currency || broken.said as explanation
    from certificates
    inner join broken on certificates.certificate_id = broken.certificate_id
    union all
    select
        'TERM_ABOVE_STATUTORY' as rule_id,
        'PAIR' as subject_kind,
        core_enterprise_id || ':' || supplier_id || ':' || currency as subject_id,
        core_enterprise_id,
        supplier_id,
        sum(case when valid_to is null then gross_amount else 0 end) as amount,
        currency,
        min(valid_from) as first_known_date,
        core_enterprise_id || ' pays ' || cast(count(distinct payable_id) as string) || ' invoices of ' || supplier_id
        || ' after up to ' || cast(max(payment_terms_days) as string) || ' days, since '
        || cast(min(posting_date) as string) || '; the law allows '
        || cast(cast(min(cap_days) as integer) as string) || '.' as explanation
    from long_terms
    group by core_enterprise_id, supplier_id, currency
    having max(case when valid_to is null then 1 else 0 end) = 1
    union all
    select
        'EVERGREEN' as rule_id,
        'PAIR' as subject_kind,
        core_enterprise_id || ':' || holder_id || ':' || currency as subject_id,
        core_enterprise_id,
        holder_id as supplier_id,
        rolled_amount as amount,
        currency,
        known_date as first_known_date,
        cast(rolled_count as string) || ' certificates of ' || core_enterprise_id || ' to ' || holder_id
        || ' that matured in the year to ' || cast(last_date as string) || ', ' || cast(rolled_amount as string)
        || ' of ' || cast(matured_amount as string) || ' ' || currency
        || ', were followed by new ones of about their amount.' as explanation
    from evergreens
)

{{ breaches_known(counterpart_id='cast(null as string)') }}
