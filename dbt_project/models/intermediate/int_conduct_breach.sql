with rules as (
    select
        cast({{ rule_value('technical_delay_days') }} as integer) as delay_days,
        cast({{ rule_value('evergreen_window_days') }} as integer) as evergreen_days,
        {{ rule_value('evergreen_match_ratio') }} as evergreen_match_ratio,
        {{ rule_value('evergreen_share_ratio') }} as evergreen_share_ratio,
        {{ rule_value('evergreen_min_count') }} as evergreen_min_count,
        cast({{ rule_value('new_party_days') }} as integer) as new_party_days,
        {{ rule_value('advance_to_capital_ratio') }} as advance_to_capital_ratio,
        {{ rule_value('shell_min_signs') }} as shell_min_signs,
        {{ rule_value('shell_headcount') }} as shell_headcount,
        {{ rule_value('shell_paid_in_ratio') }} as shell_paid_in_ratio
),

certificates as (
    select *
    from {{ ref('int_certificate') }}
    where opened_date is not null and withdrawn_date is null
),

terms as (
    select
        terms.*,
        certificates.face_amount,
        certificates.certificate_id = certificates.root_certificate_id as is_root
    from {{ ref('int_certificate_term_interval') }} as terms
    inner join certificates on terms.certificate_id = certificates.certificate_id
),

