{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='trade_id') }}

{%- set vat_keys = ['seller_no', 'seller_no_scheme', 'buyer_no', 'buyer_no_scheme', 'invoice_no', 'invoice_year'] %}
{%- set touched = touched_trades(this) %}
{%- set document = ['company_code', 'ap_document_no', 'fiscal_year'] %}

with rules as (
    select parameters.value as date_window_days
    from {{ ref('rule_parameter') }} as parameters
    where {{ rule_in_force('parameters', 'trade_date_window_days', as_of_date()) }}
),

versions as (
    select *
    from (
        select
            *,
            {{ payable_id() }} as payable_id
        from {{ ref('stg_erp__ap_invoice') }}
        where document_type = 'INVOICE'
    ) as documents_of_books
    {%- if is_night() %}
    where payable_id in ({{ touched }})
    {%- endif %}
),

-- The day on which a figure was known is that of the first version that has it: what restates other things leaves it.
books_figures as (
    select
        payable_id,
        gross_amount,
        currency,
        min(known_date) as known_date
    from versions
    where not {{ is_withdrawal() }}
    group by payable_id, gross_amount, currency
),

first_known as (
    select
        payable_id,
        min(known_date) as known_date
    from versions
    group by payable_id
),

-- An invoice that is withdrawn keeps its row, by its last version.
books as (
    select
        latest.*,
        {{ is_withdrawal('latest') }} as is_withdrawn,
        first_known.known_date as first_known_date,
        books_figures.known_date as amount_known_date
    from {{ last_content('versions', ['payable_id']) }} as latest
    inner join first_known on latest.payable_id = first_known.payable_id
    left join books_figures
        on
            latest.payable_id = books_figures.payable_id
            and latest.gross_amount = books_figures.gross_amount
            and latest.currency = books_figures.currency
),

trades as (
    select
        books.payable_id as trade_id,
        'BOOKS' as evidence_kind,
        vendors.party_id as seller_party_id,
        core_enterprises.party_id as buyer_party_id,
        books.supplier_invoice_no as invoice_no,
        books.invoice_date,
        books.net_amount,
        books.gross_amount as invoice_amount,
        books.currency,
        books.is_withdrawn,
        books.company_code,
        books.erp_vendor_no,
        books.po_no,
        books.po_line_no,
        books.first_known_date,
        coalesce(books.amount_known_date, books.first_known_date) as amount_known_date
    from books
    left join {{ ref('int_vendor') }} as vendors
        on
            books.company_code = vendors.company_code
            and books.erp_vendor_no = vendors.erp_vendor_no
            and vendors.valid_to is null
    left join {{ ref('int_core_enterprise') }} as core_enterprises
        on books.company_code = core_enterprises.company_code and core_enterprises.valid_to is null
    union all
    select
        certificates.certificate_id as trade_id,
        'SUBMITTED' as evidence_kind,
        suppliers.party_id as seller_party_id,
        core_enterprises.party_id as buyer_party_id,
        certificates.submitted_invoice_no as invoice_no,
        certificates.submitted_invoice_date as invoice_date,
        cast(null as decimal(18, 2)) as net_amount,
        certificates.submitted_invoice_amount as invoice_amount,
        certificates.currency,
        certificates.withdrawn_date is not null as is_withdrawn,
        core_enterprises.company_code,
        cast(null as string) as erp_vendor_no,
        cast(null as string) as po_no,
        cast(null as integer) as po_line_no,
        certificates.first_known_date,
        certificates.first_known_date as amount_known_date
    from {{ ref('int_certificate') }} as certificates
    left join {{ ref('int_supplier') }} as suppliers
        on certificates.holder_id = suppliers.supplier_id and suppliers.valid_to is null
    left join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            certificates.core_enterprise_id = core_enterprises.core_enterprise_id
            and core_enterprises.valid_to is null
    where
        certificates.parent_certificate_id is null
        {%- if is_night() %}
        and certificates.certificate_id in ({{ touched }})
        {%- endif %}
),

keyed as (
    select
        trades.*,
        {{ invoice_key('trades.invoice_no') }} as invoice_key
    from trades
),

lines as (
    select distinct
        company_code,
        po_no,
        po_line_no
    from trades
    where po_no is not null and po_line_no is not null
),

order_versions as (
    select orders.*
    from {{ ref('stg_erp__purchase_order') }} as orders
    inner join lines
        on
            orders.company_code = lines.company_code
            and orders.po_no = lines.po_no
            and orders.po_line_no = lines.po_line_no
),

order_figures as (
    select
        company_code,
        po_no,
        po_line_no,
        erp_vendor_no,
        net_amount,
        currency,
        min(known_date) as known_date
    from order_versions
    where not {{ is_withdrawal() }}
    group by company_code, po_no, po_line_no, erp_vendor_no, net_amount, currency
),

