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
    select distinct
        party_id,
        party_id as group_party_id
    from edges
),

-- Each round hooks every group onto the smallest group it touches and follows the hooks further. Party ids are
-- hashes, so runs of ever smaller neighbours are short and the number of groups falls fast. A test fails where the
-- rounds did not bring both ends of every relation together.
{%- for round in range(1, rounds + 1) %}
hook_{{ round }} as (
    select
        own.group_party_id,
        least(own.group_party_id, min(neighbours.group_party_id)) as target_party_id
    from edges
    inner join group_{{ round - 1 }} as own on edges.party_id = own.party_id
    inner join group_{{ round - 1 }} as neighbours on edges.neighbour_party_id = neighbours.party_id
    group by own.group_party_id
),

{%- for jump in (1, 2) %}
{%- set hooks = 'hook_' ~ round if jump == 1 else 'jump_' ~ round ~ '_1' %}
jump_{{ round }}_{{ jump }} as (
    select
        origins.group_party_id,
        targets.target_party_id
    from {{ hooks }} as origins
    inner join {{ hooks }} as targets on origins.target_party_id = targets.group_party_id
),

{%- endfor %}
group_{{ round }} as (
    select
        members.party_id,
        jumps.target_party_id as group_party_id
    from group_{{ round - 1 }} as members
    inner join jump_{{ round }}_2 as jumps on members.group_party_id = jumps.group_party_id
){{ ',' if not loop.last }}
{%- endfor %}

select
    party_id,
    group_party_id
from group_{{ rounds }}
