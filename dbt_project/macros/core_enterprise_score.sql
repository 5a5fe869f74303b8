{#- Columns of int_feature_core_enterprise that a row of the seed core_enterprise_factor may put on the card. -#}
{% macro core_enterprise_factors() -%}
    {{ return([
        'order_growth', 'revenue_growth', 'gross_margin_change', 'sector_activity',
        'liability_to_assets', 'net_debt_to_ebitda', 'interest_cover', 'current_ratio', 'cash_to_short_debt',
        'ocf_to_revenue', 'two_assets_share', 'accruals_ratio', 'restricted_cash_share',
        'redemption_on_time_rate', 'certificate_overdue_share', 'payment_days_late', 'payment_days_late_change',
        'payment_promise_std', 'deduction_rate', 'active_vendors_change', 'top10_vendor_share',
        'certificate_share_of_payables', 'non_cash_payment_share',
        'limit_utilisation', 'issuance_growth', 'hidden_leverage', 'maturity_wall', 'guarantees_to_equity',
        'rating_notch', 'rating_notches_down', 'lawsuits',
    ]) }}
{%- endmacro %}

{%- macro core_enterprise_pillars() -%}
    {{ return(['OPERATION', 'FINANCE', 'SUPPLY_CHAIN', 'FINANCING']) }}
{%- endmacro %}
