{{ config(meta={'dagster': {'ref': {'name': 'int_financing_interval'}}}) }}

-- Across all funders, at no time is more of a certificate financed than its face, by the financing ledger as by the
-- platform's events; and what was split or transferred was not financed.
with financings as (
    select
        certificate_id,
        valid_from as change_date,
        outstanding_amount - coalesce(lag(outstanding_amount) over (partition by financing_id order by valid_from), 0)
            as amount
    from {{ ref('int_financing_interval') }}
),

outstanding as (
    select
        certificate_id,
        change_date,
        sum(sum(amount)) over (partition by certificate_id order by change_date) as amount
    from financings
    group by certificate_id, change_date
),

events as (
    select
        certificate_id,
        posted_date,
        sum(opened_amount - passed_on_amount) over (
            partition by certificate_id order by posted_date rows between unbounded preceding and current row
        ) as kept_amount,
        sum(financed_amount) over (
            partition by certificate_id order by posted_date rows between unbounded preceding and current row
        ) as financed_amount
    from {{ ref('int_certificate_movement') }}
)

select
    outstanding.certificate_id,
    outstanding.change_date,
    outstanding.amount as financed_amount,
    certificates.face_amount
from outstanding
inner join {{ ref('int_certificate') }} as certificates on outstanding.certificate_id = certificates.certificate_id
where outstanding.amount > certificates.face_amount and certificates.withdrawn_date is null
union all
select
    certificate_id,
    posted_date as change_date,
    financed_amount,
    kept_amount as face_amount
from events
where financed_amount > 0 and financed_amount > kept_amount
