select
    links.record_key as account_no,
    links.party_id,
    roles.supplier_id,
    roles.core_enterprise_id
from {{ ref('int_party_link') }} as links
left join {{ ref('int_party_role') }} as roles on links.party_id = roles.party_id
where links.record_kind = 'bank.account' and links.valid_to is null
