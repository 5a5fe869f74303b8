{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='payable_id',
    on_schema_change='append_new_columns',
) }}

{%- set legs = ['credited', 'paid_cash', 'paid_bill', 'set_off', 'certificate_cleared', 'certificate_issued'] %}

with {{ payable_entries() }},

daily as (
    select
        payable_id,
        entry_date,
        {%- for leg in legs %}
        sum(case when leg = '{{ leg }}' then amount else 0 end) as {{ leg }}{{ ',' if not loop.last }}
        {%- endfor %}
    from entries
    where payable_id in (select versions.payable_id from versions)
    group by payable_id, entry_date
),

balances as (
    select
        payable_id,
        entry_date as valid_from,
        lead(entry_date) over (partition by payable_id order by entry_date) as valid_to,
        {%- for leg in legs %}
        sum({{ leg }}) over (
            partition by payable_id order by entry_date rows between unbounded preceding and current row
        ) as {{ leg }}{{ ',' if not loop.last }}
        {%- endfor %}
    from daily
),

-- The books clear a payable by certificate a little before or after the platform issues it: what has turned into a
-- certificate is whichever of the two is further, so that no amount is open twice.
turned as (
    select
        *,
        greatest(certificate_cleared, certificate_issued) as certificated
    from balances
)

select
    versions.payable_id,
    versions.company_code,
    versions.ap_document_no,
    versions.fiscal_year,
    versions.erp_vendor_no,
    versions.supplier_invoice_no,
    versions.invoice_date,
    versions.posting_date,
    versions.confirmed_date,
    versions.due_date,
    versions.currency,
    versions.is_disputed,
    versions.is_payment_blocked,
    versions.retention_amount,
    versions.retention_due_date,
    turned.valid_from,
    turned.valid_to,
    versions.gross_amount,
    cast(turned.credited as decimal(18, 2)) as credited_amount,
    cast(turned.paid_cash as decimal(18, 2)) as paid_cash_amount,
    cast(turned.paid_bill as decimal(18, 2)) as paid_bill_amount,
    cast(turned.set_off as decimal(18, 2)) as set_off_amount,
    cast(turned.certificated as decimal(18, 2)) as certificated_amount,
    cast(
        versions.gross_amount
        - turned.credited
        - turned.paid_cash
        - turned.paid_bill
        - turned.set_off
        - turned.certificated
        as decimal(18, 2)
    ) as open_amount
from turned
inner join versions
    on
        turned.payable_id = versions.payable_id
        and turned.valid_from >= versions.valid_from
        and (versions.valid_to is null or turned.valid_from < versions.valid_to)