-- A certificate may run longer than at first by an extension; the cap is that of the day of issue.
tenors as (
    select
        terms.certificate_id,
        terms.core_enterprise_id,
        terms.holder_id,
        terms.face_amount,
        terms.currency,
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
        min(case when tenor_days > flag_days then valid_from end) as flagged_date
    from tenors
    group by certificate_id
    having max(tenor_days) > min(least(flag_days, cap_days))
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

related as (
    select
        certificates.certificate_id,
        min(greatest(certificates.opened_date, suppliers.valid_from, core_enterprises.valid_from, ties.known_date))
            as known_date
    from certificates
    inner join {{ ref('int_supplier') }} as suppliers
        on certificates.holder_id = suppliers.supplier_id and suppliers.valid_to is null
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            certificates.core_enterprise_id = core_enterprises.core_enterprise_id
            and core_enterprises.valid_to is null
    inner join {{ ref('int_control_tie') }} as ties
        on
            suppliers.party_id = ties.party_id
            and core_enterprises.party_id = ties.other_party_id
            and certificates.issue_date < ties.end_date
            and certificates.due_date >= ties.first_date
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
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on payables.company_code = core_enterprises.company_code and core_enterprises.valid_to is null
    inner join {{ ref('int_vendor') }} as vendors
        on
            payables.company_code = vendors.company_code
            and payables.erp_vendor_no = vendors.erp_vendor_no
            and vendors.valid_to is null
    inner join {{ ref('int_party_role') }} as roles on vendors.party_id = roles.party_id
    inner join {{ ref('int_supplier') }} as suppliers
        on roles.supplier_id = suppliers.supplier_id and suppliers.valid_to is null
    where payables.payment_terms_days > caps.value and suppliers.size_class <> 'LARGE'
),

moved_payables as (
    select
        payables.payable_id,
        min(payables.valid_from) as known_date
    from {{ ref('int_payable_interval') }} as payables
    where payables.due_date > payables.first_due_date
    group by payables.payable_id
),

moved_certificates as (
    select
        certificate_id,
        min(valid_from) as known_date
    from terms
    where due_date > first_due_date
    group by certificate_id
),

-- Cash ends a certificate on the day on which all that was left of it is redeemed; a write-off ends nothing that cash
-- would show.
reported_late as (
    select distinct certificate_id
    from {{ ref('int_certificate_event') }}
    where event_type = 'OVERDUE' and valid_to is null and posted_date is not null
),

redeemed as (
    select
        certificate_id,
        max(cast(occurred_at as date)) as redeemed_date
    from {{ ref('int_certificate_event') }}
    where event_type = 'REDEEMED' and valid_to is null and posted_date is not null
    group by certificate_id
),

silent as (
    select
        terms.certificate_id,
        terms.core_enterprise_id,
        terms.holder_id,
        terms.currency,
        terms.due_date,
        positions.face_amount - positions.passed_on_amount as amount,
        positions.available_amount + positions.frozen_amount + positions.financed_amount as open_amount,
        redeemed.redeemed_date,
        greatest({{ add_days('terms.due_date', 'rules.delay_days + 1') }}, terms.valid_from) as known_date
    from terms
    cross join rules
    inner join {{ ref('int_certificate_position_interval') }} as positions
        on terms.certificate_id = positions.certificate_id and positions.valid_to is null
    left join redeemed on terms.certificate_id = redeemed.certificate_id
    left join reported_late on terms.certificate_id = reported_late.certificate_id
    where
        terms.valid_to is null
        and reported_late.certificate_id is null
        and positions.face_amount > positions.passed_on_amount
        and {{ add_days('terms.due_date', 'rules.delay_days') }} < case
            when positions.available_amount + positions.frozen_amount + positions.financed_amount > 0
                then {{ as_of_date() }}
            else redeemed.redeemed_date
        end
),

-- Each maturity is judged when the days in which it could be rolled over are past, or later where it became known later.
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

rollovers as (
    select
        matured.certificate_id,
        min(fresh.opened_date) as renewed_date
    from roots as matured
    cross join rules
    inner join roots as fresh
        on
            matured.core_enterprise_id = fresh.core_enterprise_id
            and matured.holder_id = fresh.holder_id
            and matured.currency = fresh.currency
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

suppliers as (
    select *
    from {{ ref('int_supplier') }}
    where valid_to is null
),

financings as (
    select
        financing_id,
        supplier_id,
        core_enterprise_id,
        currency,
        financing_date,
        principal_amount
    from {{ ref('int_financing_interval') }}
    where valid_to is null
),

first_financings as (
    select
        financing_id,
        min(valid_from) as known_date
    from {{ ref('int_financing_interval') }}
    group by financing_id
),

-- What a supplier had drawn in its first year, day by day.
drawn as (
    select
        financings.*,
        first_financings.known_date,
        suppliers.registered_date,
        suppliers.paid_in_capital_amount,
        sum(financings.principal_amount) over (
            partition by financings.supplier_id, financings.currency
            order by first_financings.known_date, financings.financing_date, financings.financing_id
            rows between unbounded preceding and current row
        ) as drawn_amount,
        greatest(first_financings.known_date, suppliers.valid_from) as shown_date
    from financings
    cross join rules
    inner join first_financings on financings.financing_id = first_financings.financing_id
    inner join suppliers on financings.supplier_id = suppliers.supplier_id
    where
        financings.currency = suppliers.currency
        and financings.financing_date < {{ add_days('suppliers.registered_date', 'rules.new_party_days') }}
),

addresses as (
    select
        address,
        min(supplier_id) as supplier_id,
        max(supplier_id) as other_supplier_id,
        max(valid_from) as known_date
    from suppliers
    where address is not null
    group by address
    having count(*) > 1
),

first_drawings as (
    select
        financings.supplier_id,
        min(financings.financing_date) as financing_date,
        min(first_financings.known_date) as known_date
    from financings
    inner join first_financings on financings.financing_id = first_financings.financing_id
    group by financings.supplier_id
),

first_large as (
    select
        drawn.supplier_id,
        min(drawn.shown_date) as known_date
    from drawn
    cross join rules
    where drawn.drawn_amount > drawn.paid_in_capital_amount * rules.advance_to_capital_ratio
    group by drawn.supplier_id
),

signs as (
    select
        suppliers.supplier_id,
        'it was registered on ' || cast(suppliers.registered_date as string) || ' and first financed on '
        || cast(first_drawings.financing_date as string) as sign_text,
        1 as sign_rank,
        greatest(suppliers.valid_from, first_drawings.known_date) as known_date
    from suppliers
    cross join rules
    inner join first_drawings on suppliers.supplier_id = first_drawings.supplier_id
    where first_drawings.financing_date < {{ add_days('suppliers.registered_date', 'rules.new_party_days') }}
    union all
    select
        suppliers.supplier_id,
        cast(suppliers.insured_headcount as string) || ' persons are insured' as sign_text,
        2 as sign_rank,
        suppliers.valid_from as known_date
    from suppliers
    cross join rules
    where suppliers.insured_headcount <= rules.shell_headcount
    union all
    select
        suppliers.supplier_id,
        cast(suppliers.paid_in_capital_amount as string) || ' of ' || cast(suppliers.registered_capital_amount as string)
        || ' ' || suppliers.currency || ' of capital are paid in' as sign_text,
        3 as sign_rank,
        suppliers.valid_from as known_date
    from suppliers
    cross join rules
    where suppliers.paid_in_capital_amount <= suppliers.registered_capital_amount * rules.shell_paid_in_ratio
    union all
    select
        suppliers.supplier_id,
        'its address is that of ' || case
            when suppliers.supplier_id = addresses.supplier_id then addresses.other_supplier_id
            else addresses.supplier_id
        end as sign_text,
        4 as sign_rank,
        addresses.known_date
    from suppliers
    inner join addresses on suppliers.address = addresses.address
    union all
    select
        supplier_id,
        'in its first year it drew more than its capital bears' as sign_text,
        5 as sign_rank,
        known_date
    from first_large
),

numbered_signs as (
    select
        *,
        row_number() over (partition by supplier_id order by known_date, sign_rank) as sign_no
    from signs
),

shells as (
    select
        numbered_signs.supplier_id,
        min(case when numbered_signs.sign_no = rules.shell_min_signs then numbered_signs.known_date end) as known_date,
        {{ joined_text('numbered_signs.sign_text', 'numbered_signs.sign_rank') }} as sign_texts
    from numbered_signs
    cross join rules
    group by numbered_signs.supplier_id
    having count(*) >= min(rules.shell_min_signs)
),

breaches as (
    select
        rule_id,
        subject_kind,
        subject_id,
        core_enterprise_id,
        supplier_id,
        counterpart_id,
        amount,
        currency,
        first_known_date,
        explanation
    from {{ ref('int_money_breach') }}
    union all
    select
        'TENOR_ABOVE_CAP' as rule_id,
        'CERTIFICATE' as subject_kind,
        tenors.certificate_id as subject_id,
        tenors.core_enterprise_id,
        tenors.holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        tenors.face_amount as amount,
        tenors.currency,
        long_tenors.capped_date as first_known_date,
        'Certificate ' || tenors.certificate_id || ' runs ' || cast(tenors.tenor_days as string) || ' days, from '
        || cast(tenors.issue_date as string) || ' to ' || cast(tenors.due_date as string) || '; none may run more than '
        || cast(cast(tenors.cap_days as integer) as string) || '.' as explanation
    from tenors
    inner join long_tenors on tenors.certificate_id = long_tenors.certificate_id
    where tenors.valid_to is null and tenors.tenor_days > tenors.cap_days
    union all
    select
        'TENOR_NEEDS_REASON' as rule_id,
        'CERTIFICATE' as subject_kind,
        tenors.certificate_id as subject_id,
        tenors.core_enterprise_id,
        tenors.holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        tenors.face_amount as amount,
        tenors.currency,
        long_tenors.flagged_date as first_known_date,
        'Certificate ' || tenors.certificate_id || ' runs ' || cast(tenors.tenor_days as string) || ' days, from '
        || cast(tenors.issue_date as string) || ' to ' || cast(tenors.due_date as string) || '; above '
        || cast(cast(tenors.flag_days as integer) as string) || ' there must be a reason.' as explanation
    from tenors
    inner join long_tenors on tenors.certificate_id = long_tenors.certificate_id
    where
        tenors.valid_to is null
        and tenors.tenor_days > tenors.flag_days
        and tenors.tenor_days <= tenors.cap_days
    union all
    select
        'PATH_REVISITS_HOLDER' as rule_id,
        'CERTIFICATE' as subject_kind,
        certificates.certificate_id as subject_id,
        certificates.core_enterprise_id,
        certificates.holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        certificates.face_amount as amount,
        certificates.currency,
        certificates.opened_date as first_known_date,
        'Certificate ' || certificates.certificate_id || ' of ' || cast(certificates.face_amount as string) || ' '
        || certificates.currency || ' came back to ' || certificates.holder_id || ' after '
        || cast(returned_paths.passed_count as string) || ' transfers.' as explanation
    from certificates
    inner join returned_paths on certificates.certificate_id = returned_paths.certificate_id
    union all
    select
        'RELATED_OBLIGOR_AND_HOLDER' as rule_id,
        'CERTIFICATE' as subject_kind,
        certificates.certificate_id as subject_id,
        certificates.core_enterprise_id,
        certificates.holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        certificates.face_amount as amount,
        certificates.currency,
        related.known_date as first_known_date,
        certificates.holder_id || ' holds certificate ' || certificates.certificate_id || ' of '
        || cast(certificates.face_amount as string) || ' ' || certificates.currency || ' and is of one control group with '
        || certificates.core_enterprise_id || ', which owes it.' as explanation
    from certificates
    inner join related on certificates.certificate_id = related.certificate_id
    union all
    select
        'TERM_ABOVE_STATUTORY' as rule_id,
        'PAIR' as subject_kind,
        core_enterprise_id || ':' || supplier_id || ':' || currency as subject_id,
        core_enterprise_id,
        supplier_id,
        cast(null as string) as counterpart_id,
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
        'REAGED' as rule_id,
        'INVOICE' as subject_kind,
        payables.payable_id as subject_id,
        {{ keeper_of_books() }} as core_enterprise_id,
        roles.supplier_id,
        cast(null as string) as counterpart_id,
        payables.gross_amount as amount,
        payables.currency,
        moved_payables.known_date as first_known_date,
        'The books moved the due date of payable ' || payables.payable_id || ' from '
        || cast(payables.first_due_date as string) || ' to ' || cast(payables.due_date as string) || '; '
        || cast(payables.paid_cash_amount as string) || ' of ' || cast(payables.gross_amount as string) || ' '
        || payables.currency || ' is paid in cash.' as explanation
    from {{ ref('int_payable_interval') }} as payables
    inner join moved_payables on payables.payable_id = moved_payables.payable_id
    left join {{ ref('int_core_enterprise') }} as core_enterprises
        on payables.company_code = core_enterprises.company_code and core_enterprises.valid_to is null
    left join {{ ref('int_vendor') }} as vendors
        on
            payables.company_code = vendors.company_code
            and payables.erp_vendor_no = vendors.erp_vendor_no
            and vendors.valid_to is null
    left join {{ ref('int_party_role') }} as roles on vendors.party_id = roles.party_id
    where payables.valid_to is null and payables.due_date > payables.first_due_date
    union all
    select
        'REAGED' as rule_id,
        'CERTIFICATE' as subject_kind,
        terms.certificate_id as subject_id,
        terms.core_enterprise_id,
        terms.holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        terms.face_amount as amount,
        terms.currency,
        moved_certificates.known_date as first_known_date,
        'The due date of certificate ' || terms.certificate_id || ' was moved from '
        || cast(terms.first_due_date as string) || ' to ' || cast(terms.due_date as string)
        || case when terms.is_extended then ' by an extension' else '' end || '.' as explanation
    from terms
    inner join moved_certificates on terms.certificate_id = moved_certificates.certificate_id
    where terms.valid_to is null and terms.due_date > terms.first_due_date
    union all
    select
        'STATUS_CONTRADICTS_CASH' as rule_id,
        'CERTIFICATE' as subject_kind,
        certificate_id as subject_id,
        core_enterprise_id,
        holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        amount,
        currency,
        known_date as first_known_date,
        'Certificate ' || certificate_id || ' was due on ' || cast(due_date as string) || ' and '
        || case
            when open_amount > 0 then cast(open_amount as string) || ' ' || currency || ' of it is unpaid'
            else 'was paid on ' || cast(redeemed_date as string)
        end || '; the platform never reported it overdue.' as explanation
    from silent
    union all
    select
        'EVERGREEN' as rule_id,
        'PAIR' as subject_kind,
        core_enterprise_id || ':' || holder_id || ':' || currency as subject_id,
        core_enterprise_id,
        holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        rolled_amount as amount,
        currency,
        known_date as first_known_date,
        cast(rolled_count as string) || ' certificates of ' || core_enterprise_id || ' to ' || holder_id
        || ' that matured in the year to ' || cast(last_date as string) || ', ' || cast(rolled_amount as string) || ' of '
        || cast(matured_amount as string) || ' ' || currency || ', were followed by new ones of about their amount.'
            as explanation
    from evergreens
    union all
    select
        'NEW_PARTY_LARGE_ADVANCE' as rule_id,
        'FINANCING' as subject_kind,
        drawn.financing_id as subject_id,
        drawn.core_enterprise_id,
        drawn.supplier_id,
        cast(null as string) as counterpart_id,
        drawn.principal_amount as amount,
        drawn.currency,
        drawn.shown_date as first_known_date,
        drawn.supplier_id || ', registered on ' || cast(drawn.registered_date as string) || ' with '
        || cast(drawn.paid_in_capital_amount as string) || ' ' || drawn.currency || ' paid in, has drawn '
        || cast(drawn.drawn_amount as string) || ' by ' || cast(drawn.financing_date as string) || '.' as explanation
    from drawn
    cross join rules
    where drawn.drawn_amount > drawn.paid_in_capital_amount * rules.advance_to_capital_ratio
    union all
    select
        'SHELL_SUPPLIER' as rule_id,
        'SUPPLIER' as subject_kind,
        supplier_id as subject_id,
        cast(null as string) as core_enterprise_id,
        supplier_id,
        cast(null as string) as counterpart_id,
        cast(null as decimal(18, 2)) as amount,
        cast(null as string) as currency,
        known_date as first_known_date,
        'Supplier ' || supplier_id || ' has the signs of a shell: ' || sign_texts || '.' as explanation
    from shells
)

select
    substr(md5(breaches.rule_id || ':' || breaches.subject_kind || ':' || breaches.subject_id), 1, 16) as breach_id,
    breaches.rule_id,
    book.severity,
    breaches.subject_kind,
    breaches.subject_id,
    breaches.core_enterprise_id,
    breaches.supplier_id,
    breaches.counterpart_id,
    cast(breaches.amount as decimal(18, 2)) as amount,
    breaches.currency,
    breaches.first_known_date,
    breaches.explanation
from breaches
left join {{ ref('rule_book') }} as book
    on breaches.rule_id = book.rule_id and {{ valid_on('book', 'breaches.first_known_date') }}