orders as (
    select
        latest.company_code,
        latest.po_no,
        latest.po_line_no,
        latest.erp_vendor_no,
        latest.po_date,
        latest.net_amount,
        latest.currency,
        figures.known_date
    from {{ latest_version('order_versions', ['company_code', 'po_no', 'po_line_no']) }} as latest
    inner join order_figures as figures
        on
            latest.company_code = figures.company_code
            and latest.po_no = figures.po_no
            and latest.po_line_no = figures.po_line_no
            and latest.erp_vendor_no = figures.erp_vendor_no
            and latest.net_amount = figures.net_amount
            and latest.currency = figures.currency
),

receipt_versions as (
    select receipts.*
    from {{ ref('stg_erp__goods_receipt') }} as receipts
    inner join lines
        on
            receipts.company_code = lines.company_code
            and receipts.po_no = lines.po_no
            and receipts.po_line_no = lines.po_line_no
),

receipts as (
    select
        company_code,
        po_no,
        po_line_no,
        min(case when receipt_type <> 'RETURN' then receipt_date end) as first_receipt_date,
        min(case when receipt_type <> 'RETURN' then known_date end) as known_date,
        sum(case when receipt_type = 'RETURN' then -net_amount else net_amount end) as net_amount,
        max(currency) as currency,
        count(distinct currency) as currency_count
    from {{ latest_version('receipt_versions', ['company_code', 'receipt_no']) }} as latest
    group by company_code, po_no, po_line_no
),

-- All invoices of an order's line share what was ordered and received on it.
line_documents as (
    select documents.*
    from {{ ref('stg_erp__ap_invoice') }} as documents
    where (documents.company_code, documents.ap_document_no, documents.fiscal_year) in (
        select
            of_line.company_code,
            of_line.ap_document_no,
            of_line.fiscal_year
        from {{ ref('stg_erp__ap_invoice') }} as of_line
        inner join lines
            on
                of_line.company_code = lines.company_code
                and of_line.po_no = lines.po_no
                and of_line.po_line_no = lines.po_line_no
    )
),

invoiced as (
    select
        company_code,
        po_no,
        po_line_no,
        sum(case when document_type = 'CREDIT_NOTE' then -net_amount else net_amount end) as net_amount
    from {{ latest_version('line_documents', document) }} as latest
    where po_no is not null
    group by company_code, po_no, po_line_no
),

-- What the tax office has of these sellers' invoices to these buyers, under all numbers that a party has.
party_numbers as (
    select
        party_id,
        party_no_scheme,
        party_no
    from {{ ref('int_party_number') }}
    where valid_to is null
),

sellers as (
    select
        numbers.party_id,
        numbers.party_no_scheme,
        numbers.party_no
    from party_numbers as numbers
    where numbers.party_id in (select trades.seller_party_id from trades)
),

buyers as (
    select
        numbers.party_id,
        numbers.party_no_scheme,
        numbers.party_no
    from party_numbers as numbers
    where numbers.party_id in (select trades.buyer_party_id from trades)
),

tax_versions as (
    select
        invoices.*,
        sellers.party_id as seller_party_id,
        buyers.party_id as buyer_party_id
    from {{ ref('stg_tax__vat_invoice') }} as invoices
    inner join sellers
        on invoices.seller_no = sellers.party_no and invoices.seller_no_scheme = sellers.party_no_scheme
    inner join buyers
        on invoices.buyer_no = buyers.party_no and invoices.buyer_no_scheme = buyers.party_no_scheme
),

