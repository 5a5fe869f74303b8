{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='receivable_id',
        on_schema_change='append_new_columns',
        pre_hook='{{ drop_ended_claims() }}'
    )
}}

{#- All columns but the sentence, which is made of them. -#}
{%- set columns = [
    'receivable_id', 'receivable_type', 'certificate_id', 'payable_id',
    'core_enterprise_id', 'supplier_id', 'company_code', 'ap_document_no',
    'fiscal_year', 'invoice_no', 'invoice_date', 'invoice_fingerprint',
    'currency', 'invoice_amount', 'certificate_amount', 'financed_amount',
    'first_financing_date', 'books_status', 'books_amount', 'credited_amount',
    'books_difference_amount', 'order_status', 'order_date', 'order_amount',
    'line_invoiced_amount', 'order_difference_amount', 'receipt_status', 'first_receipt_date',
    'receipt_amount', 'receipt_difference_amount', 'tax_status', 'tax_invoice_date',
    'tax_amount', 'tax_red_amount', 'tax_difference_amount', 'cash_status',
    'due_date', 'cash_due_amount', 'cash_amount', 'cash_difference_amount',
    'verdict', 'claim_known_date', 'financing_known_date', 'books_known_date',
    'receipt_known_date', 'tax_known_date', 'tax_ended_known_date', 'is_tax_reached',
] %}
{%- set rules = [
    'trade_amount_tolerance_ratio', 'trade_receipt_tolerance_ratio', 'trade_date_window_days',
    'trade_receipt_wait_days', 'trade_tax_wait_days', 'trade_books_wait_days', 'trade_source_reach_days',
    'technical_delay_days',
] %}

with rules as (
    select
        {%- for rule in rules %}
        max(case when parameters.rule_id = '{{ rule }}' then parameters.value end)
            as {{ rule }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('rule_parameter') }} as parameters
    where parameters.scope = 'ALL' and {{ valid_on('parameters', as_of_date()) }}
),

evidence as (
    select * from {{ ref('int_trade_evidence') }} where not is_withdrawn
),

books as (
    select
        evidence.*,
        payables.ap_document_no,
        payables.fiscal_year,
        payables.confirmed_date,
        payables.credited_amount,
        payables.paid_cash_amount + payables.paid_bill_amount + payables.set_off_amount as paid_amount,
        payables.certificated_amount,
        payables.retention_amount,
        payables.retention_due_date,
        {{ payable_due_date('payables') }} as due_date
    from evidence
    inner join {{ ref('int_payable_interval') }} as payables
        on evidence.trade_id = payables.payable_id and payables.valid_to is null
    where evidence.evidence_kind = 'BOOKS'
),

trees as (
    select
        root_certificate_id,
        sum(redeemed_amount) as redeemed_amount,
        sum(cancelled_amount) as cancelled_amount,
        sum(written_off_amount + cancelled_amount) as ended_amount
    from {{ ref('int_certificate_position_interval') }}
    where valid_to is null
    group by root_certificate_id
),

financings as (
    select
        certificates.root_certificate_id,
        sum(case when financings.valid_to is null then financings.principal_amount else 0 end) as financed_amount,
        min(case when financings.valid_to is null then financings.financing_date end) as first_financing_date,
        min(financings.valid_from) as financing_known_date
    from {{ ref('int_financing_interval') }} as financings
    inner join {{ ref('int_certificate') }} as certificates
        on financings.certificate_id = certificates.certificate_id
    group by certificates.root_certificate_id
),

