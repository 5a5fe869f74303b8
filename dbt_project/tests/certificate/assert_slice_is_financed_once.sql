{{ config(meta={'dagster': {'ref': {'name': 'int_financing_interval'}}}) }}

-- Across all funders no more of a certificate is financed than its face, by the financing ledger as by the platform's
-- events; and what was split or transferred is not financed. Each night looks at what stands: a file that comes late
-- may make one red, and its coming green again.
with outstanding as (
    select
        certificate_id,
        sum(outstanding_amount) as financed_amount
    from {{ ref('int_financing_interval') }}
    where valid_to is null
    group by certificate_id
),

events as (
    select
        certificate_id,
        sum(financed_amount) as financed_amount,
        sum(opened_amount - passed_on_amount) as kept_amount
    from {{ ref('int_certificate_movement') }}
    group by certificate_id
)

select
    outstanding.certificate_id,
    outstanding.financed_amount,
    certificates.face_amount as kept_amount
from outstanding
inner join {{ ref('int_certificate') }} as certificates on outstanding.certificate_id = certificates.certificate_id
where outstanding.financed_amount > certificates.face_amount and certificates.withdrawn_date is null
union all
select
    certificate_id,
    financed_amount,
    kept_amount
from events
where financed_amount > 0 and financed_amount > kept_amount
