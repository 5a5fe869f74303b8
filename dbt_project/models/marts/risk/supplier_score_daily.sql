{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

select
    as_of_date,
    supplier_id,
    model_role,
    model_version,
    status,
    not_scored_reason,
    pd_90d,
    grade,
    score,
    previous_pd_90d,
    grade_change,
    percentile,
    data_depth,
    reason_1,
    reason_2,
    reason_3,
    reason_4,
    reason_5,
    exposure_amount,
    expected_loss_amount,
    currency,
    watch_state,
    scored_at
from {{ ref('int_supplier_score') }}
