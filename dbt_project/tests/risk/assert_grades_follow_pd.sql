{{ config(tags=['after_scoring']) }}

-- On a night, no supplier of a better grade has a higher PD than one of a worse grade.
with grades as (
    select
        as_of_date,
        model_role,
        grade,
        min(pd_90d) as lowest_pd,
        max(pd_90d) as highest_pd
    from {{ ref('supplier_score_daily') }}
    where status = 'SCORED'
    group by as_of_date, model_role, grade
)

select
    better.as_of_date,
    better.model_role,
    better.grade as better_grade,
    worse.grade as worse_grade
from grades as better
inner join grades as worse
    on
        better.as_of_date = worse.as_of_date
        and better.model_role = worse.model_role
        and better.grade < worse.grade
where better.highest_pd > worse.lowest_pd