roots as (
    select
        certificates.certificate_id,
        certificates.core_enterprise_id,
        certificates.holder_id,
        certificates.face_amount,
        certificates.face_amount - coalesce(trees.cancelled_amount, 0) as promised_amount,
        certificates.currency,
        certificates.first_known_date,
        terms.due_date,
        {{ payable_id('certificates') }} as payable_id,
        coalesce(trees.redeemed_amount, 0) as redeemed_amount,
        coalesce(trees.ended_amount, 0) as ended_amount,
        coalesce(financings.financed_amount, 0) as financed_amount,
        financings.first_financing_date,
        financings.financing_known_date
    from {{ ref('int_certificate') }} as certificates
    inner join {{ ref('int_certificate_term_interval') }} as terms
        on certificates.certificate_id = terms.certificate_id and terms.valid_to is null
    left join trees on certificates.certificate_id = trees.root_certificate_id
    left join financings on certificates.certificate_id = financings.root_certificate_id
    where certificates.parent_certificate_id is null and certificates.withdrawn_date is null
),

-- Where a certificate does not name the document, it is the one with the number that was submitted.
submitted as (
    select
        roots.certificate_id,
        claims.invoice_no,
        claims.invoice_key,
        claims.invoice_date,
        claims.invoice_amount,
        claims.tax_invoice_date,
        claims.tax_currency,
        claims.tax_amount,
        claims.tax_red_amount,
        claims.tax_known_date,
        claims.tax_ended_known_date,
        claims.seller_party_id,
        claims.buyer_party_id,
        coalesce(named.trade_id, found.trade_id) as payable_id
    from roots
    cross join rules
    inner join evidence as claims on roots.certificate_id = claims.trade_id
    left join books as named on roots.payable_id = named.trade_id
    left join books as found
        on
            named.trade_id is null
            and claims.seller_party_id = found.seller_party_id
            and claims.buyer_party_id = found.buyer_party_id
            and claims.invoice_key = found.invoice_key
            and (
                year(claims.invoice_date) = year(found.invoice_date)
                or abs({{ days_between('claims.invoice_date', 'found.invoice_date') }}) <= rules.trade_date_window_days
            )
    qualify
        row_number() over (
            partition by roots.certificate_id
            order by
                abs({{ days_between('claims.invoice_date', 'found.invoice_date') }}) nulls last, found.trade_id
        ) = 1
),

on_payable as (
    select
        submitted.payable_id,
        sum(roots.redeemed_amount) as redeemed_amount,
        max(roots.due_date) as due_date,
        sum(roots.promised_amount) as certificate_amount,
        sum(roots.financed_amount) as financed_amount,
        min(roots.first_financing_date) as first_financing_date,
        min(roots.financing_known_date) as financing_known_date
    from submitted
    inner join roots on submitted.certificate_id = roots.certificate_id
    where submitted.payable_id is not null
    group by submitted.payable_id
),

claims as (
    select
        books.trade_id as receivable_id,
        'PAYABLE' as receivable_type,
        cast(null as string) as certificate_id,
        books.trade_id as payable_id,
        books.seller_party_id,
        books.buyer_party_id,
        books.invoice_no,
        books.invoice_date,
        books.invoice_amount,
        books.currency,
        books.first_known_date as claim_known_date,
        coalesce(on_payable.certificate_amount, 0) as certificate_amount,
        coalesce(on_payable.financed_amount, 0) as financed_amount,
        on_payable.first_financing_date,
        on_payable.financing_known_date,
        books.invoice_amount - books.credited_amount
        - case
            when {{ as_of_date() }} <= books.retention_due_date or books.retention_due_date is null
                then coalesce(books.retention_amount, 0)
            else 0
        end as cash_due_amount,
        books.paid_amount + coalesce(on_payable.redeemed_amount, 0) as cash_amount,
        greatest(books.due_date, coalesce(on_payable.due_date, books.due_date)) as due_date,
        books.tax_invoice_date,
        books.tax_currency,
        books.tax_amount,
        books.tax_red_amount,
        books.tax_known_date,
        books.tax_ended_known_date
    from books
    left join on_payable on books.trade_id = on_payable.payable_id
    where books.confirmed_date is not null
    union all
    select
        roots.certificate_id as receivable_id,
        'CERTIFICATE' as receivable_type,
        roots.certificate_id,
        submitted.payable_id,
        coalesce(submitted.seller_party_id, books.seller_party_id) as seller_party_id,
        coalesce(submitted.buyer_party_id, books.buyer_party_id) as buyer_party_id,
        coalesce(submitted.invoice_no, books.invoice_no) as invoice_no,
        coalesce(submitted.invoice_date, books.invoice_date) as invoice_date,
        coalesce(submitted.invoice_amount, books.invoice_amount) as invoice_amount,
        roots.currency,
        roots.first_known_date as claim_known_date,
        roots.promised_amount as certificate_amount,
        roots.financed_amount,
        roots.first_financing_date,
        roots.financing_known_date,
        roots.face_amount - roots.ended_amount as cash_due_amount,
        roots.redeemed_amount as cash_amount,
        roots.due_date,
        coalesce(submitted.tax_invoice_date, books.tax_invoice_date) as tax_invoice_date,
        coalesce(submitted.tax_currency, books.tax_currency) as tax_currency,
        coalesce(submitted.tax_amount, books.tax_amount) as tax_amount,
        coalesce(submitted.tax_red_amount, books.tax_red_amount) as tax_red_amount,
        coalesce(submitted.tax_known_date, books.tax_known_date) as tax_known_date,
        coalesce(submitted.tax_ended_known_date, books.tax_ended_known_date) as tax_ended_known_date
    from roots
    inner join submitted on roots.certificate_id = submitted.certificate_id
    left join books on submitted.payable_id = books.trade_id
),

