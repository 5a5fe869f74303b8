{%- set rounds = 8 %}

with relations as (
    select * from {{ ref('int_connecting_relation') }}
),

edges as (
    select
        from_party_id as party_id,
        to_party_id as neighbour_party_id
    from relations
    union
    select
        to_party_id as party_id,
        from_party_id as neighbour_party_id
    from relations
),

group_0 as (
    select
        party_id,
        least(party_id, min(neighbour_party_id)) as group_party_id
    from edges
    group by party_id
),

-- Each round takes the smallest party of the neighbours' groups and then that party's own group, so that the reach
-- doubles: a test fails where {{ rounds }} rounds did not bring both ends of every relation together.
{%- for round in range(1, rounds + 1) %}
nearest_{{ round }} as (
    select
        edges.party_id,
        least(min(own.group_party_id), min(neighbours.group_party_id)) as group_party_id
    from edges
    inner join group_{{ round - 1 }} as own on edges.party_id = own.party_id
    inner join group_{{ round - 1 }} as neighbours on edges.neighbour_party_id = neighbours.party_id
    group by edges.party_id
),

group_{{ round }} as (
    select
        nearest_{{ round }}.party_id,
        least(nearest_{{ round }}.group_party_id, jump.group_party_id) as group_party_id
    from nearest_{{ round }}
    inner join nearest_{{ round }} as jump on nearest_{{ round }}.group_party_id = jump.party_id
){{ ',' if not loop.last }}
{%- endfor %}

select
    party_id,
    group_party_id
from group_{{ rounds }}
