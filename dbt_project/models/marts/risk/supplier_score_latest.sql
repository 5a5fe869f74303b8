{{ config(tags=['after_scoring']) }}

-- whose promises stand behind what the supplier was financed
with core_enterprises as (
    select
        exposures.supplier_id,
        cast(
            cast(sum(exposures.reporting_amount * grades.grade) as double)
            / cast(nullif(sum(case when grades.grade is not null then exposures.reporting_amount end), 0) as double)
            as decimal(4, 2)
        ) as core_enterprise_grade,
        max(grades.grade) as weakest_core_enterprise_grade
    from {{ ref('exposure_daily') }} as exposures
    inner join {{ ref('core_enterprise_score_daily') }} as grades
        on
            exposures.as_of_date = grades.as_of_date
            and exposures.core_enterprise_id = grades.core_enterprise_id
    where exposures.as_of_date = {{ as_of_date() }} and exposures.reporting_amount > 0
    group by exposures.supplier_id
)

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
    scores.scored_at,
    core_enterprises.core_enterprise_grade,
    core_enterprises.weakest_core_enterprise_grade,
    scores.pd_180d,
    scores.pd_365d,
    scores.next_grade_pd
from {{ ref('supplier_score_daily') }} as scores
inner join {{ ref('dim_supplier') }} as suppliers on scores.supplier_id = suppliers.supplier_id
left join core_enterprises on scores.supplier_id = core_enterprises.supplier_id
where
    scores.as_of_date = {{ as_of_date() }}
    and scores.model_role = 'champion'
