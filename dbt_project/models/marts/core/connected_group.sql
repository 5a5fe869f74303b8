with members as (
    select
        party_id,
        connected_group_id,
        control_group_id,
        count(*) over (partition by connected_group_id) as party_count
    from {{ ref('int_connected_group_daily') }}
    where as_of_date = {{ as_of_date() }}
)

select
    members.party_id,
    members.connected_group_id,
    members.party_count,
    roles.supplier_id,
    roles.core_enterprise_id,
    members.control_group_id
from members
left join {{ ref('int_party_role') }} as roles on members.party_id = roles.party_id
