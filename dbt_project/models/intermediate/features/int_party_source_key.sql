select
    case when record_kind = 'erp.vendor' then 'ERP_VENDOR' else 'BANK_ACCOUNT' end as key_kind,
    record_key as source_key,
    party_id,
    valid_from,
    valid_to
from {{ ref('int_party_link') }}
where record_kind in ('erp.vendor', 'bank.account')
