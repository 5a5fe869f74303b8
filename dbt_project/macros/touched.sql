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

{#- A credit note does not name its invoice's fiscal year, so the documents of all years under a number count. -#}
{% macro is_touched_payable() -%}
    {%- set invoices, payments = ref('stg_erp__ap_invoice'), ref('stg_erp__ap_payment') -%}
    {%- set certificates, touched_roots = ref('int_certificate'), ref('int_touched_root') -%}
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
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook of models keyed by what was touched: on a night the rows that are made anew go first. delete+insert takes
    out the keys that come again and no others, so the rows of a tree that lost all it had would stay. `condition` is
    one of the conditions above. -#}
{% macro drop_touched(condition) -%}
    {%- if is_night() -%}
    delete from {{ this }} where {{ condition }}
    {%- endif -%}
{%- endmacro %}
