{{ config(tags=['after_scoring']) }}

-- Reasons are exact: base value and contributions give the raw score. 1e-6 in log-odds leaves room for the summation of
-- doubles (observed: below 1e-12); more means that the reasons belong to another model than the score.
select
    as_of_date,
    supplier_id,
    model_role,
    raw_score,
    contribution_sum
from {{ ref('int_supplier_score') }}
where
    status = 'SCORED'
    and (contribution_sum is null or raw_score is null or abs(contribution_sum - raw_score) > 0.000001)
