{{ config(severity='warn') }}
-- Books were delivered under a company code of which the platform knows no core enterprise: its master is late, or the
-- code is wrong. The payables are in every figure, under a key of their own; no limit and no score reaches them until
-- the master names the code.
select
    core_enterprise_id,
    company_code,
    currency,
    count(*) as receivable_count,
    sum(open_amount) as open_amount
from {{ ref('fct_receivable') }}
where core_enterprise_id like 'UNKNOWN:%'
group by core_enterprise_id, company_code, currency