-- A source cannot show what is older than its first delivered document.
order_reach as (
    select
        company_code,
        min(order_date) as first_order_date
    from evidence
    group by company_code
),

tax_reach as (
    select
        seller_party_id,
        coalesce(
            min(tax_invoice_date), (select min(known.tax_invoice_date) from evidence as known)
        ) as first_tax_invoice_date
    from evidence
    group by seller_party_id
),

suppliers as (
    select
        party_id,
        min(supplier_id) as supplier_id,
        min(party_no_scheme || ':' || party_no) as official_number,
        max(case when has_tax_authorisation then 1 else 0 end) = 1 as has_tax_authorisation
    from {{ ref('int_supplier') }}
    where valid_to is null
    group by party_id
),

buyers as (
    select
        party_id,
        min(core_enterprise_id) as core_enterprise_id,
        min(party_no_scheme || ':' || party_no) as official_number
    from {{ ref('int_core_enterprise') }}
    where valid_to is null
    group by party_id
),

compared as (
    select
        claims.*,
        suppliers.supplier_id,
        buyers.core_enterprise_id,
        suppliers.official_number as seller_number,
        buyers.official_number as buyer_number,
        books.company_code,
        books.ap_document_no,
        books.fiscal_year,
        books.invoice_amount as books_amount,
        books.currency as books_currency,
        books.credited_amount,
        books.amount_known_date as books_known_date,
        books.po_no,
        books.order_date,
        books.order_amount,
        books.order_currency,
        books.is_order_of_other_vendor,
        books.line_invoiced_amount,
        books.first_receipt_date,
        books.receipt_amount,
        books.receipt_currency,
        books.receipt_known_date,
        greatest(claims.invoice_amount, coalesce(books.invoice_amount, claims.invoice_amount)) as reference_amount,
        coalesce(books.credited_amount, 0) as dilution,
        coalesce(suppliers.has_tax_authorisation, false)
        and coalesce(claims.invoice_date >= tax_reach.first_tax_invoice_date, false) as is_tax_reached,
        order_reach.first_order_date is not null
        and claims.invoice_date
        >= {{ add_days('order_reach.first_order_date', 'rules.trade_source_reach_days') }} as is_order_reached,
        {{ as_of_date() }} > {{ add_days('claims.claim_known_date', 'rules.trade_books_wait_days') }} as is_books_due,
        {{ as_of_date() }} > {{ add_days(
            'greatest(claims.invoice_date, claims.claim_known_date)', 'rules.trade_receipt_wait_days'
        ) }} as is_receipt_due,
        {{ as_of_date() }} > {{ add_days(
            'greatest(claims.invoice_date, claims.claim_known_date)', 'rules.trade_tax_wait_days'
        ) }} as is_tax_due,
        {{ as_of_date() }} > {{ add_days('claims.due_date', 'rules.technical_delay_days') }} as is_cash_due,
        rules.trade_amount_tolerance_ratio as amount_tolerance,
        rules.trade_receipt_tolerance_ratio as receipt_tolerance
    from claims
    cross join rules
    left join books on claims.payable_id = books.trade_id
    left join suppliers on claims.seller_party_id = suppliers.party_id
    left join buyers on claims.buyer_party_id = buyers.party_id
    left join order_reach on books.company_code = order_reach.company_code
    left join tax_reach on claims.seller_party_id = tax_reach.seller_party_id
),

