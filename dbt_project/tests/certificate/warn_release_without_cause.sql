{{ config(severity='warn') }}
-- A part was released (repaid to the funder, unfrozen) that no event had financed or frozen. One row follows each
-- event that quarantine refused; more means that the platform's event log has gaps.
select
    certificate_id,
    posted_date,
    financed_amount,
    frozen_amount
from (
    select
        certificate_id,
        posted_date,
        sum(financed_amount) over (
            partition by certificate_id order by posted_date rows between unbounded preceding and current row
        ) as financed_amount,
        sum(frozen_amount) over (
            partition by certificate_id order by posted_date rows between unbounded preceding and current row
        ) as frozen_amount
    from {{ ref('int_certificate_movement') }}
) as totals
where financed_amount < 0 or frozen_amount < 0
