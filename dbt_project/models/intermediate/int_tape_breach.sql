{#- What a tape says of an invoice is held against its debtor's books, whoever financed it and wherever. -#}
{#- The debtor has an invoice of this number in these days; sellers may have others of it. -#}
{%- set is_same_number -%}
collateral.debtor_no = payables.debtor_no
            and collateral.debtor_no_scheme = payables.debtor_no_scheme
            and collateral.invoice_key = payables.invoice_key
            and (
                year(collateral.invoice_date) = year(payables.invoice_date)
                or abs({{ days_between('collateral.invoice_date', 'payables.invoice_date') }}) <= rules.date_window_days
            )
{%- endset %}

with rules as (
    select
        {{ rule_value('trade_amount_tolerance_ratio') }} as amount_tolerance,
        cast({{ rule_value('trade_books_wait_days') }} as integer) as books_wait_days,
        cast({{ rule_value('trade_date_window_days') }} as integer) as date_window_days,
        cast({{ rule_value('status_match_days') }} as integer) as match_days
),

tapes as (
    select
        funder_id,
        funder_id || ':' || collateral_id as subject_id,
        collateral_id,
        tape_date,
        seller_no,
        seller_no_scheme,
        debtor_no,
        debtor_no_scheme,
        invoice_no,
        invoice_date,
        invoice_amount,
        financed_amount,
        currency,
        reported_status,
        reported_dpd_days,
        known_date
    from {{ ref('int_funder_tape') }}
    where invoice_no is not null and invoice_date is not null
),

known_debtors as (
    select
        *,
        min(valid_from) over (partition by core_enterprise_id, party_no, party_no_scheme) as first_known_date
    from {{ ref('int_core_enterprise') }}
),

core_enterprises as (
    select *
    from known_debtors
    where valid_to is null
),

-- Each invoice of a tape once, as the first tape had it.
collateral as (
    select
        tapes.funder_id,
        tapes.subject_id,
        tapes.collateral_id,
        tapes.tape_date,
        tapes.invoice_no,
        {{ invoice_key('tapes.invoice_no') }} as invoice_key,
        tapes.invoice_date,
        tapes.invoice_amount,
        tapes.financed_amount,
        tapes.currency,
        suppliers.supplier_id,
        suppliers.party_id as seller_party_id,
        tapes.debtor_no,
        tapes.debtor_no_scheme,
        core_enterprises.core_enterprise_id,
        greatest(tapes.known_date, core_enterprises.first_known_date) as shown_date
    from tapes
    inner join core_enterprises
        on
            tapes.debtor_no = core_enterprises.party_no
            and tapes.debtor_no_scheme = core_enterprises.party_no_scheme
    left join {{ ref('int_supplier') }} as suppliers
        on
            tapes.seller_no = suppliers.party_no
            and tapes.seller_no_scheme = suppliers.party_no_scheme
            and suppliers.valid_to is null
    qualify
        row_number() over (
            partition by tapes.subject_id
            order by tapes.known_date, tapes.tape_date, core_enterprises.core_enterprise_id, suppliers.supplier_id
        ) = 1
),

payables as (
    select
        payables.payable_id,
        core_enterprises.party_no as debtor_no,
        core_enterprises.party_no_scheme as debtor_no_scheme,
        {{ invoice_key('payables.supplier_invoice_no') }} as invoice_key,
        payables.invoice_date,
        payables.gross_amount,
        payables.currency,
        vendors.party_id as seller_party_id
    from {{ ref('int_payable_interval') }} as payables
    inner join core_enterprises on payables.company_code = core_enterprises.company_code
    left join {{ ref('int_vendor') }} as vendors
        on
            payables.company_code = vendors.company_code
            and payables.erp_vendor_no = vendors.erp_vendor_no
            and vendors.valid_to is null
    where payables.valid_to is null and payables.supplier_invoice_no is not null
),

-- Books cannot show what is older than their first document.
reach as (
    select
        debtor_no,
        debtor_no_scheme,
        min(invoice_date) as first_invoice_date
    from payables
    group by debtor_no, debtor_no_scheme
),

-- Numbers of invoices begin anew with each seller, so those of the seller are looked up by it, and only what it has no
-- invoice for by the amount: of a vendor that the books keep under no number. The nearest date is the invoice.
booked_of_seller as (
    select
        collateral.subject_id,
        payables.payable_id,
        payables.gross_amount,
        payables.currency,
        abs({{ days_between('collateral.invoice_date', 'payables.invoice_date') }}) as days_apart
    from collateral
    cross join rules
    inner join payables
        on
            {{ is_same_number }}
            and collateral.seller_party_id = payables.seller_party_id
),

-- A join of its own: as a condition of the next it is asked after that has paired all.
not_booked_of_seller as (
    select collateral.*
    from collateral
    left join booked_of_seller as known on collateral.subject_id = known.subject_id
    where known.subject_id is null
),

booked_by_amount as (
    select
        collateral.subject_id,
        payables.payable_id,
        payables.gross_amount,
        payables.currency,
        abs({{ days_between('collateral.invoice_date', 'payables.invoice_date') }}) as days_apart
    from not_booked_of_seller as collateral
    cross join rules
    inner join payables
        on
            {{ is_same_number }}
            and abs(payables.gross_amount - collateral.invoice_amount)
            <= collateral.invoice_amount * rules.amount_tolerance
),

found as (
    select * from booked_of_seller
    union all
    select * from booked_by_amount
),

booked as (
    select
        subject_id,
        payable_id,
        gross_amount,
        currency
    from found
    qualify row_number() over (partition by subject_id order by days_apart, payable_id) = 1
),

figures as (
    select
        payable_id,
        gross_amount,
        min(valid_from) as known_date
    from {{ ref('int_payable_interval') }}
    group by payable_id, gross_amount
),

-- What the books knew on the day on which a tape came; a certificate is judged by its own events elsewhere.
judged as (
    select
        tapes.subject_id,
        tapes.tape_date,
        tapes.reported_status,
        tapes.reported_dpd_days,
        tapes.financed_amount,
        tapes.known_date,
        states.open_amount,
        {{ payable_due_date('states') }} as due_date,
        greatest({{ days_between(payable_due_date('states'), 'tapes.tape_date') }}, 0) as books_dpd_days
    from tapes
    inner join booked on tapes.subject_id = booked.subject_id
    inner join {{ ref('int_payable_interval') }} as states
        on booked.payable_id = states.payable_id and {{ valid_on('states', 'tapes.known_date') }}
    left join {{ ref('int_certificate') }} as certificates on tapes.collateral_id = certificates.certificate_id
    where
        certificates.certificate_id is null
        and {{ payable_due_date('states') }} is not null
        and states.open_amount > coalesce(states.retention_amount, 0)
),

contradicted as (
    select
        judged.*,
        count(*) over (partition by judged.subject_id) as contradicted_count
    from judged
    cross join rules
    where
        (judged.reported_status = 'CURRENT' and judged.books_dpd_days > rules.match_days)
        or (
            judged.reported_status = 'PAST_DUE'
            and abs(judged.reported_dpd_days - judged.books_dpd_days) > rules.match_days
        )
        or (judged.reported_status = 'PAID' and judged.books_dpd_days > rules.match_days)
    qualify
        row_number() over (partition by judged.subject_id order by judged.known_date, judged.tape_date) = 1
),

missing as (
    select
        collateral.*,
        {{ add_days('collateral.shown_date', 'rules.books_wait_days + 1') }} as known_date
    from collateral
    cross join rules
    inner join reach
        on collateral.debtor_no = reach.debtor_no and collateral.debtor_no_scheme = reach.debtor_no_scheme
    left join booked on collateral.subject_id = booked.subject_id
    where booked.subject_id is null and collateral.invoice_date >= reach.first_invoice_date
),

breaches as (
    select
        'COLLATERAL_NOT_IN_BOOKS' as rule_id,
        missing.subject_id,
        missing.core_enterprise_id,
        missing.supplier_id,
        missing.funder_id,
        missing.financed_amount as amount,
        missing.currency,
        missing.known_date as first_known_date,
        missing.funder_id || ' has invoice ' || missing.invoice_no || ' of ' || cast(missing.invoice_date as string)
        || ' on its tape of ' || cast(missing.tape_date as string) || '; ' || missing.core_enterprise_id
        || ' has not booked it.' as explanation
    from missing
    union all
    select
        'COLLATERAL_ABOVE_BOOKS' as rule_id,
        collateral.subject_id,
        collateral.core_enterprise_id,
        collateral.supplier_id,
        collateral.funder_id,
        collateral.invoice_amount - booked.gross_amount as amount,
        collateral.currency,
        greatest(collateral.shown_date, figures.known_date) as first_known_date,
        collateral.funder_id || ' has invoice ' || collateral.invoice_no || ' over '
        || cast(collateral.invoice_amount as string) || ' ' || collateral.currency || ' on its tape of '
        || cast(collateral.tape_date as string) || '; ' || collateral.core_enterprise_id || ' booked '
        || cast(booked.gross_amount as string) || ' ' || booked.currency || '.' as explanation
    from collateral
    cross join rules
    inner join booked on collateral.subject_id = booked.subject_id
    inner join figures on booked.payable_id = figures.payable_id and booked.gross_amount = figures.gross_amount
    where
        collateral.currency = booked.currency
        and collateral.invoice_amount > booked.gross_amount * (1 + rules.amount_tolerance)
    union all
    select
        'STATUS_CONTRADICTS_CASH' as rule_id,
        collateral.subject_id,
        collateral.core_enterprise_id,
        collateral.supplier_id,
        collateral.funder_id,
        contradicted.financed_amount as amount,
        collateral.currency,
        greatest(contradicted.known_date, collateral.shown_date) as first_known_date,
        'The tape of ' || collateral.funder_id || ' of ' || cast(contradicted.tape_date as string)
        || ' reports invoice ' || collateral.invoice_no || ' ' || contradicted.reported_status || ' and '
        || cast(contradicted.reported_dpd_days as string) || ' days late; in the books '
        || cast(contradicted.open_amount as string) || ' ' || collateral.currency || ' are open, due on '
        || cast(contradicted.due_date as string) || ' (' || cast(contradicted.contradicted_count as string)
        || ' tapes).' as explanation
    from contradicted
    inner join collateral on contradicted.subject_id = collateral.subject_id
)

{{ breaches_known(subject_kind="'COLLATERAL'", counterpart_id='funder_id') }}
