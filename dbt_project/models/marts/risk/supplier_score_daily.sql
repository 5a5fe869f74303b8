{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    on_schema_change='append_new_columns',
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
    scored_at,
    pd_180d,
    pd_365d,
    next_grade_pd
from {{ ref('int_supplier_score') }}
