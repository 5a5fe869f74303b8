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
    on
        rules.rule_id = 'tenor_cap_days'
        and certificates.issue_date >= rules.valid_from
        and (rules.valid_to is null or certificates.issue_date < rules.valid_to)
where
    certificates.parent_certificate_id is null
    and {{ days_between('certificates.issue_date', 'certificates.due_date') }} > rules.value
