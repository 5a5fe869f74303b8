with rules as (
    select
        cast({{ rule_value('technical_delay_days') }} as integer) as delay_days,
        cast({{ rule_value('status_match_days') }} as integer) as match_days
),

terms as (
    select
        terms.*,
        certificates.face_amount,
        certificates.opened_date
    from {{ ref('int_certificate_term_interval') }} as terms
    inner join {{ ref('int_certificate') }} as certificates on terms.certificate_id = certificates.certificate_id
    where certificates.opened_date is not null and certificates.withdrawn_date is null
),

-- A due date that moves while a dispute is on record, before it has passed, follows from the dispute. To move it later,
-- or without one, makes punctual what is late or will be.
moves as (
    select
        payable_id,
        valid_from,
        due_date,
        lag(due_date) over history as due_before_date,
        max(case when is_disputed then 1 else 0 end) over (
            partition by payable_id order by valid_from rows between unbounded preceding and 1 preceding
        ) as was_disputed
    from {{ ref('int_payable_interval') }}
    where
        payable_id in (
            select moved.payable_id from {{ ref('int_payable_interval') }} as moved
            where moved.due_date > moved.first_due_date
        )
    window history as (partition by payable_id order by valid_from)
),

-- Of a payable whose first version already stands moved nothing says when that was.
moved_payables as (
    select
        payables.payable_id,
        min(payables.valid_from) as known_date
    from {{ ref('int_payable_interval') }} as payables
    left join moves on payables.payable_id = moves.payable_id and payables.valid_from = moves.valid_from
    where
        payables.due_date > payables.first_due_date
        and (
            moves.due_before_date is null
            or (
                moves.due_date > moves.due_before_date
                and (moves.was_disputed = 0 or moves.valid_from > moves.due_before_date)
            )
        )
    group by payables.payable_id
),

promised as (
    select
        certificate_id,
        min(first_due_date) as first_due_date
    from terms
    group by certificate_id
),

-- What holder and obligor agree on before the due date has passed is forbearance, and no lateness is cured by it.
extensions as (
    select
        events.certificate_id,
        cast(events.occurred_at as date) as agreed_date,
        coalesce(
            lag(events.new_due_date) over (
                partition by events.certificate_id order by events.occurred_at, events.certificate_event_id
            ),
            promised.first_due_date
        ) as due_before_date
    from {{ ref('int_certificate_event') }} as events
    inner join promised on events.certificate_id = promised.certificate_id
    where
        events.event_type = 'EXTENDED'
        and events.new_due_date is not null
        and events.valid_to is null
        and events.posted_date is not null
),

moved_certificates as (
    select
        terms.certificate_id,
        min(terms.valid_from) as known_date
    from terms
    left join extensions
        on terms.certificate_id = extensions.certificate_id and extensions.agreed_date > extensions.due_before_date
    where
        terms.due_date > terms.first_due_date
        and (not terms.is_extended or extensions.certificate_id is not null)
    group by terms.certificate_id
),

reported_late as (
    select distinct certificate_id
    from {{ ref('int_certificate_event') }}
    where event_type = 'OVERDUE' and valid_to is null and posted_date is not null
),

-- Cash ends a certificate on the day on which all that was left of it is redeemed; a write-off ends nothing that cash
-- would show.
redeemed as (
    select
        certificate_id,
        max(cast(occurred_at as date)) as redeemed_date,
        max(posted_date) as known_date
    from {{ ref('int_certificate_event') }}
    where event_type = 'REDEEMED' and valid_to is null and posted_date is not null
    group by certificate_id
),

positions as (
    select
        certificate_id,
        cast(face_amount - passed_on_amount as decimal(18, 2)) as amount,
        cast(available_amount + frozen_amount + financed_amount as decimal(18, 2)) as open_amount
    from {{ ref('int_certificate_position_interval') }}
    where valid_to is null
),

silent as (
    select
        terms.certificate_id,
        terms.core_enterprise_id,
        terms.holder_id,
        terms.currency,
        terms.due_date,
        positions.amount,
        positions.open_amount,
        redeemed.redeemed_date,
        greatest({{ add_days('terms.due_date', 'rules.delay_days + 1') }}, terms.valid_from) as known_date
    from terms
    cross join rules
    inner join positions on terms.certificate_id = positions.certificate_id
    left join redeemed on terms.certificate_id = redeemed.certificate_id
    left join reported_late on terms.certificate_id = reported_late.certificate_id
    where
        terms.valid_to is null
        and reported_late.certificate_id is null
        and positions.amount > 0
        and {{ add_days('terms.due_date', 'rules.delay_days') }} < case
            when positions.open_amount > 0 then {{ as_of_date() }}
            else redeemed.redeemed_date
        end
),

