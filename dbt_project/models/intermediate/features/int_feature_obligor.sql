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
    'anchor_order_growth_6m': 'order_growth',
    'anchor_revenue_growth_12m': 'revenue_growth',
    'anchor_gross_margin_change_12m': 'gross_margin_change',
    'anchor_restricted_cash_share': 'restricted_cash_share',
    'anchor_active_vendors_change_3m': 'active_vendors_change',
    'anchor_top10_vendor_share_12m': 'top10_vendor_share',
    'anchor_deduction_rate_12m': 'deduction_rate',
    'anchor_payment_promise_std_12m': 'payment_promise_std',
    'anchor_non_cash_payment_share_12m': 'non_cash_payment_share',
    'anchor_certificate_share_of_payables': 'certificate_share_of_payables',
    'anchor_hidden_leverage': 'hidden_leverage',
    'anchor_maturity_wall_12m': 'maturity_wall',
    'anchor_grade': 'grade',
} %}

with core_enterprises as (
    select
        measures.*,
        scores.grade
    from {{ ref('int_feature_core_enterprise') }} as measures
    left join {{ ref('int_core_enterprise_score') }} as scores
        on
            measures.as_of_date = scores.as_of_date
            and measures.core_enterprise_id = scores.core_enterprise_id
)

select
    claims.as_of_date,
    claims.supplier_id,
    {%- for name, measure in measures.items() %}
    cast(sum(claims.claim_amount * cast(core_enterprises.{{ measure }} as decimal(38, 9))) as double)
    / cast(sum(case when core_enterprises.{{ measure }} is not null then claims.claim_amount end) as double)
        as {{ name }},
    {%- endfor %}
    count(*) as core_enterprise_count_6m
from {{ ref('int_feature_claim') }} as claims
inner join core_enterprises
    on
        claims.as_of_date = core_enterprises.as_of_date
        and claims.core_enterprise_id = core_enterprises.core_enterprise_id
group by claims.as_of_date, claims.supplier_id
