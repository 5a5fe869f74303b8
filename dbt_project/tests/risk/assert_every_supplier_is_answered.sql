{{ config(meta={'dagster': {'ref': {'name': 'supplier_score_daily'}}}, tags=['after_scoring']) }}

-- Each model role answers for exactly the suppliers of core.dim_supplier on the night: a supplier without a row would
-- be watched by nobody.
with roles as (
    select distinct model_role from {{ ref('supplier_score_daily') }} where as_of_date = {{ as_of_date() }}
),

expected as (
    select
        roles.model_role,
        suppliers.supplier_id
    from roles
    cross join {{ ref('dim_supplier') }} as suppliers
),

answered as (
    select
        model_role,
        supplier_id
    from {{ ref('supplier_score_daily') }}
    where as_of_date = {{ as_of_date() }}
)

select
    expected.model_role,
    expected.supplier_id,
    'not answered' as problem
from expected
left join answered on expected.model_role = answered.model_role and expected.supplier_id = answered.supplier_id
where answered.supplier_id is null
union all
select
    answered.model_role,
    answered.supplier_id,
    'not known' as problem
from answered
left join expected on answered.model_role = expected.model_role and answered.supplier_id = expected.supplier_id
where expected.supplier_id is null
