with versions as (
    select * from {{ version_intervals(ref('stg_platform__core_enterprise'), ['core_enterprise_id']) }}
)

select
    core_enterprise_id,
    {{ party_id('party_no_scheme', 'party_no') }} as party_id,
    party_no,
    party_no_scheme,
    party_name,
    company_code,
    sector_code,
    region_code,
    registered_date,
    programme_start_date,
    status,
    updated_date,
    valid_from,
    valid_to
from versions
