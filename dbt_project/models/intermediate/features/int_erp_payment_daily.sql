{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set document_keys = ['company_code', 'ap_document_no', 'fiscal_year'] %}
{%- set keys = ['company_code', 'payment_no', 'ap_document_no', 'fiscal_year'] %}
{%- set payments = ref('stg_erp__ap_payment') %}

with clearings as (
    select
        terms.company_code,
        terms.erp_vendor_no,
        terms.due_date,
        terms.document_type,
        entries.entry_date as known_date,
        entries.entry_sign,
        entries.payment_method,
        entries.entry_sign * entries.amount as amount,
        {{ days_between('terms.due_date', 'entries.payment_date') }} as days_late,
        -- what is paid after all but the retention was cleared is its release, which the due date does not govern
        terms.retention_amount > 0 and terms.gross_amount - coalesce(
            sum(entries.entry_sign * entries.amount) over (
                partition by entries.company_code, entries.ap_document_no, entries.fiscal_year
                order by entries.entry_date, entries.payment_date, entries.payment_no, entries.entry_sign
                rows between unbounded preceding and 1 preceding
            ), 0
        ) <= terms.retention_amount as is_retention
    from {{ version_entries(delivered_keys(payments, document_keys) if is_night() else payments, keys) }} as entries
    inner join {{ ref('int_erp_document_term') }} as terms
        on
            entries.company_code = terms.company_code
            and entries.ap_document_no = terms.ap_document_no
            and entries.fiscal_year = terms.fiscal_year
            and terms.first_known_date <= entries.known_date
)

select
    company_code,
    erp_vendor_no,
    due_date,
    document_type,
    is_retention,
    known_date,
    {%- for method in ['BANK', 'CERTIFICATE', 'BILL', 'OFFSET'] %}
    cast(sum(case when payment_method = '{{ method }}' then amount else 0 end) as decimal(18, 2))
        as {{ method | lower }}_amount,
    {%- endfor %}
    cast(sum(amount) as decimal(18, 2)) as cleared_amount,
    cast(sum(case when payment_method = 'BANK' then amount * greatest(days_late, 0) else 0 end) as decimal(38, 2))
        as late_days_amount,
    sum(case when payment_method = 'BANK' then entry_sign else 0 end) as cash_count,
    sum(case when payment_method = 'BANK' then entry_sign * days_late else 0 end) as late_days,
    sum(case when payment_method = 'BANK' then entry_sign * days_late * days_late else 0 end) as late_days_squared
from clearings
{%- if is_night() %}
where known_date > {{ since_date() }}
{%- endif %}
group by company_code, erp_vendor_no, due_date, document_type, is_retention, known_date
