{%- set measures = {
    'anchor_redemption_on_time_rate': 'redemption_on_time_rate',
    'anchor_certificate_overdue_share': 'certificate_overdue_share',
    'anchor_issuance_growth_6m': 'issuance_growth',
    'anchor_limit_utilisation': 'limit_utilisation',
    'anchor_payment_days_late_3m': 'payment_days_late',
    'anchor_payment_days_late_change': 'payment_days_late_change',
    'anchor_liability_to_assets': 'liability_to_assets',
    'anchor_net_debt_to_ebitda': 'net_debt_to_ebitda',
    'anchor_interest_cover': 'interest_cover',
    'anchor_current_ratio': 'current_ratio',
    'anchor_cash_to_short_debt': 'cash_to_short_debt',
    'anchor_ocf_to_revenue': 'ocf_to_revenue',
    'anchor_two_assets_share': 'two_assets_share',
    'anchor_accruals_ratio': 'accruals_ratio',
    'anchor_guarantees_to_equity': 'guarantees_to_equity',
    'anchor_report_delay_days': 'report_delay_days',
    'anchor_audit_opinion_modified': 'audit_opinion_modified',
    'anchor_rating_notch': 'rating_notch',
    'anchor_rating_notches_down_6m': 'rating_notches_down',
    'anchor_bill_overdue': 'bill_overdue',
    'anchor_lawsuits_12m': 'lawsuits',
} %}

with spine as (
    select * from {{ ref('int_feature_spine') }}
),

core_enterprises as (
    select * from {{ ref('int_feature_core_enterprise') }}
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
    inner join core_enterprises
        on invoiced.as_of_date = core_enterprises.as_of_date and invoiced.company_code = core_enterprises.company_code
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
),

weights as (
    select
        as_of_date,
        supplier_id,
        core_enterprise_id,
        cast(sum(claim_amount) as decimal(38, 2)) as weight
    from claims
    group by as_of_date, supplier_id, core_enterprise_id
    having sum(claim_amount) > 0
)

select
    weights.as_of_date,
    weights.supplier_id,
    {%- for name, measure in measures.items() %}
    cast(sum(weights.weight * cast(core_enterprises.{{ measure }} as decimal(38, 9))) as double)
    / cast(sum(case when core_enterprises.{{ measure }} is not null then weights.weight end) as double)
        as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from weights
inner join core_enterprises
    on
        weights.as_of_date = core_enterprises.as_of_date
        and weights.core_enterprise_id = core_enterprises.core_enterprise_id
group by weights.as_of_date, weights.supplier_id
