{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set keys = ['company_code', 'ap_document_no', 'fiscal_year'] %}

with first_versions as (
    select
        company_code,
        ap_document_no,
        fiscal_year,
        erp_vendor_no,
        document_type,
        due_date,
        gross_amount,
        coalesce(retention_amount, 0) as retention_amount,
        known_date as first_known_date
    from {{ first_version(ref('stg_erp__ap_invoice'), keys) }}
)

select *
from first_versions
{%- if is_night() %}
where first_known_date > {{ since_date() }}
{%- endif %}
