{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='payable_id',
    on_schema_change='append_new_columns',
) }}

{%- set legs = ['credited', 'paid_cash', 'paid_bill', 'set_off', 'certificate_cleared', 'certificate_issued'] %}

with {{ payable_entries() }},

-- A term that runs from delivery begins with the first receipt on the order's line, once that is known.
receipt_versions as (
    select *
    from {{ ref('stg_erp__goods_receipt') }}
    where
        receipt_type <> 'RETURN'
        and (company_code, po_no, po_line_no) in (
            select
                versions.company_code,
                versions.po_no,
                versions.po_line_no
            from versions
            where versions.term_start_basis = 'DELIVERY'
        )
),

receipts as (
    select
        versions.payable_id,
        receipts.receipt_date,
        {{ common_interval('receipts', 'versions') }}
    from {{ version_intervals('receipt_versions', ['company_code', 'receipt_no']) }} as receipts
    inner join versions
        on
            receipts.company_code = versions.company_code
            and receipts.po_no = versions.po_no
            and receipts.po_line_no = versions.po_line_no
            and {{ overlap('receipts', 'versions') }}
    where versions.term_start_basis = 'DELIVERY'
),

changes as (
    select
        payable_id,
        entry_date,
        leg,
        amount
    from entries
    where payable_id in (select versions.payable_id from versions)
    union all
    select payable_id, valid_from as entry_date, 'RECEIPT' as leg, 0 as amount from receipts
    union all
    select payable_id, valid_to as entry_date, 'RECEIPT' as leg, 0 as amount from receipts where valid_to is not null
),

daily as (
    select
        payable_id,
        entry_date,
        {%- for leg in legs %}
        sum(case when leg = '{{ leg }}' then amount else 0 end) as {{ leg }}{{ ',' if not loop.last }}
        {%- endfor %}
    from changes
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
),

first_receipts as (
    select
        turned.payable_id,
        turned.valid_from,
        min(receipts.receipt_date) as receipt_date
    from turned
    inner join receipts on turned.payable_id = receipts.payable_id and {{ valid_on('receipts', 'turned.valid_from') }}
    group by turned.payable_id, turned.valid_from
),

states as (
    select
        versions.*,
        first_known.due_date as first_due_date,
        case versions.term_start_basis
            when 'DELIVERY' then first_receipts.receipt_date
            when 'ACCEPTANCE' then versions.confirmed_date
            when 'INVOICE' then versions.invoice_date
            when 'BOOKING' then versions.posting_date
            else versions.baseline_date
        end as term_start_date,
        turned.valid_from as state_from,
        turned.valid_to as state_to,
        turned.credited,
        turned.paid_cash,
        turned.paid_bill,
        turned.set_off,
        turned.certificated
    from turned
    inner join versions on turned.payable_id = versions.payable_id and {{ valid_on('versions', 'turned.valid_from') }}
    inner join first_known on turned.payable_id = first_known.payable_id
    left join first_receipts
        on turned.payable_id = first_receipts.payable_id and turned.valid_from = first_receipts.valid_from
)

select
    payable_id,
    company_code,
    ap_document_no,
    fiscal_year,
    erp_vendor_no,
    supplier_invoice_no,
    invoice_date,
    posting_date,
    confirmed_date,
    due_date,
    first_due_date,
    term_start_basis,
    term_start_date,
    payment_terms_days,
    {{ add_days('term_start_date', 'payment_terms_days') }} as terms_due_date,
    currency,
    is_disputed,
    is_payment_blocked,
    retention_amount,
    retention_due_date,
    state_from as valid_from,
    state_to as valid_to,
    gross_amount,
    cast(credited as decimal(18, 2)) as credited_amount,
    cast(paid_cash as decimal(18, 2)) as paid_cash_amount,
    cast(paid_bill as decimal(18, 2)) as paid_bill_amount,
    cast(set_off as decimal(18, 2)) as set_off_amount,
    cast(certificated as decimal(18, 2)) as certificated_amount,
    cast(gross_amount - credited - paid_cash - paid_bill - set_off - certificated as decimal(18, 2)) as open_amount
from states