-- What has not been redeemed by the date of a tape counts as open, in the position known now.
tapes as (
    select
        tapes.funder_id,
        tapes.collateral_id,
        tapes.tape_date,
        tapes.financed_amount,
        tapes.currency,
        tapes.due_date,
        tapes.reported_status,
        tapes.reported_dpd_days,
        tapes.known_date,
        debtors.core_enterprise_id,
        sellers.supplier_id,
        lag(tapes.tape_date) over collateral as previous_tape_date,
        lag(tapes.due_date) over collateral as previous_due_date,
        lag(tapes.reported_dpd_days) over collateral as previous_dpd_days,
        lag(tapes.financed_amount) over collateral as previous_financed_amount,
        max(tapes.known_date) over (
            partition by tapes.funder_id, tapes.collateral_id order by tapes.tape_date
            rows between 1 preceding and current row
        ) as pair_known_date
    from {{ ref('int_funder_tape') }} as tapes
    left join {{ ref('int_party_number') }} as seller_numbers
        on
            tapes.seller_no = seller_numbers.party_no
            and tapes.seller_no_scheme = seller_numbers.party_no_scheme
            and seller_numbers.valid_to is null
    left join {{ ref('int_party_role') }} as sellers on seller_numbers.party_id = sellers.party_id
    left join {{ ref('int_party_number') }} as debtor_numbers
        on
            tapes.debtor_no = debtor_numbers.party_no
            and tapes.debtor_no_scheme = debtor_numbers.party_no_scheme
            and debtor_numbers.valid_to is null
    left join {{ ref('int_party_role') }} as debtors on debtor_numbers.party_id = debtors.party_id
    window collateral as (partition by tapes.funder_id, tapes.collateral_id order by tapes.tape_date)
),

reaged_collateral as (
    select
        *,
        count(*) over (partition by collateral_id) as reaged_count
    from tapes
    where
        due_date > previous_due_date
        or (
            previous_dpd_days > 0
            and reported_dpd_days = 0
            and reported_status = 'CURRENT'
            and financed_amount >= previous_financed_amount
        )
    qualify
        row_number() over (partition by collateral_id order by pair_known_date, tape_date, funder_id) = 1
),

-- Days past due by the promise as it was known when the tape came, until the day on which cash ended it.
proven as (
    select
        tapes.*,
        terms.due_date as promised_date,
        redeemed.redeemed_date,
        case
            when redeemed.redeemed_date <= tapes.tape_date and positions.open_amount <= 0 then 0
            else greatest({{ days_between('terms.due_date', 'tapes.tape_date') }}, 0)
        end as cash_dpd_days,
        positions.open_amount <= 0 and redeemed.redeemed_date <= tapes.tape_date as is_paid,
        -- what was redeemed after the tape says nothing of the day of the tape
        greatest(
            tapes.known_date,
            terms.opened_date,
            case when redeemed.redeemed_date <= tapes.tape_date then redeemed.known_date else tapes.known_date end
        ) as shown_date
    from tapes
    inner join terms
        on
            tapes.collateral_id = terms.certificate_id
            and {{ valid_on('terms', 'greatest(tapes.known_date, terms.opened_date)') }}
    inner join positions on tapes.collateral_id = positions.certificate_id
    left join redeemed on tapes.collateral_id = redeemed.certificate_id
),

contradicted as (
    select
        proven.*,
        count(*) over (partition by proven.collateral_id) as contradicted_count
    from proven
    cross join rules
    where
        (
            proven.reported_status in ('CURRENT', 'PAST_DUE')
            and abs(proven.reported_dpd_days - proven.cash_dpd_days) > rules.match_days
        )
        or (proven.reported_status = 'CURRENT' and proven.cash_dpd_days > rules.match_days)
        or (proven.reported_status = 'PAID' and not coalesce(proven.is_paid, false))
    qualify
        row_number() over (
            partition by proven.collateral_id order by proven.shown_date, proven.tape_date, proven.funder_id
        ) = 1
),

breaches as (
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
    {{ parties_of_payables(as_of_date()) }}
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
        'REAGED' as rule_id,
        'COLLATERAL' as subject_kind,
        collateral_id as subject_id,
        core_enterprise_id,
        supplier_id,
        funder_id as counterpart_id,
        financed_amount as amount,
        currency,
        pair_known_date as first_known_date,
        'The tape of ' || funder_id || ' of ' || cast(tape_date as string) || ' has collateral ' || collateral_id
        || ' due on ' || cast(due_date as string) || ' and ' || cast(reported_dpd_days as string)
        || ' days late, that of ' || cast(previous_tape_date as string) || ' had '
        || cast(previous_due_date as string) || ' and '
        || cast(previous_dpd_days as string) || '; ' || cast(financed_amount as string) || ' ' || currency
        || ' are outstanding as before.' as explanation
    from reaged_collateral
    union all
    select
        'STATUS_CONTRADICTS_CASH' as rule_id,
        'COLLATERAL' as subject_kind,
        collateral_id as subject_id,
        core_enterprise_id,
        supplier_id,
        funder_id as counterpart_id,
        financed_amount as amount,
        currency,
        shown_date as first_known_date,
        'The tape of ' || funder_id || ' of ' || cast(tape_date as string) || ' reports collateral ' || collateral_id
        || ' ' || reported_status || ' and ' || cast(reported_dpd_days as string) || ' days late; by cash it was '
        || case when is_paid then 'paid on ' || cast(redeemed_date as string)
            else cast(cash_dpd_days as string) || ' days late' end
        || ', due on ' || cast(promised_date as string) || ' (' || cast(contradicted_count as string) || ' tapes).'
            as explanation
    from contradicted
)

{{ breaches_known() }}
