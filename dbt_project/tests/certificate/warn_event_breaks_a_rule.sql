{{ config(severity='warn') }}
-- An event that the certificate's state did not allow, first known since the last finished night; on a full build all
-- of them. It stands in the ledger as delivered and is the platform's to answer: ask for the event that is missing or
-- for the correction. One row follows each event that quarantine refused.
select
    breach_id,
    rule_id,
    first_known_date,
    explanation
from {{ ref('certificate_event_breach') }}
where
    severity = 'HARD'
    {%- if night_setting('since_date') %}
    and first_known_date > {{ since_date() }}
    {%- endif %}
