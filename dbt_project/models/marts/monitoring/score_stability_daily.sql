{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

with scores as (
    select
        as_of_date,
        model_role,
        model_version,
        supplier_id,
        status,
        pd_90d,
        grade,
        grade_change,
        previous_pd_90d,
        -- a mean of doubles depends on the order of rows in its last bits, and a rerun must not
        cast(pd_90d as decimal(18, 8)) as exact_pd_90d,
        cast(previous_pd_90d as decimal(18, 8)) as exact_previous_pd_90d
    from {{ ref('int_supplier_score') }}
),

totals as (
    select
        as_of_date,
        model_role,
        max(model_version) as model_version,
        count(*) as supplier_count,
        sum(case when status = 'SCORED' then 1 else 0 end) as scored_count,
        sum(case when grade_change is not null then 1 else 0 end) as compared_count,
        avg(exact_pd_90d) as mean_pd_90d,
        avg(case when previous_pd_90d is not null then exact_pd_90d end) as compared_mean_pd_90d,
        avg(case when pd_90d is not null then exact_previous_pd_90d end) as previous_mean_pd_90d,
        sum(case when grade_change > 0 then 1 else 0 end) as downgraded_count,
        sum(case when grade_change < 0 then 1 else 0 end) as upgraded_count
    from scores
    group by as_of_date, model_role
),

grades as (
    {%- for grade in range(1, 11) %}
    select {{ grade }} as grade
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

shares as (
    select
        totals.as_of_date,
        totals.model_role,
        grades.grade,
        (sum(case when scores.grade = grades.grade then 1 else 0 end) + 0.5) / (totals.compared_count + 5.0) as share,
        (sum(case when scores.grade - scores.grade_change = grades.grade then 1 else 0 end) + 0.5)
        / (totals.compared_count + 5.0) as previous_share
    from totals
    cross join grades
    inner join scores on totals.as_of_date = scores.as_of_date and totals.model_role = scores.model_role
    where scores.grade_change is not null
    group by totals.as_of_date, totals.model_role, grades.grade, totals.compared_count
),

stability as (
    select
        as_of_date,
        model_role,
        sum(
            (cast(share as double) - cast(previous_share as double))
            * ln(cast(share as double) / cast(previous_share as double))
        )
            as grade_psi
    from shares
    group by as_of_date, model_role
)

select
    totals.as_of_date,
    totals.model_role,
    totals.model_version,
    totals.supplier_count,
    cast(totals.scored_count as bigint) as scored_count,
    cast(totals.compared_count as bigint) as compared_count,
    cast(totals.mean_pd_90d as double) as mean_pd_90d,
    cast(totals.compared_mean_pd_90d as double) as compared_mean_pd_90d,
    cast(totals.previous_mean_pd_90d as double) as previous_mean_pd_90d,
    cast(totals.downgraded_count as bigint) as downgraded_count,
    cast(totals.upgraded_count as bigint) as upgraded_count,
    round(stability.grade_psi, 12) as grade_psi
from totals
left join stability on totals.as_of_date = stability.as_of_date and totals.model_role = stability.model_role
