with vendors as (
    select
        core_enterprises.core_enterprise_id,
        core_enterprises.party_id as buyer_party_id,
        vendors.party_id as supplier_party_id,
        1 as tier,
        'ERP' as evidence,
        min(trade.first_posting_date) as first_date,
        max(trade.last_posting_date) as last_date
    from {{ ref('int_vendor_trade') }} as trade
    inner join {{ ref('int_vendor') }} as vendors
        on
            trade.company_code = vendors.company_code
            and trade.erp_vendor_no = vendors.erp_vendor_no
            and vendors.valid_to is null
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on trade.company_code = core_enterprises.company_code and core_enterprises.valid_to is null
    where vendors.party_id is not null
    group by core_enterprises.core_enterprise_id, core_enterprises.party_id, vendors.party_id
),

suppliers as (
    select supplier_id, party_id from {{ ref('int_supplier') }} where valid_to is null
),

-- A certificate shows a supply where it changes hands; the part a holder keeps after a split shows none.
handovers as (
    select
        certificates.core_enterprise_id,
        coalesce(payers.party_id, core_enterprises.party_id) as buyer_party_id,
        suppliers.party_id as supplier_party_id,
        certificates.tier,
        certificates.issue_date
    from {{ ref('int_certificate') }} as certificates
    inner join suppliers on certificates.holder_id = suppliers.supplier_id
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on certificates.core_enterprise_id = core_enterprises.core_enterprise_id and core_enterprises.valid_to is null
    left join {{ ref('int_certificate') }} as parents on certificates.parent_certificate_id = parents.certificate_id
    left join suppliers as payers on parents.holder_id = payers.supplier_id
    where
        certificates.withdrawn_date is null
        and (
            certificates.parent_certificate_id is null
            or (parents.certificate_id is not null and parents.holder_id <> certificates.holder_id)
        )
),

certificates as (
    select
        core_enterprise_id,
        buyer_party_id,
        supplier_party_id,
        min(tier) as tier,
        'CERTIFICATE' as evidence,
        min(issue_date) as first_date,
        max(issue_date) as last_date
    from handovers
    group by core_enterprise_id, buyer_party_id, supplier_party_id
),

-- VAT invoices extend a chain by the suppliers of those already in it, as far as they are on the platform.
buyers as (
    select core_enterprise_id, party_id, 0 as tier from {{ ref('int_core_enterprise') }} where valid_to is null
    union all
    select core_enterprise_id, supplier_party_id as party_id, min(tier) as tier
    from (
        select core_enterprise_id, supplier_party_id, tier from vendors
        union all
        select core_enterprise_id, supplier_party_id, tier from certificates
    ) as members
    group by core_enterprise_id, supplier_party_id
),

invoices as (
    select
        buyers.core_enterprise_id,
        trade.buyer_party_id,
        trade.seller_party_id as supplier_party_id,
        min(buyers.tier) + 1 as tier,
        'VAT_INVOICE' as evidence,
        min(trade.first_invoice_date) as first_date,
        max(trade.last_invoice_date) as last_date
    from {{ ref('int_trade_relation') }} as trade
    inner join buyers on trade.buyer_party_id = buyers.party_id
    inner join suppliers on trade.seller_party_id = suppliers.party_id
    group by buyers.core_enterprise_id, trade.buyer_party_id, trade.seller_party_id
),

evidence as (
    select * from vendors
    union all
    select * from certificates
    union all
    select * from invoices
)

select
    evidence.core_enterprise_id,
    evidence.buyer_party_id,
    evidence.supplier_party_id,
    suppliers.supplier_id,
    min(evidence.tier) as tier,
    max(case when evidence.evidence = 'ERP' then 1 else 0 end) = 1 as has_erp_evidence,
    max(case when evidence.evidence = 'CERTIFICATE' then 1 else 0 end) = 1 as has_certificate_evidence,
    max(case when evidence.evidence = 'VAT_INVOICE' then 1 else 0 end) = 1 as has_vat_evidence,
    min(evidence.first_date) as first_date,
    max(evidence.last_date) as last_date
from evidence
left join suppliers on evidence.supplier_party_id = suppliers.party_id
group by evidence.core_enterprise_id, evidence.buyer_party_id, evidence.supplier_party_id, suppliers.supplier_id
