with spine as (
    select * from {{ ref('int_feature_spine') }}
),

invoiced as (
    select
        spine.as_of_date,
        spine.supplier_id,
        ledger.company_code,
        sum(ledger.invoiced_amount) as claim_amount
    from spine
    inner join {{ ref('int_party_source_key') }} as keys
        on
            keys.key_kind = 'ERP_VENDOR'
            and spine.party_id = keys.party_id
            and {{ valid_on('keys', 'spine.as_of_date') }}
    inner join {{ ref('int_erp_invoice_daily') }} as ledger
        on
            keys.source_key = ledger.company_code || ':' || ledger.erp_vendor_no
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_180d
    group by spine.as_of_date, spine.supplier_id, ledger.company_code
),

claims as (
    select
        invoiced.as_of_date,
        invoiced.supplier_id,
        core_enterprises.core_enterprise_id,
        invoiced.claim_amount
    from invoiced
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            invoiced.company_code = core_enterprises.company_code
            and {{ valid_on('core_enterprises', 'invoiced.as_of_date') }}
    union all
    select
        spine.as_of_date,
        spine.supplier_id,
        ledger.core_enterprise_id,
        sum(ledger.deep_received_amount) as claim_amount
    from spine
    inner join {{ ref('int_platform_supplier_daily') }} as ledger
        on
            spine.supplier_id = ledger.supplier_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_180d
    group by spine.as_of_date, spine.supplier_id, ledger.core_enterprise_id
)

select
    as_of_date,
    supplier_id,
    core_enterprise_id,
    cast(sum(claim_amount) as decimal(38, 2)) as claim_amount
from claims
group by as_of_date, supplier_id, core_enterprise_id
having sum(claim_amount) > 0
