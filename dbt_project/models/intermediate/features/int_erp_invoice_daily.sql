{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set keys = ['company_code', 'ap_document_no', 'fiscal_year'] %}

with entries as (
    select * from {{ ledger_entries(ref('stg_erp__ap_invoice'), keys) }}
),

orders as (
    select
        company_code,
        po_no,
        po_line_no,
        min(po_date) as po_date,
        min(known_date) as first_known_date
    from {{ ref('stg_erp__purchase_order') }}
    group by company_code, po_no, po_line_no
),

receipts as (
    select
        company_code,
        po_no,
        po_line_no,
        min(receipt_date) as receipt_date,
        min(known_date) as first_known_date
    from {{ ref('stg_erp__goods_receipt') }}
    where receipt_type <> 'RETURN'
    group by company_code, po_no, po_line_no
),

documents as (
    select
        entries.company_code,
        entries.erp_vendor_no,
        entries.entry_date as known_date,
        entries.entry_sign,
        entries.document_type = 'INVOICE' as is_invoice,
        entries.entry_sign * entries.gross_amount as gross_amount,
        entries.entry_sign * entries.net_amount as net_amount,
        entries.entry_sign * coalesce(entries.retention_amount, 0) as retention_amount,
        coalesce(entries.is_disputed, false) as is_disputed,
        entries.confirmed_date is not null as is_confirmed,
        {{ days_between('entries.invoice_date', 'entries.confirmed_date') }} as confirm_days,
        greatest(entries.payment_terms_days - 60, 0) as term_excess_days,
        orders.po_no is not null as has_order,
        receipts.po_no is not null as has_receipt,
        entries.invoice_date < orders.po_date or entries.confirmed_date < entries.invoice_date as is_out_of_order
    from entries
    left join orders
        on
            entries.company_code = orders.company_code
            and entries.po_no = orders.po_no
            and entries.po_line_no = orders.po_line_no
            and orders.first_known_date <= entries.known_date
    left join receipts
        on
            entries.company_code = receipts.company_code
            and entries.po_no = receipts.po_no
            and entries.po_line_no = receipts.po_line_no
            and receipts.first_known_date <= entries.known_date
)

select
    company_code,
    erp_vendor_no,
    known_date,
    {%- for name, value, condition in [
        ('invoiced', 'gross_amount', 'is_invoice'),
        ('invoiced_net', 'net_amount', 'is_invoice'),
        ('credit_note', 'gross_amount', 'not is_invoice'),
        ('retention', 'retention_amount', 'is_invoice'),
        ('disputed', 'gross_amount', 'is_invoice and is_disputed'),
        ('confirmed', 'gross_amount', 'is_invoice and is_confirmed'),
        ('confirmed_without_receipt', 'gross_amount', 'is_invoice and is_confirmed and not has_receipt'),
    ] %}
    cast(sum(case when {{ condition }} then {{ value }} else 0 end) as decimal(18, 2)) as {{ name }}_amount,
    {%- endfor %}
    cast(sum(case when is_invoice and is_confirmed then gross_amount * confirm_days else 0 end) as decimal(38, 2))
        as confirm_days_amount,
    cast(sum(case when is_invoice then gross_amount * coalesce(term_excess_days, 0) else 0 end) as decimal(38, 2))
        as term_excess_days_amount,
    sum(case when is_invoice then entry_sign else 0 end) as invoice_count,
    sum(case when is_invoice and has_order and has_receipt then entry_sign else 0 end) as matched_count,
    sum(case when is_invoice and coalesce(is_out_of_order, false) then entry_sign else 0 end) as out_of_order_count
from documents
group by company_code, erp_vendor_no, known_date
