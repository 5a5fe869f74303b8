with accounts as (
    select
        account_no,
        {{ party_id('holder_no_scheme', 'holder_no') }} as party_id
    from {{ latest_version(ref('stg_bank__account'), ['account_no']) }}
)

select
    accounts.account_no,
    accounts.party_id,
    roles.supplier_id,
    roles.core_enterprise_id
from accounts
left join {{ ref('int_party_role') }} as roles on accounts.party_id = roles.party_id
