with versions as (
    select * from {{ version_intervals(ref('stg_erp__vendor'), ['company_code', 'erp_vendor_no']) }}
)

select
    company_code,
    erp_vendor_no,
    vendor_name,
    {{ party_id('party_no_scheme', 'party_no') }} as party_id,
    payment_terms_days,
    is_blocked,
    created_date,
    updated_date,
    valid_from,
    valid_to
from versions
