{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    on_schema_change='append_new_columns',
    contract={'enforced': true},
    post_hook='{{ drop_expired_snapshots() }}'
) }}

{%- set families = {
    'int_feature_identity': [
        'company_age_months', 'paid_in_to_registered', 'insured_headcount', 'kyc_age_days',
        'address_cluster_size', 'shared_contact_count', 'guarantee_link_count',
        'control_link_count',
    ],
    'int_feature_external': [
        'lawsuits_12m', 'admin_penalties_12m', 'legal_rep_changes_12m', 'shareholder_changes_12m',
        'adverse_records_90d', 'equity_frozen', 'registry_status_abnormal', 'pmi_construction_gap',
        'policy_rate_change_6m', 'input_price_shock_3m', 'sector_activity', 'sector_activity_change_3m',
        'region_npl_ratio', 'bill_overdue', 'fai_growth_yoy', 'housing_starts_yoy',
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
        'date_order_violations_12m',
    ],
    'int_feature_platform': [
        'certificates_received_change_3m', 'financed_share_6m', 'instant_financing_rate_6m',
        'passed_on_share_6m', 'tier_depth_6m', 'tenor_days_6m', 'rollover_rate_12m',
        'unregistered_financing_share_12m', 'discount_premium_6m', 'financing_overdue_share',
        'financing_longest_dpd', 'recourse_share', 'buy_back_share_12m',
        'financing_change_3m', 'tenor_over_180_share_6m',
    ],
    'int_feature_obligor': [
        'anchor_redemption_on_time_rate', 'anchor_issuance_growth_6m', 'anchor_limit_utilisation',
        'anchor_payment_days_late_3m', 'anchor_payment_days_late_change', 'anchor_liability_to_assets',
        'anchor_net_debt_to_ebitda', 'anchor_interest_cover', 'anchor_cash_to_short_debt',
        'anchor_ocf_to_revenue', 'anchor_two_assets_share', 'anchor_rating_notch',
        'anchor_rating_notches_down_6m', 'anchor_bill_overdue', 'anchor_certificate_overdue_share',
        'anchor_current_ratio', 'anchor_accruals_ratio', 'anchor_guarantees_to_equity', 'anchor_report_delay_days',
        'anchor_audit_opinion_modified', 'anchor_lawsuits_12m', 'anchor_grade', 'anchor_order_growth_6m',
        'anchor_revenue_growth_12m', 'anchor_gross_margin_change_12m', 'anchor_restricted_cash_share',
        'anchor_active_vendors_change_3m', 'anchor_top10_vendor_share_12m', 'anchor_deduction_rate_12m',
        'anchor_payment_promise_std_12m', 'anchor_non_cash_payment_share_12m',
        'anchor_certificate_share_of_payables', 'anchor_hidden_leverage', 'anchor_maturity_wall_12m',
        'core_enterprise_count_6m',
    ],
    'int_feature_network': [
        'sector_distress_rate_12m', 'region_distress_rate_12m', 'co_supplier_distress_share',
        'customer_distress_share_12m', 'connected_distress_count',
    ],
    'int_feature_cross_source': [
        'enforcement_to_revenue', 'revenue_per_insured_head', 'invoice_cash_gap_6m',
        'cross_source_revenue_gap_6m', 'capacity_ratio_12m',
    ],
} %}

{#- Seen against others of the night, and against the supplier's own past. #}
{%- set against_peers = [
    'cash_buffer_days', 'vat_sales_change_3m', 'inflow_change_3m', 'vat_gross_margin_12m', 'payroll_change_3m',
    'days_late_weighted_6m', 'dso_days', 'financed_share_6m',
] %}
{%- set against_past = [
    'cash_buffer_days', 'debt_service_share_90d', 'customer_hhi_6m', 'vat_gross_margin_12m', 'dso_days',
    'days_late_weighted_6m', 'financed_share_6m', 'anchor_grade',
] %}

with measured as (
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
),

peers as (
    select
        as_of_date,
        sector_code,
        size_class,
        {%- for feature in against_peers %}
        case when count({{ feature }}) >= 5 then median({{ feature }}) end as {{ feature }}{{ ',' if not loop.last }}
        {%- endfor %}
    from measured
    group by as_of_date, sector_code, size_class
),

-- Month-ends are kept by every home, whatever nights it ran.
month_ends as (
    select
        as_of_date,
        supplier_id,
        {%- for feature in against_past %}
        {{ feature }}{{ ',' if not loop.last }}
        {%- endfor %}
    from measured
    where as_of_date = last_day(as_of_date)
    {%- if is_night() %}
    {#- A table that an earlier release made lacks what this one added until the night has ended. #}
    {%- set standing = adapter.get_columns_in_relation(this) | map(attribute='name') | list %}
    union all
    select
        as_of_date,
        supplier_id,
        {%- for feature in against_past %}
        {{ feature if feature in standing else 'cast(null as double) as ' ~ feature }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ this }}
    where
        as_of_date = last_day(as_of_date)
        and as_of_date >= {{ add_days(as_of_date(), -200) }}
        and as_of_date not in (select made_anew.as_of_date from measured as made_anew)
    {%- endif %}
),

nights as (
    select distinct as_of_date from measured
),

past_nights as (
    select distinct as_of_date from month_ends
),

past_dates as (
    select
        nights.as_of_date,
        max(past.as_of_date) as past_date
    from nights
    inner join past_nights as past
        on {{ days_between('past.as_of_date', 'nights.as_of_date') }} between 75 and 106
    group by nights.as_of_date
)

select
    measured.*,
    {%- for feature in against_peers %}
    measured.{{ feature }} - peers.{{ feature }} as {{ feature }}_vs_peers,
    {%- endfor %}
    {%- for feature in against_past %}
    measured.{{ feature }} - past.{{ feature }} as {{ feature }}_trend_3m{{ ',' if not loop.last }}
    {%- endfor %}
from measured
left join peers
    on
        measured.as_of_date = peers.as_of_date
        and measured.sector_code = peers.sector_code
        and measured.size_class = peers.size_class
left join past_dates on measured.as_of_date = past_dates.as_of_date
left join month_ends as past
    on past_dates.past_date = past.as_of_date and measured.supplier_id = past.supplier_id
