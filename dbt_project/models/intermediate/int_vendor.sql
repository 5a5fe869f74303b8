with versions as (
    select * from {{ version_intervals(ref('stg_erp__vendor'), ['company_code', 'erp_vendor_no']) }}
)

select
    versions.company_code,
    versions.erp_vendor_no,
    versions.vendor_name,
    links.party_id,
    versions.payment_terms_days,
    versions.is_blocked,
    versions.created_date,
    versions.updated_date,
    {{ common_interval('versions', 'links') }}
from versions
inner join {{ ref('int_party_link') }} as links
    on
        links.record_kind = 'erp.vendor'
        and versions.company_code || ':' || versions.erp_vendor_no = links.record_key
        and {{ overlap('versions', 'links') }}
