{#- Common table expressions, for use after `with`: `{{ prefix }}group_<rounds>` names for each party the smallest party
    that it is tied to within the columns `keys`. `edges` has the keys, `party_id` and `neighbour_party_id`, each tie in
    both directions.

    Each round hooks every group onto the smallest group it touches and follows the hooks further. Party ids are hashes,
    so runs of ever smaller neighbours are short and the number of groups falls fast. -#}
{% macro groups_of_ties(prefix, edges, keys, rounds) -%}
    {%- set columns = keys | join(', ') %}
    {{ prefix }}group_0 as (
        select distinct
            {{ columns }},
            party_id,
            party_id as group_party_id
        from {{ edges }}
    )
    {%- for round in range(1, rounds + 1) %},

    {#- Two tables at a time: of three, the engine may join the two that have nothing but the keys in common. #}
    {{ prefix }}near_{{ round }} as (
        select
            {%- for key in keys %}
            ties.{{ key }},
            {%- endfor %}
            ties.party_id,
            min(neighbours.group_party_id) as nearest_party_id
        from {{ edges }} as ties
        inner join {{ prefix }}group_{{ round - 1 }} as neighbours
            on ties.neighbour_party_id = neighbours.party_id {{ same_keys('ties', 'neighbours', keys) }}
        group by {% for key in keys %}ties.{{ key }}, {% endfor %}ties.party_id
    ),

    {{ prefix }}hook_{{ round }} as (
        select
            {%- for key in keys %}
            own.{{ key }},
            {%- endfor %}
            own.group_party_id,
            least(own.group_party_id, min(near.nearest_party_id)) as target_party_id
        from {{ prefix }}near_{{ round }} as near
        inner join {{ prefix }}group_{{ round - 1 }} as own
            on near.party_id = own.party_id {{ same_keys('near', 'own', keys) }}
        group by {% for key in keys %}own.{{ key }}, {% endfor %}own.group_party_id
    ),

    {%- for jump in (1, 2) %}
    {%- set hooks = prefix ~ ('hook_' ~ round if jump == 1 else 'jump_' ~ round ~ '_1') %}

    {{ prefix }}jump_{{ round }}_{{ jump }} as (
        select
            {%- for key in keys %}
            origins.{{ key }},
            {%- endfor %}
            origins.group_party_id,
            targets.target_party_id
        from {{ hooks }} as origins
        inner join {{ hooks }} as targets
            on origins.target_party_id = targets.group_party_id {{ same_keys('origins', 'targets', keys) }}
    ),
    {%- endfor %}

    {{ prefix }}group_{{ round }} as (
        select
            {%- for key in keys %}
            members.{{ key }},
            {%- endfor %}
            members.party_id,
            jumps.target_party_id as group_party_id
        from {{ prefix }}group_{{ round - 1 }} as members
        inner join {{ prefix }}jump_{{ round }}_2 as jumps
            on members.group_party_id = jumps.group_party_id {{ same_keys('members', 'jumps', keys) }}
    )
    {%- endfor %}
{%- endmacro %}

{#- Join condition, after another: both sides have the same values of the columns `keys`. -#}
{% macro same_keys(one, other, keys) -%}
    {% for key in keys %}and {{ one }}.{{ key }} = {{ other }}.{{ key }} {% endfor %}
{%- endmacro %}

{#- Subselect: the ties by which groups are made, once for each kind of group. CONTROL is what one will directs;
    CONNECTED are all who would fall together, with whom they guarantee, depend on or share an address. -#}
{% macro ties_of_groups() -%}
    (
        select
            relations.as_of_date,
            kinds.group_kind,
            relations.from_party_id,
            relations.to_party_id
        from {{ ref('int_connecting_relation_daily') }} as relations
        inner join (select 'CONTROL' as group_kind union all select 'CONNECTED' as group_kind) as kinds
            on kinds.group_kind = 'CONNECTED' or relations.basis = 'CONTROL'
    )
{%- endmacro %}
