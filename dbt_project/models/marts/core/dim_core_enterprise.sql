select
    core_enterprise_id,
    party_id,
    party_no,
    party_no_scheme,
    party_name,
    company_code,
    sector_code,
    region_code,
    registered_date,
    programme_start_date,
    status,
    updated_date
from {{ ref('int_core_enterprise') }}
where valid_to is null
