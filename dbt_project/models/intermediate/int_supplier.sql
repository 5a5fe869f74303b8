with versions as (
    select * from {{ version_intervals(ref('stg_platform__supplier'), ['supplier_id']) }}
)

select
    versions.supplier_id,
    links.party_id,
    versions.party_no,
    versions.party_no_scheme,
    versions.supplier_name,
    versions.sector_code,
    versions.region_code,
    versions.size_class,
    versions.registered_date,
    versions.registered_capital_amount,
    versions.paid_in_capital_amount,
    versions.currency,
    versions.insured_headcount,
    versions.address,
    versions.kyc_date,
    versions.onboarded_date,
    versions.has_bank_authorisation,
    versions.has_tax_authorisation,
    versions.status,
    versions.status_date,
    versions.updated_date,
    {{ common_interval('versions', 'links') }}
from versions
inner join {{ ref('int_party_link') }} as links
    on
        links.record_kind = 'platform.supplier'
        and versions.supplier_id = links.record_key
        and {{ overlap('versions', 'links') }}