legs as (
    select
        *,
        case
            when books_amount is null and is_books_due then 'MISSING'
            when books_amount is null then 'NOT_DUE'
            when books_currency <> currency then 'CONTRADICTED'
            when invoice_amount > books_amount * (1 + amount_tolerance) then 'CONTRADICTED'
            else 'MATCHED'
        end as books_status,
        case
            when books_amount is null and is_books_due then 'MISSING'
            when books_amount is null then 'NOT_DUE'
            when order_amount is null and not is_order_reached then 'NOT_REACHABLE'
            when order_amount is null and (po_no is null or is_books_due) then 'MISSING'
            when order_amount is null then 'NOT_DUE'
            when is_order_of_other_vendor or order_currency <> books_currency then 'CONTRADICTED'
            when line_invoiced_amount > order_amount * (1 + amount_tolerance) then 'PARTIAL'
            else 'MATCHED'
        end as order_status,
        case
            when books_amount is null and is_books_due then 'MISSING'
            when books_amount is null then 'NOT_DUE'
            when po_no is null and not is_order_reached then 'NOT_REACHABLE'
            when coalesce(receipt_amount, 0) <= 0 and line_invoiced_amount > 0 and is_receipt_due then 'MISSING'
            when coalesce(receipt_amount, 0) <= 0 and line_invoiced_amount > 0 then 'NOT_DUE'
            when po_no is null and is_receipt_due then 'MISSING'
            when po_no is null then 'NOT_DUE'
            when receipt_currency is null or receipt_currency <> books_currency then 'CONTRADICTED'
            when first_financing_date < first_receipt_date then 'CONTRADICTED'
            when receipt_amount < line_invoiced_amount * (1 - receipt_tolerance) then 'PARTIAL'
            else 'MATCHED'
        end as receipt_status,
        case
            when tax_invoice_date is null and not is_tax_reached then 'NOT_REACHABLE'
            when tax_invoice_date is null and is_tax_due then 'MISSING'
            when tax_invoice_date is null then 'NOT_DUE'
            when tax_currency is null or tax_currency <> currency then 'CONTRADICTED'
            when tax_amount = 0 and reference_amount > 0 then 'CONTRADICTED'
            when
                abs(tax_amount - reference_amount) > amount_tolerance * reference_amount
                and abs(tax_amount - tax_red_amount - reference_amount + dilution)
                > amount_tolerance * reference_amount
                then 'CONTRADICTED'
            when tax_red_amount - dilution <= amount_tolerance * reference_amount then 'MATCHED'
            when tax_red_amount >= tax_amount * (1 - amount_tolerance) then 'CONTRADICTED'
            else 'PARTIAL'
        end as tax_status,
        case
            when cash_amount > cash_due_amount * (1 + amount_tolerance) and receivable_type = 'CERTIFICATE'
                then 'CONTRADICTED'
            when cash_amount >= cash_due_amount * (1 - amount_tolerance) then 'MATCHED'
            when not is_cash_due then 'NOT_DUE'
            when cash_amount > 0 then 'PARTIAL'
            else 'MISSING'
        end as cash_status
    from compared
),

