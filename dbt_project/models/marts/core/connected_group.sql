with sizes as (
    select
        group_party_id,
        count(*) as party_count
    from {{ ref('int_connected_group') }}
    group by group_party_id
)

select
    members.party_id,
    members.group_party_id as connected_group_id,
    sizes.party_count,
    roles.supplier_id,
    roles.core_enterprise_id
from {{ ref('int_connected_group') }} as members
inner join sizes on members.group_party_id = sizes.group_party_id
left join {{ ref('int_party_role') }} as roles on members.party_id = roles.party_id
