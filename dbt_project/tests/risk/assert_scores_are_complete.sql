{{ config(tags=['after_scoring']) }}

-- A score is whole or its absence is explained: PD inside (0, 1), grade and first reason where SCORED; a sentence and
-- nothing else where NOT_SCORED.
select
    as_of_date,
    supplier_id,
    model_role,
    status
from {{ ref('supplier_score_daily') }}
where
    (
        status = 'SCORED'
        and not coalesce(
            pd_90d > 0 and pd_90d < 1 and grade is not null and score is not null and reason_1 is not null, false
        )
    )
    or (
        status = 'NOT_SCORED'
        and (not_scored_reason is null or pd_90d is not null or grade is not null or score is not null)
    )
