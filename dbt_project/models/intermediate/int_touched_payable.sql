with invoices as (
    select * from {{ ref('stg_erp__ap_invoice') }}
),

delivered as (
    select company_code, ap_document_no, batch_date from invoices
    union all
    select company_code, reference_ap_document_no as ap_document_no, batch_date from invoices
    union all
    select company_code, ap_document_no, batch_date from {{ ref('stg_erp__ap_payment') }}
    union all
    select
        invoices.company_code,
        invoices.ap_document_no,
        receipts.batch_date
    from {{ ref('stg_erp__goods_receipt') }} as receipts
    inner join invoices
        on
            receipts.company_code = invoices.company_code
            and receipts.po_no = invoices.po_no
            and receipts.po_line_no = invoices.po_line_no
    where invoices.term_start_basis = 'DELIVERY'
)

select
    company_code,
    ap_document_no
from delivered
where
    ap_document_no is not null
    {%- if night_setting('since_date') %}
    and batch_date > {{ since_date() }}
    {%- endif %}
union
select
    certificates.company_code,
    certificates.ap_document_no
from {{ ref('int_certificate') }} as certificates
inner join {{ ref('int_touched_root') }} as touched on certificates.certificate_id = touched.root_certificate_id
where certificates.ap_document_no is not null