judged as (
    select
        *,
        case
            when 'CONTRADICTED' in (books_status, order_status, receipt_status, tax_status, cash_status)
                then 'CONTRADICTED'
            when 'MISSING' in (books_status, order_status, receipt_status, tax_status) then 'INCOMPLETE'
            when 'PARTIAL' in (order_status, receipt_status, tax_status) then 'INCOMPLETE'
            when cash_status in ('MISSING', 'PARTIAL') then 'UNPAID'
            when 'NOT_DUE' in (books_status, order_status, receipt_status, tax_status) then 'PENDING'
            when 'NOT_REACHABLE' in (order_status, receipt_status, tax_status) then 'LIMITED'
            else 'VERIFIED'
        end as verdict
    from legs
),

verified as (
    select
        receivable_id,
        receivable_type,
        certificate_id,
        payable_id,
        core_enterprise_id,
        supplier_id,
        company_code,
        ap_document_no,
        fiscal_year,
        invoice_no,
        invoice_date,
        seller_number || '|' || buyer_number || '|' || invoice_no || '|' || cast(invoice_date as string) || '|'
        || cast(invoice_amount as string) || '|' || currency as invoice_fingerprint,
        currency,
        cast(invoice_amount as decimal(18, 2)) as invoice_amount,
        cast(certificate_amount as decimal(18, 2)) as certificate_amount,
        cast(financed_amount as decimal(18, 2)) as financed_amount,
        first_financing_date,
        books_status,
        books_amount,
        credited_amount,
        cast(invoice_amount - books_amount as decimal(18, 2)) as books_difference_amount,
        order_status,
        order_date,
        order_amount,
        line_invoiced_amount,
        cast(order_amount - line_invoiced_amount as decimal(18, 2)) as order_difference_amount,
        receipt_status,
        first_receipt_date,
        receipt_amount,
        cast(receipt_amount - line_invoiced_amount as decimal(18, 2)) as receipt_difference_amount,
        tax_status,
        tax_invoice_date,
        tax_amount,
        tax_red_amount,
        cast(tax_amount - reference_amount as decimal(18, 2)) as tax_difference_amount,
        cash_status,
        due_date,
        cast(cash_due_amount as decimal(18, 2)) as cash_due_amount,
        cast(cash_amount as decimal(18, 2)) as cash_amount,
        cast(cash_amount - cash_due_amount as decimal(18, 2)) as cash_difference_amount,
        verdict,
        claim_known_date,
        financing_known_date,
        books_known_date,
        receipt_known_date,
        tax_known_date,
        tax_ended_known_date,
        is_tax_reached
    from judged
)

-- A rule of another day or a date that has passed changes what is said of an invoice as a delivery does. So all are
-- compared each night; what says the same as before is neither put in words nor written. Another wording of the
-- sentence therefore reaches all rows only in a warehouse that is built anew.
select
    {%- for column in columns %}
    {{ column }},
    {%- endfor %}
    'Invoice ' || coalesce(invoice_no, 'without number') || ' of '
    || coalesce(cast(invoice_amount as string) || ' ' || currency, 'unknown amount')
    || ': books ' || books_status || coalesce(' (' || cast(books_amount as string) || ')', '')
    || ', order ' || order_status
    || coalesce(' (' || cast(order_amount as string) || ' for ' || cast(line_invoiced_amount as string) || ')', '')
    || ', receipt ' || receipt_status
    || coalesce(' (' || cast(receipt_amount as string) || ' since ' || cast(first_receipt_date as string) || ')', '')
    || ', tax ' || tax_status
    || coalesce(
        ' (' || cast(tax_amount as string) || ' less ' || cast(tax_red_amount as string) || ' taken back)', ''
    )
    || ', cash ' || cash_status || coalesce(
        ' (' || cast(cash_amount as string) || ' of '
        || cast(cash_due_amount as string) || ', due ' || cast(due_date as string) || ')', ''
    ) || '.' as explanation
from verified
{%- if is_night_of_release_with(columns) %}
where
    (receivable_id, {{ row_hash(columns) }}) not in (
        select
            receivable_id,
            {{ row_hash(columns) }} as row_hash
        from {{ this }}
    )
{%- endif %}
