select
    'ERP_VENDOR' as key_kind,
    company_code || ':' || erp_vendor_no as source_key,
    {{ party_id('party_no_scheme', 'party_no') }} as party_id,
    valid_from,
    valid_to
from {{ version_intervals(ref('stg_erp__vendor'), ['company_code', 'erp_vendor_no']) }}
where party_no is not null
union all
select
    'BANK_ACCOUNT' as key_kind,
    account_no as source_key,
    {{ party_id('holder_no_scheme', 'holder_no') }} as party_id,
    valid_from,
    valid_to
from {{ version_intervals(ref('stg_bank__account'), ['account_no']) }}
where holder_no is not null
