{{ config(meta={'dagster': {'ref': {'name': 'int_connected_group_daily'}}}) }}

-- Both ends of a relation that connects are in one group, of either kind. A failure means that a chain of parties is
-- longer than the rounds of int_connected_group_daily reach: raise their number.
select
    ties.as_of_date,
    ties.group_kind,
    ties.from_party_id,
    ties.to_party_id
from {{ ties_of_groups() }} as ties
left join {{ ref('int_connected_group_daily') }} as origins
    on ties.as_of_date = origins.as_of_date and ties.from_party_id = origins.party_id
left join {{ ref('int_connected_group_daily') }} as targets
    on ties.as_of_date = targets.as_of_date and ties.to_party_id = targets.party_id
where
    ties.as_of_date = {{ as_of_date() }}
    and case
        when ties.group_kind = 'CONNECTED'
            then origins.connected_group_id is distinct from targets.connected_group_id
        else origins.control_group_id is distinct from targets.control_group_id
    end
