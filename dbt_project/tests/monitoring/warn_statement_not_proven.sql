{{ config(severity='warn') }}
-- A balance that what was booked does not explain. On the demo none is: its banks book every movement of cash. One means
-- that entries of the day are missing, were delivered twice under other references or stand in quarantine, and that the
-- bank features of this account start from a balance that nothing explains; GAP, that a statement is missing.
select
    account_no,
    currency,
    balance_date,
    status,
    difference_amount
from {{ ref('statement_proof') }}
where status in ('BROKEN_SUM', 'BROKEN_CHAIN', 'GAP')
