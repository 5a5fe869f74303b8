{#- Hops by which money may return; each more is one more join of what is under way. -#}
{%- set longest_loop = 4 %}
{%- set payment_key = ['company_code', 'payment_no', 'ap_document_no', 'fiscal_year'] %}

with holders as (
    select
        links.record_key as account_no,
        links.party_id,
        links.first_known_date,
        roles.core_enterprise_id,
        roles.supplier_id,
        coalesce(roles.core_enterprise_id, roles.supplier_id, links.party_id) as member_id
    from {{ ref('int_party_link') }} as links
    left join {{ ref('int_party_role') }} as roles on links.party_id = roles.party_id
    where links.record_kind = 'bank.account' and links.valid_to is null
),

rules as (
    select
        cast({{ rule_value('settlement_payer_days') }} as integer) as payer_days,
        {{ rule_value('settlement_match_ratio') }} as settlement_ratio,
        cast({{ rule_value('loop_window_days') }} as integer) as loop_days,
        {{ rule_value('loop_match_ratio') }} as loop_ratio
),

-- Payer and payee have each an entry of one transfer where both accounts are read.
moved as (
    select
        entries.payer_account_no,
        entries.payee_account_no,
        entries.amount,
        entries.currency,
        min(entries.booking_date) as transfer_date,
        greatest(min(entries.known_date), min(payers.first_known_date), min(payees.first_known_date)) as known_date
    from {{ ref('int_bank_transfer') }} as entries
    inner join holders as payers on entries.payer_account_no = payers.account_no
    inner join holders as payees on entries.payee_account_no = payees.account_no
    group by
        entries.payer_account_no,
        entries.payee_account_no,
        entries.amount,
        entries.currency,
        coalesce(entries.end_to_end_id, entries.account_no || ':' || entries.transaction_ref)
    -- of the groups and not of the rows: as a condition of the join it pairs all holders with each other first
    having min(payers.party_id) <> min(payees.party_id)
),

transfers as (
    select
        moved.amount,
        moved.currency,
        moved.transfer_date,
        moved.known_date,
        payers.party_id as payer_party_id,
        payees.party_id as payee_party_id,
        payers.member_id as payer_member_id,
        payees.member_id as payee_member_id,
        payers.core_enterprise_id as payer_core_enterprise_id,
        payees.core_enterprise_id as payee_core_enterprise_id,
        payers.supplier_id as payer_supplier_id,
        payees.supplier_id as payee_supplier_id
    from moved
    inner join holders as payers on moved.payer_account_no = payers.account_no
    inner join holders as payees on moved.payee_account_no = payees.account_no
),

-- What follows on a transfer is within one window of days and one band of amounts, or in the next: a join by equal
-- blocks, whose cost grows with the entries and not with their pairs. Money stops at who pays nothing on.
blocked as (
    select
        transfers.*,
        {{ day_block('transfers.transfer_date', 'rules.loop_days + 1') }} as day_block,
        cast(floor(ln(cast(transfers.amount as double)) / ln(1 + 2 * cast(rules.loop_ratio as double))) as bigint)
            as amount_block
    from transfers
    cross join rules
    where
        transfers.amount > 0
        -- money goes round only through who both pays and is paid
        and transfers.payer_party_id in (select paid.payee_party_id from transfers as paid)
        and transfers.payee_party_id in (select paying.payer_party_id from transfers as paying)
),

neighbours as (
    select 0 as days_on, 0 as bands_on
    union all
    select 0 as days_on, 1 as bands_on
    union all
    select 0 as days_on, -1 as bands_on
    union all
    select 1 as days_on, 0 as bands_on
    union all
    select 1 as days_on, 1 as bands_on
    union all
    select 1 as days_on, -1 as bands_on
),

-- Blocks in which the transfer can be the first of a loop, or a later hop of one that began in them.
offered as (
    select
        blocked.*,
        blocked.day_block - neighbours.days_on as origin_day_block,
        blocked.amount_block - neighbours.bands_on as origin_amount_block
    from blocked
    cross join neighbours
),

hops_1 as (
    select
        payer_party_id as origin_party_id,
        payer_member_id as origin_member_id,
        payee_member_id as first_member_id,
        currency,
        amount as first_amount,
        transfer_date as first_date,
        day_block,
        amount_block,
        payee_party_id as at_party_id,
        payer_party_id || '>' || payee_party_id as party_path,
        payer_member_id || ' > ' || payee_member_id as member_path,
        coalesce(payer_core_enterprise_id, payee_core_enterprise_id) as core_enterprise_id,
        coalesce(payee_supplier_id, payer_supplier_id) as supplier_id,
        transfer_date as last_date,
        amount as last_amount,
        known_date
    from blocked
)
{%- for hop in range(2, longest_loop + 1) %},

hops_{{ hop }} as (
    select
        under_way.origin_party_id,
        under_way.origin_member_id,
        under_way.first_member_id,
        under_way.currency,
        under_way.first_amount,
        under_way.first_date,
        under_way.day_block,
        under_way.amount_block,
        onward.payee_party_id as at_party_id,
        under_way.party_path || '>' || onward.payee_party_id as party_path,
        under_way.member_path || ' > ' || onward.payee_member_id as member_path,
        coalesce(under_way.core_enterprise_id, onward.payee_core_enterprise_id) as core_enterprise_id,
        coalesce(under_way.supplier_id, onward.payee_supplier_id) as supplier_id,
        onward.transfer_date as last_date,
        onward.amount as last_amount,
        greatest(under_way.known_date, onward.known_date) as known_date
    from hops_{{ hop - 1 }} as under_way
    inner join offered as onward
        on
            under_way.at_party_id = onward.payer_party_id
            and under_way.currency = onward.currency
            and under_way.day_block = onward.origin_day_block
            and under_way.amount_block = onward.origin_amount_block
    cross join rules
    where
        under_way.at_party_id <> under_way.origin_party_id
        and onward.transfer_date >= under_way.last_date
        and onward.transfer_date <= {{ add_days('under_way.first_date', 'rules.loop_days') }}
        and abs(onward.amount - under_way.first_amount) <= under_way.first_amount * rules.loop_ratio
        and (
            onward.payee_party_id = under_way.origin_party_id
            or position(onward.payee_party_id in under_way.party_path) = 0
        )
)
{%- endfor %},

loops as (
    {%- for hop in range(2, longest_loop + 1) %}
    select *, {{ hop }} as hop_count from hops_{{ hop }} where at_party_id = origin_party_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- One loop of several that begin with a payment, and the first of them in words.
looped_payments as (
    select *
    from loops
    qualify
        row_number() over (
            partition by origin_member_id, first_member_id, currency, first_date, first_amount
            order by known_date, hop_count, member_path, last_date, last_amount
        ) = 1
),

looped_pairs as (
    select
        *,
        count(*) over (partition by origin_member_id, first_member_id, currency) as loop_count,
        sum(first_amount) over (partition by origin_member_id, first_member_id, currency) as looped_amount
    from looped_payments
    qualify
        row_number() over (
            partition by origin_member_id, first_member_id, currency
            order by known_date, first_date, first_amount, member_path
        ) = 1
),

obligors as (
    select
        core_enterprise_id,
        company_code,
        party_id
    from {{ ref('int_core_enterprise') }}
    where valid_to is null
),

-- Of obligors without an account that a bank reads nobody could say which payer is none of theirs.
read_obligors as (
    select
        obligors.core_enterprise_id,
        obligors.party_id,
        min(holders.first_known_date) as read_since_date
    from obligors
    inner join holders on obligors.party_id = holders.party_id
    group by obligors.core_enterprise_id, obligors.party_id
),

payments as (
    select
        {{ payable_id('latest') }} as payable_id,
        obligors.core_enterprise_id,
        latest.payer_account_no,
        latest.payment_date as paid_date,
        latest.amount,
        latest.currency,
        latest.known_date
    from {{ latest_version(ref('stg_erp__ap_payment'), payment_key) }} as latest
    inner join obligors on latest.company_code = obligors.company_code
    where latest.payment_method = 'BANK'
),

sellers as (
    select
        payables.payable_id,
        vendors.party_id,
        roles.supplier_id
    from {{ ref('int_payable_interval') }} as payables
    {{ parties_of_payables(as_of_date()) }}
    where payables.valid_to is null
),

financings as (
    select
        financing_id,
        min(core_enterprise_id) as core_enterprise_id,
        min(supplier_id) as supplier_id,
        min(valid_from) as valid_from
    from {{ ref('int_financing_interval') }}
    group by financing_id
),

settlements as (
    select
        'INVOICE' as subject_kind,
        payments.payable_id as subject_id,
        payments.core_enterprise_id,
        sellers.supplier_id,
        payments.payer_account_no,
        payments.paid_date,
        payments.amount,
        payments.currency,
        true as is_by_obligor,
        payments.known_date
    from payments
    inner join sellers on payments.payable_id = sellers.payable_id
    union all
    select
        'REPAYMENT' as subject_kind,
        repayments.repayment_id as subject_id,
        financings.core_enterprise_id,
        financings.supplier_id,
        repayments.payer_account_no,
        repayments.repayment_date as paid_date,
        repayments.amount,
        repayments.currency,
        repayments.payer_type = 'CORE_ENTERPRISE' as is_by_obligor,
        greatest(repayments.known_date, financings.valid_from) as known_date
    from {{ latest_version(ref('stg_platform__repayment'), ['repayment_id']) }} as repayments
    inner join financings on repayments.financing_id = financings.financing_id
    -- a supplier that buys back pays in its own name; whoever else pays must be the obligor or of its group
    where repayments.payer_type in ('CORE_ENTERPRISE', 'OTHER')
    union all
    select
        'CERTIFICATE' as subject_kind,
        events.certificate_id as subject_id,
        certificates.core_enterprise_id,
        certificates.holder_id as supplier_id,
        cast(null as string) as payer_account_no,
        cast(events.occurred_at as date) as paid_date,
        events.amount,
        events.currency,
        true as is_by_obligor,
        events.posted_date as known_date
    from {{ ref('int_certificate_event') }} as events
    inner join {{ ref('int_certificate') }} as certificates on events.certificate_id = certificates.certificate_id
    where events.event_type = 'REDEEMED' and events.valid_to is null and events.posted_date is not null
),

paid_by_others as (
    select
        settlements.*,
        payers.member_id as payer_member_id,
        greatest(settlements.known_date, obligors.read_since_date) as shown_date
    from settlements
    inner join read_obligors as obligors on settlements.core_enterprise_id = obligors.core_enterprise_id
    left join holders as payers on settlements.payer_account_no = payers.account_no
    where
        settlements.payer_account_no is not null
        and (payers.party_id is null or payers.party_id <> obligors.party_id)
        and not exists (
            select 1
            from {{ ref('int_control_tie') }} as ties
            where
                ties.party_id = obligors.party_id
                and ties.other_party_id = payers.party_id
                and ties.first_date <= settlements.paid_date
                and ties.end_date > settlements.paid_date
        )
),

-- Whom a supplier can act through: itself and whom one will directs with it.
circles as (
    select
        suppliers.supplier_id,
        suppliers.party_id,
        suppliers.party_id as member_party_id,
        cast('0001-01-01' as date) as first_date,
        cast('9999-12-31' as date) as end_date,
        cast('0001-01-01' as date) as known_date
    from {{ ref('int_supplier') }} as suppliers
    where suppliers.valid_to is null
    union all
    select
        suppliers.supplier_id,
        suppliers.party_id,
        ties.other_party_id as member_party_id,
        ties.first_date,
        ties.end_date,
        ties.known_date
    from {{ ref('int_supplier') }} as suppliers
    inner join {{ ref('int_control_tie') }} as ties on suppliers.party_id = ties.party_id
    where suppliers.valid_to is null
),

inflows as (
    select
        transfers.payee_core_enterprise_id as core_enterprise_id,
        circles.supplier_id,
        transfers.payer_member_id,
        transfers.amount,
        transfers.currency,
        transfers.transfer_date,
        greatest(transfers.known_date, circles.known_date) as known_date
    from transfers
    inner join circles
        on
            transfers.payer_party_id = circles.member_party_id
            and transfers.transfer_date >= circles.first_date
            and transfers.transfer_date < circles.end_date
    where transfers.payee_core_enterprise_id is not null
),

-- One transfer may fund all that the obligor pays a supplier in one way on a day.
funded as (
    select
        paid.*,
        inflows.payer_member_id,
        inflows.amount as inflow_amount,
        inflows.transfer_date as inflow_date,
        greatest(paid.known_date, inflows.known_date) as first_known_date
    from (
        select
            *,
            sum(amount) over (partition by subject_kind, core_enterprise_id, supplier_id, currency, paid_date)
                as day_amount
        from settlements
        where
            is_by_obligor
            and (core_enterprise_id, supplier_id, currency) in (
                select
                    inflows.core_enterprise_id,
                    inflows.supplier_id,
                    inflows.currency
                from inflows
            )
    ) as paid
    cross join rules
    inner join inflows
        on
            paid.core_enterprise_id = inflows.core_enterprise_id
            and paid.supplier_id = inflows.supplier_id
            and paid.currency = inflows.currency
            and paid.paid_date >= inflows.transfer_date
            and paid.paid_date <= {{ add_days('inflows.transfer_date', 'rules.payer_days') }}
    where
        abs(inflows.amount - paid.amount) <= paid.amount * rules.settlement_ratio
        or abs(inflows.amount - paid.day_amount) <= paid.day_amount * rules.settlement_ratio
    qualify
        row_number() over (
            partition by paid.subject_kind, paid.subject_id, paid.paid_date, paid.amount
            order by first_known_date, inflows.transfer_date, inflows.amount, inflows.payer_member_id
        ) = 1
),

breaches as (
    select
        'THIRD_PARTY_SETTLEMENT' as rule_id,
        subject_kind,
        subject_id,
        min(core_enterprise_id) as core_enterprise_id,
        min(supplier_id) as supplier_id,
        min(payer_member_id) as counterpart_id,
        sum(amount) as amount,
        currency,
        min(shown_date) as first_known_date,
        cast(sum(amount) as string) || ' ' || currency || ' that ' || min(core_enterprise_id) || ' owed were paid by '
        || coalesce(min(payer_member_id), 'an account that no bank names') || ', first on '
        || cast(min(paid_date) as string) || ', and not by it or its control group.' as explanation
    from paid_by_others
    group by subject_kind, subject_id, currency
    union all
    select
        'SELF_FUNDED_SETTLEMENT' as rule_id,
        subject_kind,
        subject_id,
        min(core_enterprise_id) as core_enterprise_id,
        min(supplier_id) as supplier_id,
        min(payer_member_id) as counterpart_id,
        sum(amount) as amount,
        currency,
        min(first_known_date) as first_known_date,
        min(core_enterprise_id) || ' paid ' || cast(sum(amount) as string) || ' ' || currency
        || ' for ' || min(supplier_id) || ' by ' || cast(max(paid_date) as string) || ', after '
        || min(payer_member_id) || ' had paid it ' || cast(min(inflow_amount) as string)
        || ' on ' || cast(min(inflow_date) as string) || '.' as explanation
    from funded
    group by subject_kind, subject_id, currency
    union all
    select
        'MONEY_RETURNS' as rule_id,
        'PAIR' as subject_kind,
        origin_member_id || ':' || first_member_id || ':' || currency as subject_id,
        core_enterprise_id,
        supplier_id,
        first_member_id as counterpart_id,
        looped_amount as amount,
        currency,
        known_date as first_known_date,
        cast(loop_count as string) || ' payments came back to ' || origin_member_id || ', the first of '
        || cast(first_amount as string) || ' ' || currency || ' from ' || cast(first_date as string) || ' to '
        || cast(last_date as string) || ' by ' || member_path || '.' as explanation
    from looped_pairs
)

{{ breaches_known() }}
