{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

{%- set rounds = 8 %}

with relations as (
    select relations.*
    from {{ ties_of_groups() }} as relations
    inner join {{ snapshot_dates() }} as dates on relations.as_of_date = dates.as_of_date
),

neighbours as (
    select as_of_date, group_kind, from_party_id as party_id, to_party_id as neighbour_party_id from relations
    union
    select as_of_date, group_kind, to_party_id as party_id, from_party_id as neighbour_party_id from relations
),

-- A test fails where the rounds did not bring both ends of every relation together.
{{ groups_of_ties('', 'neighbours', ['as_of_date', 'group_kind'], rounds) }}

select
    as_of_date,
    party_id,
    max(case when group_kind = 'CONNECTED' then group_party_id end) as connected_group_id,
    max(case when group_kind = 'CONTROL' then group_party_id end) as control_group_id
from group_{{ rounds }}
group by as_of_date, party_id
