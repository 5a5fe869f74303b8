with rules as (
    select
        {{ rule_value('trade_amount_tolerance_ratio') }} as amount_tolerance,
        {{ rule_value('settlement_match_ratio') }} as match_ratio,
        cast({{ rule_value('cash_wait_days') }} as integer) as wait_days,
        2 * cast({{ rule_value('cash_wait_days') }} as integer) + 1 as block_days
),

-- What moved in the days around a day lies in the block of the first of them or in the next: a join by equal blocks,
-- whose cost grows with the days and not with their pairs.
neighbours as (
    select 0 as blocks_on
    union all
    select 1 as blocks_on
),

-- What a certificate may promise of an invoice: what is left after credit notes, set-off and retention.
confirmable as (
    select
        payables.payable_id,
        {{ keeper_of_books() }} as core_enterprise_id,
        roles.supplier_id,
        payables.currency,
        payables.certificated_amount,
        payables.gross_amount - payables.credited_amount - payables.set_off_amount
        - coalesce(payables.retention_amount, 0) as confirmable_amount,
        payables.gross_amount,
        payables.valid_from,
        payables.valid_to
    from {{ ref('int_payable_interval') }} as payables
    {{ parties_of_payables(as_of_date()) }}
    where payables.certificated_amount > 0
),

over_confirmed as (
    select
        confirmable.payable_id,
        confirmable.core_enterprise_id,
        confirmable.supplier_id,
        confirmable.currency,
        min(confirmable.valid_from) as known_date,
        max(case when confirmable.valid_to is null then confirmable.certificated_amount end) as certificated_amount,
        max(case when confirmable.valid_to is null then confirmable.confirmable_amount end) as confirmable_amount,
        max(case when confirmable.valid_to is null then confirmable.gross_amount end) as gross_amount
    from confirmable
    cross join rules
    where
        confirmable.certificated_amount - confirmable.confirmable_amount
        > confirmable.gross_amount * rules.amount_tolerance
    group by
        confirmable.payable_id, confirmable.core_enterprise_id, confirmable.supplier_id, confirmable.currency
    having max(case when confirmable.valid_to is null then 1 else 0 end) = 1
),

core_enterprises as (
    select *
    from {{ ref('int_core_enterprise') }}
    where valid_to is null
),

payers as (
    select
        core_enterprises.core_enterprise_id,
        core_enterprises.party_id,
        core_enterprises.party_id as payer_party_id
    from core_enterprises
    union
    select
        core_enterprises.core_enterprise_id,
        core_enterprises.party_id,
        ties.other_party_id as payer_party_id
    from core_enterprises
    inner join {{ ref('int_control_tie') }} as ties on core_enterprises.party_id = ties.party_id
),

redeemed as (
    select
        certificates.core_enterprise_id,
        events.currency,
        cast(events.occurred_at as date) as redeemed_date,
        min({{ add_days('cast(events.occurred_at as date)', 'rules.wait_days') }}) as awaited_date,
        sum(events.amount) as amount,
        count(*) as event_count,
        max(events.posted_date) as known_date
    from {{ ref('int_certificate_event') }} as events
    cross join rules
    inner join {{ ref('int_certificate') }} as certificates on events.certificate_id = certificates.certificate_id
    where events.event_type = 'REDEEMED' and events.valid_to is null and events.posted_date is not null
    group by certificates.core_enterprise_id, events.currency, cast(events.occurred_at as date)
),

financings as (
    select
        latest.supplier_id,
        suppliers.party_id,
        latest.currency,
        latest.financing_date,
        min({{ add_days('latest.financing_date', 'rules.wait_days') }}) as awaited_date,
        min(latest.financing_id) as financing_id,
        min(latest.core_enterprise_id) as core_enterprise_id,
        min(latest.funder_id) as funder_id,
        count(*) as financing_count,
        sum(latest.principal_amount - latest.interest_amount - latest.fee_amount) as net_amount,
        max(latest.known_date) as known_date
    from {{ latest_version(ref('stg_platform__financing'), ['financing_id']) }} as latest
    cross join rules
    inner join {{ ref('int_supplier') }} as suppliers
        on latest.supplier_id = suppliers.supplier_id and suppliers.valid_to is null
    group by latest.supplier_id, suppliers.party_id, latest.currency, latest.financing_date
),

