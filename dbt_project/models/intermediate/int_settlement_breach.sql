with rules as (
    select
        {{ rule_value('trade_amount_tolerance_ratio') }} as amount_tolerance,
        {{ rule_value('settlement_match_ratio') }} as match_ratio,
        cast({{ rule_value('cash_wait_days') }} as integer) as wait_days
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

accounts as (
    select
        record_key as account_no,
        party_id,
        first_known_date
    from {{ ref('int_party_link') }}
    where record_kind = 'bank.account' and valid_to is null
),

bookings as (
    select
        accounts.party_id,
        booked.currency,
        booked.booking_date,
        min(greatest(booked.known_date, accounts.first_known_date)) as known_date,
        sum(booked.credit_amount) as credit_amount,
        sum(booked.debit_amount) as debit_amount
    from {{ ref('int_bank_booking_daily') }} as booked
    inner join accounts on booked.account_no = accounts.account_no
    group by accounts.party_id, booked.currency, booked.booking_date
),

core_enterprises as (
    select *
    from {{ ref('int_core_enterprise') }}
    where valid_to is null
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

-- Cash is judged between a party's first booking and its last: from the night that first knew of one that came after.
awaited as (
    select
        core_enterprises.party_id,
        redeemed.currency,
        redeemed.awaited_date as on_date
    from redeemed
    inner join core_enterprises on redeemed.core_enterprise_id = core_enterprises.core_enterprise_id
    union
    select
        party_id,
        currency,
        awaited_date as on_date
    from financings
),

shown as (
    select
        party_id,
        currency,
        on_date,
        is_awaited,
        min(known_date) over (
            partition by party_id, currency order by on_date desc
            range between unbounded preceding and current row
        ) as known_date,
        min(case when not is_awaited then on_date end) over (partition by party_id, currency) as first_date
    from (
        select party_id, currency, on_date, cast(null as date) as known_date, true as is_awaited from awaited
        union all
        select party_id, currency, booking_date as on_date, known_date, false as is_awaited from bookings
    ) as days
),

reach as (
    select
        shown.party_id,
        shown.currency,
        shown.on_date,
        shown.known_date
    from shown
    cross join rules
    where
        shown.is_awaited
        and shown.known_date is not null
        and {{ days_between('shown.first_date', 'shown.on_date') }} >= 2 * rules.wait_days
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

paid as (
    select
        redeemed.core_enterprise_id,
        redeemed.currency,
        redeemed.redeemed_date,
        sum(bookings.debit_amount) as debit_amount
    from redeemed
    cross join rules
    inner join payers on redeemed.core_enterprise_id = payers.core_enterprise_id
    inner join bookings
        on
            payers.payer_party_id = bookings.party_id
            and redeemed.currency = bookings.currency
            and bookings.booking_date >= {{ add_days('redeemed.redeemed_date', '-rules.wait_days') }}
            and bookings.booking_date <= {{ add_days('redeemed.redeemed_date', 'rules.wait_days') }}
    group by redeemed.core_enterprise_id, redeemed.currency, redeemed.redeemed_date
),

-- More may have been paid than was redeemed, for accounts serve other ends too; less may not.
unpaid as (
    select
        redeemed.*,
        coalesce(paid.debit_amount, 0) as debit_amount,
        greatest(
            {{ add_days('redeemed.redeemed_date', 'rules.wait_days + 1') }}, redeemed.known_date, reach.known_date
        ) as shown_date
    from redeemed
    cross join rules
    inner join core_enterprises on redeemed.core_enterprise_id = core_enterprises.core_enterprise_id
    inner join reach
        on
            core_enterprises.party_id = reach.party_id
            and redeemed.currency = reach.currency
            and redeemed.awaited_date = reach.on_date
    left join paid
        on
            redeemed.core_enterprise_id = paid.core_enterprise_id
            and redeemed.currency = paid.currency
            and redeemed.redeemed_date = paid.redeemed_date
    where coalesce(paid.debit_amount, 0) < redeemed.amount * (1 - rules.match_ratio)
),

received as (
    select
        financings.supplier_id,
        financings.currency,
        financings.financing_date,
        sum(bookings.credit_amount) as credit_amount
    from financings
    cross join rules
    inner join bookings
        on
            financings.party_id = bookings.party_id
            and financings.currency = bookings.currency
            and bookings.booking_date >= financings.financing_date
            and bookings.booking_date <= {{ add_days('financings.financing_date', 'rules.wait_days') }}
    group by financings.supplier_id, financings.currency, financings.financing_date
),

undisbursed as (
    select
        financings.*,
        coalesce(received.credit_amount, 0) as credit_amount,
        greatest(
            {{ add_days('financings.financing_date', 'rules.wait_days + 1') }}, financings.known_date, reach.known_date
        ) as shown_date
    from financings
    cross join rules
    inner join reach
        on
            financings.party_id = reach.party_id
            and financings.currency = reach.currency
            and financings.awaited_date = reach.on_date
    left join received
        on
            financings.supplier_id = received.supplier_id
            and financings.currency = received.currency
            and financings.financing_date = received.financing_date
    where coalesce(received.credit_amount, 0) < financings.net_amount * (1 - rules.match_ratio)
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
