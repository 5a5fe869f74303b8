{{ config(tags=['after_scoring']) }}

select
    scores.as_of_date,
    scores.supplier_id,
    suppliers.supplier_name,
    suppliers.sector_code,
    suppliers.region_code,
    suppliers.size_class,
    scores.model_version,
    scores.status,
    scores.not_scored_reason,
    scores.pd_90d,
    scores.grade,
    scores.score,
    scores.previous_pd_90d,
    scores.grade_change,
    scores.percentile,
    scores.data_depth,
    scores.reason_1,
    scores.reason_2,
    scores.reason_3,
    scores.reason_4,
    scores.reason_5,
    scores.exposure_amount,
    scores.expected_loss_amount,
    scores.currency,
    scores.watch_state,
    scores.scored_at
from {{ ref('supplier_score_daily') }} as scores
inner join {{ ref('dim_supplier') }} as suppliers on scores.supplier_id = suppliers.supplier_id
where
    scores.as_of_date = {{ as_of_date() }}
    and scores.model_role = 'champion'
