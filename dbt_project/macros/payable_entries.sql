{#- Common table expressions, for use after `with`: `versions` of the invoices on which something was delivered, and
    `entries`, what each version of an invoice, payment, credit note and certificate adds to a leg of its payable:
    `entry_date` is the day on which we knew it, `event_date` the day on which it happened. -#}
{% macro payable_entries() -%}
    {%- set payable = ['company_code', 'ap_document_no', 'fiscal_year'] %}
    invoices as (
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
            due_date,
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
            payment_date as event_date,
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
            notes.posting_date as event_date,
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
                partition by
                    notes.company_code, notes.ap_document_no, notes.fiscal_year, notes.entry_date, notes.entry_sign
                order by first_known.fiscal_year desc
            ) = 1
    ),

    certificates as (
        select
            {{ payable_id('roots') }} as payable_id,
            movements.posted_date as entry_date,
            case when movements.cancelled_amount = 0 then roots.issue_date else movements.posted_date end as event_date,
            movements.opened_amount - movements.cancelled_amount as amount
        from {{ ref('int_certificate_movement') }} as movements
        inner join {{ ref('int_certificate') }} as roots on movements.certificate_id = roots.certificate_id
        where
            roots.parent_certificate_id is null
            and roots.ap_document_no is not null
            and {{ is_touched_payable() }}
    ),

    entries as (
        select payable_id, valid_from as entry_date, posting_date as event_date, 'VERSION' as leg, 0 as amount
        from versions
        union all
        select payable_id, valid_to as entry_date, posting_date as event_date, 'VERSION' as leg, 0 as amount
        from versions
        where valid_to is not null
        union all
        select payable_id, entry_date, event_date, 'credited' as leg, amount from credit_notes
        union all
        select
            payable_id,
            entry_date,
            event_date,
            case payment_method
                when 'BANK' then 'paid_cash'
                when 'BILL' then 'paid_bill'
                when 'OFFSET' then 'set_off'
                when 'CERTIFICATE' then 'certificate_cleared'
            end as leg,
            amount
        from payments
        union all
        select payable_id, entry_date, event_date, 'certificate_issued' as leg, amount from certificates
    )
{%- endmacro %}
