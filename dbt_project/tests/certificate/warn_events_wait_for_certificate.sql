{{ config(severity='warn') }}
-- An event is posted once the certificates it names are known. A few wait for a late file; one that waits for longer
-- than a week has lost its certificate to quarantine or a missing file, and the position of its tree is older than it
-- looks.
select
    certificate_event_id,
    certificate_id,
    child_certificate_id,
    known_date
from {{ ref('fct_certificate_event') }}
where posted_date is null and known_date < {{ add_days(as_of_date(), -7) }}
