{{ config(materialized='incremental', incremental_strategy='append') }}

with billed as (
    select
        entries.company_code,
        terms.erp_vendor_no,
        terms.due_date,
        entries.entry_date as known_date,
        entries.entry_sign
        * case when terms.document_type = 'INVOICE' then entries.gross_amount else -entries.gross_amount end
            as gross_amount,
        entries.entry_sign
        * case when terms.document_type = 'INVOICE' then coalesce(entries.retention_amount, 0) else 0 end
            as retention_amount
    from {{ ledger_entries(ref('stg_erp__ap_invoice'), ['company_code', 'ap_document_no', 'fiscal_year']) }} as entries
    inner join {{ ref('int_erp_document_term') }} as terms
        on
            entries.company_code = terms.company_code
            and entries.ap_document_no = terms.ap_document_no
            and entries.fiscal_year = terms.fiscal_year
),

cleared as (
    select
        company_code,
        erp_vendor_no,
        due_date,
        known_date,
        case when document_type = 'INVOICE' then -cleared_amount else cleared_amount end as amount,
        is_retention
    from {{ ref('int_erp_payment_daily') }}
    {%- if is_night() %}
    where known_date > {{ since_date() }}
    {%- endif %}
),

changes as (
    select
        company_code,
        erp_vendor_no,
        due_date,
        known_date,
        gross_amount - retention_amount as open_amount,
        retention_amount
    from billed
    union all
    select
        company_code,
        erp_vendor_no,
        due_date,
        known_date,
        case when is_retention then 0 else amount end as open_amount,
        case when is_retention then amount else 0 end as retention_amount
    from cleared
)

select
    company_code,
    erp_vendor_no,
    due_date,
    known_date,
    cast(sum(open_amount) as decimal(18, 2)) as open_amount,
    cast(sum(retention_amount) as decimal(18, 2)) as retention_amount
from changes
group by company_code, erp_vendor_no, due_date, known_date
having sum(open_amount) <> 0 or sum(retention_amount) <> 0
