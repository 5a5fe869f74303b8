with spine as (
    select * from {{ ref('int_feature_spine') }}
),

first_records as (
    select min(valid_from) as first_date from {{ ref('int_public_record') }}
),

records as (
    select
        spine.as_of_date,
        spine.supplier_id,
        {%- for name, record_type in {
            'lawsuits': 'LAWSUIT', 'penalties': 'ADMIN_PENALTY', 'legal_rep_changes': 'LEGAL_REP_CHANGE',
            'shareholder_changes': 'SHAREHOLDER_CHANGE',
        }.items() %}
        sum(
            case
                when records.record_type = '{{ record_type }}' and records.published_date > spine.from_365d then 1
                else 0
            end
        ) as {{ name }}_365d,
        {%- endfor %}
        sum(
            case
                when
                    records.record_type not in ('LEGAL_REP_CHANGE', 'SHAREHOLDER_CHANGE')
                    and records.published_date > spine.from_90d
                    then 1
                else 0
            end
        ) as adverse_90d,
        sum(
            case
                when records.record_type = 'ENFORCEMENT' and {{ is_open_record() }} then coalesce(records.amount, 0)
                else 0
            end
        ) as enforcement_amount,
        max(case when records.record_type = 'EQUITY_FREEZE' and {{ is_open_record() }} then 1 else 0 end)
            as equity_frozen,
        max(case when records.record_type = 'ABNORMAL_OPERATION' and {{ is_open_record() }} then 1 else 0 end)
            as abnormal_operation,
        max(case when records.record_type = 'BILL_OVERDUE' and {{ is_open_record() }} then 1 else 0 end) as bill_overdue
    from spine
    inner join {{ ref('int_public_record') }} as records
        on spine.party_id = records.party_id and {{ valid_on('records', 'spine.as_of_date') }}
    group by spine.as_of_date, spine.supplier_id
),

index_values as (
    select
        index_code,
        segment_code,
        period_end_date,
        index_value,
        valid_from,
        valid_to
    from {{ version_intervals(ref('stg_external__industry_index'), ['index_code', 'segment_code', 'period_end_date']) }}
),

nights as (
    select
        as_of_date,
        min(from_90d) as from_90d,
        min(from_180d) as from_180d
    from spine
    group by as_of_date
),

indices as (
    select
        nights.as_of_date,
        index_values.index_code,
        index_values.segment_code,
        max_by(index_values.index_value, index_values.period_end_date) as latest_value,
        max_by(index_values.index_value, index_values.period_end_date) filter (
            where index_values.period_end_date <= nights.from_90d
        ) as value_90d_ago,
        max_by(index_values.index_value, index_values.period_end_date) filter (
            where index_values.period_end_date <= nights.from_180d
        ) as value_180d_ago
    from nights
    inner join index_values on {{ valid_on('index_values', 'nights.as_of_date') }}
    group by nights.as_of_date, index_values.index_code, index_values.segment_code
),

market as (
    select
        as_of_date,
        max(case when index_code = 'PMI_CONSTRUCTION' then 50 - latest_value end) as pmi_gap,
        max(case when index_code = 'FAI_YOY' then latest_value end) as fai_growth,
        max(case when index_code = 'HOUSING_STARTS_YOY' then latest_value end) as housing_starts,
        max(case when index_code = 'LPR_1Y' then latest_value - value_180d_ago end) as policy_rate_change,
        max(case when index_code = 'STEEL_PRICE' then latest_value / nullif(value_90d_ago, 0) - 1 end) as steel_change,
        max(case when index_code = 'CEMENT_PRICE' then latest_value / nullif(value_90d_ago, 0) - 1 end) as cement_change
    from indices
    where index_code not in ('SECTOR_ACTIVITY', 'REGION_NPL_RATIO')
    group by as_of_date
)

select
    spine.as_of_date,
    spine.supplier_id,
    coalesce(records.enforcement_amount, 0) as enforcement_amount,
    {%- for name, column in {
        'lawsuits_12m': 'lawsuits_365d',
        'admin_penalties_12m': 'penalties_365d',
        'legal_rep_changes_12m': 'legal_rep_changes_365d',
        'shareholder_changes_12m': 'shareholder_changes_365d',
        'adverse_records_90d': 'adverse_90d',
        'equity_frozen': 'equity_frozen',
        'registry_status_abnormal': 'abnormal_operation',
        'bill_overdue': 'bill_overdue',
    }.items() %}
    case when first_records.first_date <= spine.as_of_date then coalesce(records.{{ column }}, 0) end as {{ name }},
    {%- endfor %}
    market.pmi_gap as pmi_construction_gap,
    market.fai_growth as fai_growth_yoy,
    market.housing_starts as housing_starts_yoy,
    market.policy_rate_change as policy_rate_change_6m,
    (market.steel_change + market.cement_change) / 2 as input_price_shock_3m,
    sector_activity.latest_value as sector_activity,
    sector_activity.latest_value / nullif(sector_activity.value_90d_ago, 0) - 1 as sector_activity_change_3m,
    region_npl.latest_value as region_npl_ratio
from spine
cross join first_records
left join records on spine.as_of_date = records.as_of_date and spine.supplier_id = records.supplier_id
left join market on spine.as_of_date = market.as_of_date
left join indices as sector_activity
    on
        spine.as_of_date = sector_activity.as_of_date
        and sector_activity.index_code = 'SECTOR_ACTIVITY'
        and spine.sector_code = sector_activity.segment_code
left join indices as region_npl
    on
        spine.as_of_date = region_npl.as_of_date
        and region_npl.index_code = 'REGION_NPL_RATIO'
        and spine.region_code = region_npl.segment_code
