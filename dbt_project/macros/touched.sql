{#- Conditions that keep a night to what it brought: true for the certificate trees, payables or financings on which
    something was delivered since the last finished night. A full build takes everything. -#}
{% macro is_touched_root(column='root_certificate_id') -%}
    {%- set touched_roots = ref('int_touched_root') -%}
    {%- if is_night() -%}
    {{ column }} in (select touched.root_certificate_id from {{ touched_roots }} as touched)
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{% macro is_touched_financing(column='financing_id') -%}
    {%- set financings, repayments = ref('stg_platform__financing'), ref('stg_platform__repayment') -%}
    {%- if is_night() -%}
    {{ column }} in (
        select fresh.financing_id from {{ financings }} as fresh
        where fresh.batch_date > {{ since_date() }}
        union all
        select fresh.financing_id from {{ repayments }} as fresh
        where fresh.batch_date > {{ since_date() }}
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- A credit note does not name its invoice's fiscal year, so the documents of all years under a number count. A receipt
    moves the due date of a term that runs from delivery. -#}
{% macro is_touched_payable() -%}
    {%- set invoices, payments = ref('stg_erp__ap_invoice'), ref('stg_erp__ap_payment') -%}
    {%- set certificates, touched_roots = ref('int_certificate'), ref('int_touched_root') -%}
    {%- set receipts = ref('stg_erp__goods_receipt') -%}
    {%- if is_night() -%}
    (company_code, ap_document_no) in (
        select fresh.company_code, fresh.ap_document_no from {{ invoices }} as fresh
        where fresh.batch_date > {{ since_date() }}
        union all
        select fresh.company_code, fresh.reference_ap_document_no from {{ invoices }} as fresh
        where fresh.batch_date > {{ since_date() }} and fresh.reference_ap_document_no is not null
        union all
        select fresh.company_code, fresh.ap_document_no from {{ payments }} as fresh
        where fresh.batch_date > {{ since_date() }}
        union all
        select fresh.company_code, fresh.ap_document_no from {{ certificates }} as fresh
        inner join {{ touched_roots }} as touched on fresh.certificate_id = touched.root_certificate_id
        where fresh.ap_document_no is not null
        union all
        select invoices.company_code, invoices.ap_document_no from {{ receipts }} as fresh
        inner join {{ invoices }} as invoices
            on
                fresh.company_code = invoices.company_code
                and fresh.po_no = invoices.po_no
                and fresh.po_line_no = invoices.po_line_no
        where fresh.batch_date > {{ since_date() }} and invoices.term_start_basis = 'DELIVERY'
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
