{{ config(materialized='incremental', incremental_strategy='append') }}

select
    company_code,
    erp_vendor_no,
    entry_date as known_date,
    cast(sum(entry_sign * net_amount) as decimal(18, 2)) as ordered_amount
from {{ ledger_entries(ref('stg_erp__purchase_order'), ['company_code', 'po_no', 'po_line_no']) }}
group by company_code, erp_vendor_no, entry_date
