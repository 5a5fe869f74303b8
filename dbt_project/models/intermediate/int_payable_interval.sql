{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='payable_id') }}

{%- set payable = ['company_code', 'ap_document_no', 'fiscal_year'] %}
{%- set legs = ['credited', 'paid_cash', 'paid_bill', 'set_off', 'certificate_cleared', 'certificate_issued'] %}

with invoices as (
    select
        *,
        {{ payable_id() }} as payable_id
    from {{ ref('stg_erp__ap_invoice') }}
    where document_type = 'INVOICE' and {{ is_touched_payable() }}
),

versions as (
    select * from {{ version_intervals('invoices', ['payable_id']) }}
),

first_known as (
    select
        payable_id,
        company_code,
        ap_document_no,
        fiscal_year,
        erp_vendor_no,
        valid_from as known_date
    from versions
    qualify row_number() over (partition by payable_id order by valid_from) = 1
),

payment_versions as (
    select *
    from {{ ref('stg_erp__ap_payment') }}
    where {{ is_touched_payable() }}
),

payments as (
    select
        {{ payable_id() }} as payable_id,
        entry_date,
        payment_method,
        entry_sign * amount as amount
    from {{ version_entries('payment_versions', payable + ['payment_no']) }} as entries
),

credit_note_versions as (
    select *
    from {{ ref('stg_erp__ap_invoice') }}
    where document_type = 'CREDIT_NOTE'
),

-- A credit note names its invoice by number alone; the number is unique only within a fiscal year, so it is the
-- vendor's newest invoice of that number up to the year of the note.
credit_notes as (
    select
        first_known.payable_id,
        greatest(notes.entry_date, first_known.known_date) as entry_date,
        notes.entry_sign * notes.gross_amount as amount
    from {{ version_entries('credit_note_versions', payable) }} as notes
    inner join first_known
        on
            notes.company_code = first_known.company_code
            and notes.reference_ap_document_no = first_known.ap_document_no
            and notes.erp_vendor_no = first_known.erp_vendor_no
            and notes.fiscal_year >= first_known.fiscal_year
    qualify
        row_number() over (
            partition by notes.company_code, notes.ap_document_no, notes.fiscal_year, notes.entry_date, notes.entry_sign
            order by first_known.fiscal_year desc
        ) = 1
),

certificates as (
    select
        {{ payable_id('roots') }} as payable_id,
        movements.posted_date as entry_date,
        movements.opened_amount - movements.cancelled_amount as amount
    from {{ ref('int_certificate_movement') }} as movements
    inner join {{ ref('int_certificate') }} as roots on movements.certificate_id = roots.certificate_id
    where
        roots.parent_certificate_id is null
        and roots.ap_document_no is not null
        and {{ is_touched_payable() }}
),

entries as (
    select payable_id, valid_from as entry_date, 'VERSION' as leg, 0 as amount from versions
    union all
    select payable_id, entry_date, 'credited' as leg, amount from credit_notes
    union all
    select
        payable_id,
        entry_date,
        case payment_method
            when 'BANK' then 'paid_cash'
            when 'BILL' then 'paid_bill'
            when 'OFFSET' then 'set_off'
            when 'CERTIFICATE' then 'certificate_cleared'
        end as leg,
        amount
    from payments
    union all
    select payable_id, entry_date, 'certificate_issued' as leg, amount from certificates
),

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
