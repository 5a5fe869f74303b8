{{ config(tags=['after_scoring']) }}

with history as (
    select
        as_of_date,
        supplier_id,
        watch_state,
        lag(watch_state) over (partition by supplier_id order by as_of_date) as previous_watch_state
    from {{ ref('supplier_score_daily') }}
    where model_role = 'champion'
),

entries as (
    select
        supplier_id,
        max(as_of_date) as since_date,
        max_by(coalesce(previous_watch_state, 'NORMAL'), as_of_date) as previous_watch_state
    from history
    where previous_watch_state is null or previous_watch_state <> watch_state
    group by supplier_id
)

select
    scores.as_of_date,
    scores.supplier_id,
    suppliers.supplier_name,
    scores.watch_state,
    scores.watch_reason,
    entries.since_date,
    entries.previous_watch_state,
    scores.pd_90d,
    scores.grade,
    scores.grade_change,
    scores.data_depth,
    scores.reason_1,
    scores.reason_2,
    scores.reason_3,
    scores.exposure_amount,
    scores.recourse_amount as recourse_exposure_amount,
    scores.expected_loss_amount,
    scores.currency
from {{ ref('int_supplier_score') }} as scores
inner join {{ ref('dim_supplier') }} as suppliers on scores.supplier_id = suppliers.supplier_id
inner join entries on scores.supplier_id = entries.supplier_id
where
    scores.as_of_date = {{ as_of_date() }}
    and scores.model_role = 'champion'
    and scores.watch_state <> 'NORMAL'
    and (suppliers.status <> 'EXITED' or scores.exposure_amount <> 0)