accounts as (
    select
        record_key as account_no,
        party_id,
        first_known_date
    from {{ ref('int_party_link') }}
    where
        record_kind = 'bank.account'
        and valid_to is null
        and party_id in (
            select payers.payer_party_id from payers
            union all
            select financings.party_id from financings
        )
),

bookings as (
    select
        accounts.party_id,
        booked.currency,
        booked.booking_date,
        {{ day_block('booked.booking_date', 'rules.block_days') }} as day_block,
        min(greatest(booked.known_date, accounts.first_known_date)) as known_date,
        sum(booked.credit_amount) as credit_amount,
        sum(booked.debit_amount) as debit_amount
    from {{ ref('int_bank_booking_daily') }} as booked
    cross join rules
    inner join accounts on booked.account_no = accounts.account_no
    group by accounts.party_id, booked.currency, booked.booking_date, day_block
),

expected_payments as (
    select
        redeemed.core_enterprise_id,
        redeemed.currency,
        redeemed.redeemed_date,
        payers.payer_party_id,
        {{ add_days('redeemed.redeemed_date', '-rules.wait_days') }} as first_date,
        redeemed.awaited_date as last_date,
        {{ day_block(add_days('redeemed.redeemed_date', '-rules.wait_days'), 'rules.block_days') }}
        + neighbours.blocks_on as day_block
    from redeemed
    cross join rules
    cross join neighbours
    inner join payers on redeemed.core_enterprise_id = payers.core_enterprise_id
),

paid as (
    select
        expected.core_enterprise_id,
        expected.currency,
        expected.redeemed_date,
        sum(bookings.debit_amount) as debit_amount
    from expected_payments as expected
    inner join bookings
        on
            expected.payer_party_id = bookings.party_id
            and expected.currency = bookings.currency
            and expected.day_block = bookings.day_block
    where bookings.booking_date >= expected.first_date and bookings.booking_date <= expected.last_date
    group by expected.core_enterprise_id, expected.currency, expected.redeemed_date
),

-- More may have been paid than was redeemed, for accounts serve other ends too; less may not.
underpaid as (
    select
        redeemed.*,
        core_enterprises.party_id,
        coalesce(paid.debit_amount, 0) as debit_amount
    from redeemed
    cross join rules
    inner join core_enterprises on redeemed.core_enterprise_id = core_enterprises.core_enterprise_id
    left join paid
        on
            redeemed.core_enterprise_id = paid.core_enterprise_id
            and redeemed.currency = paid.currency
            and redeemed.redeemed_date = paid.redeemed_date
    where coalesce(paid.debit_amount, 0) < redeemed.amount * (1 - rules.match_ratio)
),

expected_proceeds as (
    select
        financings.supplier_id,
        financings.party_id,
        financings.currency,
        financings.financing_date,
        financings.awaited_date,
        {{ day_block('financings.financing_date', 'rules.block_days') }} + neighbours.blocks_on as day_block
    from financings
    cross join rules
    cross join neighbours
),

received as (
    select
        expected.supplier_id,
        expected.currency,
        expected.financing_date,
        sum(bookings.credit_amount) as credit_amount
    from expected_proceeds as expected
    inner join bookings
        on
            expected.party_id = bookings.party_id
            and expected.currency = bookings.currency
            and expected.day_block = bookings.day_block
    where bookings.booking_date >= expected.financing_date and bookings.booking_date <= expected.awaited_date
    group by expected.supplier_id, expected.currency, expected.financing_date
),

underfunded as (
    select
        financings.*,
        coalesce(received.credit_amount, 0) as credit_amount
    from financings
    cross join rules
    left join received
        on
            financings.supplier_id = received.supplier_id
            and financings.currency = received.currency
            and financings.financing_date = received.financing_date
    where coalesce(received.credit_amount, 0) < financings.net_amount * (1 - rules.match_ratio)
),

