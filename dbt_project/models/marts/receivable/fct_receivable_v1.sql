{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook="{{ drop_touched('receivable_id in (' ~ touched_receivables() ~ ')') }}"
    )
}}

select
    receivable_id,
    receivable_type,
    core_enterprise_id,
    supplier_id,
    supplier_party_id,
    certificate_id,
    root_certificate_id,
    tier,
    instrument_type,
    company_code,
    ap_document_no,
    fiscal_year,
    supplier_invoice_no,
    confirmed_date,
    stated_due_date as due_date,
    currency,
    face_amount,
    credited_amount,
    paid_cash_amount,
    paid_bill_amount,
    set_off_amount,
    certificated_amount,
    redeemed_amount,
    written_off_amount,
    cancelled_amount,
    open_amount,
    financed_amount,
    retention_amount,
    is_disputed,
    settled_date,
    changed_date,
    case
        when settled_date is not null then greatest({{ days_between('stated_due_date', 'settled_date') }}, 0)
    end as days_late
from {{ ref('fct_receivable', v=2) }}
{%- if is_night() %}
where receivable_id in ({{ touched_receivables() }})
{%- endif %}
