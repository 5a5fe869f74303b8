{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set keys = ['taxpayer_no', 'taxpayer_no_scheme', 'period_start_date'] %}

select
    {{ party_id('taxpayer_no_scheme', 'taxpayer_no') }} as party_id,
    period_start_date,
    make_date(year(filing_due_date), month(filing_due_date), 1) as period_end_month,
    entry_date as known_date,
    cast(sum(entry_sign * declared_sales_amount) as decimal(18, 2)) as declared_sales_amount,
    cast(sum(entry_sign * tax_payable_amount) as decimal(18, 2)) as tax_payable_amount,
    cast(sum(entry_sign * tax_paid_amount) as decimal(18, 2)) as tax_paid_amount,
    sum(case when filed_date > filing_due_date then entry_sign else 0 end) as late_count,
    sum(entry_sign) as filed_count
from {{ ledger_entries(ref('stg_tax__vat_return'), keys) }}
group by 1, 2, 3, 4
