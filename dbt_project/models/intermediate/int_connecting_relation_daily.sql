{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

{%- set address_rounds = 4 %}

with dates as (
    {{ snapshot_dates_with(['connected_min_share_ratio', 'connect_by_address', 'address_cluster_max']) }}
),

stated as (
    select
        relation_id,
        from_party_no,
        from_party_no_scheme,
        to_party_no,
        to_party_no_scheme,
        relation_type,
        share_ratio,
        valid_from as first_date,
        valid_to as end_date,
        known_date,
        batch_date,
        file_id,
        row_no
    from {{ ref('stg_platform__party_relation') }}
),

relations as (
    select
        dates.as_of_date,
        dates.address_cluster_max,
        from_numbers.party_id as from_party_id,
        to_numbers.party_id as to_party_id,
        case
            when versions.relation_type in ('SHAREHOLDER', 'OFFICER') then 'CONTROL'
            when versions.relation_type in ('GUARANTOR', 'DEPENDENCE') then 'ECONOMIC'
            else 'ADDRESS'
        end as basis
    from dates
    inner join {{ version_intervals('stated', ['relation_id']) }} as versions
        on
            {{ valid_on('versions', 'dates.as_of_date') }}
            and versions.first_date <= dates.as_of_date
            and (versions.end_date is null or versions.end_date > dates.as_of_date)
    inner join {{ ref('int_party_number') }} as from_numbers
        on
            versions.from_party_no = from_numbers.party_no
            and versions.from_party_no_scheme = from_numbers.party_no_scheme
            and {{ valid_on('from_numbers', 'dates.as_of_date') }}
    inner join {{ ref('int_party_number') }} as to_numbers
        on
            versions.to_party_no = to_numbers.party_no
            and versions.to_party_no_scheme = to_numbers.party_no_scheme
            and {{ valid_on('to_numbers', 'dates.as_of_date') }}
    where
        versions.relation_type in ('OFFICER', 'GUARANTOR', 'DEPENDENCE')
        or (versions.relation_type = 'SHAREHOLDER' and versions.share_ratio >= dates.connected_min_share_ratio)
        or (versions.relation_type = 'ADDRESS' and dates.connect_by_address = 1)
),

neighbours as (
    select as_of_date, from_party_id as party_id, to_party_id as neighbour_party_id from relations
    where basis = 'ADDRESS'
    union
    select as_of_date, to_party_id as party_id, from_party_id as neighbour_party_id from relations
    where basis = 'ADDRESS'
),

{{ groups_of_ties('address_', 'neighbours', ['as_of_date'], address_rounds) }},

clusters as (
    select
        as_of_date,
        party_id,
        count(*) over (partition by as_of_date, group_party_id) as party_count
    from address_group_{{ address_rounds }}
)

-- Who shares an address with many, as in an office tower, is not tied to them by it.
select distinct
    relations.as_of_date,
    relations.from_party_id,
    relations.to_party_id,
    relations.basis
from relations
left join clusters
    on
        relations.basis = 'ADDRESS'
        and relations.as_of_date = clusters.as_of_date
        and relations.from_party_id = clusters.party_id
where relations.basis <> 'ADDRESS' or clusters.party_count <= relations.address_cluster_max
