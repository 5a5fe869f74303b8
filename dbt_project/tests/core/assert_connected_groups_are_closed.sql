{{ config(meta={'dagster': {'ref': {'name': 'int_connected_group'}}}) }}

-- Both ends of a relation that connects are in one group. A failure means that a chain of parties is longer than the
-- rounds of int_connected_group reach: raise their number.
select
    relations.from_party_id,
    relations.to_party_id
from {{ ref('int_connecting_relation') }} as relations
inner join {{ ref('int_connected_group') }} as origins on relations.from_party_id = origins.party_id
inner join {{ ref('int_connected_group') }} as targets on relations.to_party_id = targets.party_id
where origins.group_party_id <> targets.group_party_id
