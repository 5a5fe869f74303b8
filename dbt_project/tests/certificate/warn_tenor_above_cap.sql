{{ config(meta={'dagster': {'ref': {'name': 'int_certificate'}}}, severity='warn') }}
-- A promise runs no longer than the cap valid at its issue. A breach is the platform's to answer, so the night goes
-- on.
select
    certificates.certificate_id,
    certificates.issue_date,
    certificates.due_date,
    rules.value as tenor_cap_days
from {{ ref('int_certificate') }} as certificates
inner join {{ ref('rule_parameter') }} as rules
    on {{ rule_in_force('rules', 'tenor_cap_days', 'certificates.issue_date') }}
where
    certificates.parent_certificate_id is null
    and {{ days_between('certificates.issue_date', 'certificates.due_date') }} > rules.value
