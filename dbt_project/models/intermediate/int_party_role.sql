with suppliers as (
    select
        party_id,
        min(supplier_id) as supplier_id,
        min(valid_from) as known_date
    from {{ ref('int_supplier') }}
    group by party_id
),

core_enterprises as (
    select
        party_id,
        min(core_enterprise_id) as core_enterprise_id,
        min(valid_from) as known_date
    from {{ ref('int_core_enterprise') }}
    group by party_id
)

select
    coalesce(suppliers.party_id, core_enterprises.party_id) as party_id,
    suppliers.supplier_id,
    suppliers.known_date as supplier_known_date,
    core_enterprises.core_enterprise_id,
    core_enterprises.known_date as core_enterprise_known_date
from suppliers
full join core_enterprises on suppliers.party_id = core_enterprises.party_id
