{#- Rules of one receivable: rule, condition, first known, the amount in question, sentence -#}
{%- set rules = [
    (
        'INVOICE_NOT_IN_BOOKS', "is_certificate and books_status = 'MISSING'", 'books_due_date',
        'invoice_amount', "'the debtor has not booked it'",
    ),
    (
        'INVOICE_ABOVE_BOOKS', "is_certificate and books_status = 'CONTRADICTED'",
        'greatest(claim_known_date, books_known_date)', 'books_difference_amount',
        "'the debtor booked ' || cast(books_amount as string)",
    ),
    (
        'INVOICE_NOT_IN_TAX', "is_claim and tax_status = 'MISSING'", 'tax_due_date', 'invoice_amount',
        "'the tax office, whose data of the seller are read, has no such invoice'",
    ),
    (
        'TAX_AMOUNT_CONTRADICTS', "is_claim and tax_status = 'CONTRADICTED' and tax_ended_known_date is null",
        'greatest(claim_known_date, tax_known_date)', 'abs(tax_difference_amount)',
        "'the tax office has ' || cast(tax_amount as string)",
    ),
    (
        'NO_RECEIPT', "is_claim and receipt_status = 'MISSING' and books_status <> 'MISSING'",
        'receipt_due_date', 'invoice_amount', "'neither goods nor work were received for it'",
    ),
    (
        'FINANCED_BEFORE_DELIVERY', "is_certificate and first_financing_date < first_receipt_date",
        'greatest(financing_known_date, receipt_known_date)', 'financed_amount',
        "'financed on ' || cast(first_financing_date as string) || ', delivered on '"
        " || cast(first_receipt_date as string)",
    ),
    (
        'VOID_OR_RED_AFTER_FINANCE', "is_certificate and financed_amount > 0 and tax_ended_known_date is not null"
        " and tax_status in ('CONTRADICTED', 'PARTIAL')",
        'greatest(financing_known_date, tax_ended_known_date)', 'financed_amount',
        "'the tax office has ' || cast(tax_amount as string) || ' less ' || cast(tax_red_amount as string)"
        " || ' taken back'",
    ),
] %}

with parameters as (
    select
        {%- for rule in [
            'trade_amount_tolerance_ratio', 'trade_receipt_wait_days', 'trade_tax_wait_days', 'trade_books_wait_days',
            'duplicate_amount_tolerance_ratio', 'duplicate_date_window_days', 'duplicate_number_distance',
        ] %}
        max(case when rules.rule_id = '{{ rule }}' then rules.value end) as {{ rule }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('rule_parameter') }} as rules
    where rules.scope = 'ALL' and {{ valid_on('rules', as_of_date()) }}
),

receivables as (
    select
        trades.*,
        trades.receivable_type = 'CERTIFICATE' as is_certificate,
        -- what is wrong with an invoice is said once: of the certificate, or of the payable that has none
        trades.receivable_type = 'CERTIFICATE' or trades.certificate_amount = 0 as is_claim,
        {{ add_days('trades.claim_known_date', 'parameters.trade_books_wait_days + 1') }} as books_due_date,
        {{ add_days(
            'greatest(trades.invoice_date, trades.claim_known_date)', 'parameters.trade_tax_wait_days + 1'
        ) }} as tax_due_date,
        {{ add_days(
            'greatest(trades.invoice_date, trades.claim_known_date)', 'parameters.trade_receipt_wait_days + 1'
        ) }} as receipt_due_date
    from {{ ref('trade_verification') }} as trades
    cross join parameters
),