-- Cash is judged between a party's first booking and its last: from the night that first knew of one that came after.
-- Asked of what lacks cash alone, for it is few.
awaited as (
    select party_id, currency, awaited_date from underpaid
    union
    select party_id, currency, awaited_date from underfunded
),

first_bookings as (
    select
        party_id,
        currency,
        min(booking_date) as first_date
    from bookings
    group by party_id, currency
),

reach as (
    select
        awaited.party_id,
        awaited.currency,
        awaited.awaited_date,
        min(bookings.known_date) as known_date
    from awaited
    cross join rules
    inner join first_bookings
        on
            awaited.party_id = first_bookings.party_id
            and awaited.currency = first_bookings.currency
            and first_bookings.first_date <= {{ add_days('awaited.awaited_date', '-2 * rules.wait_days') }}
    inner join bookings
        on
            awaited.party_id = bookings.party_id
            and awaited.currency = bookings.currency
            and awaited.awaited_date <= bookings.booking_date
    group by awaited.party_id, awaited.currency, awaited.awaited_date
),

unpaid as (
    select
        underpaid.*,
        greatest(
            {{ add_days('underpaid.redeemed_date', 'rules.wait_days + 1') }}, underpaid.known_date, reach.known_date
        ) as shown_date
    from underpaid
    cross join rules
    inner join reach
        on
            underpaid.party_id = reach.party_id
            and underpaid.currency = reach.currency
            and underpaid.awaited_date = reach.awaited_date
),

undisbursed as (
    select
        underfunded.*,
        greatest(
            {{ add_days('underfunded.financing_date', 'rules.wait_days + 1') }},
            underfunded.known_date,
            reach.known_date
        ) as shown_date
    from underfunded
    cross join rules
    inner join reach
        on
            underfunded.party_id = reach.party_id
            and underfunded.currency = reach.currency
            and underfunded.awaited_date = reach.awaited_date
),

breaches as (
    select
        'CERTIFIED_ABOVE_CONFIRMABLE' as rule_id,
        'INVOICE' as subject_kind,
        payable_id as subject_id,
        core_enterprise_id,
        supplier_id,
        cast(null as string) as counterpart_id,
        certificated_amount - confirmable_amount as amount,
        currency,
        known_date as first_known_date,
        'Certificates over ' || cast(certificated_amount as string) || ' ' || currency || ' rest on payable '
        || payable_id || ', of whose ' || cast(gross_amount as string) || ' '
        || cast(cast(confirmable_amount as decimal(18, 2)) as string) || ' may be promised.' as explanation
    from over_confirmed
    union all
    select
        'REDEEMED_WITHOUT_CASH' as rule_id,
        'REDEMPTION' as subject_kind,
        core_enterprise_id || ':' || cast(redeemed_date as string) || ':' || currency as subject_id,
        core_enterprise_id,
        cast(null as string) as supplier_id,
        cast(null as string) as counterpart_id,
        amount - debit_amount as amount,
        currency,
        shown_date as first_known_date,
        'Certificates over ' || cast(amount as string) || ' ' || currency || ' were redeemed by ' || core_enterprise_id
        || ' on ' || cast(redeemed_date as string) || '; its accounts and those of its group paid '
        || cast(cast(debit_amount as decimal(18, 2)) as string) || ' in the days around.' as explanation
    from unpaid
    union all
    select
        'PROCEEDS_NOT_RECEIVED' as rule_id,
        'FINANCING' as subject_kind,
        financing_id as subject_id,
        core_enterprise_id,
        supplier_id,
        funder_id as counterpart_id,
        net_amount - credit_amount as amount,
        currency,
        shown_date as first_known_date,
        'Financings of ' || supplier_id || ' on ' || cast(financing_date as string) || ' pay out '
        || cast(cast(net_amount as decimal(18, 2)) as string) || ' ' || currency || ' ('
        || cast(financing_count as string) || '); its accounts took in '
        || cast(cast(credit_amount as decimal(18, 2)) as string) || ' by then.' as explanation
    from undisbursed
)

{{ breaches_known() }}
