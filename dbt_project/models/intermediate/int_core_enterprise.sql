with versions as (
    select * from {{ version_intervals(ref('stg_platform__core_enterprise'), ['core_enterprise_id']) }}
)

select
    versions.core_enterprise_id,
    links.party_id,
    versions.party_no,
    versions.party_no_scheme,
    versions.party_name,
    versions.company_code,
    versions.sector_code,
    versions.region_code,
    versions.registered_date,
    versions.programme_start_date,
    versions.status,
    versions.updated_date,
    {{ common_interval('versions', 'links') }}
from versions
inner join {{ ref('int_party_link') }} as links
    on
        links.record_kind = 'platform.core_enterprise'
        and versions.core_enterprise_id = links.record_key
        and {{ overlap('versions', 'links') }}
