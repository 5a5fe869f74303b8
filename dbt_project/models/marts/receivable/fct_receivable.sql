with payables as (
    select
        payables.payable_id as receivable_id,
        'PAYABLE' as receivable_type,
        core_enterprises.core_enterprise_id,
        roles.supplier_id,
        vendors.party_id as supplier_party_id,
        cast(null as string) as certificate_id,
        cast(null as string) as root_certificate_id,
        1 as tier,
        cast(null as string) as instrument_type,
        payables.company_code,
        payables.ap_document_no,
        payables.fiscal_year,
        payables.supplier_invoice_no,
        payables.confirmed_date,
        payables.due_date,
        payables.currency,
        payables.gross_amount as face_amount,
        payables.credited_amount,
        payables.paid_cash_amount,
        payables.paid_bill_amount,
        payables.set_off_amount,
        payables.certificated_amount,
        cast(0 as decimal(18, 2)) as redeemed_amount,
        cast(0 as decimal(18, 2)) as written_off_amount,
        cast(0 as decimal(18, 2)) as cancelled_amount,
        payables.open_amount,
        cast(0 as decimal(18, 2)) as financed_amount,
        payables.retention_amount,
        payables.is_disputed,
        settlements.settled_date,
        payables.valid_from as changed_date
    from {{ ref('int_payable_interval') }} as payables
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on payables.company_code = core_enterprises.company_code and core_enterprises.valid_to is null
    left join {{ ref('int_payable_settlement') }} as settlements on payables.payable_id = settlements.payable_id
    left join {{ ref('int_vendor') }} as vendors
        on
            payables.company_code = vendors.company_code
            and payables.erp_vendor_no = vendors.erp_vendor_no
            and vendors.valid_to is null
    left join {{ ref('int_party_role') }} as roles on vendors.party_id = roles.party_id
    where payables.valid_to is null and payables.confirmed_date is not null
),

-- A leaf of a certificate tree is closed by what takes from it and gives to nobody.
closing_days as (
    select
        certificate_id,
        cast(occurred_at as date) as closing_date,
        sum(amount) as amount
    from {{ ref('int_certificate_event') }}
    where valid_to is null and posted_date is not null and event_type in ('REDEEMED', 'WRITTEN_OFF', 'CANCELLED')
    group by certificate_id, cast(occurred_at as date)
),

closed_amounts as (
    select
        certificate_id,
        closing_date,
        sum(amount) over (
            partition by certificate_id order by closing_date rows between unbounded preceding and current row
        ) as closed_amount
    from closing_days
),

closings as (
    select
        positions.certificate_id,
        min(closed_amounts.closing_date) as closed_date
    from {{ ref('int_certificate_position_interval') }} as positions
    inner join closed_amounts
        on
            positions.certificate_id = closed_amounts.certificate_id
            and positions.face_amount - positions.passed_on_amount <= closed_amounts.closed_amount
    where positions.valid_to is null
    group by positions.certificate_id
),

-- A certificate that is split ends; while a part of the split is late or refused, what is not accounted for stays
-- with it.
certificates as (
    select
        certificates.certificate_id as receivable_id,
        'CERTIFICATE' as receivable_type,
        terms.core_enterprise_id,
        terms.holder_id as supplier_id,
        suppliers.party_id as supplier_party_id,
        certificates.certificate_id,
        certificates.root_certificate_id,
        terms.tier,
        terms.instrument_type,
        roots.company_code,
        roots.ap_document_no,
        roots.fiscal_year,
        cast(null as string) as supplier_invoice_no,
        terms.issue_date as confirmed_date,
        terms.due_date,
        terms.currency,
        cast(positions.face_amount - positions.passed_on_amount as decimal(18, 2)) as face_amount,
        cast(0 as decimal(18, 2)) as credited_amount,
        cast(0 as decimal(18, 2)) as paid_cash_amount,
        cast(0 as decimal(18, 2)) as paid_bill_amount,
        cast(0 as decimal(18, 2)) as set_off_amount,
        cast(0 as decimal(18, 2)) as certificated_amount,
        positions.redeemed_amount,
        positions.written_off_amount,
        positions.cancelled_amount,
        cast(positions.available_amount + positions.frozen_amount + positions.financed_amount as decimal(18, 2))
            as open_amount,
        positions.financed_amount,
        cast(null as decimal(18, 2)) as retention_amount,
        cast(null as boolean) as is_disputed,
        closings.closed_date as settled_date,
        positions.valid_from as changed_date
    from {{ ref('int_certificate_position_interval') }} as positions
    inner join {{ ref('int_certificate') }} as certificates on positions.certificate_id = certificates.certificate_id
    inner join {{ ref('int_certificate') }} as roots on positions.root_certificate_id = roots.certificate_id
    inner join {{ ref('int_certificate_term_interval') }} as terms
        on positions.certificate_id = terms.certificate_id and terms.valid_to is null
    left join closings on positions.certificate_id = closings.certificate_id
    left join {{ ref('int_supplier') }} as suppliers
        on terms.holder_id = suppliers.supplier_id and suppliers.valid_to is null
    where
        positions.valid_to is null
        and (
            (positions.passed_on_amount = 0 and certificates.withdrawn_date is null)
            or positions.available_amount + positions.frozen_amount + positions.financed_amount <> 0
        )
),

receivables as (
    select * from payables
    union all
    select * from certificates
)

select
    *,
    case
        when settled_date is not null then greatest({{ days_between('due_date', 'settled_date') }}, 0)
    end as days_late
from receivables
