with numbers as (
    select
        number_party_id as party_id,
        min(party_no) as party_no,
        min(party_no_scheme) as party_no_scheme,
        min(first_known_date) as first_known_date,
        max(case when valid_to is null then party_id end) as current_party_id
    from {{ ref('int_party_number') }}
    group by number_party_id
),

-- A record without number is a party of its own until it is matched; its identifier stays and names the successor.
records as (
    select
        record_party_id as party_id,
        cast(null as string) as party_no,
        cast(null as string) as party_no_scheme,
        min(valid_from) as first_known_date,
        max(case when valid_to is null then party_id end) as current_party_id
    from {{ ref('int_party_link') }}
    group by record_party_id
    having max(case when party_id = record_party_id then 1 else 0 end) = 1
),

parties as (
    select * from numbers
    union all
    select * from records
),

names as (
    select
        links.party_id,
        states.party_name,
        case links.record_kind
            when 'platform.core_enterprise' then 1
            when 'platform.supplier' then 2
            when 'tax.taxpayer' then 3
            when 'erp.vendor' then 4
            else 5
        end as preference
    from {{ ref('int_party_link') }} as links
    inner join {{ ref('int_party_state') }} as states
        on
            links.record_kind = states.record_kind
            and links.record_key = states.record_key
            and states.valid_to is null
    where links.valid_to is null
),

best_name as (
    select
        party_id,
        party_name
    from names
    qualify row_number() over (partition by party_id order by preference, party_name) = 1
)

select
    parties.party_id,
    parties.party_no,
    parties.party_no_scheme,
    best_name.party_name,
    roles.supplier_id,
    roles.core_enterprise_id,
    groups.connected_group_id,
    nullif(parties.current_party_id, parties.party_id) as succeeded_by_party_id,
    parties.first_known_date
from parties
left join best_name on parties.party_id = best_name.party_id
left join {{ ref('int_party_role') }} as roles on parties.party_id = roles.party_id
left join {{ ref('int_connected_group_daily') }} as groups
    on parties.party_id = groups.party_id and groups.as_of_date = {{ as_of_date() }}
