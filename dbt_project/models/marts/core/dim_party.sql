with names as (
    select party_id, party_name, 1 as preference from {{ ref('int_core_enterprise') }} where valid_to is null
    union all
    select party_id, supplier_name as party_name, 2 as preference from {{ ref('int_supplier') }} where valid_to is null
    union all
    select party_id, vendor_name as party_name, 3 as preference from {{ ref('int_vendor') }} where valid_to is null
),

best_name as (
    select
        party_id,
        party_name
    from names
    qualify row_number() over (partition by party_id order by preference, party_name) = 1
)

select
    identifiers.party_id,
    identifiers.party_no,
    identifiers.party_no_scheme,
    best_name.party_name,
    roles.supplier_id,
    roles.core_enterprise_id,
    groups.group_party_id as connected_group_id,
    identifiers.first_known_date
from {{ ref('int_party_identifier') }} as identifiers
left join best_name on identifiers.party_id = best_name.party_id
left join {{ ref('int_party_role') }} as roles on identifiers.party_id = roles.party_id
left join {{ ref('int_connected_group') }} as groups on identifiers.party_id = groups.party_id