of_receivables as (
    {%- for rule, condition, first_known, amount, sentence in rules %}
    select
        '{{ rule }}' as rule_id,
        case when is_certificate then 'CERTIFICATE' else 'INVOICE' end as subject_kind,
        receivable_id as subject_id,
        core_enterprise_id,
        supplier_id,
        cast(null as string) as counterpart_id,
        cast({{ amount }} as decimal(18, 2)) as amount,
        currency,
        {{ first_known }} as first_known_date,
        'Invoice ' || coalesce(invoice_no, 'without number') || ' of '
        || coalesce(cast(invoice_amount as string) || ' ' || currency, 'unknown amount')
        || ': ' || {{ sentence }} || '.' as explanation
    from receivables
    where {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

certificates as (
    select
        receivables.*,
        {{ invoice_key('receivables.invoice_no') }} as invoice_key,
        receivables.payable_id is not null
        and (receivables.first_receipt_date is not null or receivables.tax_invoice_date is not null) as is_evidenced
    from receivables
    where receivables.is_certificate and receivables.invoice_no is not null
),

-- Several certificates may share an invoice as long as together they stay within it.
claimed as (
    select
        *,
        sum(certificate_amount) over same_invoice as claimed_amount,
        sum(financed_amount) over same_invoice as all_financed_amount,
        lag(receivable_id) over (
            partition by invoice_fingerprint order by claim_known_date, receivable_id
        ) as earlier_id,
        max(financing_known_date) over same_invoice as last_financing_known_date
    from certificates
    where invoice_fingerprint is not null
    window same_invoice as (
        partition by invoice_fingerprint order by claim_known_date, receivable_id
        rows between unbounded preceding and current row
    )
),

exact as (
    select
        'DUPLICATE_EXACT' as rule_id,
        'CERTIFICATE' as subject_kind,
        claimed.receivable_id as subject_id,
        claimed.core_enterprise_id,
        claimed.supplier_id,
        claimed.earlier_id as counterpart_id,
        cast(claimed.claimed_amount - claimed.invoice_amount as decimal(18, 2)) as amount,
        claimed.currency,
        claimed.claim_known_date as first_known_date,
        'Certificates on invoice ' || claimed.invoice_no || ' of ' || cast(claimed.invoice_amount as string) || ' '
        || claimed.currency || ' add up to ' || cast(claimed.claimed_amount as string) || '; another is '
        || claimed.earlier_id || '.' as explanation
    from claimed
    cross join parameters
    where
        claimed.earlier_id is not null
        and claimed.claimed_amount > claimed.invoice_amount * (1 + parameters.trade_amount_tolerance_ratio)
),

financed_above as (
    select
        'FINANCED_ABOVE_INVOICE' as rule_id,
        'CERTIFICATE' as subject_kind,
        claimed.receivable_id as subject_id,
        claimed.core_enterprise_id,
        claimed.supplier_id,
        claimed.earlier_id as counterpart_id,
        cast(claimed.all_financed_amount - claimed.invoice_amount as decimal(18, 2)) as amount,
        claimed.currency,
        greatest(claimed.claim_known_date, claimed.last_financing_known_date) as first_known_date,
        'Funders paid out ' || cast(claimed.all_financed_amount as string) || ' on invoice ' || claimed.invoice_no
        || ' of ' || cast(claimed.invoice_amount as string) || ' ' || claimed.currency || '.' as explanation
    from claimed
    cross join parameters
    where
        claimed.financed_amount > 0
        and claimed.all_financed_amount > claimed.invoice_amount * (1 + parameters.trade_amount_tolerance_ratio)
),

-- Invoices that are near each other in time lie in one block of days or in two that adjoin.
near_blocks as (
    select -1 as blocks_on
    union all
    select 0 as blocks_on
    union all
    select 1 as blocks_on
),

dated as (
    select
        certificates.*,
        {{ day_block('certificates.invoice_date', 'parameters.duplicate_date_window_days + 1') }} as day_block
    from certificates
    cross join parameters
),

sought as (
    select
        dated.*,
        dated.day_block + near_blocks.blocks_on as near_block
    from dated
    cross join near_blocks
),

-- Numbers are compared within a seller and a buyer alone, and not where the debtor has booked two invoices and each has
-- a receipt or a tax invoice of its own: of equal amounts under neighbouring numbers honest trade has many.
fuzzy as (
    select
        'DUPLICATE_FUZZY' as rule_id,
        'CERTIFICATE' as subject_kind,
        later.receivable_id as subject_id,
        later.core_enterprise_id,
        later.supplier_id,
        earlier.receivable_id as counterpart_id,
        later.invoice_amount as amount,
        later.currency,
        later.claim_known_date as first_known_date,
        'Invoice ' || later.invoice_no || ' of ' || cast(later.invoice_amount as string) || ' ' || later.currency
        || ' on ' || cast(later.invoice_date as string) || ' is like invoice ' || earlier.invoice_no || ' of '
        || cast(earlier.invoice_amount as string) || ' on ' || cast(earlier.invoice_date as string)
        || ' behind certificate ' || earlier.receivable_id || '.' as explanation
    from sought as later
    cross join parameters
    inner join dated as earlier
        on
            later.near_block = earlier.day_block
            and later.supplier_id = earlier.supplier_id
            and later.core_enterprise_id = earlier.core_enterprise_id
            and later.currency = earlier.currency
            and later.invoice_fingerprint <> earlier.invoice_fingerprint
            and (
                later.claim_known_date > earlier.claim_known_date
                or (later.claim_known_date = earlier.claim_known_date and later.receivable_id > earlier.receivable_id)
            )
            and abs(later.invoice_amount - earlier.invoice_amount)
            <= parameters.duplicate_amount_tolerance_ratio * earlier.invoice_amount
            and abs({{ days_between('earlier.invoice_date', 'later.invoice_date') }})
            <= parameters.duplicate_date_window_days
            and (
                later.invoice_key = earlier.invoice_key
                or levenshtein(later.invoice_no, earlier.invoice_no) <= parameters.duplicate_number_distance
            )
    where
        later.payable_id is null
        or earlier.payable_id is null
        or later.payable_id = earlier.payable_id
        or not later.is_evidenced
        or not earlier.is_evidenced
    qualify
        row_number() over (
            partition by later.receivable_id
            order by
                abs(later.invoice_amount - earlier.invoice_amount), earlier.claim_known_date, earlier.receivable_id
        ) = 1
),

-- Two funders may hold parts of one invoice, but together no more than there is of it. A certificate is financed as a
-- whole by one of them on one tape, or in parts under its own number on several.
tapes as (
    select
        funder_id,
        tape_date,
        collateral_id,
        seller_no_scheme || ':' || seller_no || '|' || debtor_no_scheme || ':' || debtor_no || '|'
        || {{ normalised_invoice_no('invoice_no') }} || '|' || cast(invoice_date as string) || '|' || currency
            as invoice_of_tape,
        seller_no,
        seller_no_scheme,
        debtor_no,
        debtor_no_scheme,
        invoice_no,
        invoice_amount,
        financed_amount,
        currency,
        known_date
    from {{ ref('int_funder_tape') }}
    where reported_status in ('CURRENT', 'PAST_DUE') and financed_amount > 0
),

together as (
    select
        invoice_of_tape,
        tape_date,
        min(invoice_amount) as invoice_amount,
        sum(financed_amount) as financed_amount,
        max(known_date) as known_date
    from tapes
    group by invoice_of_tape, tape_date
    having count(distinct funder_id) > 1
),

overlapping as (
    select
        tapes.funder_id,
        tapes.collateral_id,
        tapes.seller_no,
        tapes.seller_no_scheme,
        tapes.debtor_no,
        tapes.debtor_no_scheme,
        tapes.invoice_no,
        tapes.currency,
        together.tape_date,
        together.invoice_amount,
        together.financed_amount,
        together.known_date,
        others.funder_id as other_funder_id,
        others.collateral_id as other_collateral_id
    from together
    cross join parameters
    inner join tapes on together.invoice_of_tape = tapes.invoice_of_tape and together.tape_date = tapes.tape_date
    inner join tapes as others
        on
            tapes.invoice_of_tape = others.invoice_of_tape
            and tapes.tape_date = others.tape_date
            and tapes.funder_id <> others.funder_id
    where together.financed_amount > together.invoice_amount * (1 + parameters.trade_amount_tolerance_ratio)
    qualify
        row_number() over (
            partition by tapes.funder_id, tapes.collateral_id
            order by together.known_date, together.tape_date, others.funder_id, others.collateral_id
        ) = 1
),

sellers as (
    select
        party_no,
        party_no_scheme,
        min(supplier_id) as supplier_id
    from {{ ref('int_supplier') }}
    where valid_to is null
    group by party_no, party_no_scheme
),

debtors as (
    select
        party_no,
        party_no_scheme,
        min(core_enterprise_id) as core_enterprise_id
    from {{ ref('int_core_enterprise') }}
    where valid_to is null
    group by party_no, party_no_scheme
),

of_tapes as (
    select
        'FUNDER_OVERLAP' as rule_id,
        'COLLATERAL' as subject_kind,
        overlapping.funder_id || ':' || overlapping.collateral_id as subject_id,
        debtors.core_enterprise_id,
        sellers.supplier_id,
        overlapping.other_funder_id || ':' || overlapping.other_collateral_id as counterpart_id,
        cast(overlapping.financed_amount - overlapping.invoice_amount as decimal(18, 2)) as amount,
        overlapping.currency,
        overlapping.known_date as first_known_date,
        'Funders ' || overlapping.funder_id || ' and ' || overlapping.other_funder_id || ' report '
        || cast(overlapping.financed_amount as string) || ' on invoice ' || overlapping.invoice_no || ' of '
        || cast(overlapping.invoice_amount as string) || ' ' || overlapping.currency || ' on their tapes of '
        || cast(overlapping.tape_date as string) || '.' as explanation
    from overlapping
    left join sellers
        on overlapping.seller_no = sellers.party_no and overlapping.seller_no_scheme = sellers.party_no_scheme
    left join debtors
        on overlapping.debtor_no = debtors.party_no and overlapping.debtor_no_scheme = debtors.party_no_scheme
),

breaches as (
    select * from of_tapes
    union all
    select * from of_receivables
    union all
    select * from exact
    union all
    select * from financed_above
    union all
    select * from fuzzy
)

{{ breaches_known() }}
