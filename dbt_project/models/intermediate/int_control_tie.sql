{#- Each round doubles the length of the chains. -#}
{%- set rounds = 2 %}

with relations as (
    select
        relation_id,
        from_party_no,
        from_party_no_scheme,
        to_party_no,
        to_party_no_scheme,
        valid_from as first_date,
        coalesce(valid_to, cast('9999-12-31' as date)) as end_date,
        known_date
    from {{ latest_version(ref('stg_platform__party_relation'), ['relation_id']) }} as latest
    where
        relation_type = 'OFFICER'
        or (relation_type = 'SHAREHOLDER' and share_ratio >= {{ rule_value('connected_min_share_ratio') }})
),

stated as (
    select
        from_numbers.party_id,
        to_numbers.party_id as other_party_id,
        relations.first_date,
        relations.end_date,
        greatest(relations.known_date, from_numbers.valid_from, to_numbers.valid_from) as known_date
    from relations
    inner join {{ ref('int_party_number') }} as from_numbers
        on
            relations.from_party_no = from_numbers.party_no
            and relations.from_party_no_scheme = from_numbers.party_no_scheme
            and from_numbers.valid_to is null
    inner join {{ ref('int_party_number') }} as to_numbers
        on
            relations.to_party_no = to_numbers.party_no
            and relations.to_party_no_scheme = to_numbers.party_no_scheme
            and to_numbers.valid_to is null
    where from_numbers.party_id <> to_numbers.party_id
),

chains_0 as (
    select party_id, other_party_id, first_date, end_date, min(known_date) as known_date
    from (
        select party_id, other_party_id, first_date, end_date, known_date from stated
        union all
        select other_party_id as party_id, party_id as other_party_id, first_date, end_date, known_date from stated
    ) as ties
    group by party_id, other_party_id, first_date, end_date
)
{%- for round in range(1, rounds + 1) %},

chains_{{ round }} as (
    select party_id, other_party_id, first_date, end_date, min(known_date) as known_date
    from (
        select party_id, other_party_id, first_date, end_date, known_date from chains_{{ round - 1 }}
        union all
        select
            chains.party_id,
            further.other_party_id,
            greatest(chains.first_date, further.first_date) as first_date,
            least(chains.end_date, further.end_date) as end_date,
            greatest(chains.known_date, further.known_date) as known_date
        from chains_{{ round - 1 }} as chains
        inner join chains_{{ round - 1 }} as further
            on
                chains.other_party_id = further.party_id
                and chains.party_id <> further.other_party_id
                and chains.first_date < further.end_date
                and further.first_date < chains.end_date
    ) as longer
    group by party_id, other_party_id, first_date, end_date
)
{%- endfor %}

select
    party_id,
    other_party_id,
    first_date,
    end_date,
    known_date
from chains_{{ rounds }}
