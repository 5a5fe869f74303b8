{{ config(severity='warn') }}
-- More was cleared than was invoiced. The books of the core enterprise are at fault, or a clearing names the wrong
-- document.
select
    receivable_id,
    company_code,
    ap_document_no,
    fiscal_year,
    open_amount
from {{ ref('fct_receivable') }}
where open_amount < 0
