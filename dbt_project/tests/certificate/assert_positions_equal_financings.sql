{{ config(meta={'dagster': {'ref': {'name': 'certificate_position'}}}) }}

-- What the platform's events say is financed of a certificate is what its financings have outstanding. The two come in
-- files of their own, so a difference may stand for reconciliation_grace_days from the day on which either side last
-- moved; one that stands longer means that an event, a financing or a repayment is lost.
with positions as (
    select
        certificate_id,
        financed_amount,
        valid_from
    from {{ ref('int_certificate_position_interval') }}
    where valid_to is null
),

financings as (
    select
        certificate_id,
        sum(outstanding_amount) as outstanding_amount,
        max(valid_from) as valid_from
    from {{ ref('int_financing_interval') }}
    where valid_to is null
    group by certificate_id
)

select
    coalesce(positions.certificate_id, financings.certificate_id) as certificate_id,
    positions.financed_amount,
    financings.outstanding_amount
from positions
full join financings on positions.certificate_id = financings.certificate_id
where
    coalesce(positions.financed_amount, 0) <> coalesce(financings.outstanding_amount, 0)
    and {{ days_between(
        'greatest(coalesce(positions.valid_from, financings.valid_from), '
        ~ 'coalesce(financings.valid_from, positions.valid_from))', as_of_date()
    ) }} >= {{ rule_value('reconciliation_grace_days') }}
