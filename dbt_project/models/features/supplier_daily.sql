{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    contract={'enforced': true},
    post_hook='{{ drop_expired_snapshots() }}'
) }}

{%- set families = {
    'int_feature_identity': [
        'company_age_months', 'paid_in_to_registered', 'insured_headcount', 'kyc_age_days',
        'address_cluster_size', 'shared_contact_count', 'guarantee_link_count',
    ],
    'int_feature_external': [
        'lawsuits_12m', 'admin_penalties_12m', 'legal_rep_changes_12m', 'shareholder_changes_12m',
        'adverse_records_90d', 'equity_frozen', 'registry_status_abnormal', 'pmi_construction_gap',
        'policy_rate_change_6m', 'input_price_shock_3m', 'sector_activity', 'sector_activity_change_3m',
        'region_npl_ratio',
    ],
    'int_feature_tax': [
        'vat_sales_yoy_3m', 'vat_sales_change_3m', 'vat_sales_last_month_pace', 'vat_sales_cv_12m',
        'zero_invoice_months_12m', 'days_since_last_invoice', 'tax_credit_grade', 'tax_arrears_share',
        'late_filings_12m', 'unpaid_tax_share_6m', 'declared_vs_invoiced_gap', 'vat_burden_deviation',
        'input_output_share_6m', 'vat_purchases_yoy_3m', 'vat_gross_margin_12m', 'red_letter_ratio_6m',
        'void_ratio_6m', 'anchor_dependence_6m', 'customer_hhi_6m', 'customer_churn_6m',
        'round_amount_share_6m', 'reciprocal_trade_share_12m',
    ],
    'int_feature_bank': [
        'cash_buffer_days', 'low_balance_days_90d', 'lowest_balance_to_outflow_30d', 'balance_change_60d',
        'net_operating_cash_90d', 'inflow_yoy_3m', 'inflow_change_3m', 'outflow_share_30d',
        'returned_payments_90d', 'overdraft_utilisation_30d', 'same_day_pass_through_share_90d',
        'salary_regularity_6m', 'tax_payment_regularity_6m', 'payroll_change_3m', 'loan_inflow_share_180d',
        'debt_service_share_90d', 'cash_withdrawal_share_90d', 'inflow_smoothness_6m', 'account_frozen',
    ],
    'int_feature_erp': [
        'erp_invoiced_change_3m', 'order_intake_change_3m', 'three_way_match_rate_6m',
        'receipt_missing_share_6m', 'confirm_days_6m', 'dilution_ratio_12m', 'dilution_spike_3m',
        'disputed_share_6m', 'statutory_term_excess_days', 'days_late_weighted_6m', 'payment_promise_std_12m',
        'non_cash_payment_share_12m', 'overdue_share_1_30', 'overdue_share_31_90', 'overdue_share_90_plus',
        'debtor_concentration_top1', 'dso_days', 'retention_share_12m', 'payee_account_changed_90d',
    ],
    'int_feature_platform': [
        'certificates_received_change_3m', 'financed_share_6m', 'instant_financing_rate_6m',
        'passed_on_share_6m', 'tier_depth_6m', 'tenor_days_6m', 'rollover_rate_12m',
        'unregistered_financing_share_12m', 'discount_premium_6m', 'financing_overdue_share',
        'financing_longest_dpd', 'recourse_share', 'buy_back_share_12m',
    ],
    'int_feature_obligor': [
        'anchor_redemption_on_time_rate', 'anchor_issuance_growth_6m', 'anchor_limit_utilisation',
        'anchor_payment_days_late_3m', 'anchor_payment_days_late_change', 'anchor_liability_to_assets',
        'anchor_net_debt_to_ebitda', 'anchor_interest_cover', 'anchor_cash_to_short_debt',
        'anchor_ocf_to_revenue', 'anchor_two_assets_share', 'anchor_rating_notch',
        'anchor_rating_notches_down_6m', 'anchor_bill_overdue',
    ],
    'int_feature_cross_source': [
        'enforcement_to_revenue', 'revenue_per_insured_head', 'invoice_cash_gap_6m',
        'cross_source_revenue_gap_6m', 'capacity_ratio_12m',
    ],
} %}

select
    spine.as_of_date,
    spine.supplier_id,
    spine.party_id,
    spine.sector_code,
    spine.size_class,
    population.population_status,
    population.not_scored_reason,
    population.data_depth,
    {%- for family, features in families.items() %}
    {%- set is_last_family = loop.last %}
    {%- for feature in features %}
    cast({{ family }}.{{ feature }} as double) as {{ feature }}{{ ',' if not (is_last_family and loop.last) }}
    {%- endfor %}
    {%- endfor %}
from {{ ref('int_feature_spine') }} as spine
inner join {{ ref('int_supplier_population') }} as population
    on spine.as_of_date = population.as_of_date and spine.supplier_id = population.supplier_id
{%- for family in families %}
left join {{ ref(family) }} as {{ family }}
    on spine.as_of_date = {{ family }}.as_of_date and spine.supplier_id = {{ family }}.supplier_id
{%- endfor %}