tax_known as (
    select
        {{ vat_keys | join(',
        ') }},
        gross_amount,
        min(known_date) as known_date
    from tax_versions
    where not {{ is_withdrawal() }}
    group by {{ vat_keys | join(', ') }}, gross_amount
),

tax_ended as (
    select
        {{ vat_keys | join(',
        ') }},
        min(known_date) as known_date
    from tax_versions
    where invoice_status <> 'VALID' and not {{ is_withdrawal() }}
    group by {{ vat_keys | join(', ') }}
),

tax_invoices as (
    select
        latest.*,
        tax_known.known_date as figure_known_date,
        case when latest.invoice_status <> 'VALID' then tax_ended.known_date end as ended_known_date,
        {{ invoice_key('latest.invoice_no') }} as invoice_key,
        {{ invoice_key('latest.original_invoice_no') }} as original_key
    from {{ latest_version('tax_versions', vat_keys) }} as latest
    inner join tax_known
        on
            latest.gross_amount = tax_known.gross_amount
            {%- for key in vat_keys %}
            and latest.{{ key }} = tax_known.{{ key }}
            {%- endfor %}
    left join tax_ended
        on
            {%- for key in vat_keys %}
            {{ 'and ' if not loop.first }}latest.{{ key }} = tax_ended.{{ key }}
            {%- endfor %}
),

-- A red-letter invoice takes back the newest invoice of the number that it names.
red_letters as (
    select
        originals.seller_party_id,
        originals.buyer_party_id,
        originals.invoice_key,
        originals.invoice_year,
        reds.gross_amount,
        reds.figure_known_date
    from tax_invoices as reds
    inner join tax_invoices as originals
        on
            reds.seller_party_id = originals.seller_party_id
            and reds.buyer_party_id = originals.buyer_party_id
            and reds.original_key = originals.invoice_key
            and originals.net_amount >= 0
            and originals.invoice_date <= reds.invoice_date
    where reds.net_amount < 0 and reds.invoice_status <> 'VOID'
    qualify
        row_number() over (
            partition by reds.seller_party_id, reds.buyer_party_id, reds.invoice_no, reds.invoice_year
            order by originals.invoice_date desc, originals.invoice_no desc
        ) = 1
),

reds as (
    select
        seller_party_id,
        buyer_party_id,
        invoice_key,
        invoice_year,
        -sum(gross_amount) as gross_amount,
        min(figure_known_date) as known_date
    from red_letters
    group by seller_party_id, buyer_party_id, invoice_key, invoice_year
),

issued as (
    select
        seller_party_id,
        buyer_party_id,
        invoice_key,
        invoice_year,
        min(invoice_date) as invoice_date,
        max(currency) as currency,
        count(distinct currency) as currency_count,
        sum(case when invoice_status = 'VOID' then 0 else gross_amount end) as gross_amount,
        sum(case when invoice_status = 'RED_LETTERED' then gross_amount else 0 end) as red_status_amount,
        sum(case when invoice_status = 'VOID' then gross_amount else 0 end) as void_amount,
        max(figure_known_date) as known_date,
        min(ended_known_date) as ended_known_date
    from tax_invoices
    where net_amount >= 0
    group by seller_party_id, buyer_party_id, invoice_key, invoice_year
),

-- The number of an invoice comes again in another year: of several the one with the nearest date is meant.
matched_tax as (
    select
        keyed.trade_id,
        issued.invoice_date,
        issued.currency,
        issued.currency_count,
        issued.gross_amount,
        issued.void_amount,
        greatest(coalesce(reds.gross_amount, 0), issued.red_status_amount) as red_amount,
        issued.known_date,
        -- the day on which the office showed that the invoice no longer stands
        least(
            coalesce(issued.ended_known_date, reds.known_date), coalesce(reds.known_date, issued.ended_known_date)
        ) as ended_known_date
    from keyed
    cross join rules
    inner join issued
        on
            keyed.seller_party_id = issued.seller_party_id
            and keyed.buyer_party_id = issued.buyer_party_id
            and keyed.invoice_key = issued.invoice_key
            and (
                issued.invoice_year = year(keyed.invoice_date)
                or abs({{ days_between('keyed.invoice_date', 'issued.invoice_date') }}) <= rules.date_window_days
            )
    left join reds
        on
            issued.seller_party_id = reds.seller_party_id
            and issued.buyer_party_id = reds.buyer_party_id
            and issued.invoice_key = reds.invoice_key
            and issued.invoice_year = reds.invoice_year
    qualify
        row_number() over (
            partition by keyed.trade_id
            order by
                abs({{ days_between('keyed.invoice_date', 'issued.invoice_date') }}),
                issued.invoice_date,
                issued.invoice_year
        ) = 1
)

select
    keyed.trade_id,
    keyed.evidence_kind,
    keyed.seller_party_id,
    keyed.buyer_party_id,
    keyed.company_code,
    {{ normalised_invoice_no('keyed.invoice_no') }} as invoice_no,
    keyed.invoice_key,
    keyed.invoice_date,
    keyed.net_amount,
    keyed.invoice_amount,
    keyed.currency,
    keyed.is_withdrawn,
    keyed.first_known_date,
    keyed.amount_known_date,
    keyed.po_no,
    keyed.po_line_no,
    orders.po_date as order_date,
    orders.net_amount as order_amount,
    orders.currency as order_currency,
    orders.erp_vendor_no <> keyed.erp_vendor_no as is_order_of_other_vendor,
    orders.known_date as order_known_date,
    receipts.first_receipt_date,
    cast(receipts.net_amount as decimal(18, 2)) as receipt_amount,
    case when receipts.currency_count = 1 then receipts.currency end as receipt_currency,
    receipts.known_date as receipt_known_date,
    cast(invoiced.net_amount as decimal(18, 2)) as line_invoiced_amount,
    matched_tax.invoice_date as tax_invoice_date,
    case when matched_tax.currency_count = 1 then matched_tax.currency end as tax_currency,
    cast(matched_tax.gross_amount as decimal(18, 2)) as tax_amount,
    cast(matched_tax.void_amount as decimal(18, 2)) as tax_void_amount,
    cast(matched_tax.red_amount as decimal(18, 2)) as tax_red_amount,
    matched_tax.known_date as tax_known_date,
    matched_tax.ended_known_date as tax_ended_known_date
from keyed
left join orders
    on
        keyed.company_code = orders.company_code
        and keyed.po_no = orders.po_no
        and keyed.po_line_no = orders.po_line_no
left join receipts
    on
        keyed.company_code = receipts.company_code
        and keyed.po_no = receipts.po_no
        and keyed.po_line_no = receipts.po_line_no
left join invoiced
    on
        keyed.company_code = invoiced.company_code
        and keyed.po_no = invoiced.po_no
        and keyed.po_line_no = invoiced.po_line_no
left join matched_tax on keyed.trade_id = matched_tax.trade_id
