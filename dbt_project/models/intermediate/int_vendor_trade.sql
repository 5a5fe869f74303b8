{{ config(materialized='incremental', incremental_strategy='append') }}

select
    company_code,
    erp_vendor_no,
    known_date,
    min(posting_date) as first_posting_date,
    max(posting_date) as last_posting_date
from {{ ref('stg_erp__ap_invoice') }}
where
    document_type = 'INVOICE'
    and not {{ is_withdrawal() }}
    {%- if is_night() %}
    and batch_date > {{ since_date() }}
    {%- endif %}
group by company_code, erp_vendor_no, known_date
